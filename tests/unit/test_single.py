"""Experiments with little in them: every table, every picture and the page are there, whole."""

import json
import re
import warnings
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from finetone.commands.show import show
from finetone.files import write_json
from finetone.formats.csv_table import read_csv, write_csv
from finetone.plots.bars import draw_methods, draw_transfer
from finetone.plots.beside_published import NUMBERS, draw_published
from finetone.plots.comparisons import draw_comparisons
from finetone.plots.confusion import draw_confusion
from finetone.plots.curve import draw_curve
from finetone.plots.drawing.style import Style
from finetone.plots.epochs import draw_epochs
from finetone.plots.learning import draw_learning
from finetone.plots.scatter import (
    draw_accuracy_inference,
    draw_accuracy_parameters,
    draw_accuracy_time,
)
from finetone.plots.small_multiples import draw_lengths, draw_reliability
from finetone.published.table_audit import audit_table
from finetone.report import ReportInputs, write_report
from finetone.report.results_json import write_results
from tests.unit.formats.test_csv_table import LOOKS, write_published
from tests.unit.synthetic_results import FIGURES
from tests.unit.tables.test_tables import LABELS, Experiment

KINDS = {"words": "tfidf", "majority": "majority"}
CASES: dict[str, tuple[dict[str, tuple[int, ...]], bool]] = {
    "one model": ({"big": (1,)}, False),
    "one model, two seeds, transfer": ({"big": (1, 2)}, True),
    "one baseline": ({"words": (0,)}, False),
    "the majority alone": ({"majority": (0,)}, False),
    "the majority alone, transfer": ({"majority": (0,)}, True),
    "models alone": ({"big": (1,), "small": (1,)}, False),
    "baselines alone": ({"words": (0,), "majority": (0,)}, True),
    "all, one seed, one dataset": (
        {"big": (1,), "small": (1,), "words": (0,), "majority": (0,)},
        False,
    ),
}
SVG = "{http://www.w3.org/2000/svg}"


class Text(HTMLParser):
    """What a reader sees of a page, without what is folded away."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.shown: list[str] = []
        self.sections: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("style", "script", "pre"):
            self.inside.append(tag)
        if tag == "section":
            self.sections.append(dict(attrs)["id"] or "")

    def handle_endtag(self, tag: str) -> None:
        if self.inside and tag == self.inside[-1]:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        self.shown += [] if self.inside else [data]


def configuration(e: Experiment) -> dict:
    return {
        "experiment": "little",
        "seeds": sorted({seed for seeds in e.runs.values() for seed in seeds if seed}) or [1],
        "source": e.source,
        "transfer": e.transfer,
        "datasets": {name: {} for name in (e.source, *e.transfer)},
        "models": {name: {} for name in e.models},
        "baselines": {
            e.called[name]: {"kind": kind} for name, kind in KINDS.items() if name in e.runs
        },
        "report": {"language": "en"},
    }


def draw_all(e: Experiment, style: Style) -> dict[str, Path]:
    """All pictures, also of the transfer that there may not be."""
    figures = e.folder / "figures"
    source, costs = e.source, (e.out / "efficiency.csv", e.out / "ranking.csv", e.source, style)
    pairs = (e.out / "comparisons.csv", e.out / "ranking.csv", source, style)
    draw = {
        "epochs": lambda t: draw_epochs(e.out / "summary.csv", source, style, t),
        "methods": lambda t: draw_methods(
            *(e.out / f"{name}.csv" for name in ("ranking", "runs", "variance")), source, style, t
        ),
        "accuracy-parameters": lambda t: draw_accuracy_parameters(*costs, t),
        "accuracy-time": lambda t: draw_accuracy_time(*costs, t),
        "accuracy-inference": lambda t: draw_accuracy_inference(*costs, t),
        "comparisons": lambda t: draw_comparisons(*pairs, t, 0.95),
        "reliability": lambda t: draw_reliability(e.out / "reliability.csv", source, style, t),
        "confusion": lambda t: draw_confusion(e.out / "confusion.csv", source, style, t),
        "lengths": lambda t: draw_lengths(e.out / "slices.csv", source, style, t),
        "transfer": lambda t: draw_transfer(e.out / "transfer.csv", source, style, t),
    }
    for model in e.models:
        paths = [path for (name, _), path in e.histories.items() if name == model]
        draw[f"curves/{model}"] = lambda t, m=model, p=paths: draw_curve(p, m, style, t)
    if histories := {run: path for run, path in e.histories.items() if run[0] in e.models}:
        summary = e.out / "summary.csv"
        draw["learning"] = lambda t: draw_learning(histories, summary, source, style, t)
    assert {*FIGURES} - {"learning"} <= set(draw), "draw a new figure here, too"
    for name, function in draw.items():
        function(figures / f"{name}.svg")
    return {name: figures / f"{name}.svg" for name in draw}


def texts(path: Path) -> list[str]:
    return ["".join(text.itertext()) for text in ET.parse(path).getroot().iter(f"{SVG}text")]


@pytest.mark.parametrize("case", CASES)
def test_every_table_picture_and_section(case: str, tmp_path: Path) -> None:
    runs, transfer = CASES[case]
    e = Experiment(tmp_path, runs=runs, transfer=transfer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e.write_all()
        config = configuration(e)
        style = Style.from_config(config)
        figures = draw_all(e, style)
    if len(runs) == 1:
        assert "one method alone" in " ".join(texts(figures["comparisons"]))
    if not transfer:
        assert "no other dataset" in " ".join(texts(figures.pop("transfer")))
    if not e.models:
        assert "not known" in " ".join(texts(figures["accuracy-parameters"]))
    manifests = []
    for dataset in (e.source, *e.transfer):
        manifests.append(tmp_path / f"{dataset}.json")
        rows = {"test": dict.fromkeys(LABELS, 3)}
        facts = {"dataset": dataset, "labels": LABELS, "rows": rows, "dropped": {}}
        write_json(manifests[-1], facts | {"source": {"path": "x.csv"}, "splits": {}})
    tables = {path.stem: path for path in sorted(e.out.glob("*.csv"))}
    write_results(
        tables, manifests, e.runs_json, e.source, 0.95, "accuracy", 1.0, tmp_path / "results.json"
    )
    results = json.loads((tmp_path / "results.json").read_text(), parse_constant=pytest.fail)
    assert len(results["results"]) == len(runs) * (1 + transfer)
    inputs = ReportInputs(config, tables, figures, manifests, runs=e.runs_json)
    write_report(inputs, style, tmp_path / "report.html")
    page = Text((tmp_path / "report.html").read_text(encoding="utf-8"))
    expected = ["ranking", *["curves"] * bool(e.models), "epochs", *["transfer"] * transfer]
    expected += [*["baselines"] * bool(e.baselines), "cost", *["planning"] * (len(runs) > 1)]
    expected += ["calibration", "errors", "data"]
    assert page.sections == [*expected, "provenance"]
    seen = " ".join([*page.shown, *(text for path in figures.values() for text in texts(path))])
    assert re.findall(r"\S*\b(?:nan|NaN|None|NA|NaT|inf)\b\S*", seen) == []
    once = bool(e.models and len(config["seeds"]) == 1)  # then seeds cannot be judged
    assert ("p-values and letters are adjusted" in seen) == (len(runs) > 1 and not once)
    assert ("trained with one seed" in seen) == once
    assert ("with a second seed, so which of the others" in seen) == (once and len(runs) > 1)
    assert ("Two more seeds of every method would tell" in seen) == (once and len(runs) > 1)


def test_numbers_of_one_method_have_their_intervals(tmp_path: Path) -> None:
    e = Experiment(tmp_path, runs={"big": (1,)}, transfer=False)
    e.write_all()
    (row,) = read_csv(e.out / "ranking.csv").to_dict("records")
    assert (row["rank"], row["group"]) == (1, "a") and row["low"] < row["score"] < row["high"]
    assert read_csv(e.out / "comparisons.csv").empty and read_csv(e.out / "transfer.csv").empty


@pytest.mark.parametrize("look", LOOKS)
def test_names_are_shown_as_they_are(
    look: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    e = Experiment(tmp_path / "results", LOOKS[look])
    *methods, source, transfer = LOOKS[look]
    e.write_all()
    config = configuration(e)
    figures = draw_all(e, Style.from_config(config))
    for name in ("methods", "comparisons", "reliability", "lengths", "transfer"):
        assert set(methods) <= set(texts(figures[name])), name
    assert transfer in texts(figures["transfer"])
    assert set(e.models) <= set(texts(figures["epochs"]))
    folder = write_published(tmp_path / "published", LOOKS[look])
    audit_table(folder, tmp_path / "audit.json", e.out / "published.csv")
    drawn = tmp_path / "published.svg"
    facts = {"table": "published", "metric": "accuracy", "possible": True, "repeats": ""}
    beside = pd.DataFrame({"method": list(e.models), "epoch": 1}).assign(**facts)
    write_csv(beside.assign(**dict.fromkeys(NUMBERS, 0.9)), tmp_path / "side_by_side.csv")
    draw_published(tmp_path / "side_by_side.csv", Style(), drawn)
    assert set(e.models) <= set(texts(drawn))
    tables = {path.stem: path for path in e.out.glob("*.csv")}
    inputs = ReportInputs(config, tables, figures, runs=e.runs_json)
    write_report(inputs, Style.from_config(config), tmp_path / "page.html")
    cells = [text.strip() for text in Text((tmp_path / "page.html").read_text("utf-8")).shown]
    assert all(cells.count(name) > 5 for name in methods)
    show(e.folder)
    lines = capsys.readouterr().out.splitlines()
    printed = [line.split()[1] for line in lines if re.match(r" *\d+  \S.* \[ *[\d.]+, ", line)]
    assert sorted(printed) == sorted(2 * methods)
