"""tuning.csv and tuning_budget.csv: the dev score of every trial, and of the best of so many.

Intervals of a trial are over new dev rows alone: it was trained once. The score of the best of
several is too good by chance, which is why no other table shows it; the test rows say what it is
worth. With successive halving a trial that was stopped counts with the score it had then.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.files import read_json
from finetone.formats import trial
from finetone.formats.trial import Trial
from finetone.statistics import intervals
from finetone.statistics.best_of_trials import expected_best, expected_best_of_different
from finetone.statistics.evaluation import ERRORS
from finetone.statistics.variance.mixture import Mixture
from finetone.tuning.choosing import epoch_of

KEYS = ["epochs", "learning_rate", "batch_size", "C"]
TUNING = [
    *("dataset", "method", "trial", *KEYS, "metric", "score", "low", "high", "n", "rows"),
    *("epochs_trained", "epochs_planned", "stopped", "diverged", "chosen", "train_seconds"),
]
BUDGET = ["dataset", "method", "trials", "metric", "expected_best", "expected_best_of_different"]


def table(
    trials: Sequence[Path],
    choices: Sequence[Path],
    dataset: str,
    metric: str,
    best_epoch: Sequence[str],
    confidence: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(tuning, tuning_budget).

    Parameters
    ----------
    trials
        Trial files of all methods, each up to its last epoch.
    choices
        What was chosen for every method.
    dataset
        Whose dev rows they were measured on.
    metric
        What settings are chosen by, one of `evaluation.SCORES`.
    best_epoch
        The methods that keep their best epoch on the dev split.
    confidence
        Confidence level of the intervals, in (0, 1).
    """
    chosen = {(about["method"], about["trial"]) for about in map(read_json, choices)}
    rows = []
    for found in map(trial.read, trials):
        epoch = epoch_of(found, metric, found.method in best_epoch)
        score, low, high = _score(found, metric, epoch, confidence)
        rows.append(
            {
                "dataset": dataset,
                "method": found.method,
                "trial": found.name,
                **{key: found.values.get(key) for key in KEYS},
                "metric": metric,
                **{"score": score, "low": low, "high": high},
                "n": found.dev_rows,
                "rows": found.rows,
                "epochs_trained": len(found.scores),
                "epochs_planned": found.epochs,
                "stopped": found.stopped,
                "diverged": found.diverged,
                "chosen": (found.method, found.name) in chosen,
                "train_seconds": found.train_seconds,
            }
        )
    frame = pd.DataFrame(rows, columns=TUNING).astype({"epochs": "Int64", "batch_size": "Int64"})
    return frame, pd.DataFrame(_budget(frame), columns=BUDGET)


def _score(found: Trial, metric: str, epoch: int, confidence: float) -> tuple[float, float, float]:
    """A trial's score with its interval; NaN where it has none."""
    if not epoch:
        return (np.nan,) * 3
    score = np.array([found.score(metric, epoch)])
    error = found.score(f"{metric}_se", epoch)
    errors = Mixture(np.array([error**2]), np.zeros(1), np.full(1, np.inf), found.dev_rows)
    low, high = intervals.of_metric(metric, score, errors, confidence)
    return float(score[0]), float(low[0]), float(high[0])


def _budget(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for method, own in frame.groupby("method", sort=False):
        scores = own["score"].dropna().to_numpy(float)
        sign = -1 if own["metric"].iloc[0] in ERRORS else 1
        with_replacement = sign * expected_best(sign * scores)
        different = sign * expected_best_of_different(sign * scores)
        for k, (best, unbiased) in enumerate(zip(with_replacement, different, strict=True), 1):
            yield {
                "dataset": own["dataset"].iloc[0],
                "method": method,
                "trials": k,
                "metric": own["metric"].iloc[0],
                "expected_best": best,
                "expected_best_of_different": unbiased,
            }
