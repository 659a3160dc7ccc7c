"""What tests of `finetone new` share: tables, and a machine that need not be measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from finetone.proposal import candidates, throughput
from finetone.proposal.cost import Machine, Rates

SPEED = 2e11  # operations per second
WORDS = "the film was great and boring but it had they liked this".split()  # noqa: SIM905


def known_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of known speed that reaches no hub and has nothing in its cache."""
    rates = Rates({384: SPEED, 768: SPEED}, {384: SPEED, 768: SPEED})
    monkeypatch.setattr(throughput, "measure", lambda *_: Machine("a processor", rates))
    monkeypatch.setattr(candidates, "hub_answers", lambda: False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/nowhere")


def texts(count: int) -> list[str]:
    """Different English texts."""
    return [" ".join([*WORDS[i % 5 :], *WORDS[: i % 7], str(i)]) for i in range(count)]


def write(path: str | Path, labels: Sequence[Any], label: str = "label", **columns: Any) -> str:
    """A CSV of texts with these labels."""
    table = pd.DataFrame({"text": texts(len(labels)), label: list(labels), **columns})
    table.to_csv(path, index=False)
    return str(path)
