"""A step of BERT replayed from CUDA graphs: one for each number of tokens that batches are filled up to.

An experiment, not the engine: texts lie behind one another from the embeddings on, and a last one, which
nothing reads, fills the row up, so that what is captured has few shapes. Starting a step then costs one
call, however many kernels it has.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from architectures import build
from torch import nn
from worker import Build, Step, flops_per_token

from finetone.engine.batches import epoch_order, send
from finetone.engine.fast import attention
from finetone.engine.fast.casts import SharedCasts
from finetone.engine.fast.dropout import Stream, fast_dropout
from finetone.engine.fast.packing import Packing
from finetone.engine.recipe import Recipe, adamw
from finetone.formats.token_file import Tokens

FILL = 512  # tokens


@dataclass
class Shape:
    """What the graph of one number of tokens N reads: copied into before each replay."""

    ids: torch.Tensor  # int64 [N]
    positions: torch.Tensor  # int64 [N], in their texts
    offsets: torch.Tensor  # int32 [texts + 2], the filling text included
    labels: torch.Tensor  # int64 [texts]
    lengths: np.ndarray  # of the texts now loaded
    graph: Any = None

    @classmethod
    def of(cls, total: int, texts: int, device: torch.device) -> "Shape":
        ids, positions, labels = (
            torch.zeros(size, dtype=torch.int64, device=device) for size in (total, total, texts)
        )
        offsets = torch.zeros(texts + 2, dtype=torch.int32, device=device)
        return cls(ids, positions, offsets, labels, np.zeros(texts + 1, dtype=np.int64))

    def load(self, data: Tokens, rows: np.ndarray) -> None:
        words = [data.input_ids[data.offsets[row] : data.offsets[row + 1]] for row in rows]
        filling = len(self.ids) - int(data.lengths[rows].sum())
        self.lengths = np.append(data.lengths[rows], filling)
        for target, array in (
            (self.ids, np.concatenate([*words, np.full(filling, data.meta.pad_token_id)])),
            (self.positions, np.concatenate([np.arange(n) for n in self.lengths])),
            (self.offsets, np.concatenate([[0], np.cumsum(self.lengths)])),
            (self.labels, data.labels[rows]),
        ):
            target.copy_(send(array.astype(np.int64), target.device), non_blocking=True)


def graphed(model: Build, data: Tokens, batch: int, threads: int, device: torch.device) -> Step:
    """Steps of a BERT; on the CPU, where there are no graphs, the same without them."""
    torch.set_num_threads(threads)
    module: Any = build(model).to(device).train()
    casts, optimizer = SharedCasts(module), adamw(module, Recipe())
    yield {"ready": {}, "flops": flops_per_token(module, data)}
    shapes: dict[int, Shape] = {}
    pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None
    longest, epoch, stream = max(data.meta.max_length, FILL), 0, Stream(0)
    with _packed_attention(module), casts.of_inputs(), fast_dropout(stream):
        while True:
            order, epoch = epoch_order(0, epoch, len(data)), epoch + 1
            for start in range(0, len(data) - batch + 1, batch):
                rows = order[start : start + batch]
                lengths = data.lengths[rows].tolist()
                total = -(-(sum(lengths) + 1) // FILL) * FILL  # one token to fill at least
                shape = shapes.setdefault(total, Shape.of(total, batch, device))
                shape.load(data, rows)
                if pool is None:
                    optimizer.zero_grad()
                    _step(module, shape, casts, longest, stream)
                else:
                    if shape.graph is None:
                        _capture(module, shape, casts, longest, pool)
                    shape.graph.replay()
                optimizer.step()
                yield lengths


def _capture(module: nn.Module, shape: Shape, casts: SharedCasts, longest: int, pool: Any) -> None:
    """Capture forward and backward pass, as torch's documentation of graphs has it."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(2):
            _step(module, shape, casts, longest, None)
    torch.cuda.current_stream().wait_stream(side)
    shape.graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(shape.graph, pool=pool):
        torch._foreach_zero_([w.grad for w in module.parameters() if w.grad is not None])
        _step(module, shape, casts, longest, None)


@contextmanager
def _packed_attention(module: Any) -> Iterator[None]:
    before = module.config._attn_implementation
    module.set_attn_implementation(attention.NAME)
    try:
        yield
    finally:
        module.set_attn_implementation(before)


class _Packed(Packing):
    """Of offsets that are on the device already; all texts may be as long as the longest."""

    def __init__(self, shape: Shape, longest: int) -> None:
        super().__init__(np.full(len(shape.lengths), longest), longest, shape.ids)
        self.given = shape.offsets

    @property
    def offsets(self) -> torch.Tensor:  # type: ignore[override]
        return self.given


def _step(
    module: Any, shape: Shape, casts: SharedCasts, longest: int, stream: Stream | None
) -> None:
    """Forward and backward pass over one packed row."""
    bert, device, texts = module.base_model, shape.ids.device, len(shape.labels)
    packing: Packing = _Packed(shape, longest)
    if device.type == "cpu":  # whose attention wants the lengths
        packing = Packing(shape.lengths, longest, torch.arange(len(shape.ids)))
    with torch.autocast(device.type, torch.bfloat16, cache_enabled=False), casts.of_one_pass():
        states = bert.embeddings(
            input_ids=shape.ids[None],
            position_ids=shape.positions[None] % module.config.max_position_embeddings,
            token_type_ids=torch.zeros_like(shape.ids)[None],
        )
        with attention.packed(packing, stream):
            for layer in bert.encoder.layer:
                output = layer(states, None)
                states = output if isinstance(output, torch.Tensor) else output[0]
        first = states[0].index_select(0, shape.offsets[:texts])
        logits = module.classifier(module.dropout(bert.pooler(first[:, None])))
        F.cross_entropy(logits.float(), shape.labels).backward()
