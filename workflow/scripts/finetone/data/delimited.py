"""Rows of CSV and TSV tables: every cell verbatim, or the file is refused with its line."""

import csv
import re
from collections.abc import Iterator
from typing import Any

from finetone.data import limits
from finetone.data.lines import Header, Lines, column_places, refuse
from finetone.errors import UserError

BARE_RETURN = 'holds a bare carriage return; end lines with "\\n"'
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)+"')

Row = tuple[int, list[Any]]  # with the line it begins in


def fill_from_csv(stream: Lines, table: limits.Table) -> None:
    csv.field_size_limit(limits.MAX_CELL)
    rows = csv.reader(stream, strict=True)
    header = _next_row(rows, stream)

    def records() -> Iterator[Row]:
        while True:
            line = rows.line_num + 1  # where the record begins: quoted fields may span lines
            row = _next_row(rows, stream)
            if row is None:
                return
            if row:
                yield line, row

    _fill(header, records(), stream, table)


def _next_row(rows: Any, stream: Lines) -> list[str] | None:
    line, name = rows.line_num + 1, stream.name
    stream.record = 0
    try:
        return next(rows, None)
    except csv.Error as error:
        if "unexpected end" in str(error):
            refuse(name, line, "opens a quote that is never closed")
        if "new-line character" in str(error):
            refuse(name, line, BARE_RETURN)
        if "expected after" in str(error):
            refuse(name, line, 'has text after a closing quote; write a quote inside text as ""')
        if "field limit" in str(error) or "field larger" in str(error):
            limit = f"{limits.MAX_CELL >> 20} MB"
            refuse(name, line, f"holds a cell of more than {limit}; is a quote never closed?")
        refuse(name, line, str(error))


def fill_from_tsv(stream: Lines, table: limits.Table) -> None:
    """Tab-separated as IANA's text/tab-separated-values has it: no quoting, cells are verbatim.

    Much text data comes so, with unpaired quotes that a CSV reader would swallow rows by. Cells
    that some program did quote (doubled quotes inside quotes) are refused, not misread.
    """
    lines = (line.removesuffix("\n").removesuffix("\r") for line in stream)
    header = next(lines, None)

    def records() -> Iterator[Row]:
        for number, line in enumerate(lines, 2):
            stream.record = 0
            if "\r" in line:
                refuse(stream.name, number, BARE_RETURN)
            if not line:
                continue
            row = line.split("\t")
            if any(map(QUOTED.fullmatch, row)):
                what = "is quoted as in CSV, but TSV has no quotes; save as .csv"
                refuse(stream.name, number, what)
            yield number, row

    _fill(header if header is None else header.split("\t"), records(), stream, table)


def _fill(
    header: Header | None, records: Iterator[Row], stream: Lines, table: limits.Table
) -> None:
    name = stream.name
    if header is None:
        raise UserError(f"{name}: is empty")
    places = column_places(header, f"{name}, line 1", list(table.columns)).values()
    for line, row in records:
        if len(row) != len(header):
            refuse(name, line, f"has {len(row)} fields, the header has {len(header)}")
        table.append([row[place] for place in places], line)
