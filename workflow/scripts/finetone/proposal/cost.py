"""How long trainings will take: the work of a model, and a machine's rates of working.

An encoder's layer of width h multiplies each token with 12 h² weights, forwards two operations each,
and lets it attend to the others of its text. Backward takes twice as much. Vocabularies are looked up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

BUSY = 0.8  # share of the time with a processor, below which others were at work
BACKWARD = 3  # a training step to a forward pass
LAST = 0.75  # of the last layer that the engine leaves out: it finishes one token of each text


@dataclass(frozen=True)
class Shape:
    """What decides the work of a model: layers and their width."""

    layers: int
    hidden: int

    def flops(self, lengths: np.ndarray) -> float:
        """Operations of one forward pass of texts of these lengths (tokens), int64 [n]."""
        tokens, pairs = float(lengths.sum()), float((lengths.astype(np.float64) ** 2).sum())
        per_layer = 24 * self.hidden**2 * tokens + 4 * self.hidden * pairs
        return (self.layers - LAST) * per_layer


@dataclass(frozen=True)
class Rates:
    """Operations per second by width of the layers: of training and of prediction."""

    train: Mapping[int, float]
    predict: Mapping[int, float]

    def of(self, task: str, hidden: int) -> float:
        """The rate at a width, between or beyond those that were measured."""
        rates: Mapping[int, float] = getattr(self, task)
        widths = sorted(rates)
        return float(np.interp(np.log(hidden), np.log(widths), [rates[width] for width in widths]))


@dataclass(frozen=True)
class Machine:
    """What was measured on, and how fast all of it is when nothing else is at work.

    `share` is that of the time in which it had a processor.
    """

    device: str
    rates: Rates
    share: float = 1.0

    @property
    def busy(self) -> bool:
        """Whether other programs were at work."""
        return self.share < BUSY


@dataclass(frozen=True)
class Work:
    """What an experiment asks of every model.

    Attributes
    ----------
    lengths
        Tokens of texts like those of the table, cut to the longest allowed, int64 [n].
    trained, predicted
        Texts of a run that are learned from in each epoch, and predicted after it.
    epochs
        Of a run.
    runs
        Trainings of a model.
    """

    lengths: np.ndarray
    trained: int
    predicted: int
    epochs: int
    runs: int


# Beside the computing: what starting Python and its libraries takes, writing tables and pictures.
# Estimates, fitted to one run of the demo of nine minutes on two cores, divided by the cores that share it.
PER_RUN = (
    25.0  # core-seconds of two jobs that import torch and transformers, and of loading and saving
)
PER_MODEL = 120.0  # the download, tokens, pictures, and all rounds of timing
FIXED = 240.0  # data, tables, figures, page and methods without pretraining


def seconds(shape: Shape, work: Work, rates: Rates) -> float:
    """Seconds of all runs of a model, without what all experiments take."""
    each = shape.flops(work.lengths) / len(work.lengths)  # operations per text, forward
    train = BACKWARD * work.trained * each / rates.of("train", shape.hidden)
    predict = work.predicted * each / rates.of("predict", shape.hidden)
    return work.runs * work.epochs * (train + predict)


def overhead(models: int, runs: int, cores: int) -> float:
    """Seconds of everything else, of so many runs of all models on so many cores."""
    return (FIXED + PER_MODEL * models + PER_RUN * runs) / max(1, min(cores, 4))


def shape_of(config: Mapping[str, Any]) -> Shape | None:
    """The shape that a model's config.json states; None where it names none."""
    names = (
        ("num_hidden_layers", "n_layer", "n_layers"),
        ("hidden_size", "d_model", "n_embd", "dim"),
    )
    layers, hidden = (next((config[n] for n in known if n in config), None) for known in names)
    return Shape(int(layers), int(hidden)) if layers and hidden else None


def minutes(seconds: float) -> str:
    """A time as one says it."""
    if seconds < 90:
        return f"{max(1, round(seconds, -1) if seconds >= 20 else round(seconds)):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
