"""New texts get the labels that the pipeline's own predictions have, whatever happens on the way."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetone import files
from finetone.errors import UserError
from finetone.labelling import classifiers, windows
from finetone.labelling.choice import MEAN, choose
from finetone.labelling.label import Summary, label
from finetone.labelling.progress import Progress
from finetone.labelling.sources import table_in, text_column, training_split
from finetone.readers import whole_table
from finetone.statistics.metrics import log_softmax
from tests.unit.labelled_results import LABELS, predicted

SILENT = 1e9  # seconds between two lines


def run(
    results: Path,
    file: Path,
    target: Path,
    *chosen: str | int | None,
    told: list[str] | None = None,
) -> Summary:
    progress = Progress((told if told is not None else []).append, SILENT if told is None else 0)
    return label(
        choose(results, *chosen),  # type: ignore[arg-type]
        table_in(file, str(file), None, None),
        text_column(results, "films"),
        target,
        train=training_split(results, "films"),
        threads=1,
        progress=progress,
    )


def given_rows(results: Path) -> Path:
    return results.parents[1] / "input/2.csv"


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    return np.exp(log_softmax(logits.astype(np.float64) / temperature))


@pytest.mark.parametrize(("method", "seed"), [("tiny", 2), ("tfidf", 0), ("cnn", 1)])
@pytest.mark.parametrize("rows", [7, 1 << 14])
def test_test_rows_get_the_labels_of_their_predictions(
    results: Path,
    tmp_path: Path,
    method: str,
    seed: int,
    rows: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(whole_table, "ROWS", rows)
    summary = run(results, given_rows(results), tmp_path / "out.csv", method, seed)
    found = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    logits = predicted(results, method, seed)
    assert found["label"].tolist() == [LABELS[i] for i in logits.argmax(axis=1)]
    known = choose(results, method, seed).runs[0].temperature
    name = "probability" if known is None else "calibrated_probability"
    np.testing.assert_allclose(found[name], softmax(logits, known or 1.0).max(axis=1), rtol=1e-5)
    given = pd.read_csv(given_rows(results))
    pd.testing.assert_frame_equal(found[["review", "mood"]], given)
    assert summary.rows == len(given) == sum(summary.labels.values())


def test_the_mean_over_seeds_is_that_of_their_probabilities(results: Path, tmp_path: Path) -> None:
    run(results, given_rows(results), tmp_path / "out.csv", "tiny", MEAN)
    choice = choose(results, "tiny", MEAN)
    assert [each.record.seed for each in choice.runs] == [1, 2] and choice.calibrated
    chances = np.mean(
        [softmax(predicted(results, "tiny", r.record.seed), r.temperature) for r in choice.runs],
        axis=0,
    )
    found = pd.read_csv(tmp_path / "out.csv")
    np.testing.assert_allclose(found["calibrated_probability"], chances.max(axis=1), rtol=1e-5)
    about = files.read_json(tmp_path / "out.csv.json")
    assert about["seeds"] == [1, 2] and about["temperatures"] == [
        r.temperature for r in choice.runs
    ]
    assert about["sha256"] == files.sha256(tmp_path / "out.csv")


def test_a_killed_run_goes_on_where_it_was(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_table, "ROWS", 10)
    rows, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    rows.write_bytes(given_rows(results).read_bytes())
    classified: list[int] = []
    whole = classifiers.Models.logits

    def logits(self: object, prepared: object) -> object:
        classified.append(len(prepared))  # type: ignore[arg-type]
        if len(classified) == 4:
            raise KeyboardInterrupt
        return whole(self, prepared)  # type: ignore[arg-type]

    monkeypatch.setattr(classifiers.Models, "logits", logits)
    with pytest.raises(KeyboardInterrupt):
        run(results, rows, target)
    assert not target.exists() and classified == [10] * 4
    parts = sorted((tmp_path / "out.csv.unfinished").iterdir())
    assert len(parts) == 3
    parts[1].write_bytes(b"damaged")
    told: list[str] = []
    assert run(results, rows, target, told=told).resumed == 30
    assert classified[4:] == [10, 10, 10, 10, 4], "the damaged one, and the rest"
    assert not (tmp_path / "out.csv.unfinished").exists()
    run(results, rows, tmp_path / "again.csv")
    assert target.read_bytes() == (tmp_path / "again.csv").read_bytes()
    assert any("texts/s" in line and "left" in line for line in told)


def test_what_was_kept_of_other_texts_or_another_run_is_not_used(
    results: Path, tmp_path: Path
) -> None:
    one, other = (choose(results, "tiny", seed) for seed in (1, 2))
    window = whole_table.Window(1, ["a film"], ["review"], [["a film"]])
    changed = whole_table.Window(1, ["a plot"], ["review"], [["a plot"]])

    class Nothing:
        def prepare(self, texts: list[str]) -> list[str]:
            return texts

    parts = {
        next(windows.Windows(choice, Nothing(), None, tmp_path).prepared([each])).part  # type: ignore[arg-type]
        for choice in (one, other)
        for each in (window, changed)
    }
    assert len(parts) == 4


def test_rows_without_text_have_no_label_and_strange_ones_are_marked(
    results: Path, tmp_path: Path
) -> None:
    texts = {
        "the film was great and moving": "",
        "the plot was dull and tedious": "",
        "": "",
        "   ": "",
        "这部电影非常精彩，我很喜欢。": "script",
        "las escenas eran muy bonitas pero los actores no": "words",
        "the film was great and " * 60: "length",
        "12345 67890 !!! ??? ...": "script",
    }
    rows = tmp_path / "new.jsonl"
    rows.write_text("".join(json.dumps({"review": text}) + "\n" for text in texts))
    summary = run(results, rows, tmp_path / "out.jsonl")
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["review"] for row in found] == list(texts)
    for row, unlike in zip(found, texts.values(), strict=True):
        marked = row["unlike_training"].split("+")
        assert (unlike in marked) if unlike else row["unlike_training"] == "", row
        assert (row["label"] in LABELS) == bool(row["review"].strip())
    assert found[2]["label"] is None and found[2]["calibrated_probability"] is None
    assert summary.without_text == 2 and summary.unlike_rows == 4
    assert summary.unlike is not None and summary.unlike["script"] == 2
    assert any("4 texts (50.0 %) are unlike" in each for each in summary.sentences())
    assert any("2 rows have no text" in each for each in summary.sentences())


def test_without_the_training_texts_nothing_is_compared(results: Path, tmp_path: Path) -> None:
    summary = label(
        choose(results, "tfidf"),
        table_in(given_rows(results), "2.csv", None, None),
        "review",
        tmp_path / "out.csv",
        train=None,
        threads=1,
        progress=Progress(print, SILENT),
    )
    assert summary.columns == ["label", "probability"] and summary.unlike is None
    assert any("not there any more" in each for each in summary.sentences())


def test_early_versions_say_in_the_card_how_many_tokens_texts_have(
    results: Path, tmp_path: Path
) -> None:
    from dataclasses import replace

    given = choose(results, "tiny").runs[0]
    assert classifiers.max_length(given) == 24
    old = replace(given, record=replace(given.record, max_length=None))
    assert classifiers.max_length(old) == 24
    with pytest.raises(UserError, match="does not say how many tokens"):
        classifiers.max_length(replace(old, folder=tmp_path))


def test_a_method_or_seed_that_is_not_there_is_named(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no method 'tinny' has been trained; did you mean 'tiny'"):
        choose(results, "tinny")
    with pytest.raises(UserError, match="no method '\\*' has been trained"):
        choose(results, "*")
    with pytest.raises(UserError, match="tiny has no seed 7; there are 1, 2"):
        choose(results, "tiny", "7")
    with pytest.raises(UserError, match=r"results.json: not there; give the folder of a finished"):
        choose(tmp_path)
    with pytest.raises(UserError, match="holds no runs"):
        choose(tmp_path, "tiny")
    content = {"source": "films", "recommendation": {"method": None, "why": "no second seed"}}
    scores = [("tiny", 0.8), ("tfidf", 0.9)]
    content["results"] = [
        {"dataset": "films", "method": name, "accuracy": {"mean": mean}} for name, mean in scores
    ]
    files.write_json(tmp_path / "results.json", content)
    told = r"recommends no method \(no second seed\); name one: tfidf \(90.0 %\), tiny"
    with pytest.raises(UserError, match=told):
        choose(tmp_path)


def test_what_an_earlier_configuration_left_labels_nothing(results: Path, tmp_path: Path) -> None:
    """Seed 1 was taken out; of seed 2, the temperature is one of weights that are not there now."""
    folder = tmp_path / "small"
    for name in ("runs", "temperatures"):
        shutil.copytree(results / name, folder / name)
    run = folder / "runs/tiny/seed2/run.json"
    known = files.read_json(results / "results.json") | {
        "made_from": {"runs/tiny/seed2/run.json": files.sha256(run), "tables/runs.csv": "…"}
    }
    files.write_json(folder / "results.json", known)
    for seed in (None, MEAN):
        (labels_with,) = choose(folder, "tiny", seed).runs
        assert labels_with.record.seed == 2 and labels_with.temperature is not None
    with pytest.raises(UserError, match="no method 'tfidf' has been trained; there are tiny"):
        choose(folder, "tfidf")
    # a job says itself what belongs to the experiment: here, no temperature, and seed 2 first
    given = [folder / f"runs/tiny/seed{seed}/run.json" for seed in (2, 1)]
    choice = choose(folder, "tiny", MEAN, of=given)
    assert [each.record.seed for each in choice.runs] == [2, 1] and not choice.calibrated
    assert choose(folder, "tiny", of=given).runs[0].record.seed == 2

    fitted = folder / "temperatures/tiny"
    shutil.copyfile(fitted / "seed1.json", fitted / "seed2.json")
    assert not choose(folder, "tiny").calibrated
    about = files.read_json(run)
    files.write_json(run, about | {"train_seconds": 1.0})
    with pytest.raises(UserError, match="seed2/run.json: trained again since .*results.json was"):
        choose(folder, "tiny")


def test_the_text_column_and_split_are_those_of_the_data(results: Path, tmp_path: Path) -> None:
    assert text_column(results, "films") == "review"
    assert training_split(tmp_path, "films") is None
    with pytest.raises(UserError, match="give the column of the texts"):
        text_column(tmp_path, "films")
    with pytest.raises(UserError, match="encoding: 'utf-9' is no encoding"):
        table_in(tmp_path, "a.csv", None, "utf-9")
