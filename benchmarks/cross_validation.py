"""How often are the tables wrong after cross-validation? Simulated learners, as prediction files.

    python benchmarks/cross_validation.py                    # 300 experiments of each design: an hour
    python benchmarks/cross_validation.py --experiments 50   # rougher

In an experiment, n rows are drawn; each method sees features of its own, which tell the class as well
as those of any other method and share a part with them, so that all methods are equally good. They
learn in every fold, their predictions are pooled into files, and the code of ranking.csv,
comparisons.csv and summary.csv reads them.

`false`: experiments in which some pair gets different letters. `naive`: the same without the folds, as
if the rows were those of a test split and the methods drew no random numbers. `difference`, `ranking`
and `summary`: intervals that hold the truth: no difference, and the expected accuracy of what learns
from as many rows as a fold has. `width`: mean width of a difference, in points. `power`: pairs that
differ, where the last method is `better`.
"""

import argparse
import tempfile
import zlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from finetone.formats import predictions
from finetone.resampling.folds import assign
from finetone.seeds import derive
from finetone.tables import runs_table, summary_table
from finetone.tables.differences import comparison_tables

MEMORY = Path("/dev/shm")  # files here need no disk
SAMPLED = 30  # training rows that the learner `sampled` looks at
NEIGHBOURS = 5


@dataclass(frozen=True)
class Design:
    """An experiment of cross-validation.

    Attributes
    ----------
    learner
        `ridge`, `neighbours`, or `sampled`, which looks at few rows and so varies by its seed.
    features, signal
        Of a method, and how far the means of the classes are apart in each (half, in standard deviations).
    shared
        Part of the features' noise that all methods share.
    fails
        Share of the trainings that learn nothing.
    better
        How much larger the signal of the last method is, as a share.
    """

    learner: str
    rows: int
    folds: int = 5
    repeats: int = 1
    methods: int = 2
    seeds: int = 1
    features: int = 20
    signal: float = 0.2
    shared: float = 0.5
    fails: float = 0.0
    better: float = 0.0

    def __str__(self) -> str:
        words = [f"{self.learner} {self.rows} rows {self.folds} folds {self.methods} methods"]
        words += [f"{self.repeats} repeats"] * (self.repeats > 1)
        words += [f"{self.seeds} seeds"] * (self.seeds > 1)
        words += [f"{self.features} features"] * (self.features != 20)
        words += [f"fails {self.fails:g}"] * bool(self.fails)
        words += [f"better {self.better:g}"] * bool(self.better)
        return " ".join(words)

    def signal_of(self, method: int) -> float:
        """Of one method."""
        return self.signal * (1 + self.better * (method == self.methods - 1))


def draw(design: Design, rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(features [methods, rows, features], labels [rows]) of as many rows of either class."""
    label = np.arange(rows) % 2
    common = random.normal(size=(rows, design.features)) * np.sqrt(design.shared)
    found = []
    for method in range(design.methods):
        own = random.normal(size=(rows, design.features)) * np.sqrt(1 - design.shared)
        found.append(common + own + design.signal_of(method) * (2 * label - 1)[:, None])
    return np.stack(found), label


def learn(
    design: Design,
    x: np.ndarray,
    label: np.ndarray,
    tested: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Scores of `tested` rows, positive for the second class, by what is learned from the others."""
    if random.random() < design.fails:
        return np.ones(len(tested))
    sign = 2.0 * label - 1
    if design.learner == "neighbours":
        distance = (tested**2).sum(1)[:, None] + (x**2).sum(1) - 2 * tested @ x.T
        nearest = np.argpartition(distance, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        return sign[nearest].sum(axis=1)
    if design.learner == "sampled":
        chosen = random.choice(len(x), SAMPLED, replace=False)
        return tested @ (sign[chosen] @ x[chosen])
    return tested @ np.linalg.solve(x.T @ x + 5 * np.eye(x.shape[1]), x.T @ sign)


@cache
def truth(design: Design, method: int) -> float:
    """Expected accuracy of a method that learns from the rows of one fold's training."""
    random = np.random.default_rng(7)
    learned, right = design.rows * (design.folds - 1) // design.folds, []
    alone = replace(design, methods=1, signal=design.signal_of(method), better=0.0, shared=0.0)
    for _ in range(400):
        (x,), label = draw(alone, learned + 1000, random)
        scores = learn(alone, x[:learned], label[:learned], x[learned:], random)
        right.append(float(((scores > 0) == label[learned:]).mean()))
    return float(np.mean(right))


def write_experiment(
    design: Design, folder: Path, random: np.random.Generator
) -> tuple[list[Path], list[Path]]:
    """Prediction files of one experiment, and the same as if the rows were of a test split."""
    x, label = draw(design, design.rows, random)
    paths: tuple[list[Path], list[Path]] = ([], [])
    rows = np.arange(design.rows)
    for repeat in range(1, design.repeats + 1):
        fold = assign(label, rows, design.folds, derive(int(random.integers(1 << 31)), "folds"))
        for method in range(design.methods):
            for seed in range(1, design.seeds + 1):
                scores = np.zeros(design.rows)
                for each in range(1, design.folds + 1):
                    out = fold == each
                    own = x[method]
                    scores[out] = learn(design, own[~out], label[~out], own[out], random)
                logits = np.stack([-scores, scores], axis=1).astype(np.float32)
                about = {"dataset": "d", "method": f"m{method}", "labels": ["no", "yes"]}
                about |= {"kept_epoch": 1, "seed": seed}
                paths[0].append(folder / f"{method}-{seed}-{repeat}.parquet")
                validated = about | {"folds": design.folds, "repeat": repeat}
                predictions.write(paths[0][-1], rows, label, {1: logits}, validated, fold=fold)
                paths[1].append(folder / f"{method}-{seed}-{repeat}-plain.parquet")
                about["seed"] = seed + 1000 * repeat
                predictions.write(paths[1][-1], rows, label, {1: logits}, about)
    return paths


def experiment(design: Design, folder: Path, random: np.random.Generator) -> dict[str, float]:
    """What one experiment finds, by the names in this module's description."""
    files, plain = write_experiment(design, folder, random)
    methods = [f"m{method}" for method in range(design.methods)]
    given = {"baseline": None, "confidence": 0.95, "seed_sd": None}
    pairs, ranking = comparison_tables.table(files, roles={}, **given)
    naive, _ = comparison_tables.table(plain, roles={"deterministic": methods}, **given)
    true = {name: truth(design, place) for place, name in enumerate(methods)}
    apart = np.array([true[a] - true[b] for a, b in zip(pairs["a"], pairs["b"], strict=True)])
    differs = (pairs["p_adjusted"] < 0.05).to_numpy()
    last = ((pairs["a"] == methods[-1]) | (pairs["b"] == methods[-1])).to_numpy()
    same = ~last if design.better else np.ones(len(pairs), dtype=bool)
    apart[same] = 0.0  # by symmetry; `truth` is drawn
    runs = runs_table.table(files, 0.95)
    summary = summary_table.summarise(runs, 0.95, {}, {})
    goal = np.array([true[name] for name in ranking["method"]])
    goal_of_summary = np.array([true[name] for name in summary["method"]])
    return {
        "false": float((differs & same).any()),
        "naive": float(((naive["p_adjusted"] < 0.05).to_numpy() & same).any()),
        "difference": _inside(apart, pairs["low"], pairs["high"]),
        "ranking": _inside(goal, ranking["low"], ranking["high"]),
        "summary": _inside(goal_of_summary, summary["accuracy_low"], summary["accuracy_high"]),
        "power": float(differs[~same].mean()) if (~same).any() else np.nan,
        "width": float(100 * (pairs["high"] - pairs["low"]).mean()),
    }


def _inside(truth: np.ndarray, low: object, high: object) -> float:
    return float(((np.asarray(low) <= truth) & (truth <= np.asarray(high))).mean())


def simulate(design: Design, first: int, last: int) -> dict[str, float]:
    """Means over the experiments of a design from number `first` to before `last`."""
    found = []
    for number in range(first, last):
        seed = zlib.crc32(f"{design} {number}".encode())
        parent = MEMORY if MEMORY.is_dir() else None
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            found.append(experiment(design, Path(folder), np.random.default_rng(seed)))
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def designs() -> list[Design]:
    """All of docs/statistics.md."""
    return [
        Design("ridge", 100, features=60),
        Design("ridge", 300),
        Design("ridge", 300, methods=4),
        Design("ridge", 300, folds=10),
        Design("ridge", 100, folds=10, repeats=10, features=60),
        Design("ridge", 300, repeats=3),
        Design("neighbours", 300),
        Design("sampled", 300),
        Design("sampled", 300, seeds=3),
        Design("sampled", 300, repeats=3, seeds=2),
        Design("ridge", 300, fails=0.1),
        Design("ridge", 1000, fails=0.1),
        Design("ridge", 300, methods=3, better=0.6),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=300, help="of each design (300)")
    given = parser.parse_args()
    for design in designs():
        found = simulate(design, 0, given.experiments)
        numbers = [f"{name} {value:.3f}" for name, value in found.items() if np.isfinite(value)]
        print(f"{design}: {' '.join(numbers)}", flush=True)


if __name__ == "__main__":
    main()
