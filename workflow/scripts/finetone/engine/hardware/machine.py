"""Hardware and software of a run, for its record."""

import os
import platform
import resource
import sys
from importlib.metadata import version
from pathlib import Path

import finetone


def processor() -> str:
    """Name of the CPU, such as "AMD EPYC 9B45"."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def peak_memory() -> int:
    """Peak resident memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB


def memory() -> int:
    """Memory of this machine that a process may use, in bytes: all, or its cgroup's share (Linux)."""
    most = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        here = next(line.removeprefix("0::/") for line in lines if line.startswith("0::/"))
        folder = Path("/sys/fs/cgroup", here)
        for each in (folder, *folder.parents):
            limit = each / "memory.max"
            if limit.is_file() and (said := limit.read_text(encoding="utf-8").strip()).isdigit():
                most.append(int(said))
    except (OSError, StopIteration):
        pass
    return min(most)


def versions(*libraries: str) -> dict[str, str]:
    """Versions of all that can change a run's numbers: Python, `libraries` and finetone."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
        "finetone": finetone.__version__,
    }
