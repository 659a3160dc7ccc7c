"""Which texts are unlike those that a method was trained on: their labels deserve less trust.

Four questions, each answered by comparison with the training texts, so that about one training text
in a thousand would be unlike the others:

- `length`: is the text less than half as long as theirs, or more than twice as long?
- `script`: is it written in another one, or without letters?
- `words`: does it have more words than expected that no training text has? (A word that one
  training text alone has counts as new to that text.)
- `tokens`: more tokens than expected that the tokenizer does not know?

Expected is what a binomial with the rate of the training texts gives for a text of this length.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from finetone.baselines.word_index import words

KINDS = ("length", "script", "words", "tokens")
SHARE = 0.001  # of training texts that may be unlike the others
WIDER = 2  # times the longest text, and the shortest: few training texts show few lengths
LOOKED_AT = 64  # words of a text
SAMPLE = 10_000_000, 50_000  # bytes and rows of the training texts that are looked at
LETTERS = 400  # characters in which letters are counted
RATE = (0.02, 0.98)  # a rate is not taken for surer than that

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Counts = tuple[Ints, Ints]  # how many [n], of how many [n]


@dataclass(frozen=True)
class Familiarity:
    """What training texts look like; `of` measures it."""

    shortest: float
    longest: float
    scripts: frozenset[str]
    words: frozenset[str]
    new_words: tuple[float, float]  # rate, and the most standard deviations above it
    unknown_tokens: tuple[float, float] | None

    @classmethod
    def of(cls, texts: Sequence[str], unknown: Counts | None) -> "Familiarity":
        """Measure training texts.

        Parameters
        ----------
        texts
            At least one.
        unknown
            Their tokens that the tokenizer does not know, if it can say so.
        """
        lengths = np.array([len(text) for text in texts])
        scripts = Counter(map(script, texts))
        read = [_words(text) for text in texts]
        having = Counter(word for each in read for word in set(each))
        alone = np.array([sum(having[word] == 1 for word in each) for each in read])
        return cls(
            float(np.quantile(lengths, SHARE)) / WIDER,
            float(np.quantile(lengths, 1 - SHARE)) * WIDER,
            frozenset(name for name, n in scripts.items() if n > SHARE * len(texts)),
            frozenset(having),
            _limit(alone, np.array([len(each) for each in read])),
            None if unknown is None else _limit(*unknown),
        )

    def unlike(self, texts: Sequence[str], unknown: Counts | None) -> npt.NDArray[np.bool_]:
        """Of n texts, whether each is unlike the training texts, bool [n, kinds].

        Parameters
        ----------
        texts
            New ones.
        unknown
            As in `of`.
        """
        lengths = np.array([len(text) for text in texts])
        read = [_words(text) for text in texts]
        new = np.array([sum(word not in self.words for word in each) for each in read])
        count = np.array([len(each) for each in read])
        found = [
            (lengths < self.shortest) | (lengths > self.longest),
            np.array([script(text) not in self.scripts for text in texts]),
            _excess(new, count, self.new_words[0]) > self.new_words[1],
            np.zeros(len(texts), dtype=bool),
        ]
        if unknown is not None and self.unknown_tokens is not None:
            rate, most = self.unknown_tokens
            found[3] = _excess(*unknown, rate) > most
        return np.stack(found, axis=1)


def sample(split: Path) -> list[str]:
    """Texts of a split file, spread evenly over it, as many as are worth looking at."""
    file = pq.ParquetFile(split)
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    step = 1 + max(size // SAMPLE[0], file.metadata.num_rows // SAMPLE[1])
    found: list[str] = []
    seen = 0
    for batch in file.iter_batches(1024, columns=["text"]):
        found += batch.column(0)[-seen % step :: step].to_pylist()
        seen += len(batch)
    return found


def script(text: str) -> str:
    """The script that most letters of a text are in ("LATIN", "CJK" …); "" without letters."""
    start = text[:LETTERS]
    if start.isascii():
        return "LATIN" if any(map(str.isalpha, start)) else ""
    found = Counter(_script_of(sign) for sign in start if sign.isalpha())
    return found.most_common(1)[0][0] if found else ""


@cache
def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]


def _words(text: str) -> list[str]:
    return list(islice(words(text[: 32 * LOOKED_AT]), LOOKED_AT))


def _limit(found: Any, count: Any) -> tuple[float, float]:
    """The rate at which something is found, and by how much the training texts exceed it."""
    rate = float(np.clip(found.sum() / max(count.sum(), 1), *RATE))
    return rate, float(np.quantile(_excess(found, count, rate), 1 - SHARE))


def _excess(found: Any, count: Any, rate: float) -> Floats:
    """By how many standard deviations more than expected are found in each text."""
    expected, spread = rate * count, np.sqrt(rate * (1 - rate) * np.maximum(count, 1))
    excess: Floats = (found - expected) / spread
    return excess
