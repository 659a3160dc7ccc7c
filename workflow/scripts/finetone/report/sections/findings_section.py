"""Sections on the results: ranking, curves, epochs, transfer."""

import pandas as pd

from finetone import numbers
from finetone.comparison.verdicts import VERDICTS
from finetone.experiment.names import stochastic
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, with_interval
from finetone.report.overview_table import overview
from finetone.statistics.evaluation import ERRORS

FEW_SEEDS = 5  # with fewer, intervals are much wider, because the variance over seeds is uncertain


def ranking(maker: Maker) -> Section:
    """Methods by the chosen metric, and which pairs differ significantly."""
    labels = maker.labels
    frame = maker.rows("ranking")
    considered = [
        Column("method", labels["method"], "method"),
        Column("recommended", labels["recommended"], "flag"),
        Column("status", labels["status"]),
        Column("behind", labels["points_behind"], "points", "behind_low", "behind_high"),
        Column("train_seconds", labels["train_seconds"], "seconds"),
        Column("parameters", labels["parameters"], "size"),
    ]
    pairs = [
        Column("a", labels["method_a"], "method"),
        Column("b", labels["method_b"], "method"),
        Column("difference", labels["difference"], "points", "low", "high"),
        Column(
            "difference_again",
            labels["difference_simultaneous"],
            "points",
            "low_simultaneous",
            "high_simultaneous",
        ),
        Column("p_adjusted", labels["p_adjusted"], "p"),
        Column("verdict", labels["verdict"]),
        Column("median_mcnemar_p", labels["median_mcnemar_p"], "p"),
        with_interval("kappa", labels["kappa"], "number"),
    ]
    config = maker.inputs.config
    compare = config.get("compare", {})
    confidence = compare.get("confidence", 0.95)
    # a method that draws no random numbers has one run, which another seed would not change
    seeds = len(config["seeds"]) if stochastic(config) else 0
    stated = compare.get("seed_sd")
    sentences = [labels["ranking_note"].format(confidence=f"{100 * confidence:g}")]
    if (config["datasets"].get(config["source"], {}).get("split") or {}).get("folds"):
        sentences.insert(0, labels["cross_validated"])
        seeds = 0  # their variance is in that of the folds
    if len(frame) == 1:
        sentences.append(labels["ranking_alone"])
    elif seeds != 1 or stated is not None:
        how = labels["ranking_seeds" if seeds else "ranking_rows"]
        margin = repr(float(compare.get("margin", 1.0)))
        sentences += [
            labels["ranking_letters"],
            how,
            labels["ranking_margin"].format(margin=margin),
        ]
    if seeds == 1 and stated is None:
        sentences.append(labels["ranking_one_seed"])
    elif seeds == 1:
        sentences.append(labels["ranking_stated"].format(points=f"{stated:g}"))
    elif 1 < seeds < FEW_SEEDS:
        sentences.append(labels["ranking_few_seeds"].format(n=seeds))
    detectable = (
        frame["detectable_difference"].median() if "detectable_difference" in frame else None
    )
    if not numbers.missing(detectable):
        sentences.append(labels["detectable"].format(points=numbers.percent(float(detectable))))  # type: ignore[arg-type]
    return Section(
        "ranking",
        labels["section_ranking"],
        sentences=sentences,
        pictures=maker.show("methods", "comparisons"),
        tables=[
            *overview(maker),
            *maker.table("comparisons", pairs, _judged(maker), folded=True),
            *maker.table("recommendation", considered, _considered(maker), folded=True),
        ],
    )


def _judged(maker: Maker) -> pd.DataFrame:
    """comparisons.csv with its verdicts in words."""
    pairs = maker.rows("comparisons")
    if "verdict" not in pairs:
        return pairs
    words = {verdict: maker.labels[f"pair_{verdict.replace(' ', '_')}"] for verdict in VERDICTS}
    judged = pairs["verdict"].map(words).fillna("")
    return pairs.assign(verdict=judged, difference_again=pairs["difference"])


def _considered(maker: Maker) -> pd.DataFrame:
    """recommendation.csv with what became of every method in words, and gaps signed as in the ranking."""
    found = maker.rows("recommendation")
    if found.empty:
        return found
    found = found.assign(status=[maker.labels[f"status_{status}"] for status in found["status"]])
    if maker.metric in ERRORS:
        return found
    turned = {"behind": "behind", "behind_low": "behind_high", "behind_high": "behind_low"}
    return found.assign(**{to: 0.0 - found[of] for to, of in turned.items() if of in found})


def curves(maker: Maker) -> Section:
    """Training curves, and how fast models learn."""
    labels = maker.labels
    columns = [
        Column("method", labels["method"], "method"),
        Column("seeds", labels["seeds"], "count"),
        with_interval("final_training_accuracy", labels["final_training_accuracy"], "percent"),
        with_interval("examples_to_target", labels["examples_to_target"], "count"),
        with_interval("area_under_curve", labels["area_under_curve"], "percent"),
    ]
    correlation = [
        Column("scope", labels["scope"]),
        Column("statistic", labels["statistic"]),
        Column("rho", labels["correlation"], "number", "low", "high"),
        Column("n", labels["points"], "count"),
        Column("models", labels["models"], "count"),
    ]
    related = maker.read("correlation")
    if len(related):  # a correlation without an interval is not shown
        related = related[related["low"].notna()]
        related = related.assign(
            scope=[_scope(str(scope), maker) for scope in related["scope"]],
            statistic=[labels[f"statistic_{name}"] for name in related["statistic"]],
        )
    return Section(
        "curves",
        labels["section_curves"],
        labels["lead_curves"],
        pictures=maker.show("learning"),
        gallery=[p for name, p in maker.pictures.items() if name.startswith("curves/")],
        tables=[
            *maker.table("convergence", columns),
            *maker.table("correlation", correlation, related),
        ],
    )


def _scope(name: str, maker: Maker) -> str:
    """What a correlation is over, in words: a dataset, one epoch of it, or the training rows."""
    dataset, _, epoch = name.partition("/epoch")
    if name == "training":
        return maker.labels["split_train"]
    title = maker.style.dataset(dataset)
    return maker.labels["scope_epoch"].format(dataset=title, n=epoch) if epoch else title


def epochs(maker: Maker) -> Section:
    """Accuracy and loss after each epoch."""
    labels = maker.labels
    main = maker.read("main")
    columns = [Column("method", labels["method"], "method")]
    epochs = [int(c[4:]) for c in map(str, main) if c.startswith("acc_") and c[4:].isdigit()]
    for epoch in epochs:
        label = labels["accuracy_after"].format(n=epoch)
        columns.append(with_interval(f"acc_{epoch}", label, "percent"))
    for epoch in epochs:
        columns.append(
            with_interval(f"loss_{epoch}", labels["loss_after"].format(n=epoch), "number")
        )
    columns += [
        Column("parameters", labels["parameters"], "size"),
        with_interval("seconds_per_32", labels["seconds_per_32"], "seconds"),
        Column("train_seconds", labels["train_seconds"], "seconds", spread="train_seconds_sd"),
    ]
    runs = [
        Column("method", labels["method"], "method"),
        Column("seed", labels["seed"], "count"),
        Column("epoch", labels["epoch"], "count"),
        with_interval("accuracy", labels["accuracy"], "percent"),
        Column("loss", labels["loss_error"], "number", spread="loss_se"),
        Column("macro_f1", labels["macro_f1_error"], "percent", spread="macro_f1_se"),
        Column("kept", labels["kept"], "flag"),
    ]
    return Section(
        "epochs",
        labels["section_epochs"],
        labels["lead_epochs"] if len(main) else "",  # baselines alone have no epochs to follow
        pictures=maker.show("epochs") if len(main) else [],
        tables=[
            *maker.table("main", columns, main),
            *maker.table("runs", runs, maker.rows("runs"), folded=True),
        ],
    )


def transfer(maker: Maker) -> Section:
    """Accuracy on other datasets."""
    labels = maker.labels
    columns = [
        Column("dataset", labels["dataset"], "dataset"),
        Column("method", labels["method"], "method"),
        Column(
            "source_accuracy",
            labels["on_dataset"].format(dataset=maker.style.dataset(maker.source)),
            "percent",
            "source_low",
            "source_high",
        ),
        with_interval("accuracy", labels["accuracy_there"], "percent"),
        Column("rank", labels["rank_there"], "count"),
        with_interval("drop", labels["drop"], "drop"),
        Column("n", labels["rows"], "count"),
    ]
    return Section(
        "transfer",
        labels["section_transfer"],
        labels["lead_transfer"].format(source=maker.style.dataset(maker.source)),
        pictures=maker.show("transfer"),
        tables=maker.table("transfer", columns, _by_dataset(maker)),
    )


def _by_dataset(maker: Maker) -> pd.DataFrame:
    """transfer.csv with the rank on each dataset; methods in the order of the ranking on the source."""
    found = maker.ranked(maker.read("transfer"))
    if found.empty:
        return found
    ranks = maker.read("ranking")[["dataset", "method", "rank"]]
    found = found.merge(ranks, how="left", on=["dataset", "method"])
    order = list(maker.inputs.config["transfer"])
    return found.iloc[found["dataset"].map(order.index).to_numpy().argsort(kind="stable")]
