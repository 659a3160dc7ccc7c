"""How far labelling is, and what is left of it."""

import sys
import time
from collections.abc import Callable, Iterator
from queue import Queue
from threading import Thread
from typing import Any, TypeVar

SECONDS = 20.0  # between two lines, where they stay
LIVE = 0.5  # between two, where one overwrites the other

T = TypeVar("T")


class Progress:
    """Tells rows done, rate and time left.

    Parameters
    ----------
    tell
        Is called with a line of text; on a terminal it overwrites the one before.
    seconds
        Between two lines, at least.
    """

    def __init__(self, tell: Callable[[str], None], seconds: float) -> None:
        self._tell, self._seconds = tell, seconds
        self._start = self._last = time.monotonic()
        self._first = 0.0  # share that was done before
        self._rows = 0

    def skip(self, share: float) -> None:
        """What follows, at `share` of the input, is the first that takes time."""
        self._first, self._start = share, time.monotonic()

    def update(self, rows: int, labelled: int, share: float) -> None:
        """Tell that `rows` are done, `labelled` of them just now, and so `share` of the input."""
        self._rows += labelled
        now = time.monotonic()
        if now - self._last < self._seconds:
            return
        self._last = now
        spent = max(now - self._start, 1e-9)
        line = f"{rows:,} rows"
        if share > self._first:
            left = spent * (1 - share) / (share - self._first)
            line += f" ({100 * share:.0f} %), {self._rows / spent:,.0f} texts/s, {_time(left)} left"
        self._tell(line)

    def close(self) -> None:
        """Clear the line, where one overwrites the other."""
        if self._seconds == LIVE:
            self._tell("")


def for_terminal() -> Progress:
    """Progress on standard error: one line where it is a terminal, else a line now and then."""
    if sys.stderr.isatty():
        return Progress(lambda line: print(f"\r\033[K{line}", end="", file=sys.stderr), LIVE)
    return Progress(lambda line: print(line, file=sys.stderr, flush=True), SECONDS)


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items; a thread gets the next one while the last one is worked on."""
    queue: Queue[tuple[Any, BaseException | None, bool]] = Queue(maxsize=1)
    stopped = False

    def fill() -> None:
        try:
            for item in items:
                queue.put((item, None, False))
                if stopped:
                    return
            queue.put((None, None, True))
        except BaseException as error:
            queue.put((None, error, True))

    thread = Thread(target=fill, daemon=True)
    thread.start()
    try:
        while True:
            item, error, ended = queue.get()
            if error is not None:
                raise error
            if ended:
                return
            yield item
    finally:
        stopped = True
        while thread.is_alive():  # it waits for room
            if not queue.empty():
                queue.get()
            thread.join(0.01)


def _time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
