"""Claims of a published folder, judged by a whole small experiment and shown on its page."""

from pathlib import Path

import pytest
import yaml

from finetone.formats.csv_table import read_csv
from tests.tiny import experiment
from tests.workflow.dry import scheduled
from tests.workflow.snake import snakemake

CLAIMS = [
    ("value", {"metric": "accuracy", "a": {"method": "tiny"}, "expect": {"min": 0}}),
    ("ratio", {"metric": "seconds_per_million_texts", "a": {"method": "tiny"},
               "b": {"method": "majority"}, "expect": {"min": 0}}),
    ("value", {"metric": "final_training_accuracy", "a": {"method": "tiny"}, "expect": {"min": 0}}),
    ("value", {"metric": "drop", "a": {"method": "tiny"}, "expect": {"max": 1}}),
    ("difference", {"metric": "loss", "a": {"method": "tiny"}, "b": {"method": "majority"},
                    "expect": {"max": 9}}),
]  # fmt: skip


@pytest.mark.slow
def test_claims_are_judged_and_shown(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "setup.yaml").write_text("{dataset: films, n_test: 100}")
    (folder / "published.csv").write_text("model,epoch,accuracy\ntiny,1,90.0\ntiny,2,95.0\n")
    claims = [
        {"id": f"C{i}", "claim": {"en": f"Claim {i}.", "zh": f"论断 {i}。"}, "where": "1",
         "tests": [{"kind": kind, **test}]}
        for i, (kind, test) in enumerate(CLAIMS)
    ]  # fmt: skip
    (folder / "claims.yaml").write_text(yaml.safe_dump({"claims": claims}))
    config = experiment(tmp_path / "input")
    config["report"] = {"published": str(folder), "language": "zh"}
    done = snakemake(tmp_path, config=config)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert scheduled(tmp_path) == {}
    results = tmp_path / "results/small"
    found = read_csv(results / "tables/claims.csv")
    assert found["id"].tolist() == [f"C{i}" for i in range(len(CLAIMS))]
    assert not found["explanation"].str.startswith("missing").any(), found["explanation"].tolist()
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "论断 0。" in page and "按我们的实验" in page
