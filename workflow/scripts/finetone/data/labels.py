"""Label columns as class numbers 0 … k-1: by name, by number, by map or by threshold."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from finetone.errors import UserError, listed
from finetone.log import logger
from finetone.readers.encodings import letters_of

TIE = -1  # a value equal to the threshold: belongs to no class, its row is dropped
MISSING = -2  # no label
ODD = -3  # a label that is none of the classes
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
WHOLE = re.compile(rf"({INTEGER.pattern})(\.0*)?")
# How programs write that a value is missing (those of pandas.read_csv).
GAPS = {"", "nan", "na", "n/a", "#n/a", "#na", "<na>", "null", "none", "-nan", "1.#qnan"}
BOOLEANS = {"true", "false"}
YAML_BOOLEANS = {"yes", "no", "on", "off", "y", "n"}
MOST = 1000  # distinct values that are kept for a message
SHOWN = 20

Key = tuple[type, Any]
NAN: Key = (float, None)  # NaN is unequal to itself


class LabelColumn:
    """Converts the values of a label column, and remembers all that fit nothing.

    Without map or threshold a value is a class name, or a number 0 … k-1 (as 1, "1" or 1.0).
    Where class names are integers themselves (star ratings), numbers are names, not positions.
    With a map a value is one of its keys, or a class name. What is written exactly like a name is
    that name; other spellings ("1.0" for 1, outer blanks, True for true) count where they can mean
    one class only. No value at all (JSON's null, NaN) is never a name, whatever that is.

    Parameters
    ----------
    names
        The classes.
    config_key
        Column and source, for messages.
    label_values
        {value: class name}.
    threshold
        Above it is the second class, below it the first.
    drop_missing
        Whether rows without a label are dropped; else `refuse_odd` names them.
    """

    def __init__(
        self,
        names: Sequence[str],
        config_key: str,
        label_values: Mapping[Any, str] | None = None,
        threshold: float | None = None,
        *,
        drop_missing: bool = False,
    ) -> None:
        self._names, self._config_key, self._threshold = list(names), config_key, threshold
        self._map, self._drop = label_values, drop_missing
        self._positions: dict[str, int] = {}
        numbers = {name: number for number, name in enumerate(names)}
        mapped = {str(value): numbers[name] for value, name in (label_values or {}).items()}
        self._exact = [mapped, numbers]
        self._spellings = [_spellings(mapped), _spellings(numbers)]
        self._folded_names = set(map(_folded, names)) - {""}
        self._allowed = f"one of {listed(names)}"
        if label_values:
            self._allowed = f"{listed(mapped)}, or one of the classes {listed(names)}"
        elif threshold is not None:
            self._allowed = "a finite number"
        elif not any(INTEGER.fullmatch(name.strip()) for name in names):
            self._positions = {str(number): number for number in range(len(names))}
            self._spellings += [self._positions]
            self._allowed += f" or 0 … {len(names) - 1}"
        self._known: dict[Key, int] = {}
        self._counts: Counter[Key] = Counter()
        self._first: dict[Key, int] = {}

    def numbers(self, values: Sequence[Any], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
        """Class numbers [n] of `values`, or TIE, MISSING or ODD.

        Parameters
        ----------
        values
            n cells.
        rows
            Their places [n] in the source, counted from 0.
        """
        keys = [(type(value), value) if value == value else NAN for value in values]
        counts = Counter(keys)
        for key in counts.keys() - self._known.keys():
            self._known[key] = self._convert(key[1])
        if len(self._counts) < MOST:
            for key in counts.keys() - self._counts.keys():
                if self._known[key] in (ODD, MISSING):
                    self._first[key] = int(rows[keys.index(key)]) + 1
            self._counts.update(counts)
        result = np.fromiter((self._known[key] for key in keys), np.int16, len(keys))
        if len(self._known) > 100 * MOST:  # a threshold on measurements
            self._known.clear()
        return result

    def refuse_odd(self) -> None:
        """Raise a UserError that names all values that fit nothing, and how to map them."""
        odd = {key: n for key, n in self._counts.items() if self._known_again(key) == ODD}
        gaps = {key: n for key, n in self._counts.items() if self._known_again(key) == MISSING}
        if not odd and (self._drop or not gaps):
            return
        named = odd if self._drop else odd | gaps
        shown = [
            f"{_cut(math.nan if key == NAN else key[1])} "
            f"({n:,} {'row' if n == 1 else 'rows'}, from row {self._first[key]} on)"
            for key, n in sorted(named.items(), key=lambda item: self._first[item[0]])
        ]
        more = f", … ({len(shown)} in all)" if len(shown) > SHOWN else ""
        raise UserError(
            f"{self._config_key}, row {min(self._first[key] for key in named)}: label "
            f"{', '.join(shown[:SHOWN])}{more} is not {self._allowed}"
            + "".join(f"; {hint}" for hint in self._hints(odd, bool(gaps) and not self._drop))
        )

    def _hints(self, odd: Iterable[Key], gaps: bool) -> Iterable[str]:
        values = [key[1] for key in odd]
        if values and self._threshold is None:
            numbers = {
                number_of(key[1]) for key in self._counts if self._known_again(key) != MISSING
            }
            real = sorted(number for number in numbers if number is not None)
            if len(self._names) == 2 and None not in numbers and len(real) > 2:
                middle = (real[0] + real[-1]) / 2
                yield (
                    f"for two classes of numbers give, in this entry, threshold: {middle:g} (above "
                    f"it is {self._names[1]!r}, below it {self._names[0]!r}, {middle:g} is left out)"
                )
            elif len(values) <= SHOWN:
                yield f"map them, in this entry: label_values: {self._suggestion(values)}"
            else:
                yield f"is {self._config_key.rpartition(' ')[2]} the column of the labels?"
            if any(str(value).strip().lower() in YAML_BOOLEANS for value in values) and (
                self._map and BOOLEANS & set(map(str, self._map))
            ):
                yield "YAML reads yes, no, on and off as true and false; write them in quotes"
        if gaps:
            yield "for rows without a label: missing_labels: drop"

    def _suggestion(self, values: Sequence[Any]) -> str:
        """A map to paste; "…" where only the user knows.

        A column of 1 and 2 does not count from 0, so 1 is not the second class either.
        """
        folded = {_folded(name): name for name in self._names}
        pairs = {str(k): v for k, v in (self._map or {}).items()}
        if any(number_of(value) is not None for value in values):
            known = (_text(key[1]) for key in self._counts if self._known_again(key) >= 0)
            values = [*(text for text in known if spelling(text) in self._positions), *values]
        for value in values:
            text = _text(value)
            pairs[text[:60]] = folded.get(_folded(text), "…")
        return (
            "{"
            + ", ".join(
                f"{json.dumps(k, ensure_ascii=False)}: {json.dumps(v, ensure_ascii=False)}"
                for k, v in pairs.items()
            )
            + "}"
        )

    def _known_again(self, key: Key) -> int:
        return self._known[key] if key in self._known else self._convert(key[1])

    def _convert(self, value: Any) -> int:
        if value is None:
            return MISSING
        if self._threshold is not None:
            number = None if isinstance(value, bool) else number_of(value)
            if number is not None:
                return TIE if number == self._threshold else int(number > self._threshold)
        else:
            text = _text(value)
            for known in self._exact if not isinstance(value, bool) else ():
                if text in known:
                    return known[text]
            for known in self._spellings:
                if spelling(text) in known:
                    return known[spelling(text)]
        # "none", where there is a class None, is likelier that than no label
        return MISSING if is_gap(value) and _folded(str(value)) not in self._folded_names else ODD


def require_classes(numbers: npt.NDArray[np.int16], labels: Sequence[str], config_key: str) -> None:
    """Raise UserError unless training rows hold two classes; warn of declared but absent ones."""
    counts = np.bincount(numbers, minlength=len(labels))
    absent = [name for name, count in zip(labels, counts, strict=True) if not count]
    if np.count_nonzero(counts) < 2:
        present = labels[int(counts.argmax())] if len(numbers) else "nothing"
        raise UserError(
            f"{config_key}: the training rows hold only {present!r}; at least two classes are needed "
            "(is the file sorted by label, or threshold wrong?)"
        )
    if absent:
        logger.warning("%s: no training row is labelled %s", config_key, listed(absent))


def require_folds(rows: Mapping[str, int], folds: int, config_key: str) -> None:
    """Check that every class can be in every fold of a cross-validation.

    Parameters
    ----------
    rows
        {class: training rows}; those of a class without any are left to `require_classes`.
    folds
        How many.
    config_key
        For messages.

    Raises
    ------
    UserError
        A class has fewer rows than there are folds.
    """
    for name, count in rows.items():
        if 0 < count < folds:
            raise UserError(
                f"{config_key}.split.folds: class {name!r} has {count} rows, too few for {folds} "
                "folds; use fewer folds or more rows"
            )


def is_gap(value: Any) -> bool:
    """Whether a cell says that there is no value."""
    return value is None or value != value or str(value).strip().lower() in GAPS


def spelling(text: str) -> str:
    """One spelling per value: "1.00", "+1" and "01" are "1", "True" is "true"; no outer blanks."""
    text = letters_of(text.strip())
    if whole := WHOLE.fullmatch(text):
        return str(int(whole[1]))
    return text.lower() if text.lower() in BOOLEANS else text


def _spellings(numbers: Mapping[str, int]) -> dict[str, int]:
    """`numbers` by `spelling`, without those that several names share."""
    shared = Counter(map(spelling, numbers))
    return {spelling(k): n for k, n in numbers.items() if shared[spelling(k)] == 1}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def number_of(value: Any) -> float | None:
    """The finite number that a cell holds; None if it holds none."""
    if isinstance(value, str) and "_" in value:
        return None  # float("1_0") is 10
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _folded(text: str) -> str:
    return " ".join(re.split(r"[\W_]+", letters_of(text).casefold())).strip()


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
