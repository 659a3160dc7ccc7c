"""Classify the windows of a table; those that an interrupted run had classified are read instead."""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from finetone import files
from finetone.labelling.choice import Choice
from finetone.labelling.classifiers import Classifier, probabilities
from finetone.labelling.familiarity import KINDS, Familiarity
from finetone.readers.whole_table import Window

NONE = -1  # in place of a class: a row without text


@dataclass(frozen=True)
class Labelled:
    """What is known of a window of n rows."""

    label: npt.NDArray[np.int16]  # [n] class, or NONE
    probability: npt.NDArray[np.float32]  # [n] of that class
    unlike: npt.NDArray[np.bool_]  # [n, kinds], see `familiarity`


@dataclass(frozen=True)
class Prepared:
    """A window on its way: the rows that have text, and what the classifier reads of them."""

    window: Window
    part: Path  # where what is found is kept
    rows: npt.NDArray[np.int64]
    texts: list[str]
    tokens: Any  # None if the part is there, or no row has text

    @property
    def known(self) -> bool:
        """Whether an interrupted run had classified it."""
        return self.part.exists()


class Windows:
    """Classifies windows.

    Parameters
    ----------
    choice, classifier
        The method, loaded.
    familiar
        What the training texts look like, if that is known.
    cache
        Folder for what is found, by the content of the windows.
    """

    def __init__(
        self, choice: Choice, classifier: Classifier, familiar: Familiarity | None, cache: Path
    ) -> None:
        self._choice, self._classifier = choice, classifier
        self._familiar, self._cache = familiar, cache
        asked = [choice.facts(), choice.calibrated, KINDS, familiar is not None]
        self._asked = json.dumps(asked, sort_keys=True).encode()

    def prepared(self, windows: Iterable[Window]) -> Iterator[Prepared]:
        """What takes no arithmetic: texts become tokens."""
        for window in windows:
            digest = hashlib.sha256(self._asked)
            texts: list[str] = []
            rows: list[int] = []
            for row, text in enumerate(window.texts):
                encoded = (text or "").encode("utf-8", "surrogatepass")
                digest.update(b"%d:" % len(encoded) + encoded)
                if text and not text.isspace():
                    rows.append(row)
                    texts.append(text)
            part = self._cache / f"{window.first}-{digest.hexdigest()[:32]}.npz"
            tokens = self._classifier.prepare(texts) if texts and not part.exists() else None
            yield Prepared(window, part, np.array(rows, dtype=np.int64), texts, tokens)

    def labelled(self, one: Prepared) -> Labelled:
        """Classify a window, or read what was found before."""
        found = _read(one.part, len(one.window.texts))
        if found is None:
            found = self._classified(one)
            with files.atomic(one.part) as partial, partial.open("wb") as stream:
                np.savez(stream, **vars(found))
        return found

    def _classified(self, one: Prepared) -> Labelled:
        n = len(one.window.texts)
        label = np.full(n, NONE, dtype=np.int16)
        probability = np.zeros(n, dtype=np.float32)
        unlike = np.zeros((n, len(KINDS)), dtype=bool)
        if one.texts:
            tokens = self._classifier.prepare(one.texts) if one.tokens is None else one.tokens
            chances = probabilities(self._choice, self._classifier.logits(tokens))
            label[one.rows] = chances.argmax(axis=1)
            probability[one.rows] = chances.max(axis=1)
            if self._familiar is not None:
                unknown = self._classifier.unknown(tokens)
                unlike[one.rows] = self._familiar.unlike(one.texts, unknown)
        return Labelled(label, probability, unlike)


def _read(part: Path, rows: int) -> Labelled | None:
    """What was found before; None if nothing was, or it is damaged."""
    try:
        with np.load(part, allow_pickle=False) as arrays:
            found = Labelled(**arrays)
        return found if len(found.label) == rows else None
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
        return None
