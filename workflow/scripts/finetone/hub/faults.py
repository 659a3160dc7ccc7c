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
    repo, config_key = repository.id, repository.config_key
    local = "`path:`" if repository.kind == "model" else "`file:`"
    for e in _chain(error):
        status = e.response.status_code if isinstance(e, HfHubHTTPError) else None
        match e:
            case GatedRepoError():
                key, problem = ".id", f"{repo} is gated; accept its terms on the hub and {LOG_IN}"
            case RevisionNotFoundError():
                key = ".revision"
                asked = repository.revision
                problem = f"{repo} has no revision {asked!r}; give a commit, tag or branch of it"
            case HFValidationError():
                key, problem = ".id", f"{repo!r} is not a repository id; write owner/name"
            # strangers are not told whether a private repository exists
            case _ if status == 401 or isinstance(e, RepositoryNotFoundError):
                key = ".id"
                problem = (
                    f"the hub has no repository {repo!r}, or it is private; check the spelling, "
                    f"or {LOG_IN}"
                )
            case _ if status == 403:
                key = ".id"
                problem = (
                    f"the hub refuses access to {repo} (HTTP 403); {LOG_IN} with an account that "
                    "may read it"
                )
            case HfHubHTTPError() if status == 404:
                if e is not error:  # libraries look for files that need not be there
                    continue
                key = ".id"
                problem = (
                    f"{repo} lists a file that it does not hold (HTTP 404 at {e.response.url}); "
                    "choose another revision"
                )
            case _ if status:
                key = ""
                problem = (
                    f"{constants.ENDPOINT} keeps answering HTTP {status}; run again later, set "
                    f"HF_ENDPOINT to a mirror, or name local files under {local}"
                )
            case _:
                continue
        return f"{config_key}.hub{key}: {problem}"
    if unreachable(error):
        pinned = " (and the commit as revision)" if repository.kind == "dataset" else ""
        return (
            f"{config_key}.hub: the hub at {constants.ENDPOINT} cannot be reached and {repo} is not "
            f"in the cache {constants.HF_HUB_CACHE} ({first_line(error)}); set HF_ENDPOINT to a "
            f"mirror, fill the cache on another machine and set HF_HUB_OFFLINE=1{pinned}, or name "
            f"local files under {local} (`make demo` needs no hub)"
        )
    told = f"{type(error).__name__}: {first_line(error)}"
    return f"{config_key}.hub: {repo} cannot be downloaded ({told})"


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
