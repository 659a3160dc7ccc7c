"""YAML files of the library itself, which need none of the care that a user's files do."""

from pathlib import Path
from typing import Any

import yaml

# libyaml's, where PyYAML was built with it, takes a tenth of the time
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> Any:
    """The values in a file."""
    return yaml.load(path.read_bytes(), _Loader)
