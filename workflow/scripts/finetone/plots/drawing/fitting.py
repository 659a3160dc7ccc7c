"""Shorten or wrap the names and titles that users choose, so that they fit into a picture."""

import textwrap
import unicodedata

NAME = 36  # columns for a method's name beside a row
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # change the direction of text


def one_line(text: str) -> str:
    """Return `text` on one line, without characters that XML or UTF-8 files may not hold."""
    kept = [
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c
        for c in text
        if c not in TURNING + "\ufffe\uffff" and unicodedata.category(c) != "Cs"
    ]
    return " ".join("".join(kept).split())


def columns(text: str) -> int:
    """Number of columns that `text` takes; wide (CJK) characters take two."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def short(text: str, most: int = NAME) -> str:
    """Return `text`, or its beginning and end if it takes more than `most` columns."""
    if columns(text) <= most:
        return text
    most = most * len(text) // columns(text)
    return f"{text[: 2 * most // 3].rstrip()}…{text[-(most - 2 * most // 3 - 1) :].lstrip()}"


def broken(text: str, most: int, rows: int = 2) -> str:
    """Break `text` into at most `rows` lines of `most` columns; a longer text is cut."""
    most = max(2, most * len(text) // max(1, columns(text)))
    return "\n".join(textwrap.wrap(text, most, max_lines=rows, placeholder="…"))
