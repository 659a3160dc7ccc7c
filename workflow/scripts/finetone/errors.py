"""The one exception that is meant for the user's eyes, and what others say of themselves."""


class UserError(Exception):
    """Something the user can mend: the message names the file or key, the value and the fix."""


def first_line(error: BaseException) -> str:
    """The first line of what `error` says, without its full stop; its name if it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:200]
