"""finetone's engine against Hugging Face's Trainer, alternating in one run on one machine.

    python benchmarks/engine.py --tokens imdb.arrow [--model FOLDER|ARCHITECTURE] [--device cuda]

Every variant lives in a process of its own that sleeps while another one is measured. Ratios are
taken within a round and reported as median (min – max) over the rounds. Rates are real tokens per
second: padding counts for nothing.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SPREAD = 5  # so many batches in a row stand for all where texts are grouped by length
TRAINING: dict[str, dict[str, Any]] = {
    "engine": {"kind": "engine"},
    "Trainer (fp32, dynamic padding)": {"kind": "trainer"},
    "Trainer bf16": {"kind": "trainer", "bf16": True},
    "Trainer best flags": {"kind": "trainer", "bf16": True, "grouped": SPREAD, "malloc": True},
}
INFERENCE: dict[str, dict[str, Any]] = {
    "engine": {"kind": "engine_inference"},
    "padded fp32 loop": {"kind": "padded_inference"},
}
COMPILED: dict[str, dict[str, Any]] = {
    "engine": {"kind": "engine"},
    "engine, layers compiled": {"kind": "engine", "compiled": True},
}
PEAKS = {
    "fp32": {"kind": "gemm", "dtype": "float32"},
    "bf16": {"kind": "gemm", "dtype": "bfloat16"},
}


class Worker:
    """A variant in its own process."""

    def __init__(self, task: dict[str, Any]) -> None:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        environment["OMP_NUM_THREADS"] = str(task["threads"])
        if task["device"] == "cpu":
            environment["CUDA_VISIBLE_DEVICES"] = ""
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), json.dumps(task)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment,
        )  # fmt: skip
        self.facts: dict[str, Any] = {}

    def ask(self, command: str) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        print(command, file=self.process.stdin, flush=True)
        if not self.facts:  # generators start when they are first asked
            self.facts = self._line()
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout and self.process.stderr
        for line in self.process.stdout:
            if line.startswith("{"):
                content: dict[str, Any] = json.loads(line)
                return content
        raise RuntimeError(self.process.stderr.read()[-2000:])


@contextmanager
def workers(
    tasks: dict[str, dict[str, Any]], common: dict[str, Any]
) -> Iterator[dict[str, Worker]]:
    with ExitStack() as stack:
        started = {}
        for name, task in tasks.items():
            started[name] = Worker({**common, **task})
            stack.callback(started[name].process.kill)
        yield started


def compare(
    tasks: dict[str, dict[str, Any]], common: dict[str, Any], rounds: int, steps: int,
    rival_steps: int, peaks: bool,
) -> dict[str, Any]:  # fmt: skip
    """Alternate the engine with each other variant; two of them live at a time, to spare memory."""
    pairs: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    gemm: dict[str, float] = {}
    facts: dict[str, Any] = {}
    shares: dict[str, float] = {}
    notes: dict[str, list[str]] = {}
    first: dict[str, float] = {}
    for name in list(tasks)[1:]:
        pair = {"engine": tasks["engine"], name: tasks[name], **(PEAKS if peaks else {})}
        count = rival_steps * tasks[name].get("grouped", 1)
        with workers(pair, common) as running:
            for warm in ("engine", name):
                first[warm] = running[warm].ask("run 1")["seconds"]
            pairs[name] = []
            for _ in range(rounds):
                answers = running["engine"].ask(f"run {steps}"), running[name].ask(f"run {count}")
                pairs[name].append(answers)
                for dtype in PEAKS if peaks else ():
                    gemm[dtype] = max(gemm.get(dtype, 0), running[dtype].ask("run 1")["tokens"])
            if peaks and not shares:
                shares = running["engine"].ask("profile")
            facts = running["engine"].facts
            notes[name] = running[name].facts["ready"].get("notes", [])
    return {
        "facts": facts, "pairs": pairs, "gemm": gemm, "shares": shares, "notes": notes,
        "first": first,
    }  # fmt: skip


def need(device: str) -> None:
    """End here, plainly, where a GPU is asked for and there is none."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            sys.exit("no GPU here: torch.cuda.is_available() is False; nothing was measured")


def spread(values: list[float], form: str = "{:.2f}") -> str:
    low, middle, high = (
        form.format(v) for v in (min(values), statistics.median(values), max(values))
    )
    return f"{middle} ({low} – {high})"


def rate(answer: dict[str, Any], clock: str) -> float:
    return float(answer["tokens"] / answer[clock])


def table(result: dict[str, Any], clock: str) -> str:
    """Markdown: rate of each variant and how many times faster the engine is."""
    lines = [
        "| variant | real tokens/s | engine is faster by | peak memory, MB |",
        "|---|---|---|---|",
    ]
    ours = [answer for pair in result["pairs"].values() for answer, _ in pair]
    rows = [("engine", ours, "1")]
    for name, pair in result["pairs"].items():
        ratios = [rate(engine, clock) / rate(other, clock) for engine, other in pair]
        rows.append((name, [other for _, other in pair], spread(ratios)))
    for name, answers, faster in rows:
        rates = spread([rate(answer, clock) for answer in answers], "{:.0f}")
        lines.append(f"| {name} | {rates} | {faster} | {answers[-1]['peak'] / 1e6:.0f} |")
    return "\n".join(lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tokens", required=True, help="token file (Arrow) of real texts")
    arguments.add_argument("--model", default="minilm-l6", help="architecture by name, or a folder")
    arguments.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments.add_argument("--threads", type=int, default=os.cpu_count())
    arguments.add_argument("--batch", type=int, default=32)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--steps", type=int, default=3, help="of the engine per round")
    arguments.add_argument(
        "--rival-steps", type=int, default=1,
        help=f"of the other per round; {SPREAD} times as many where it groups texts by length",
    )  # fmt: skip
    arguments.add_argument("--quick", action="store_true", help="one round, without plain bf16")
    arguments.add_argument(
        "--only", choices=["train", "infer", "compile"],
        help="one half of the benchmark; or what compiling the layers brings, and costs",
    )  # fmt: skip
    arguments.add_argument(
        "--clock", choices=["seconds", "cpu_seconds"], default="seconds",
        help="cpu_seconds where other programs share the cores (use --threads 1 with it)",
    )  # fmt: skip
    given = arguments.parse_args()
    need(given.device)
    common = {
        "model": given.model, "tokens": given.tokens, "batch": given.batch,
        "threads": given.threads, "device": given.device,
    }  # fmt: skip
    rounds = 1 if given.quick else given.rounds
    print(f"{given.model}, {Path(given.tokens).name}, batch {given.batch}, {given.device}, "
          f"{given.threads} threads, {platform.processor() or platform.machine()}, "
          f"clock: {given.clock}\n")  # fmt: skip
    if given.only == "compile":
        result = compare(COMPILED, common, rounds, given.steps, given.steps, peaks=False)
        print("Training\n\n" + table(result, given.clock) + "\n")
        for name, seconds in result["first"].items():
            print(f"{name}: its first step ends {seconds:.1f} s after the start")
    if given.only in (None, "train"):
        tasks = {n: t for n, t in TRAINING.items() if n != "Trainer bf16" or not given.quick}
        result = compare(tasks, common, rounds, given.steps, given.rival_steps, peaks=True)
        print("Training\n\n" + table(result, given.clock))
        for name, notes in result["notes"].items():
            for note in notes:
                print(f"\n{name}: {note}")
        executed, gemm = result["facts"]["ready"], result["gemm"]
        rates = [rate(a, given.clock) for pair in result["pairs"].values() for a, _ in pair]
        reached = statistics.median(rates) * result["facts"]["flops"]
        print(f"\nexecution: {json.dumps(executed)}")
        print("matrix peak: " + ", ".join(f"{k} {v / 1e9:.0f} GFLOP/s" for k, v in gemm.items()))
        print(f"engine: {reached / 1e9:.0f} GFLOP/s, "
              f"{reached / gemm[executed['precision']]:.0%} of the {executed['precision']} peak")  # fmt: skip
        print("share of time: " + ", ".join(f"{k} {v:.0%}" for k, v in result["shares"].items()))
    if given.only in (None, "infer"):
        result = compare(INFERENCE, common, rounds, 1, 1, peaks=False)
        print("\nInference\n\n" + table(result, given.clock))


if __name__ == "__main__":
    main()
