"""All randomness comes from one named seed."""

import hashlib


def derive(seed: int, *names: str | int) -> int:
    """Derive a 63-bit seed for one stream of random numbers.

    Streams with different names are independent, so adding one (such as a new dropout generator)
    never changes the numbers that another one draws.

    Parameters
    ----------
    seed
        The seed of the run.
    *names
        The name of the stream, in one or several parts.

    Examples
    --------
    >>> derive(1, "shuffle", 0) == derive(1, "shuffle", 0)
    True
    >>> derive(1, "shuffle", 0) == derive(1, "shuffle", 1)
    False
    """
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
