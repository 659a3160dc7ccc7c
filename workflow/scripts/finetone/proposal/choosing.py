"""How many models, seeds and rows fit into the time, and the recipe they are trained by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from finetone.proposal import cost
from finetone.proposal.candidates import MOST, Candidate
from finetone.proposal.cost import Work
from finetone.proposal.splitting import Splitting
from finetone.proposal.throughput import Machine, measure

SEEDS = (3, 2, 1)
STEPS = 150  # optimizer steps below which a training has hardly begun
EPOCHS, MOST_EPOCHS = 3, 5
FEW, SOME = 1_000, 10_000  # rows; the fewer, the smaller the batches
LEAST_ROWS = 500  # to learn from, however short the time
FEWER_TEST = 2_000  # rows to test on, where not all are learned from
RATE, HIGHER_RATE = 3e-5, 1e-4  # of base models, and of smaller ones


@dataclass(frozen=True)
class Choice:
    """What is to be run.

    Attributes
    ----------
    models
        With the seconds of all runs of each.
    seeds
        Of every model.
    recipe
        Keys as the configuration has them.
    overhead
        Seconds beside the models' own.
    sample
        {split: rows}, where there are more than fit into the time.
    in_time
        Whether all of it takes no longer than asked for.
    """

    models: list[tuple[Candidate, float]]
    seeds: int
    recipe: dict[str, Any]
    machine: Machine
    overhead: float
    sample: dict[str, int] = field(default_factory=dict)
    in_time: bool = True

    @property
    def total(self) -> float:
        """Seconds in all."""
        return self.overhead + sum(seconds for _, seconds in self.models)


def choose(
    models: Sequence[Candidate],
    lengths: np.ndarray,
    split: Splitting,
    minutes: float,
    cores: int,
    fixed: bool,
) -> Choice:
    """Choose models, seeds and rows.

    Parameters
    ----------
    models
        In the order they are worth trying.
    lengths
        Tokens of texts like those of the table, int64 [n].
    split
        How many rows there are.
    minutes
        That all of it may take.
    cores
        Of this machine.
    fixed
        Whether all `models` are wanted.
    """
    epochs, batch_size = schedule(split.trained)
    here = measure(lengths, batch_size, cores)
    tested = split.rows.get("test", split.rows["train"] - split.trained)
    folds = split.split.get("folds", 1)

    def plan(rows: int, test: int, seeds: int, wanted: Sequence[Candidate]) -> Choice:
        work = Work(lengths, rows, test + split.rows.get("dev", 0), epochs, seeds * folds)
        timed = [(model, cost.seconds(model.shape, work, here.rates)) for model in wanted]
        rest = cost.overhead(len(wanted), len(wanted) * seeds * folds, cores)
        recipe = _recipe(wanted, epochs, batch_size, "dev" in split.rows)
        return Choice(timed, seeds, recipe, here, rest)

    def most(rows: int, test: int, seeds: int) -> Choice:
        """With as many models as fit."""
        chosen: list[Candidate] = []
        for model in models:
            if fixed or plan(rows, test, seeds, [*chosen, model]).total <= 60 * minutes:
                chosen.append(model)
        return plan(rows, test, seeds, chosen if fixed else chosen[:MOST])

    rows = split.trained
    plans = [each for seeds in SEEDS if (each := most(rows, tested, seeds)).models]
    plans = [each for each in plans if each.total <= 60 * minutes]
    if plans:  # two seeds to compare by, then two models, then more seeds, then more models
        return max(plans, key=_worth)
    wanted = list(models) if fixed else [min(models, key=lambda m: m.shape.flops(lengths))]
    test = min(tested, FEWER_TEST)
    share = _share(lambda rows: plan(rows, test, 2, wanted).total, rows, 60 * minutes)
    fewer = max(min(LEAST_ROWS, rows), _round(rows * share))
    best = plan(fewer, test, 2, wanted)
    sample = {"train": fewer} if fewer < rows else {}
    sample |= {"test": test} if test < tested and "test" in split.rows else {}
    return Choice(
        best.models, 2, best.recipe, here, best.overhead, sample, best.total <= 60 * minutes
    )


def schedule(rows: int) -> tuple[int, int]:
    """Epochs, and texts of a batch, for so many rows to learn from."""
    batch_size = 8 if rows < FEW else 16 if rows < SOME else 32
    epochs = math.ceil(STEPS * batch_size / max(1, rows))
    return min(max(EPOCHS, epochs), MOST_EPOCHS), batch_size


def _recipe(models: Sequence[Candidate], epochs: int, batch_size: int, dev: bool) -> dict[str, Any]:
    recipe: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": HIGHER_RATE if all(model.small for model in models) else RATE,
        "schedule": "linear",
        "warmup": 0.1,
        "clip_norm": 1.0,
    }
    return recipe | ({"choose_epoch": "dev"} if dev else {})


def _worth(plan: Choice) -> tuple[bool, int, int, int]:
    models = len(plan.models)
    return plan.seeds >= 2, min(models, 2), plan.seeds, models


def _share(total: Any, rows: int, seconds: float) -> float:
    """The share of the rows with which `total(rows)`, which grows evenly, takes so many seconds."""
    least, most = total(0), total(rows)
    return min(1.0, max(0.0, (seconds - least) / (most - least)))


def _round(rows: float) -> int:
    """Rows in two digits."""
    return int(float(f"{rows:.2g}"))
