"""A repository of the hub, as an entry of the configuration names it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

Kind = Literal["model", "dataset"]


@dataclass(frozen=True)
class Repository:
    """`hub:` of the entry at `config_key`."""

    kind: Kind
    id: str
    config_key: str
    revision: str = "main"  # commit, tag or branch
    config: str | None = None  # of several in a dataset's repository

    @classmethod
    def of(cls, kind: Kind, hub: Mapping[str, Any], config_key: str) -> Self:
        """Of an entry's block `hub`."""
        return cls(kind, config_key=config_key, **hub)

    @property
    def pinned(self) -> bool:
        """Whether the revision is a full commit hash, which never moves."""
        return len(self.revision) == 40 and set(self.revision) <= set("0123456789abcdef")
