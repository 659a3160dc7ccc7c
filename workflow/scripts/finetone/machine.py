"""Hardware and software of a run, for its record."""

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


def versions(*libraries: str) -> dict[str, str]:
    """Versions of all that can change a run's numbers: Python, `libraries` and finetone."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
        "finetone": finetone.__version__,
    }
