"""What every download from the hub needs: patience, one commit, genuine content, clear words.

Light: neither torch nor datasets. `finetone.models.hub_checkpoint` fetches models with it; data sets are
fetched here into the cache that their own client then reads.
"""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import DatasetInfo, ModelInfo, RepoSibling

from finetone import files
from finetone.errors import UserError, first_line
from finetone.log import logger

T = TypeVar("T")
Kind = Literal["model", "dataset"]
ERRORS = (httpx2.HTTPError, OSError)  # what asking the hub can raise
TRANSIENT = {408, 429, 500, 502, 503, 504}
TRIES = 4
LONGEST_WAIT = 120.0  # seconds; a hub that asks for more is reported, not waited for


def info(kind: Kind, repo: str, revision: str) -> ModelInfo | DatasetInfo:
    """What the hub lists: `sha` is the commit behind `revision`, `siblings` are its files."""
    return with_retries(lambda: listed(kind, repo, revision, timeout=30))


def listed(kind: Kind, repo: str, revision: str, timeout: float) -> ModelInfo | DatasetInfo:
    """`info`, asked once; the server has `timeout` seconds to answer."""
    api = HfApi()
    ask = api.model_info if kind == "model" else api.dataset_info
    return ask(repo, revision=revision, files_metadata=True, timeout=timeout)


def stated_license(about: ModelInfo | DatasetInfo) -> str | None:
    """The licence that a repository's card names; None where it names none, or several."""
    license_ = about.card_data.get("license") if about.card_data else None
    return license_ if isinstance(license_, str) else None


def fetch_dataset(
    repo: str, revision: str, config_key: str, config: str | None = None
) -> DatasetInfo:
    """Bring the large files of data set `repo` into the hub's cache, checked; returns its info.

    `datasets.load_dataset(repo, config, revision=info.sha)` then finds them there; by itself it
    neither repeats a failed request nor compares content with the hub's hashes. With `config`
    only the folder of that name is fetched, if there is one.

    Raises
    ------
    UserError
        The hub, the data set or the revision cannot be had, or content stays wrong.
    """
    try:
        about = info("dataset", repo, revision)
        assert isinstance(about, DatasetInfo)
        large = [sibling for sibling in about.siblings or [] if sibling.lfs is not None]
        chosen = [s for s in large if config and s.rfilename.startswith(f"{config}/")] or large
        for sibling in chosen:
            download("dataset", repo, str(about.sha), sibling, config_key)
        return about
    except (*ERRORS, HFValidationError) as error:
        raise UserError(sentence(error, "dataset", repo, revision, config_key)) from error


def download(kind: Kind, repo: str, commit: str, sibling: RepoSibling, config_key: str) -> Path:
    """Fetch one file and hold its content against the listed hash; a second failure is final.

    Returns its path in the hub's cache.
    """
    name = sibling.rfilename
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


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    return chain


def unreachable(error: BaseException) -> bool:
    """Whether no hub answered, for whatever reason."""
    kinds = (httpx2.TransportError, ConnectionError, LocalEntryNotFoundError)
    return any(isinstance(e, kinds) for e in _chain(error))


def sentence(error: BaseException, kind: Kind, repo: str, revision: str, config_key: str) -> str:
    """What went wrong and which key or variable mends it."""
    local = "`path:`" if kind == "model" else "`file:`"
    for e in _chain(error):
        if isinstance(e, GatedRepoError):
            return (
                f"{config_key}.hub.id: {repo} is gated; accept its terms on the hub and log in "
                "(`hf auth login` or HF_TOKEN)"
            )
        if isinstance(e, RevisionNotFoundError):
            return (
                f"{config_key}.hub.revision: {repo} has no revision {revision!r}; give a commit, tag or "
                "branch that exists"
            )
        unauthorized = isinstance(e, HfHubHTTPError) and e.response.status_code == 401
        if isinstance(e, RepositoryNotFoundError) or unauthorized:
            # strangers are not told whether a private repository exists
            return (
                f"{config_key}.hub.id: the hub has no repository {repo!r}, or it is private; check the "
                "spelling, or log in (`hf auth login` or HF_TOKEN)"
            )
        if isinstance(e, HFValidationError):
            return f"{config_key}.hub.id: {repo!r} is not a repository id; write owner/name"
        if isinstance(e, HfHubHTTPError):
            status = e.response.status_code
            if status == 403:
                return (
                    f"{config_key}.hub.id: the hub refuses access to {repo} (HTTP 403); log in "
                    "(`hf auth login` or HF_TOKEN) with an account that may read it"
                )
            if status == 404:
                return (
                    f"{config_key}.hub.id: {repo} lists a file that it does not hold (HTTP 404 at "
                    f"{e.response.url}); choose another revision"
                )
            return (
                f"{config_key}.hub: {constants.ENDPOINT} keeps answering HTTP {status}; run again "
                f"later, set HF_ENDPOINT to a mirror, or name local files under {local}"
            )
    if unreachable(error):
        return (
            f"{config_key}.hub: the hub at {constants.ENDPOINT} cannot be reached and {repo} is not in "
            f"the cache {constants.HF_HUB_CACHE}; set HF_ENDPOINT to a mirror, fill the cache on "
            f"another machine and set HF_HUB_OFFLINE=1, or name local files under {local} "
            "(`make demo` needs no hub)"
        )
    return f"{config_key}.hub: {repo} cannot be downloaded ({first_line(error)})"
