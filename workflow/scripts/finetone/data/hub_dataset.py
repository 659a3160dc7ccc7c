"""Datasets from the model hub, through its own clients, at one recorded commit."""

from pathlib import Path
from typing import Any

import pandas as pd

from finetone.data import limits
from finetone.errors import UserError, first_line
from finetone.hub import client
from finetone.hub.faults import sentence
from finetone.hub.repository import Repository
from finetone.log import logger


def load(name: str, block: dict[str, Any]) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Raw tables {our split: columns text, label} and the `source` facts of a dataset block.

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


def _split(repository: Repository, block: dict[str, Any], split: str, commit: str) -> pd.DataFrame:
    """Columns `text` and `label` of one of the repository's splits."""
    from datasets import ClassLabel, load_dataset

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
    for key in ("text", "label"):
        if block[key] not in data.column_names:
            raise UserError(
                f"{place}.{key}: split {split!r} of {id_} has no column "
                f"{block[key]!r}; there are {', '.join(data.column_names)}"
            )
    config_key = f"{place} ({split})"
    limits.check_rows(data.num_rows, config_key)
    values = list(data[block["label"]])
    feature = data.features[block["label"]]
    if isinstance(feature, ClassLabel):
        logger.info("%s, %s: label numbers stand for %s", id_, split, feature.names)
        if set(feature.names) == set(block["labels"]):  # perhaps in another order
            values = [feature.names[v] if v is not None and v >= 0 else v for v in values]
    table = limits.Table(config_key, ("text", "label"), packed=limits.MAX_BYTES)
    table.unit = "row"
    for row, cells in enumerate(zip(data[block["text"]], values, strict=True), 1):
        table.append(cells, row)
    return pd.DataFrame({key: pd.Series(c, dtype=object) for key, c in table.columns.items()})


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
