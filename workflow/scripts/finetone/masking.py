"""Keep passwords and tokens out of everything that a user reads, keeps or sends."""

import os
import re
from urllib.parse import unquote

HIDDEN = "***"
USERINFO = re.compile(r"(?<=://)[^\s/?#'\"<>]+(?=@)")  # up to the last @: passwords may hold one
TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{16,}")
PARAMETER = re.compile(
    r"(?i)(?<=[?&;])((?:access_?|auth_?)?token|api_?key|key|password|sig|signature|x-amz-\w+)"
    r"=[^\s&'\"<>]+"
)
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN")
ADDRESSES = re.compile(r"(?i)HF_ENDPOINT|\w*PROXY|PIP_\w*|UV_\w*")  # variables that may hold URLs
SHORTEST = 4  # characters of a secret; shorter ones occur in ordinary words


def mask(text: str) -> str:
    """Replace secrets in a text by ***.

    Secrets are: user and password of any URL, tokens of the hub, and the values of environment
    variables that hold passwords, wherever they occur.
    """
    for secret in sorted(_secrets(), key=len, reverse=True):
        # a short one may be part of a word
        whole = rf"(?<!\w){re.escape(secret)}(?!\w)" if len(secret) < 8 else re.escape(secret)
        text = re.sub(whole, HIDDEN, text)
    text = USERINFO.sub(HIDDEN, text)
    return PARAMETER.sub(rf"\1={HIDDEN}", TOKEN.sub(HIDDEN, text))


def _secrets() -> set[str]:
    found = {os.environ.get(name, "").strip() for name in TOKENS}
    for name, value in os.environ.items():
        if "@" in value and ADDRESSES.fullmatch(name):
            for address in value.split():  # some variables hold several
                found |= _passwords(address)
    return {secret for secret in found if len(secret) >= SHORTEST}


def _passwords(address: str) -> set[str]:
    """The secrets in a URL; a user name without a password is one if it is as long as a token."""
    user, colon, password = address.rpartition("@")[0].rpartition("://")[2].partition(":")
    secret = password if colon else user if len(user) >= 16 else ""
    # software that parses the URL cuts a password at an unquoted "/" or "#"
    return {secret, unquote(secret), *re.split("[/?#@]", secret)}
