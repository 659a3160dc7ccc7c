"""Keep the memory that training reuses, and no more.

glibc maps new memory for every large tensor and unmaps it when the tensor is freed, so every step
pays for page faults on all of it again; memory that is kept is faster. oneDNN, on the other hand,
keeps a compiled kernel for every shape. Without padding, nearly every batch has new shapes, and the
kernels grow to hundreds of MB that are never used again. They also lie scattered among freed
tensors, and the gaps cost as much memory again.
"""

import ctypes
import os

# from glibc's malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
KERNELS = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")


def tune_malloc() -> bool:
    """Set glibc's malloc of this process to reuse large blocks; False where there is no glibc."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 1 << 26))
    return all(mallopt(name, value) == 1 for name, value in settings)


def limit_onednn_cache(keep: int) -> None:
    """Let oneDNN keep so many kernels (by default 1,024 of them).

    Has an effect only before the process first computes: that is when oneDNN reads its settings.
    """
    for name in KERNELS:
        os.environ.setdefault(name, str(min(1024, keep)))
