"""All randomness comes from one named seed."""

import hashlib


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the random stream called `names` under `seed`.

    Streams of different names are independent, so adding one (say, a new dropout generator)
    never changes the numbers another one draws.

    >>> derive(1, "shuffle", 0) == derive(1, "shuffle", 0)
    True
    >>> derive(1, "shuffle", 0) == derive(1, "shuffle", 1)
    False
    """
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
