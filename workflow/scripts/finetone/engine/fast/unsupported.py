"""The one exception of the fast ways."""


class Unsupported(Exception):
    """Why a module cannot take a fast way, in words that complete a note in run.json."""
