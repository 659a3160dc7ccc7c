"""The decoded lines of a table, and the one sentence about a line that is malformed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, NoReturn

from finetone.data import limits
from finetone.errors import UserError, did_you_mean

Header = list[str]


class Lines:
    r"""The lines of a table, decoded; none of them, and not their sum, longer than allowed.

    Only b"\n" ends a line, so numbers match any editor's.
    """

    def __init__(self, stream: IO[bytes], name: str, packed: int) -> None:
        self.raw, self.name, self.packed = stream, name, packed
        self.record = 0  # bytes since a reader said that a row had ended

    def __iter__(self) -> Iterator[str]:
        name, size, blank, number = self.name, 0, 0, 0
        most = limits.most(self.packed)
        while raw := self.raw.readline(limits.MAX_RECORD + 1):
            number += 1
            size += len(raw)
            self.record += len(raw)
            if size > most:
                limits.check_size(size, self.packed, name)
            if self.record > limits.MAX_RECORD:
                refuse(name, number, f"is longer than {limits.MAX_RECORD >> 20} MB, or never ends")
            if b"\0" in raw:
                refuse(name, number, "holds a NUL byte; save the file as UTF-8 text")
            blank = blank + 1 if len(raw) < 3 and raw.isspace() else 0
            if blank > limits.MAX_BLANK:
                refuse(name, number, f"follows {limits.MAX_BLANK:,} blank lines; remove them")
            try:
                yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                byte = raw[error.start]
                refuse(name, number, f"is not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8")


def column_places(header: Header, place: str, columns: Sequence[str]) -> dict[str, int]:
    """Index of every wanted column; refuses a header in which a name is given twice."""
    limits.check_columns(len(header), place)
    for column, count in Counter(header).items():
        if column and count > 1:
            raise UserError(f"{place}: the header has {column[:40]!r} twice")
    for column in columns:
        if column not in header:
            raise UserError(f"{place}: no column {column!r}{hint(column, header)}")
    return {column: header.index(column) for column in columns}


def hint(wanted: str, known: Iterable[str]) -> str:
    names = [name[:40] for name in islice(known, 1000)]
    shown = ", ".join(map(repr, names[:12]))
    return did_you_mean(wanted, names, f"there are {shown}" if shown else "")


def refuse(name: str, line: int, what: str) -> NoReturn:
    raise UserError(f"{name}, line {line}: {what}")
