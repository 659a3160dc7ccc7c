"""Models that are only named, in a workflow that uses finetone as a module, in a folder of its own."""

from pathlib import Path

import pytest
import yaml

from tests.tiny import write_reviews
from tests.workflow.snake import ROOT, snakemake


@pytest.fixture
def config(tmp_path: Path) -> dict:
    write_reviews(tmp_path / "films.csv", 60, 1)
    films = {"text": "review", "label": "mood", "labels": ["neg", "pos"], "split": {"test": 0.2}}
    return {
        "experiment": "named",
        "seeds": [1],
        "source": "films",
        "datasets": {"films": {"file": str(tmp_path / "films.csv"), **films}},
        "models": ["minilm-l6", "gemma3-270m"],
    }


def test_names_are_known_in_a_module_and_in_any_folder(tmp_path: Path, config: dict) -> None:
    (tmp_path / "Snakefile").write_text(
        f"""
module finetone:
    snakefile: {str(ROOT / "Snakefile")!r}
    config: config
use rule * from finetone
"""
    )
    (tmp_path / "more.yaml").write_text(
        yaml.safe_dump({"models": {"bert-base": {"recipe": {"epochs": 1}}}})
    )
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(config))
    files = [str(tmp_path / name) for name in ("experiment.yaml", "more.yaml")]
    arguments = ["--dry-run", "-s", str(tmp_path / "Snakefile"), "--configfile", *files]
    done = snakemake(tmp_path, *arguments, "--", "report")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    for model in ("minilm-l6", "gemma3-270m", "bert-base"):
        assert f"Prepare model {model}" in said
    assert "models.gemma3-270m: its licence (gemma) restricts use by terms of its own" in said
