"""The stages of gpu.py: what each measures, one thing after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stage:
    """A module of this package, and the seconds it may take."""

    module: str
    seconds: float
    measures: str


STAGES = {
    "a": Stage("equality", 90, "every architecture, shrunken: unpadded against padded"),
    "b": Stage("beside_trainer", 150, "full width: the engine beside the Trainer; where time goes"),
    "c": Stage("levers", 120, "what compiling, CUDA graphs, optimizers and larger batches bring"),
    "d": Stage("rates", 90, "the fifteen models: rates, and the whole experiment at these rates"),
    "e": Stage("imdb", 120, "all of IMDB, for real"),
}


@dataclass(frozen=True)
class Setting:
    """What a stage is told."""

    device: str
    tiny: bool  # shrunken models, invented texts: to see that everything runs
    inputs: Path  # what gpu_inputs.py made
    seconds: float  # for one item
    threads: int
    say: Callable[[dict[str, Any]], None] = (
        print  # for a row that shall not wait for the item's end
    )
