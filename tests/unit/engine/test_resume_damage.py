"""A damaged saved state costs the steps since the last good one; another machine is noted."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from finetone.baselines import network
from finetone.baselines.baseline import Task
from finetone.baselines.textcnn import TextCNN
from finetone.engine import loop, saved_state
from finetone.engine.hardware import devices
from finetone.engine.progress import Progress
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.errors import UserError
from tests.unit.engine.test_loop import Bag, bits, toy_tokens

STEPS, KILLED = 21, 17  # of 7 in each epoch
OFTEN = 1e-9  # save after every step, else after each epoch
PRECISE = EngineOptions(precision="fp32")


def run(
    state: Path, options: EngineOptions = PRECISE, threads: int = 1
) -> tuple[nn.Module, loop.Training]:
    module, recipe = Bag(), Recipe(epochs=3, batch_size=16, learning_rate=0.05)
    training = loop.train(
        module, toy_tokens(100), recipe, options, 1,
        state=state, threads=threads, device=torch.device("cpu"),
    )  # fmt: skip
    return module, training


def killed(state: Path, steps: int, options: EngineOptions = PRECISE) -> Path:
    """The state folder of a run that died after so many steps, each of them saved."""
    with pytest.MonkeyPatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(loop, "gradients", Steps(steps))
        run(state, replace(options, save_every=OFTEN))
    return state


class Steps:
    """Counts steps, and dies after `most`."""

    real = staticmethod(loop.gradients)

    def __init__(self, most: int = 1000) -> None:
        self.most, self.count = most, 0

    def __call__(self, *arguments: Any) -> torch.Tensor:
        if self.count == self.most:
            raise KeyboardInterrupt
        self.count += 1
        return self.real(*arguments)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    counted = Steps()
    monkeypatch.setattr(loop, "gradients", counted)
    return counted


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, loop.Training]:
    return run(tmp_path_factory.mktemp("whole") / "state")


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return killed(tmp_path_factory.mktemp("killed") / "state", KILLED)


@pytest.fixture
def state(interrupted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted, tmp_path / "state"))


def newest_first(state: Path) -> list[Path]:
    return sorted(state.glob("state-*.pt"), key=lambda path: -int(path.name.split("-")[1]))


def assert_same(got: tuple[nn.Module, loop.Training], expected: tuple[nn.Module, loop.Training]):
    assert bits(got[0]) == bits(expected[0])
    columns = [name for name in expected[1].history.column_names if name != "seconds"]
    assert got[1].history.select(columns).equals(expected[1].history.select(columns))
    for a, b in zip(got[1].epochs, expected[1].epochs, strict=True):
        assert a.read_bytes() == b.read_bytes()


# damage


def flip(place: float) -> Callable[[Path], None]:
    def flipped(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[min(int(place * len(content)), len(content) - 1)] ^= 0x10
        file.write_bytes(content)

    return flipped


def cut(share: float) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])


def replaced_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def without_a_key(file: Path) -> None:
    content = torch.load(file, weights_only=True)
    del content["optimizer"]
    torch.save(content, file)


def forged(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Other content under a name with its own hash, as another version might leave it."""

    def forge(file: Path) -> None:
        content = torch.load(file, weights_only=True)
        change(content)
        torch.save(content, file)
        _, step, _ = file.name.split("-")
        sha = hashlib.sha256(file.read_bytes()).hexdigest()
        file.replace(file.with_name(f"state-{step}-{sha}.pt"))

    return forge


def put(value: Any, *keys: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


FLIPS = [0.0, 1.0, *np.random.default_rng(4).random(18)]
KEYS = (
    "fingerprint", "module", "optimizer", "random", "done", "resumed", "history", "dev_scores",
    "files", "execution", "machines",
)  # fmt: skip
DAMAGES: dict[str, Callable[[Path], object]] = {
    **{f"byte at {place:.3f}": flip(place) for place in FLIPS},
    **{f"cut to {share}": cut(share) for share in (0, 0.01, 0.5, 0.99)},
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    "text": lambda file: file.write_text("not a state\n"),
    "no key": without_a_key,
    "deleted": lambda file: file.unlink(),
    "renamed": lambda file: file.replace(file.with_name("state-16.pt")),
    "a folder": replaced_by_folder,
    "another step": lambda file: file.replace(
        file.with_name(file.name.replace("state-1", "state-2"))
    ),
    **{f"forged: no {key}": forged(lambda content, key=key: content.pop(key)) for key in KEYS},
    **{f"forged: {key} a word": forged(put("word", key)) for key in KEYS},
    "forged: a function": forged(put(print, "module", "embed.weight")),
    "forged: weights of another shape": forged(put(torch.zeros(3, 16), "module", "head.weight")),
    "forged: half weights": forged(put(torch.zeros(2, 16).half(), "module", "head.weight")),
    "forged: an unknown weight": forged(put(torch.zeros(1), "module", "tail")),
    "forged: moments of another shape": forged(
        put(torch.zeros(50, 17), "optimizer", "state", 0, "exp_avg")
    ),
    "forged: moments of none": forged(put({}, "optimizer", "state", 9)),
    "forged: step a word": forged(put("word", "optimizer", "state", 0, "step")),
    "forged: no betas": forged(
        lambda content: content["optimizer"]["param_groups"][0].pop("betas")
    ),
    "forged: no generator": forged(put(torch.zeros(3), "random", "torch")),
    "forged: no Python generator": forged(put((3, (), None), "random", "python")),
    "forged: stream a word": forged(put("word", "execution", "stream")),
    "forged: short history": forged(lambda content: content["history"].pop()),
    "forged: no such epoch": forged(put({}, "files")),
}


@pytest.mark.parametrize(("which", "repeated"), [("newest", 1), ("both", KILLED)])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_costs_the_steps_since_the_last_good_state(
    damage: Callable[[Path], object],
    which: str,
    repeated: int,
    state: Path,
    whole: tuple[nn.Module, loop.Training],
    steps: Steps,
    caplog: pytest.LogCaptureFixture,
) -> None:
    damaged = newest_first(state)[: 1 if which == "newest" else 2]
    for file in damaged:
        damage(file)
    left = set(state.glob("state*.pt"))
    with caplog.at_level("INFO", logger="finetone"):
        got = run(state)
    assert steps.count == STEPS - KILLED + repeated
    assert_same(got, whole)
    lines = [line for line in caplog.messages if line.startswith("discarding the saved state")]
    named = [path for path in left if any(str(path) in line for line in lines)]
    assert len(lines) == len(named) == len(left) - (2 - len(damaged))
    assert all("\n" not in line for line in lines)
    assert len(newest_first(state)) == 2


@pytest.mark.parametrize("damage", [flip(0.7), cut(0.5), flip(1.0), lambda file: file.unlink()])
@pytest.mark.parametrize(("epoch", "repeated"), [(1, 14), (2, 1)])
def test_a_state_is_good_with_its_epochs_weights_only(
    damage: Callable[[Path], object],
    epoch: int,
    repeated: int,
    tmp_path: Path,
    whole: tuple[nn.Module, loop.Training],
    steps: Steps,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After 14 steps the newest state needs epochs 1 and 2, the one before epoch 1 alone."""
    damage(killed(tmp_path / "state", 14) / f"epoch{epoch}.safetensors")
    with caplog.at_level("INFO", logger="finetone"):
        got = run(tmp_path / "state")
    assert steps.count == STEPS - 14 + repeated
    assert_same(got, whole)
    assert (
        f"it needs epoch{epoch}.safetensors, whose content is not what was written" in caplog.text
    )


@pytest.mark.parametrize("damage", [flip(0.5), cut(0.5), Path.unlink])
def test_epochs_weights_damaged_after_the_last_save_are_refused_and_made_again(
    damage: Callable[[Path], object], whole: Any, tmp_path: Path
) -> None:
    save = Progress.save

    def damaging(self: Progress) -> None:
        save(self)
        if self.done == STEPS:
            damage(self.folder / "epoch1.safetensors")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Progress, "save", damaging)
        with pytest.raises(UserError, match=r"epoch1\.safetensors: not the weights that were writ"):
            run(tmp_path / "state")
    assert_same(run(tmp_path / "state"), whole)


def test_epochs_weights_swapped(state: Path, whole: Any, steps: Steps) -> None:
    first, second = (state / f"epoch{epoch}.safetensors" for epoch in (1, 2))
    first.replace(state / "x")
    second.replace(first)
    (state / "x").replace(second)
    assert_same(run(state), whole)
    assert steps.count == STEPS


@pytest.mark.parametrize("left", ["state.pt", "state-5.pt"])
def test_a_state_of_an_older_version_is_discarded(
    left: str, tmp_path: Path, whole: Any, steps: Steps, caplog: pytest.LogCaptureFixture
) -> None:
    torch.save({"fingerprint": "x"}, tmp_path / left)
    with caplog.at_level("INFO", logger="finetone"):
        assert_same(run(tmp_path), whole)
    assert f"{tmp_path / left}: no step and hash in its name" in caplog.text
    assert steps.count == STEPS


def test_a_file_where_the_folder_should_be(tmp_path: Path, whole: Any) -> None:
    (tmp_path / "state").write_text("x")
    assert_same(run(tmp_path / "state"), whole)


@pytest.mark.parametrize("moment", ["while writing", "before the name"])
def test_killed_in_the_middle_of_saving(
    moment: str, state: Path, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(content: Any, stream: Any) -> None:
        stream.write(b"half")
        raise KeyboardInterrupt

    def nameless(path: Path, target: Path) -> Path:
        if path.name == "state.pt":
            raise KeyboardInterrupt
        return rename(path, target)

    rename = Path.replace
    before = newest_first(state)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        if moment == "while writing":
            patched.setattr(torch, "save", half)
        else:
            patched.setattr(Path, "replace", nameless)
        run(state)
    assert newest_first(state) == before
    flip(0.5)(before[0])
    counted = Steps()
    monkeypatch.setattr(loop, "gradients", counted)
    assert_same(run(state), whole)
    assert counted.count == STEPS - KILLED + 1
    assert {path.suffix for path in state.iterdir()} == {".pt", ".safetensors"}
    assert len(list(state.glob("*.pt"))) == 2


def test_no_room_for_a_state(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(saved_state.io.FileIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    before = newest_first(state)
    monkeypatch.setattr(saved_state.io, "FileIO", Full)
    with pytest.raises(UserError, match="no space left while writing"):
        run(state)
    assert newest_first(state) == before


def test_lack_of_memory_is_no_damage(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(*_: Any, **__: Any) -> None:
        raise MemoryError

    before = newest_first(state)
    monkeypatch.setattr(torch, "load", hungry)
    with pytest.raises(MemoryError):
        run(state)
    assert newest_first(state) == before


# another machine


def test_other_threads_go_on_and_are_recorded(
    state: Path, steps: Steps, caplog: pytest.LogCaptureFixture
) -> None:
    note = f"resumed at step {KILLED} with threads 2 instead of 1; bits may differ"
    with caplog.at_level("INFO", logger="finetone"):
        _, training = run(state, threads=2)
    assert steps.count == STEPS - KILLED
    assert training.resumed == 1 and training.execution["notes"] == [note]
    assert note in caplog.messages
    _, training = run(state, threads=2)  # the note is part of the state
    assert training.resumed == 2 and training.execution["notes"] == [note]


def test_a_state_of_a_gpu_goes_on_on_the_cpu(state: Path, steps: Steps) -> None:
    def on_gpu(content: dict[str, Any]) -> None:
        content["machines"][0] |= {"device": "cuda", "precision": "bf16", "compiled": True}
        content["execution"]["stream"] = None
        content["random"]["cuda"] = torch.zeros(16, dtype=torch.uint8)

    forged(on_gpu)(newest_first(state)[0])
    _, training = run(state)
    assert steps.count == STEPS - KILLED
    (note,) = training.execution["notes"]
    for change in ("device cpu instead of cuda", "precision fp32 instead of bf16"):
        assert change in note


def test_precision_that_resolves_differently(
    tmp_path: Path, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto = EngineOptions()
    monkeypatch.setattr(devices, "fast_bf16", lambda _: False)
    killed(tmp_path, KILLED, auto)
    monkeypatch.setattr(devices, "fast_bf16", lambda _: True)
    _, training = run(tmp_path, auto)
    assert steps.count == STEPS - KILLED
    assert "precision bf16 instead of fp32" in training.execution["notes"][0]


def test_precision_that_is_asked_for_decides(state: Path, steps: Steps) -> None:
    _, training = run(state, EngineOptions(precision="bf16"))
    assert steps.count == STEPS and training.execution["notes"] == []


def test_exact_resume_goes_on_with_the_same_bits_only(
    state: Path,
    whole: tuple[nn.Module, loop.Training],
    steps: Steps,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.MonkeyPatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(loop, "gradients", Steps(1))
        run(
            state, replace(PRECISE, save_every=OFTEN), threads=2
        )  # now the newest state has one step of two threads
    monkeypatch.setenv("FINETONE_EXACT_RESUME", "1")
    with caplog.at_level("INFO", logger="finetone"):
        got = run(state)
    assert steps.count == STEPS - KILLED  # from the state before, with one thread throughout
    assert_same(got, whole)
    assert "FINETONE_EXACT_RESUME is 1, but now there is threads 1 instead of 2" in caplog.text
    _, training = run(state, threads=2)
    assert training.resumed == 0 and training.execution["notes"] == []


@pytest.mark.parametrize("value", ["yes", "", "2"])
def test_exact_resume_is_1_or_unset(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINETONE_EXACT_RESUME", value)
    with pytest.raises(UserError, match=f"FINETONE_EXACT_RESUME is {value!r}"):
        run(tmp_path)


# the networks


def test_a_network_comes_back_from_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINETONE_SAVE_EVERY", "0")
    random = np.random.default_rng(2)
    texts = [" ".join(random.choice(["good", "bad", "film", "plot"], 6)) for _ in range(40)]

    def fit(name: str, state: Path) -> tuple[bytes, int]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        settings = {
            "vocabulary": 10, "embedding": 8, "hidden": 6, "dropout": 0.5, "epochs": 2,
            "batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.0, "clip_norm": None,
        }  # fmt: skip
        labels = np.array(["good" in text for text in texts], dtype=np.int64)
        task = Task(
            "textcnn", "baselines.m", settings, texts, np.arange(40), labels, ["n", "p"], seed=1,
            max_length=10, engine={"precision": "fp32"}, state=state,
        )  # fmt: skip
        learned = TextCNN.fit(task, folder)
        return (folder / network.WEIGHTS).read_bytes(), learned.measured["resumed"]

    expected, _ = fit("whole", tmp_path / "undisturbed")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(loop, "gradients", Steps(4))
        fit("again", tmp_path / "state")
    flip(0.5)(newest_first(tmp_path / "state")[0])
    counted = Steps()
    monkeypatch.setattr(loop, "gradients", counted)
    got, resumed = fit("again", tmp_path / "state")
    assert got == expected and resumed == 1 and counted.count == 10 - 3
