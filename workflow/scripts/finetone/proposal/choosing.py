"""How many models, seeds and rows fit into the time, and the recipe they are trained by."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from finetone.identity import without
from finetone.proposal import cost
from finetone.proposal.candidates import MOST, Candidate
from finetone.proposal.cost import Machine, Work
from finetone.proposal.looking.splitting import Splitting

SEEDS = (3, 2, 1)
STEPS = 150  # optimizer steps below which a training has hardly begun
EPOCHS, MOST_EPOCHS = 3, 5
FEW, SOME = 1_000, 10_000  # rows; the fewer, the smaller the batches
LEAST_ROWS = 500  # to learn from, however short the time
FEWER_TEST, FEWER_DEV = 2_000, 500  # rows to test on, where not all are learned from
TWO_MODELS = 2_000  # rows to learn from, with which two models say more than one with more
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


@dataclass(frozen=True)
class Planner:
    """Says what choices cost.

    Attributes
    ----------
    lengths
        Tokens of texts like those of the table, int64 [n].
    split
        How many rows there are.
    minutes
        That all of it may take.
    cores
        Of this machine.
    machine
        How fast it is.
    """

    lengths: np.ndarray
    split: Splitting
    minutes: float
    cores: int
    machine: Machine

    def plan(
        self, models: Sequence[Candidate], seeds: int, sample: Mapping[str, int] | None = None
    ) -> Choice:
        """All models with so many seeds, on all rows or on a sample of them."""
        sample = sample or {}
        rows = {"train": self.split.trained, **without(self.split.rows, "train"), **sample}
        predicted = sum(rows.values()) - rows["train"]
        folds = self.split.split.get("folds", 1)
        if folds > 1:
            predicted = self.split.rows["train"] - self.split.trained
        epochs, batch_size = schedule(rows["train"])
        work = Work(self.lengths, rows["train"], predicted, epochs, seeds * folds)
        timed = [(model, cost.seconds(model.shape, work, self.machine.rates)) for model in models]
        rest = cost.overhead(len(models), len(models) * seeds * folds, self.cores)
        recipe = _recipe(models, epochs, batch_size, "dev" in rows)
        choice = Choice(timed, seeds, recipe, self.machine, rest, dict(sample))
        return replace(choice, in_time=choice.total <= 60 * self.minutes)

    def all_rows(self, models: Sequence[Candidate], fixed: bool) -> Choice | None:
        """The best choice that uses all rows; None if none is in time."""
        plans = []
        for seeds in SEEDS:
            chosen = list(models) if fixed else []
            for model in models if not fixed else ():
                if len(chosen) < MOST and self.plan([*chosen, model], seeds).in_time:
                    chosen.append(model)
            plans += [self.plan(chosen, seeds)] if chosen else []
        return max((plan for plan in plans if plan.in_time), key=_worth, default=None)

    def some_rows(self, models: Sequence[Candidate], fixed: bool) -> Choice:
        """The choice that uses as many rows as there is time for, and two seeds."""
        by_work = sorted(models, key=lambda model: model.shape.flops(self.lengths))
        fewer = {"test": FEWER_TEST, "dev": FEWER_DEV}
        given = self.split.rows
        sample = {name: n for name, n in fewer.items() if n < given.get(name, 0)}
        choices = []
        for wanted in [list(models)] if fixed else [by_work[:2], by_work[:1]]:
            size = self.split.trained
            while not self.plan(wanted, 2, {**sample, "train": size}).in_time and size > LEAST_ROWS:
                size = max(LEAST_ROWS, _round_down(0.9 * size))
            if size < self.split.trained:
                sample = {**sample, "train": size}
            choices.append(self.plan(wanted, 2, sample))
            if choices[-1].in_time and size >= TWO_MODELS:
                break
        return choices[-1]


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
    lengths, split, minutes, cores
        As a `Planner` has them.
    fixed
        Whether all `models` are wanted.
    """
    from finetone.proposal import throughput  # imports torch, which takes a while

    here = throughput.measure(lengths, schedule(split.trained)[1], cores)
    planner = Planner(lengths, split, minutes, cores, here)
    return planner.all_rows(models, fixed) or planner.some_rows(models, fixed)


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
    """Two seeds to compare by come first, then two models, then more seeds, then more models."""
    models = len(plan.models)
    return plan.seeds >= 2, min(models, 2), plan.seeds, models


def _round_down(rows: float) -> int:
    """Rows in two digits."""
    digits = 10 ** max(0, math.floor(math.log10(max(1.0, rows))) - 1)
    return int(rows // digits * digits)
