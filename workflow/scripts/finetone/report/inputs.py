"""The inputs of the report."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetone.provenance import below


@dataclass(frozen=True)
class ReportInputs:
    """Paths of everything the page shows; what is absent is left out of the page.

    Attributes
    ----------
    config
        The checked configuration.
    tables
        CSV files by name (`ranking`, `summary` …); `ranking` must be there. `published`, `claims`,
        `deviations`, `side_by_side`, `column_match` and `parameters` are those of a published table.
    figures
        SVG files by name (`methods`, `curves/<method>` …).
    manifests, audits
        Of the datasets.
    runs
        Every run.json.
    models
        Manifests of the models.
    tokens
        Token files of the source dataset's training split, by model.
    published_audit
        The audit of a published table.
    study
        The parts of its reproduction report that are not computed: published/study.json.
    command
        How one file is made again; `{path}` stands for the file.
    folder
        Of the experiment, as the user names it. Jobs may read and write copies elsewhere.
    """

    config: Mapping[str, Any]
    tables: Mapping[str, Path]
    figures: Mapping[str, Path] = field(default_factory=dict)
    manifests: Sequence[Path] = ()
    audits: Sequence[Path] = ()
    runs: Sequence[Path] = ()
    models: Sequence[Path] = ()
    tokens: Mapping[str, Path] = field(default_factory=dict)
    published_audit: Path | None = None
    study: Path | None = None
    command: str = "snakemake --cores 1 {path}"
    folder: Path = Path()

    def remake(self, path: Path) -> str:
        """Return the command that makes a file again."""
        return self.command.format(path=shlex.quote(str(self.named(path))))

    def named(self, path: Path) -> Path:
        """Return a path as the user knows it."""
        return below(path, self.folder) or path
