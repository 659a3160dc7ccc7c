"""Texts that are nearly the same: an exact join of all pairs by the Jaccard similarity of their shingles.

A text's shingles are its runs of three words in a row (Broder 1997). Two texts are near-duplicates
if the shingles that both have are at least `SIMILAR` of those that either has. All such pairs are
found without comparing all pairs: put in one order, the rare shingles first, two such texts must
share one of their first n - ⌈SIMILAR · n⌉ + 1 (prefix filtering: Chaudhuri, Ganti & Kaushik 2006;
Bayardo, Ma & Srikant 2007), and hardly any other texts share such rare ones.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIMILAR = 0.5
WIDTH = 3  # words of a shingle
MOST = 200  # texts compared for one shingle, where more share it: those of a template are all alike
PAIRS = 1 << 21  # pairs that are compared at a time
# signs of scripts that write no blanks between words count as words
SIGNS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
WORD = re.compile(rf"[{SIGNS}]|[^\W_{SIGNS}]+")
SIGN = re.compile(r"\S")  # in place of words where there are none: "👍" is not "👎"

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Shingles:
    """The distinct shingles of n texts, one text after the other.

    Attributes
    ----------
    hashes
        Of 32 bits; those of text i are `hashes[offsets[i]:offsets[i + 1]]`, ascending.
    offsets
        [n + 1]
    """

    hashes: Hashes
    offsets: Ints

    @property
    def sizes(self) -> Ints:
        """[n] number of shingles."""
        return np.diff(self.offsets)

    @property
    def texts(self) -> Ints:
        """The text of every shingle."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def take(self, texts: Ints) -> Hashes:
        """The shingles of some texts, one text after the other."""
        return self.hashes[_spread(self.offsets[texts], self.sizes[texts])]


class Shingler:
    """Makes shingles of texts; equal words have equal numbers in all of them."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, texts: Sequence[str]) -> Shingles:
        """The shingles of n texts; of fewer words than a shingle has, one is made."""
        numbers = self._numbers
        words = array("I")
        counts = np.empty(len(texts), dtype=np.int64)
        for place, text in enumerate(texts):
            text = text.casefold()
            found = WORD.findall(text) or SIGN.findall(text)
            words.extend([numbers.setdefault(word, len(numbers) + 1) for word in found])
            counts[place] = len(found)
        width = np.maximum(counts, WIDTH)
        starts = np.cumsum(width) - width
        filled = np.zeros(int(width.sum()) + WIDTH, dtype=np.uint64)  # 0 is no word
        filled[_spread(starts, counts)] = np.frombuffer(words, dtype=np.uint32) if words else ()
        mixed = np.zeros(len(filled) - WIDTH, dtype=np.uint64)
        for step in range(WIDTH):
            mixed = _mix(mixed ^ filled[step : step + len(mixed)])
        shingles = width - WIDTH + 1
        owners = np.repeat(np.arange(len(texts), dtype=np.uint64), shingles)
        hashes = mixed[_spread(starts, shingles)] >> np.uint64(32)
        owners, hashes = _unpack(np.unique(_pack(owners, hashes)))
        sizes = np.bincount(owners.astype(np.int64), minlength=len(texts))
        return Shingles(hashes, np.concatenate([[0], np.cumsum(sizes)]))


class Index:
    """Texts among which those that are similar to others are searched.

    Parameters
    ----------
    texts
        Their shingles.
    similar
        Least Jaccard similarity.
    """

    def __init__(self, texts: Shingles, similar: float = SIMILAR) -> None:
        self._texts, self._similar = texts, similar
        known, counts = np.unique(texts.hashes, return_counts=True)
        self._known = known
        self._rank = np.empty(len(known), dtype=np.int64)  # the rare shingles first
        self._rank[np.argsort(counts, kind="stable")] = np.arange(len(known))
        text, rank = self._first(texts)
        order = np.argsort(rank, kind="stable")
        # the texts that have a shingle among their first ones, shingle after shingle
        self._postings = text[order]
        self._starts = np.searchsorted(rank[order], np.arange(len(known) + 1))

    def similar_to(self, others: Shingles) -> Iterator[tuple[Ints, Ints, Floats]]:
        """Yield (others [p], texts of the index [p], similarity [p]) of similar pairs.

        A pair comes once or several times.
        """
        text, rank = self._first(others)
        starts = self._starts[rank]
        lengths = np.minimum(self._starts[rank + 1] - starts, MOST)
        for part in _parts(lengths, PAIRS):
            a = np.repeat(text[part], lengths[part])
            b = self._postings[_spread(starts[part], lengths[part])]
            mine, theirs = others.sizes[a], self._texts.sizes[b]
            fits = np.minimum(mine, theirs) >= self._similar * np.maximum(mine, theirs)
            pairs = np.unique(_pack(a[fits].astype(np.uint64), b[fits].astype(np.uint64)))
            a, b = (each.astype(np.int64) for each in _unpack(pairs))
            similarity = self._similarity(others, a, b)
            found = similarity >= self._similar
            yield a[found], b[found], similarity[found]

    def _first(self, texts: Shingles) -> tuple[Ints, Ints]:
        """(text, rank) of the first shingles of every text that are known."""
        place = np.minimum(np.searchsorted(self._known, texts.hashes), len(self._known) - 1)
        known = self._known[place] == texts.hashes
        rank = self._rank[place[known]].astype(np.uint64)
        text, rank = _unpack(np.sort(_pack(texts.texts[known].astype(np.uint64), rank)))
        of_text = text.astype(np.int64)
        counts = np.bincount(of_text, minlength=len(texts.sizes))
        # a float's width less, so that 0.7 · 10 is not taken for more than 7
        least = np.ceil(self._similar * texts.sizes - 1e-9).astype(np.int64)
        # unknown shingles are the rarest, so they come first
        wanted = texts.sizes - least + 1 - (texts.sizes - counts)
        within = np.arange(len(of_text)) - np.repeat(np.cumsum(counts) - counts, counts)
        chosen = within < wanted[of_text]
        return of_text[chosen], rank[chosen].astype(np.int64)

    def _similarity(self, others: Shingles, a: Ints, b: Ints) -> Floats:
        """Jaccard similarity of pairs [p]."""
        mine, theirs = others.sizes[a], self._texts.sizes[b]
        shared = np.zeros(len(a), dtype=np.int64)
        for part in _parts(mine + theirs, 2 * PAIRS):
            pair = np.arange(part.stop - part.start, dtype=np.uint64)
            of_pair = np.concatenate([np.repeat(pair, mine[part]), np.repeat(pair, theirs[part])])
            hashes = np.concatenate([others.take(a[part]), self._texts.take(b[part])])
            both = np.sort(_pack(of_pair, hashes))
            twice = both[1:][both[1:] == both[:-1]]
            shared[part] = np.bincount(_unpack(twice)[0].astype(np.int64), minlength=len(pair))
        return shared / np.maximum(mine + theirs - shared, 1)


def _parts(sizes: Ints, most: int) -> Iterator[slice]:
    """Cut ranges of some sizes into parts of at most `most` in all, or of one range."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, before + most, side="right")), start + 1)
        yield slice(start, stop)
        start = stop


def _spread(starts: Ints, lengths: Ints) -> Ints:
    """The places start, start + 1 … of ranges of some lengths, one range after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - ends + lengths, lengths)


def _pack(high: Hashes, low: Hashes) -> Hashes:
    """One number for two of 32 bits, which sorts much faster."""
    return (high << np.uint64(32)) | low


def _unpack(both: Hashes) -> tuple[Hashes, Hashes]:
    return both >> np.uint64(32), both & np.uint64(0xFFFFFFFF)


def _mix(values: Hashes) -> Hashes:
    """Scatter 64-bit numbers (the finalizer of SplitMix64: Steele, Lea & Flood 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
