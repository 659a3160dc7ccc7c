"""Branches of the hub that have moved since something was fetched from them.

A commit never changes, a branch or tag may. What was fetched has the commit in its manifest; a run
that would use it once the branch stands for other files is refused, and the choice left to the user.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from finetone.errors import UserError
from finetone.log import logger

COMMIT = re.compile(r"[0-9a-f]{40}")
NOT_DATA = {"README.md", ".gitattributes"}


class Fetched(NamedTuple):
    """`folder` is made of what the configuration has under `where`: {id, revision, …}."""

    where: str
    kind: Any  # finetone.hub.Kind
    hub: dict[str, Any]
    folder: Path


def as_asked(hub: dict[str, Any], folder: Path) -> dict[str, Any]:
    """`hub` with the revision that `folder` was asked for, if it now names the commit it got.

    So a commit can be written into the configuration later without making anything again.
    """
    source = _source(folder)
    if "asked" in source and [hub["id"], hub["revision"]] == [source["id"], source["revision"]]:
        return hub | {"revision": source["asked"]}
    return hub


def refuse(fetched: Iterable[Fetched]) -> None:
    """Ask the hub about every branch or tag; silent where none moved, or no hub answers.

    Raises:
        UserError: a branch or tag stands for other files than those that were fetched.
    """
    named = [
        item
        for item in fetched
        if not COMMIT.fullmatch(item.hub["revision"]) and _source(item.folder)
    ]
    if not named:
        return
    import httpx2  # only now: most runs pin everything
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return
    api = HfApi()
    for item in named:
        repo, revision = item.hub["id"], item.hub["revision"]
        commit = _source(item.folder)["revision"]
        ask = api.model_info if item.kind == "model" else api.dataset_info
        try:
            now = ask(repo, revision=revision, timeout=10, files_metadata=True)
            if now.sha == commit:
                continue
            then = ask(repo, revision=commit, timeout=10, files_metadata=True)
        except (httpx2.HTTPError, OSError) as error:
            logger.warning(
                "%s.hub: whether %s of %s has moved could not be asked (%s)",
                item.where, revision, repo, str(error).strip().split("\n")[0][:120],
            )  # fmt: skip
            return
        if _contents(now) != _contents(then):
            raise UserError(
                f"{item.where}.hub: {revision} of {repo} has moved to {now.sha} since "
                f"{item.folder} was fetched, and its files are others now; to go on with what was "
                f"fetched write `revision: {commit}` there (nothing is made again), to take the "
                f"new files delete the folder (all that was made of it is made again): "
                f"rm -r {item.folder}"
            )


def _source(folder: Path) -> dict[str, Any]:
    """What the folder's manifest says of its source; nothing where there is none."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except OSError:
        return {}
    source: dict[str, Any] = manifest.get("source", manifest)
    return source


def _contents(about: Any) -> dict[str, str | None]:
    """Name and content hash of all files but the repository's card."""
    return {
        file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id
        for file in about.siblings or []
        if file.rfilename not in NOT_DATA
    }
