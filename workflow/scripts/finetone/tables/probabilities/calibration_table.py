"""calibration.csv: do stated probabilities hold, and do they after temperature scaling?

The columns `scaled_…` are those of the same test logits divided by the run's temperature, which was
fitted on dev rows; they are empty, with a `reason`, where a run has none. The predicted classes stay
the same. Intervals are over new rows and new seeds; the temperatures are taken as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.comparison.panel import Panel
from finetone.formats import temperature
from finetone.formats.temperature import Temperature
from finetone.statistics import calibration, metrics
from finetone.statistics.calibration import Calibration, Runs
from finetone.statistics.metrics import Bools, Floats, Ints
from finetone.statistics.scaling import scaled
from finetone.statistics.variance.covariance import shared
from finetone.statistics.variance.mixture import Mixture
from finetone.statistics.variance.moderation import SeedVariance, varying_as
from finetone.statistics.variance.roles import Roles, apart, drawing
from finetone.tables.panels import panels

NO_DEV = "no dev split"
FOLDS = "cross-validated"
ASSESSED = ("ece", "ece_expected", "ece_debiased", "ece_low", "ece_high", "p_calibrated")
SCORED = ("loss", "brier")
COLUMNS = [
    *("dataset", "method", "seeds", "n", "accuracy", *ASSESSED, *SCORED),
    *("temperature", "temperature_min", "temperature_max"),
    *(f"scaled_{name}" for name in (*ASSESSED, *SCORED)),
    *("loss_gain", "loss_gain_low", "loss_gain_high", "reason"),
]


def table(
    predictions: Sequence[Path], temperatures: Sequence[Path], confidence: float, roles: Roles
) -> pd.DataFrame:
    """Make one row per dataset and method.

    Parameters
    ----------
    predictions
        Prediction files of the test rows.
    temperatures
        Files of temperatures; none where there is no dev split.
    confidence
        Confidence level of the intervals, in (0, 1).
    roles
        Of the methods, which decide how chance is judged.
    """
    known = {(each.method, each.seed): each for each in map(temperature.read, temperatures)}
    rows = [
        row for panel in panels(predictions) for row in _dataset(panel, known, confidence, roles)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


@dataclass(frozen=True)
class _Scores:
    """The runs of one method: `runs`, and [S, n] what each row contributes to loss and Brier score."""

    runs: Runs
    loss: Floats
    brier: Floats


@dataclass(frozen=True)
class _Method:
    """The runs of one method before and, where all have one, after division by a temperature."""

    before: _Scores
    after: _Scores | None
    temperatures: Sequence[float]
    reason: str


def _dataset(
    panel: Panel, known: Mapping[tuple[str, int], Temperature], confidence: float, roles: Roles
) -> list[dict[str, object]]:
    found = {name: _method(panel, name, known) for name in panel.methods}
    stochastic, alone = drawing(panel.methods, roles), apart(panel.methods, roles)
    like = varying_as(panel.methods, panel.ensembles)
    before = calibration.assess(
        [m.before.runs for m in found.values()], stochastic, confidence, like, alone
    )
    later = [(name, m.after) for name, m in found.items() if m.after]
    scaled_ones = [name for name, _ in later]
    drawn, alone = drawing(scaled_ones, roles), apart(scaled_ones, roles)
    like = varying_as(scaled_ones, panel.ensembles)
    runs = [scores.runs for _, scores in later]
    assessed = calibration.assess(runs, drawn, confidence, like, alone)
    after = dict(zip(scaled_ones, assessed, strict=True))
    with np.errstate(invalid="ignore"):  # two infinite losses
        gains = {name: found[name].before.loss - scores.loss for name, scores in later}
    gained = dict(
        zip(gains, _means(list(gains.values()), drawn, like, alone, confidence), strict=True)
    )
    rows = []
    for (name, method), plain in zip(found.items(), before, strict=True):
        seeds, n = method.before.loss.shape
        row: dict[str, object] = {"dataset": panel.dataset, "method": name, "seeds": seeds, "n": n}
        row |= {"accuracy": panel.mean_accuracy(name)} | _scored(plain, method.before, "")
        if method.after:
            values = method.temperatures
            row |= {"temperature": float(np.exp(np.mean(np.log(values))))}
            row |= {"temperature_min": min(values), "temperature_max": max(values)}
            row |= _scored(after[name], method.after, "scaled_")
            ends = ("loss_gain", "loss_gain_low", "loss_gain_high")
            row |= dict(zip(ends, gained[name], strict=True))
        rows.append(row | {"reason": method.reason})
    return rows


def _method(panel: Panel, name: str, known: Mapping[tuple[str, int], Temperature]) -> _Method:
    own = panel.columns[name]
    # in cross-validation, temperatures are of models that predict none of these rows
    fitted = [None if panel.folds else known.get((name, seed)) for seed in panel.seeds[name]]
    reasons = [each.reason if each else FOLDS if panel.folds else NO_DEV for each in fitted]
    values = [each.temperature for each in fitted if each and each.temperature is not None]
    after = None
    if len(values) == len(fitted):
        divided = [scaled(*each) for each in zip(panel.logits[own], values, strict=True)]
        after = _scores(panel, own, divided)
    reason = next((each for each in reasons if each), "")
    return _Method(_scores(panel, own, panel.logits[own]), after, values, reason)


def _scores(panel: Panel, own: slice, logits: Sequence[Floats] | Floats) -> _Scores:
    """Of `logits` [S, n, classes] of the runs `own`; which class is predicted is the panel's."""
    at = np.arange(len(panel.label))
    sure, loss, brier = [], [], []
    for each, chosen in zip(logits, panel.predicted[own], strict=True):
        log_p = metrics.log_softmax(each)
        p = np.exp(log_p)
        sure.append(p[at, chosen].astype(np.float32))
        loss.append(-log_p[at, panel.label])
        brier.append(metrics.brier(p, panel.label))
    runs = Runs.of(np.stack(sure), panel.correct[own])
    return _Scores(runs, np.stack(loss), np.stack(brier))


def _scored(found: Calibration, scores: _Scores, prefix: str) -> dict[str, float]:
    values = (found.ece, found.expected, found.debiased, found.low, found.high, found.p)
    means = (float(scores.loss.mean()), float(scores.brier.mean()))
    names = (f"{prefix}{name}" for name in (*ASSESSED, *SCORED))
    return dict(zip(names, (*values, *means), strict=True))


def _means(
    values: Sequence[Floats], stochastic: Bools, like: Ints, alone: Bools, confidence: float
) -> list[tuple[float, float, float]]:
    """(mean, low, high) of values [S, n] of each method, over new seeds and new rows."""
    if not values:
        return []
    usable = [bool(np.isfinite(each).all()) for each in values]
    seeds = np.array([len(each) for each in values])
    with np.errstate(invalid="ignore"):
        own = [each.mean(axis=1).var(ddof=1) if len(each) > 1 else 0.0 for each in values]
        rows = [_rows(each) if fine else 0.0 for each, fine in zip(values, usable, strict=True)]
        mean = np.array([each.mean() for each in values])
    drawn = stochastic & np.array(usable)
    variance = SeedVariance(np.where(usable, own, 0.0), seeds, drawn, None, like, alone)
    n = values[0].shape[1]
    errors = Mixture(np.array(rows), *variance.of_sums(np.diag(1 / seeds)), n)
    half = np.where(usable, errors.half_width(confidence), np.nan)
    mean = np.where(usable, mean, np.nan)
    return [(float(m), float(m - h), float(m + h)) for m, h in zip(mean, half, strict=True)]


def _rows(values: Floats) -> float:
    """Part of the variance of the mean of `values` [S, n] that is due to rows alone."""
    n = values.shape[1]
    away = values - values.mean(axis=1, keepdims=True)
    return shared(away @ away.T / max(n - 1, 1) / n)
