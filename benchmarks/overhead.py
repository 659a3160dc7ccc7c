"""What the workflow adds to the bare tools: start-up of every job, and one figure drawn again.

    python benchmarks/overhead.py [--rounds 3] [--results FOLDER]

- A job's start-up is the imports at the head of its door in `workflow/scripts`, beside `import torch`.
- One figure is `snakemake --force <figure>` on the finished demo in `--results` (skipped without
  it), beside importing Snakemake's command line in one process and matplotlib in another.

Bare tool and ours alternate; ratios are of one round, and their median stands with least and greatest.
The demo's DAG against a toy's is `benchmarks/dag.py`.
"""

import argparse
import ast
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
FIGURE = "demo/figures/methods.svg"
BARE_FIGURE = ("import snakemake.cli", "import matplotlib.pyplot")


def seconds(command: list[str], folder: Path = SCRIPTS) -> float:
    """Wall seconds of one call from nothing to its end."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-1000:] + done.stderr[-3000:])
    return time.perf_counter() - start


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def imports(door: Path) -> str:
    """The import statements of a door as code."""
    tree = ast.parse(door.read_text())
    kept = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(map(ast.unparse, kept))


def compare(name: str, bare: list[list[str]], ours: list[str], rounds: int, folder: Path) -> None:
    pairs = []
    for turn in range(rounds + 1):
        pair = sum(seconds(command) for command in bare), seconds(ours, folder)
        if turn:  # the first fills the disk cache
            pairs.append(pair)
    ratios = [b / a for a, b in pairs]
    a, b = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(
        f"{name:<24}{a:>8.2f}{b:>8.2f}{statistics.median(ratios):>8.2f}"
        f" ({min(ratios):.2f} – {max(ratios):.2f})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    options = parser.parse_args()
    print(f"{'job':<24}{'bare s':>8}{'ours s':>8}{'ratio':>8} (min – max)")
    for door in sorted(SCRIPTS.glob("*.py")):
        if "snakemake.log" not in door.read_text():  # called by hand, no door of a rule
            continue
        compare(door.stem, [python("import torch")], python(imports(door)), options.rounds, SCRIPTS)
    if not (options.results / FIGURE).exists():
        print(f"one figure: skipped, there is no {options.results / FIGURE}; run make demo first")
        return
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ours = [sys.executable, "-m", "snakemake", "--cores", "1", "--rerun-triggers", "mtime"]
    ours += [
        "-s",
        str(ROOT / "Snakefile"),
        "--force",
        "--configfile",
        str(ROOT / "config/demo.yaml"),
        "--",
        f"results/{FIGURE}",
    ]
    bare_tools = [python(code) for code in BARE_FIGURE]
    compare("one figure", bare_tools, ours, options.rounds, options.results.resolve().parent)


if __name__ == "__main__":
    main()
