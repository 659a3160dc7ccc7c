"""New texts and exported models as part of an experiment, and the cards of its checkpoints."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from finetone import files
from finetone.formats import predictions
from tests.workflow.dry import scheduled
from tests.workflow.snake import snakemake

TABLE = "results/small/labelled/inbox.csv"


def labels_of(head: predictions.Header) -> list[str]:
    rows = predictions.read(head, kept_only=True)[0]
    return [head.labels[i] for i in rows.logits.argmax(axis=1)]


def test_a_table_is_labelled_and_only_once(again) -> None:
    folder, config = again
    given = Path(config["datasets"]["films"]["file"]["test"])
    rows = folder / "inbox.csv"
    rows.write_bytes(given.read_bytes())
    config["label"] = {"inbox": {"file": "inbox.csv", "method": "tiny", "seed": "mean"}}
    done = snakemake(folder, config=config)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(folder / TABLE, keep_default_na=False)
    assert found["mood"].tolist() == pd.read_csv(given)["mood"].tolist()
    assert set(found.columns) == {"review", "mood", "label", "probability", "unlike_training"}
    assert files.read_json(folder / f"{TABLE}.json")["seeds"] == [1, 2]
    assert scheduled(folder, config=config) == {}, "the page is not made again either"
    text = rows.read_bytes()
    rows.write_bytes(text + b"a wonderful film,pos\n")
    assert scheduled(folder, config=config) == {"label_texts": 1}
    rows.write_bytes(text)
    assert scheduled(folder, config=config) == {}
    config["label"]["inbox"]["seed"] = 2
    done = snakemake(folder, config=config)
    assert done.returncode == 0, done.stderr
    head = predictions.header(folder / "results/small/predictions/films/tiny/seed2.parquet")
    assert pd.read_csv(folder / TABLE)["label"].tolist() == labels_of(head)


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({"file": "gone.csv"}, "label.inbox.file: no file gone.csv"),
        ({"file": "inbox.csv", "text": "body"}, "line 1: no column 'body'"),
        ({"file": "*.csv"}, "label.inbox.file: 2 files; make an entry for each"),
    ],
)
def test_a_table_that_cannot_be_labelled_is_refused_by_a_dry_run(again, block, told) -> None:
    folder, config = again
    for name in ("inbox.csv", "other.csv"):
        (folder / name).write_text("review\na film\n")
    config["label"] = {"inbox": block}
    done = snakemake(folder, "--dry-run", config=config)
    assert done.returncode != 0 and told in done.stdout + done.stderr


def test_the_snippet_of_a_card_labels_texts_as_the_predictions_say(finished, tmp_path) -> None:
    folder, config = finished
    checkpoint = folder / "results/small/checkpoints/tiny-seed1"
    snippet = re.search(r"```python\n(.*?)```", (checkpoint / "README.md").read_text(), re.S)
    assert snippet is not None
    given = pd.read_csv(config["datasets"]["films"]["file"]["test"])
    code = snippet[1].replace(
        '["The first text.", "Another text."]', json.dumps(given["review"].tolist())
    )
    assert code != snippet[1]
    (tmp_path / "use.py").write_text(code)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "use.py")], cwd=checkpoint, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    said = re.findall(r"'label': '(\w+)'", done.stdout)
    head = predictions.header(folder / "results/small/predictions/films/tiny/seed1.parquet")
    assert said == labels_of(head)


@pytest.mark.slow
def test_a_model_is_exported_and_the_page_says_what_that_costs(again) -> None:
    pytest.importorskip("onnxruntime")
    folder, config = again
    config["export"] = "tiny"
    done = snakemake(folder, config=config)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(folder / "results/small/tables/exports.csv")
    assert table["form"].tolist() == ["original", "fp32", "int8"]
    assert table["agreement"].min() > 0.9 and (table["bytes"] > 0).all()
    assert 'id="exports"' in (folder / "results/small/report.html").read_text()
    assert (folder / "results/small/export/tiny/example.py").exists()
    assert scheduled(folder, config=config) == {}
