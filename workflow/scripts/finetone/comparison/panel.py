"""The predictions of all runs on the same rows.

A *run* is one (method, seed), in a repeated cross-validation one (method, seed, repeat). A *panel* holds the kept epoch of every run on one dataset, with
rows aligned by example id, so that every comparison is paired.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from finetone.statistics.metrics import Bools, Floats, Ints, log_softmax, most_likely
from finetone.statistics.variance.cross_validation import Folds
from finetone.statistics.variance.roles import Roles, drawing


@dataclass(frozen=True)
class Panel:
    """The kept epoch of every run on one dataset, rows aligned.

    Attributes
    ----------
    dataset
        Its name.
    labels
        Names of the classes.
    ids, label
        [n]; example ids in ascending order, and the true class of each.
    seeds
        {method: its seeds}, in the order in which the files were given.
    logits
        float32 [runs, n, classes], runs ordered by method, then by seed.
    ensembles
        {ensemble: the method whose runs it is the mean of}.
    folds
        Of a cross-validation; None if the rows are those of a test split.
    """

    dataset: str
    labels: tuple[str, ...]
    ids: Ints
    label: Ints
    seeds: dict[str, list[int]]
    logits: Floats
    ensembles: dict[str, str] = field(default_factory=dict)
    folds: Folds | None = None

    def of_rows(self, chosen: Bools) -> "Panel":
        """The same runs on the rows [n] that are chosen."""
        return replace(
            self,
            ids=self.ids[chosen],
            label=self.label[chosen],
            logits=self.logits[:, chosen],
            folds=self.folds and self.folds.chosen(chosen),
        )

    @property
    def methods(self) -> list[str]:
        """Names of the methods, in the order of the run axis."""
        return list(self.seeds)

    def runs(self, method: str) -> list[tuple[int, int]]:
        """(seed, repeat of a cross-validation) of each run of a method."""
        seeds = self.seeds[method]
        repeats = self.folds.repeats[method] if self.folds else [0] * len(seeds)
        return list(zip(seeds, repeats, strict=True))

    def stochastic(self, roles: Roles) -> Bools:
        """[methods] whether the runs of each vary by its seed.

        In cross-validation the folds hold what seeds add (`statistics.cross_validation`), so that
        it counts for none.

        Parameters
        ----------
        roles
            Of the methods.
        """
        return drawing(self.methods, roles) & (self.folds is None)

    @cached_property
    def inflation(self) -> Floats:
        """[methods] by which the variance over rows alone of an accuracy is too small."""
        if self.folds is None:
            return np.ones(len(self.seeds))
        correct = self.correct.astype(float)
        by_repeat = (self.folds.by_repeat(m, correct[own]) for m, own in self.columns.items())
        return np.array([self.folds.inflation(each) for each in by_repeat])

    @cached_property
    def columns(self) -> dict[str, slice]:
        """Where the runs of each method are on the run axis."""
        ends = np.cumsum([0, *(len(seeds) for seeds in self.seeds.values())])
        return {m: slice(int(ends[i]), int(ends[i + 1])) for i, m in enumerate(self.seeds)}

    @cached_property
    def predicted(self) -> Ints:
        """Predicted class, int16 [runs, n]; of equal logits the first."""
        return most_likely(self.logits).astype(np.int16)

    @cached_property
    def correct(self) -> Bools:
        """Whether a prediction is right, bool [runs, n]."""
        return self.predicted == self.label[None, :]

    @cached_property
    def accuracy(self) -> Floats:
        """Accuracy of each run, float64 [runs]."""
        return self.correct.mean(axis=1)

    def accuracies(self, method: str) -> Floats:
        """Accuracy of each run of a method, float64 [seeds]."""
        return self.accuracy[self.columns[method]]

    def mean_accuracy(self, method: str) -> float:
        """Mean accuracy of a method over its seeds.

        It is one division of whole numbers, so that equal shares are equal floats.
        """
        correct = self.correct[self.columns[method]]
        return int(correct.sum()) / correct.size

    @cached_property
    def probabilities(self) -> Floats:
        """float32 [runs, n, classes]"""
        found = np.empty(self.logits.shape, np.float32)
        for run, logits in enumerate(self.logits):  # one by one, as they are float64 on the way
            found[run] = np.exp(log_softmax(logits))
        return found

    @cached_property
    def label_probability(self) -> Floats:
        """Probability of the true class, float32 [runs, n]."""
        return self.probabilities[:, np.arange(len(self.label)), self.label]
