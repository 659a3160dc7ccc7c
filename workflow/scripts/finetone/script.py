"""What Snakemake hands to the script of a rule, with paths in place of file names."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from finetone import log
from finetone.identity import files_in, refuse_changed
from finetone.provenance import Provenance


class Job:
    """One job; its log is open from now on, so libraries that read `log.QUIET` come later.

    Parameters
    ----------
    snakemake
        The object of that name in a script.

    Attributes
    ----------
    inputs, outputs
        {name: path, or list of paths}, as the rule names them.
    target
        The first output.
    """

    def __init__(self, snakemake: Any) -> None:
        log.to_file(snakemake.log[0])
        self.inputs, self.outputs = _paths(snakemake.input), _paths(snakemake.output)
        self.target = Path(snakemake.output[0])
        self.wildcards, self.params = snakemake.wildcards, snakemake.params
        self.threads: int = snakemake.threads
        self._read = list(snakemake.input)

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self.wildcards.seed)

    @property
    def folder(self) -> Path:
        """The experiment's, as the configuration names it."""
        return Path(json.loads(self.params.settings)["folder"])

    @cached_property
    def provenance(self) -> Provenance:
        """The record of what the job makes."""
        return self.provenance_of(self.params.settings)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that decide the bytes of what the job makes."""
        return self.provenance.settings

    def optional(self, name: str) -> Path | None:
        """An input that the rule may lack, or have as a list of at most one file."""
        given = self.inputs.get(name)
        return next(iter(given), None) if isinstance(given, list) else given

    def published(self) -> Path:
        """The folder of a published table; an error if a file there is not what the settings state."""
        folder = Path(self.params.folder)
        refuse_changed(files_in(folder), self.settings["content"])
        return folder

    def provenance_of(self, param: str) -> Provenance:
        """The record of one of several artifacts, from its own parameter of the rule."""
        return Provenance.of_job(param, self._read)


def by_run(paths: list[Path]) -> dict[tuple[str, int], Path]:
    """{(method, seed): path} of files runs/<method>/seed<k>/…"""
    return {(p.parts[-3], int(p.parts[-2].removeprefix("seed"))): p for p in paths}


def _paths(named: Any) -> dict[str, Any]:
    return {
        name: Path(given) if isinstance(given, str) else [Path(file) for file in given]
        for name, given in named.items()
    }
