"""How often a test calls an ensemble different from an equally good method: python benchmarks/ensembles.py

Six methods draw random numbers, one of them is also averaged over its seeds, and another is exactly as good
as that average. The variance over seeds that the ensemble goes by is that of its runs, or the one pooled over
all methods.
"""

import argparse
from dataclasses import dataclass

import numpy as np

from finetone.baselines.ensemble import mean_probabilities
from finetone.comparison import paired
from finetone.comparison.scores import made_of

ROWS, METHODS, CONFIDENCE = 1000, 6, 0.95
MEAN, OF_ROWS, OF_METHOD, OF_RUN = 1.3, 1.5, 0.7, 0.6  # of margins: logit of the right class


@dataclass(frozen=True)
class Design:
    """How much the margins of the averaged method, and of all others, vary from seed to seed."""

    name: str
    averaged: float
    others: float
    seeds: int = 3


DESIGNS = [
    Design("all vary alike", 0.15, 0.15),
    Design("the averaged method varies ten times as much", 0.5, 0.05),
    Design("the averaged method varies a tenth as much", 0.05, 0.5),
]


def margins(
    random: np.random.Generator, mean: float, sd: float, seeds: int, rows: np.ndarray
) -> np.ndarray:
    """Margins [seeds, n] of the runs of one method."""
    own = rows + random.normal(0, OF_METHOD, len(rows))
    luck, noise = random.normal(0, sd, (seeds, 1)), random.normal(0, OF_RUN, (seeds, len(rows)))
    return mean + own + luck + noise


def average(runs: np.ndarray) -> np.ndarray:
    """Margin [1, n] of the mean of the runs' probabilities."""
    logits = mean_probabilities([np.stack([np.zeros_like(run), run], axis=1) for run in runs])
    return (logits[:, 1] - logits[:, 0])[None]


def accuracy(mean: float, design: Design, *, averaged: bool, draws: int = 400) -> float:
    """Expected accuracy of the averaged method, or of another one's runs."""
    random, found = np.random.default_rng(1), []
    for _ in range(draws):
        rows = random.normal(0, OF_ROWS, 2 * ROWS)
        sd = design.averaged if averaged else design.others
        runs = margins(random, mean, sd, design.seeds, rows)
        found.append(((average(runs) if averaged else runs) > 0).mean())
    return float(np.mean(found))


def equal_mean(design: Design) -> float:
    """Mean margin with which another method is as good as the average."""
    wanted, low, high = accuracy(MEAN, design, averaged=True), 0.5, 3.0
    for _ in range(12):
        middle = (low + high) / 2
        worse = accuracy(middle, design, averaged=False, draws=200) < wanted
        low, high = (middle, high) if worse else (low, middle)
    return (low + high) / 2


def false(design: Design, experiments: int, members: dict[str, str]) -> float:
    """Share of experiments in which the two differ significantly, taken alone."""
    random, equal, found = np.random.default_rng(0), equal_mean(design), 0
    for _ in range(experiments):
        rows = random.normal(0, OF_ROWS, ROWS)
        runs = {"averaged": margins(random, MEAN, design.averaged, design.seeds, rows)}
        for place in range(METHODS - 1):
            mean = MEAN if place else equal
            runs[f"other {place}"] = margins(random, mean, design.others, design.seeds, rows)
        runs["ensemble"] = average(runs["averaged"])
        blocks = {name: (each > 0).astype(float) for name, each in runs.items()}
        stochastic = np.ones(len(blocks), bool)
        scores = made_of("accuracy", blocks, np.ones(ROWS, int), stochastic, None, members)
        pairs = paired.compare(scores)
        found += pairs.p()[pairs.names.index(("other 0", "ensemble"))] < 1 - CONFIDENCE
    return found / experiments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=1500)
    experiments = parser.parse_args().experiments
    for design in DESIGNS:
        own = false(design, experiments, {"ensemble": "averaged"})
        pooled = false(design, experiments, {})
        print(f"{design.name}: {own:.1%} by the runs' variance, {pooled:.1%} by the pooled one")


if __name__ == "__main__":
    main()
