"""Model repositories of the hub: which of their files make the model, all of one commit."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HFValidationError
from huggingface_hub.hf_api import RepoSibling

from finetone.errors import UserError
from finetone.hub import client, faults
from finetone.hub.repository import Repository
from finetone.log import logger
from finetone.models import architecture
from finetone.models.tokenizer import files_of_any

# In order of preference; an index comes with the shards that it lists.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
WHOLE = set(WEIGHTS)
SHARD = re.compile(r"(model|pytorch_model)-\d+-of-\d+\.(safetensors|bin)")


def in_cache(block: Mapping[str, Any]) -> bool:
    """Whether the hub's cache on this machine has the weights of an entry, at its revision."""
    hub = block.get("hub")
    return hub is not None and any(
        isinstance(try_to_load_from_cache(hub["id"], name, revision=hub["revision"]), str)
        for name in WEIGHTS
    )


def fetch(repository: Repository) -> tuple[Path, str, str | None]:
    """Download the model files of a repository into the hub's own cache.

    Every file is of the one commit that the revision names now, and its content is compared with the
    hash that the hub lists. Without a connection, or with HF_HUB_OFFLINE=1, a complete copy in the
    cache is used.

    Returns
    -------
    tuple
        The folder of the files, their commit, and the licence that the repository's card names.

    Raises
    ------
    UserError
        The hub, the repository, the revision or the files cannot be had.
    """
    repo, revision, config_key = repository.id, repository.revision, repository.config_key
    try:
        info = client.info(repository)
        siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
        commit = str(info.sha)
        chosen = choose(siblings, repo, config_key)
        for name in chosen:
            _refuse_large(siblings[name], repo, config_key)
        for name in chosen:
            folder = client.download(repository, commit, siblings[name]).parent
        if revision != commit:  # so that the cache answers to the branch's name when offline
            ref = folder.parents[1] / "refs" / revision
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(commit)
        return folder, commit, client.stated_license(info)
    except (*faults.ERRORS, HFValidationError, EntryNotFoundError) as error:
        if faults.unreachable(error) and (cached := _cached(repo, revision)):
            logger.warning(
                "%s: the hub cannot be reached; using the copy in %s", config_key, cached
            )
            return cached, cached.name, None
        raise UserError(faults.sentence(error, repository)) from error


def _refuse_large(sibling: RepoSibling, repo: str, config_key: str) -> None:
    """Weights may be large; whatever else is as large is not what its name says."""
    name = sibling.rfilename
    weights = name in WEIGHTS[::2] or SHARD.fullmatch(name)
    limit = architecture.MAX_CONFIG if name == "config.json" else architecture.MAX_FILE
    if not weights and (sibling.size or 0) > limit:
        raise UserError(
            f"{config_key}.hub: {name} of {repo} has more than {limit >> 20} MB; choose another revision"
        )


def choose(names: Iterable[str], repo: str, config_key: str) -> list[str]:
    """Which of a repository's files make the model; config.json last, as proof of completeness.

    Raises
    ------
    UserError
        No config.json, or no weights in a format PyTorch reads.
    """
    names = set(names)
    if architecture.ADAPTER in names:
        whole = "both a whole model and " if WHOLE & names else ""
        raise UserError(
            f"{config_key}.hub: {repo} holds {whole}an adapter ({architecture.ADAPTER}); choose a "
            "repository of a whole model alone, or merge the adapter into the model it was trained on "
            "and name that folder under `path:`"
        )
    weights = next((name for name in WEIGHTS if name in names), None)
    inside = sorted(name for name in names if name.endswith("/config.json"))
    if inside and not ("config.json" in names and weights):
        raise UserError(
            f"{config_key}.hub: the model of {repo} is in its sub-folder {inside[0].split('/')[0]}; "
            "download that folder and name it under `path:`"
        )
    if "config.json" not in names:
        raise UserError(
            f"{config_key}.hub: {repo} has no config.json; it is no model in the format of transformers"
        )
    if weights is None:
        raise UserError(
            f"{config_key}.hub: {repo} has neither model.safetensors nor pytorch_model.bin; "
            "choose a revision that does"
        )
    shards: list[str] = []
    if weights.endswith(".index.json"):
        stem, suffix = weights.split(".")[:2]
        shards = sorted(
            name for name in names if (m := SHARD.fullmatch(name)) and m.groups() == (stem, suffix)
        )
    tokenizers = {name for name in names if name.endswith(".model") and "/" not in name}
    tokenizers |= names & files_of_any()
    return [*shards, weights, *sorted(tokenizers), "config.json"]


def _cached(repo: str, revision: str) -> Path | None:
    """The folder of a complete earlier download, if there is one."""
    config = try_to_load_from_cache(repo, "config.json", revision=revision)
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    return folder if any((folder / name).exists() for name in WEIGHTS) else None
