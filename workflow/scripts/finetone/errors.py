"""The one exception that is meant for the user's eyes, and parts of its message."""

import difflib
from collections.abc import Iterable

from finetone.masking import mask


class UserError(Exception):
    """Something the user can mend: the message names the file or key, the value and the fix."""

    def __init__(self, message: str = "") -> None:
        super().__init__(mask(message))  # it may quote an address with a password


def first_line(error: BaseException) -> str:
    """The first line of what `error` says, without its full stop; its name if it says nothing."""
    # masked before it is cut: half of a secret is one, too
    said = mask(str(error)).strip() or type(error).__name__
    return said.splitlines()[0].rstrip(".")[:200]


def did_you_mean(
    name: str, known: Iterable[str], otherwise: str = "", *, most: int = 1, cutoff: float = 0.5
) -> str:
    """The end of a message about the unknown `name`: the names like it, or `otherwise`."""
    near = difflib.get_close_matches(name, list(known), most, cutoff)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else otherwise
    return f"; {hint}" if hint else ""
