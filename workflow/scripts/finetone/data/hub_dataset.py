"""Datasets from the model hub, through its own clients, at one recorded commit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetone.config.blocks import DatasetBlock
from finetone.errors import UserError, first_line
from finetone.hub import client
from finetone.hub.faults import sentence
from finetone.hub.repository import Repository
from finetone.log import logger
from finetone.readers import limits
from finetone.readers.table_file import Batch

ROWS = 1000  # at a time


class HubSplit:
    """A split of a repository, as a table.

    Parameters
    ----------
    data
        The `datasets.Dataset`, which is on disk.
    block
        The validated entry of the configuration.
    config_key
        For messages.
    """

    def __init__(self, data: Any, block: DatasetBlock, config_key: str) -> None:
        self._data, self._config_key = data, config_key
        self._label, self._names = block["label"], block["labels"]

    def batches(self, columns: list[str]) -> Iterator[Batch]:
        """Columns by name, some thousand rows at a time."""
        from datasets import ClassLabel

        table = limits.Table(self._config_key, columns, packed=limits.MAX_BYTES)
        table.unit = "row"
        feature = self._data.features[self._label]
        known = feature.names if isinstance(feature, ClassLabel) else []
        if known:
            logger.info("%s: label numbers stand for %s", self._config_key, known)
        ours = set(known) == set(self._names)  # perhaps in another order
        for start in range(0, self._data.num_rows, ROWS):
            part = self._data[start : start + ROWS]
            if known:  # -1 is how a repository says that a row has no label
                labels = (v if v is not None and v >= 0 else None for v in part[self._label])
                part[self._label] = [known[v] if ours and v is not None else v for v in labels]
            rows = list(zip(*(part[column] for column in columns), strict=True))
            table.extend(rows, range(start + 1, start + 1 + len(rows)))
            yield table.take()


def load(name: str, block: DatasetBlock) -> tuple[dict[str, HubSplit], dict[str, Any]]:
    """{our split: table} and the `source` facts of a dataset block.

    Raises
    ------
    UserError
        Whatever went wrong, with the repository and the key to change.
    """
    repository = Repository.of("dataset", block["hub"], f"datasets.{name}")
    wanted = block.get("splits") or {"train": "train", "test": "test"}
    commit, card_license = client.dataset_commit(repository)
    tables = {ours: _split(repository, block, theirs, commit) for ours, theirs in wanted.items()}
    source = {
        "kind": "hub",
        "id": repository.id,
        "config": repository.config,
        "asked": repository.revision,
        "revision": commit,
        "splits": wanted,
        "license": card_license,
    }
    return tables, source


def _split(repository: Repository, block: DatasetBlock, split: str, commit: str) -> HubSplit:
    """One of the repository's splits."""
    from datasets import load_dataset

    id_, place = repository.id, repository.config_key
    try:  # scripts of a repository are refused by `datasets` itself; there is nothing to trust
        data = load_dataset(id_, name=repository.config, revision=commit, split=split)
    except Exception as error:
        raise _explain(repository, error) from error
    # on any trouble `datasets` falls back on whatever revision its cache holds, or on a local
    # folder of that name; its cache folders are named after the commit
    found = {Path(file["filename"]).parent.name for file in data.cache_files}
    if found - {commit}:
        raise UserError(
            f"{place}: {id_} could only be had from the cache, and not at commit "
            f"{commit}; set HF_ENDPOINT to a mirror, fill the cache with that commit, or name local "
            "files under `file:` (`make demo` needs no hub)"
        )
    keys = {"text": block["text"], "label": block["label"]}
    keys |= {f"where.{column}": column for column in block.get("where", {})}
    for key, column in keys.items():
        if column not in data.column_names:
            raise UserError(
                f"{place}.{key}: split {split!r} of {id_} has no column "
                f"{column!r}; there are {', '.join(data.column_names)}"
            )
    config_key = f"{place} ({split})"
    limits.check_rows(data.num_rows, config_key)
    return HubSplit(data, block, config_key)


def _explain(repository: Repository, error: Exception) -> UserError:
    """What `error` of the library means for the configuration."""
    config_key, repo, told = repository.config_key, repository.id, first_line(error)
    logger.info("%s: %s: %s", repo, type(error).__name__, error)
    if "Unknown split" in told:
        return UserError(f"{config_key}.splits: {repo}: {told}")
    if "BuilderConfig" in told or "Config name" in told:
        return UserError(
            f"{config_key}.hub.config: {repo} has no configuration {repository.config!r} ({told})"
        )
    if "scripts are no longer supported" in told:
        return UserError(
            f"{config_key}.hub.id: {repo} is a script, and code from the hub is never run; "
            "use a revision or copy of it with plain data files"
        )
    return UserError(sentence(error, repository))
