"""Peak memory of a training step with 32 texts of 512 tokens, for every architecture at true size.

    python benchmarks/memory.py --tokens imdb.arrow [--models bert-base …]      # CPU

The engine's is measured: the high-water mark of a process that makes two steps with the longest texts
of the token file, its imports included. The padded loop's is computed where no machine at hand could
hold it: weights, gradients and AdamW's two moments, and all that the forward pass saves for the
backward pass. The latter grows by the same amount with each text, so steps of one and two texts tell
what one of 32 saves. Nothing short-lived is counted: a real padded step needs more.
"""

import argparse
import os
import signal
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from architectures import CONFIGS, build
from engine import workers
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from finetone.formats.token_file import read_tokens

BYTES = 4 * 4  # per parameter, fp32: weight, gradient, two moments


def padded_step(name: str, rows: int, width: int) -> int:
    """Bytes that a step with `rows` texts padded to `width` tokens holds: dropout on, fp32."""
    module = build(name).train()
    one, two = (saved(module, count, width) for count in (1, 2))
    return BYTES * sum(p.numel() for p in module.parameters()) + one + (rows - 1) * (two - one)


def saved(module: nn.Module, rows: int, width: int) -> int:
    """Bytes that the forward pass keeps for the backward pass, the weights themselves aside."""
    weights = {p.untyped_storage().data_ptr() for p in module.parameters()}
    kept: dict[int, int] = {}  # by address: what is kept stays where it is

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.full((rows, width), 5)
    ids[:, -1] = 102  # ends a text, see architectures.py
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = module(
            input_ids=ids, attention_mask=torch.ones_like(ids), labels=torch.zeros(rows).long()
        ).loss
    assert loss.requires_grad  # the graph lives until here, and with it all that was kept
    return sum(kept.values())


def write_longest(tokens: Path, rows: int, target: Path) -> None:
    """A token file of the `rows` longest texts of another."""
    table = pa.ipc.open_file(tokens).read_all()
    lengths = table.column("input_ids").combine_chunks().value_lengths().to_numpy()
    table = table.take(np.argsort(-lengths, kind="stable")[:rows])
    with pa.ipc.new_file(target, table.schema) as writer:
        writer.write_table(table)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tokens", type=Path, required=True, help="token file of real texts")
    arguments.add_argument("--models", nargs="+", default=list(CONFIGS))
    arguments.add_argument("--rows", type=int, default=32)
    arguments.add_argument("--threads", type=int, default=os.cpu_count())
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "longest.arrow"
        write_longest(given.tokens, given.rows, file)
        lengths = read_tokens(file).lengths
        width = int(lengths.max())
        print(f"{given.rows} texts of {lengths.min()} to {width} tokens\n")
        print("| model | engine, MB | padded loop at least, MB | share |\n|---|---|---|---|")
        for model in given.models:
            common = {
                "model": model, "tokens": str(file), "batch": given.rows,
                "threads": given.threads, "device": "cpu",
            }  # fmt: skip
            with ProcessPoolExecutor(1, get_context("spawn")) as process:  # gives its memory back
                padded = process.submit(padded_step, model, given.rows, width).result()
            with workers({"engine": {"kind": "engine"}}, common) as running:
                try:
                    ours = running["engine"].ask("run 2")["peak"]
                    engine, share = f"{ours / 1e6:.0f}", f"{ours / padded:.2f}"
                except RuntimeError:
                    if running["engine"].process.wait() != -signal.SIGKILL:
                        raise
                    # the kernel ended it
                    engine, share = "did not fit", ""
            print(f"| {model} | {engine} | {padded / 1e6:.0f} | {share} |", flush=True)


if __name__ == "__main__":
    main()
