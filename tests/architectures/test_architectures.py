"""Every architecture that transformers classifies texts with gives plain transformers' numbers."""

from pathlib import Path

import pytest

from tests.architectures.comparison import walk
from tests.architectures.page import MEANING, PAGE, TABLE, page
from tests.architectures.small import KINDS

CLOSE = 1e-5  # relative
# One of each kind, for every run of the tests; all others are marked slow.
OFTEN = ("bert", "gpt2", "t5", "modernbert", "deberta-v2", "xlnet", "convbert", "gte")


@pytest.mark.parametrize(
    "kind",
    [kind if kind in OFTEN else pytest.param(kind, marks=pytest.mark.slow) for kind in TABLE["compared"]],
)  # fmt: skip
def test_numbers_are_those_of_plain_transformers(tmp_path: Path, kind: str) -> None:
    found = walk(kind, tmp_path)
    assert found.drawn_alike and not found.start_differs
    assert found.prediction <= CLOSE
    assert found.history <= CLOSE or kind in TABLE["no_history"]
    assert found.execution == TABLE["compared"][kind], found.notes
    assert found.bf16 != (kind in TABLE["fp32_only"]), found.notes
    assert any(note.startswith("full attention") for note in found.notes) == (
        kind in TABLE["other_attention"]
    )


def test_the_table_knows_every_architecture() -> None:
    """A new transformers with another one fails here: walk it, and enter what was found."""
    compared, others = TABLE["compared"], TABLE["not_compared"]
    assert sorted([*compared, *others]) == KINDS
    assert set(compared.values()) == set(MEANING)
    for part in ("fp32_only", "no_history", "other_attention"):
        assert TABLE[part].keys() <= compared.keys()


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.architectures.page"
