"""Reading a published table as it was printed: digits are evidence, so numbers keep their text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetone.errors import UserError
from finetone.published.cells import number, read_csv
from finetone.published.printed import Printed
from finetone.published.stated import Setup, read_setup, read_yaml

__all__ = ["Printed", "Published", "Result", "number", "read_csv", "read_published", "read_yaml"]

SHARES = ("accuracy", "error", "precision", "recall", "f1")
CORRELATIONS = ("mcc", "pearson", "spearman")
METRICS = (*SHARES, *CORRELATIONS, "loss")
USED = {"model", "method", "kind", "epoch", "n", *METRICS}
ELSEWHERE = {
    "parameters_millions",
    "seconds_per_32",
    "note",
    "note_zh",
}  # read by other parts, or by people
BESIDE = ("transfer", "baselines", "literature", "reasons")  # other tables of a folder


@dataclass(frozen=True)
class Result:
    """The printed results of one model; `epoch` is 0 where the table has one row per model."""

    table: str
    model: str
    epoch: int
    values: dict[str, Printed]
    n: int
    kind: str = "pretrained"
    method: str = ""

    @property
    def accuracy(self) -> Printed | None:
        """Its accuracy, perhaps from the error rate."""
        error = self.values.get("error")
        whole = error and error.moved(error.steps - 2 * error.units)
        return self.values.get("accuracy", whole)

    @property
    def loss(self) -> Printed | None:
        """Its loss."""
        return self.values.get("loss")


@dataclass(frozen=True)
class Published:
    """A published experiment: its stated setup, its printed results, and columns nobody reads."""

    setup: Setup
    results: list[Result]
    transfer: list[Result] = field(default_factory=list)
    baselines: list[Result] = field(default_factory=list)
    unread: tuple[str, ...] = ()

    def setup_of(self, table: str) -> Setup:
        """What is stated about a table."""
        return self.setup.transfer or self.setup if table == "transfer" else self.setup


def locate(path: Path) -> tuple[Path, Path | None]:
    """The main table and the setup, if there is one, of a folder or of a CSV file.

    Raises
    ------
    UserError
        There is none, or there are several.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; it holds the printed results")
    if not path.is_dir():
        setups = [path.with_suffix(".yaml"), path.with_name("setup.yaml")]
        return path, next((setup for setup in setups if setup.exists()), None)
    table, setup = path / "published.csv", path / "setup.yaml"
    if not table.exists():
        others = sorted(p for p in path.glob("*.csv") if p.stem not in BESIDE)
        if len(others) > 1:
            names = ", ".join(p.name for p in others)
            raise UserError(f"{path}: which is the table, {names}? Name that file, not its folder")
        table = others[0] if others else table
        setup = setup if setup.exists() else table.with_suffix(".yaml")
    return table, setup if setup.exists() else None


def read_published(path: Path, given: Mapping[str, Any] | None = None) -> Published:
    """Read a published table: a CSV file, or a folder with more beside it.

    Parameters
    ----------
    path
        The file, or the folder (docs/published-table.md).
    given
        Keys of the setup that count more than those of the file.

    Raises
    ------
    UserError
        A file or column is missing, a model or epoch is there twice, or a cell is not a plain
        number or is out of its range.
    """
    file, stated = locate(path)
    setup = read_setup(stated, given or {})
    results, columns = _results(file, "published", setup)
    if setup.epochs and max(r.epoch for r in results) > setup.epochs:
        raise UserError(f"{file}: has more epochs than the setup states (epochs: {setup.epochs})")
    if setup.average is None and {"precision", "recall", "f1"} & set(columns):
        raise UserError(
            f"{file}: precision, recall and F1 need `average: binary, micro, macro or weighted` "
            "in the setup (--average)"
        )
    more: dict[str, list[Result]] = {"transfer": [], "baselines": []}
    for table, rows in more.items() if path.is_dir() else ():
        if (path / f"{table}.csv").exists():
            other = setup.transfer if table == "transfer" else setup
            if other is None:
                raise UserError(
                    f"{stated or path}: transfer.csv needs `transfer: {{dataset, n_test}}` here"
                )
            rows += _results(path / f"{table}.csv", table, other)[0]
    unread = tuple(sorted({*columns} - USED - ELSEWHERE))
    return Published(setup, results, unread=unread, **more)


def _results(path: Path, table: str, setup: Setup) -> tuple[list[Result], list[str]]:
    rows = read_csv(path, ["model"])
    columns = list(rows[0][1])
    metrics = [metric for metric in METRICS if metric in columns]
    if not metrics:
        raise UserError(
            f"{path}: no column holds results; it has {', '.join(columns)}; name one "
            f"{', '.join(METRICS[:-1])} or {METRICS[-1]}"
        )
    scales: dict[str, int] = {}
    for metric in metrics:
        scales[metric] = _scale(path, metric, [row[metric] for _, row in rows], setup, scales)
    results: list[Result] = []
    seen = set()
    for line, row in rows:
        epoch = _whole(path, line, "epoch", row["epoch"]) if row.get("epoch") else 0
        if (row["model"], epoch) in seen:
            raise UserError(f"{path}, line {line}: {row['model']} is listed twice; keep one")
        seen.add((row["model"], epoch))
        n = _whole(path, line, "n", row["n"]) if row.get("n") else setup.n_test
        if n is None:
            which = f", line {line}: {row['model']} has no n" if "n" in columns else ""
            raise UserError(f"{path}{which}: how many rows was it tested on? State `n` (--n N)")
        if setup.positives and setup.positives > n:
            raise UserError(
                f"{path}, line {line}: positives: {setup.positives} is more than n: {n}"
            )
        values = {m: _value(path, line, m, row[m], scales[m]) for m in metrics if row[m]}
        if not values:
            raise UserError(
                f"{path}, line {line}: {row['model']} has no result; give one, or delete the line"
            )
        kind = row.get("kind") or "pretrained"
        method = row.get("method") or row["model"]
        results.append(Result(table, row["model"], epoch, values, n, kind, method))
    return results, columns


def _scale(
    path: Path, metric: str, cells: list[str], setup: Setup, others: Mapping[str, int]
) -> int:
    """100 for a column in percent, 1 for one in fractions."""
    if metric == "loss":
        return 1
    if setup.scale and metric in SHARES:
        return setup.scale
    if metric == "error" and "accuracy" in others:
        return others["accuracy"]
    plain = [re.sub(r"[^0-9.]", "", cell) for cell in cells if cell]
    sizes = [float(cell) for cell in plain if re.fullmatch(r"[0-9]+(\.[0-9]+)?", cell)]
    largest = 2 if metric in CORRELATIONS else 1  # a correlation of 1.03 is wrong, not in percent
    percent = any("%" in cell for cell in cells) or max(sizes, default=0) > largest
    if metric == "error" and not percent:
        raise UserError(
            f"{path}: are error rates up to {max(sizes, default=0):g} percent or fractions? "
            "State `scale: 100` or `scale: 1` (--scale)"
        )
    if metric == "accuracy" and percent and any(0 < size < 1 for size in sizes):
        raise UserError(
            f"{path}: accuracies in percent and as fractions? Write all alike, or state `scale: 100`"
        )
    return 100 if percent else 1


def _value(path: Path, line: int, metric: str, text: str, scale: int) -> Printed:
    value = number(path, line, metric, text.removesuffix("%").rstrip(), scale)
    if metric not in CORRELATIONS and value.units < 0:
        raise UserError(f"{path}, line {line}: {metric} {text!r} is below 0; correct it")
    if metric != "loss" and abs(value.value) > scale:
        above = f"above {scale}" if value.units > 0 else f"below -{scale}"
        otherwise = "" if metric in CORRELATIONS else " or state `scale`"
        raise UserError(f"{path}, line {line}: {metric} {text} is {above}; correct it{otherwise}")
    return value


def _whole(path: Path, line: int, column: str, text: str) -> int:
    if not re.fullmatch("[0-9]{1,7}", text) or int(text) < 1:
        raise UserError(
            f"{path}, line {line}: {column} {text!r} is not a whole number from 1 on, in plain digits"
        )
    return int(text)
