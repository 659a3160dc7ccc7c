"""The one exception that is meant for the user's eyes, and what others say of themselves."""

from finetone.masking import mask


class UserError(Exception):
    """Something the user can mend: the message names the file or key, the value and the fix."""

    def __init__(self, message: str = "") -> None:
        super().__init__(mask(message))  # it may quote an address with a password


def first_line(error: BaseException) -> str:
    """The first line of what `error` says, without its full stop; its name if it says nothing."""
    said = (
        mask(str(error)).strip() or type(error).__name__
    )  # before the cut: a half is a secret, too
    return said.splitlines()[0].rstrip(".")[:200]
