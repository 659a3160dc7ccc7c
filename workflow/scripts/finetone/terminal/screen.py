"""Lines that stay, and below them, on a terminal, lines that are written anew."""

import contextlib
import os
import unicodedata
from collections.abc import Sequence
from typing import TextIO

from finetone.plots.drawing.fitting import columns

UP_AND_CLEAR = "\x1b[{rows}A\x1b[J"  # the cursor some rows up, and nothing below it


def fitted(text: str, most: int) -> str:
    """The beginning of `text` that takes at most `most` columns."""
    if columns(text) <= most:
        return text
    kept = 0
    while columns(text[: kept + 1]) < most:
        kept += 1
    return f"{text[:kept].rstrip()}…"


def printable(text: str) -> str:
    """`text` without characters that move the cursor or change how the terminal writes."""
    return "".join(c if c == "\n" or unicodedata.category(c) != "Cc" else " " for c in text)


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
        width, rows = 0, 0
        if self.live:
            with contextlib.suppress(OSError):
                width, rows = os.get_terminal_size(self.stream.fileno())
        return max(width or 80, 20), max(rows or 24, 4)

    def say(self, text: str) -> None:
        """Write lines that stay."""
        self._write(self._clear() + printable(text) + "\n" + self._below())

    def draw(self, lines: Sequence[str]) -> None:
        """Write the lines at the bottom anew; nothing unless the screen is live."""
        if self.live:
            most = self.size[0] - 1
            start = self._clear()
            self._drawn = [fitted(printable(line), most) for line in lines]
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
