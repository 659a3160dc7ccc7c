"""Branches of the hub that have moved since something was fetched from them.

A commit never changes, a branch or tag may. The manifest of what was fetched has its commit. Once
the branch has other files, a run that would use the old ones is refused; the user chooses.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetone.errors import UserError, first_line
from finetone.hub.repository import Repository
from finetone.identity import is_data, source_of
from finetone.log import logger, refuse_endpoint


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


def refuse_moved(config: dict[str, Any], read: Iterable[Path]) -> None:
    """Ask the hub about every branch or tag; silent where none moved, or no hub answers.

    Parameters
    ----------
    config
        The checked configuration.
    read
        Files and folders that a run reads. Those of the hub are in a folder as docs/architecture.md
        has it: …/models/<name>, …/questions/<name> or …/data/<name>.

    Raises
    ------
    UserError
        A branch or tag has other files than those that were fetched.
    """
    repositories = _from_hub(config)
    fetched = []
    for folder in sorted({folder for path in read for folder in (path, *path.parents)}):
        repository = repositories.get("/".join(folder.parts[-2:]))
        if repository and not repository.pinned and (source := source_of(folder)):
            fetched.append((repository, folder, source["revision"]))
    if not fetched:
        return
    refuse_endpoint()
    from huggingface_hub import constants  # only now: most runs pin everything

    from finetone.hub import client, faults

    if constants.HF_HUB_OFFLINE:
        return
    for repository, folder, commit in fetched:
        repo, revision = repository.id, repository.revision
        try:
            now = client.listed(repository, timeout=10)
            if now.sha == commit:
                continue
            then = client.listed(replace(repository, revision=commit), timeout=10)
        except faults.ERRORS as error:
            why = f"whether {revision} of {repo} has moved could not be asked ({first_line(error)})"
            logger.warning("%s.hub: %s", repository.config_key, why)
            return
        if _contents(now) != _contents(then):
            raise UserError(
                f"{repository.config_key}.hub: {revision} of {repo} has moved to {now.sha} since "
                f"{folder} was fetched, and its files are others now; to go on with what was "
                f"fetched write `revision: {commit}` there (nothing is made again), to take the "
                f"new files delete the folder (all that was made of it is made again): "
                f"rm -r {folder}"
            )


def _contents(about: Any) -> dict[str, str | None]:
    """Name and content hash of all files but the repository's card."""
    return {
        file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id
        for file in about.siblings or []
        if is_data(file.rfilename)
    }
