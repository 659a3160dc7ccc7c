"""What users write – titles, licences, paths, texts of rows – is text in pictures and on the page."""

import json
import warnings
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from finetone.formats.csv_table import TEXT, read_csv, write_csv
from finetone.plots.drawing.fitting import broken, columns, one_line, short
from finetone.plots.drawing.style import Style
from finetone.report import ReportInputs, write_report
from finetone.report.picture import read_picture
from tests.unit.synthetic_results import draw_all, report_inputs, write_experiment

MARKUP = (
    "</svg><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "]]><evil/><![CDATA[",
    "--><evil><!--",
    "</style></title></pre></details><evil>",
    '" onmouseover="alert(1)" evil=\'',
    "{best} {0.__class__} %s {{ 7 * 7 }} {% evil %}",
    "&lt;evil&gt; &amp; &#60;evil>",
)
ODD = (
    "$x^2$ and $y",
    "a $ b_c \\frac{1}{2} \\",
    "_hidden",
    "two\nlines\r\nand\ttabs",
    "bell \x07 null \x00 half \ud83d high \ufffe",
    "🎬🍿 👩‍👩‍👧",
    "נגד הזרם",
    "\u202etxt.exe",
    "很长的标题" * 20,
    "a very long title " * 20,
    "x" * 300,
    "",
    "   ",
    "007",
    "nan",
    "True",
)
# references and words of ours, which a user cannot write freely
FIXED = {"experiment", "source", "transfer", "seeds", "kind", "language", "colour", "dataset"}
FIXED |= {
    "method",
    "seed",
    "model",
    "a",
    "b",
    "group",
    "why",
    "metric",
    "status",
    "verdict",
    "sha256",
    "like",
    "device",
}
SVG_TAGS = {"svg", "title", "desc", "defs", "style", "g", "path", "rect", "clipPath", "use", "text"}


class Structure(HTMLParser):
    """Names of the elements and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.scripts = 0
        self.urls: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(f"{tag} {key}" for key, _ in attrs)}
        self.scripts += tag == "script"
        self.urls += [value or "" for key, value in attrs if key in ("href", "src")]

    def handle_comment(self, data: str) -> None:
        self.names.add("comment")

    def unknown_decl(self, data: str) -> None:
        self.names.add("declaration")

    def handle_data(self, data: str) -> None:
        self.text += data


def says(value: Any, text: str, key: str = "") -> Any:
    """`value` with every string that a user can write freely replaced by `text`."""
    if isinstance(value, dict):
        return {name: item if name in FIXED else says(item, text, name) for name, item in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [says(item, text, key) for item in value]
    return text if isinstance(value, str) else value


def page_that_says(text: str, folder: Path) -> tuple[Structure, dict[str, Path]]:
    """The page and the pictures of an experiment in which every free string is `text`."""
    experiment = write_experiment(folder, models=2, seeds=1, steps=20)
    config = experiment.config
    for dataset in config["datasets"].values():
        dataset |= {
            "license": "",
            "text": "",
            "label": "",
            "labels": ["", ""],
            "file": {"test": ""},
        }
        dataset |= {"hub": {"id": "", "revision": "", "config": ""}, "label_values": {"x": ""}}
    for model in config["models"].values():
        model |= {"hub": {"id": "", "revision": ""}, "path": "", "allow_missing": [""]}
        model["group"] = {"family": "", "distilled": True}
    config.update(says(config, text))
    for model in config["models"].values():
        model["group"] = {"family": text, "distilled": True}
    for path in folder.rglob("*.json"):
        path.write_text(json.dumps(says(json.loads(path.read_text()), text)))
    origin = {"schema_version": 1, "model": "minilm-l6", "revision": text, "files": {text: text}}
    (folder / "origin.json").write_text(json.dumps(origin))
    audit = {"schema_version": 1, "findings": [{"sentence": text}], "note": {text: text}}
    (folder / "audit.json").write_text(json.dumps(audit))
    claim = dict.fromkeys(("id", "claim", "where", "unit", "explanation"), text)
    claim |= {"verdict": "supported", "effect": 0.1, "low": 0.0, "high": 0.2}
    write_csv(pd.DataFrame([claim]), experiment.table("claims"))
    reason = {"method": "minilm-l6", "published_millions": text, "parameters": 1, "reason": text}
    write_csv(pd.DataFrame([reason]), experiment.table("parameters"))
    for path in (folder / "tables").glob("*.csv"):
        table = read_csv(path)
        for name in (TEXT - FIXED - {"statistic"}) & set(table):
            free = table["kind"] == "label" if name == "slice" else table.index >= 0
            table.loc[free, name] = text
        if "predicted" in table:  # a cell of a confusion is there once
            table = table.drop_duplicates(["dataset", "method", "true", "predicted"])
        write_csv(table, path)
    figures = draw_all(experiment)
    inputs = report_inputs(experiment, figures)
    braces = text.replace("{", "{{").replace("}", "}}")
    more = {"models": [folder / "origin.json"], "published_audit": folder / "audit.json"}
    more["command"] = f"snakemake {{path}} --configfile '{braces}'"
    write_report(
        ReportInputs(**vars(inputs) | more), Style.from_config(config), folder / "page.html"
    )
    return Structure((folder / "page.html").read_text(encoding="utf-8")), figures


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Structure:
    return page_that_says("plain words", tmp_path_factory.mktemp("plain"))[0]


def test_what_users_write_never_becomes_markup(plain: Structure, tmp_path: Path) -> None:
    text = " ".join(MARKUP)
    page, figures = page_that_says(text, tmp_path)
    assert page.names <= plain.names
    assert page.scripts == 1
    assert [url for url in page.urls if not url.startswith(("#", "data:"))] == []
    # shown as it is: in the heading, an answer, facts, tables, findings, texts of rows, the command
    assert page.text.count(text) > 60
    for path in figures.values():
        root = ET.parse(path).getroot()
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert names <= SVG_TAGS, path
        assert not any("on" in key[:2] for element in root.iter() for key in element.attrib)
        # names are cut in the drawing, and whole in the description, which two do without
        cut = path.stem in ("comparisons", "confusion")
        assert (short(text) if cut else text) in "".join(root.itertext())


@pytest.mark.parametrize("first", range(3))
def test_any_title_can_be_drawn_and_is_on_the_page(first: int, tmp_path: Path) -> None:
    experiment = write_experiment(tmp_path, models=3, seeds=1, steps=10)
    config = experiment.config
    titles = [*MARKUP, *ODD][first::3]
    entries = {**config["models"], **config["baselines"]}
    for entry, title in zip(entries.values(), titles, strict=True):
        entry["title"] = title
    config["title"], config["datasets"]["movies"]["title"] = titles[2], titles[3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = draw_all(experiment)
    for path in figures.values():
        root = ET.parse(path).getroot()
        assert 200 < float(root.get("viewBox", "").split()[2]) < 800
    write_report(
        report_inputs(experiment, figures), Style.from_config(config), tmp_path / "page.html"
    )
    page = Structure((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.scripts == 1
    described = ET.parse(figures["methods"]).getroot().findtext("{*}desc") or ""
    for name, title in zip(entries, titles, strict=True):
        assert f"{one_line(title) or name} " in described
        assert (one_line(title) or name) in page.text


def test_titles_that_are_empty_are_the_names() -> None:
    style = Style(titles={"a": "", "b": " \n"}, dataset_titles={"d": "\t"})
    assert [style.title("a"), style.title("b"), style.title("c"), style.dataset("d")] == [*"abcd"]


def test_one_line_keeps_what_is_text() -> None:
    assert one_line(" a\n\tb\x00c ") == "a b c"
    assert one_line("\u202eabc\ud83d") == "abc"
    assert one_line("👩‍👩‍👧 שלום $_\\") == "👩‍👩‍👧 שלום $_\\"


@pytest.mark.parametrize("text", ["x" * 300, "word " * 50, "很长的标题" * 20, "👩‍👩‍👧" * 40])
def test_long_names_fit(text: str) -> None:
    assert columns(short(text)) <= 37
    assert short(text)[:3] == text[:3] and "…" in short(text)
    lines = broken(text, 20).split("\n")
    assert len(lines) <= 2 and max(map(columns, lines)) <= 22


def test_short_names_stay_and_long_ones_differ() -> None:
    assert short("MiniLM-L6, no pretraining") == "MiniLM-L6, no pretraining"
    names = [f"organisation/a-model-with-a-very-long-name-{size}" for size in ("small", "large")]
    assert short(names[0]) != short(names[1])


def test_pictures_of_methods_with_similar_names_share_no_id(tmp_path: Path) -> None:
    path = tmp_path / "p.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"><path id="p"/></svg>')
    names = ["curves/a.b", "curves/a-b", "curves/a_b", "curves-a.b"]
    assert len({str(read_picture(name, path, "").svg) for name in names}) == 4


@pytest.mark.parametrize(
    "element",
    [
        "<SCRIPT>alert(1)</SCRIPT>",
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
        '<img src="x" onerror="alert(1)"/>',
        '<iframe srcdoc="alert(1)"/>',
        '<animateTransform attributeName="href" values="alert(1)"/>',
        '<foreignobject><body onload="alert(1)"/></foreignobject>',
        '<g ONCLICK="alert(1)"/>',
        '<use href="javascript:alert(1)"/>',
    ],
)
def test_a_foreign_picture_brings_drawing_alone(element: str, tmp_path: Path) -> None:
    path = tmp_path / "p.svg"
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{element}<path d="M 0 0"/></svg>')
    svg = str(read_picture("p", path, "").svg)
    assert "alert" not in svg and '<path d="M 0 0"' in svg


def test_the_configuration_on_the_page_is_what_was_given(tmp_path: Path) -> None:
    text = " ".join(MARKUP)
    page, _ = page_that_says(text, tmp_path)
    start = page.text.index("experiment: invented")
    assert yaml.safe_load(page.text[start : page.text.index("Hashes (SHA-256)")])["title"] == text
