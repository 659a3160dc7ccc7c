"""What each job needs, in memory and time, from parameters, rows and lengths.

Estimates that hold before anything is there, and get better as it comes: the facts of a model are
those of its prepared folder, of the catalogue or of its own `config.json`, else those of a base
model; rows and tokens are counted where data and tokens are there. They are meant to be enough, not
to be close. `resources:` of the configuration replaces them.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from finetone.config import catalogue
from finetone.engine.hardware import footprint
from finetone.engine.hardware.footprint import Size
from finetone.experiment.names import Names
from finetone.proposal.cost import BACKWARD, Shape, shape_of
from finetone.scheduling.nodes import Nodes

BASE_MODEL = Size(parameters=110_000_000, layers=12, hidden=768)  # one of which nothing is known
ROWS = 25_000  # of a split of which nothing is known
QUESTIONS, QUESTION_LENGTH = 90_000, 384  # SQuAD 1.1, in windows

# Bytes. Fitted to be above every peak of benchmarks/memory.py (docs/performance.md, Memory).
LIBRARIES = 700 << 20  # torch, transformers and kernels that are kept
LIGHT = 400 << 20  # pandas and scikit-learn
SNAKEMAKE = 400 << 20  # two of its processes within a job of a cluster (330 MB measured)
ON_GPU = 2 << 30  # of the machine's memory, for CUDA: an allowance, not measured
ACTIVATIONS = 3  # times the least that backward needs (footprint.PER_ACTIVATION)
PREDICTED = 40 * (1 << 13)  # per unit of width: a batch of predictions on a CPU
PER_WEIGHT = 8  # per parameter of a model that only predicts: its file, and the weights
EXPORTED = 48  # per parameter of a model on its way into ONNX
PER_ROW = {"fit_baseline": 240_000, "predict_baseline": 160_000, "tokenize": 160_000}
PER_ROW |= {"train_network": 240_000}  # of a movie review of 230 words

# Operations per second that may be expected: half of what a thread of ours without bf16 makes of a
# matrix, and a fraction of what the GPUs of the last ten years do.
PER_THREAD, PER_GPU = 2.5e10, 2e12
# Seconds. Starting Python on a node, from a file system that is shared; then of each row.
START = 120
SECONDS = {"fit_baseline": 0.15, "predict_baseline": 0.075, "tokenize": 0.05}
PER_EPOCH = 0.1  # of each row of 512 tokens, in a small network
ROUNDS, LOADING = 18, 10  # of the timing at most, and seconds to load a model in each
LABELLING = 4 * 3600  # a table of any length; what is labelled is kept

# What one job does one after the other: `groups` of profiles/slurm.
AS_MODEL = ("finetune", "evaluate", "transfer")
AS_BASELINE = ("fit_baseline", "train_network", "predict_baseline", "embed")
TOKENIZED_TOGETHER = 3
WITH_GPU = (*AS_MODEL, "intermediate", "train_network", "embed")

NAMES = ("model", "method", "dataset", "split")  # wildcards that an estimate depends on
Wildcards = Any  # with `get(name)`, as a mapping and Snakemake's own have it


class Sizes:
    """What the jobs of an experiment need.

    Attributes
    ----------
    nodes
        What jobs may have at most; None while that is unknown, and on one machine.
    running
        Whether jobs run, so that files appear. Until then what was found once is found again.
    """

    def __init__(self, experiment: Names) -> None:
        self._experiment, self._config = experiment, experiment.config
        self.nodes = Nodes.told()
        self.running = False
        self._found: dict[tuple[Any, ...], float] = {}

    def _once(
        self, estimate: Callable[[str, Wildcards], float], step: str, wildcards: Wildcards
    ) -> float:
        """An estimate, made once for all seeds of a method until jobs run."""
        key = (estimate.__name__, step, *map(wildcards.get, NAMES))
        if self.running or key not in self._found:
            self._found[key] = estimate(step, wildcards)
        return self._found[key]

    def mem_mb(self, step: str, wildcards: Wildcards, attempt: int = 1) -> int:
        """Memory to request, in MB: more at each attempt, and never more than a node has.

        Parameters
        ----------
        step
            A key of `resources:`.
        wildcards
            Which job it is: its model, method, dataset and split.
        attempt
            1 is the first.
        """
        given = self._given(step, "mem_mb")
        gpus = self.gpus(step, wildcards)
        needed = given or math.ceil(self._once(self._bytes, step, wildcards) / 1e6)
        most = self.nodes.memory_mb(gpus) if self.nodes else math.inf
        return int(min(needed * attempt, most))

    def runtime(self, step: str, wildcards: Wildcards, attempt: int = 1) -> int:
        """Minutes to request: more at each attempt; all steps of a job together within the limit."""
        own = self._minutes(step, wildcards)
        most = math.inf
        if self.nodes and self.nodes.minutes < math.inf:
            whole = sum(self._minutes(*each) for each in self._together(step, wildcards))
            most = max(1, math.floor(self.nodes.minutes * own / max(own, whole)))
        return int(min(own * attempt, most))

    def gpus(self, step: str, wildcards: Wildcards = MappingProxyType({})) -> int:
        """GPUs to request: one for what computes with tensors, none where no node has one."""
        networks = self._experiment.networks
        if step == "predict_baseline" and wildcards.get("method") in networks:
            step = "train_network"
        wanted = step in WITH_GPU
        if step in ("speed", "label_texts"):
            wanted = bool(self._experiment.models or networks)
        given = self._given(step, "gpu")
        gpus = int(wanted) if given is None else given
        return gpus if self.nodes is None else min(gpus, self.nodes.gpus)

    def threads(self, step: str, wanted: int) -> int:
        """Threads to request: at most those of a node."""
        threads: int = self._given(step, "threads") or wanted
        return threads if self.nodes is None else min(threads, self.nodes.threads)

    def refuse(self) -> None:
        """Check what is known before anything is there against the nodes.

        Raises
        ------
        UserError
            `resources:` asks for more than any node gives, or a model does not fit into one.
        """
        assert self.nodes is not None
        for step, amounts in self._config.get("resources", {}).items():
            for key, amount in amounts.items():
                self.nodes.refuse(f"resources.{step}.{key}", key, amount)
        if self.gpus("finetune", {}):
            return  # they are trained in the memory of GPUs, which Slurm does not tell
        for model in self._experiment.models:
            if size := self._known(model):
                memory = self.nodes.memory_mb(0) * 10**6 - LIBRARIES - SNAKEMAKE
                where = f"the largest node of {self.nodes.place}, beside Python,"
                footprint.refuse_large(model, size, 1, memory, where)

    def _given(self, step: str, key: str) -> int | None:
        amount: int | None = self._config.get("resources", {}).get(step, {}).get(key)
        return amount

    def _minutes(self, step: str, wildcards: Wildcards) -> int:
        given = self._given(step, "runtime")
        return given or math.ceil((START + self._once(self._seconds, step, wildcards)) / 60)

    def _together(self, step: str, wildcards: Wildcards) -> Iterator[tuple[str, Wildcards]]:
        """All steps that one job may do with this one, as arguments of `_minutes`."""
        exp, here = (
            self._experiment,
            {"model": wildcards.get("model"), "method": wildcards.get("method")},
        )
        if step == "tokenize":
            yield from [(step, wildcards)] * TOKENIZED_TOGETHER
        elif step in AS_MODEL:
            yield "finetune", here
            yield "evaluate", here
            dev = [exp.source] if exp.has_dev else []
            for dataset in [*self._config["transfer"], *dev]:
                yield "transfer", here | {"dataset": dataset}
        elif step in AS_BASELINE:
            method = here["method"]
            if step == "embed" or method in exp.probes:
                here["model"] = here["model"] or exp.probes[method]["model"]
                for dataset, split in [
                    (exp.source, "train"),
                    *((d, "test") for d in [*exp.datasets, exp.source]),
                ]:
                    yield "embed", here | {"dataset": dataset, "split": split}
            yield "train_network" if method in exp.networks else "fit_baseline", here
            for dataset in [*exp.datasets, *([exp.source] if exp.has_dev else [])]:
                yield "predict_baseline", here | {"dataset": dataset}
        else:
            yield step, wildcards

    def _bytes(self, step: str, wildcards: Wildcards) -> float:
        """Memory of one step, the processes of Snakemake within its job included."""
        model = wildcards.get("model")
        cuda = ON_GPU if self.gpus(step, wildcards) else 0
        if step in ("finetune", "speed", "intermediate"):
            models = [model] if model else self._experiment.models
            needs: Iterator[float] = (self._training_bytes(name, step) for name in models)
            return SNAKEMAKE + LIBRARIES + cuda + max(needs, default=0)
        if step in ("evaluate", "transfer", "embed", "label_texts"):
            models = [model] if model else self._experiment.models
            sizes = map(self.size, models)
            needs = (PER_WEIGHT * size.parameters + PREDICTED * size.hidden for size in sizes)
            return SNAKEMAKE + LIBRARIES + cuda + max(needs, default=0)
        if step == "export_onnx":
            return SNAKEMAKE + LIBRARIES + EXPORTED * self.size(model).parameters
        libraries = LIGHT if step == "fit_baseline" else LIBRARIES
        rows = self.rows(*self._texts_of(step, wildcards))
        return SNAKEMAKE + libraries + cuda + PER_ROW[step] * rows

    def _training_bytes(self, model: str, step: str) -> float:
        """Of a training, weights and a batch of the longest texts."""
        size = self.size(model)
        batch, length = self._largest(model, "batch_size"), self._config["max_length"]
        if step == "intermediate":
            length = self._config["models"][model]["intermediate"].get(
                "max_length", QUESTION_LENGTH
            )
        weights = size.bytes(0)
        return weights + ACTIVATIONS * (size.bytes(batch * length) - weights)

    def _seconds(self, step: str, wildcards: Wildcards) -> float:
        """Time of one step, beside what every job takes to start."""
        exp, config, model = self._experiment, self._config, wildcards.get("model")
        rate = self._rate(step, wildcards)
        if step == "finetune":
            steps = self._largest(model, "epochs") * BACKWARD
            return steps * self._forward(model, exp.source, "train") / rate
        if step == "intermediate":
            block = config["models"][model]["intermediate"]
            each = self._shape(model).flops(np.array([block.get("max_length", QUESTION_LENGTH)]))
            return int(block.get("epochs", 2)) * BACKWARD * QUESTIONS * each / rate
        if step in ("evaluate", "transfer", "embed", "export_onnx"):
            dataset, split = self._texts_of(step, wildcards)
            epochs = self._largest(model, "epochs") if step == "evaluate" else 1
            return epochs * self._forward(model, dataset, split) / rate
        if step == "speed":
            return ROUNDS * sum(
                LOADING + 2 * max(1.0, 4 / 3 * self._step(name) / rate) for name in exp.models
            ) + ROUNDS * len(exp.baselines)
        if step == "label_texts":
            return LABELLING
        rows = self.rows(*self._texts_of(step, wildcards))
        if step == "train_network":
            epochs = config["baselines"][wildcards.get("method")].get("epochs", 3)
            return float(PER_EPOCH * epochs * rows * config["max_length"] / 512)
        return SECONDS[step] * rows

    def _rate(self, step: str, wildcards: Wildcards) -> float:
        """Operations per second of a job."""
        return PER_GPU if self.gpus(step, wildcards) else PER_THREAD * self.threads(step, 4)

    def _step(self, model: str) -> float:
        """Operations of a training step with the longest texts."""
        lengths = np.array([self._config["max_length"]])
        return BACKWARD * self._largest(model, "batch_size") * self._shape(model).flops(lengths)

    def _forward(self, model: str, dataset: str, split: str) -> float:
        """Operations to read a split once."""
        rows, longest = self.rows(dataset, split), self._config["max_length"]
        file = self._experiment.folder / "tokens" / dataset / split / f"{model}.arrow"
        try:  # four bytes for each token
            length = min(longest, max(1, round(file.stat().st_size / 4 / max(1, rows))))
        except OSError:
            length = longest
        return rows * self._shape(model).flops(np.array([length]))

    def _texts_of(self, step: str, wildcards: Wildcards) -> tuple[str, str]:
        """Dataset and split that a step reads."""
        exp = self._experiment
        dataset = wildcards.get("dataset") or exp.source
        learning = step in ("fit_baseline", "train_network", "tokenize")
        split = wildcards.get("split") or ("train" if learning else exp.tested_split(dataset))
        return dataset, split

    def rows(self, dataset: str, split: str) -> int:
        """Rows of a split: those that there are, else those that the configuration states."""
        manifest = _json(self._experiment.folder / "data" / dataset / "manifest.json")
        if counted := manifest.get("rows", {}).get(split):
            return int(sum(counted.values()))
        block = self._config["datasets"][dataset]
        for stated in (block.get("sample", {}).get(split), block.get("split", {}).get(split)):
            if stated is not None:
                return int(stated) if stated > 1 else math.ceil(stated * ROWS)
        return ROWS

    def size(self, model: str) -> Size:
        """Parameters, layers and width of a model; those of a base model if nothing is known."""
        return self._known(model) or BASE_MODEL

    def _known(self, model: str) -> Size | None:
        folder = self._experiment.folder / "models" / model
        if "parameters" in (manifest := _json(folder / "manifest.json")):
            shape = shape_of(_json(folder / "config.json"))
            layers, hidden = (shape.layers, shape.hidden) if shape else (12, 768)
            return Size(int(manifest["parameters"]["total"]), layers, hidden)
        return self._stated.get(model)

    @cached_property
    def _stated(self) -> dict[str, Size]:
        """Of models that the catalogue knows, or that are like one that it knows."""
        found: dict[str, Size] = {}
        blocks: Mapping[str, Any] = self._config["models"]
        for model, block in blocks.items():
            entry = catalogue.load().get(model)
            if entry and entry.block.get("hub") == block.get("hub") and "hub" in block:
                found[model] = footprint.size_of(entry)
        for model, block in blocks.items():
            like = block.get("scratch", {}).get("like") or block.get("intermediate", {}).get("from")
            if like in found and not block.get("scratch", {}).get("config"):
                found[model] = found[like]
        return found

    def _shape(self, model: str) -> Shape:
        size = self.size(model)
        return Shape(size.layers, size.hidden)

    def _largest(self, model: str, key: str) -> int:
        """The largest value of a key of a model's recipe, among those that are tried."""
        tried = self._experiment.tuning.settings.get(model, {}).values()
        values = [setting.values.get(key, 0) for setting in tried]
        return int(max([self._experiment.recipes[model][key], *values]))


def _json(file: Path) -> dict[str, Any]:
    """The content of a file that may not be there yet, or not be complete."""
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return content
    except (OSError, ValueError):
        return {}
