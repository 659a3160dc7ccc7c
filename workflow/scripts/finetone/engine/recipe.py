"""What is learned (`Recipe`) and how it is executed (`EngineOptions`); the config's two blocks."""

import math
import os
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from finetone.errors import UserError


class _Block:
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
                raise UserError(
                    f"{cls.__name__.lower()}: unknown key {key!r}; known are {', '.join(known)}"
                )
        return cls(**block)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Recipe(_Block):
    """The mathematics of one fine-tuning. Keys, meanings and defaults are the config's `recipe:`."""

    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 2e-5
    weight_decay: float = 0.01
    decay_bias_and_norm: bool = True
    schedule: str = "constant"
    warmup: float = 0.0
    clip_norm: float | None = None
    choose_epoch: str = "last"

    def __post_init__(self) -> None:
        if self.schedule not in ("constant", "linear"):
            raise UserError(f"recipe: schedule is {self.schedule!r}; it must be constant or linear")
        if self.choose_epoch not in ("last", "dev"):
            raise UserError(
                f"recipe: choose_epoch is {self.choose_epoch!r}; it must be last or dev"
            )
        if self.epochs < 1 or self.batch_size < 1:
            raise UserError(
                f"recipe: epochs {self.epochs} and batch_size {self.batch_size} must be at least 1"
            )

    def steps(self, rows: int) -> int:
        """Optimizer steps of the whole training on so many rows; an epoch's last batch may be small."""
        return math.ceil(rows / self.batch_size) * self.epochs

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of optimizer step `step` (0 … steps-1): linear warm-up, then the schedule."""
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

    padding_free: str = "auto"
    precision: str = "auto"
    compile: str = "auto"
    save_every: float = field(default_factory=save_every)  # seconds

    def __post_init__(self) -> None:
        for name, allowed in (
            ("padding_free", ("auto", "off")),
            ("precision", ("auto", "fp32", "bf16")),
            ("compile", ("auto", "off")),
        ):
            if getattr(self, name) not in allowed:
                raise UserError(
                    f"engine: {name} is {getattr(self, name)!r}; it must be one of "
                    f'{", ".join(allowed)} (quote "off" in YAML)'
                )

    def as_dict(self) -> dict[str, Any]:
        """The config's keys alone."""
        return {key: value for key, value in super().as_dict().items() if key != "save_every"}
