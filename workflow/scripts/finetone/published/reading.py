"""Reading a published table as it was printed: digits are evidence, so numbers keep their text."""

import csv
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from finetone.errors import UserError

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_COUNT = {"type": "integer", "minimum": 1, "maximum": 10_000_000}
_SETUP_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["dataset", "n_test"],
    "properties": {
        "title": {"type": "string"},
        "dataset": {"type": "string"},
        "classes": {"type": "integer", "minimum": 2},
        "n_test": _COUNT,
        "epochs": _COUNT,
        "batch_sizes": {"type": "array", "items": _COUNT, "maxItems": 20},
        "seeds": _COUNT,
        "scale": {"enum": [1, 100]},
        "transfer": {
            "type": "object",
            "additionalProperties": False,
            "required": ["dataset", "n_test"],
            "properties": {"dataset": {"type": "string"}, "n_test": _COUNT},
        },
    },
}


@dataclass(frozen=True)
class Printed:
    """A number as printed: `units` of the last printed digit, `decimals` digits after the point."""

    text: str
    units: int
    decimals: int

    @classmethod
    def parse(cls, text: str) -> "Printed":
        """Read a plain decimal number; ValueError for anything else."""
        if not _NUMBER.fullmatch(text):
            raise ValueError(text)
        whole, _, digits = text.partition(".")
        return cls(text, int(whole + digits), len(digits))

    @property
    def value(self) -> Fraction:
        """The printed number, exactly."""
        return Fraction(self.units, 10**self.decimals)

    @property
    def highest(self) -> Fraction:
        """Upper bound of the numbers that print so, rounded or cut off."""
        return Fraction(self.units + 1, 10**self.decimals)


@dataclass(frozen=True)
class Result:
    """One printed result; `epoch` is 0 where the table has one result per model."""

    table: str
    model: str
    epoch: int
    accuracy: Printed
    loss: Printed | None
    kind: str
    method: str


@dataclass(frozen=True)
class Published:
    """A published experiment: its stated setup and its printed results."""

    setup: dict[str, Any]
    results: list[Result]
    transfer: list[Result]
    baselines: list[Result]

    @property
    def scale(self) -> int:
        """100 where accuracies are printed in percent, 1 where they are fractions."""
        return int(self.setup.get("scale", 100))

    def fraction(self, accuracy: Printed) -> float:
        """Return a printed accuracy as a fraction in [0, 1]."""
        return float(accuracy.value / self.scale)


def read_published(folder: Path) -> Published:
    """Read `published.csv`, `setup.yaml` and, if present, `transfer.csv` and `baselines.csv`.

    Parameters
    ----------
    folder
        Folder of the published table (docs/published-table.md).

    Raises
    ------
    UserError
        A file or column is missing, a model or epoch is there twice, or a cell is not a plain
        number or is an accuracy above 100 %.
    """
    setup = read_yaml(folder / "setup.yaml", _SETUP_SCHEMA)
    scale = int(setup.get("scale", 100))
    if (folder / "transfer.csv").exists() and "transfer" not in setup:
        raise UserError(
            f"{folder / 'setup.yaml'}: transfer.csv needs `transfer: {{dataset, n_test}}` here"
        )
    return Published(
        setup,
        _results(folder / "published.csv", "published", scale, ["epoch"]),
        _results(folder / "transfer.csv", "transfer", scale, []),
        _results(folder / "baselines.csv", "baselines", scale, ["kind"]),
    )


def _results(path: Path, table: str, scale: int, required: list[str]) -> list[Result]:
    if table != "published" and not path.exists():
        return []
    results, seen = [], set()
    for line, row in read_csv(path, ["model", "accuracy", *required]):
        epoch = _epoch(path, line, row["epoch"]) if "epoch" in required else 0
        if (row["model"], epoch) in seen:
            raise UserError(f"{path}, line {line}: {row['model']} is listed twice; keep one")
        seen.add((row["model"], epoch))
        accuracy = number(path, line, "accuracy", row["accuracy"])
        if accuracy.value > scale:
            raise UserError(
                f"{path}, line {line}: accuracy {accuracy.text} is above {scale}; "
                "correct it or set `scale` in setup.yaml"
            )
        loss = number(path, line, "loss", row["loss"]) if row.get("loss") else None
        kind = row.get("kind") or "pretrained"
        method = row.get("method") or row["model"]
        results.append(Result(table, row["model"], epoch, accuracy, loss, kind, method))
    return results


def _epoch(path: Path, line: int, text: str) -> int:
    if not re.fullmatch("[0-9]{1,6}", text) or int(text) < 1:
        raise UserError(f"{path}, line {line}: epoch {text!r} is not a whole number from 1 on")
    return int(text)


def number(path: Path, line: int, column: str, text: str) -> Printed:
    """Read the printed number in a cell.

    Parameters
    ----------
    path, line, column
        Where the cell is, for the message.
    text
        Its content.

    Raises
    ------
    UserError
        It is not a plain decimal number.
    """
    try:
        return Printed.parse(text)
    except ValueError:
        raise UserError(
            f"{path}, line {line}: {column} {text!r} is not a plain decimal number such as 95.70"
        ) from None


def read_csv(path: Path, required: list[str]) -> list[tuple[int, dict[str, str]]]:
    """Read the rows of a CSV file, with their line numbers.

    Parameters
    ----------
    path
        The file, in UTF-8.
    required
        Columns that it must have.

    Returns
    -------
    list of (int, dict)
        Line number, and stripped text by column.

    Raises
    ------
    UserError
        The file is missing or broken, lacks a column, has no rows, or a model has no name.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restval="", strict=True)
            columns = reader.fieldnames or []
            missing = [column for column in required if column not in columns]
            if missing:
                raise UserError(
                    f"{path}: column {missing[0]!r} is missing; add it to the first line"
                )
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; it holds the printed results") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a CSV file in UTF-8 ({error})") from None
    if not rows:
        raise UserError(f"{path}: no rows under the header")
    for line, row in rows:
        if None in row:
            raise UserError(f"{path}, line {line}: more cells than the header has; quote commas")
    stripped = [(line, {key: cell.strip() for key, cell in row.items()}) for line, row in rows]
    for line, row in stripped:
        if "model" in required and not row["model"]:
            raise UserError(f"{path}, line {line}: the model has no name")
    return stripped


def read_yaml(path: Path, schema: dict[str, Any]) -> Any:
    """Read a YAML file and validate it against a JSON schema.

    Raises
    ------
    UserError
        The file is missing, is not YAML, or violates the schema.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = (str(error).splitlines() or ["too deep"])[0]
        raise UserError(f"{path}: not valid YAML ({first})") from None
    errors = jsonschema.Draft202012Validator(schema).iter_errors(content)
    offence = jsonschema.exceptions.best_match(errors)
    if offence is not None:
        place = "/".join(map(str, offence.absolute_path)) or "top level"
        raise UserError(f"{path}: {place}: {offence.message[:300]}")
    return content
