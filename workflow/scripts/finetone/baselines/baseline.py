"""What every method without pretraining has: `fit` on labelled texts, and `load` to predict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from finetone.formats.embedding_file import Embeddings

Logits = npt.NDArray[np.float32]  # [n, classes]
Predictor = Callable[[Sequence[str]], Logits]  # of n texts
OfVectors = Callable[[npt.NDArray[np.float32]], Logits]  # of n embeddings [n, width]


@dataclass(frozen=True)
class Task:
    """The n training rows of a dataset, and the settings to learn from them with."""

    kind: str
    config_key: str  # the place of `settings` in the configuration, for messages
    settings: dict[str, Any]
    texts: list[str]
    ids: npt.NDArray[np.int64]  # [n]
    labels: npt.NDArray[np.int64]  # [n]
    names: list[str]  # of the classes
    threads: int = 1
    # of methods that draw random numbers
    seed: int = 0
    max_length: int = 0  # words
    engine: dict[str, Any] = field(default_factory=dict)
    state: Path = Path("state")  # where a killed run finds itself again
    # of methods that learn from what a frozen model makes of the texts
    embedded: Embeddings | None = None  # of the n rows
    encoder: Path | None = None  # folder of that model
    folder: Path = Path("model")  # where what is learned will be


@dataclass(frozen=True)
class Learned:
    """What `fit` tells of itself, beside the files that it wrote."""

    facts: dict[str, Any]  # for `load`, JSON-able
    numbers: int  # learned
    measured: dict[str, Any] = field(default_factory=dict)  # fields of the run's record
    history: pa.Table | None = None  # one row per optimizer step


class Baseline(Protocol):
    """One kind of method: two functions, since all that is learned is in a folder."""

    libraries: ClassVar[tuple[str, ...]]  # whose versions can change its numbers

    @classmethod
    def fit(cls, task: Task, folder: Path) -> Learned:
        """Learn from `task` and write what is learned to `folder`.

        Raises
        ------
        UserError
            The data are none that this method can learn from.
        """
        ...

    @classmethod
    def load(cls, folder: Path, facts: dict[str, Any], threads: int) -> Predictor:
        """The function from n texts to their logits [n, classes].

        Parameters
        ----------
        folder
            Where `fit` wrote to.
        facts
            Those that `fit` returned.
        """
        ...
