"""The smallest experiments there are: nothing to compare with, and still a whole page."""

import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from finetone.formats.csv_table import read_csv
from tests.tiny import experiment
from tests.unit.synthetic_results import FIGURES, TABLES
from tests.workflow.dry import scheduled
from tests.workflow.snake import ROOT, snakemake

SCHEMA = ROOT / "workflow/schemas/results.schema.json"
SVG = "{http://www.w3.org/2000/svg}"


class Sections(HTMLParser):
    """Ids of the sections that a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [dict(attrs)["id"] or ""] if tag == "section" else []


# names that could be taken for a number, a missing value, a boolean
@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "method", "source", "seed"),
    [("tiny", "007", "True", 1), ("majority", "NA", "1.50", 0)],
    ids=["model", "baseline"],
)
def test_one_method_one_seed_and_one_dataset_give_a_whole_page(
    entry: str, method: str, source: str, seed: int, tmp_path: Path
) -> None:
    config = experiment(tmp_path / "input") | {"seeds": [1], "source": source, "transfer": []}
    config["datasets"] = {source: config["datasets"]["films"]}
    for kind in ("models", "baselines"):
        config[kind] = {method: config[kind][entry]} if entry in config[kind] else {}
    models = list(config["models"])
    done = snakemake(tmp_path, config=config)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert scheduled(tmp_path) == {}

    results = tmp_path / "results/small"
    assert {path.stem for path in (results / "tables").glob("*.csv")} == set(TABLES)
    assert read_csv(results / "tables/ranking.csv")["method"].tolist() == [method]
    figures = {
        str(path.relative_to(results / "figures").with_suffix(""))
        for path in (results / "figures").rglob("*.svg")
    }
    without = {"transfer"} | ({"learning"} if not models else set())  # no run has a history
    assert figures == set(FIGURES) - without | {f"curves/{name}" for name in models}
    drawn = ET.parse(results / "figures/comparisons.svg").getroot()
    shown = [" ".join(text.itertext()) for text in drawn.iter(f"{SVG}text")]
    assert any("one method alone" in text for text in shown), shown
    content = json.loads((results / "results.json").read_text())
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))
    found = [(r["dataset"], r["method"], len(r["runs"])) for r in content["results"]]
    assert found == [(source, method, 1)]
    folders = {path.name for path in (results / "checkpoints").iterdir() if path.is_dir()}
    assert folders == {f"{name}-seed{seed}" for name in models}
    sections = Sections((results / "report.html").read_text()).ids
    expected = {"ranking", "epochs", "cost", "calibration", "errors", "data", "provenance"}
    assert set(sections) == expected | ({"curves"} if models else {"baselines"})
