"""Timings in rounds, made up."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from finetone.formats import rounds
from finetone.formats.rounds import Rounds, Timed, TimedMethod

ROWS, NUMBER = 64, 9


def timed(seconds: float, share: float = 1.0) -> Timed:
    """The same time in every round, but that the machine was slower in some, for all methods."""
    return Timed(seconds * np.linspace(0.9, 1.1, NUMBER), np.full(NUMBER, share))


def write_rounds(
    path: Path, methods: Mapping[str, tuple[float | None, float]], share: float = 1.0
) -> Path:
    """speed/rounds.json of methods: seconds to train on 32 texts (or None), to predict one."""
    found = {}
    for name, (training, prediction) in methods.items():
        tasks = {"predict": timed(ROWS * prediction, share)}
        if training is None:
            found[name] = TimedMethod(tasks)
        else:
            tasks["train"] = timed(ROWS / 32 * training, share)
            found[name] = TimedMethod(tasks, np.full(NUMBER, 20 * ROWS), 32, "fp32")
    rounds.write(path, Rounds(found, ROWS, "cpu", "some CPU", 1))
    return path
