"""Checks of runs and models: one seed, a run that learned nothing, too few epochs, random layers."""

from collections.abc import Iterator

from finetone.checks.check import Check
from finetone.checks.evidence import Evidence
from finetone.numbers import percent
from finetone.plots.drawing.read_table import truth

CHANCE = 0.05  # a balanced accuracy no more than this above chance: the run learned nothing
CONFIDENCE = 0.05  # of the calibration error's lower bound: predicted probabilities mislead
RISE = 0.01  # of the test accuracy in the last epoch, on average and in every seed at all


def one_seed(evidence: Evidence) -> Iterator[Check]:
    """No method was trained twice, so chance cannot be told from quality.

    In a cross-validation every fold is a training with a seed of its own.
    """
    runs = evidence.rows("runs")
    if "folds" in runs and runs["folds"].max() > 1:
        return
    trained = _trained(evidence)
    seeds = {method: len(runs) for method, runs in trained.items()}
    if seeds and max(seeds.values()) == 1 and len(evidence.rows("ranking")) > 1:
        yield Check("one_seed", "warning", 1, "seeds")


def collapsed(evidence: Evidence) -> Iterator[Check]:
    """Runs of methods that are no controls which predict no better than chance."""
    runs = evidence.rows("runs")
    trained = _trained(evidence)
    if not len(runs) or not trained:
        return
    chance = 1 / max(len(evidence.runs[0].get("labels") or ()), 2)
    kept = runs[runs["kept"] & runs["method"].isin(set(trained) - evidence.controls)]
    failed = kept[kept["balanced_accuracy"] <= chance + CHANCE]
    failed = failed.sort_values("balanced_accuracy", kind="stable")
    if len(failed):
        worst = failed.iloc[0]
        yield Check(
            "collapsed",
            "warning",
            len(failed),
            "recipe.learning_rate",
            {
                "n": str(len(failed)),
                "runs": str(len(kept)),
                "seed": str(int(worst["seed"])),
                "accuracy": percent(float(worst["balanced_accuracy"])),
                "chance": percent(chance),
            },
            [str(method) for method in dict.fromkeys(failed["method"])],
        )


def still_rising(evidence: Evidence) -> Iterator[Check]:
    """Models whose test accuracy rose in the last epoch, in every seed: more epochs may help."""
    runs = evidence.rows("runs")
    found = {}
    for method, of_method in runs.groupby("method", sort=False) if len(runs) else ():
        by_epoch = of_method.pivot_table(index="seed", columns="epoch", values="accuracy")
        if (
            by_epoch.shape[1] < 2
            or not of_method[of_method["epoch"] == by_epoch.columns[-1]]["kept"].all()
        ):
            continue
        rise = by_epoch.iloc[:, -1] - by_epoch.iloc[:, -2]
        if rise.mean() >= RISE and (rise > 0).all():
            found[str(method)] = float(rise.mean())
    methods = sorted(found, key=lambda method: (method in evidence.controls, -found[method]))
    if methods:
        yield Check(
            "still_rising",
            "note" if set(methods) <= evidence.controls else "warning",
            found[methods[0]],
            "recipe.epochs",
            {"points": percent(found[methods[0]])},
            methods,
        )


def overconfident(evidence: Evidence) -> Iterator[Check]:
    """The recommended method's probabilities are far from how often it is right."""
    advice, rows = evidence.rows("recommendation"), evidence.rows("calibration")
    if not len(advice) or not len(rows):
        return
    chosen = advice[truth(advice["recommended"])] if "recommended" in advice else advice[:0]
    found = rows[rows["method"].isin(chosen["method"]) & (rows["ece_low"] > CONFIDENCE)]
    for row in found.to_dict("records"):
        if not row.get("temperature", 0) > 0:  # no temperature mends it
            yield Check(
                "overconfident",
                "warning",
                float(row["ece_debiased"]),
                f"datasets.{evidence.source}.split",
                {"points": percent(float(row["ece_debiased"]))},
                [str(row["method"])],
            )


def random_layers(evidence: Evidence) -> Iterator[Check]:
    """Pretrained models of which some weights, beside the classifier's, are not in the checkpoint."""
    missing = {
        str(model["model"]): sorted({name.rpartition(".")[0] or name for name in keys})
        for model in evidence.models
        if (keys := model.get("missing_keys")) and model.get("weights") != "random"
    }
    for method, modules in missing.items():
        yield Check(
            "random_layers",
            "note",
            len(modules),
            f"models.{method}",
            {"modules": ", ".join(modules[:3]) + (", …" if len(modules) > 3 else "")},
            [method],
        )


def disturbed(evidence: Evidence) -> Iterator[Check]:
    """Methods whose timing something else on the machine has disturbed."""
    costs = evidence.table("efficiency")
    count = int(truth(costs["doubtful"]).sum()) if "doubtful" in costs else 0
    if count:
        facts = {"n": str(count), "all": str(len(costs))}
        yield Check("disturbed", "note", count, "", facts)


def _trained(evidence: Evidence) -> dict[str, list[int]]:
    """Seeds of the methods that were trained step by step, and so draw random numbers."""
    found: dict[str, list[int]] = {}
    for run in evidence.runs:
        if run.get("steps") or run.get("kind") == "finetune":
            found.setdefault(str(run["method"]), []).append(int(run["seed"]))
    return found
