"""A trial is the training that it stands for, and leaves scores alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetone.baselines.baseline import Task
from finetone.engine import loop
from finetone.engine.finetune import classifier
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.formats import decision, row_subset, trial
from finetone.formats.row_subset import RowSubset
from finetone.formats.token_file import read_tokens
from finetone.formats.trial import Trial
from finetone.seeds import derive
from finetone.statistics.evaluation import EVERY_SCORE
from finetone.tuning.training import try_model
from finetone.tuning.trying import Attempt, try_baseline
from tests.unit.engine.test_finetune import folder  # noqa: F401 (a fixture)

FILLER = ["the", "film", "was", "a", "long", "story"]
NETWORK = {
    "vocabulary": 50, "embedding": 8, "hidden": 8, "dropout": 0.1, "epochs": 3, "batch_size": 8,
    "learning_rate": 0.02, "weight_decay": 0.0, "clip_norm": 1.0,
}  # fmt: skip
SETTINGS = {"textcnn": NETWORK, "tfidf": {"ngrams": 1, "min_count": 1, "C": 1.0}}


def task(kind: str, rows: int, seed: int, **more: Any) -> Task:
    """Texts whose class one word tells."""
    draw = np.random.default_rng(seed)
    labels = np.arange(rows) % 2
    texts = [" ".join([*draw.choice(FILLER, 4), ("awful", "great")[label]]) for label in labels]
    return Task(
        kind, "baselines.m", SETTINGS[kind] | more, texts, np.arange(rows), labels, ["no", "yes"],
        max_length=16, engine={"precision": "fp32"},
    )  # fmt: skip


def attempt(target: Path, until: int, **more: Any) -> Attempt:
    given: dict[str, Any] = {"method": "m", "name": "t", "values": {"C": 1}, "seed": 4, "epochs": 3}
    return Attempt(target=target, until=until, **given | more)


def scores_of(path: Path) -> list[dict[str, float | None]]:
    return trial.read(path).scores


def test_a_model_is_measured_as_its_training_measures_it(folder: Path) -> None:  # noqa: F811
    rows = np.array([1, 2, 3, 5, 8, 13, 21, 34, 35, 39])
    row_subset.write(folder / "rows.parquet", RowSubset("tuning", "toys", 40, rows))
    recipe, options = Recipe(epochs=3, batch_size=4), EngineOptions(precision="fp32")
    target = folder / "tuning/m/t/epoch3.json"
    try_model(
        attempt(target, 3), folder / "model", folder / "train.arrow", folder / "test.arrow",
        recipe=recipe, options=options, threads=1, rows=folder / "rows.parquet",
    )  # fmt: skip
    data, dev = read_tokens(folder / "train.arrow").take(rows), read_tokens(folder / "test.arrow")
    seed = derive(4, "tuning")  # as every training on a subset
    module = classifier(folder / "model", data, seed)
    recipe = replace(recipe, choose_epoch="dev")
    whole = loop.train(module, data, recipe, options, seed, state=folder / "s", dev=dev)
    found = trial.read(target)
    assert [each["accuracy"] for each in found.scores] == whole.dev_scores
    assert (found.rows, found.dev_rows, found.epochs) == (10, len(dev), 3)
    assert set(found.scores[0]) == set(EVERY_SCORE)
    assert [path.name for path in target.parent.iterdir()] == [target.name], "no weights are left"


@pytest.mark.parametrize("lost", [False, True])
def test_a_trial_in_stages_is_the_trial_at_once(tmp_path: Path, lost: bool) -> None:
    given = task("textcnn", 40, 1), task("textcnn", 30, 2)
    whole, first, last = (tmp_path / name for name in ("w/epoch3.json", "s/epoch1.json", "s/epoch3.json"))  # fmt: skip
    try_baseline(attempt(whole, 3), *given)
    try_baseline(attempt(first, 1), *given)
    state = first.parent / "state"
    assert scores_of(first) == scores_of(whole)[:1] and list(state.glob("*.pt"))
    assert not list(state.glob("epoch*")), "the weights of an epoch are kept in no second copy"
    decision.write(tmp_path / "promoted1.json", True, {})
    if lost:
        for file in state.iterdir():
            file.unlink()
    goes_on = attempt(last, 3, before=first, promoted=tmp_path / "promoted1.json")
    try_baseline(goes_on, *given)
    assert scores_of(last) == scores_of(whole) and not state.exists()


def test_a_stopped_trial_repeats_what_it_had_and_trains_nothing(tmp_path: Path) -> None:
    given = task("textcnn", 40, 1), task("textcnn", 30, 2)
    first, last = tmp_path / "epoch1.json", tmp_path / "epoch3.json"
    try_baseline(attempt(first, 1), *given)
    decision.write(tmp_path / "promoted1.json", False, {})
    stopped = attempt(last, 3, before=first, promoted=tmp_path / "promoted1.json")
    try_baseline(stopped, *given)
    assert trial.read(last) == Trial(**vars(trial.read(first)) | {"stopped": True})
    assert not (tmp_path / "state").exists()


def test_a_training_that_diverges_is_a_trial_without_scores(tmp_path: Path) -> None:
    bad = task("textcnn", 40, 1, learning_rate=1e30, clip_norm=None)
    try_baseline(attempt(tmp_path / "epoch3.json", 3), bad, task("textcnn", 30, 2))
    found = trial.read(tmp_path / "epoch3.json")
    assert found.diverged and found.scores == []
    assert not (tmp_path / "state").exists()


def test_a_method_without_epochs(tmp_path: Path) -> None:
    target = tmp_path / "epoch1.json"
    try_baseline(attempt(target, 1, epochs=1), task("tfidf", 40, 1), task("tfidf", 30, 2))
    (scores,) = scores_of(target)
    assert scores["accuracy"] == 1.0 and scores["loss_se"]
    assert list(tmp_path.iterdir()) == [target]
