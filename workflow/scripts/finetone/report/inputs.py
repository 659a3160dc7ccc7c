"""What the page is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ReportInputs:
    """Paths of everything the page shows; what is absent is left out of the page.

    `tables` maps names (`ranking`, `summary` …: `tables/<name>.csv`) to files; `ranking` must be
    there. `figures` maps names (`methods`, `curves/<method>` …) to SVG files. `command` is how one
    file is made again, with `{path}` for the file. The rest belongs to the audit of a published
    table: `published_audit` is its JSON, and its tables are `published`, `claims`, `column_match`
    and `parameters` in `tables`.
    """

    config: Mapping[str, Any]
    tables: Mapping[str, Path]
    figures: Mapping[str, Path] = field(default_factory=dict)
    manifests: Sequence[Path] = ()
    audits: Sequence[Path] = ()
    runs: Sequence[Path] = ()
    models: Sequence[Path] = ()
    published_audit: Path | None = None
    command: str = "snakemake --cores 1 {path}"
