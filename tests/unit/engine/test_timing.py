"""Rounds: who is timed when, with which rows, and when another round is worth it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from finetone.engine import timing
from finetone.engine.timing import ENOUGH, MOST, ROUNDS, Run, in_turn

CPU = torch.device("cpu")
LENGTHS = np.arange(1, 401)


class Recorder:
    """Methods that note what they are asked, and take as long as `script` says."""

    def __init__(self, script: Mapping[str, list[float]], share: list[float]) -> None:
        self.script, self.share = script, share
        self.asked: list[tuple[str, tuple[int, ...]]] = []
        self.loaded = 0

    def methods(self) -> dict[str, Any]:
        return {name: lambda name=name: self.load(name) for name in self.script}

    @contextmanager
    def load(self, name: str) -> Iterator[dict[str, Run]]:
        self.loaded += 1
        yield {"predict": lambda rows: self.asked.append((name, tuple(rows)))}
        self.loaded -= 1

    def measure(self, run: Run, warm: Any, rows: Any, repeats: int, device: Any) -> Any:
        assert self.loaded == 1  # never two at a time
        run(rows)
        name = self.asked[-1][0]
        turn = sum(asked == name for asked, _ in self.asked) - 1
        of_name = self.script[name]
        return of_name[turn % len(of_name)], self.share[turn % len(self.share)]


def play(
    monkeypatch: pytest.MonkeyPatch, script: Mapping[str, list[float]], share: list[float]
) -> tuple[Recorder, list[np.ndarray], Any]:
    recorder = Recorder(script, share)
    monkeypatch.setattr(timing, "_measure", recorder.measure)
    return recorder, *in_turn(recorder.methods(), LENGTHS, 16, CPU)


def test_all_take_the_same_rows_in_turn_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, rows, timed = play(monkeypatch, {"a": [0.2], "b": [0.1], "c": [0.4]}, [1.0])
    assert len(rows) == ROUNDS and (timed["b"]["predict"].seconds == 0.1).all()
    rounds = [recorder.asked[i : i + 3] for i in range(3, 3 * ROUNDS + 3, 3)]  # the first tries
    assert ["".join(name for name, _ in each) for each in rounds[:3]] == ["abc", "cba", "abc"]
    for asked, own in zip(rounds, rows, strict=True):
        assert {of for _, of in asked} == {tuple(own)}
    assert {len(own) for own in rows} == {32}  # two batches take the slowest 0.8 s
    assert len({tuple(sorted(own)) for own in rows}) == ROUNDS  # other texts,
    means = [LENGTHS[own].mean() for own in rows]  # about as long
    assert max(means) / min(means) < 1.05


def test_disturbed_rounds_are_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    share = [1.0, 0.5, 0.6, 0.5] + [1.0] * 40  # the first is the trial
    _, rows, timed = play(monkeypatch, {"a": [0.1], "b": [0.1]}, share)
    assert len(rows) == 3 + ENOUGH
    assert timed["a"]["predict"].undisturbed.sum() == ENOUGH


def test_no_more_rounds_where_they_would_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    _, rows, timed = play(monkeypatch, {"a": [0.1], "b": [0.1]}, [0.3])
    assert len(rows) == MOST - ENOUGH + 1 and not timed["a"]["predict"].undisturbed.any()
    _, rows, _ = play(monkeypatch, {"a": [0.1]}, [1.0, 0.3, 1.0])
    assert ROUNDS < len(rows) <= MOST


def test_one_text_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder({"a": [0.1]}, [1.0])
    monkeypatch.setattr(timing, "_measure", recorder.measure)
    rows, _ = in_turn(recorder.methods(), np.array([7]), 16, CPU)
    assert [own.tolist() for own in rows] == [[0]] * ROUNDS


def test_the_first_time_is_not_counted_and_waiting_is_no_computing() -> None:
    calls: list[int] = []

    def slow_at_first(rows: np.ndarray) -> None:
        calls.append(len(rows))
        time.sleep(0.05 if len(calls) > 1 else 0.6)

    seconds, share = timing._measure(slow_at_first, np.arange(3), np.arange(5), 2, CPU)
    assert calls == [3, 10]  # one warm-up took long enough; the rows twice over
    assert 0.02 < seconds < 0.3 and share < 0.5
