"""Branches of the hub that have moved since something was fetched from them.

A commit never changes, a branch or tag may. The manifest of what was fetched has its commit. Once
the branch has other files, a run that would use the old ones is refused; the user chooses.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from finetone.errors import UserError, first_line
from finetone.hub.repository import Repository
from finetone.identity import is_data, source_of
from finetone.log import logger, refuse_endpoint


class Fetched(NamedTuple):
    """`folder` is made of a repository."""

    repository: Repository
    folder: Path


def fetched(config: dict[str, Any], read: Iterable[Path]) -> list[Fetched]:
    """Find which of the files and folders `read` come from the hub.

    Parameters
    ----------
    config
        The checked configuration.
    read
        Paths in a folder as docs/architecture.md has it: …/models/<name>, …/questions/<name> or
        …/data/<name>.
    """
    sources = _from_hub(config)
    folders = {folder for path in read for folder in (path, *path.parents)}
    return [
        Fetched(sources[key], folder)
        for folder in sorted(folders)
        if (key := "/".join(folder.parts[-2:])) in sources
    ]


def _from_hub(config: dict[str, Any]) -> dict[str, Repository]:
    """{end of a folder's path: its repository} of everything the configuration has there."""
    sources = {}
    for name, block in config["models"].items():
        key = f"models.{name}"
        if "hub" in block:
            sources[f"models/{name}"] = Repository.of("model", block["hub"], key)
        if "intermediate" in block:
            hub, key = block["intermediate"]["hub"], f"{key}.intermediate"
            sources[f"questions/{name}"] = Repository.of("dataset", hub, key)
    for name, block in config["datasets"].items():
        if "hub" in block:
            sources[f"data/{name}"] = Repository.of("dataset", block["hub"], f"datasets.{name}")
    return sources


def refuse(fetched: Iterable[Fetched]) -> None:
    """Ask the hub about every branch or tag; silent where none moved, or no hub answers.

    Raises
    ------
    UserError
        A branch or tag has other files than those that were fetched.
    """
    movable = [item for item in fetched if not item.repository.pinned]
    named = [(item, source) for item in movable if (source := source_of(item.folder))]
    if not named:
        return
    refuse_endpoint()
    from huggingface_hub import constants  # only now: most runs pin everything

    from finetone.hub import client, faults

    if constants.HF_HUB_OFFLINE:
        return
    for item, source in named:
        repo, revision, commit = item.repository.id, item.repository.revision, source["revision"]
        try:
            now = client.listed(item.repository, timeout=10)
            if now.sha == commit:
                continue
            then = client.listed(replace(item.repository, revision=commit), timeout=10)
        except faults.ERRORS as error:
            why = f"whether {revision} of {repo} has moved could not be asked ({first_line(error)})"
            logger.warning("%s.hub: %s", item.repository.config_key, why)
            return
        if _contents(now) != _contents(then):
            raise UserError(
                f"{item.repository.config_key}.hub: {revision} of {repo} has moved to {now.sha} since "
                f"{item.folder} was fetched, and its files are others now; to go on with what was "
                f"fetched write `revision: {commit}` there (nothing is made again), to take the "
                f"new files delete the folder (all that was made of it is made again): "
                f"rm -r {item.folder}"
            )


def _contents(about: Any) -> dict[str, str | None]:
    """Name and content hash of all files but the repository's card."""
    return {
        file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id
        for file in about.siblings or []
        if is_data(file.rfilename)
    }
