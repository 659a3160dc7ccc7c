"""Claims on times: from the rounds in which methods were timed, and from training times of runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import Literal

import numpy as np
import pandas as pd

from finetone.claims import phrases
from finetone.claims.estimate import Estimate, Missing, combine, error_of
from finetone.claims.phrases import NOTHING, phrase
from finetone.formats.rounds import Rounds
from finetone.statistics.cost import ms_per_million_parameters
from finetone.statistics.metrics import Bools, Floats
from finetone.statistics.variance.moderation import SeedVariance
from finetone.statistics.variance.order_statistics import rounds_for

NO_SPREAD = phrase("no_spread")
BUSY = phrase("busy")
OF_MEDIAN = pi / 2  # how much larger than a mean's is the variance of a median, of normal errors
PREDICTED = ("inference_examples_per_s", "seconds_per_million_texts")
STEPS = ("seconds_per_32", "ms_per_million_parameters", "train_tokens_per_s")


@dataclass(frozen=True)
class Times:
    """What was measured of speed and memory.

    Parameters
    ----------
    table
        efficiency.csv.
    rounds
        speed/rounds.json, if there is one.
    seeds
        Number of runs by method.
    confidence
        Level of the intervals, in (0, 1), which decides how many undisturbed rounds are enough.
    average
        What is told of the rounds: their median, or their mean, which is that over all batches.
    """

    table: pd.DataFrame
    rounds: Rounds | None
    seeds: Mapping[str, int]
    confidence: float
    average: Literal["median", "mean"] = "median"

    def sum(self, metric: str, weights: Mapping[str, float]) -> Estimate:
        """Weighted sum over methods of one of `facts.TIMINGS`.

        All methods were timed in the same rounds: what slowed the machine down for a while slowed
        them all, and goes out of a difference or a ratio.

        Raises
        ------
        Missing
            It was not measured.
        """
        if metric in (*STEPS, *PREDICTED):
            return self._of_rounds(metric, weights)
        single = [self._of_runs(metric, method) for method in weights]
        return combine(single, list(weights.values()))

    def _of_rounds(self, metric: str, weights: Mapping[str, float]) -> Estimate:
        measured = {method: self._measured(metric, method) for method in weights}
        undisturbed = np.logical_and.reduce([clean for _, clean in measured.values()])
        busy = int(undisturbed.sum()) < rounds_for(self.confidence)
        of_rounds: Floats = np.sum([w * measured[m][0] for m, w in weights.items()], axis=0)
        counted = of_rounds if busy else of_rounds[undisturbed]
        variance = float(counted.var(ddof=1)) / len(counted)
        variance *= OF_MEDIAN if self.average == "median" else 1.0
        errors = error_of(0.0, variance, len(counted) - 1)
        unknown = BUSY if busy else NOTHING if variance > 0 else NO_SPREAD
        average = np.median if self.average == "median" else np.mean
        return Estimate(float(average(counted)), errors, errors, unknown=unknown)

    def _measured(self, metric: str, method: str) -> tuple[Floats, Bools]:
        """(value in each round, which of them are undisturbed)."""
        found = self.rounds.methods.get(method) if self.rounds else None
        task = found.tasks.get("predict" if metric in PREDICTED else "train") if found else None
        if self.rounds is None or found is None or task is None:
            facts = {"method": method, "file": "speed/rounds.json"}
            raise Missing(phrase("in_file", metric=phrases.metric(metric), **facts))
        seconds, rows = task.seconds, self.rounds.rows
        if metric == "train_tokens_per_s":
            return np.array(found.tokens) / seconds, task.undisturbed
        if metric == "inference_examples_per_s":
            return rows / seconds, task.undisturbed
        if metric == "seconds_per_million_texts":
            return 1e6 * seconds / rows, task.undisturbed
        per_batch: Floats = 32 * seconds / rows
        if metric == "ms_per_million_parameters":
            parameters = np.array(self._cell("parameters", method))
            per_batch = ms_per_million_parameters(per_batch, parameters)
        return per_batch, task.undisturbed

    def _of_runs(self, metric: str, method: str) -> Estimate:
        """Measured in the runs themselves: of training times, runs of other seeds say how well."""
        value = self._cell(metric, method)
        mean, sd = (self.table[f"train_seconds{end}"].to_numpy(float) for end in ("", "_sd"))
        runs = np.array([max(1, self.seeds.get(each, 1)) for each in self.table["method"]])
        # in relation to the mean, which methods have in common
        variance = SeedVariance((sd / mean) ** 2, runs, np.full(len(runs), True))
        if metric != "train_seconds" or not variance.known:
            return Estimate(value, error_of(0.0), error_of(0.0), unknown=NO_SPREAD)
        own = (self.table["method"] == method).to_numpy()
        relative, df = (float(each[own][0]) for each in variance.of_means())
        errors = error_of(0.0, value**2 * relative, df)
        return Estimate(value, errors, errors, self.seeds.get(method, 0))

    def _cell(self, column: str, method: str) -> float:
        rows = self.table[self.table["method"] == method]
        if len(rows) != 1 or not np.isfinite(float(rows[column].iloc[0])):
            facts = {"method": method, "file": "efficiency.csv"}
            raise Missing(phrase("in_file", metric=phrases.metric(column), **facts))
        return float(rows[column].iloc[0])
