"""What any test may need: the project's folders, and how a process of its own finds the library."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "workflow" / "scripts"


def library_path() -> str:
    """A PYTHONPATH with the library first; what is on the present one (tests/support) stays."""
    return os.pathsep.join(filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH")]))
