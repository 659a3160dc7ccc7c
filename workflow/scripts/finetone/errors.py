"""The exception whose message is meant for the user, and parts of messages."""

import difflib
from collections.abc import Iterable

from finetone.masking import mask


class UserError(Exception):
    """An error that the user can fix; the message names the file or key, the value and the fix."""

    def __init__(self, message: str = "") -> None:
        super().__init__(mask(message))  # it may quote an address with a password


def first_line(error: BaseException) -> str:
    """First line of an error's message, without its full stop; its type if there is no message."""
    # masked before it is cut: half of a secret is one, too
    said = mask(str(error)).strip() or type(error).__name__
    return said.splitlines()[0].rstrip(".")[:200]


def did_you_mean(
    name: str, known: Iterable[str], otherwise: str = "", *, most: int = 1, cutoff: float = 0.5
) -> str:
    """The end of a message about an unknown name: similar names, or another hint.

    Parameters
    ----------
    name
        The unknown name.
    known
        All names that are allowed.
    otherwise
        The hint if no name is similar.
    most
        Largest number of names to suggest.
    cutoff
        Least similarity, in [0, 1] (see `difflib.get_close_matches`).
    """
    near = difflib.get_close_matches(name, list(known), most, cutoff)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else otherwise
    return f"; {hint}" if hint else ""


def known(names: Iterable[str]) -> str:
    """All names that there are, as the end of a message about another one."""
    return f"known: {listed(names)}" if (names := list(names)) else "there is none"


def listed(names: Iterable[str], most: int = 20) -> str:
    """Names with commas, the first of them where there are more than `most`."""
    names = list(names)
    rest = f", … ({len(names):,} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
