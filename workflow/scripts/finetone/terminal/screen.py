"""Lines that stay, and below them, on a terminal, lines that are written anew."""

import contextlib
import os
from collections.abc import Sequence
from typing import TextIO

from finetone.plots.fitting import columns, one_line

UP_AND_CLEAR = "\x1b[{rows}A\x1b[J"  # the cursor some rows up, and nothing below it


def fitted(text: str, most: int) -> str:
    """The beginning of `text`, on one line, that takes at most `most` columns."""
    text = one_line(text)
    if columns(text) <= most:
        return text
    kept = 0
    while columns(text[: kept + 1]) < most:
        kept += 1
    return f"{text[:kept].rstrip()}…"


class Screen:
    """Write to a terminal or to a file.

    Parameters
    ----------
    stream
        Where to.
    live
        Whether lines can be written anew.
    """

    def __init__(self, stream: TextIO, live: bool) -> None:
        self.stream, self.live = stream, live
        self._drawn: list[str] = []

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        width, rows = 200, 50
        if self.live:
            with contextlib.suppress(OSError):
                width, rows = os.get_terminal_size(self.stream.fileno())
        return max(width, 20), max(rows, 4)

    def say(self, text: str) -> None:
        """Write lines that stay."""
        self._write(self._clear() + text + "\n" + self._below())

    def draw(self, lines: Sequence[str]) -> None:
        """Write the lines at the bottom anew; nothing unless the screen is live."""
        if self.live:
            most = self.size[0] - 1
            start = self._clear()
            self._drawn = [fitted(line, most) for line in lines]
            self._write(start + self._below())

    def _clear(self) -> str:
        # a narrower window has broken the lines that were drawn
        width = self.size[0]
        rows = sum(max(-(-columns(line) // width), 1) for line in self._drawn)
        return UP_AND_CLEAR.format(rows=rows) if rows else ""

    def _below(self) -> str:
        return "".join(f"{line}\n" for line in self._drawn)

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):  # the terminal is gone; the run goes on
            self.live = False
