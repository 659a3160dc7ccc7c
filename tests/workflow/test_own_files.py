"""Files of the user: any name, looked at before the first job, and no error of theirs tried twice."""

from pathlib import Path

import pytest
import yaml

from tests.tiny import write_bert, write_reviews
from tests.workflow.snake import snakemake


def write_config(folder: Path, file: str, **columns: object) -> Path:
    write_bert(folder / "bert")
    films = {"text": "review", "label": "mood", "labels": ["neg", "pos"], "split": {"test": 0.2}}
    config = {
        "experiment": "own",
        "seeds": [1],
        "source": "films",
        "datasets": {"films": {"file": file, **films, **columns}},
        "models": {"own": {"path": "bert"}, "twin": {"scratch": {"like": "own"}}},
    }
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def test_a_name_with_braces_and_quotes_is_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "{raw}"
    folder.mkdir()
    write_reviews(folder / "it's; [1] a.csv", 40, 1)
    config = write_config(tmp_path, "{raw}/it's; [1] a.csv")
    done = snakemake(tmp_path, "--configfile", str(config), "--", "results/own/data/films")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results/own/data/films/train.parquet").exists()
    # the target that fetches all, also where a model is made from another
    done = snakemake(tmp_path, "--dry-run", "--configfile", str(config), "--", "fetch")
    assert done.returncode == 0 and "BUG" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"label": "moood"}, "line 1: no column 'moood'; did you mean 'mood'?"),
        ({"labels": ["Neg", "Pos"]}, 'label_values: {"'),
        ({"file": "{gone}.csv"}, "datasets.films.file: no file {gone}.csv"),
    ],
)
def test_what_the_first_rows_show_is_refused_by_a_dry_run(
    tmp_path: Path, columns: dict[str, object], told: str
) -> None:
    write_reviews(tmp_path / "a.csv", 40, 1)
    config = write_config(tmp_path, **{"file": "a.csv", **columns})  # type: ignore[arg-type]
    done = snakemake(tmp_path, "--dry-run", "--configfile", str(config))
    assert done.returncode != 0
    assert told in done.stdout + done.stderr


def test_an_error_of_the_user_is_printed_once_and_not_tried_again(tmp_path: Path) -> None:
    rows = [f"text {i},{('neg', 'pos')[i % 2]}" for i in range(2000)]
    (tmp_path / "a.csv").write_text("\n".join(["review,mood", *rows, "odd,meh", ""]))
    config = write_config(tmp_path, "a.csv")
    target = "results/own/data/films"
    done = snakemake(tmp_path, "--retries", "2", "--configfile", str(config), "--", target)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "restart job" not in output
    assert output.count("row 2001: label 'meh'") == 1
