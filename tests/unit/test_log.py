"""When memory ends, whoever says so and however: the user reads what to do about it."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import torch

from finetone.log import out_of_memory

MUCH = 1 << 55  # bytes: more than any machine has


def interpreter() -> None:
    raise SystemError("error return without exception set")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: bytearray(MUCH),
        lambda: np.empty(MUCH, dtype=np.int8),
        lambda: pa.allocate_buffer(MUCH),
        lambda: torch.empty(MUCH, dtype=torch.int8),
        interpreter,
    ],
)
def test_it_is_recognised(ask: Callable[[], object]) -> None:
    with pytest.raises(Exception) as caught:
        ask()
    assert out_of_memory(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("size mismatch"), ValueError("memory"), KeyError()])
def test_other_errors_are_not_mistaken_for_it(error: Exception) -> None:
    assert not out_of_memory(error)
