"""SQuAD: the official metric on worked examples, windows, decoding, and a model that learns."""

import json
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    OpenAIGPTConfig,
    OpenAIGPTModel,
)

from finetone.engine.execution import Execution
from finetone.engine.recipe import EngineOptions
from finetone.errors import UserError
from finetone.models.prepare import prepare
from finetone.squad import intermediate, questions
from finetone.squad.exact_match import exact_match, f1, normalise, score
from finetone.squad.span_prediction import SpanPrediction
from finetone.squad.windows import Question, Window, best_span, collate, windows
from tests.hub import repositories, text

SETTINGS = {
    "from": "base", "epochs": 6, "batch_size": 16, "learning_rate": 2e-3, "max_length": 64,
    "stride": 16, "seed": 0, "rows": None,
}  # fmt: skip


# the metric


@pytest.mark.parametrize(
    ("answer", "normalised"),
    [
        ("The Broncos.", "broncos"),
        ("an  Apple\ta day", "apple day"),
        ("state-of-the-art", "stateoftheart"),  # punctuation goes before articles do
        ("Theatre", "theatre"),
        ("$1,000", "1000"),
        ("the", ""),
    ],
)
def test_normalisation(answer: str, normalised: str) -> None:
    assert normalise(answer) == normalised


def test_f1_on_worked_examples() -> None:
    assert f1("Denver Broncos", ["the Denver Broncos!"]) == 1
    # 2 words in common; precision 2/3, recall 2/2
    assert f1("Super Denver Broncos", ["Denver Broncos"]) == pytest.approx(0.8)
    # words count as often as they occur: 1 in common of 2 and 1
    assert f1("no no", ["no"]) == pytest.approx(2 / 3)
    assert f1("Paris", ["London"]) == 0
    assert f1("Paris", ["London", "in Paris"]) == pytest.approx(2 / 3)  # the best answer counts
    assert f1("the", ["a"]) == 0
    assert exact_match("the Denver Broncos!", ["x", "denver broncos"])
    assert not exact_match("Denver", ["Denver Broncos"])


def test_score_counts_unanswered_questions() -> None:
    answers = {"1": ["Paris"], "2": ["Rome"], "3": ["in Oslo"], "4": ["1999"]}
    predictions = {"1": "Paris.", "2": "Oslo", "3": "Oslo"}
    assert score(predictions, answers) == {
        "exact_match": 0.25,
        "f1": pytest.approx((1 + 2 / 3) / 4),
    }


# windows


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared two-layer ERNIE."""
    root = tmp_path_factory.mktemp("squad")
    (root / "original").mkdir()
    torch.manual_seed(0)
    repositories.ernie2(root / "original", text.corpus())
    prepare("base", {"path": str(root / "original")}, root / "base")
    return root / "base"


def drawn(n: int, seed: int = 5) -> list[Question]:
    rng = random.Random(seed)
    rows = [text.question(rng) for _ in range(n)]
    return [Question(str(i), q, c, [a], [s]) for i, (c, q, a, s) in enumerate(rows)]


@pytest.mark.parametrize("kind", ["wordpiece", "byte pairs"])
def test_labelled_tokens_spell_the_answer(base: Path, tmp_path: Path, kind: str) -> None:
    folder = base
    if kind == "byte pairs":
        repositories.roberta(tmp_path, text.corpus())
        folder = tmp_path
    asked = drawn(50)
    cut = list(windows(AutoTokenizer.from_pretrained(folder), asked, 64, 16, "w"))
    assert len(cut) == len(asked)
    for window in cut:
        question = asked[window.question]
        span = question.context[window.offsets[window.start, 0] : window.offsets[window.end, 1]]
        assert span.strip() == question.answers[0]


def test_long_context_is_covered_by_overlapping_windows(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    one = drawn(1)[0]
    filler = "the film was awful . " * 40
    question = replace(one, context=filler + one.context, starts=[len(filler) + one.starts[0]])
    cut = list(windows(tokenizer, [question], 64, 16, "w"))
    assert len(cut) > 2 and max(len(w.ids) for w in cut) <= 64
    covered = np.zeros(len(question.context), dtype=bool)
    for window in cut:
        for first, last in window.offsets[window.offsets[:, 0] >= 0]:
            covered[first:last] = True
    assert all(covered[i] for i, letter in enumerate(question.context) if letter != " ")
    ends = [w.offsets[w.offsets[:, 0] >= 0] for w in cut]
    assert all(a[-16, 0] == b[0, 0] for a, b in pairwise(ends))  # the stride
    holding = [w for w in cut if w.start != w.cls]
    assert holding and len(holding) < len(cut)
    for window in cut:
        if window in holding:
            a, b = window.offsets[window.start, 0], window.offsets[window.end, 1]
            assert question.context[a:b] == question.answers[0]
        else:  # nothing to find here: both labels are [CLS]
            assert window.start == window.end == window.cls == 0


def test_question_without_room_for_text(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    with pytest.raises(UserError, match="raise max_length or lower stride"):
        list(windows(tokenizer, drawn(3), 8, 4, "models.m.intermediate"))


def window(offsets: list[list[int]]) -> Window:
    n = len(offsets)
    empty = np.zeros(n, dtype=np.int32)
    return Window(0, empty, empty, np.asarray(offsets, dtype=np.int32), 0, 0, 0)


def test_best_span_is_possible() -> None:
    # tokens: [CLS], a question token, then five characters of context
    cut = window([[-1, -1], [-1, -1], [0, 1], [1, 2], [2, 3], [3, 4], [4, 5]])
    start = np.array([9, 9, 0, 1, 0, 5, 0], dtype=np.float32)
    end = np.array([9, 9, 0, 6, 2, 0, 1], dtype=np.float32)
    # outside the context nothing counts; 5 + 6 would end before it starts
    assert best_span(start, end, cut) == (7.0, 1, 2)
    assert best_span(start[:2], end[:2], window([[-1, -1], [-1, -1]])) is None


def test_answers_have_at_most_thirty_tokens() -> None:
    cut = window([[i, i + 1] for i in range(60)])
    start, end = np.zeros(60, dtype=np.float32), np.zeros(60, dtype=np.float32)
    start[0], end[59], end[29] = 9, 9, 1
    assert best_span(start, end, cut) == (10.0, 0, 30)


def test_collate_pads_on_the_right() -> None:
    short, long = window([[-1, -1]] * 2), window([[-1, -1]] * 3)
    batch = collate([short, long], 7, torch.device("cpu"), types=True)
    assert batch["input_ids"].tolist() == [[0, 0, 7], [0, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert "token_type_ids" not in collate([short], 7, torch.device("cpu"), types=False)


# training


def test_the_loss_is_transformers_own(base: Path) -> None:
    model = AutoModelForQuestionAnswering.from_pretrained(base).eval()
    tokenizer, cpu = AutoTokenizer.from_pretrained(base), torch.device("cpu")
    cut = list(windows(tokenizer, drawn(6), 64, 16, "w"))
    objective = SpanPrediction(cut, tokenizer)
    execution = Execution(EngineOptions(precision="fp32"), 1, cpu)
    loss = objective.loss(model, np.array([4, 0, 3]), 0, execution)
    batch = [cut[4], cut[0], cut[3]]
    starts, ends = torch.tensor([[w.start, w.end] for w in batch]).T
    inputs = collate(batch, tokenizer.pad_token_id, cpu, types=True)
    output = model(**inputs, start_positions=starts, end_positions=ends)
    torch.testing.assert_close(loss.minimised / 3, output.loss)
    assert loss.plain == loss.minimised
    found = (output.start_logits.argmax(1) == starts) & (output.end_logits.argmax(1) == ends)
    assert loss.correct == found.sum()


def tune(
    base: Path, target: Path, state: Path, threads: int = 1, **settings: Any
) -> dict[str, Any]:
    asked = target.with_name("questions")
    split = drawn(320, 1), drawn(60, 2), "r"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(questions, "load_questions", lambda *_: split)
        questions.download({"id": "d"}, "w", asked)
    block = {"intermediate": {**SETTINGS, **settings}}
    intermediate.intermediate("m", block, base, asked, target, state=state, threads=threads)
    return json.loads((target / "manifest.json").read_text())


def test_intermediate_learns_and_keeps_the_pooler(base: Path, tmp_path: Path) -> None:
    manifest = tune(base, tmp_path / "m", tmp_path / "state")
    facts = manifest["intermediate"]
    assert facts["label"] == "re-created" and facts["revision"] == "r"
    assert facts["exact_match"] > 0.8 and facts["f1"] >= facts["exact_match"]
    assert manifest["weights"] == "pretrained" and manifest["missing_keys"] == []
    before, after = (load_file(f / "model.safetensors") for f in (base, tmp_path / "m"))
    assert before.keys() == after.keys()
    for key in before:
        assert torch.equal(before[key], after[key]) == ("pooler" in key), key
    AutoModelForSequenceClassification.from_pretrained(tmp_path / "m")
    assert not (tmp_path / "state").exists()


class Killed(Exception):
    pass


class Counted:
    """A function, and how often it was called."""

    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        return self.function(*arguments)


@pytest.mark.parametrize("damaged", [False, True])
def test_killed_run_ends_with_the_same_bytes(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    whole = tune(base, tmp_path / "whole", tmp_path / "state", epochs=2)

    monkeypatch.setenv("FINETONE_SAVE_EVERY", "0")  # save after every step
    save, steps = intermediate.saved_state.save, 0

    def save_and_die(*arguments: Any) -> None:
        nonlocal steps
        save(*arguments)
        steps += 1
        if steps == 25:  # of 40, in the second epoch
            raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(intermediate.saved_state, "save", save_and_die)
        with pytest.raises(Killed):
            tune(base, tmp_path / "again", tmp_path / "state", epochs=2)
    assert not (tmp_path / "again").exists()
    if damaged:
        (newest,) = (tmp_path / "state").glob("state-25-*.pt")
        content = bytearray(newest.read_bytes())
        content[len(content) // 2] ^= 1
        newest.write_bytes(content)
    monkeypatch.setattr(intermediate.saved_state, "save", save_and_count := Counted(save))
    again = tune(base, tmp_path / "again", tmp_path / "state", epochs=2)
    assert again["files"] == whole["files"]
    assert again["intermediate"] == whole["intermediate"]
    assert save_and_count.calls == 40 - (24 if damaged else 25)


def test_other_threads_go_on_and_are_recorded(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intermediate, "evaluate", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):  # after the last step
        tune(base, tmp_path / "m", tmp_path / "state", epochs=1)
    monkeypatch.setattr(intermediate, "evaluate", lambda *_: {"exact_match": 0.0, "f1": 0.0})
    manifest = tune(base, tmp_path / "m", tmp_path / "state", threads=2, epochs=1)
    assert manifest["intermediate"]["notes"] == [
        "resumed at step 20 with threads 2 instead of 1; bits may differ"
    ]


def test_rows_limits_the_training_questions(base: Path, tmp_path: Path) -> None:
    manifest = tune(base, tmp_path / "m", tmp_path / "state", rows=16, epochs=1)
    assert manifest["intermediate"]["train_questions"] == 16
    assert manifest["intermediate"]["validation_questions"] == 60


def test_an_architecture_that_answers_no_questions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "original").mkdir()
    end = "<|endoftext|>"
    size = repositories.byte_pairs(tmp_path / "original", text.corpus(), [end], eos_token=end)
    size += 1  # the class adds <unk>
    config = OpenAIGPTConfig(vocab_size=size, n_positions=64, n_embd=8, n_layer=1, n_head=2)
    OpenAIGPTModel(config).save_pretrained(tmp_path / "original")
    prepare("base", {"path": str(tmp_path / "original")}, tmp_path / "base")
    with pytest.raises(UserError, match=r"m\.intermediate\.from: .* for model_type 'openai-gpt'"):
        tune(tmp_path / "base", tmp_path / "m", tmp_path / "state")


def test_base_without_weights_is_refused(base: Path, tmp_path: Path) -> None:
    prepare("s", {"scratch": {"like": "base", "config": {}}}, tmp_path / "s", like=base)
    with pytest.raises(UserError, match="no pretrained weights"):
        tune(tmp_path / "s", tmp_path / "m", tmp_path / "state")
