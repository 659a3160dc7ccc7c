"""side_by_side.csv: every number that was printed, ours, and the difference."""

from collections.abc import Iterator, Mapping
from math import hypot, nan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from finetone.formats import rounds
from finetone.formats.csv_table import read_csv
from finetone.formats.rounds import Rounds
from finetone.published.reading import read_csv as read_printed
from finetone.published.reading import read_published
from finetone.tables.timings import ratio

Interval = tuple[float, float, float]
"""value, low, high; NaN where it is not known, low and high also where it has no error"""

UNKNOWN: Interval = (nan, nan, nan)
COLUMNS = [
    *("table", "model", "method", "epoch", "metric", "printed", "possible"),
    *("published", "published_low", "published_high", "ours", "ours_low", "ours_high"),
    *("difference", "difference_low", "difference_high", "repeats", "note", "note_zh"),
]
BESIDE = ("transfer", "baselines")  # printed tables beside the main one


def side_by_side(
    folder: Path,
    values: Path,
    summary: Path,
    efficiency: Path,
    speed: Path,
    padded: Path | None,
    *,
    source: str,
    transfer: str,
    reference: str,
    confidence: float,
) -> pd.DataFrame:
    """Every printed number beside ours, one row per number.

    Parameters
    ----------
    folder
        Of the publication.
    values
        The table published.csv, in which the audit has read and judged the accuracies.
    summary, efficiency
        The tables summary.csv and efficiency.csv.
    speed, padded
        The files speed/rounds.json and, if there is one, speed/padded.json.
    source, transfer
        Names of the datasets of the main table and of transfer.csv.
    reference
        The method that relative times are ratios to; "" leaves them out.
    confidence
        Of the intervals, in (0, 1).

    Returns
    -------
    DataFrame
        `metric` is `accuracy`, `loss`, `parameters`, `seconds_per_32` or `relative_time` (to
        `reference`), and for padded batches `seconds_per_32_padded` (mean over batches) and
        `relative_time_padded`. Accuracies are fractions, the difference is ours minus published.
        Published accuracies have the interval of their rows, ours of seeds and rows, or of rows
        alone if there is one seed; the interval of the difference is made of both.
    """
    read = read_csv(values)
    measured = _Measured(read_csv(summary), source, transfer)
    counted = read_csv(efficiency).set_index("method")
    notes, losses = dict(_notes(folder)), _losses(folder)
    rows = []
    for row in read.to_dict("records"):
        epoch = int(row["epoch"]) if pd.notna(row.get("epoch", nan)) else 0
        about = {key: row[key] for key in ("table", "model", "method", "repeats")}
        about["epoch"] = epoch or pd.NA
        place = (row["table"], row["method"], epoch)
        if pd.notna(row["accuracy"]):
            theirs = tuple(row[f"{key}"] for key in ("accuracy", "wilson_low", "wilson_high"))
            printed = {"metric": "accuracy", "printed": row["printed"], "possible": row["possible"]}
            note = notes.get((row["table"], row["model"]), {})
            rows.append(about | printed | note | _beside(theirs, measured.of("accuracy", *place)))
        if pd.notna(row["loss"]):
            numbers = _beside((row["loss"], nan, nan), measured.of("loss", *place))
            text = losses[row["table"], row["model"], epoch]
            rows.append(about | {"metric": "loss", "printed": text} | numbers)
    printed_of = _printed_costs(folder)
    taken = _Times(rounds.read(speed), rounds.read(padded) if padded else None, confidence)
    for model, costs in printed_of.items():
        about = {"table": "published", "model": model, "method": model, "epoch": pd.NA}
        if text := costs["parameters_millions"]:
            ours = counted["parameters"].get(model, nan)
            numbers = _beside((1e6 * float(text), nan, nan), (ours, nan, nan))
            rows.append(about | {"metric": "parameters", "printed": text} | numbers)
        if text := costs["seconds_per_32"]:
            for metric, theirs, ours in taken.beside(model, reference, printed_of):
                rows.append(about | {"metric": metric, "printed": text} | _beside(theirs, ours))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"epoch": "Int64"})


def _beside(theirs: Any, ours: Interval) -> dict[str, float]:
    """Both numbers and ours minus theirs, whose interval is made of both (Zou & Donner 2008)."""
    (a, a_low, a_high), (b, b_low, b_high) = (
        [each[0], *(x if pd.notna(x) else each[0] for x in each[1:])] for each in (ours, theirs)
    )
    known = pd.notna(ours[1]) or pd.notna(theirs[1])
    low = a - b - hypot(a - a_low, b_high - b) if known else nan
    high = a - b + hypot(a_high - a, b - b_low) if known else nan
    names = ("published", "published_low", "published_high", "ours", "ours_low", "ours_high")
    return {
        **dict(zip(names, (*theirs, *ours), strict=True)),
        **{"difference": a - b, "difference_low": low, "difference_high": high},
    }


class _Measured:
    """Our accuracy and loss, by the place of a printed number."""

    def __init__(self, summary: pd.DataFrame, source: str, transfer: str) -> None:
        self._datasets = {"published": source, "baselines": source, "transfer": transfer}
        self._of = dict(iter(summary.groupby(["dataset", "method"], sort=False)))

    def of(self, metric: str, table: str, method: str, epoch: int) -> Interval:
        """A number with its interval; of the kept epoch where the table has no epochs."""
        rows = self._of.get((self._datasets[table], method))
        if rows is None:
            return UNKNOWN
        rows = rows[rows["epoch"] == epoch] if epoch else rows[rows["kept"]]
        if len(rows) != 1:
            return UNKNOWN
        mean, low, high = (float(rows[f"{metric}_{of}"].iloc[0]) for of in ("mean", "low", "high"))
        return mean, low, high


class _Times:
    """Our times of a training step on 32 texts, as they are and of padded batches."""

    def __init__(self, ours: Rounds, padded: Rounds | None, confidence: float) -> None:
        self.ours, self.padded, self.confidence = ours, padded, confidence

    def beside(
        self, model: str, reference: str, printed: Mapping[str, Mapping[str, str]]
    ) -> Iterator[tuple[str, Interval, Interval]]:
        """(metric, theirs, ours) of seconds, and of ratios to the reference."""
        seconds = float(printed[model]["seconds_per_32"])
        yield "seconds_per_32", (seconds, nan, nan), self._alone(self.ours, model, model)
        if self.padded:
            alone = self._alone(self.padded, model, model)
            yield "seconds_per_32_padded", (seconds, nan, nan), alone
        base = printed.get(reference, {}).get("seconds_per_32")
        if base:
            theirs = seconds / float(base), nan, nan
            yield "relative_time", theirs, self._alone(self.ours, model, reference, relative=True)
            if self.padded:
                relative = self._alone(self.padded, model, reference, relative=True)
                yield "relative_time_padded", theirs, relative

    def _alone(self, found: Rounds, a: str, b: str, relative: bool = False) -> Interval:
        """Seconds of `a`, or how many times those of `b`."""
        both = [found.methods[each].tasks.get("train") for each in (a, b) if each in found.methods]
        if len(both) < 2 or None in both:
            return UNKNOWN
        if found is self.ours and relative:
            estimate = ratio(found, a, b, "train", self.confidence)
            return estimate.value, estimate.low, estimate.high
        first, second = (32 * each.seconds / found.rows for each in both if each)
        clean = np.logical_and.reduce([each.undisturbed for each in both if each])
        clean = clean if clean.sum() > 1 else np.ones_like(clean)
        if not relative:
            second = np.ones_like(second)
        return mean_ratio(first[clean], second[clean], self.confidence)


def mean_ratio(a: np.ndarray, b: np.ndarray, confidence: float) -> Interval:
    """Ratio of two means over the same rounds, with a t-interval of its logarithm (delta method)."""
    value = float(a.mean() / b.mean())
    error = float((a / a.mean() - b / b.mean()).std(ddof=1)) / sqrt(len(a))
    half = float(stats.t.ppf((1 + confidence) / 2, len(a) - 1)) * error
    return value, value * float(np.exp(-half)), value * float(np.exp(half))


def _losses(folder: Path) -> dict[tuple[str, str, int], str]:
    """{(table, model, epoch): its loss as printed}."""
    read = read_published(folder)
    results = [*read.results, *read.transfer, *read.baselines]
    return {(r.table, r.model, r.epoch): r.loss.text for r in results if r.loss}


def _printed_costs(folder: Path) -> dict[str, dict[str, str]]:
    """{model: its parameters in millions and its seconds, as printed, or ""}."""
    names = ("parameters_millions", "seconds_per_32")
    rows = read_printed(folder / "published.csv", ["model"])
    return {row["model"]: {name: row.get(name, "") for name in names} for _, row in rows}


def _notes(folder: Path) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
    """((table, model), its note in each language) of the tables that have notes."""
    for table in BESIDE:
        if (path := folder / f"{table}.csv").exists():
            for _, row in read_printed(path, ["model"]):
                if row.get("note"):
                    said = {"note": row["note"], "note_zh": row.get("note_zh", "")}
                    yield (table, row["model"]), said


def readings(folder: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """{printed name: (the method it is taken for, why in each language)}, where that is a choice."""
    found = {}
    notes = dict(_notes(folder))
    for table in BESIDE:
        if (path := folder / f"{table}.csv").exists():
            for _, row in read_printed(path, ["model"]):
                if note := notes.get((table, row["model"])):
                    taken = row.get("method") or row["model"]
                    said = {"en": note["note"], "zh": note["note_zh"]}
                    found[f"{table}.csv: {row['model']}"] = taken, said
    return found
