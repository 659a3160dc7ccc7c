"""Branches of the hub that have moved since something was fetched from them.

A commit never changes, a branch or tag may. What was fetched has the commit in its manifest; a run
that would use it once the branch stands for other files is refused, and the choice left to the user.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from finetone.errors import UserError, first_line
from finetone.identity import is_data, source_of
from finetone.log import logger, refuse_endpoint


class Fetched(NamedTuple):
    """`folder` is made of what the configuration has under `config_key`: {id, revision, …}."""

    config_key: str
    kind: Any  # finetone.hub.Kind
    hub: dict[str, Any]
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
        Fetched(*sources[key], folder)
        for folder in sorted(folders)
        if (key := "/".join(folder.parts[-2:])) in sources
    ]


def _from_hub(config: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """{end of a folder's path: where, kind and hub} of everything the configuration has there."""
    sources = {}
    for name, block in config["models"].items():
        if "hub" in block:
            sources[f"models/{name}"] = (f"models.{name}", "model", block["hub"])
        if "intermediate" in block:
            config_key = f"models.{name}.intermediate"
            sources[f"questions/{name}"] = (config_key, "dataset", block["intermediate"]["hub"])
    for name, block in config["datasets"].items():
        if "hub" in block:
            sources[f"data/{name}"] = (f"datasets.{name}", "dataset", block["hub"])
    return sources


def refuse(fetched: Iterable[Fetched]) -> None:
    """Ask the hub about every branch or tag; silent where none moved, or no hub answers.

    Raises
    ------
    UserError
        A branch or tag stands for other files than those that were fetched.
    """
    named = [(item, source_of(item.folder)) for item in fetched]
    named = [(i, source) for i, source in named if source and not is_commit(i.hub["revision"])]
    if not named:
        return
    refuse_endpoint()
    from huggingface_hub import constants  # only now: most runs pin everything

    from finetone.hub import client

    if constants.HF_HUB_OFFLINE:
        return
    for item, source in named:
        repo, revision, commit = item.hub["id"], item.hub["revision"], source["revision"]
        try:
            now = client.listed(item.kind, repo, revision, timeout=10)
            if now.sha == commit:
                continue
            then = client.listed(item.kind, repo, commit, timeout=10)
        except client.ERRORS as error:
            logger.warning(
                "%s.hub: whether %s of %s has moved could not be asked (%s)",
                item.config_key, revision, repo, first_line(error),
            )  # fmt: skip
            return
        if _contents(now) != _contents(then):
            raise UserError(
                f"{item.config_key}.hub: {revision} of {repo} has moved to {now.sha} since "
                f"{item.folder} was fetched, and its files are others now; to go on with what was "
                f"fetched write `revision: {commit}` there (nothing is made again), to take the "
                f"new files delete the folder (all that was made of it is made again): "
                f"rm -r {item.folder}"
            )


def is_commit(revision: str) -> bool:
    """Whether `revision` is a full commit hash, which never moves."""
    return len(revision) == 40 and set(revision) <= set("0123456789abcdef")


def _contents(about: Any) -> dict[str, str | None]:
    """Name and content hash of all files but the repository's card."""
    return {
        file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id
        for file in about.siblings or []
        if is_data(file.rfilename)
    }
