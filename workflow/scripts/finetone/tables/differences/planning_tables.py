"""variance.csv and planning.csv: what chance is made of, and what would settle more.

variance.csv takes the variance of every method's score on the source dataset apart. `seeds_sd` is
that of one run's score over seeds, if there were no end of rows, by the method alone;
`seeds_sd_moderated` is the one that intervals are made with (`moderation`), with its degrees of
freedom; `rows_sd` that over rows of what one row contributes, `seeds_rows_sd` that of one run on one
row beyond both. The errors are what each adds to the mean as it was measured. All are standard
deviations in the units of the score: of an accuracy, fractions.

planning.csv says for several true differences how likely the present design finds them between two
methods whose rows differ as those of the best two, and what would find them four times in five: more seeds with the present rows, more
rows with the present seeds, or both, as many times more of one as of the other. Hours are those of
training and predicting what is missing. `reason` says why a cell is empty.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.comparison import paired
from finetone.comparison.planning import MOST_SEEDS, ROWS, Planner, components, planner
from finetone.comparison.scores import Scores, scores_of
from finetone.formats.csv_table import read_csv
from finetone.statistics.cost import Pace
from finetone.statistics.variance.roles import Roles
from finetone.tables.panels import panels

DIFFERENCES = (0.005, 0.01, 0.02)
VARIANCE = [
    *(
        *("dataset", "metric", "method", "seeds", "n", "seeds_sd", "seeds_sd_moderated", "df"),
        "rows_sd",
    ),
    *("seeds_rows_sd", "error_seeds", "error_rows", "seconds_per_seed", "seconds_per_1000_rows"),
    "reason",
]
PLANNING = [
    *("dataset", "metric", "difference", "seeds", "n", "power", "seeds_needed", "seeds_hours"),
    *("rows_needed", "rows_hours", "both_seeds", "both_rows", "both_hours", "reason"),
]
NO_SECOND_SEED = "no method has a second seed"
ONE_SEED = "one seed; judged by the other methods"
ENSEMBLE = "judged by the runs that it is made of"
FOLDS = "cross-validated: the variance over rows holds that of seeds"
UNTIMED = "the time of a training or a prediction is unknown"


def table(
    predictions: Sequence[Path],
    efficiency: Path,
    confidence: float,
    roles: Roles,
    seed_sd: float | None,
    metric: str = "accuracy",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(variance, planning) of one dataset.

    Parameters
    ----------
    predictions
        on the source dataset
    efficiency
        efficiency.csv, which has the times
    roles
        of the methods, which decide how chance is judged
    seed_sd
        stated standard deviation over seeds, in points (hundredths of the metric), where no method
        has two runs
    metric
        what methods are compared by, one of `evaluation.SCORES`
    """
    (panel,) = panels(predictions)
    scores = scores_of(panel, metric, roles, seed_sd)
    times = read_csv(efficiency).set_index("method").reindex(scores.methods)
    # an ensemble is made of the runs of another method, so nothing is trained or predicted for it
    made = scores.stochastic & (scores.seeds < scores.seeds.max())
    pace = Pace(
        np.where(made, 0.0, times["train_seconds"].to_numpy(float)),
        np.where(made, 0.0, 1 / times["inference_examples_per_s"].to_numpy(float)),
        scores.seeds,
        len(panel.ids),
        scores.stochastic & ~made,
    )
    found = _variance(scores, pace), _planning(scores, pace, confidence)
    for frame in found:
        frame.insert(0, "dataset", panel.dataset)
        frame.insert(1, "metric", metric)
    return found[0][VARIANCE], found[1][PLANNING]


def _variance(scores: Scores, pace: Pace) -> pd.DataFrame:
    parts, n = components(scores), pace.rows
    found = pd.DataFrame({"method": scores.methods, "seeds": scores.seeds, "n": n})
    found["seeds_sd"] = np.sqrt(parts.own)
    found["seeds_sd_moderated"] = np.sqrt(parts.moderated)
    found["df"] = np.where(np.isfinite(parts.df), parts.df, np.nan)
    found["rows_sd"], found["seeds_rows_sd"] = np.sqrt(parts.rows), np.sqrt(parts.residual)
    found["error_seeds"] = np.sqrt(parts.moderated / scores.seeds + scores.shared)
    found["error_rows"] = np.sqrt(parts.rows / n)
    more_seeds = pace.seconds(scores.seeds + 1, n)
    found["seconds_per_seed"] = np.where(pace.stochastic, more_seeds, np.nan)
    found["seconds_per_1000_rows"] = pace.seconds(scores.seeds, n + 1000)
    single = scores.stochastic & (scores.seeds == 1)
    why = NO_SECOND_SEED if np.isnan(parts.moderated).any() else ONE_SEED
    found["reason"] = np.where(single, why, "")
    found.loc[scores.stochastic & ~pace.stochastic, "reason"] = ENSEMBLE
    found.loc[~scores.stochastic, "reason"] = "draws no random numbers"
    if scores.folds:
        of_seeds = ["seeds_sd", "seeds_sd_moderated", "df", "seeds_rows_sd", "error_seeds"]
        found[of_seeds], found["reason"] = np.nan, FOLDS
    return found


def _planning(scores: Scores, pace: Pace, confidence: float) -> pd.DataFrame:
    found = planner(scores, paired.compare(scores), confidence)
    seeds = int(scores.seeds[scores.stochastic].max()) if scores.stochastic.any() else 1
    rows = []
    for difference in DIFFERENCES if len(scores.methods) > 1 else ():
        row = {"difference": difference, "seeds": seeds, "n": pace.rows}
        few = FOLDS if scores.folds else "no method draws random numbers"
        plan = _plan(found, pace, difference, seeds, few) if found else {"reason": NO_SECOND_SEED}
        rows.append(row | plan)
    table = pd.DataFrame(rows, columns=PLANNING[2:])
    counts = ["seeds", "n", "seeds_needed", "rows_needed", "both_seeds", "both_rows"]
    return table.astype(dict.fromkeys(counts, "Int64"))


def _plan(found: Planner, pace: Pace, difference: float, seeds: int, few: str) -> dict[str, object]:
    """The cells of one difference; `few` says why seeds would not help."""
    n = pace.rows
    more_seeds, more_rows = found.seeds(difference, n), found.rows(difference, seeds)
    both = found.both(difference, seeds, n)
    plans = {
        "seeds": more_seeds and (more_seeds, n),
        "rows": more_rows and (seeds, more_rows),
        "both": both,
    }
    hours = {
        f"{name}_hours": float(pace.seconds(*plan).sum()) / 3600 if plan else np.nan
        for name, plan in plans.items()
    }
    reasons = []
    if more_seeds is None:
        many = f"not reachable with {MOST_SEEDS} seeds on these rows"
        reasons.append(many if found.stochastic else few)
    if more_rows is None:
        reasons.append(f"not reachable with {ROWS[-1]:,} rows and these seeds")
    if both is None:
        reasons.append("not reachable with more of both")
    if any(plan and np.isnan(hours[f"{name}_hours"]) for name, plan in plans.items()):
        reasons.append(UNTIMED)
    return {
        "power": found.power(difference, seeds, n),
        "seeds_needed": more_seeds,
        "rows_needed": more_rows,
        "both_seeds": both[0] if both else None,
        "both_rows": both[1] if both else None,
        **hours,
        "reason": "; ".join(reasons),
    }
