"""One way to train or predict, held ready in a process of its own and run in bursts on demand.

Reads commands from standard input (`run <steps>`, `profile`), answers each with a line of JSON. Before
its first answer it prints another one, of how it is executed.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import torch
from architectures import build, training_flops

from finetone.engine.batches import collate, epoch_order
from finetone.engine.execution import Execution
from finetone.engine.fast import plan
from finetone.engine.fast.memory import limit_onednn_cache, tune_malloc
from finetone.engine.fast.packing import shapes
from finetone.engine.hardware import devices
from finetone.engine.objective import Classification, gradients
from finetone.engine.recipe import EngineOptions, Recipe, adamw
from finetone.formats.token_file import Tokens, read_tokens

Build = str | Callable[[], torch.nn.Module]  # an architecture by name, a folder, or what makes one
# yields how it is executed, and then the lengths of the texts each step has worked on
Step = Iterator[Any]


def engine(
    model: Build,
    data: Tokens,
    batch: int,
    threads: int,
    device: torch.device,
    *,
    compiled: bool = False,
    optimizer_of: Callable[..., torch.optim.Optimizer] = adamw,
    **options: Any,
) -> Step:
    """finetone's own loop, one optimizer step at a time; `compiled` as if it always paid."""
    limit_onednn_cache(shapes(data.lengths, batch))
    execution = Execution(EngineOptions(**options), threads, device)
    module = build(model)
    pays = {device.type: 0} if compiled else {}
    with mock.patch.dict(plan.COMPILING_PAYS, pays), ExitStack() as running:
        running.enter_context(execution.running(module, data, 0, training_texts=[data]))
        undo = running.pop_all()
    with undo:
        yield {"ready": execution.record(), "flops": flops_per_token(module, data)}
        optimizer, objective, epoch = optimizer_of(module, Recipe()), Classification(data), 0
        module.train()
        while True:
            order, epoch = epoch_order(0, epoch, len(data)), epoch + 1
            for start in range(0, len(data) - batch + 1, batch):
                rows = order[start : start + batch]
                optimizer.zero_grad()
                gradients(module, objective, rows, execution)
                optimizer.step()
                yield data.lengths[rows].tolist()


def engine_inference(
    model: Build, data: Tokens, batch: int, threads: int, device: torch.device, **options: Any
) -> Step:
    """Prediction as `finetone.engine.predict` does it, 8 batches' rows at a time."""
    from finetone.engine.predict import SHAPES, predict_module

    limit_onednn_cache(SHAPES)
    execution = Execution(EngineOptions(**options), threads, device)
    module = build(model)
    with execution.running(module, data, 0):
        yield {"ready": execution.record(), "flops": flops_per_token(module, data)}
        for rows in _forever(data, 8 * batch):
            part = _rows(data, rows)
            predict_module(module, part, execution=execution)
            yield part.lengths.tolist()


def padded_inference(
    model: Build, data: Tokens, batch: int, threads: int, device: torch.device
) -> Step:
    """The loop everybody writes: batches in file order, dynamic padding, fp32."""
    torch.set_num_threads(threads)
    module = build(model).to(device).eval()
    yield {"ready": {}, "flops": flops_per_token(module, data)}
    for rows in _forever(data, batch):
        with torch.no_grad():
            part = collate(data, rows, device)
            module(input_ids=part.input_ids, attention_mask=part.attention_mask).logits.cpu()
        yield data.lengths[rows].tolist()


def trainer(
    model: Build,
    data: Tokens,
    batch: int,
    threads: int,
    device: torch.device,
    *,
    bf16: bool = False,
    grouped: int = 0,
    malloc: bool = False,
    compiled: bool = False,
) -> Step:
    """Hugging Face's Trainer; it blocks in a callback between bursts, so steps are its own.

    Where accelerate is missing, and with it the Trainer, the same step is written out.
    """
    torch.set_num_threads(threads)
    if malloc:
        tune_malloc()
    try:
        import accelerate  # noqa: F401
    except ImportError:
        return _trainers_step(model, data, batch, device, bf16, grouped, compiled)
    return _real_trainer(model, data, batch, device, bf16, grouped, compiled)


def _dataset(data: Tokens) -> Any:
    class Rows(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return len(data)

        def __getitem__(self, i: int) -> dict[str, Any]:
            ids = data.input_ids[data.offsets[i] : data.offsets[i + 1]]
            return {"input_ids": ids.tolist(), "labels": int(data.labels[i])}

    return Rows()


def _collator(data: Tokens) -> Callable[[list[dict[str, Any]]], dict[str, torch.Tensor]]:
    """Dynamic padding to the longest text, as DataCollatorWithPadding does it."""

    def pad(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        width = max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), width), data.meta.pad_token_id)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
            mask[i, : len(row["input_ids"])] = 1
        labels = torch.tensor([row["labels"] for row in rows])
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    return pad


def _real_trainer(
    model: Build, data: Tokens, batch: int, device: torch.device, bf16: bool, grouped: int,
    compiled: bool,
) -> Step:  # fmt: skip
    import queue
    import tempfile
    import threading

    from transformers import Trainer, TrainerCallback, TrainingArguments

    go: queue.Queue[bool] = queue.Queue()
    done: queue.Queue[list[int] | Exception] = queue.Queue()
    order: list[int] = []

    class Bursts(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            if not go.get():
                raise StopIteration

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            step = (state.global_step - 1) % (len(order) // batch)
            done.put(data.lengths[order[step * batch :][:batch]].tolist())

    class Mixed(Trainer):  # type: ignore[misc]
        def _get_train_sampler(self, *args: Any) -> Any:
            if not order:
                drawn = list(super()._get_train_sampler(*args))
                order[:] = _mixed(drawn, data.lengths, batch, grouped) if grouped else drawn
            return order

    module = build(model)
    arguments = TrainingArguments(
        tempfile.mkdtemp(), per_device_train_batch_size=batch, bf16=bf16, report_to=[],
        train_sampling_strategy="group_by_length" if grouped else "random", max_steps=10**6,
        save_strategy="no", logging_strategy="no", disable_tqdm=True,
        use_cpu=device.type == "cpu", dataloader_drop_last=True, learning_rate=2e-5,
        lr_scheduler_type="constant", weight_decay=0.01, torch_compile=compiled,
        dataloader_num_workers=2 if grouped and device.type == "cuda" else 0,
    )  # fmt: skip
    loop = Mixed(
        module, arguments, train_dataset=_dataset(data), data_collator=_collator(data),
        callbacks=[Bursts()],
    )  # fmt: skip
    yield {"ready": {}, "flops": flops_per_token(module, data)}

    def train() -> None:
        try:
            loop.train()
        except StopIteration:
            pass
        except Exception as error:
            done.put(error)

    threading.Thread(target=train, daemon=True).start()
    try:
        while True:
            go.put(True)
            if isinstance(lengths := done.get(), Exception):
                raise lengths
            yield lengths
    finally:
        go.put(False)


def _mixed(order: list[int], lengths: np.ndarray, batch: int, spread: int) -> list[int]:
    """The same batches in another order, `spread` in a row from short to long.

    The sampler's own order begins with the longest, so that its first few stand for nothing.
    """
    batches = [order[i : i + batch] for i in range(0, len(order) - batch + 1, batch)]
    batches.sort(key=lambda rows: int(lengths[rows].sum()))
    stride = max(1, len(batches) // spread)
    return [row for start in range(stride) for rows in batches[start::stride] for row in rows]


def _trainers_step(
    model: Build, data: Tokens, batch: int, device: torch.device, bf16: bool, grouped: int,
    compiled: bool,
) -> Step:  # fmt: skip
    module = build(model).to(device).train()
    forward = torch.compile(module) if compiled else module
    optimizer = torch.optim.AdamW(module.parameters(), lr=2e-5, weight_decay=0.01, fused=True)
    rows, pad = _dataset(data), _collator(data)
    random = np.random.default_rng(0)
    note = "the Trainer's step written out: accelerate is not installed"
    yield {"ready": {"notes": [note]}, "flops": flops_per_token(module, data)}
    while True:
        order = random.permutation(len(data))
        if grouped:  # sorted within each 50 batches, as group_by_length does it
            cuts = np.split(order, range(50 * batch, len(order), 50 * batch))
            order = np.concatenate([cut[np.argsort(-data.lengths[cut])] for cut in cuts])
            order = np.array(_mixed(order.tolist(), data.lengths, batch, grouped))
        for start in range(0, len(order) - batch + 1, batch):
            chosen = order[start : start + batch]
            inputs = {k: v.to(device) for k, v in pad([rows[int(i)] for i in chosen]).items()}
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                loss = forward(**inputs).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            yield data.lengths[chosen].tolist()


def gemm(
    model: Build, data: Tokens, batch: int, threads: int, device: torch.device, *, dtype: str
) -> Step:
    """The largest rate of matrix products (two sizes): what no training can exceed."""
    torch.set_num_threads(threads)
    rows = 16384 if device.type == "cuda" else 4096
    sizes = (4096, 8192) if device.type == "cuda" else (1024, 1536)
    pairs = [
        (torch.randn(rows, n, device=device).to(getattr(torch, dtype)),
         torch.randn(n, n, device=device).to(getattr(torch, dtype)))
        for n in sizes
    ]  # fmt: skip
    yield {"ready": {}, "flops": 0}
    while True:
        best = 0.0
        for a, b in pairs:
            for _ in range(8):
                start = _wait(device)
                a @ b
                best = max(best, 2 * a.shape[0] * b.numel() / (_wait(device) - start))
        yield [int(best)]


def flops_per_token(module: torch.nn.Module, data: Tokens) -> float:
    """Per real token on these data, on average."""
    return training_flops(module, data.lengths.tolist()) / float(data.lengths.sum())


def _forever(data: Tokens, count: int) -> Iterator[np.ndarray]:
    order = np.random.default_rng(0).permutation(len(data))
    while True:
        for start in range(0, max(1, len(order) - count + 1), count):
            yield order[start : start + count]


def _rows(data: Tokens, rows: np.ndarray) -> Tokens:
    pieces = [data.input_ids[data.offsets[i] : data.offsets[i + 1]] for i in rows]
    offsets = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])])
    return replace(
        data, ids=data.ids[rows], labels=data.labels[rows], offsets=offsets,
        input_ids=np.concatenate(pieces),
    )  # fmt: skip


def _wait(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


KINDS: dict[str, Callable[..., Step]] = {
    "engine": engine, "engine_inference": engine_inference, "padded_inference": padded_inference,
    "trainer": trainer, "gemm": gemm,
}  # fmt: skip

SHARES = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::linear", "aten::matmul"),
    "attention": (
        "aten::bmm", "aten::_softmax", "_softmax_backward_data", "GroupedAttention", "flash", "efficient",
        "scaled_dot", "masked_fill", "threshold_backward", "aten::clamp_min", "aten::abs",
    ),
    "dropout": ("dropout", "_Dropout", "aten::ge", "aten::copysign", "aten::sub_"),
    "norm and activation": ("layer_norm", "gelu", "relu", "tanh"),
    "optimizer": ("adam",),
    "casts and copies": ("copy", "index", "aten::clone", "aten::fill_"),
}  # fmt: skip


def shares(steps: Step) -> dict[str, float]:
    """Where one training step spends its time, by the name of the operation."""
    with torch.profiler.profile() as profile:
        next(steps)
    total: dict[str, float] = dict.fromkeys([*SHARES, "other"], 0.0)
    for event in profile.key_averages():
        spent = event.self_device_time_total or event.self_cpu_time_total
        kind = next(
            (k for k, names in SHARES.items() if any(n in event.key for n in names)), "other"
        )
        total[kind] += spent
    return {kind: spent / sum(total.values()) for kind, spent in total.items()}


def main() -> None:
    task = json.loads(sys.argv[1])
    device = torch.device(task.pop("device"))
    data = read_tokens(task.pop("tokens"))
    steps = KINDS[task.pop("kind")](data=data, device=device, **task)
    facts: dict[str, Any] = {}
    for line in sys.stdin:
        if not facts:
            facts = next(steps)
            print(json.dumps(facts), flush=True)
        command, *rest = line.split()
        if command == "profile":
            print(json.dumps(shares(steps)), flush=True)
            continue
        start, cpu = _wait(device), time.process_time()
        lengths = [length for _ in range(int(rest[0])) for length in next(steps)]
        seconds = _wait(device) - start
        answer = {
            "tokens": sum(lengths), "examples": len(lengths), "seconds": seconds,
            "cpu_seconds": time.process_time() - cpu, "peak": devices.peak_memory(device),
        }  # fmt: skip
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
