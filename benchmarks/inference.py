"""How often are the tables wrong? Simulated experiments, as prediction files.

    python benchmarks/inference.py                    # until each design has 400 experiments: hours
    python benchmarks/inference.py --seconds 600      # go on for ten minutes, then say what is known
    python benchmarks/inference.py --repetitions 20   # quicker and rougher

Each experiment is written as prediction files and read by the code that makes runs.csv, summary.csv,
comparisons.csv and ranking.csv. What is found is added to a file (`--results`) as soon as it is known,
so that the next start goes on; designs with the fewest experiments come first. An experiment depends
on its design and number alone.

`false`: experiments in which some pair gets different letters though both are equally good.
`simultaneous`: experiments in which all simultaneous intervals hold the truth. `power`: share of
the pairs of different methods that differ significantly. The others are the shares of intervals that hold
the truth: of a `difference`, of a score in ranking.csv (`ranking`), and of each metric in
summary.csv. `width`: median width of a difference, in points.
"""

import argparse
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields, replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from finetone.formats import predictions
from finetone.statistics.evaluation import SCORES, Evaluation
from finetone.statistics.variance.roles import Roles
from finetone.tables import runs_table, summary_table
from finetone.tables.differences import comparison_tables

OWN, NOISE = 0.6, 0.5  # what rows mean to one method, and to one run, beside what they mean to all
SPREAD = float(np.sqrt(1 + OWN**2 + NOISE**2))
SURE = 3.0  # logits per unit of a row's distance from being wrong
CHUNK = 4  # experiments that are written down at once
MEMORY = Path("/dev/shm")  # files here need no disk
SUMMED = ("false", "simultaneous", "difference", "ranking", *SCORES, "power", "width")


@dataclass(frozen=True)
class Design:
    """An experiment: `sd` points over seeds, a tenth of it for every other method if `uneven`;
    `deterministic` methods without seeds, `single` ones with one run, `controls` that vary ten times
    as much; one method `better` by so
    many points, or all `apart`, evenly over so many points below the accuracy `level`; compared by `metric`."""

    methods: int
    seeds: int
    rows: int
    sd: float
    uneven: bool = False
    deterministic: int = 0
    single: int = 0
    controls: int = 0
    better: float = 0.0
    apart: float = 0.0
    level: float = 0.85
    metric: str = "accuracy"

    def __str__(self) -> str:
        words = [f"{self.methods} methods {self.seeds} seeds {self.rows} rows sd {self.sd:g}"]
        words += ["uneven"] * self.uneven
        for name in ("deterministic", "single", "controls", "better", "apart"):
            words += [f"{name} {getattr(self, name):g}"] * bool(getattr(self, name))
        words += [f"accuracy {self.level:g}"] * (self.level != 0.85)
        words += [f"by {self.metric}"] * (self.metric != "accuracy")
        return " ".join(words)

    @property
    def expected(self) -> np.ndarray:
        """[methods] accuracy of each, before the luck of its seeds."""
        found = np.full(self.methods, self.level) - np.linspace(0, self.apart, self.methods) / 100
        found[-1] += self.better / 100
        return found

    @property
    def spread(self) -> np.ndarray:
        """[methods] standard deviation over seeds of each."""
        small = self.uneven & (np.arange(self.methods) % 2 == 0)
        found = self.sd / 100 * np.where(small, 0.1, 1.0)
        found[self.methods - self.controls :] *= 10
        return np.where(np.arange(self.methods) < self.deterministic, 0.0, found)

    @property
    def roles(self) -> Roles:
        """The methods that draw no random numbers come first, controls last."""
        names = [f"m{k}" for k in range(self.methods)]
        first, last = self.deterministic, self.methods - self.controls
        return {"deterministic": names[:first], "controls": names[last:]}


def margin(accuracy: np.ndarray | float) -> np.ndarray:
    """How far a typical row is from being wrong, for a method of some accuracy."""
    return stats.norm.ppf(np.clip(accuracy, 0.01, 0.999)) * SPREAD


def logits(distance: np.ndarray, label: np.ndarray) -> np.ndarray:
    """float32 [n, 2] of rows that are so far from being wrong."""
    toward = SURE * distance * np.where(label == 1, 1, -1)
    return np.stack([np.zeros_like(toward), toward], axis=1).astype(np.float32)


def write_experiment(design: Design, folder: Path, random: np.random.Generator) -> list[Path]:
    """Prediction files of one experiment."""
    label = np.arange(design.rows) % 2
    easy = random.normal(0, 1, design.rows)
    paths = []
    for k, (accuracy, sd) in enumerate(zip(design.expected, design.spread, strict=True)):
        fixed = k < design.deterministic
        lone = fixed or k >= design.methods - design.single
        own = easy + random.normal(0, OWN, design.rows)
        for seed in [0] if fixed else range(1, 2 if lone else design.seeds + 1):
            distance = margin(accuracy + random.normal(0, 1) * sd) + own
            distance += random.normal(0, NOISE, design.rows)
            paths.append(folder / f"{k}-{seed}.parquet")
            about = {"dataset": "d", "method": f"m{k}", "seed": seed, "labels": ["no", "yes"]}
            predictions.write(
                paths[-1],
                np.arange(design.rows),
                label,
                {1: logits(distance, label)},
                about | {"kept_epoch": 1},
            )
    return paths


@cache
def truth(accuracy: float, sd: float) -> dict[str, float]:
    """Every metric of a method on endless rows, mean over endless seeds."""
    row = SPREAD * stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    label = np.repeat([0, 1], len(row))
    nodes, weights = np.polynomial.hermite_e.hermegauss(9 if sd else 1)
    runs = [
        Evaluation(logits(np.tile(margin(accuracy + sd * node) + row, 2), label), label)
        for node in nodes
    ]
    weights = weights / weights.sum()
    return {name: float(weights @ [run.value(name) for run in runs]) for name in SCORES}


def experiment(
    design: Design, folder: Path, random: np.random.Generator, summary: bool = True
) -> dict[str, float]:
    """What one experiment finds, by the names in this module's description.

    Parameters
    ----------
    summary
        make summary.csv as well, which takes half the time
    """
    paths = write_experiment(design, folder, random)
    pairs, ranking = comparison_tables.table(
        paths,
        baseline=None,
        confidence=0.95,
        roles=design.roles,
        seed_sd=None,
        metric=design.metric,
    )
    methods = [f"m{k}" for k in range(design.methods)]
    expected, spread = design.expected.tolist(), design.spread.tolist()
    true = pd.DataFrame(map(truth, expected, spread), index=methods)
    score = true[design.metric]
    apart = score[pairs["a"]].to_numpy() - score[pairs["b"]].to_numpy()
    same = np.isclose(apart, 0, atol=1e-9)
    differs = (pairs["p_adjusted"] < 0.05).to_numpy()
    together = _inside(apart, pairs["low_simultaneous"], pairs["high_simultaneous"])
    goal = score[ranking["method"]].to_numpy()
    found = {
        "false": float((differs & same).any()),
        "simultaneous": float(together.all()),
        "difference": float(_inside(apart, pairs["low"], pairs["high"]).mean()),
        "ranking": float(_inside(goal, ranking["low"], ranking["high"]).mean()),
        "power": float(differs[~same].mean()) if (~same).any() else np.nan,
        "width": float(100 * (pairs["high"] - pairs["low"]).median()),
    }
    if not summary:
        return found
    runs = runs_table.table(paths, 0.95)
    ends = summary_table.summarise(runs, 0.95, design.roles, {}).set_index("method").loc[methods]
    for name in SCORES:
        low, high = ends[f"{name}_low"], ends[f"{name}_high"]
        found[name] = float(_inside(true[name].to_numpy(), low, high).mean())
    return found


def _inside(truth: np.ndarray, low: pd.Series, high: pd.Series) -> np.ndarray:
    return ((low <= truth) & (truth <= high)).to_numpy()


def simulate(design: Design, first: int, last: int, summary: bool = True) -> dict[str, float]:
    """Means over the experiments of a design from number `first` to before `last`."""
    found = []
    for number in range(first, last):
        seed = zlib.crc32(f"{design} {number}".encode())
        parent = MEMORY if MEMORY.is_dir() else None
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            random = np.random.default_rng(seed)
            found.append(experiment(design, Path(folder), random, summary))
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def designs() -> Iterator[Design]:
    """All of docs/statistics.md."""
    sizes = product((2, 3, 5, 8, 15), (2, 3, 5), (300, 2000, 25_000))
    for (methods, seeds, rows), sd, uneven in product(sizes, (0.0, 0.3, 1.0, 4.0), (False, True)):
        if sd or not uneven:
            yield Design(methods, seeds, rows, sd, uneven)
    for methods, seeds, rows, uneven in product(
        (5, 8, 15), (2, 3, 5), (300, 2000, 25_000), (False, True)
    ):
        yield Design(methods, seeds, rows, 1.5, uneven, deterministic=methods // 4, single=1)
    for methods, seeds, rows, sd in product((3, 5, 8), (2, 3, 5), (300, 2000), (0.3, 1.0)):
        yield Design(methods, seeds, rows, sd, controls=1)
    for seeds in (2, 3, 5):
        yield replace(Design(15, seeds, 2000, 1.5), apart=20.0, level=0.95)
        yield replace(Design(15, seeds, 2000, 1.5), better=6.0)
        yield Design(3, seeds, 300, 0.2, level=0.995)
        for rows, metric in product((300, 2000), ("loss", "macro_f1", "mcc", "auc")):
            yield Design(5, seeds, rows, 1.0, metric=metric)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=400, help="of each design (400)")
    parser.add_argument("--seconds", type=float, default=np.inf, help="to go on for (no end)")
    parser.add_argument("--rows", type=int, default=25_000, help="leave out designs with more rows")
    parser.add_argument("--table", action="store_true", help="of docs/statistics.md, instead")
    parser.add_argument("--results", type=Path, default=Path("inference.csv"))
    given = parser.parse_args()
    chosen = [design for design in designs() if design.rows <= given.rows]
    np.random.default_rng(0).shuffle(chosen)  # type: ignore[arg-type]  # a short run samples all
    about = [field.name for field in fields(Design)]
    if not given.results.exists():
        given.results.write_text(",".join([*about, "experiments", *SUMMED]) + "\n")
    done = dict.fromkeys(chosen, 0)
    for values in pd.read_csv(given.results)[[*about, "experiments"]].itertuples(index=False):
        done[Design(*values[:-1])] = done.get(Design(*values[:-1]), 0) + values[-1]
    end = time.monotonic() + given.seconds
    while time.monotonic() < end:
        design = min(chosen, key=lambda each: done[each])
        first = done[design]
        if first >= given.repetitions:
            break
        last = min(first + CHUNK, given.repetitions)
        means = simulate(design, first, last)
        cells = [*astuple(design), last - first, *(f"{means[name]:.6g}" for name in SUMMED)]
        with given.results.open("a") as file:
            file.write(",".join(map(str, cells)) + "\n")
        done[design] = last
    results = pd.read_csv(given.results)
    if given.table:
        print(table(results))
        return
    for values, rows in results.groupby(about):
        print(Design(*values), told(rows))
    print("all designs", told(results))


def table(results: pd.DataFrame) -> str:
    """What docs/statistics.md shows: a row for every number of methods and seeds."""
    columns = ["false", "simultaneous", "difference", "ranking"]
    lines = [
        "| methods, seeds | designs | experiments | false | all simultaneous | differences | scores | metrics |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (methods, seeds), rows in results.groupby(["methods", "seeds"]):
        means = _means(rows)
        designs = rows.groupby([field.name for field in fields(Design)]).ngroups
        shares = [f"{100 * means[name]:.1f} %" for name in columns]
        metrics = [100 * means[name] for name in SCORES]
        lines.append(
            f"| {methods}, {seeds} | {designs} | {rows['experiments'].sum():,} | "
            + " | ".join(shares)
            + f" | {min(metrics):.1f} – {max(metrics):.1f} % |"
        )
    return "\n".join(lines)


def told(rows: pd.DataFrame) -> str:
    """Number of experiments, and the means over them."""
    numbers = " ".join(f"{name} {mean:.3f}" for name, mean in _means(rows).items())
    return f"({rows['experiments'].sum()}): {numbers}"


def _means(rows: pd.DataFrame) -> dict[str, float]:
    """Means over all experiments of what is known of them."""
    found = {}
    for name in SUMMED:
        known = rows[rows[name].notna()]
        if len(known):
            found[name] = float(np.average(known[name], weights=known["experiments"]))
    return found


if __name__ == "__main__":
    main()
