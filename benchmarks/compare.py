"""How long the tables of a large experiment take, how much memory, and how both grow.

    python benchmarks/compare.py                  # 45 methods x 25,000 rows x 5 seeds, and growth
    python benchmarks/compare.py --methods 10 --rows 2000 --seeds 2 --no-growth

Predictions are synthetic (rows differ in difficulty, methods and seeds in what they find hard); all
tables are written through the entry points that the rules call, by two fresh processes side by side, as
Snakemake runs these jobs on two cores.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finetone.comparison import paired
from finetone.comparison.scores import scores_of
from finetone.files import write_json
from finetone.formats import predictions, rounds
from finetone.formats.rounds import Rounds, Timed, TimedMethod
from finetone.seeds import derive
from finetone.statistics.evaluation import SCORES
from finetone.tables.panels import panels

EPOCHS = 3
TRANSFER_ROWS = 872  # SST-2's validation set
LIMIT_SECONDS, LIMIT_BYTES = 20, 500 << 20
PAIRS = "pairs by the other metrics"
# Tables that are made from each other are one process's; it also gets what evens out the two.
FIRST = ("runs", "summary", "main", "efficiency", "correlation", "planning", PAIRS)


def make(folder: Path, methods: int, rows: int, seeds: int) -> None:
    """Write predictions, texts, histories, run.json and speed files of a made-up experiment."""
    for dataset, n, epochs in (("source", rows, EPOCHS), ("transfer", TRANSFER_ROWS, 1)):
        random = np.random.default_rng(derive(0, dataset))
        label = random.integers(0, 2, n).astype(np.int8)
        difficulty = random.normal(2.2, 1.5, n)
        texts = ["word " * int(k) for k in random.integers(5, 300, n)]
        (folder / "data" / dataset).mkdir(parents=True)
        pq.write_table(
            pa.table({"id": np.arange(n), "text": texts, "label": label}),
            folder / "data" / dataset / "test.parquet",
        )
        counts = {"train": {"negative": 12_500, "positive": 12_500}}
        write_json(folder / "data" / dataset / "manifest.json", {"rows": counts})
        for m in range(methods):
            own = difficulty + random.normal(-0.02 * m, 0.7, n)
            for seed in range(1, seeds + 1):
                margin = np.concatenate(
                    [own - 0.2 * (epochs - e) + random.normal(0, 0.5, n) for e in range(epochs)]
                )
                write_predictions(folder, dataset, f"method{m:02}", seed, label, margin, epochs)
    timed = {f"method{m:02}": timed_method(0.2 + m / 50, 0.3 + m / 100) for m in range(methods)}
    rounds.write(folder / "speed" / "rounds.json", Rounds(timed, 64, "cpu", "some CPU", 1))
    for m, name in enumerate(timed):
        for seed in range(1, seeds + 1):
            write_run(folder / "runs" / name / f"seed{seed}", name, m)


def timed_method(training: float, prediction: float) -> TimedMethod:
    """The same seconds in each of nine rounds."""
    seconds = {"train": training, "predict": prediction}
    tasks = {task: Timed(np.full(9, value), np.ones(9)) for task, value in seconds.items()}
    return TimedMethod(tasks, np.full(9, 1000), 32, "fp32")


def write_predictions(
    folder: Path,
    dataset: str,
    method: str,
    seed: int,
    label: np.ndarray,
    margin: np.ndarray,
    epochs: int,
) -> None:
    sign = np.where(label == 1, 0.5, -0.5)
    logits = {
        epoch: np.stack([-sign * part, sign * part], axis=1)
        for epoch, part in enumerate(np.split(margin, epochs), 1)
    }
    facts = {
        "dataset": dataset,
        "method": method,
        "seed": seed,
        "labels": ["negative", "positive"],
        "kept_epoch": epochs,
    }
    path = folder / "predictions" / dataset / method / f"seed{seed}.parquet"
    predictions.write(path, np.arange(len(label)), label, logits, facts)


def write_run(folder: Path, method: str, m: int) -> None:
    folder.mkdir(parents=True)
    steps = np.arange(1, 3 * 782 + 1)
    accuracy = np.round(32 * (0.5 + 0.4 * (1 - np.exp(-steps / (100 + m))))) / 32
    pd.DataFrame(
        {
            "epoch": (steps - 1) // 782 + 1,
            "step": steps,
            "loss": 1 - accuracy,
            "accuracy": accuracy,
            "cumulative_loss": 1 - accuracy,
            "cumulative_accuracy": accuracy,
            "examples": 32,
        }
    ).to_parquet(folder / "history.parquet")
    parameters = {"total": 10**7 * (m + 1), "non_embedding": 10**7}
    run = {"method": method, "kind": "finetune", "parameters": parameters, "train_seconds": 100.0}
    write_json(folder / "run.json", run)


def measure(folder: Path, first: bool) -> dict[str, float]:
    """Seconds per table of one of the two processes, their sum and its peak memory."""
    from finetone.tables import write_table

    out = folder / "tables"
    files = sorted((folder / "predictions").rglob("*.parquet"))
    runs_json = sorted((folder / "runs").rglob("run.json"))
    speed = folder / "speed" / "rounds.json"
    histories = {
        (p.parts[-3], int(p.parts[-2].removeprefix("seed"))): p
        for p in sorted((folder / "runs").rglob("history.parquet"))
    }
    methods = sorted({method for method, _ in histories})
    texts = {name: folder / "data" / name / "test.parquet" for name in ("source", "transfer")}
    runs, summary = out / "runs.csv", out / "summary.csv"
    steps: dict[str, Callable[[], None]] = {
        "runs": lambda: write_table("runs_table", [runs], predictions=files, confidence=0.95),
        "summary": lambda: write_table(
            "summary_table",
            [summary],
            runs=runs,
            confidence=0.95,
            roles={},
            seed_sd=None,
        ),
        "main": lambda: write_table(
            "main_table",
            [out / "main.csv"],
            summary=summary,
            runs_json=runs_json,
            speed=speed,
            source="source",
            models=methods,
            confidence=0.95,
        ),
        "efficiency": lambda: write_table(
            "efficiency_table",
            [out / "efficiency.csv"],
            summary=summary,
            runs_json=runs_json,
            speed=speed,
            source="source",
            metric="accuracy",
            reference=methods[0],
            confidence=0.95,
        ),
        "convergence": lambda: write_table(
            "convergence_table",
            [out / "convergence.csv"],
            roles={},
            histories=histories,
            data=folder / "data" / "source",
            confidence=0.95,
        ),
        "correlation": lambda: write_table(
            "correlation_table",
            [out / "correlation.csv"],
            runs=runs,
            histories=histories,
            confidence=0.95,
            resamples=10_000,
            seed=0,
        ),
        "transfer": lambda: write_table(
            "transfer_table",
            [out / "transfer.csv"],
            predictions=files,
            source="source",
            transfer=["transfer"],
            confidence=0.95,
            roles={},
            seed_sd=None,
        ),
        "comparisons": lambda: write_table(
            "comparison_tables",
            [out / "comparisons.csv", out / "ranking.csv"],
            predictions=files,
            baseline=None,
            confidence=0.95,
            roles={},
            seed_sd=None,
        ),
        "reliability": lambda: write_table(
            "reliability_table", [out / "reliability.csv"], predictions=files, confidence=0.95
        ),
        "slices": lambda: write_table(
            "slices_table",
            [out / "slices.csv"],
            predictions=files,
            texts=texts,
            confidence=0.95,
            roles={},
            seed_sd=None,
        ),
        "errors": lambda: write_table(
            "errors_table", [out / "errors.csv"], predictions=files, texts=texts
        ),
        "calibration": lambda: write_table(
            "calibration_table",
            [out / "calibration.csv"],
            predictions=files,
            temperatures=[],
            confidence=0.95,
            roles={},
        ),
        "classes": lambda: write_table(
            "class_tables",
            [out / "confusion.csv", out / "per_class.csv"],
            predictions=files,
            confidence=0.95,
            roles={},
        ),
        "planning": lambda: write_table(
            "planning_tables",
            [out / "variance.csv", out / "planning.csv"],
            predictions=[file for file in files if file.parts[-3] == "source"],
            efficiency=out / "efficiency.csv",
            confidence=0.95,
            roles={},
            seed_sd=None,
        ),
    }
    others = [metric for metric in SCORES if metric != "accuracy"]
    steps[PAIRS] = lambda: pair(files, others)
    seconds = {}
    cpu = time.process_time()
    for name, step in steps.items():
        if (name in FIRST) == first:
            start = time.perf_counter()
            step()
            seconds[name] = time.perf_counter() - start
    seconds["all"] = sum(seconds.values())
    seconds["all, CPU"] = time.process_time() - cpu
    seconds["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return seconds


def pair(files: list[Path], metrics: list[str]) -> None:
    """Compare all pairs by other metrics as well, which no single experiment does."""
    for panel in panels(files):
        for metric in metrics:
            pairs = paired.compare(scores_of(panel, metric, {}, None))
            pairs.interval(0.95)
            pairs.interval(0.95, pairs.methods)
            pairs.p(pairs.methods)


def fresh(methods: int, rows: int, seeds: int) -> dict[str, float]:
    """Measure one size in two processes of its own, so that their peak memory is their own."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), methods, rows, seeds)
        command = [sys.executable, __file__, "--measure", folder, "--part"]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}  # as Snakemake sets it for these rules
        parts = [
            subprocess.Popen([*command, part], stdout=subprocess.PIPE, env=environment, text=True)
            for part in ("first", "second")
        ]
        said = [part.communicate()[0] for part in parts]
    if any(part.returncode for part in parts):
        raise SystemExit("a table could not be made; see above")
    first, second = (json.loads(text.splitlines()[-1]) for text in said)
    return {
        **first,
        **second,
        "longer of two processes": max(first["all"], second["all"]),
        "all, CPU": first["all, CPU"] + second["all, CPU"],
        "peak_bytes": max(first["peak_bytes"], second["peak_bytes"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--methods", type=int, default=45)
    parser.add_argument("--rows", type=int, default=25_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--growth", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(Path(asked.measure), asked.part == "first")))
        return
    sizes = [(asked.methods, asked.rows, asked.seeds)]
    if asked.growth:
        m, n, s = sizes[0]
        sizes += [(m, n // 2, s), (m, n // 4, s), (m // 2, n, s), (m // 4, n, s)]
    found = pd.DataFrame({f"{m} x {n} x {s}": fresh(m, n, s) for m, n, s in sizes})
    memory = found.loc["peak_bytes"]
    print("seconds, by methods x rows x seeds")
    print(found.drop(index=["all", "peak_bytes"]).round(2).to_string())
    print("peak MiB", *(f"{b / 2**20:.0f}" for b in memory))
    total = found.loc["longer of two processes"]
    if asked.growth:
        busy = found.loc["all, CPU"]  # neighbours on the machine disturb the clock more
        rows, methods = np.log2(busy.iloc[0] / busy.iloc[[2, 4]].to_numpy()) / 2
        print(f"growth of CPU time over a factor of 4: rows^{rows:.2f}, methods^{methods:.2f}")
    met = total.iloc[0] < LIMIT_SECONDS and memory.iloc[0] < LIMIT_BYTES
    print(f"under {LIMIT_SECONDS} s and {LIMIT_BYTES >> 20} MiB: {'yes' if met else 'NO'}")
    sys.exit(not met)


if __name__ == "__main__":
    main()
