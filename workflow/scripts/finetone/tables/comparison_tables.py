"""comparisons.csv and ranking.csv: who has the highest accuracy, and who differs from whom.

Two methods differ if the p of their difference, adjusted for all pairs of the dataset, is below
1 - confidence; that also covers that the best method was picked by looking. The letters, the
ranking's `p_adjusted` (against the best) and the simultaneous intervals, which exclude 0, are that
same decision. `p_holm_baseline` is adjusted for the comparisons with the named baseline alone (Holm
1979). Where seeds cannot be judged, for no method has a second run, there are no p, letters or
intervals.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.errors import UserError
from finetone.statistics import agreement, intervals, multiple_testing, paired
from finetone.statistics.metrics import Floats
from finetone.statistics.paired import Pairs
from finetone.statistics.panel import Panel
from finetone.tables.panels import panels

COMPARISONS = [
    *("dataset", "a", "b", "difference", "low", "high", "low_simultaneous", "high_simultaneous"),
    *("p", "p_adjusted", "median_mcnemar_p", "kappa", "kappa_low", "kappa_high"),
]
RANKING = [
    *("dataset", "method", "rank", "accuracy", "low", "high", "group", "difference_to_best"),
    *("difference_low", "difference_high", "p_adjusted", "detectable_difference", "seeds", "n"),
    *("difference_to_baseline", "baseline_low", "baseline_high", "p_holm_baseline"),
]


def table(
    predictions: Sequence[Path],
    baseline: str | None,
    confidence: float,
    deterministic: Sequence[str],
    seed_sd: float | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(comparisons, ranking) of all datasets.

    Parameters
    ----------
    baseline
        the method that all others are compared with in the ranking, if any
    deterministic
        the methods that another seed would not change
    seed_sd
        stated standard deviation over seeds, in points, where no method has two runs
    """
    stated = None if seed_sd is None else seed_sd / 100
    found = [
        compare(panel, baseline, confidence, deterministic, stated) for panel in panels(predictions)
    ]
    pairs, ranks = zip(*found, strict=True)
    return pd.concat(pairs), pd.concat(ranks)


def compare(
    panel: Panel,
    baseline: str | None,
    confidence: float,
    deterministic: Collection[str],
    seed_sd: float | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(comparisons, ranking) of one dataset; `seed_sd` as a fraction."""
    if baseline is not None and baseline not in panel.seeds:
        raise UserError(
            f"compare: baseline: '{baseline}' has no predictions on '{panel.dataset}'; "
            f"choose one of {', '.join(panel.methods)}"
        )
    scores = paired.scores_of(panel, "accuracy", deterministic, seed_sd)
    found = _comparisons(panel, paired.compare(scores), confidence)
    ranking = _ranking(panel, found, scores.interval(confidence), baseline, confidence)
    return found[COMPARISONS], ranking


def _comparisons(panel: Panel, pairs: Pairs, confidence: float) -> pd.DataFrame:
    """comparisons.csv and, beside its columns, what a difference is `detectable` from."""
    found = pd.DataFrame(pairs.names, columns=["a", "b"])
    found.insert(0, "dataset", panel.dataset)
    found["difference"] = pairs.value
    found["low"], found["high"] = pairs.interval(confidence)
    all_at_once = pairs.interval(confidence, pairs.methods)
    found["low_simultaneous"], found["high_simultaneous"] = all_at_once
    found["p"], found["p_adjusted"] = pairs.p(), pairs.p(pairs.methods)
    found["detectable"] = pairs.detectable(confidence)
    mcnemar = agreement.mcnemar(panel.correct)
    kappa, kappa_error = agreement.kappa(panel.predicted, len(panel.labels))
    rows = []
    for a, b in pairs.names:
        runs = agreement.seed_pairs(panel.seeds[a], panel.seeds[b])
        i = [panel.columns[a].start + x for x, _ in runs]
        j = [panel.columns[b].start + y for _, y in runs]
        ends = intervals.metric_over_seeds(kappa[i, j], kappa_error[i, j], confidence, (-1.0, 1.0))
        rows.append((np.median(mcnemar[i, j]), np.mean(kappa[i, j]), *ends))
    names = ["median_mcnemar_p", "kappa", "kappa_low", "kappa_high"]
    return found.join(pd.DataFrame(rows, columns=names, dtype=float))


def _ranking(
    panel: Panel,
    comparisons: pd.DataFrame,
    interval: tuple[Floats, Floats],
    baseline: str | None,
    confidence: float,
) -> pd.DataFrame:
    accuracy = {m: panel.mean_accuracy(m) for m in panel.methods}
    order = sorted(panel.methods, key=lambda m: -accuracy[m])
    pairs = comparisons.set_index(["a", "b"])
    adjusted = pairs["p_adjusted"].unstack().reindex(index=order, columns=order).to_numpy(float)
    with np.errstate(invalid="ignore"):
        differ = np.fmin(adjusted, adjusted.T) < 1 - confidence
    known = comparisons["p"].notna().all()
    found = pd.DataFrame({"dataset": panel.dataset, "method": order})
    found["rank"] = [1 + sum(accuracy[m] > accuracy[method] for m in order) for method in order]
    found["accuracy"] = [accuracy[method] for method in order]
    place = [panel.methods.index(method) for method in order]
    found["low"], found["high"] = (ends[place] for ends in interval)
    found["group"] = multiple_testing.letters(differ) if known else ""
    found["seeds"] = [len(panel.seeds[method]) for method in order]
    found["n"] = len(panel.ids)
    best = _against(pairs, order, order[0])
    names = ["difference_to_best", "difference_low", "difference_high"]
    found[names] = best[["difference", "low", "high"]]
    found["p_adjusted"], found["detectable_difference"] = best["p_adjusted"], best["detectable"]
    other = _against(pairs, order, baseline)
    names = ["difference_to_baseline", "baseline_low", "baseline_high"]
    found[names] = other[["difference", "low", "high"]]
    found["p_holm_baseline"] = multiple_testing.holm(other["p"].to_numpy(float))
    return found[RANKING]


def _against(pairs: pd.DataFrame, order: Sequence[str], one: str | None) -> pd.DataFrame:
    """Every method minus `one`; empty for that one itself, or without it."""
    names = ["difference", "low", "high", "p", "p_adjusted", "detectable"]
    known = {(row["a"], row["b"]): row for row in pairs.reset_index().to_dict("records")}
    rows = []
    for method in order:
        row: dict[Any, Any] = dict.fromkeys(names, np.nan)
        if (method, one) in known:
            row = known[method, one]
        elif (one, method) in known:
            row = known[one, method]
            row = row | {"difference": -row["difference"], "low": -row["high"], "high": -row["low"]}
        rows.append(row)
    return pd.DataFrame(rows, columns=names)
