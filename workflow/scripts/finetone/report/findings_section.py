"""Sections on what was found: ranking, curves, epochs, transfer."""

from finetone.report import numbers
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, bounded

DRAWING = {"bilstm", "textcnn"}  # kinds of baselines that draw random numbers
FEW_SEEDS = 5  # below, the uncertainty of the variance over seeds widens intervals noticeably


def ranking(maker: Maker) -> Section:
    say = maker.say
    ranks = [
        Column("rank", say["rank"], "count"),
        Column("method", say["method"], "method"),
        Column("accuracy", say["accuracy"], "percent", "low", "high"),
        Column("group", say["group"]),
        Column("difference_to_best", say["behind"], "points", "difference_low", "difference_high"),
        Column("p_holm", say["p_holm"], "p"),
        Column(
            "difference_to_baseline",
            say["to_baseline"],
            "points",
            "baseline_low",
            "baseline_high",
        ),
        Column("p_holm_baseline", say["p_holm"], "p"),
    ]
    pairs = [
        Column("a", say["method_a"], "method"),
        Column("b", say["method_b"], "method"),
        Column("difference", say["difference"], "points", "low", "high"),
        Column("p_holm", say["p_holm"], "p"),
        Column("mcnemar_p", say["mcnemar_p"], "p"),
        bounded("kappa", say["kappa"], "number"),
    ]
    frame = maker.rows("ranking")
    config = maker.inputs.config
    confidence = config.get("compare", {}).get("confidence", 0.95)
    kinds = {baseline["kind"] for baseline in config.get("baselines", {}).values()}
    # a method that draws no random numbers has one run, which another seed would not change
    seeds = len(config["seeds"]) if config["models"] or kinds & DRAWING else 0
    sentences = [say["ranking_note"].format(confidence=f"{100 * confidence:g}")]
    if len(frame) > 1:
        sentences += [say["ranking_letters"], say["ranking_seeds" if seeds > 1 else "ranking_rows"]]
    else:
        sentences.append(say["ranking_alone"])
    if seeds == 1:
        sentences.append(say["ranking_one_seed"])
    elif 1 < seeds < FEW_SEEDS:
        sentences.append(say["ranking_few_seeds"].format(n=seeds))
    detectable = (
        frame["detectable_difference"].median() if "detectable_difference" in frame else None
    )
    if not numbers.missing(detectable):
        sentences.append(say["detectable"].format(points=numbers.percent(float(detectable))))  # type: ignore[arg-type]
    return Section(
        "ranking",
        say["section_ranking"],
        sentences=sentences,
        pictures=maker.show("methods", "comparisons"),
        tables=[
            *maker.table("ranking", ranks, frame),
            *maker.table("comparisons", pairs, folded=True),
        ],
    )


def curves(maker: Maker) -> Section:
    say = maker.say
    columns = [
        Column("method", say["method"], "method"),
        Column("seeds", say["seeds"], "count"),
        bounded("final_training_accuracy", say["final_training_accuracy"], "percent"),
        bounded("examples_to_target", say["examples_to_target"], "count"),
        bounded("area_under_curve", say["area_under_curve"], "percent"),
    ]
    correlation = [
        Column("scope", say["scope"]),
        Column("statistic", say["statistic"]),
        Column("rho", say["correlation"], "number", "low", "high"),
        Column("n", say["points"], "count"),
        Column("models", say["models"], "count"),
    ]
    related = maker.read("correlation")
    if len(related):  # without an interval a correlation says nothing
        related = related[related["low"].notna()]
    return Section(
        "curves",
        say["section_curves"],
        say["lead_curves"],
        gallery=[p for name, p in maker.pictures.items() if name.startswith("curves/")],
        tables=[
            *maker.table("convergence", columns),
            *maker.table("correlation", correlation, related),
        ],
    )


def epochs(maker: Maker) -> Section:
    say = maker.say
    main = maker.read("main")
    columns = [Column("method", say["method"], "method")]
    epochs = [int(c[4:]) for c in map(str, main) if c.startswith("acc_") and c[4:].isdigit()]
    for epoch in epochs:
        label = say["accuracy_after"].format(n=epoch)
        columns.append(bounded(f"acc_{epoch}", label, "percent"))
    for epoch in epochs:
        columns.append(bounded(f"loss_{epoch}", say["loss_after"].format(n=epoch), "number"))
    columns += [
        Column("parameters", say["parameters"], "size"),
        bounded("seconds_per_32", say["seconds_per_32"], "seconds"),
        Column("train_seconds", say["train_seconds"], "seconds", spread="train_seconds_sd"),
    ]
    runs = [
        Column("method", say["method"], "method"),
        Column("seed", say["seed"], "count"),
        Column("epoch", say["epoch"], "count"),
        bounded("accuracy", say["accuracy"], "percent"),
        Column("loss", say["loss_error"], "number", spread="loss_se"),
        Column("macro_f1", say["macro_f1_error"], "percent", spread="macro_f1_se"),
        Column("kept", say["kept"], "flag"),
    ]
    return Section(
        "epochs",
        say["section_epochs"],
        say["lead_epochs"] if len(main) else "",  # baselines alone have no epochs to follow
        pictures=maker.show("epochs") if len(main) else [],
        tables=[
            *maker.table("main", columns, main),
            *maker.table("runs", runs, maker.rows("runs"), folded=True),
        ],
    )


def transfer(maker: Maker) -> Section:
    say = maker.say
    columns = [
        Column("dataset", say["dataset"], "dataset"),
        Column("method", say["method"], "method"),
        Column(
            "source_accuracy",
            maker.style.dataset(maker.source),
            "percent",
            "source_low",
            "source_high",
        ),
        bounded("accuracy", say["accuracy_there"], "percent"),
        bounded("drop", say["drop"], "points"),
        Column("n", say["rows"], "count"),
    ]
    return Section(
        "transfer",
        say["section_transfer"],
        say["lead_transfer"].format(source=maker.style.dataset(maker.source)),
        pictures=maker.show("transfer"),
        tables=maker.table("transfer", columns, maker.read("transfer")),
    )
