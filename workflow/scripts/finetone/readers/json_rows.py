"""Rows of JSON: one object per line, or an array of objects over any number of lines."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NoReturn

from finetone.errors import UserError, first_line, listed
from finetone.readers import limits
from finetone.readers.lines import Lines, hint, refuse

LOOKED = 500  # objects that show which keys there are
BLANK = " \t\r\n"
NEAR = 16  # characters: a fault so near the end of what was read may be gone when more is
AN_OBJECT = 'is no JSON object like {"text": "…", "label": "…"}'

Row = tuple[int, Sequence[Any]]


def keys(lines: Lines) -> list[str]:
    """Keys of the first objects under which none has a list or an object."""
    found: dict[str, bool] = {}  # whether it holds cells only
    for _, row in islice(objects(lines), LOOKED):
        for key, value in row.items():
            found[key] = found.get(key, True) and not isinstance(value, list | dict)
    if found and not any(found.values()):
        refuse(lines.name, 1, f"holds no texts and numbers{_inside(found)}")
    return [key for key, holds_cells in found.items() if holds_cells]


def rows(lines: Lines, columns: Sequence[str]) -> Iterator[Row]:
    """The cells of `columns` of every object, with the line it begins in."""
    for line, row in having(objects(lines), columns, lines.name):
        yield line, [row.get(column) for column in columns]


def having(
    found: Iterable[tuple[int, dict[str, Any]]], columns: Iterable[str], name: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same objects, of which any may lack a key, which then is as if it were null.

    Raises
    ------
    UserError
        One of `columns` is a key of none of the first objects.
    """
    never = dict.fromkeys(columns)
    start: tuple[int, dict[str, Any]] | None = None
    for number, (line, row) in enumerate(found, 1):
        start = start or (line, row)
        if never:
            never = {column: None for column in never if column not in row}
            if never and number == LOOKED:
                break
        yield line, row
    if never and start:
        column, (line, row) = next(iter(never)), start
        nested = [key for key, value in row.items() if isinstance(value, list | dict)]
        refuse(name, line, f"has no key {column!r}{hint(column, row)}{_inside(nested)}")


def _inside(keys: Iterable[str]) -> str:
    """The end of a sentence about objects that hold lists and objects."""
    shown = listed((repr(key[:40]) for key in keys), 5)
    return f"; what is inside {shown} is not read: put it at the top level" if shown else ""


def objects(lines: Lines) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every object, with the line it begins in."""
    start = lines.raw.peek(1 << 16).removeprefix(b"\xef\xbb\xbf").lstrip()
    found = _array(lines) if start.startswith(b"[") else _by_line(lines)
    for line, row in found:
        if not isinstance(row, dict):
            refuse(lines.name, line, AN_OBJECT)
        yield line, row


def _by_line(lines: Lines) -> Iterator[tuple[int, Any]]:
    number, decode = 0, _decoder().decode
    for number, line in enumerate(lines, 1):
        lines.record = 0
        if not line.strip():
            continue
        try:
            row = decode(line)
            _refuse_surrogates(line, row)
        except UnicodeEncodeError:
            refuse(lines.name, number, "holds half of a surrogate pair (\\ud800 … \\udfff)")
        except (ValueError, RecursionError) as error:
            way = "; write one object per line, or an array [{…}, …]" if number == 1 else ""
            refuse(lines.name, number, f"is not valid JSON ({first_line(error)}){way}")
        yield number, row
    if not number:
        raise UserError(f"{lines.name}: is empty")


def _array(lines: Lines) -> Iterator[tuple[int, Any]]:
    text = _Text(lines)
    text.skip()
    text.place += 1
    first = True
    while (sign := text.skip()) != "]" or not first:
        if sign != "{":
            text.refuse(AN_OBJECT if sign else "the array has no end; is the file complete?")
        line = text.line
        yield line, text.value()
        first = False
        sign = text.skip()
        text.place += 1
        if sign == "]":
            break
        if sign != ",":
            text.refuse("has no comma between two objects" if sign else "the array has no end")
    else:
        text.place += 1
    if text.skip():
        text.refuse("goes on after the end of the array")


class _Text:
    """The part of a file that is being looked at, from `place` in `buffer` on."""

    def __init__(self, lines: Lines) -> None:
        self._lines, self._chunks = lines, lines.chunks()
        self.buffer, self.place = "", 0
        self._counted, self.line = 0, 1  # the line that `_counted` is in
        self._decode = _decoder().raw_decode

    def refuse(self, what: str) -> NoReturn:
        self._count(self.place)
        refuse(self._lines.name, self.line, what)

    def skip(self) -> str:
        """Go to the next sign that is not blank, and return it; "" at the end."""
        while True:
            while self.place < len(self.buffer):
                if self.buffer[self.place] not in BLANK:
                    self._count(self.place)
                    return self.buffer[self.place]
                self.place += 1
            if not self._more():
                return ""

    def value(self) -> Any:
        """Read one value, and go to its end."""
        while True:
            try:
                value, end = self._decode(self.buffer, self.place)
                _refuse_surrogates(self.buffer[self.place : end], value)
            except UnicodeEncodeError:
                self.refuse("holds half of a surrogate pair (\\ud800 … \\udfff)")
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self.buffer) - NEAR or "Unterminated" in error.msg
                if not (cut and self._more()):
                    self.place = min(error.pos, len(self.buffer))
                    self.refuse(f"is not valid JSON ({error.msg})")
            except (ValueError, RecursionError) as error:
                self.refuse(f"is not valid JSON ({first_line(error)})")
            else:
                self.place = end
                return value

    def _count(self, place: int) -> None:
        self.line += self.buffer.count("\n", self._counted, place)
        self._counted = max(place, self._counted)

    def _more(self) -> bool:
        """Read on, at least as much as is left, so that a long value is not begun too often."""
        self._count(self.place)
        left = self.buffer[self.place :]
        if len(left) > limits.MAX_RECORD:
            self.refuse(f"is longer than {limits.MAX_RECORD >> 20} MB, or never ends")
        new: list[str] = []
        while sum(map(len, new)) <= len(left) and (chunk := next(self._chunks, "")):
            new.append(chunk)
        self.buffer, self.place, self._counted = "".join([left, *new]), 0, 0
        return bool(new)


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _refuse_surrogates(written: str, value: Any) -> None:
    if "\\u" in written:  # escapes can name what UTF-8 cannot hold
        json.dumps(value, ensure_ascii=False).encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key is given twice")
    return row


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
