"""What an error of the hub means: one sentence that names the key or variable to change."""

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from finetone.errors import first_line
from finetone.hub.repository import Repository

ERRORS = (httpx2.HTTPError, OSError)  # what a request to the hub can raise
LOG_IN = "log in (`hf auth login` or HF_TOKEN)"


def sentence(error: BaseException, repository: Repository) -> str:
    """What went wrong, and what mends it.

    Parameters
    ----------
    error
        Of any library that asks the hub; what it was raised from is looked at, too.
    """
    hub, repo = f"{repository.config_key}.hub", repository.id
    local = "`path:`" if repository.kind == "model" else "`file:`"
    for e in _chain(error):
        if problem := _problem(e, repository):
            return f"{hub}{problem}"
        if not isinstance(e, HfHubHTTPError):
            continue
        status = e.response.status_code
        if status != 404:
            return (
                f"{hub}: {constants.ENDPOINT} keeps answering HTTP {status}; run again later, set "
                f"HF_ENDPOINT to a mirror, or name local files under {local}"
            )
        if e is error:  # else: libraries look for files that need not be there
            return (
                f"{hub}.id: {repo} lists a file that it does not hold (HTTP 404 at "
                f"{e.response.url}); choose another revision"
            )
    if unreachable(error):
        pinned = " (and the commit as revision)" if repository.kind == "dataset" else ""
        return (
            f"{hub}: the hub at {constants.ENDPOINT} cannot be reached and {repo} is not in the "
            f"cache {constants.HF_HUB_CACHE} ({first_line(error)}); set HF_ENDPOINT to a mirror, "
            f"fill the cache on another machine and set HF_HUB_OFFLINE=1{pinned}, or name local "
            f"files under {local} (`make demo` needs no hub)"
        )
    return f"{hub}: {repo} cannot be downloaded ({type(error).__name__}: {first_line(error)})"


def _problem(error: BaseException, repository: Repository) -> str:
    """The key below `hub:` and what is wrong with it; empty if its keys are not at fault."""
    repo, revision = repository.id, repository.revision
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
    if isinstance(error, GatedRepoError):
        return f".id: {repo} is gated; accept its terms on the hub and {LOG_IN}"
    if isinstance(error, RevisionNotFoundError):
        return f".revision: {repo} has no revision {revision!r}; give a commit, tag or branch of it"
    if isinstance(error, HFValidationError):
        return f".id: {repo!r} is not a repository id; write owner/name"
    # strangers are not told whether a private repository exists
    if isinstance(error, RepositoryNotFoundError) or status == 401:
        return (
            f".id: the hub has no repository {repo!r}, or it is private; check the spelling, or "
            f"{LOG_IN}"
        )
    if status == 403:
        return (
            f".id: the hub refuses access to {repo} (HTTP 403); {LOG_IN} with an account that may "
            "read it"
        )
    return ""


def unreachable(error: BaseException) -> bool:
    """Whether no hub answered, for whatever reason."""
    kinds = (ConnectionError, TimeoutError, LocalEntryNotFoundError)
    # libraries use different httpx packages with the same class names
    names = {kind.__name__ for e in _chain(error) for kind in type(e).__mro__}
    return "TransportError" in names or any(isinstance(e, kinds) for e in _chain(error))


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    return chain
