"""What a worker's process does: python -m stages.working"""

import gc
import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import torch
import transformers  # noqa: F401  # while the worker before this one is still at work

from finetone.engine.hardware import devices
from finetone.engine.hardware import machine as this
from stages import STAGES, Setting
from stages.supervising import BROKEN


def work() -> None:
    """What a worker does: the items of one stage, each row a line of JSON."""
    sink = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no row

    def say(row: dict[str, Any]) -> None:
        print(json.dumps(row, default=str), file=sink, flush=True)

    task = json.loads(sys.stdin.readline())
    if task["device"] == "cuda" and not torch.cuda.is_available():
        say({"no_gpu": True})
        return
    say({"machine": machine(task["device"])})
    module = importlib.import_module(f"stages.{STAGES[task['stage']].module}")
    common = (task["device"], task["tiny"], Path(task["inputs"]))
    names = module.items(Setting(*common, seconds=0, threads=task["threads"]))
    names = [name for name in names if name not in task["skip"]]
    weights = [getattr(module, "weight", lambda _: 1.0)(name) for name in names]
    for i, item in enumerate(names):
        share = (task["until"] - time.monotonic()) * weights[i] / sum(weights[i:])
        say({"begins": item, "share": share})
        began = time.monotonic()

        def row(facts: dict[str, Any], item: str = item, began: float = began) -> None:
            say({"item": item, **facts, "after": round(time.monotonic() - began, 1)})

        try:
            for facts in module.run(item, Setting(*common, share, task["threads"], row)):
                row(facts)
        except Exception:
            row({"traceback": traceback.format_exc()})
            if not usable(task["device"]):
                os._exit(BROKEN)
        free(task["device"])
    say({"finished": True})


def usable(device: str) -> bool:
    """Whether the GPU still computes: after an illegal access, nothing does in the same process."""
    try:
        return bool((torch.ones(2, device=device).sum() == 2).item())
    except Exception:
        return False


def free(device: str) -> None:

    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def machine(device: str) -> dict[str, Any]:
    """Hardware and versions."""
    found: dict[str, Any] = dict(this.versions("torch", "transformers", "numpy", "pyarrow"))
    found |= {"device": devices.name(torch.device(device)), "processor": this.processor()}
    if device == "cuda":
        found |= {"cuda": torch.version.cuda, "memory": devices.memory(torch.device(device))}
    return found


if __name__ == "__main__":
    work()
