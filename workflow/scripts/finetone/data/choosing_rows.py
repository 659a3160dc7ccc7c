"""Which rows of a table are used, and for which split: `where`, `split: {column: …}`, empty texts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from finetone.config.blocks import DatasetBlock
from finetone.data.labels import MISSING, TIE, LabelColumn, spelling
from finetone.errors import UserError
from finetone.log import logger

MOST = 1000  # distinct values that are counted for a message


@dataclass(frozen=True)
class Wanted:
    """The columns of a dataset block, and what their values must be."""

    text: str
    label: str
    where: dict[str, list[str]] = field(default_factory=dict)
    part: str | None = None  # the column that names the split of a row
    parts: dict[str, str] = field(default_factory=dict)  # {its value: our split}

    @classmethod
    def of(cls, block: DatasetBlock) -> "Wanted":
        """From the validated entry `datasets.<name>`."""
        part = block.get("split", {}).get("column")
        given = block.get("splits") or {"train": "train", "test": "test"}
        parts = {value: split for split, value in given.items()} if part else {}
        return cls(block["text"], block["label"], block.get("where", {}), part, parts)

    @property
    def columns(self) -> list[str]:
        """All columns that are read, each once."""
        part = [self.part] if self.part is not None else []
        return list(dict.fromkeys([self.text, self.label, *self.where, *part]))


@dataclass
class Chosen:
    """Rows of one batch that are kept: ids, texts, class numbers and splits of equal length."""

    ids: npt.NDArray[np.int64]
    texts: list[str]
    labels: npt.NDArray[np.int16]
    splits: list[str]


class Choice:
    """Goes through the batches of one split of a source, and counts what it leaves out.

    Parameters
    ----------
    block
        The validated entry `datasets.<name>`.
    split
        The split that the source calls these rows.
    config_key
        For messages.
    """

    def __init__(self, block: DatasetBlock, split: str, config_key: str) -> None:
        self.dropped = {"empty": 0, "tie": 0, "unlabelled": 0, "where": 0}
        self._wanted, self._split, self._config_key = Wanted.of(block), split, config_key
        self._rows = 0
        self._labels = LabelColumn(
            block["labels"],
            f"{config_key}, column {block['label']!r}",
            block.get("label_values"),
            block.get("threshold"),
            drop_missing=block.get("missing_labels") == "drop",
        )
        self._seen: dict[str, Counter[str]] = {column: Counter() for column in self._wanted.where}
        self._parts: Counter[str] = Counter()
        self._split_of: dict[Any, str] = {}

    def of(self, batch: dict[str, list[Any]]) -> Chosen:
        """The rows of the next batch that are kept."""
        wanted, texts = self._wanted, batch[self._wanted.text]
        rows = np.arange(len(texts))
        for column, values in wanted.where.items():
            rows = rows[self._holds(column, [batch[column][i] for i in rows], values)]
        self.dropped["where"] += len(texts) - len(rows)
        if not {type(text) for text in texts} <= {str, type(None)}:
            self._refuse_other_types(texts, rows)
        full = [i for i in rows.tolist() if (text := texts[i]) and not text.isspace()]
        self.dropped["empty"] += len(rows) - len(full)
        rows = np.array(full, dtype=np.int64)
        labels = [batch[wanted.label][i] for i in full]
        numbers = self._labels.numbers(labels, rows + self._rows)
        for reason, code in (("tie", TIE), ("unlabelled", MISSING)):
            self.dropped[reason] += int((numbers == code).sum())
        kept = numbers >= 0
        splits = [self._split] * int(kept.sum())
        if wanted.part is not None:
            splits = [self._part(batch[wanted.part][i]) for i in rows[kept]]
        chosen = Chosen(
            rows[kept] + self._rows, [texts[i] for i in rows[kept]], numbers[kept], splits
        )
        self._rows += len(texts)
        return chosen

    def refuse_odd_labels(self) -> None:
        """Raise a UserError if a label so far is none of those given."""
        self._labels.refuse_odd()

    def finish(self, kept: int) -> None:
        """Say what was left out, after the last batch; `kept` rows were not.

        Raises
        ------
        UserError
            As `check`.
        """
        self.check(kept)
        counts = self.dropped
        if counts["empty"]:
            logger.warning("%s: %d rows without text dropped", self._config_key, counts["empty"])
        if counts["unlabelled"]:
            told = "%s: %d rows without label dropped"
            logger.warning(told, self._config_key, counts["unlabelled"])
        if counts["tie"]:
            logger.info("%s: %d rows at the threshold dropped", self._config_key, counts["tie"])

    def check(self, kept: int) -> None:
        """Check, after the last batch, that all is as the block says; `kept` rows are left.

        Raises
        ------
        UserError
            A label or split is none of those given, or no row is left.
        """
        for column, values in self._wanted.where.items():
            if self._seen[column] and not set(self._seen[column]) & set(values):
                self._refuse_where(column, values)
        self._labels.refuse_odd()
        known = set(self._wanted.parts)
        if odd := Counter({value: n for value, n in self._parts.items() if value not in known}):
            raise UserError(
                f"{self._config_key}.split.column: column {self._wanted.part!r} also holds "
                f"{_counted(odd)}; name each under splits: (train, test, dev), or leave these rows "
                f"out: where: {{{self._wanted.part}: [{', '.join(known)}]}}"
            )
        for value, split in self._wanted.parts.items():
            if value not in self._parts:
                raise UserError(
                    f"{self._config_key}.split.column: no row has {value!r} in column "
                    f"{self._wanted.part!r}, which is to be {split}; there are "
                    f"{_counted(self._parts)}; say under splits: what they are called"
                )
        if not kept:
            counts = self.dropped
            raise UserError(
                f"{self._config_key}: no row is left ({counts['empty']} without text, "
                f"{counts['tie']} ties, {counts['unlabelled']} without label)"
            )

    def _holds(self, column: str, cells: list[Any], values: list[str]) -> npt.NDArray[np.bool_]:
        """Which cells are one of `values`."""
        texts = [cell.strip() if isinstance(cell, str) else _shown(cell) for cell in cells]
        if len(self._seen[column]) < MOST:
            self._seen[column].update(_as_given(text, values) for text in texts)
        return np.array([_as_given(text, values) in values for text in texts], dtype=bool)

    def _refuse_where(self, column: str, values: list[str]) -> None:
        wanted = " or ".join(map(repr, values))
        quotes = ""
        if set(values) & {"true", "false"}:
            quotes = "; YAML reads yes, no, on and off as true and false, so write them in quotes"
        raise UserError(
            f"{self._config_key}, where.{column}: no row has {wanted}; there are "
            f"{_counted(self._seen[column])}{quotes}"
        )

    def _refuse_other_types(self, texts: Sequence[Any], rows: Iterable[int]) -> None:
        for i in rows:
            if texts[i] is not None and not isinstance(texts[i], str):
                raise UserError(
                    f"{self._config_key}, row {self._rows + i + 1}: column {self._wanted.text!r} "
                    f"holds {type(texts[i]).__name__} {str(texts[i])[:40]!r}, not text"
                )

    def _part(self, cell: Any) -> str:
        """The split that a cell names; "" if it is none of those given."""
        text = cell.strip() if isinstance(cell, str) else _shown(cell)
        parts = self._wanted.parts
        value = text if text in parts else {p.casefold(): p for p in parts}.get(text.casefold())
        if len(self._parts) < MOST:
            self._parts[text if value is None else value] += 1
        return parts[value] if value is not None else ""


def _shown(cell: Any) -> str:
    return "" if cell is None else spelling(str(cell))


def _as_given(text: str, values: Sequence[str]) -> str:
    """`text`, or true and false as the configuration writes them."""
    lower = text.lower()
    return lower if lower in ("true", "false") and lower in values else text


def _counted(counts: Counter[str], most: int = 10) -> str:
    shown = [
        f"{value[:40]!r} ({n:,} {'row' if n == 1 else 'rows'})" for value, n in counts.most_common()
    ]
    return ", ".join(shown[:most]) + (f", … ({len(shown)} in all)" if len(shown) > most else "")
