"""The terminal for the lines of `finetone run`; what jobs and Snakemake print goes into the log."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import TextIO


class Streams:
    """Standard output and error of this process and its children, taken away from the terminal.

    Attributes
    ----------
    terminal
        Writes where standard error wrote.
    live
        Whether that is a terminal in which lines can be written anew.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._kept = {number: os.dup(number) for number in (1, 2)}
        self.terminal: TextIO = os.fdopen(
            os.dup(2), "w", encoding=sys.stderr.encoding or "utf-8", errors="replace"
        )
        self.live = self.terminal.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def into(self, log: Path) -> None:
        """Append to `log` what is printed from now on."""
        sys.stdout.flush()
        sys.stderr.flush()
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        for number in self._kept:
            os.dup2(descriptor, number)
        os.close(descriptor)

    def restore(self) -> None:
        """Print to the terminal again."""
        sys.stdout.flush()
        sys.stderr.flush()
        for number, kept in self._kept.items():
            os.dup2(kept, number)

    def __enter__(self) -> "Streams":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.restore()
        for kept in self._kept.values():
            os.close(kept)
        self.terminal.close()
