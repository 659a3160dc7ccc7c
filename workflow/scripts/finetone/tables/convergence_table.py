"""convergence.csv: how fast a method learns its training data, from its runs' per-step histories.

- *final training accuracy*: cumulative accuracy at the end of the last epoch: of all examples of
  that epoch, each predicted just before the step that learns from it.
- *target*: 95 % of it.
- *examples to target*: the accuracy of one batch is noisy (one example of 32 is 3 points), so the
  target is compared with the accuracy over the last `window` examples: 2 % of the run's examples,
  at least 256, at most the whole run, in whole batches. The first step at which a full window
  meets the target counts; examples are those seen up to and including it. Empty if never.
- *nothing learned*: a run whose final training accuracy is below, or not significantly different
  from, that of always predicting the most frequent label has no meaningful target: it would meet
  95 % of it in its first window. Its examples to target are empty. The criterion: the lower end of
  the Wilson interval of the final training accuracy (over the examples of the last epoch) is at
  most that label's share.
- *area under curve*: mean accuracy over all examples of the run, that is, the area under accuracy
  against examples, divided by the examples: 1 is a model that is right from the first batch on.

Over the runs of a method, the two accuracies have intervals over new seeds and training rows, and
examples to the target over new seeds. The variance over seeds is judged from all models of the table
together (`moderation`); where none has a second run, the accuracies' intervals are over rows alone, and
examples to the target have none. The mean number of examples is empty if a run never reached its
target: a mean over those that did would flatter the method.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.errors import UserError
from finetone.files import read_json
from finetone.formats.history import read_history
from finetone.statistics.intervals import Shape, around, bounded, wilson
from finetone.statistics.variance.mixture import Mixture
from finetone.statistics.variance.moderation import SeedVariance
from finetone.statistics.variance.roles import Roles, apart, drawing
from finetone.tables.method_facts import whole

SHARE = 0.95
WINDOW_SHARE = 0.02
WINDOW_LEAST = 256
RUN = ["final_training_accuracy", "area_under_curve", "examples_to_target"]


def table(
    histories: Mapping[tuple[str, int], Path], data: Path, confidence: float, roles: Roles
) -> pd.DataFrame:
    """The convergence table, one row per method.

    Parameters
    ----------
    histories
        history.parquet files by (method, seed).
    data
        Folder of the dataset that the runs were trained on.
    confidence
        Confidence level of the intervals, in (0, 1).
    roles
        Of the methods, which decide how chance is judged.

    Raises
    ------
    UserError
        A file cannot be read, or the dataset has no training rows.
    """
    labels = training_rows(data / "manifest.json")
    return whole(converge(histories, labels, confidence, roles))


def training_rows(manifest: str | Path) -> dict[str, int]:
    """Number of training rows of each label, from a dataset's manifest.json.

    Parameters
    ----------
    manifest
        The file.

    Returns
    -------
    dict
        {label: rows}.

    Raises
    ------
    UserError
        It states no training rows.
    """
    try:
        counts = {
            str(name): int(count) for name, count in read_json(manifest)["rows"]["train"].items()
        }
    except (KeyError, AttributeError, TypeError, ValueError):
        counts = {}
    if not sum(counts.values()):
        raise UserError(f"{manifest}: no training rows per label; delete and rerun")
    return counts


def converge(
    histories: Mapping[tuple[str, int], Path],
    labels: Mapping[str, int],
    confidence: float,
    roles: Roles,
) -> pd.DataFrame:
    """The convergence table from the number of training rows.

    Parameters
    ----------
    histories
        history.parquet files by (method, seed).
    labels
        {label: training rows}.
    confidence
        Confidence level of the intervals, in (0, 1).
    roles
        Of the methods, which decide how chance is judged.
    """
    runs = measured(histories, labels, confidence)
    by_method = runs.groupby("method", sort=False)
    found = by_method.size().rename("seeds").to_frame()
    found["reached"] = by_method["examples_to_target"].count()
    for name in RUN:
        mean, errors = over_runs(runs, name, sum(labels.values()), roles)
        share = name != "examples_to_target"
        shape: Shape = "share" if share else "symmetric"
        ends = around(
            mean.to_numpy(float), errors, confidence, (0.0, 1.0 if share else np.inf), shape
        )
        found[bounded(name)] = np.stack([mean, *ends], axis=1)
    names = [
        *("method", "seeds", *bounded("final_training_accuracy"), "reached"),
        *(*bounded("examples_to_target"), *bounded("area_under_curve")),
    ]
    return found.reset_index()[names]


def measured(
    histories: Mapping[tuple[str, int], Path], labels: Mapping[str, int], confidence: float
) -> pd.DataFrame:
    """Measure every run: `method` and the numbers in `RUN`, one row per run."""
    majority = max(labels.values()) / sum(labels.values())
    rows = [
        {"method": method, **measure(read_history(path), majority, confidence)}
        for (method, _), path in histories.items()
    ]
    return pd.DataFrame(rows, columns=["method", *RUN])


def over_runs(runs: pd.DataFrame, name: str, rows: int, roles: Roles) -> tuple[pd.Series, Mixture]:
    """Mean of each method, with its errors, in the order of the methods.

    Parameters
    ----------
    runs
        From `measured`.
    name
        One of `RUN`.
    rows
        Number of training rows.
    roles
        Of the methods, which decide how chance is judged.

    Returns
    -------
    mean, errors
        The mean is NaN where a run has no value; the errors where nothing is known of them.
    """
    own = runs.groupby("method", sort=False)[name]
    # pandas leaves out missing values unless told otherwise
    mean = own.agg(lambda values: values.mean(skipna=False)).astype(float)
    seeds = own.size().to_numpy()
    over = SeedVariance(
        own.var().where(mean.notna()).to_numpy(float),
        seeds,
        drawing(list(mean.index), roles),
        apart=apart(list(mean.index), roles),
    )
    share = name != "examples_to_target"
    of_rows = mean * (1 - mean) / rows if share else 0 * mean + (0.0 if over.known else np.nan)
    return mean, Mixture(of_rows.to_numpy(float), *over.of_means(), rows)


def measure(history: pd.DataFrame, majority: float, confidence: float) -> dict[str, float]:
    """The numbers of one run, by the names in `RUN`.

    Parameters
    ----------
    history
        One row per step, as `read_history` returns it.
    majority
        Share of the most frequent label among the training rows.
    confidence
        Confidence level that decides whether anything was learned.
    """
    examples = history["examples"].to_numpy(np.int64)
    # whole numbers, so that no window depends on rounding errors of earlier ones
    right = np.round(history["accuracy"].to_numpy(np.float64) * examples).astype(np.int64)
    seen, hits = np.cumsum(examples), np.cumsum(right)
    window = min(int(seen[-1]), max(WINDOW_LEAST, int(WINDOW_SHARE * seen[-1])))
    final = float(history["cumulative_accuracy"].iloc[-1])
    target = SHARE * final
    # the latest start that leaves at least `window` examples up to and including each step
    before = np.searchsorted(np.append(0, seen), seen - window, side="right") - 1
    full = before >= 0
    start = np.maximum(before, 0)
    in_window = seen - np.append(0, seen)[start]
    running = (hits - np.append(0, hits)[start]) / in_window
    reached = np.flatnonzero(full & (running >= target))
    last = int(history.loc[history["epoch"] == history["epoch"].iloc[-1], "examples"].sum())
    learned = wilson(final * last, last, confidence)[0] > majority
    first = int(reached[0]) if learned and len(reached) else None
    return {
        "final_training_accuracy": final,
        "examples_to_target": float("nan") if first is None else float(seen[first]),
        "area_under_curve": float(hits[-1] / seen[-1]),
    }
