"""Pictures: the same bytes for the same inputs, text that is text, nothing heavy imported."""

import itertools
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from copy import deepcopy
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from finetone.errors import UserError
from finetone.plots import MODULES
from finetone.plots.beside_published import draw_published
from finetone.plots.drawing import style as style_module
from finetone.plots.drawing.language import labels_in
from finetone.plots.drawing.placing import Box, place
from finetone.plots.drawing.style import PALETTE, Style
from finetone.plots.small_multiples import _fewer
from finetone.report.colour import linear, oklab
from tests.unit.contrast import contrast
from tests.unit.synthetic_results import (
    FIGURES,
    OPTIONAL_FIGURES,
    Experiment,
    draw,
    write_experiment,
)

CHINESE = re.compile("[\u4e00-\u9fff]")
SVG = "{http://www.w3.org/2000/svg}"
CURVE = "curves/minilm-l6"


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return write_experiment(tmp_path_factory.mktemp("small"))


def texts(path: Path) -> list[str]:
    return ["".join(text.itertext()) for text in ET.parse(path).getroot().iter(f"{SVG}text")]


@pytest.mark.parametrize("name", [CURVE, *FIGURES, *OPTIONAL_FIGURES])
def test_same_inputs_give_the_same_bytes(name: str, experiment: Experiment, tmp_path: Path) -> None:
    style = Style.from_config(experiment.config)
    target = tmp_path / "figure.svg"
    draw(experiment, name, style, target)
    first = target.read_bytes()
    draw(experiment, name, style, target)
    assert target.read_bytes() == first
    assert not CHINESE.search(first.decode())
    assert not re.search(rb"20\d\d-\d\d-\d\d|[Mm]atplotlib v", first)


@pytest.mark.parametrize("name", [CURVE, *FIGURES, *OPTIONAL_FIGURES])
def test_pictures_name_every_method_and_describe_themselves(
    name: str, experiment: Experiment, tmp_path: Path
) -> None:
    config = {**experiment.config, "report": {"language": "zh"}}
    target = tmp_path / "figure.svg"
    draw(experiment, name, Style.from_config(config), target)
    root = ET.parse(target).getroot()
    assert len(root.findtext(f"{SVG}desc") or "") > 30
    assert root.findtext(f"{SVG}title")
    shown = " ".join(texts(target))
    assert CHINESE.search(shown)
    expected = {
        CURVE: ["MiniLM-L6"],
        "epochs": ["MiniLM-L6", "MiniLM-L3", "MiniLM-L6, no pretraining"],
        "learning": ["MiniLM-L6", "MiniLM-L3", "MiniLM-L6, no pretraining"],
    }.get(name, ["MiniLM-L3", "VADER lexicon", "BiLSTM", "TextCNN"])
    assert [title for title in expected if title not in shown] == []


def test_curve_has_the_papers_axes_and_restarts_every_epoch(
    experiment: Experiment, tmp_path: Path
) -> None:
    target = tmp_path / "curve.svg"
    draw(experiment, CURVE, Style.from_config(experiment.config), target)
    shown = texts(target)
    assert {"batches", "cumulative loss (nats)", "cumulative accuracy (%)"} <= set(shown)
    assert {"epoch 1", "epoch 2", "epoch 3"} <= set(shown)
    lines = [
        path.get("d", "")
        for path in ET.parse(target).getroot().iter(f"{SVG}path")
        if "stroke-width: 1.8" in path.get("style", "") and len(path.get("d", "")) > 300
    ]
    assert len(lines) == 2  # loss and accuracy
    for line in lines:
        assert line.count("M") == 3  # one stroke per epoch


def test_a_style_holds_what_its_picture_shows_and_nothing_else(experiment: Experiment) -> None:
    config = deepcopy(dict(experiment.config))
    methods, (source, *others) = [*config["models"]], [*config["datasets"]]
    whole, part = Style.from_config(config), Style.from_config(config, methods, [source])
    for name in others:
        config["datasets"][name]["title"] = "Another title"
    for block in config["baselines"].values():
        block |= {"title": "Another title", "colour": "#123456"}
    assert others and Style.from_config(config, methods, [source]) == part
    assert Style.from_config(config) != whole
    for method in methods:
        assert part.title(method) == whole.title(method)
        assert part.colour(method) == whole.colour(method)
        assert part.marker(method) == whole.marker(method)


def test_a_crowd_of_21_methods_is_drawn_small_enough_for_one_page(tmp_path: Path) -> None:
    experiment = write_experiment(tmp_path / "big", models=16, seeds=5, steps=400)
    style = Style.from_config(experiment.config)
    looks = {(style.colour(m), style.marker(m)) for m in experiment.methods}
    assert len(looks) == 21
    draw(experiment, "comparisons", style, tmp_path / "comparisons.svg")
    draw(experiment, CURVE, style, tmp_path / "curve.svg")
    assert (tmp_path / "comparisons.svg").stat().st_size < 300_000
    assert (tmp_path / "curve.svg").stat().st_size < 80_000


def test_a_method_looks_the_same_wherever_it_stands(experiment: Experiment) -> None:
    style = Style.from_config(experiment.config)
    own = Style(order=experiment.methods, colours={"tfidf": "#ABCDEF"})
    assert own.colour("tfidf") == "#abcdef"
    assert own.colour("bilstm") == style.colour("bilstm")
    assert style.sorted(["tfidf", "minilm-l3"]) == ["minilm-l3", "tfidf"]


# Machado, Oliveira & Fernandes 2009, severity 1.0, for linear RGB
VISION = {
    "normal": np.eye(3),
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("vision", VISION)
def test_default_colours_can_be_told_apart(vision: str) -> None:
    seen = [np.clip(np.array(VISION[vision]) @ linear(c), 0, 1) for c in PALETTE]
    distances = [np.linalg.norm(oklab(a) - oklab(b)) for a, b in itertools.combinations(seen, 2)]
    assert min(distances) > 0.09  # a just noticeable difference is about 0.02
    assert all(contrast(colour, "#ffffff") > 2.6 for colour in PALETTE)


def test_labels_do_not_cover_each_other_while_there_is_room() -> None:
    rng = np.random.default_rng(3)
    points = rng.uniform((60, 40), (440, 260), (20, 2))
    marks = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    boxes = place(points, [(60, 10)] * 20, marks, [], Box(0, 0, 500, 300))
    for a, b in itertools.combinations(boxes, 2):
        assert a.overlap(b) == 0
    for i, box in enumerate(boxes):
        assert all(box.overlap(mark) == 0 for mark in marks)
        assert box.distance(*points[i]) < 110
        assert box.overlap(Box(0, 0, 500, 300)) == pytest.approx(600)


def test_dollars_and_markup_in_titles_are_text(experiment: Experiment, tmp_path: Path) -> None:
    title = "a $x^2$ <b>&</b> --> model"
    style = Style(order=experiment.methods, titles={"minilm-l6": title})
    target = tmp_path / "methods.svg"
    draw(experiment, "methods", style, target)
    assert title in texts(target)
    draw(experiment, CURVE, style, tmp_path / "curve.svg")
    assert title in texts(tmp_path / "curve.svg")


def beside(folder: Path, *rows: str) -> Path:
    """side_by_side.csv of accuracies: table, method, epoch, possible, published, ours, repeats."""
    names = ["table", "method", "epoch", "possible", "published", "ours", "repeats", "metric"]
    ends = [f"{whose}{end}" for whose in ("published", "ours") for end in ("_low", "_high")]
    lines = [",".join([*names, *ends])]
    lines += [f"{row},accuracy" + ",0.85,0.95" * 2 for row in rows]
    path = folder / "side_by_side.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_published_values_are_beside_ours_in_every_epoch(
    experiment: Experiment, tmp_path: Path
) -> None:
    table = beside(
        tmp_path,
        "published,minilm-l6,1,True,0.8510,0.83,",
        "published,minilm-l6,3,False,0.9725,0.912,",
        "published,minilm-l3,1,True,0.80,0.82,",
        "published,copy,3,True,0.9725,0.90,minilm-l6",
        "published,unknown,3,True,0.99,,",
        "transfer,minilm-l6,,True,0.99,0.9,",
    )
    target = tmp_path / "published.svg"
    draw_published(table, Style.from_config(experiment.config), target)
    description = ET.parse(target).getroot().findtext(f"{SVG}desc") or ""
    assert "MiniLM-L6 epoch 1 85.1 % published, 83.0 % here" in description
    assert "MiniLM-L6 epoch 3 97.2 % published, 91.2 % here" in description
    assert not {"unknown", "copy", "99.0"} & {*re.findall(r"[\w.]+", description)}
    assert {"epoch 1", "epoch 3", "MiniLM-L6", "MiniLM-L3"} <= {*texts(target)}


def test_an_impossible_published_value_has_another_mark(
    experiment: Experiment, tmp_path: Path
) -> None:
    style, drawn = Style.from_config(experiment.config), []
    for possible in (True, False):
        table = beside(tmp_path, f"published,minilm-l6,,{possible},0.8510,0.83,")
        draw_published(table, style, tmp_path / "published.svg")
        drawn.append((tmp_path / "published.svg").read_bytes())
        assert "MiniLM-L6 85.1 % published" in drawn[-1].decode()  # without epochs
    assert drawn[0] != drawn[1]


def test_a_published_table_of_other_models_is_drawn_as_a_sentence(
    experiment: Experiment, tmp_path: Path
) -> None:
    table = beside(tmp_path, "published,unknown,3,True,0.99,,")
    draw_published(table, Style.from_config(experiment.config), tmp_path / "published.svg")
    assert any("has been run here" in text for text in texts(tmp_path / "published.svg"))


def with_families(families: list[str]) -> Style:
    models = {f"m{i}": {"group": {"family": name}} for i, name in enumerate(families)}
    return Style.from_config({"models": models, "baselines": {"words": {}}, "datasets": {}})


def test_many_methods_have_the_colour_of_their_family_and_marks_of_their_own() -> None:
    style = with_families(["A", "A", "A", "B", "B", "C", "D", "E"])
    assert len({style.colour(f"m{i}") for i in range(3)}) == 1
    assert len({style.colour(f"m{i}") for i in (0, 3, 5, 6, 7)} | {style.colour("words")}) == 6
    looks = [(style.colour(name), style.marker(name)) for name in style.order]
    assert len(set(looks)) == 9


@pytest.mark.parametrize(
    "families",
    [["A", "A", "B"], [f"F{i}" for i in range(12)], ["A"] * 12 + ["B"], [""] * 12],
    ids=["few methods", "many families", "a large family", "no families"],
)
def test_where_families_do_not_help_every_method_has_a_look_of_its_own(families: list[str]) -> None:
    style = with_families(families)
    assert style.families == {}
    looks = {(style.colour(name), style.marker(name)) for name in style.order}
    assert len(looks) == len(style.order)


def test_a_method_looks_the_same_in_a_picture_of_its_own() -> None:
    families = ["A", "A", "B", "B", "C", "C", "D", "D", "E"]
    models = {f"m{i}": {"group": {"family": name}} for i, name in enumerate(families)}
    config = {"models": models, "datasets": {}}
    whole = Style.from_config(config)
    for name in models:
        alone = Style.from_config(config, [name], [])
        assert (alone.colour(name), alone.marker(name)) == (whole.colour(name), whole.marker(name))


def test_a_method_without_a_cost_is_drawn_or_named(experiment: Experiment, tmp_path: Path) -> None:
    target = tmp_path / "accuracy-parameters.svg"
    free = write_experiment(tmp_path / "results")
    path = free.table("efficiency")
    costs = pd.read_csv(path)
    costs.loc[costs["method"] == "majority", "parameters"] = 0
    costs.loc[costs["method"] == "bilstm", "parameters"] = None
    costs.to_csv(path, index=False)
    draw(free, "accuracy-parameters", Style.from_config(free.config), target)
    shown = texts(target)
    assert any(text.startswith("Majority class") for text in shown)
    assert "cost unknown: BiLSTM" in shown
    ticks = [text for text in shown if re.fullmatch(r"\d+( [kM])?", text)]
    assert {"10 k", "1 M"} <= set(ticks)


def test_bins_of_confidence_are_put_together_by_their_sizes() -> None:
    confidence = np.linspace(0.5, 0.99, 15)
    bins = pd.DataFrame({"confidence": confidence, "accuracy": confidence - 0.1, "n": 30})
    bins = bins.assign(low=bins["accuracy"] - 0.1, high=bins["accuracy"] + 0.1)
    found = _fewer(bins)
    assert len(found) == 8 and found["n"].sum() == bins["n"].sum()
    assert np.average(found["accuracy"], weights=found["n"]) == pytest.approx(
        bins["accuracy"].mean()
    )
    # two bins of equal size: the error of the mean is smaller by the root of two
    pair = found[found["n"] == 60].iloc[0]
    assert pair["accuracy"] - pair["low"] == pytest.approx(0.1 / np.sqrt(2))


def test_a_control_far_below_does_not_squeeze_the_others(
    experiment: Experiment, tmp_path: Path
) -> None:
    target = tmp_path / "methods.svg"
    draw(experiment, "methods", Style.from_config(experiment.config), target)
    shown = texts(target)
    assert "50.0" in shown  # its value is still told
    ticks = [float(text) for text in shown if text.isdigit()]
    assert min(ticks) >= 60


@pytest.mark.parametrize("figure", ["accuracy-time", "methods"])
def test_whole_numbers_are_drawn(figure: str, tmp_path: Path) -> None:
    """All methods are perfect: their scores are read as integers."""
    experiment = write_experiment(tmp_path / "results")
    path = experiment.table("ranking")
    pd.read_csv(path).assign(score=1, low=0.9433, high=1).to_csv(path, index=False)
    target = tmp_path / "figure.svg"
    draw(experiment, figure, Style.from_config(experiment.config), target)
    assert target.exists()


@pytest.mark.parametrize(
    ("name", "table", "change", "message"),
    [
        ("methods", "ranking", lambda t: t.drop(columns="group"), "no column 'group'"),
        (
            "methods",
            "ranking",
            lambda t: t[t["dataset"] != "movies"],
            "no rows of dataset 'movies'",
        ),
        ("epochs", "summary", lambda t: t.assign(loss_low="low"), "'loss_low' is not numeric"),
        ("accuracy-time", "efficiency", lambda t: t.assign(train_seconds="1 s"), "is not numeric"),
        ("lengths", "slices", lambda t: t[t["kind"] == "label"], "no slices by length"),
        ("reliability", "reliability", lambda t: t.assign(n=0), "every bin of 'movies' is empty"),
    ],
)
def test_bad_tables_are_refused_by_name(
    name: str,
    table: str,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    message: str,
    tmp_path: Path,
) -> None:
    experiment = write_experiment(tmp_path / "results")
    path = experiment.table(table)
    change(pd.read_csv(path)).to_csv(path, index=False)
    target = tmp_path / "figure.svg"
    with pytest.raises(UserError, match=message) as error:
        draw(experiment, name, Style.from_config(experiment.config), target)
    assert f"{table}.csv" in str(error.value)
    assert not target.exists()


def test_every_figure_is_drawn_by_the_module_that_is_named_for_it() -> None:
    assert {name.replace("-", "_") for name in FIGURES | OPTIONAL_FIGURES} | {
        "curve",
        "published",
    } == set(MODULES)
    for figure, module in MODULES.items():
        assert hasattr(import_module(f"finetone.plots.{module}"), f"draw_{figure}")


def test_unknown_language_is_refused() -> None:
    with pytest.raises(UserError, match="'fr'; choose one of en, zh"):
        labels_in("fr")


def test_both_languages_label_the_same_things() -> None:
    folder = Path(style_module.__file__).parent / "labels"
    en, zh = (yaml.safe_load((folder / f"{x}.yaml").read_text("utf-8")) for x in ("en", "zh"))
    assert list(en) == list(zh)
    for key in en:
        assert set(re.findall(r"{\w+}", en[key])) == set(re.findall(r"{\w+}", zh[key])), key


def test_a_picture_imports_neither_torch_nor_pyplot() -> None:
    code = (
        "import sys; import finetone.plots, finetone.report; "
        "print([m for m in ('torch', 'matplotlib', 'transformers') if m in sys.modules])"
    )
    folder = str(Path(style_module.__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder
    )
    assert done.stdout.strip() == "[]"
