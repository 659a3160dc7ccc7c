"""How often are the tables wrong? Simulated experiments of equally good methods, as files.

    python benchmarks/inference.py                      # the table of docs/statistics.md (an hour)
    python benchmarks/inference.py --experiments 100    # quicker and rougher

Each experiment is written as prediction files and read by the code that makes comparisons.csv and
ranking.csv. `false`: experiments in which some pair gets different letters though all methods are
equally good. `difference`, `accuracy`, `simultaneous`: share of intervals that hold the truth (for
simultaneous ones: of experiments in which all do). `power`: one method is six points better; share
of its pairs that are told apart.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from scipy import stats

from finetone.formats import predictions
from finetone.tables import comparison_tables

ACCURACY = 0.85
OWN, NOISE = 0.6, 0.5  # what rows mean to one method, and to one run, beside what they mean to all


@dataclass(frozen=True)
class Design:
    """An experiment: `sd` points over seeds, a tenth of it for every other method if `uneven`;
    `deterministic` methods without seeds, `single` ones with one run; one method `better` by so
    many points."""

    methods: int
    seeds: int
    rows: int
    sd: float
    uneven: bool = False
    deterministic: int = 0
    single: int = 0
    better: float = 0.0

    def __str__(self) -> str:
        kind = "uneven" if self.uneven else "even"
        mixed = f" {self.deterministic}+{self.single}" if self.deterministic + self.single else ""
        return (
            f"{self.methods} methods {self.seeds} seeds {self.rows} rows sd {self.sd} {kind}{mixed}"
        )


def write_experiment(design: Design, folder: Path, random: np.random.Generator) -> list[Path]:
    """Prediction files of one experiment."""
    label = np.arange(design.rows) % 2
    easy = random.normal(0, 1, design.rows)
    spread = np.sqrt(1 + OWN**2 + NOISE**2)
    paths = []
    for k in range(design.methods):
        fixed = k < design.deterministic
        lone = fixed or k >= design.methods - design.single
        accuracy = ACCURACY + (design.better / 100 if k == design.methods - 1 else 0)
        sd = design.sd / 100 / (10 if design.uneven and k % 2 == 0 else 1)
        own = easy + random.normal(0, OWN, design.rows)
        for seed in [0] if fixed else range(1, 2 if lone else design.seeds + 1):
            of_run = accuracy + (0 if fixed else random.normal(0, sd))
            threshold = stats.norm.ppf(np.clip(of_run, 0.01, 0.99)) * spread
            right = own + random.normal(0, NOISE, design.rows) < threshold
            logits = np.where(right[:, None] == (label[:, None] == [0, 1]), 1.0, 0.0)
            path = folder / f"{k}-{seed}.parquet"
            about = {"dataset": "d", "method": f"m{k}", "seed": seed, "labels": ["no", "yes"]}
            predictions.write(
                path,
                np.arange(design.rows),
                label,
                {1: logits.astype(np.float32)},
                about | {"kept_epoch": 1},
            )
            paths.append(path)
    return paths


def simulate(
    design: Design, experiments: int, folder: Path, random: np.random.Generator
) -> dict[str, float]:
    """Shares, over so many experiments, by the names in this module's description."""
    fixed = [f"m{k}" for k in range(design.deterministic)]
    last = f"m{design.methods - 1}"
    found: dict[str, list[float]] = {}
    for _ in range(experiments):
        paths = write_experiment(design, folder, random)
        pairs, ranking = comparison_tables.table(paths, None, 0.95, fixed, None)
        better = design.better / 100
        truth = np.where(pairs["b"] == last, -better, 0.0)
        goal = ACCURACY + np.where(ranking["method"] == last, better, 0.0)
        differs = pairs["p_adjusted"] < 0.05
        one = {
            "false": float((differs & (truth == 0)).any()),
            "difference": float(_inside(truth, pairs["low"], pairs["high"]).mean()),
            "simultaneous": float(
                _inside(truth, pairs["low_simultaneous"], pairs["high_simultaneous"]).all()
            ),
            "accuracy": float(_inside(goal, ranking["low"], ranking["high"]).mean()),
            "width": float(100 * (pairs["high"] - pairs["low"]).median()),
        }
        if better:
            one["power"] = float(differs[truth != 0].mean())
        for name, value in one.items():
            found.setdefault(name, []).append(value)
    return {name: float(np.mean(values)) for name, values in found.items()}


def _inside(truth: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return (low <= truth) & (truth <= high)


def designs() -> Iterator[Design]:
    """All of docs/statistics.md."""
    for methods, seeds, rows, sd, uneven in product(
        (2, 3, 5, 8, 15), (2, 3, 5), (300, 2000, 25_000), (0.0, 0.3, 1.0, 4.0), (False, True)
    ):
        if sd or not uneven:
            yield Design(methods, seeds, rows, sd, uneven)
    for seeds in (2, 3, 5):
        yield Design(10, seeds, 2000, 1.5, True, deterministic=2, single=1)
        yield replace(Design(15, seeds, 2000, 1.5), better=6.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=400, help="of each design (400)")
    parser.add_argument("--rows", type=int, default=25_000, help="leave out designs with more rows")
    given = parser.parse_args()
    print("design, then shares by name")
    for design in designs():
        if design.rows <= given.rows:
            with tempfile.TemporaryDirectory() as folder:
                random = np.random.default_rng(1)
                shares = simulate(design, given.experiments, Path(folder), random)
            print(design, " ".join(f"{k} {v:.3f}" for k, v in shares.items()), flush=True)


if __name__ == "__main__":
    main()
