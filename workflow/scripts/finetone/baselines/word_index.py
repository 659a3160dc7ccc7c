"""Words and their numbers for the networks that start from nothing.

A word is a run of letters and digits, an apostrophe inside allowed, in lower case; "!" and "?"
are words of their own. Languages written without blanks need another method.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

PAD, UNKNOWN = 0, 1
RESERVED = ("<pad>", "<unk>")  # at the places above; no word is spelled so
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[!?]")


def words(text: str) -> Iterator[str]:
    """The words of a text in order, lazily: a caller may stop long before the end."""
    return (match.group() for match in WORD.finditer(text.lower()))


def build(texts: Iterable[str], size: int) -> list[str]:
    """`RESERVED` and the `size` most frequent words, ties in alphabetical order."""
    counts = Counter(word for text in texts for word in words(text))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [*RESERVED, *(word for word, _ in ranked[:size])]


def encode(
    texts: Sequence[str], vocabulary: Sequence[str], max_length: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], int]:
    """Word numbers of n texts, each cut to `max_length` words.

    Returns them one after the other, the offsets [n + 1] of the texts in them, and how many texts
    were cut. A text without a word becomes the one number `UNKNOWN`.
    """
    place = {word: number for number, word in enumerate(vocabulary)}
    rows: list[list[int]] = []
    cut = 0
    for text in texts:
        row = [place.get(word, UNKNOWN) for word in islice(words(text), max_length + 1)]
        cut += len(row) > max_length
        rows.append(row[:max_length] or [UNKNOWN])
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    numbers = np.fromiter((n for row in rows for n in row), np.int32, count=int(offsets[-1]))
    return numbers, offsets, cut
