"""Tell the C library to keep memory it has got.

glibc maps every large tensor freshly and gives it back when freed, so each step pays for page
faults on all of it again. Kept memory is reused warm instead; the peak stays the same.
"""

import ctypes

# from glibc's malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4


def keep_memory() -> bool:
    """Set glibc's malloc of this process to reuse large blocks; False where there is no glibc."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 1 << 26))
    return all(mallopt(name, value) == 1 for name, value in settings)
