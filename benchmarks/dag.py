"""How long Snakemake thinks before it works: the DAG of many models and seeds, by dry-run.

    python benchmarks/dag.py [--models 15 100 1000] [--seeds 5] [--trials 5] [--halving]

Beside each stands a toy Snakefile with as many jobs and as many inputs of jobs (edges), no script, no
parameter: chains of three, and jobs that collect the ends of all of them. That is what Snakemake itself
costs. Both seconds are of the whole call (wall clock, and CPU, which a busy machine disturbs less and
which the ratio is of); memory is the peak resident size.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
TOY = """
CHAINS = range({chains})
rule all:
    input: expand("d/{{i}}", i=range({collecting}))
rule d:
    input: expand("c/{{i}}", i=CHAINS)
    output: "d/{{k}}"
    shell: "touch {{output}}"
rule a:
    output: "a/{{i}}"
    shell: "touch {{output}}"
rule b:
    input: "a/{{i}}"
    output: "b/{{i}}"
    shell: "touch {{output}}"
rule c:
    input: "b/{{i}}"
    output: "c/{{i}}"
    shell: "touch {{output}}"
"""


def experiment(models: int, seeds: int, trials: int = 0, halving: bool = False) -> dict:
    """Two datasets and so many models; nothing of it is ever downloaded."""
    splits = {"train": "train", "test": "test"}
    rates = [1e-5 * (i + 1) for i in range(trials)]
    tuned = {"tune": {"learning_rate": rates, "halving": halving}} if trials else {}
    labels = {"text": "text", "label": "label", "labels": ["negative", "positive"]}
    return {
        "experiment": "wide",
        "seeds": list(range(1, seeds + 1)),
        "source": "reviews",
        "transfer": ["tweets"],
        "datasets": {
            "reviews": {"hub": {"id": "some/reviews"}, "splits": splits | ({"dev": "dev"} if trials else {}), **labels},
            "tweets": {"hub": {"id": "some/tweets"}, "splits": {"test": "test"}, **labels},
        },
        "models": {f"model{i}": {"hub": {"id": f"some/model{i}"}} for i in range(models)},
        "baselines": {"majority": {"kind": "majority"}},
        **tuned,
    }  # fmt: skip


def dry_run(snakefile: Path, folder: Path, *arguments: str) -> tuple[int, float, float, float]:
    """Number of jobs, wall seconds, CPU seconds and peak MB of one dry-run."""
    out = folder / "out"
    start = time.monotonic()
    with out.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "-s", str(snakefile),
             "--directory", str(folder), "--cores", "2", *arguments],
            stdout=stream, stderr=subprocess.STDOUT, cwd=folder,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    text = out.read_text()
    if process.returncode:
        raise SystemExit(text[-2000:])
    found = re.search(r"^total +(\d+)$", text, re.M)
    assert found, text
    return int(found[1]), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


COUNT = """
import sys
from pathlib import Path
from finetone.commands.job import graph
snakefile, folder, file = map(Path, sys.argv[1:])
with graph(snakefile, [], [file], folder, 2) as dag:
    print(sum(len(job.input) for job in dag.jobs))
"""


def edges(folder: Path, file: Path) -> int:
    """Inputs of all jobs together."""
    command = [sys.executable, "-c", COUNT, str(ROOT / "Snakefile"), str(folder), str(file)]
    return int(subprocess.check_output(command, text=True).split()[-1])


def toy(jobs: int, inputs: int) -> str:
    """A Snakefile of so many jobs with so many inputs."""
    collecting = max(1, round(3 * inputs / jobs - 3))
    return TOY.format(chains=(jobs - 1 - collecting) // 3, collecting=collecting)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, nargs="+", default=[15, 100, 1000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=0, help="settings that every model tries")
    parser.add_argument("--halving", action="store_true", help="stop the worse half of them early")
    options = parser.parse_args()
    names = (
        "models",
        "seeds",
        "jobs",
        "edges",
        "s",
        "CPU s",
        "MB",
        "ms/job",
        "toy s",
        "toy CPU",
        "toy MB",
        "ratio",
    )
    print("".join(f"{name:>9}" for name in names))
    for models in options.models:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            file = folder / "experiment.yaml"
            given = experiment(models, options.seeds, options.trials, options.halving)
            file.write_text(yaml.safe_dump(given))
            jobs, seconds, cpu, memory = dry_run(
                ROOT / "Snakefile", folder, "--configfile", str(file)
            )
            inputs = edges(folder, file)
            snakefile = folder / "toy.smk"
            snakefile.write_text(toy(jobs, inputs))
            _, toy_seconds, toy_cpu, toy_memory = dry_run(snakefile, folder)
        row = (
            seconds,
            cpu,
            memory,
            1000 * cpu / jobs,
            toy_seconds,
            toy_cpu,
            toy_memory,
            cpu / toy_cpu,
        )
        print(
            f"{models:>9}{options.seeds:>9}{jobs:>9}{inputs:>9}"
            + "".join(f"{x:>9.2f}" for x in row),
            flush=True,
        )


if __name__ == "__main__":
    main()
