"""Label columns as class numbers 0 … k-1: by name, by number, by map or by threshold."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from finetone.errors import UserError, listed
from finetone.log import logger

TIE = -1  # a value equal to the threshold: belongs to no class, its row is dropped
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def to_numbers(
    values: Iterable[Any],
    labels: Sequence[str],
    config_key: str,
    *,
    label_values: dict[Any, str] | None = None,
    threshold: float | None = None,
    rows: Sequence[int] | npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.int16]:
    """Class numbers [n] of a label column; TIE marks values equal to `threshold`.

    Without map or threshold a value is a class name, or a number 0 … k-1 (as 1, "1" or 1.0).
    Where class names are integers themselves (star ratings), numbers are names, not positions.

    Parameters
    ----------
    config_key
        Column and source, for messages.
    rows
        The rows' places [n] in the source, by default 0 … n-1.

    Raises
    ------
    UserError
        A value fits nothing; its row is counted from 1.
    """
    convert: Callable[[Any], int | None]
    if threshold is not None:
        convert, allowed = _by_threshold(threshold), "a finite number"
    elif label_values is not None:
        known = {_written(value): labels.index(name) for value, name in label_values.items()}
        convert, allowed = lambda value: known.get(_written(value)), listed(known)
    else:
        known, allowed = _names_and_numbers(labels)
        convert = lambda value: known.get(_written(value))  # noqa: E731
    numbers: list[int] = []
    seen: dict[Any, int] = {}  # a column has few distinct values
    for place, value in enumerate(values):
        key = (type(value), value) if isinstance(value, str | int | float) else None
        number = seen.get(key) if key else None
        if number is None:
            number = convert(value)
            if number is None:
                row = (place if rows is None else int(rows[place])) + 1
                raise UserError(f"{config_key}, row {row}: label {_cut(value)} is not {allowed}")
            if key and len(seen) < 1000:
                seen[key] = number
        numbers.append(number)
    return np.array(numbers, dtype=np.int16)


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


def _by_threshold(threshold: float) -> Callable[[Any], int | None]:
    def convert(value: Any) -> int | None:
        if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
            return None  # float("1_0") is 10
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return None
        if not math.isfinite(number):
            return None
        return TIE if number == threshold else int(number > threshold)

    return convert


def _names_and_numbers(labels: Sequence[str]) -> tuple[dict[str, int], str]:
    known = {_written(name): number for number, name in enumerate(labels)}
    if any(INTEGER.fullmatch(name) for name in known):
        return known, f"one of {listed(labels)}"
    by_position = {str(number): number for number in range(len(labels))}
    return {**by_position, **known}, f"one of {listed(labels)} or 0 … {len(labels) - 1}"


def _written(value: Any) -> str:
    """One spelling per value: 1, 1.0, "1", "1.0" and "+1" are "1"; names lose outer blanks."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).strip()
    whole = text[:-2] if text.endswith(".0") else text
    return str(int(whole)) if INTEGER.fullmatch(whole) else text


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
