"""What is learned (`Recipe`) and how it is executed (`EngineOptions`); the config's two blocks."""

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from finetone.errors import UserError
from finetone.identity import without
from finetone.statistics.evaluation import ERRORS, SCORES


class _Block:
    key: ClassVar[str]  # in the config

    @classmethod
    def of(cls, block: dict[str, Any]) -> Self:
        """Build from a config block; missing keys take their defaults.

        Raises
        ------
        UserError
            A key is unknown, or a value is none of those allowed.
        """
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        for key in block:
            if key not in known:
                raise UserError(f"{cls.key}: unknown key {key!r}; known are {', '.join(known)}")
        return cls(**block)

    def require(self, name: str, *allowed: str) -> None:
        """Raise a UserError unless the setting `name` has one of the allowed values."""
        if (value := getattr(self, name)) not in allowed:
            hint = ' (quote "off" in YAML)' if "off" in allowed else ""
            raise UserError(
                f"{self.key}: {name} is {value!r}; it must be {' or '.join(allowed)}{hint}"
            )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Recipe(_Block):
    """The mathematics of one fine-tuning; keys and defaults are those of the config's `recipe:`."""

    key = "recipe"
    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 2e-5
    weight_decay: float = 0.01
    decay_bias_and_norm: bool = True
    schedule: str = "constant"
    warmup: float = 0.0
    clip_norm: float | None = None
    choose_epoch: str = "last"
    choose_by: str = "accuracy"  # the metric on the dev split; `compare: {metric: …}`
    class_weights: str | None = None
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        self.require("schedule", "constant", "linear")
        if self.class_weights is not None:
            self.require("class_weights", "balanced")
        if not 0 <= self.label_smoothing < 1:
            raise UserError(
                f"recipe: label_smoothing is {self.label_smoothing}; it must be in 0 … 1, without 1"
            )
        self.require("choose_epoch", "last", "dev")
        self.require("choose_by", *SCORES)
        if self.epochs < 1 or self.batch_size < 1:
            raise UserError(
                f"recipe: epochs {self.epochs} and batch_size {self.batch_size} must be at least 1"
            )

    def as_dict(self) -> dict[str, Any]:
        """All settings but those that earlier versions did not have, where they change nothing."""
        usual = Recipe.__dataclass_fields__
        later = ("choose_by", "class_weights", "label_smoothing")
        return without(
            super().as_dict(), *(key for key in later if getattr(self, key) == usual[key].default)
        )

    def best(self, dev_scores: Sequence[float]) -> int:
        """Number of the best epoch, of equal ones the first."""
        goodness = np.array(dev_scores) * (-1 if self.choose_by in ERRORS else 1)
        return 1 + int(np.argmax(np.where(np.isnan(goodness), -np.inf, goodness)))

    def steps(self, rows: int) -> int:
        """Optimizer steps of all epochs on so many rows; an epoch's last batch may be small."""
        return math.ceil(rows / self.batch_size) * self.epochs

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of step `step` (0 … steps-1): linear warm-up, then the schedule."""
        warm = math.ceil(self.warmup * steps)
        if step < warm:
            return self.learning_rate * step / warm
        if self.schedule == "linear":
            return self.learning_rate * (steps - step) / max(1, steps - warm)
        return self.learning_rate

    def decay(self, first: int, end: int, steps: int) -> float:
        """The factor by which weight decay alone shrinks a weight in steps `first` … `end` - 1."""
        rates = (self.rate(step, steps) for step in range(first, end))
        return math.prod(1 - rate * self.weight_decay for rate in rates)


def adamw(module: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019, betas 0.9/0.999, eps 1e-8) over the trainable parameters."""
    trainable = [p for p in module.parameters() if p.requires_grad]
    if recipe.decay_bias_and_norm:
        groups = [{"params": trainable, "weight_decay": recipe.weight_decay}]
    else:  # biases and norms are the vectors among the parameters
        groups = [
            {"params": [p for p in trainable if p.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
        ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)


def save_every() -> float:
    """Seconds of training that a killed run repeats at most: FINETONE_SAVE_EVERY, or 120.

    It depends on how often the machine is interrupted, not on the experiment, so it is part of the
    environment and of no record.

    Raises
    ------
    UserError
        The variable is set to anything but a number ≥ 0.
    """
    text = os.environ.get("FINETONE_SAVE_EVERY", "120")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise UserError(
            f"FINETONE_SAVE_EVERY is {text!r}; set it to a number of seconds or unset it"
        )
    return seconds


@dataclass(frozen=True)
class EngineOptions(_Block):
    """How the same mathematics is executed. The config's `engine:` block."""

    key = "engine"
    padding_free: str = "auto"
    precision: str = "auto"
    compile: str = "auto"
    save_every: float = field(default_factory=save_every)  # seconds

    def __post_init__(self) -> None:
        self.require("padding_free", "auto", "off")
        self.require("precision", "auto", "fp32", "bf16")
        self.require("compile", "auto", "off")

    def as_dict(self) -> dict[str, Any]:
        """The config's keys alone."""
        return {key: value for key, value in super().as_dict().items() if key != "save_every"}
