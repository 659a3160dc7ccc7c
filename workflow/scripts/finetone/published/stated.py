"""What a publication states about its experiment, as far as an audit needs it: `setup.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jsonschema

from finetone.config.fault_sentences import sentence
from finetone.config.values import load
from finetone.errors import UserError
from finetone.published.explanations import Design
from finetone.published.printed import Rounding

_COUNT = {"type": "integer", "minimum": 1, "maximum": 10_000_000}
_COUNTS = {"type": "array", "items": _COUNT, "maxItems": 20}
_TEXT = {"type": "string"}
_ROWS = {"dataset": _TEXT, "n_test": _COUNT, "other_n": _COUNTS}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "title": _TEXT,
        **_ROWS,
        "n": _COUNT,  # another name of n_test
        "classes": {**_COUNT, "minimum": 2},
        "epochs": _COUNT,
        "batch_sizes": _COUNTS,
        "seeds": _COUNT,
        "statistic": {"enum": ["mean", "median", "best"]},
        "rounding": {"enum": ["nearest", "cut"]},
        "scale": {"enum": [1, 100]},
        "average": {"enum": ["binary", "micro", "macro", "weighted"]},
        "positives": _COUNT,
        "transfer": {
            "type": "object",
            "additionalProperties": False,
            "required": ["dataset", "n_test"],
            "properties": _ROWS,
        },
    },
}


@dataclass(frozen=True)
class Setup:
    """The keys of `setup.yaml`; docs/published-table.md says what each is used for."""

    title: str = ""
    dataset: str = ""
    n_test: int | None = None
    other_n: tuple[int, ...] = ()
    classes: int | None = None
    epochs: int | None = None
    batch_sizes: tuple[int, ...] = ()
    seeds: int | None = None
    statistic: Literal["mean", "median", "best"] = "mean"
    rounding: Rounding | None = None
    scale: int | None = None
    average: Literal["binary", "micro", "macro", "weighted"] | None = None
    positives: int | None = None
    transfer: "Setup | None" = None

    @property
    def single(self) -> bool:
        """Whether every value is of one run, so that all values of a row are of the same run."""
        return self.seeds in (None, 1)

    def design(self, n: int) -> Design:
        """How a share of `n` rows came about."""
        runs = self.seeds or 1
        if self.statistic != "mean":  # a median of an even number is the mean of two runs
            runs = 2 if self.statistic == "median" and runs % 2 == 0 else 1
        return Design(
            n, runs, self.seeds is not None, self.batch_sizes, self.other_n, self.rounding
        )


def read_setup(path: Path | None, given: Mapping[str, Any]) -> Setup:
    """Read what is stated in a file, and on the command line, which counts more.

    Parameters
    ----------
    path
        A YAML file, if there is one.
    given
        Further keys.

    Raises
    ------
    UserError
        The file is no valid YAML, or states what cannot be.
    """
    options = Path("command line")
    content = _checked(path, read_yaml(path) or {}) if path else {}
    content |= _checked(options, dict(given))
    where = path or options
    setup = _setup(content)
    binary = setup.positives is not None or setup.average == "binary"
    if binary and setup.classes not in (None, 2):
        raise UserError(
            f"{where}: `positives` and `average: binary` need classes: 2, not {setup.classes}"
        )
    if setup.statistic != "mean" and setup.seeds is None:
        raise UserError(f"{where}: statistic: {setup.statistic} needs `seeds`, the number of runs")
    return setup


def _checked(where: Path, content: Any) -> dict[str, Any]:
    """The keys of one source, under one name each."""
    check_yaml(where, content, SCHEMA)
    if {"n", "n_test"} <= content.keys():
        raise UserError(f"{where}: n and n_test are two names of one number; keep one")
    return {("n_test" if key == "n" else key): value for key, value in content.items()}


def _setup(content: Mapping[str, Any]) -> Setup:
    keys: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in content.items()
    }
    if "transfer" in keys:  # made the same way, on another dataset
        same = {k: v for k, v in keys.items() if k not in ("transfer", "other_n", "positives")}
        keys["transfer"] = _setup({**same, **keys["transfer"]})
    return Setup(**keys)


def read_yaml(path: Path, schema: dict[str, Any] | None = None) -> Any:
    """Read a YAML file and, if a JSON schema is given, validate it.

    Raises
    ------
    UserError
        The file is missing, is not YAML, gives a key twice, or violates the schema.
    """
    try:
        content = load(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if schema is not None:
        check_yaml(path, content, schema)
    return content


def check_yaml(where: Path, content: Any, schema: dict[str, Any]) -> None:
    """Validate content against a JSON schema.

    Raises
    ------
    UserError
        It violates the schema.
    """
    errors = jsonschema.Draft202012Validator(schema).iter_errors(content)
    offence = jsonschema.exceptions.best_match(errors)
    if offence is not None:
        raise UserError(sentence(offence, {str(where): content}))
