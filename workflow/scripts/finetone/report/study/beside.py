"""Tables that set every published number beside ours."""

from collections.abc import Iterator

import pandas as pd

from finetone.numbers import missing
from finetone.report.elements import Maker
from finetone.report.html_table import Column, Table, table

IMPOSSIBLE = "×"  # behind a printed value that no number of right answers gives, as in the picture
COSTS = ("parameters", "seconds_per_32_padded", "relative_time_padded", "relative_time")
KINDS = {"accuracy": "percent", "loss": "decimal"}
DIFFERENCES = {"accuracy": "points", "loss": "decimal"}


def beside(maker: Maker) -> list[Table]:
    """The main table by epoch, its costs, and the tables of transfer and of baselines."""
    frame = maker.read("side_by_side")
    if frame.empty:
        return []
    frame = frame.copy()
    frame["printed"] = [
        f"{text} {IMPOSSIBLE}" if str(possible).lower() == "false" else str(text)
        for text, possible in zip(frame["printed"], frame["possible"], strict=True)
    ]
    main = frame[frame["table"] == "published"]
    found = [_by_epoch(maker, main, metric) for metric in ("accuracy", "loss")]
    found.append(_costs(maker, main))
    found.append(_others(maker, frame[frame["table"] != "published"]))
    return [each for each in found if each is not None]


def _made(maker: Maker, name: str, rows: pd.DataFrame, columns: list[Column]) -> Table | None:
    if rows.empty:
        return None
    source = maker.inputs.tables["side_by_side"]
    return table(name, maker.labels[f"table_{name}"], rows, columns, source, maker.style)


def _by_epoch(maker: Maker, main: pd.DataFrame, metric: str) -> Table | None:
    """One row per model, and per epoch what is printed, ours and the difference."""
    labels = maker.labels
    rows: dict[str, dict[str, object]] = {}
    columns = [Column("method", labels["method"], "method")]
    epochs = []
    for row in main[main["metric"] == metric].to_dict("records"):
        epoch = 0 if missing(row["epoch"]) or pd.isna(row["epoch"]) else int(row["epoch"])
        epochs.append(epoch)
        own = rows.setdefault(str(row["method"]), {"method": row["method"]})
        for name in ("printed", "ours", "ours_low", "ours_high", "difference"):
            own[f"{name}_{epoch}"] = row[name]
    for epoch in dict.fromkeys(epochs):
        place = labels["epoch_short"].format(n=epoch) if epoch else ""
        ours = (f"ours_low_{epoch}", f"ours_high_{epoch}")
        columns += [
            Column(f"printed_{epoch}", f"{labels['printed']} {place}".strip(), KINDS[metric]),
            Column(f"ours_{epoch}", f"{labels['ours']} {place}".strip(), KINDS[metric], *ours),
            Column(f"difference_{epoch}", labels["less_printed"], DIFFERENCES[metric]),
        ]
    return _made(maker, f"beside_{metric}", pd.DataFrame(list(rows.values())), columns)


def _costs(maker: Maker, main: pd.DataFrame) -> Table | None:
    """Parameters, and times as they are and in relation to one method."""
    labels = maker.labels
    rows: dict[str, dict[str, object]] = {}
    for row in main[main["metric"].isin(COSTS)].to_dict("records"):
        own = rows.setdefault(str(row["method"]), {"method": row["method"]})
        metric = row["metric"]
        for name in ("printed", "published", "ours", "ours_low", "ours_high"):
            own[f"{metric}_{name}"] = row[name]
    columns = [Column("method", labels["method"], "method")]
    columns += [
        Column("parameters_printed", labels["parameters_printed"], "number"),
        Column("parameters_ours", labels["parameters_counted"], "size"),
        Column("seconds_per_32_padded_printed", labels["seconds_printed"], "number"),
        _ours("seconds_per_32_padded", labels["seconds_padded"], "seconds"),
        Column("relative_time_padded_published", labels["relative_printed"], "number"),
        _ours("relative_time_padded", labels["relative_padded"], "number"),
        _ours("relative_time", labels["relative_here"], "number"),
    ]
    return _made(maker, "beside_costs", pd.DataFrame(list(rows.values())), columns)


def _ours(metric: str, label: str, kind: str) -> Column:
    return Column(f"{metric}_ours", label, kind, f"{metric}_ours_low", f"{metric}_ours_high")


def _others(maker: Maker, frame: pd.DataFrame) -> Table | None:
    """Transfer and baselines: printed name, what it is taken for, both values."""
    labels = maker.labels
    rows = frame[frame["metric"] == "accuracy"].copy()
    if rows.empty:
        return None
    rows["table"] = [labels[f"printed_{name}"] for name in rows["table"]]
    rows["said"] = list(_notes(rows, maker))
    columns = [
        Column("table", labels["table"]),
        Column("model", labels["printed_name"]),
        Column("method", labels["taken_for"], "method"),
        Column("printed", labels["printed"], "percent"),
        Column("ours", labels["ours"], "percent", "ours_low", "ours_high"),
        Column("difference", labels["less_printed"], "points", "difference_low", "difference_high"),
        Column("said", labels["note"], "prose"),
    ]
    return _made(maker, "beside_others", rows, columns)


def _notes(rows: pd.DataFrame, maker: Maker) -> Iterator[str]:
    column = "note_zh" if maker.style.language == "zh" else "note"
    for row in rows.to_dict("records"):
        yield str(row[column] or row["note"] or "")
