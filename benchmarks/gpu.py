"""Everything to find out on a GPU in minutes: stages that end on their own clock, one JSON file.

    python benchmarks/gpu_inputs.py --train TRAIN.parquet --test TEST.parquet --model FOLDER
    python benchmarks/gpu.py                                   # on the machine with the GPU
    python benchmarks/gpu.py --stages a b --seconds 60 120
    python benchmarks/gpu.py --device cpu --tiny               # does everything run?

    a   every architecture, shrunken: unpadded against padded, in fp32 and bf16, with dropout
    b   four models at full width: the engine beside the Trainer, the matrix peak, where time goes
    c   what compiling, CUDA graphs, optimizers and larger batches bring
    d   rates of the fifteen models, and the whole experiment at these rates
    e   MiniLM-L6 on all of IMDB, three epochs; BERT-base without pretraining, one

It needs torch, transformers, numpy and pyarrow alone. Nothing ends for another's failure: what fails
leaves its traceback in the file, which is written anew after every row. A stage works in a process of
its own, which is replaced where it dies, hangs or has broken the GPU's context; what is left goes on.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from stages import STAGES
from stages.summaries import SUMMARIES
from stages.supervising import Worker, stage_rows

RESULTS = Path(__file__).resolve().parents[1] / "results"


def shown(row: dict[str, Any]) -> str:
    """A row as one short line; of a traceback the last line."""
    name = f"{row.get('item')}" + (f", {row['variant']}" if "variant" in row else "")
    if "traceback" in row:
        return f"{name}: FAILED {row['traceback'].strip().splitlines()[-1][:200]}"
    if row.get("ok"):
        return f"{name}: ok, {row['executed']}"
    return f"{name}: " + ", ".join(
        f"{key} {_short(value)}" for key, value in row.items() if key not in ("item", "variant")
    )


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, dict):
        return f"({', '.join(f'{key} {_short(each)}' for key, each in value.items())})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_short(each) for each in value[:3])}{', …' if len(value) > 3 else ''}]"
    return str(value)[:80]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--seconds", nargs="+", type=float, help="of each stage, or of all alike")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tiny", action="store_true", help="shrunken models, invented texts")
    parser.add_argument("--inputs", type=Path, default=RESULTS / "gpu-inputs")
    parser.add_argument("--out", type=Path, default=RESULTS / "gpu.json")
    parser.add_argument("--threads", type=int, default=min(8, os.cpu_count() or 1))
    given = parser.parse_args()
    seconds = given.seconds or [STAGES[name].seconds for name in given.stages]
    if len(seconds) == 1:
        seconds *= len(given.stages)
    if len(seconds) != len(given.stages):
        parser.error(f"--seconds: give one number, or {len(given.stages)}")
    if not given.tiny and not (given.inputs / "train.arrow").is_file():
        parser.error(f"{given.inputs}: no inputs; make them with gpu_inputs.py, or give --tiny")
    run(given, dict(zip(given.stages, seconds, strict=True)))


def run(given: argparse.Namespace, clocks: dict[str, float]) -> None:
    result: dict[str, Any] = {"command": sys.argv[1:], "machine": {}, "stages": {}}
    task = {
        "device": given.device, "tiny": given.tiny, "inputs": str(given.inputs),
        "threads": given.threads,
    }  # fmt: skip
    spare = [Worker(given.device, given.threads)]

    def another() -> Worker:
        spare.append(Worker(given.device, given.threads))
        return spare.pop(0)

    began = time.monotonic()
    for name, seconds in clocks.items():
        print(f"\n== {name}: {STAGES[name].measures}; {seconds:.0f} s", flush=True)
        stage: dict[str, Any] = {"seconds": seconds, "done": False, "rows": []}
        result["stages"][name] = stage
        started = time.monotonic()
        for row in stage_rows(name, seconds, another(), another, task):
            if "no_gpu" in row:
                sys.exit("no GPU here: torch.cuda.is_available() is False; nothing was measured")
            if "machine" in row:
                result["machine"] = row["machine"]
                continue
            if "finished" in row:
                stage["done"] = row["finished"]
            else:
                stage["rows"].append(row)
                if "ready" not in row:
                    print(f"{name} {time.monotonic() - began:4.0f} s  {shown(row)}", flush=True)
            stage["took"] = time.monotonic() - started
            write(given.out, result)
    for worker in spare:
        worker.end()
    result["summaries"] = {
        name: SUMMARIES[name](stage["rows"]) for name, stage in result["stages"].items()
    }
    write(given.out, result)
    for name, found in result["summaries"].items():
        print(f"\n{name}: {json.dumps(found)}", flush=True)
    print(given.out, flush=True)


def write(target: Path, result: dict[str, Any]) -> None:
    """Whole or not at all, so that what was found is kept whatever ends this."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.write_text(json.dumps(result, indent=1), encoding="utf-8")
    partial.replace(target)


if __name__ == "__main__":
    main()
