"""Rows of delimited tables: every cell verbatim, or the file is refused with its line."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from finetone.errors import UserError
from finetone.readers import limits
from finetone.readers.lines import Lines, column_places, refuse

BARE_RETURN = 'holds a bare carriage return; end lines with "\\n"'
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)+"')
SEPARATORS = (",", "\t", ";", "|")
SHOWN = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
EXCEL = re.compile(r'"?sep=(.)"?\r?\n?')  # a first line by which Excel is told the separator

LOOKED = 200  # lines that show how a table is separated

Row = tuple[int, Sequence[Any]]  # with the line it begins in


class Dialect(NamedTuple):
    """How cells are separated; without quotes they are verbatim, as in text/tab-separated-values."""

    separator: str
    quotes: bool

    def cells(self, line: str) -> list[str]:
        """The cells of one line."""
        line = line.removesuffix("\n").removesuffix("\r")
        if not self.quotes:
            return line.split(self.separator)
        return next(csv.reader([line], delimiter=self.separator), [])

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The cells of lines that are not blank, as far as they can be read."""
        if not self.quotes:
            yield from (self.cells(line) for line in lines if line.strip("\r\n"))
            return
        try:
            yield from filter(None, csv.reader(lines, strict=True, delimiter=self.separator))
        except csv.Error:  # a quote that is closed later, or never
            return


def header(lines: Lines, separator: str | None, *, tabs: bool) -> tuple[str, list[str]]:
    """The separator, and the cells of the first line that is not blank.

    The separator is the one that gives most of the first lines as many cells as the header, and
    more than one; else as in `rows`, to which it can be handed on.

    Parameters
    ----------
    lines, separator, tabs
        As in `rows`.
    """
    begin: list[str] = []
    size = 0
    for line in lines:
        lines.record = 0  # what is too long for a row, `rows` will say
        if not begin and (stated := EXCEL.fullmatch(line)):
            separator = separator or stated[1]
        elif begin or line.strip("\r\n"):
            begin.append(line)
            size += len(line)
        if len(begin) == LOOKED or size > limits.TOGETHER_BYTES:
            break
    if not begin:
        raise UserError(f"{lines.name}: is empty")
    csv.field_size_limit(limits.MAX_CELL)
    likely = _dialect(begin[0], [], separator, tabs).separator
    order = [separator] if separator else sorted(SEPARATORS, key=lambda s: s != likely)
    ways = [Dialect(s, quotes) for s in order for quotes in _quoting(s, tabs)]
    best = max(ways, key=lambda way: _evenness(way, begin))
    return best.separator, next(best.rows(begin), [])


def rows(
    lines: Lines, columns: Sequence[str], separator: str | None, *, tabs: bool
) -> Iterator[Row | str]:
    """The separator, and then the cells of `columns` of every row.

    Parameters
    ----------
    lines
        The table; its first line that is not blank is the header.
    columns
        Names, each once.
    separator
        One of SEPARATORS; None takes the one with which the header names all columns.
    tabs
        Whether the file calls itself a table of tabs. Cells between tabs then are verbatim: much
        text data comes so, with unpaired quotes that a CSV reader would swallow rows by. Cells that
        some program did quote (doubled quotes inside quotes) are refused, not misread.
    """
    separator, _, found, places = _opened(lines, columns, separator, tabs)
    yield separator
    pick, one = itemgetter(*places.values()), len(places) == 1
    for line, row in found:
        yield line, ((pick(row),) if one else pick(row))


def whole_rows(
    lines: Lines, columns: Sequence[str], separator: str | None, *, tabs: bool
) -> tuple[str, list[str], Iterator[Row]]:
    """The separator, the header, and all cells of every row; see `rows`."""
    separator, header, found, _ = _opened(lines, columns, separator, tabs)
    return separator, header, found


def _opened(
    lines: Lines, columns: Sequence[str], separator: str | None, tabs: bool
) -> tuple[str, list[str], Iterator[Row], dict[str, int]]:
    """The separator, the header, all rows as long as it, and where `columns` are in them."""
    given, begin, start = iter(lines), 0, ""
    first: list[str] = []
    for start in given:
        if not begin and (stated := EXCEL.fullmatch(start)):
            begin, separator = 1, separator or stated[1]
            continue
        first.append(start)
        if start.strip("\r\n"):
            break
    if not first or not start.strip("\r\n"):
        raise UserError(f"{lines.name}: is empty")
    csv.field_size_limit(limits.MAX_CELL)
    dialect = _dialect(start, columns, separator, tabs)
    records = _quoted if dialect.quotes else _verbatim
    found = records(chain(first, given), lines, dialect.separator, begin)
    place, header = next(found, (1, []))
    places = column_places(list(header), f"{lines.name}, line {place}", columns)
    return dialect.separator, list(header), _as_wide(found, len(header), lines, dialect), places


def _as_wide(found: Iterator[Row], width: int, lines: Lines, dialect: Dialect) -> Iterator[Row]:
    for line, row in found:
        if len(row) != width:
            what = f"has {len(row)} fields, the header has {width}"
            if len(row) > width and dialect.quotes:
                what += f"; put a text with a {SHOWN.get(dialect.separator, 'separator')} in quotes"
            refuse(lines.name, line, what)
        yield line, row


def _dialect(header: str, columns: Sequence[str], separator: str | None, tabs: bool) -> Dialect:
    """The dialect in which the header names all columns; else the most likely one."""
    usual = "\t" if tabs else ","
    order = [separator] if separator else sorted(SEPARATORS, key=lambda s: s != usual)
    ways = [Dialect(s, quotes) for s in order for quotes in _quoting(s, tabs)]
    for way in ways:
        try:
            if set(columns) <= set(way.cells(header)):
                return way
        except csv.Error:  # a record that goes on in the next line
            continue
    bare = re.sub(r'"[^"]*"?', "", header)
    return max(ways, key=lambda way: bare.count(way.separator))


def _evenness(way: Dialect, lines: Sequence[str]) -> tuple[float, bool]:
    """Which share of the rows has as many cells as the header, and whether none keeps its quotes.

    Nothing where there is one cell only.
    """
    found = list(way.rows(lines))
    width = len(found[0]) if found else 1
    if width == 1:
        return 0.0, False
    quoted = not way.quotes and all(name[:1] == name[-1:] == '"' for name in found[0])
    return sum(len(row) == width for row in found) / len(found), not quoted


def _quoting(separator: str, tabs: bool) -> tuple[bool, ...]:
    """In a file of tabs cells are verbatim, unless those of the header are in quotes."""
    return (False, True) if separator == "\t" and tabs else (True,)


def _quoted(given: Iterator[str], lines: Lines, separator: str, begin: int) -> Iterator[Row]:
    records = csv.reader(given, strict=True, delimiter=separator)
    while True:
        line = records.line_num + 1 + begin  # quoted fields may span lines
        lines.record = 0
        try:
            row = next(records, None)
        except csv.Error as error:
            _explain(str(error), lines.name, line)
        if row is None:
            return
        if row:
            yield line, row


def _explain(problem: str, name: str, line: int) -> None:
    if "unexpected end" in problem:
        refuse(name, line, "opens a quote that is never closed")
    if "new-line character" in problem:
        refuse(name, line, BARE_RETURN)
    if "expected after" in problem:
        refuse(name, line, 'has text after a closing quote; write a quote inside text as ""')
    if "field limit" in problem or "field larger" in problem:
        limit = f"{limits.MAX_CELL >> 20} MB"
        refuse(name, line, f"holds a cell of more than {limit}; is a quote never closed?")
    refuse(name, line, problem)


def _verbatim(given: Iterator[str], lines: Lines, separator: str, begin: int) -> Iterator[Row]:
    for number, text in enumerate(given, 1 + begin):
        lines.record = 0
        line = text.removesuffix("\n").removesuffix("\r")
        if "\r" in line:
            refuse(lines.name, number, BARE_RETURN)
        if not line:
            continue
        row = line.split(separator)
        if any(map(QUOTED.fullmatch, row)):
            refuse(
                lines.name, number, "is quoted as in CSV, but TSV has no quotes; save it as .csv"
            )
        yield number, row
