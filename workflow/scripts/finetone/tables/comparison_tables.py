"""comparisons.csv and ranking.csv: who has the highest accuracy, and who differs from whom."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.errors import UserError
from finetone.statistics import agreement, intervals, multiple_testing, paired
from finetone.statistics.metrics import Floats
from finetone.statistics.panel import Panel
from finetone.tables.panels import panels

COMPARISONS = [
    "dataset",
    "a",
    "b",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    "mcnemar_p",
    "kappa",
    "kappa_low",
    "kappa_high",
]
RANKING = [
    "dataset",
    "method",
    "rank",
    "accuracy",
    "low",
    "high",
    "group",
    "difference_to_best",
    "difference_low",
    "difference_high",
    "p_holm",
    "detectable_difference",
    "seeds",
    "n",
    "difference_to_baseline",
    "baseline_low",
    "baseline_high",
    "p_holm_baseline",
]

Pairs = dict[tuple[str, str], tuple[paired.Difference, float]]  # with the Holm-adjusted p


def table(
    predictions: Sequence[Path], baseline: str | None, confidence: float, resamples: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(comparisons, ranking) of all datasets."""
    found = [compare(panel, baseline, confidence, resamples, seed) for panel in panels(predictions)]
    pairs, ranks = zip(*found, strict=True)
    return pd.concat(pairs), pd.concat(ranks)


def compare(
    panel: Panel, baseline: str | None, confidence: float, resamples: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(comparisons, ranking) of one dataset.

    `p_holm` of a pair is adjusted for all pairs of the dataset, which also covers that the best
    method was picked by looking; two methods differ if it is below 1 - confidence. Letters and the
    ranking's `p_holm` (against the best) are that same decision. `p_holm_baseline` is adjusted for
    the comparisons with the named baseline alone. Intervals are not adjusted.
    """
    if baseline is not None and baseline not in panel.seeds:
        raise UserError(
            f"compare: baseline: '{baseline}' has no predictions on '{panel.dataset}'; "
            f"choose one of {', '.join(panel.methods)}"
        )
    found = paired.compare(panel, confidence, resamples, seed)
    adjusted = adjust(list(found.values()))
    pairs: Pairs = dict(zip(found, zip(found.values(), adjusted, strict=True), strict=True))
    comparisons = _comparisons(panel, pairs, confidence)
    pairs |= {(b, a): (d.reversed(), p) for (a, b), (d, p) in pairs.items()}
    return comparisons, _ranking(panel, pairs, baseline, confidence)


def adjust(differences: Sequence[paired.Difference]) -> Floats:
    """Holm-adjusted p of a family of differences."""
    return multiple_testing.holm(np.array([d.p for d in differences]))


def _comparisons(panel: Panel, pairs: Pairs, confidence: float) -> pd.DataFrame:
    mcnemar = agreement.mcnemar(panel.correct)
    kappa, kappa_error = agreement.kappa(panel.predicted, len(panel.labels))
    rows = []
    for (a, b), (d, p_holm) in pairs.items():
        runs = agreement.seed_pairs(panel.seeds[a], panel.seeds[b])
        i = [panel.columns[a].start + x for x, _ in runs]
        j = [panel.columns[b].start + y for _, y in runs]
        low, high = intervals.metric_over_seeds(
            kappa[i, j], kappa_error[i, j], confidence, (-1.0, 1.0)
        )
        rows.append(
            {
                "dataset": panel.dataset,
                "a": a,
                "b": b,
                "difference": d.value,
                "low": d.low,
                "high": d.high,
                "p": d.p,
                "p_holm": p_holm,
                "mcnemar_p": np.median(mcnemar[i, j]),
                "kappa": np.mean(kappa[i, j]),
                "kappa_low": low,
                "kappa_high": high,
            }
        )
    return pd.DataFrame(rows, columns=COMPARISONS)


def _ranking(panel: Panel, pairs: Pairs, baseline: str | None, confidence: float) -> pd.DataFrame:
    accuracy = {m: panel.mean_accuracy(m) for m in panel.methods}
    order = sorted(panel.methods, key=lambda m: -accuracy[m])
    best = order[0]
    differ = np.array([[x != y and pairs[x, y][1] < 1 - confidence for y in order] for x in order])
    groups = dict(zip(order, multiple_testing.letters(differ), strict=True))
    others = [m for m in order if baseline is not None and m != baseline]
    p_baseline = adjust([pairs[m, str(baseline)][0] for m in others])
    rows = []
    for method in order:
        low, high = intervals.over_seeds(panel.accuracies(method), len(panel.ids), confidence)
        row: dict[str, object] = {
            "dataset": panel.dataset,
            "method": method,
            "rank": 1 + sum(accuracy[m] > accuracy[method] for m in order),
            "accuracy": accuracy[method],
            "low": low,
            "high": high,
            "group": groups[method],
            "seeds": len(panel.seeds[method]),
            "n": len(panel.ids),
        }
        if method != best:
            d, p_holm = pairs[method, best]
            row |= {
                "difference_to_best": d.value,
                "difference_low": d.low,
                "difference_high": d.high,
                "p_holm": p_holm,
                "detectable_difference": d.detectable(confidence),
            }
        if method in others:
            d = pairs[method, str(baseline)][0]
            row |= {
                "difference_to_baseline": d.value,
                "baseline_low": d.low,
                "baseline_high": d.high,
                "p_holm_baseline": p_baseline[others.index(method)],
            }
        rows.append(row)
    return pd.DataFrame(rows, columns=RANKING)
