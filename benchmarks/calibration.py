"""How often is the interval of the calibration error wrong? Simulated runs of known calibration.

    python benchmarks/calibration.py                     # the table of docs/statistics.md (minutes)
    python benchmarks/calibration.py --experiments 100   # quicker and rougher

A prediction's log-odds are drawn, and its chance to be right is that of the log-odds times `slope`: 1
for a calibrated model, less for one that is too sure. With several seeds, each has a slope of its own
and sees the texts a little differently. Written as prediction files, read by the code of the table.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from finetone.formats import predictions
from finetone.statistics.metrics import equal_mass
from finetone.tables.probabilities import calibration_table

# how sure a model is: mean and standard deviation of its log-odds
SURE = {"unsure": (0.0, 0.6), "medium": (1.5, 1.5), "sure": (5.0, 2.0)}
LARGE = 400_000  # rows that the true error is computed from


@dataclass(frozen=True)
class Design:
    """`seeds` runs on `rows` rows, whose `slope` varies with standard deviation `sd` over seeds."""

    sure: str
    slope: float
    rows: int
    seeds: int = 1
    sd: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.sure}, slope {self.slope}, {self.rows} rows, {self.seeds} seeds, sd {self.sd}"
        )

    def true_error(self) -> float:
        """Mean over seeds of the error that a run has on very many rows."""
        random = np.random.default_rng(0)
        odds = np.abs(random.normal(*SURE[self.sure], LARGE))
        starts, order = equal_mass(_chance(odds))
        slopes = self.slope + self.sd * np.linspace(-2.5, 2.5, 41) * (self.sd > 0)
        weight = np.exp(-(np.linspace(-2.5, 2.5, 41) ** 2) / 2)
        found = [
            np.abs(np.add.reduceat((_chance(slope * odds) - _chance(odds))[order], starts)).sum()
            for slope in slopes
        ]
        return float(np.average(found, weights=weight)) / LARGE


def _chance(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))


def write_experiment(design: Design, folder: Path, random: np.random.Generator) -> list[Path]:
    """Prediction files of one experiment with one method."""
    label = np.arange(design.rows) % 2
    common = random.normal(0, 1, design.rows)
    luck = random.random(design.rows)  # the same for all seeds: hard texts are hard for each
    mean, spread = SURE[design.sure]
    paths = []
    for seed in range(design.seeds):
        own = random.normal(0, 1, design.rows)
        part = np.sqrt(0.9) * common + np.sqrt(0.1) * own if design.seeds > 1 else common
        odds = np.abs(mean + spread * part)
        slope = design.slope + random.normal(0, design.sd)
        right = luck < _chance(slope * odds)
        logits = np.where(right[:, None] == (label[:, None] == [0, 1]), odds[:, None], 0.0)
        about = {"dataset": "d", "method": "m", "seed": seed, "labels": ["no", "yes"]}
        paths.append(folder / f"{seed}.parquet")
        epochs = {1: logits.astype(np.float32)}
        predictions.write(
            paths[-1], np.arange(design.rows), label, epochs, about | {"kept_epoch": 1}
        )
    return paths


def outcomes(design: Design, experiments: int) -> Iterator[dict[str, float]]:
    """What the table says in each experiment, and whether it is true."""
    random, truth = np.random.default_rng(1), design.true_error()
    for _ in range(experiments):
        with tempfile.TemporaryDirectory() as folder:
            paths = write_experiment(design, Path(folder), random)
            (row,) = calibration_table.table(paths, [], 0.95, {}).to_dict("records")
        yield {
            "truth": truth,
            "plain": row["ece"],
            "less_expected": row["ece"] - row["ece_expected"],
            "debiased": row["ece_debiased"],
            "covers": row["ece_low"] <= truth + 1e-9 and truth <= row["ece_high"],
            "width": row["ece_high"] - row["ece_low"],
            "rejected": row["p_calibrated"] < 0.05,
        }


DESIGNS = [Design(*each, rows) for rows, *each in product((300, 5000), SURE, (1.0, 0.7, 0.4))] + [
    Design("medium", slope, rows, seeds, sd)
    for rows, seeds, (slope, sd) in product((300, 5000), (2, 5), ((1.0, 0.0), (0.6, 0.1)))
]


def main() -> None:
    """Print means over experiments, one line per design."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--experiments", type=int, default=400)
    given = parser.parse_args()
    for design in DESIGNS:
        mean = pd.DataFrame(outcomes(design, given.experiments)).astype(float).mean()
        print(f"{design!s:>50}", "  ".join(f"{k} {v:.4f}" for k, v in mean.items()), flush=True)


if __name__ == "__main__":
    main()
