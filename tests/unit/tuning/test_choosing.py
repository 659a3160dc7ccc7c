"""The best setting on the dev split is chosen, and the worse half of the trials goes."""

from pathlib import Path
from typing import Any

import pytest

from finetone import files
from finetone.errors import UserError
from finetone.formats import decision, trial
from finetone.formats.trial import Trial
from finetone.provenance import Provenance, read
from finetone.tuning.choosing import choose, chosen, promote


def write(folder: Path, name: str, accuracies: list[float | None], **more: Any) -> Path:
    path = folder / f"{name}.json"
    found = Trial(
        method="m", name=name, values={"C": name}, seed=0, epochs=3,
        scores=[{"accuracy": a, "loss": None if a is None else 1 - a} for a in accuracies],
        rows=10, dev_rows=5, train_seconds=1.0,
    )  # fmt: skip
    trial.write(path, Trial(**vars(found) | more))
    return path


def best(folder: Path, trials: list[Path], metric: str = "accuracy", **more: Any) -> Any:
    choose("m", trials, metric, folder / "choice.json", **more)
    return chosen(folder / "choice.json")["C"]


def test_the_last_epoch_counts_or_the_best_one(tmp_path: Path) -> None:
    trials = [write(tmp_path, "a", [0.9, 0.6]), write(tmp_path, "b", [0.5, 0.7])]
    assert best(tmp_path, trials) == "b"
    assert best(tmp_path, trials, best_epoch=True) == "a"
    assert best(tmp_path, trials, metric="loss") == "b"
    assert files.read_json(tmp_path / "choice.json")["score"] == pytest.approx(0.3)


def test_of_equal_ones_the_first(tmp_path: Path) -> None:
    trials = [write(tmp_path, name, [0.7]) for name in ("b", "a")]
    assert best(tmp_path, trials) == "b"


def test_what_diverged_was_stopped_or_has_no_score_is_not_chosen(tmp_path: Path) -> None:
    trials = [
        write(tmp_path, "a", [], diverged=True),
        write(tmp_path, "b", [0.9], stopped=True),
        write(tmp_path, "c", [0.9, float("nan")]),
        write(tmp_path, "d", [0.5, 0.6]),
    ]
    assert best(tmp_path, trials) == "d"
    with pytest.raises(UserError, match="tune: no trial of m has a finite accuracy on the dev"):
        best(tmp_path, [trials[0], trials[2]])


def test_where_all_that_went_on_diverged_the_best_that_was_stopped_is_chosen(
    tmp_path: Path,
) -> None:
    trials = [
        write(tmp_path, "a", [], diverged=True),
        write(tmp_path, "b", [0.6], stopped=True),
        write(tmp_path, "c", [0.7], stopped=True),
        write(tmp_path, "d", [], stopped=True, diverged=True),
    ]
    assert best(tmp_path, trials) == best(tmp_path, trials, best_epoch=True) == "c"


def goes_on(folder: Path, trials: list[Path], rung: int) -> list[str]:
    found = []
    for path in trials:
        promote(path.stem, trials, "accuracy", rung, folder / "promoted.json")
        found += [path.stem] if decision.read(folder / "promoted.json") else []
    return found


def test_the_better_half_goes_on_and_of_it_the_better_half(tmp_path: Path) -> None:
    scores = {"a": [0.5, 0.9], "b": [0.6, 0.6], "c": [0.7, 0.5], "d": [0.8, 0.7], "e": [0.9, 0.8]}
    trials = [write(tmp_path, name, each) for name, each in scores.items()]
    assert goes_on(tmp_path, trials, 1) == ["c", "d", "e"]
    stopped = [
        write(tmp_path, name, scores[name][:1], stopped=True) for name in ("a", "b")
    ] + trials[2:]
    assert goes_on(tmp_path, stopped, 2) == ["d", "e"]


def test_trials_that_have_ended_compete_with_what_they_have(tmp_path: Path) -> None:
    trials = [write(tmp_path, "short", [0.8]), write(tmp_path, "long", [0.6, 0.7])]
    assert goes_on(tmp_path, trials, 1) == ["short"]
    assert goes_on(tmp_path, trials, 2) == ["short"]


def test_a_decision_is_the_same_whatever_there_was_to_choose_from(tmp_path: Path) -> None:
    trials = [write(tmp_path, "a", [0.9]), write(tmp_path, "b", [0.5])]
    records = []
    for name, given in (("few", trials[:1]), ("all", trials), ("other", trials[1:])):
        made = Provenance(name[0] * 64, {"n": len(given)})
        choose("m", given, "accuracy", tmp_path / f"{name}.json", provenance=made)
        records.append(read(tmp_path / f"{name}.json"))
    few, every, other = records
    assert few and every and other
    assert few.digest == every.digest != other.digest
    assert few.fingerprint != every.fingerprint


def test_times_decide_nothing(tmp_path: Path) -> None:
    quick = read(write(tmp_path, "a", [0.9], train_seconds=1.0))
    slow = read(write(tmp_path, "a", [0.9], train_seconds=9.0))
    better = read(write(tmp_path, "a", [0.91]))
    assert quick and slow and better and quick.digest == slow.digest != better.digest


def test_other_files_are_no_trials_and_no_decisions(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    files.write_json(path, {"method": "m"})
    with pytest.raises(UserError, match="no key 'name', so it holds no trial"):
        trial.read(path)
    with pytest.raises(UserError, match="holds no decision"):
        decision.read(path)
    assert chosen(None) == {}
