"""Downloads from the hub: retried, all files of one commit, checked by content.

Light: neither torch nor datasets. `finetone.models.hub_checkpoint` fetches models with it; datasets
are fetched here into the cache that their own client then reads.
"""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.hf_api import DatasetInfo, ModelInfo, RepoSibling

from finetone import files
from finetone.errors import UserError, first_line
from finetone.hub.faults import ERRORS, sentence, unreachable
from finetone.hub.repository import Repository
from finetone.log import logger

T = TypeVar("T")
TRANSIENT = {408, 429, 500, 502, 503, 504}
TRIES = 4
LONGEST_WAIT = 120.0  # seconds; a hub that asks for more is reported, not waited for


def info(repository: Repository) -> ModelInfo | DatasetInfo:
    """What the hub lists: `sha` is the commit behind the revision, `siblings` are its files."""
    return with_retries(lambda: listed(repository, timeout=30))


def listed(repository: Repository, timeout: float) -> ModelInfo | DatasetInfo:
    """`info`, asked once; the server has `timeout` seconds to answer."""
    api = HfApi()
    ask = api.model_info if repository.kind == "model" else api.dataset_info
    return ask(repository.id, revision=repository.revision, files_metadata=True, timeout=timeout)


def stated_license(about: ModelInfo | DatasetInfo) -> str | None:
    """The licence that a repository's card names; None where it names none, or several."""
    license_ = about.card_data.get("license") if about.card_data else None
    return license_ if isinstance(license_, str) else None


def fetch_dataset(repository: Repository) -> DatasetInfo:
    """Bring the large files of a dataset into the hub's cache, checked; returns its info.

    `datasets.load_dataset(id, config, revision=info.sha)` then finds them there; by itself it
    neither repeats a failed request nor compares content with the hub's hashes. If there is a
    folder with the name of the configuration, that one alone is fetched.

    Raises
    ------
    UserError
        The hub, the dataset or the revision cannot be had, or content stays wrong.
    """
    try:
        about, config = info(repository), repository.config
        assert isinstance(about, DatasetInfo)
        large = [sibling for sibling in about.siblings or [] if sibling.lfs is not None]
        chosen = [s for s in large if config and s.rfilename.startswith(f"{config}/")] or large
        for sibling in chosen:
            download(repository, str(about.sha), sibling)
        return about
    except (*ERRORS, HFValidationError) as error:
        raise UserError(sentence(error, repository)) from error


def dataset_commit(repository: Repository) -> tuple[str, str | None]:
    """The commit behind a dataset's revision, and the licence that its card names.

    Its files are in the cache afterwards. Where no hub answers, a commit may be there already.

    Raises
    ------
    UserError
        As `fetch_dataset` does.
    """
    try:
        about = fetch_dataset(repository)
    except UserError as error:
        cause = error.__cause__
        failed = getattr(getattr(cause, "response", None), "status_code", 0) >= 500
        if repository.pinned and cause and (failed or unreachable(cause)):
            known = repository.id, repository.revision
            logger.warning("%s: hub not reached, looking for %s in the cache", *known)
            return repository.revision, None
        raise
    return str(about.sha), stated_license(about)


def download(repository: Repository, commit: str, sibling: RepoSibling) -> Path:
    """Fetch one file and hold its content against the listed hash; a second failure is final.

    Returns its path in the hub's cache.
    """
    name, repo, kind = sibling.rfilename, repository.id, repository.kind
    config_key = repository.config_key
    for _ in range(2):
        path = Path(
            with_retries(lambda: hf_hub_download(repo, name, repo_type=kind, revision=commit))
        )
        if _genuine(path, sibling):
            return path
        logger.warning("%s: %s of %s does not have the hash the hub lists", config_key, name, repo)
        path.resolve().unlink()  # the content in the cache …
        path.unlink(missing_ok=True)  # … and the name that points there
    raise UserError(
        f"{config_key}.hub: {name} of {repo} does not have the hash the hub lists for it, twice; "
        f"nothing was kept - check HF_ENDPOINT ({constants.ENDPOINT}) or any proxy in between"
    )


def _genuine(path: Path, sibling: RepoSibling) -> bool:
    """Large files are listed with a sha256, small ones with git's blob id; some hubs neither."""
    if sibling.lfs is not None:
        return files.sha256(path) == sibling.lfs.sha256
    if sibling.blob_id and len(sibling.blob_id) == 40:
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size)
        with path.open("rb") as stream:
            while chunk := stream.read(files.CHUNK):
                digest.update(chunk)
        return digest.hexdigest() == sibling.blob_id
    return True


def with_retries(call: Callable[[], T]) -> T:
    """Call again after errors that pass by themselves, waiting as long as the server asks.

    The client repeats its own HEAD requests and resumes cut downloads; this covers what it does
    not: listing a repository, a 5xx at the start of a download, a file that ended early.
    """
    for attempt in range(TRIES):
        try:
            return call()
        except ERRORS as error:
            wait = _wait(error, attempt)
            if wait is None or attempt == TRIES - 1:
                raise
            logger.warning("hub: %s; trying again in %.0f s", first_line(error), wait)
            time.sleep(wait)
    raise AssertionError("unreachable")


def _wait(error: Exception, attempt: int) -> float | None:
    """Seconds until it makes sense to ask again; None if it never does."""
    backoff = float(2**attempt)
    if isinstance(error, HfHubHTTPError):
        if error.response.status_code not in TRANSIENT:
            return None
        asked = error.response.headers.get("Retry-After", "")
        seconds = float(asked) if asked.isdigit() else backoff
        return seconds if seconds <= LONGEST_WAIT else None
    if isinstance(error, httpx2.TransportError) or "Consistency check failed" in str(error):
        return backoff
    return None
