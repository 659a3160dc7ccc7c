"""What each artifact of an experiment is made from, and with which settings.

Paths of artifacts are relative to the experiment's folder, as docs/architecture.md lists them.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from finetone.baselines.registry import KINDS
from finetone.config.checking import LOSS, loss_of
from finetone.experiment.names import Names, Settings
from finetone.identity import identify, without
from finetone.provenance import as_param
from finetone.tuning.grid import is_decision

SHOWN = ("title", "colour", "group", "license")  # keys of an entry that change no artifact's bytes
NOT_SHOWN = (
    "resources",
    "pathvars",
    "label",
    "export",
)  # keys of the configuration that do not change the report

MANIFEST = ["data", "models", "questions", "export"]  # folders of artifacts that have a manifest
# folders of the artifacts that tables are made from
FOLDERS = [*MANIFEST, "audit", "tokens", "tokenizers", "speed", "runs", "predictions"]
FOLDERS += ["dev_predictions", "temperatures", "embeddings", "export_predictions", "export_speed"]
FOLDERS += ["labelled", "near_duplicates", "subsets", "subset_runs", "subset_predictions"]
FOLDERS += ["tuning", "curve_predictions"]

Made = tuple[Settings, list[str]]  # an artifact's own settings, and the artifacts it is made from


class Experiment(Names):
    """Provenance of all artifacts of one checked configuration, and its names.

    Parameters
    ----------
    config
        The configuration, as `config.checking.check` returns it.
    folder
        Folder of the experiment's artifacts.
    """

    def __init__(self, config: Mapping[str, Any], folder: Path) -> None:
        super().__init__(config, folder)
        self._added: list[str] = []
        self._made: dict[str, Made] = {}
        self._fingerprints: dict[str, str] = {}

    def add(self, artifact: str, settings: Settings, inputs: Mapping[str, str | list[str]]) -> None:
        """Register a table, figure or page.

        Parameters
        ----------
        artifact
            Its path.
        settings
            Those that decide its bytes.
        inputs
            Files it is made from, as its rule has them: {name: `<exp>/path`, or a list of these}.
        """
        lists = ([given] if isinstance(given, str) else given for given in inputs.values())
        files = (_whole(file.removeprefix("<exp>/")) for given in lists for file in given)
        self._made[artifact] = settings, list(dict.fromkeys(files))
        self._added.append(artifact)

    @property
    def added(self) -> list[str]:
        """All tables, figures and pages registered with `add`, and all tables of new texts."""
        return [*self._added, *(f"labelled/{name}.csv" for name in self.config["label"])]

    def artifact_of(self, file: str | Path) -> str:
        """The artifact that a file is, or is part of; "" if it is none."""
        path = os.path.relpath(file, self.folder)
        artifact = _whole(path) if path in self._added or path.split("/")[0] in FOLDERS else ""
        try:
            return artifact if artifact and self.fingerprint(artifact) else ""
        except (KeyError, TypeError):  # not of this configuration, or not a complete path
            return ""

    def param(self, artifact: str) -> str:
        """The parameter `settings` of the rule that makes an artifact (for `Provenance.of_job`)."""
        facts = {"fingerprint": self.fingerprint(artifact), "settings": self.made(artifact)[0]}
        return as_param({"folder": str(self.folder), **facts})

    def made(self, artifact: str) -> Made:
        """The settings that decide the bytes of an artifact, and the artifacts it is made from."""
        if artifact not in self._made:
            kind, *names = artifact.split("/")
            self._made[artifact] = getattr(self, f"_{kind}")(*names)
        return self._made[artifact]

    def beside(self, artifacts: Iterable[str]) -> set[str]:
        """The tables that are made from the same as one of the artifacts, perhaps by the same job."""
        made_from = {tuple(self.made(each)[1]) for each in artifacts if each in self._added}
        return {each for each in self._added if tuple(self.made(each)[1]) in made_from}

    def upstream(self, artifacts: Iterable[str]) -> set[str]:
        """The artifacts and everything they are made from, directly or indirectly."""
        found: set[str] = set()
        left = list(artifacts)
        while left:
            if (artifact := left.pop()) not in found:
                found.add(artifact)
                left += self.made(artifact)[1]
        return found

    def record(self, artifact: str) -> Path:
        """The file that holds the record of an artifact (see `finetone.provenance`)."""
        kind = artifact.split("/")[0]
        if kind in (*MANIFEST, "checkpoints"):
            return self.folder / artifact / "manifest.json"
        if kind in ("tables", "labelled"):
            return self.folder / f"{artifact}.json"
        return self.folder / artifact

    def fingerprint(self, artifact: str) -> str:
        """Hex sha256 over the settings of an artifact and of everything it is made from.

        A decision is left out: what it is may not be known yet, and another choice of the same
        thing changes nothing. `Provenance.inputs` tells whether it was another one.
        """
        if artifact not in self._fingerprints:
            settings, inputs = self.made(artifact)
            counted = [each for each in inputs if not is_decision(each)]
            facts = [artifact, _given(settings), [self.fingerprint(each) for each in counted]]
            text = json.dumps(facts, sort_keys=True)
            self._fingerprints[artifact] = hashlib.sha256(text.encode()).hexdigest()
        return self._fingerprints[artifact]

    def embeddings_of(self, probe: str, dataset: str, split: str) -> str:
        """The artifact with the embeddings of a split that a probe reads."""
        block = self.probes[probe]
        return f"embeddings/{dataset}/{split}/{block['model']}/{block['pooling']}.arrow"

    # One function per folder of artifacts, called with the rest of the path.

    def _data(self, dataset: str) -> Made:
        block = without(self.config["datasets"][dataset], *SHOWN)
        if "split" in block:  # folds are drawn from the rows later
            block["split"] = without(block["split"], "folds", "repeats")
            if block["split"].get("near_duplicates") == "ignore":  # the default
                del block["split"]["near_duplicates"]
        # a seed alone (the default of an empty block) neither splits nor samples
        idle = [
            key
            for key in ("split", "sample")
            if not set(block.get(key, {})) - {"seed", "near_duplicates"}
        ]
        if block.get("missing_labels") == "refuse":  # the default, which changes no row
            idle.append("missing_labels")
        block = without(block, *idle)
        return block | identify(block, self.folder / "data" / dataset), []

    def _models(self, model: str) -> Made:
        block = without(self.config["models"][model], *SHOWN, "recipe", "tune")
        block |= identify(block, self.folder / "models" / model)
        if "intermediate" in block:
            base = block["intermediate"]["from"]
            block["intermediate"] = without(block["intermediate"], "hub")
            return block, [f"models/{base}", f"questions/{model}"]
        like = self.like_of(f"models/{model}")
        inputs = [f"models/{like}"] if like else []
        changes = block.get("scratch", {}).get("config", {})
        if _given(changes) != changes:  # transformers distinguishes null from an absent key
            block["scratch.config"] = json.dumps(changes, sort_keys=True)
        return block | {"classes": len(self.config["datasets"][self.source]["labels"])}, inputs

    def _questions(self, model: str) -> Made:
        block = self.config["models"][model]["intermediate"]
        return identify(block, self.folder / "questions" / model), []

    def _audit(self, name: str) -> Made:
        return {}, [f"data/{name.removesuffix('.json')}"]

    def _tokens(self, dataset: str, split: str, name: str) -> Made:
        model = name.removesuffix(".arrow")
        return {"max_length": self.config["max_length"]}, [f"data/{dataset}", f"models/{model}"]

    def _embeddings(self, dataset: str, split: str, model: str, name: str) -> Made:
        settings = {"pooling": PurePosixPath(name).stem, "engine": self.config["engine"]}
        return settings, [f"models/{model}", self._tokens_of(dataset, split, model)]

    def _tokenizers(self, name: str) -> Made:
        model = name.removesuffix(".json")
        return {"max_length": self.config["max_length"]}, [f"data/{self.source}", f"models/{model}"]

    def _speed(self, name: str) -> Made:
        # sorted: the order of the entries changes no time
        models = sorted(self.models)
        baselines = sorted(name for name in self.baselines if name not in self.ensembles)
        tuned = [file for model in models for file in self.tuning.choice(model, "batch_size")]
        stated = [model for model in models if not self.tuning.choice(model, "batch_size")]
        settings = {
            "batch_sizes": {model: self.recipes[model]["batch_size"] for model in stated},
            "engine": self.config["engine"],
        }
        if name == "padded.json":  # as whoever published times will have measured them
            settings |= {"engine": settings["engine"] | {"padding_free": "off"}, "tasks": ["train"]}
            baselines = []
        tokens = [self._tokens_of(self.source, "train", model) for model in models]
        runs = [f"runs/{name}/seed{self.first_seed_of(name)}/run.json" for name in baselines]
        made_of = [*(f"models/{m}" for m in models), *tokens, *runs, f"data/{self.source}"]
        return settings, [*made_of, *tuned]

    def _runs(self, method: str, seed: str, file: str) -> Made:
        settings, inputs = self._training(method)
        if keys := self.tuning.keys(method):
            settings |= {"tuned": keys}
        return settings, [*inputs, *self.tuning.choice(method)]

    def _training(self, method: str) -> Made:
        """Of a run, but for what is tuned."""
        tuned = self.tuning.keys(method)
        if method not in self.models:
            entry = self.config["baselines"][method]
            block = without(entry, *SHOWN, *LOSS, "tune", *tuned)
            if KINDS[entry["kind"]].has_loss:
                block |= loss_of(dict(self.config), entry)
            if method in self.ensembles:
                return block, self.members("runs/{method}/seed{seed}/run.json", method)
            if method in self.probes:
                metric = self.config["compare"]["metric"]
                if block.get("C") is None and metric != "accuracy":
                    block["choose_by"] = metric
                embedded = self.embeddings_of(method, self.source, "train")
                return block, [f"data/{self.source}", f"models/{block['model']}", embedded]
            if method in self.networks:  # the other baselines read complete texts
                block |= {key: self.config[key] for key in ("max_length", "engine")}
            return block, [f"data/{self.source}"]
        settings = {
            "recipe": without(self.recipes[method], *tuned),
            "engine": self.config["engine"],
            "dataset": self.source,
        }
        splits = ["train", "dev"] if self.has_dev else ["train"]
        texts = [self._tokens_of(self.source, split, method) for split in splits]
        return settings, [f"models/{method}", *texts]

    def _tuning(self, *names: str) -> Made:
        """Of tuning/<method>.json, or of a file in tuning/<method>/<trial>."""
        method, tuning = names[0], self.tuning
        by = {"metric": self.config["compare"]["metric"]}
        if len(names) == 1:
            method = method.removesuffix(".json")
            best_epoch = self.recipes.get(method, {}).get("choose_epoch") == "dev"
            return by | {"best_epoch": best_epoch}, tuning.trials(method)
        name, file = names[1:]
        epoch = int(re.sub(r"\D", "", file))
        if file.startswith("promoted"):
            return by, tuning.trials(method, epoch)
        setting = tuning.settings[method][name]
        settings, inputs = self._training(method)
        if "recipe" in settings:  # which epoch is the best does not change what a trial writes
            settings["recipe"] = without(settings["recipe"], "choose_epoch", "choose_by")
        settings |= {"values": setting.values, "seed": tuning.seed, "last_epoch": setting.epochs}
        rows = [f"subsets/{subset}.parquet" for subset in tuning.subsets]
        before, promoted = tuning.before(method, name, epoch)
        return settings, [*inputs, *rows, *before, *promoted]

    def _predictions(self, dataset: str, method: str, name: str) -> Made:
        if dataset == self.source and self.folds:
            return self._pooled_predictions(method, PurePosixPath(name).stem)
        run = f"runs/{method}/{PurePosixPath(name).stem}/run.json"
        if method in self.ensembles:
            each = f"predictions/{dataset}/{{method}}/seed{{seed}}.parquet"
            return {}, self.members(each, method)
        return self._predicting(method, dataset == self.source), [
            run,
            *self._texts_of(method, dataset, "test"),
        ]

    def _predicting(self, method: str, every_epoch: bool = False) -> Settings:
        """What decides predictions of a method; those of the source are of every epoch, unless said otherwise."""
        if method not in self.models:
            return {}
        kept = every_epoch and self.config["tested_epochs"] == "kept"
        return {"engine": self.config["engine"]} | ({"tested_epochs": "kept"} if kept else {})

    def _texts_of(self, method: str, dataset: str, split: str) -> list[str]:
        """What a method predicts a split from."""
        if method in self.models:
            return [self._tokens_of(dataset, split, method)]
        probe = method in self.probes
        return [f"data/{dataset}", *([self.embeddings_of(method, dataset, split)] if probe else [])]

    def _dev_predictions(self, method: str, name: str) -> Made:
        run = f"runs/{method}/{PurePosixPath(name).stem}/run.json"
        if method in self.ensembles:
            return {}, self.members("dev_predictions/{method}/seed{seed}.parquet", method)
        return self._predicting(method), [run, *self._texts_of(method, self.source, "dev")]

    def _temperatures(self, method: str, name: str) -> Made:
        return {}, [f"dev_predictions/{method}/{PurePosixPath(name).stem}.parquet"]

    def _pooled_predictions(self, method: str, run: str) -> Made:
        seed, _, repeat = run.partition("-")
        folds = [f for f in self.fold_subsets if f.startswith(f"{repeat or 'repeat1'}-")]
        return {}, [f"subset_predictions/{fold}/{method}/{seed}.parquet" for fold in folds]

    def _near_duplicates(self, name: str) -> Made:
        return {"within_train": True} if self.folds else {}, [
            f"data/{name.removesuffix('.parquet')}"
        ]

    def _subsets(self, name: str) -> Made:
        settings = self.subsets[name.removesuffix(".parquet")]
        inputs = [f"data/{self.source}"]
        if "within" in settings:
            inputs.append(f"subsets/{settings['within']}.parquet")
        if "folds" in settings:
            inputs.append(f"near_duplicates/{self.source}.parquet")
        return without(settings, "within"), inputs

    def _subset_runs(self, subset: str, method: str, seed: str, file: str) -> Made:
        settings, inputs = self._runs(method, seed, file)
        return settings, [*inputs, f"subsets/{subset}.parquet"]

    def _curve_predictions(self, rows: str, method: str, name: str) -> Made:
        seed = PurePosixPath(name).stem.removeprefix("seed")
        of = rows.removeprefix("rows"), method, seed
        if self.folds:
            folds = self.curve_members("subset_predictions", *of)
            return {}, [f"{fold}.parquet" for fold in folds]
        (run,) = self.curve_members("subset_runs", *of)
        settings, (_, *texts) = self._predictions(self.source, method, name)
        return settings, [f"{run}/run.json", *texts]

    def _subset_predictions(self, subset: str, method: str, name: str) -> Made:
        run = f"subset_runs/{subset}/{method}/{PurePosixPath(name).stem}/run.json"
        fold = self.fold_of(subset)
        inputs = [run, f"subsets/{fold}.parquet"] if fold else [run]
        inputs += self._texts_of(method, self.source, self.tested_split(self.source))
        return self._predicting(method, every_epoch=True), inputs

    def _export(self, model: str) -> Made:
        seed = self.first_seed_of(model)
        fitted = [f"temperatures/{model}/seed{seed}.json"] if self.has_dev else []
        tokens = self._tokens_of(self.source, "test", model)
        return {"seed": seed}, [f"runs/{model}/seed{seed}/run.json", tokens, *fitted]

    def _export_predictions(self, model: str, _: str) -> Made:
        run = f"runs/{model}/seed{self.first_seed_of(model)}/run.json"
        return {}, [f"export/{model}", run, self._tokens_of(self.source, "test", model)]

    def _export_speed(self, name: str) -> Made:
        return self._export_predictions(name.removesuffix(".json"), name)

    def _labelled(self, name: str) -> Made:
        block = self.config["label"][name.removesuffix(".csv")]
        text = block["text"] or self.config["datasets"][self.source]["text"]
        settings = block | identify(block, self.folder / "labelled" / name) | {"text": text}
        methods = self.labelling_methods(name.removesuffix(".csv"))
        runs = self.runs_of("runs/{method}/seed{seed}/run.json", methods)
        fitted = self.runs_of("temperatures/{method}/seed{seed}.json", methods)
        advice = ["results.json"] if block["method"] is None else []
        return settings, [*advice, *runs, *(fitted if self.has_dev else []), f"data/{self.source}"]

    def _tokens_of(self, dataset: str, split: str, model: str) -> str:
        return f"tokens/{dataset}/{split}/{model}.arrow"


def _whole(path: str) -> str:
    """The artifact of a path: all files of a run are one artifact, with one record."""
    parts = path.split("/")
    depth = {"runs": 3, "subset_runs": 4}.get(parts[0])
    return "/".join([*parts[:depth], "run.json"]) if depth else path


def _given(settings: Any) -> Any:
    """Remove what is null or empty from settings, at any depth.

    A key that a later version adds with such a default then changes no fingerprint.
    """
    if isinstance(settings, Mapping):
        kept = {key: _given(value) for key, value in settings.items()}
        return {key: value for key, value in kept.items() if value not in (None, {}, [])}
    return settings
