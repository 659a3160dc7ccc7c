"""comparisons.csv and ranking.csv: who is best by the chosen metric, and who differs from whom.

Two methods differ if the p of their difference, adjusted for all pairs of the dataset, is below
1 - confidence; that also covers that the best method was picked by looking. The letters, the
ranking's `p_adjusted` (against the best) and the simultaneous intervals, which exclude 0, are that
same decision. `verdict` is made of these intervals, too (`verdicts`). `p_holm_baseline` is adjusted
for the comparisons with the named baseline alone (Holm 1979). Where seeds cannot be judged, for no
method has a second run, there are no p, letters, verdicts or intervals. A method whose metric is
undefined comes last, without any.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.comparison import agreement, multiple_testing, paired
from finetone.comparison.paired import Pairs
from finetone.comparison.panel import Panel
from finetone.comparison.scores import Scores, scores_of
from finetone.comparison.verdicts import verdicts
from finetone.errors import UserError
from finetone.statistics.evaluation import ERRORS
from finetone.statistics.metrics import Bools
from finetone.statistics.variance.roles import Roles
from finetone.tables.panels import panels

COMPARISONS = [
    *("dataset", "metric", "a", "b", "difference", "low", "high"),
    *("low_simultaneous", "high_simultaneous", "p", "p_adjusted", "verdict"),
    *("median_mcnemar_p", "kappa", "kappa_low", "kappa_high"),
]
RANKING = [
    *("dataset", "method", "rank", "metric", "score", "low", "high", "group"),
    *("difference_to_best", "difference_low", "difference_high"),
    *("low_simultaneous", "high_simultaneous", "p_adjusted"),
    *("detectable_difference", "seeds", "n"),
    *("difference_to_baseline", "baseline_low", "baseline_high", "p_holm_baseline"),
]


def table(
    predictions: Sequence[Path],
    baseline: str | None,
    confidence: float,
    roles: Roles,
    seed_sd: float | None,
    metric: str = "accuracy",
    margin: float = 1.0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(comparisons, ranking) of all datasets; differences are first minus second.

    Parameters
    ----------
    baseline
        the method that all others are compared with in the ranking, if any
    roles
        of the methods, which decide how chance is judged
    seed_sd
        stated standard deviation over seeds, in points (hundredths of the metric), where no method
        has two runs
    metric
        what methods are compared by, one of `evaluation.SCORES`
    margin
        in points: methods that surely differ by less are practically equal
    """
    found = []
    for panel in panels(predictions):
        scores = scores_of(panel, metric, roles, seed_sd)
        found.append(compare(panel, scores, baseline, confidence, roles, margin / 100))
    pairs, ranks = zip(*found, strict=True)
    return pd.concat(pairs), pd.concat(ranks)


def compare(
    panel: Panel,
    scores: Scores,
    baseline: str | None,
    confidence: float,
    roles: Roles,
    margin: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(comparisons, ranking) of one dataset; `margin` in the metric's units."""
    if baseline is not None and baseline not in panel.seeds:
        raise UserError(
            f"compare: baseline: '{baseline}' has no predictions on '{panel.dataset}'; "
            f"choose one of {', '.join(panel.methods)}"
        )
    found = _comparisons(panel, paired.compare(scores), roles, confidence)
    found["metric"] = scores.metric
    ends = found["low_simultaneous"].to_numpy(), found["high_simultaneous"].to_numpy()
    found["verdict"] = verdicts(*ends, margin, scores.metric in ERRORS)
    ranking = _ranking(panel, found, scores, baseline, confidence)
    return found[COMPARISONS], ranking


def _comparisons(panel: Panel, pairs: Pairs, roles: Roles, confidence: float) -> pd.DataFrame:
    """comparisons.csv and, beside its columns, what a difference is `detectable` from."""
    found = pd.DataFrame(pairs.names, columns=["a", "b"])
    found.insert(0, "dataset", panel.dataset)
    found["difference"] = pairs.value
    found["low"], found["high"] = pairs.interval(confidence)
    all_at_once = pairs.interval(confidence, pairs.methods)
    found["low_simultaneous"], found["high_simultaneous"] = all_at_once
    found["p"], found["p_adjusted"] = pairs.p(), pairs.p(pairs.methods)
    found["detectable"] = pairs.detectable(confidence)
    names = ["median_mcnemar_p", "kappa", "kappa_low", "kappa_high"]
    found[names] = agreement.of_methods(panel, pairs.names, roles, confidence)
    return found


def _ranking(
    panel: Panel, comparisons: pd.DataFrame, scores: Scores, baseline: str | None, confidence: float
) -> pd.DataFrame:
    """One row per method, the best first."""
    value = scores.mean
    if scores.metric == "accuracy":  # whole numbers, so that equal shares are equal floats
        value = np.array([panel.mean_accuracy(method) for method in panel.methods])
    worse = np.where(np.isfinite(value), value if scores.metric in ERRORS else -value, np.inf)
    worse = worse.round(12)  # sums in another order differ in the last digits
    place = np.argsort(worse, kind="stable")
    order = [panel.methods[i] for i in place]
    low, high = scores.interval(confidence)
    found = pd.DataFrame(
        {
            "dataset": panel.dataset,
            "method": order,
            "rank": [1 + int((worse < worse[i]).sum()) for i in place],
            "metric": scores.metric,
            "score": value[place],
            "low": low[place],
            "high": high[place],
            "group": _groups(comparisons, order, np.isfinite(value[place]), confidence),
            "seeds": scores.seeds[place],
            "n": len(panel.ids),
        }
    )
    best = _against(comparisons, order, order[0])
    found["difference_to_best"] = best["difference"]
    found["difference_low"], found["difference_high"] = best["low"], best["high"]
    same = ["low_simultaneous", "high_simultaneous", "p_adjusted"]
    found[same], found["detectable_difference"] = best[same], best["detectable"]
    other = _against(comparisons, order, baseline)
    names = ["difference_to_baseline", "baseline_low", "baseline_high"]
    found[names] = other[["difference", "low", "high"]]
    found["p_holm_baseline"] = multiple_testing.holm(other["p"].to_numpy(float))
    return found[RANKING]


def _groups(
    comparisons: pd.DataFrame, order: Sequence[str], defined: Bools, confidence: float
) -> list[str]:
    """Letters of the methods in `order`; none of undefined ones, and none where seeds are unknown."""
    names = [method for method, has_score in zip(order, defined, strict=True) if has_score]
    pairs = comparisons.set_index(["a", "b"])["p_adjusted"].unstack()
    adjusted = pairs.reindex(index=names, columns=names).to_numpy(float)
    adjusted = np.fmin(adjusted, adjusted.T)
    if np.isnan(adjusted[~np.eye(len(names), dtype=bool)]).any():
        return [""] * len(order)
    with np.errstate(invalid="ignore"):
        letters = iter(multiple_testing.letters(adjusted < 1 - confidence))
    return [next(letters) if has_score else "" for has_score in defined]


def _against(comparisons: pd.DataFrame, order: Sequence[str], one: str | None) -> pd.DataFrame:
    """Every method minus `one`; empty for that one itself, or without it."""
    ends = (("low", "high"), ("low_simultaneous", "high_simultaneous"))
    names = ["difference", *ends[0], *ends[1], "p", "p_adjusted", "detectable"]
    known = {(row["a"], row["b"]): row for row in comparisons.to_dict("records")}
    rows = []
    for method in order:
        row: dict[Any, Any] = dict.fromkeys(names, np.nan)
        if (method, one) in known:
            row = known[method, one]
        elif (one, method) in known:
            row = known[one, method]
            turned = {low: -row[high] for low, high in ends} | {hi: -row[lo] for lo, hi in ends}
            row = row | turned | {"difference": -row["difference"]}
        rows.append(row)
    return pd.DataFrame(rows, columns=names)
