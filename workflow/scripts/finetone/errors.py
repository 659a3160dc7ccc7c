"""The exception whose message is meant for the user, and the first line of other errors."""

from finetone.masking import mask


class UserError(Exception):
    """An error that the user can fix; the message names the file or key, the value and the fix."""

    def __init__(self, message: str = "") -> None:
        super().__init__(mask(message))  # it may quote an address with a password


def first_line(error: BaseException) -> str:
    """First line of an error's message, without its full stop; its type if there is no message."""
    said = (
        mask(str(error)).strip() or type(error).__name__
    )  # before the cut: part of a secret is one, too
    return said.splitlines()[0].rstrip(".")[:200]
