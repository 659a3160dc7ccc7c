"""The decoded lines of a table, and the one sentence about a line that is malformed."""

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader
from itertools import islice
from typing import NoReturn

from finetone.errors import UserError, did_you_mean
from finetone.readers import limits
from finetone.readers.encodings import NotUtf8

Header = list[str]


class Lines:
    r"""The lines of a table, decoded; none of them, and not their sum, longer than allowed.

    Only b"\n" ends a line, so numbers match any editor's.

    Parameters
    ----------
    stream
        UTF-8.
    name
        Of the table, for messages.
    packed
        Bytes of its file.
    """

    def __init__(self, stream: BufferedReader, name: str, packed: int) -> None:
        self.raw, self.name, self.packed = stream, name, packed
        self.record = 0  # bytes since a reader said that a row had ended

    def __iter__(self) -> Iterator[str]:
        name, size, blank, number = self.name, 0, 0, 0
        most, longest, line = limits.most(self.packed), limits.MAX_RECORD, self.raw.readline
        while raw := line(longest + 1):
            number += 1
            length = len(raw)
            size += length
            self.record += length
            if size > most:
                limits.check_size(size, self.packed, name)
            if self.record > longest:
                refuse(name, number, f"is longer than {longest >> 20} MB, or never ends")
            if b"\0" in raw:
                refuse(name, number, "holds a NUL byte; give its encoding:, or save it as UTF-8")
            if length < 3 and raw.isspace():
                blank += 1
                if blank > limits.MAX_BLANK:
                    refuse(name, number, f"follows {limits.MAX_BLANK:,} blank lines; remove them")
            else:
                blank = 0
            try:
                yield raw.decode() if number > 1 else raw.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise self._not_utf8(number, raw[error.start]) from None

    def chunks(self) -> Iterator[str]:
        """The same text, a megabyte at a time, for formats in which a line is no row."""
        decoder, size, line = codecs.getincrementaldecoder("utf-8-sig")(), 0, 1
        while chunk := self.raw.read(1 << 20):
            size += len(chunk)
            limits.check_size(size, self.packed, self.name)
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                raise self._not_utf8(line, error.object[error.start]) from None
            line += text.count("\n")
            yield text
        if decoder.getstate()[0]:
            raise self._not_utf8(line, decoder.getstate()[0][0])

    def _not_utf8(self, line: int, byte: int) -> NotUtf8:
        what = f"is not UTF-8 (byte 0x{byte:02x}); give its encoding:, such as cp1252, gb18030 or"
        return NotUtf8(f"{self.name}, line {line}: {what} cp1251, or save the file as UTF-8")


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
    """The end of a sentence about a column that is not there: a similar one, or all there are."""
    names = [name[:40] for name in islice(known, 1000)]
    shown = ", ".join(map(repr, names[:12]))
    return did_you_mean(wanted, names, f"there are {shown}" if shown else "")


def refuse(name: str, line: int, what: str) -> NoReturn:
    """Raise the UserError about a line."""
    raise UserError(f"{name}, line {line}: {what}")
