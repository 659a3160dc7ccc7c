"""Ways to train, measured in turn in one process: a burst of steps of each, round after round."""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from worker import Step

Answer = dict[str, Any]


class Variant:
    """One way to train or predict, started when it is first asked for a burst."""

    def __init__(self, make: Callable[[], Step], device: torch.device, steps: int) -> None:
        self.make, self.device, self.steps = make, device, steps
        self.iterator: Step | None = None
        self.facts: dict[str, Any] = {}
        self.own = 0  # bytes of its weights and moments
        self.start_up = 0.0

    def burst(self, steps: int | None = None) -> Answer:
        """Work on some batches.

        Returns
        -------
        dict
            `tokens`, `seconds`, `steps`, and `peak`: the most memory in bytes, without what other
            variants keep meanwhile.
        """
        if self.iterator is None:
            self._start()
        assert self.iterator is not None
        cuda, steps = self.device.type == "cuda", steps or self.steps
        others = torch.cuda.memory_allocated(self.device) - self.own if cuda else 0
        if cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
        began = now(self.device)
        tokens = sum(sum(next(self.iterator)) for _ in range(steps))
        seconds = now(self.device) - began
        peak = torch.cuda.max_memory_allocated(self.device) - others if cuda else 0
        return {"tokens": tokens, "seconds": seconds, "steps": steps, "peak": peak}

    def _start(self) -> None:
        """Build it and make its first step; what that took is its `start_up`."""
        cuda = self.device.type == "cuda"
        before = torch.cuda.memory_allocated(self.device) if cuda else 0
        began = now(self.device)
        self.iterator = self.make()
        self.facts = next(self.iterator)
        next(self.iterator)
        self.start_up = now(self.device) - began
        self.own = torch.cuda.memory_allocated(self.device) - before if cuda else 0

    def close(self) -> None:
        if self.iterator is not None and hasattr(self.iterator, "close"):
            self.iterator.close()


def now(device: torch.device) -> float:
    """Seconds, once the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def alternate(
    variants: dict[str, Variant], until: float, least: int = 2
) -> Iterator[dict[str, Any]]:
    """Measure in turn until a time of `time.monotonic`, `least` rounds at least; rows of results.

    The first variant is the one that others are compared with.

    A variant that fails is left out from then on, and its traceback is a row.
    """
    import traceback

    living = dict(variants)
    measured: dict[str, list[Answer]] = {name: [] for name in variants}
    rounds = 0
    while living and (rounds < least or time.monotonic() < until):
        for name, variant in list(living.items()):
            try:
                measured[name].append(variant.burst())
            except Exception:
                del living[name]
                yield {"variant": name, "traceback": traceback.format_exc()}
        rounds += 1
        if rounds == 1:
            for name in living:
                facts = {"start_up": variants[name].start_up, **variants[name].facts}
                yield {"variant": name, **facts}
                measured[name].clear()  # the first burst warms up
    reference = next(iter(variants))
    for name, answers in measured.items():
        if answers:
            yield {"variant": name, **summary(answers, measured[reference])}


def summary(answers: list[Answer], reference: list[Answer]) -> dict[str, Any]:
    """Median rate, and the ratio of the reference's rate to it within rounds (low, median, high)."""
    rates = [answer["tokens"] / answer["seconds"] for answer in answers]
    ratios = [
        ours["tokens"] / ours["seconds"] / rate
        for ours, rate in zip(reference, rates, strict=False)
    ]
    return {
        "tokens_per_s": statistics.median(rates),
        "milliseconds_per_step": 1e3 * statistics.median(a["seconds"] / a["steps"] for a in answers),
        "reference_is_faster_by": [f(ratios) for f in (min, statistics.median, max)] if ratios else [],
        "peak_gb": max(answer["peak"] for answer in answers) / 1e9,
        "rounds": len(answers),
    }  # fmt: skip
