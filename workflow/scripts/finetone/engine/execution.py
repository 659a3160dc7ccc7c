"""How a module is executed: device, precision and fast paths, with every fallback on record."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from finetone.engine import device as devices
from finetone.engine.batches import Batch, by_length
from finetone.engine.fast import plan
from finetone.engine.fast.dropout import Stream, fast_dropout
from finetone.engine.fast.embeddings import Occurring
from finetone.engine.fast.memory import tune_malloc
from finetone.engine.recipe import EngineOptions
from finetone.errors import UserError
from finetone.formats.token_file import Tokens
from finetone.log import logger


class Execution:
    """What the engine options mean on this machine for one module.

    `running(module, …)` brings the fast paths in and takes them out again, `logits` executes a
    batch, `parts` says how a batch is cut for execution, `record()` is run.json's `execution`.
    """

    def __init__(
        self, options: EngineOptions, threads: int, device: torch.device | None = None
    ) -> None:
        self.options = options
        self.threads = threads
        self.device = device or devices.pick()
        self.notes: list[str] = []
        bf16 = options.precision == "bf16" or (
            options.precision == "auto" and devices.fast_bf16(self.device)
        )
        self.precision = "bf16" if bf16 else "fp32"
        self.padding_free = False
        self.token_read: str | None = None  # the one per text that the last layer works on
        self.compiled = False
        self.rows: Occurring | None = None  # the embeddings that are trained; None: all of them
        self.in_parts = False  # a batch is executed in parts of similar length instead
        self.padding_matters = False  # logits hang on how much padding stands behind a text
        self.pieces = 1  # a batch is executed in at least so many parts (grows when memory ends)
        self.stream: Stream | None = None
        torch.set_num_threads(threads)
        if self.device.type == "cpu":
            tune_malloc()

    def note(self, text: str) -> None:
        """Log a fallback and remember it for run.json."""
        logger.info("%s", text)
        self.notes.append(text)

    @contextmanager
    def running(
        self,
        module: nn.Module,
        tokens: Tokens,
        seed: int,
        *,
        learning: Sequence[Tokens] = (),
        steps: int = 0,
    ) -> Iterator[None]:
        """Execute `module` our way inside the block; leave it as it was afterwards.

        Where it is trained, `learning` has all texts that it will see, in so many `steps`. Fast
        paths are first checked against plain execution on a few of the real texts, in eval mode;
        one that disagrees is not taken, and that is noted.
        """
        module.to(self.device)
        with ExitStack() as stack:
            if self.device.type == "cpu":
                self.stream = Stream(seed)
                stack.enter_context(fast_dropout(self.stream))
            ours = hasattr(module, "set_attn_implementation")  # a transformers model
            if ours and len(tokens):
                plan.take(self, module, tokens, learning, steps, stack)
            yield

    def decay(self, factor: float) -> None:
        """Tell embeddings that are not trained what weight decay has left of the others."""
        if self.rows is not None:
            self.rows.decay(factor)

    def logits(self, module: nn.Module, batch: Batch, *, check: bool = False) -> torch.Tensor:
        """Logits fp32 [rows, classes] of one batch."""
        bf16 = self.precision == "bf16" and not (check and self.device.type == "cpu")
        with ExitStack() as stack:
            if bf16:
                stack.enter_context(torch.autocast(self.device.type, dtype=torch.bfloat16))
            if self.padding_free:
                from finetone.engine.fast.attention import packed
                from finetone.engine.fast.packing import Packing

                width = batch.input_ids.shape[1]
                packing = Packing.right_padded(batch.lengths, width, self.device)
                stack.enter_context(packed(packing, self.stream))
            output = module(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
            return output.logits.float()

    def parts(self, lengths: np.ndarray) -> list[np.ndarray]:
        """Cut a batch into the row groups that are executed together (usually one)."""
        pieces = self.pieces
        if self.in_parts:  # worth it from about a thousand tokens each
            pieces = max(pieces, min(8, int(lengths.max()) * len(lengths) // 1024))
        if pieces == 1:
            return [np.arange(len(lengths))]
        return np.array_split(np.argsort(-lengths, kind="stable"), min(pieces, len(lengths)))

    def prediction_batches(self, lengths: np.ndarray) -> list[np.ndarray]:
        """Row groups for prediction: sorted by length, a bounded number of tokens in each.

        Where padding would change a text's logits, only texts of equal length share a batch.
        """
        budget = (1 << 17) if self.device.type == "cuda" else (1 << 13)
        return by_length(lengths, max(1, budget // self.pieces), equal=self.padding_matters)

    def use_less_memory(self, rows: int) -> None:
        """After an out-of-memory: from now on execute a batch in twice as many parts."""
        if self.pieces >= rows:
            raise UserError(
                f"out of memory on {devices.name(self.device)} even with one example at a time; "
                "lower max_length or use a device with more memory"
            )
        self.pieces *= 2
        self.note(f"out of memory: a batch is now executed in {self.pieces} parts (same gradients)")
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def fingerprint(self) -> dict[str, Any]:
        """What a saved state must share with this run: what was asked for, and its shapes."""
        return {
            **self.options.as_dict(),
            "torch": torch.__version__,
            "embeddings": None if self.rows is None else self.rows.kept.tolist(),
        }

    def machine(self) -> dict[str, Any]:
        """What changes bits without being asked for: training may go on elsewhere, and notes it."""
        return {
            "device": self.device.type,
            "device_name": devices.name(self.device),
            "threads": self.threads,
            "precision": self.precision,
            "compiled": self.compiled,
        }

    def state(self) -> dict[str, Any]:
        """What a resumed run must restore to draw and round the same."""
        stream = self.stream.state() if self.stream else None
        return {"pieces": self.pieces, "notes": list(self.notes), "stream": stream}

    def restore(self, state: dict[str, Any]) -> None:
        """Undo `state`; notes made since then stay, for another machine may fall back elsewhere."""
        since = [note for note in self.notes if note not in state["notes"]]
        self.pieces, self.notes = state["pieces"], [*state["notes"], *since]
        if self.stream and state["stream"]:  # none where it was saved on a GPU
            self.stream.restore(state["stream"])

    def record(self) -> dict[str, Any]:
        return {
            "device": self.device.type,
            "device_name": devices.name(self.device),
            "threads": self.threads,
            "precision": self.precision,
            "padding_free": self.padding_free,
            "token_read": self.token_read,
            "embeddings_trained": None if self.rows is None else len(self.rows.kept),
            "compiled": self.compiled,
            "notes": list(self.notes),
        }
