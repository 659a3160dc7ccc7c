"""The card says what recommendation.csv recommends, how sure that is, and what comes next."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from finetone import report
from finetone.formats.csv_table import read_csv, write_csv
from finetone.plots.drawing.language import words
from finetone.plots.drawing.style import Style
from finetone.report.elements import Maker
from finetone.report.overview_table import overview
from finetone.report.verdict_card import verdict
from tests.unit.synthetic_results import Experiment, report_inputs, write_experiment

LABELS = words(Path(report.__file__).parent / "translations", "en")


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return write_experiment(tmp_path)


def maker_of(experiment: Experiment) -> Maker:
    style = Style.from_config(experiment.config)
    return Maker(report_inputs(experiment, {}), style, LABELS, {}, [])


def considered(experiment: Experiment, chosen: str | None, why: str, **status: str) -> None:
    """Rewrite recommendation.csv."""
    path = experiment.table("recommendation")
    frame = read_csv(path)
    frame["status"] = [
        status.get(str(m).replace("-", "_"), s)
        for m, s in zip(frame["method"], frame["status"], strict=True)
    ]
    frame["recommended"] = frame["method"] == chosen
    stands_with = chosen or frame["method"].iloc[0]
    frame["why"] = [why if m == stands_with else "" for m in frame["method"]]
    write_csv(frame, path)


def said(experiment: Experiment) -> dict[str, str]:
    return dict(verdict(maker_of(experiment)).facts)


def test_a_provisional_choice_names_what_is_open(experiment: Experiment) -> None:
    considered(experiment, "minilm-l6", "undecided", minilm_l3="open", majority="control")
    card = verdict(maker_of(experiment))
    assert (card.kicker, card.title, card.sure) == ("Recommended", "MiniLM-L6", "provisional")
    assert card.score == "accuracy 90.8 %" and card.interval.endswith("89.6–92.1")
    facts = dict(card.facts)
    assert "lead over MiniLM-L3 is 1.6 points (95 % CI 0.7–2.5)" in facts["How sure"]
    assert "MiniLM-L3, cheaper to train, may be as good (within 1.0 points)." in facts["How sure"]
    path = experiment.table("recommendation")
    frame = read_csv(path)
    frame.loc[frame["method"] == "minilm-l3", "train_seconds"] = 4.0
    write_csv(frame, path)
    advice = "Take MiniLM-L6 unless 10 s of training per run is too much; then MiniLM-L3 (4.0 s).\n"
    assert said(experiment)["What next"].startswith(advice)
    assert facts["Compared with"] == "7 others: 1 still open, 5 worse, 1 as control"
    assert facts["Cost"].startswith("57 s per training run · ")
    assert "6 seeds with 6,000 test rows (12 min" in facts["What next"]


def test_one_other_method_is_no_others(experiment: Experiment) -> None:
    path = experiment.table("recommendation")
    write_csv(read_csv(path).iloc[:2], path)
    assert said(experiment)["Compared with"].startswith("1 other: 1 ")


def test_a_cheaper_choice_says_how_far_it_is_behind(experiment: Experiment) -> None:
    considered(experiment, "minilm-l3", "cheapest", minilm_l3="within")
    card = verdict(maker_of(experiment))
    assert (card.title, card.sure) == ("MiniLM-L3", "settled")
    assert "1.6 points behind MiniLM-L6" in dict(card.facts)["How sure"]


@pytest.mark.parametrize(
    ("why", "expected"), [("unknown", "second seed"), ("control", "better than a control")]
)
def test_no_choice_is_said_with_its_reason(experiment: Experiment, why: str, expected: str) -> None:
    considered(experiment, None, why)
    card = verdict(maker_of(experiment))
    assert (card.kicker, card.sure, card.use) == ("No recommendation", "unknown", ())
    facts = dict(card.facts)
    assert expected in facts["How sure"]
    assert ("seeds of every method" in facts.get("What next", "")) == (why == "unknown")


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"power": 0.9}, "this design detects differences of 1.0 points"),
        ({"seeds_needed": 12, "seeds_hours": 2.5}, "12 seeds (2 h 30 min more)"),
        ({"rows_needed": 9000}, "9,000 test rows"),
    ],
)
def test_what_next_is_the_planners(
    experiment: Experiment, plan: dict[str, Any], expected: str
) -> None:
    path = experiment.table("planning")
    frame = read_csv(path)
    for name, value in plan.items():
        frame[name] = value
    write_csv(frame, path)
    assert expected in said(experiment)["What next"]


def test_what_no_plan_settles_is_said_with_what_one_does(experiment: Experiment) -> None:
    path = experiment.table("planning")
    frame = read_csv(path)
    frame["power"] = 0.1
    needs = [name for name in frame if name.endswith(("_needed", "both_seeds", "both_rows"))]
    frame[needs] = np.nan
    write_csv(frame, path)
    beyond = "No plan of up to 100 seeds detects a difference of 1.0 points here."
    said_now = said(experiment)["What next"]
    assert beyond in said_now and "Detecting" not in said_now
    frame.loc[frame["difference"] == 0.02, "seeds_needed"] = 9
    write_csv(frame, path)
    said_now = said(experiment)["What next"]
    assert said_now.startswith(beyond) and "difference of 2.0 points with 80 %" in said_now


def test_the_usage_names_the_users_folder_not_the_jobs(experiment: Experiment) -> None:
    (label, command), (_, python) = verdict(maker_of(experiment)).use
    folder = f"results/{experiment.folder.name}"
    assert label == "Label a file"
    assert command == f"finetone label {folder} new.csv --method minilm-l6 -o labelled.csv"
    assert f"'{folder}/checkpoints/minilm-l6-seed1'" in python
    considered(experiment, "tfidf", "cheapest")
    assert len(verdict(maker_of(experiment)).use) == 1, "transformers cannot load it"


def test_the_overview_has_every_method_once(experiment: Experiment) -> None:
    (table,) = overview(maker_of(experiment))
    assert len(table.rows) == len(experiment.methods)
    keys = [column.key for column in table.columns]
    assert {"score", "status", "on_products", "train_seconds"} <= set(keys)
    assert all(column.explained for column in table.columns if column.key != "method")
    drawn = [row[keys.index("score")].drawn for row in table.rows]
    for begin, at, end in filter(None, drawn):
        assert 0 <= begin <= at <= end <= 100


def test_one_far_method_does_not_press_the_others_together(experiment: Experiment) -> None:
    (table,) = overview(maker_of(experiment))
    place = [column.key for column in table.columns].index("score")
    widths = pd.Series([row[place].drawn[2] - row[place].drawn[0] for row in table.rows[:5]])  # type: ignore[index]
    assert widths.min() > 4
