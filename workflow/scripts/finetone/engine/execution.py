"""How a module is executed: device, precision and fast ways, with every fallback on record."""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from finetone.engine.batches import Batch, by_length, cheapest_cut, collate
from finetone.engine.fast.dropout import Stream, fast_dropout
from finetone.engine.fast.full_attention import full_attention
from finetone.engine.fast.memory import tune_malloc
from finetone.engine.fast.no_cache import no_cache
from finetone.engine.fast.plan import Plan, choose, train_once
from finetone.engine.fast.pooled_token import end_token, reads_last
from finetone.engine.hardware import devices
from finetone.engine.hardware.activations import Activations, measure, room
from finetone.engine.recipe import EngineOptions
from finetone.errors import UserError, first_line
from finetone.formats.token_file import Tokens
from finetone.log import logger
from finetone.models.snapshot import untouched

NOTE = "batches that would not fit into memory are executed in parts (same gradients)"


class Execution:
    """What the engine options mean on this machine for one module.

    Inside `running(module, …)` its plan is in force: `logits` executes a batch, `micro_batches`
    cuts a batch that is too large or too mixed in length. `record()` is run.json's `execution`.
    """

    def __init__(
        self, options: EngineOptions, threads: int, device: torch.device | None = None
    ) -> None:
        self.options = options
        self.threads = threads
        self.device = device or devices.pick()
        self.notes: list[str] = []
        auto = "bf16" if devices.fast_bf16(self.device) else "fp32"
        self.precision = auto if options.precision == "auto" else options.precision
        self.plan = Plan()
        self.accumulation_steps = 1  # micro-batches per batch, at least; doubled when memory ends
        self.activations: Activations | None = None  # of a text in training, on a GPU
        self.room = math.inf  # bytes there are for them
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
        tokens: Tokens | None,
        seed: int,
        *,
        training_texts: Sequence[Tokens] = (),
        steps: int = 0,
    ) -> Iterator[None]:
        """Execute `module` in the fast ways inside the block; leave it as it was afterwards.

        A way is used only if, in eval mode, it agrees with plain execution on a few real texts;
        otherwise the reason is noted.

        Parameters
        ----------
        module
            Is moved to the device.
        tokens
            Texts to try fast ways on; None for a module that is executed plainly.
        seed
            Of dropout on the CPU.
        training_texts
            All texts that the module meets while it is trained; none if it is not trained.
        steps
            Optimizer steps to come.
        """
        module.to(self.device)
        with ExitStack() as stack:
            if self.device.type == "cpu":
                self.stream = Stream(seed)
                stack.enter_context(fast_dropout(self.stream))
            if tokens and hasattr(module, "set_attn_implementation"):  # a transformers model
                stack.enter_context(no_cache(module))
                for note in stack.enter_context(full_attention(module)):
                    self.note(note)
                before = self.state()
                if self.precision == "bf16":
                    self._check_bf16(module, tokens, bool(training_texts))
                self._choose(module, tokens, training_texts, steps, stack)
                self.restore(before)
                for note in self.plan.notes:
                    self.note(note)
                if training_texts and self.device.type == "cuda":
                    self._measure(module, training_texts[0])
            yield

    def _choose(
        self,
        module: nn.Module,
        tokens: Tokens,
        training_texts: Sequence[Tokens],
        steps: int,
        stack: ExitStack,
    ) -> None:
        # bf16 would hide small mistakes behind rounding; a few texts in fp32 cost little
        precision = "fp32" if self.device.type == "cpu" else self.precision
        logits = partial(self._logits, module, precision)
        was_training = module.training
        try:
            with ExitStack() as undo:
                self.plan = choose(
                    module, tokens, training_texts, steps, self.options, precision, logits, undo
                )
                stack.push(undo.pop_all())
        except Exception as error:  # a check that cannot be made must not end a run
            module.train(was_training)
            self.plan = Plan(notes=(f"executed plainly, unchecked: {_what(error)}",))

    def _check_bf16(self, module: nn.Module, tokens: Tokens, training: bool) -> None:
        """Fall back to fp32 if the module cannot be executed, or trained, in bf16."""
        batch = collate(tokens, np.argsort(tokens.lengths, kind="stable")[:2], self.device)
        try:
            with torch.no_grad(), untouched(module):
                logits = self._logits(module, "bf16", Plan(), batch)
            if training:
                train_once(module, lambda: self._logits(module, "bf16", Plan(), batch))
            if not logits.isfinite().all():
                raise ArithmeticError("logits are not finite")
        except torch.OutOfMemoryError:  # not a matter of bf16
            return
        except Exception as error:  # DeBERTa mixes types that autocast keeps apart
            self.precision = "fp32"
            self.note(f"fp32, for it does not run in bf16: {_what(error)}")

    def _measure(self, module: nn.Module, tokens: Tokens) -> None:
        """Find out how large a batch may be; one that is too large is then executed in parts."""

        def logits(text: Tokens) -> torch.Tensor:
            return self.logits(module, self.collate(text, np.arange(len(text))))

        try:
            self.activations = measure(module, tokens, logits)
        except Exception as error:  # then only what happens tells: `use_less_memory`
            self.note(f"memory of a batch is not known: {_what(error)}")
        self.room = room(module, devices.memory(self.device))

    def collate(self, tokens: Tokens, rows: np.ndarray, width: int = 0) -> Batch:
        """Pad rows of a token file as the plan has it (`batches.collate`)."""
        return collate(tokens, rows, self.device, width, self.plan.padding_side)

    def logits(self, module: nn.Module, batch: Batch) -> torch.Tensor:
        """Logits of one batch, fp32 [rows, classes]."""
        return self._logits(module, self.precision, self.plan, batch)

    def _logits(self, module: nn.Module, precision: str, plan: Plan, batch: Batch) -> torch.Tensor:
        """Logits of one batch, in parts where the module's head cannot read all rows at once.

        The heads of encoder-decoders read the last end-of-text token of each row and want as many
        of them in every row, although a text may have them as words.
        """
        if (end := end_token(module)) is not None:
            counts = batch.count(end)
            if len(set(counts.tolist())) > 1:
                order = [np.flatnonzero(counts == count) for count in np.unique(counts)]
                parts = [self._rows(module, precision, plan, batch.take(rows)) for rows in order]
                back = np.argsort(np.concatenate(order), kind="stable")
                return torch.cat(parts)[torch.from_numpy(back).to(self.device)]
        return self._rows(module, precision, plan, batch)

    def _rows(self, module: nn.Module, precision: str, plan: Plan, batch: Batch) -> torch.Tensor:
        with ExitStack() as stack:
            stack.enter_context(self.autocast(precision))
            if plan.casts is not None:
                stack.enter_context(plan.casts.of_one_pass())
            if plan.padding_free:
                from finetone.engine.fast.attention import packed
                from finetone.engine.fast.packing import Packing

                width = batch.input_ids.shape[1]
                packing = Packing.right_padded(batch.lengths, width, self.device)
                packing.pooling = plan.pooled_token != "last" or reads_last(module, batch)
                stack.enter_context(packed(packing, self.stream))
            output = module(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
            return output.logits.float()

    def autocast(self, precision: str | None = None) -> torch.autocast:
        """torch's autocast to the precision of this execution, or to another one."""
        bf16 = (precision or self.precision) == "bf16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=bf16)

    def micro_batches(self, lengths: np.ndarray) -> list[tuple[np.ndarray, int]]:
        """Cut a batch into micro-batches, usually one.

        Parameters
        ----------
        lengths
            Tokens of the batch's texts, int64 [b].

        Returns
        -------
        list of (rows, width)
            Positions in the batch, int64 [m], that are executed together, and the tokens to pad
            them to at least: the whole batch's where logits depend on padding, else 0.
        """
        count, width = self.accumulation_steps, 0
        if self.plan.length_grouped:
            count = max(count, cheapest_cut(lengths))
        if self.plan.padding_matters:
            width = int(lengths.max())
        order = np.argsort(-lengths, kind="stable")
        parts = np.array_split(order, min(count, len(lengths)))
        if self.activations is not None:
            sizes, padded = np.maximum(lengths[order], width), not self.plan.padding_free
            fitting = self.activations.parts(sizes, self.room, padded)
            if len(fitting) > len(parts):
                parts = [order[places] for places in fitting]
                if NOTE not in self.notes:
                    self.note(NOTE)
        if len(parts) == 1:
            return [(np.arange(len(lengths)), width)]
        return [(rows, width) for rows in parts]

    def prediction_batches(self, lengths: np.ndarray) -> list[np.ndarray]:
        """Cut rows for prediction: sorted by length, a bounded number of tokens in each batch.

        Where logits depend on padding, only texts of equal length share a batch.

        Parameters
        ----------
        lengths
            Tokens of each text, int64 [n].

        Returns
        -------
        list of array
            The rows of each batch, int64; together all n.
        """
        budget = (1 << 17) if self.device.type == "cuda" else (1 << 13)
        budget = max(1, budget // self.accumulation_steps)
        return by_length(lengths, budget, equal=self.plan.padding_matters)

    def use_less_memory(self, rows: int) -> None:
        """After an out-of-memory in a batch of `rows`: use twice as many micro-batches from now on.

        Raises
        ------
        UserError
            Micro-batches have one example already.
        """
        if self.accumulation_steps >= rows:
            raise UserError(
                f"out of memory on {devices.name(self.device)} even with one example at a time; "
                "lower max_length or use a device with more memory"
            )
        self.accumulation_steps *= 2
        self.note(
            f"out of memory: a batch is now executed in {self.accumulation_steps} parts "
            "(same gradients)"
        )
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def decay_unused(self, factor: float) -> None:
        """Multiply embeddings that are not trained by what weight decay leaves of them."""
        if self.plan.embeddings is not None:
            self.plan.embeddings.decay_unused(factor)

    def fingerprint(self) -> dict[str, Any]:
        """What a saved state must share with this run: what was asked for, and its shapes."""
        embeddings = self.plan.embeddings
        return {
            **self.options.as_dict(),
            "torch": torch.__version__,
            "embeddings": None if embeddings is None else embeddings.used.tolist(),
        }

    def machine(self) -> dict[str, Any]:
        """What may change bits without being asked for: a run continues elsewhere, and notes it."""
        return {
            "device": self.device.type,
            "device_name": devices.name(self.device),
            "threads": self.threads,
            "precision": self.precision,
            "compiled": self.plan.compiled,
        }

    def state(self) -> dict[str, Any]:
        """What a resumed run must restore to draw and round the same."""
        stream = self.stream.state() if self.stream else None
        return {"pieces": self.accumulation_steps, "notes": list(self.notes), "stream": stream}

    def restore(self, state: dict[str, Any]) -> None:
        """Undo `state`; notes made since then stay, for another machine may fall back elsewhere."""
        since = [note for note in self.notes if note not in state["notes"]]
        self.accumulation_steps, self.notes = state["pieces"], [*state["notes"], *since]
        if self.stream and state["stream"]:  # none where it was saved on a GPU
            self.stream.restore(state["stream"])

    def record(self) -> dict[str, Any]:
        """The `execution` of run.json."""
        embeddings = self.plan.embeddings
        return {
            "device": self.device.type,
            "device_name": devices.name(self.device),
            "threads": self.threads,
            "precision": self.precision,
            "padding_free": self.plan.padding_free,
            "token_read": self.plan.pooled_token,
            "embeddings_trained": None if embeddings is None else len(embeddings.used),
            "compiled": self.plan.compiled,
            "notes": list(self.notes),
        }


def _what(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"
