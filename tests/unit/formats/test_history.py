"""history.parquet: what is no history is named before a curve is drawn of it."""

from pathlib import Path

import pandas as pd
import pytest

from finetone.errors import UserError
from finetone.formats.history import COLUMNS, read_history


def test_steps_come_in_order(tmp_path: Path) -> None:
    path = tmp_path / "history.parquet"
    pd.DataFrame({column: [2, 1] for column in COLUMNS}).to_parquet(path)
    assert read_history(path)["step"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (COLUMNS, "a history without steps"),
        (COLUMNS[:-1], r"not a training history \(.*examples"),
        (None, "not a training history"),
    ],
    ids=["no rows", "no examples", "no Parquet"],
)
def test_what_is_no_history_is_named(tmp_path: Path, columns: list[str] | None, words: str) -> None:
    path = tmp_path / "history.parquet"
    if columns:
        pd.DataFrame({column: [] for column in columns}).to_parquet(path)
    else:
        path.write_text("epoch,step")
    with pytest.raises(UserError, match=rf"(?s)^{path}: {words}.*; delete it and rerun"):
        read_history(path)
