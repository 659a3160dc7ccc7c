"""Too few training rows are named before the first job, where the files can be read."""

from pathlib import Path
from typing import Any

import pytest

from finetone import files
from finetone.config import checking
from finetone.data import row_counts
from finetone.data.row_counts import check_rows
from finetone.errors import UserError
from tests.tiny import experiment
from tests.workflow.snake import ROOT

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


def config(folder: Path, **more: Any) -> dict[str, Any]:
    """96 training rows, 12 of them for a dev split."""
    given = experiment(folder) | more
    given["datasets"]["films"]["split"] = {"dev": 0.125}
    return checking.check(given, SCHEMA)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            {"learning_curve": {"rows": [20, 85]}},
            "learning_curve.rows: asks for 85 rows, but there are 84",
        ),
        ({"tune": {"epochs": [1, 2], "rows": 85}}, "tune.rows: asks for 85 rows, but there are 84"),
    ],
)
def test_more_rows_than_there_are(tmp_path: Path, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_rows(config(tmp_path, **more), None)
    key = next(iter(more))
    check_rows(config(tmp_path, **{key: more[key] | {"rows": [83] if key != "tune" else 84}}), None)


def test_a_learning_curve_ends_with_all_rows_anyway(tmp_path: Path) -> None:
    given = config(tmp_path, learning_curve={"rows": [20, 84]})
    with pytest.raises(UserError, match="learning_curve.rows: 84 rows are all .* leave 84 out"):
        check_rows(given, None)


@pytest.mark.parametrize("place", ["recipe", "model", "baseline"])
def test_a_class_without_rows_cannot_be_weighted(tmp_path: Path, place: str) -> None:
    given = config(tmp_path)
    block = given["datasets"]["films"]
    block["labels"] = ["neg", "pos", "neutral"]
    check_rows(given, None)
    weighted = {"class_weights": "balanced"}
    if place == "recipe":
        given["recipe"] |= weighted
    elif place == "model":
        given["models"]["tiny"]["recipe"] = weighted
    else:
        given["baselines"]["tfidf"] |= weighted
    with pytest.raises(
        UserError, match="balanced needs training rows of every class, .* of neutral"
    ):
        check_rows(given, None)


def test_what_was_prepared_is_not_read_again(tmp_path: Path) -> None:
    given = config(tmp_path, learning_curve={"rows": [50]})
    counts = {"train": {"neg": 20, "pos": 10}}
    files.write_json(tmp_path / "data/manifest.json", {"rows": counts})
    with pytest.raises(UserError, match="asks for 50 rows, but there are 30"):
        check_rows(given, tmp_path / "data")


def test_rows_divided_by_their_texts_are_counted_by_the_job(tmp_path: Path) -> None:
    given = config(tmp_path, learning_curve={"rows": [85]})
    given["datasets"]["films"]["split"]["near_duplicates"] = "together"
    check_rows(given, None)


def test_what_cannot_be_known_is_left_to_the_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = config(tmp_path, learning_curve={"rows": [5000]})
    monkeypatch.setattr(row_counts, "LARGEST", 10)
    check_rows(given, None)
    del given["datasets"]["films"]["file"]
    check_rows(given | {"learning_curve": {"rows": [5000]}}, None)
    (tmp_path / "films-train.csv").write_bytes(b"review,mood\n\xff\xfe\x00bad,neg\n")


def test_an_encoding_that_must_be_asked_for_is_left_to_the_job(tmp_path: Path) -> None:
    given = config(tmp_path, learning_curve={"rows": [5000]})
    path = Path(given["datasets"]["films"]["file"]["train"])
    path.write_bytes(path.read_bytes() + b"\x81\x8d\x8f,neg\n")  # no text of cp1252
    check_rows(given, None)
