"""A killed run on the fast path goes on bit by bit: our own random streams are part of the state."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from finetone.engine import loop, saved_state
from finetone.engine.execution import Execution
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.errors import UserError
from tests.unit.engine.zoo import model, texts

LENGTHS = np.random.default_rng(1).integers(1, 60, 44).tolist()
RECIPE = Recipe(
    epochs=2, batch_size=8, learning_rate=1e-3, schedule="linear", warmup=0.2, clip_norm=1.0
)


def run(
    state: Path, architecture: str = "bert", precision: str = "bf16"
) -> tuple[nn.Module, loop.Training]:
    module = model(architecture)
    options = EngineOptions(precision=precision, save_every=1e-9)
    training = loop.train(
        module, texts(LENGTHS), RECIPE, options, 3, state=state,
        device=torch.device("cpu"),
    )  # fmt: skip
    return module, training


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "bart", "squeezebert"])
def test_interrupted_at_a_random_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str
) -> None:
    whole, first = run(tmp_path / "whole", architecture)
    assert first.execution["padding_free"] is (architecture != "squeezebert")
    step = random.Random(architecture).randrange(1, 11)
    real, calls = loop.gradients, 0

    def dies(*arguments: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        result = real(*arguments)  # type: ignore[arg-type]
        if calls > step:
            raise KeyboardInterrupt  # in the middle of a step: masks are drawn already
        return result

    monkeypatch.setattr(loop, "gradients", dies)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", architecture)
    monkeypatch.setattr(loop, "gradients", real)
    again, second = run(tmp_path / "killed", architecture)
    assert second.resumed == 1
    assert saved_state.digest(again) == saved_state.digest(whole)
    assert second.history.column("loss").equals(first.history.column("loss"))


def test_whatever_changes_bits_is_part_of_the_state() -> None:
    """The options decide whether it belongs to the run, the machine is noted."""

    def facts(options: EngineOptions, threads: int) -> list[dict[str, object]]:
        execution = Execution(options, threads, torch.device("cpu"))
        return [execution.fingerprint(), execution.machine()]

    prints = [
        facts(options, threads)
        for options, threads in (
            (EngineOptions(precision="fp32"), 1),
            (EngineOptions(precision="bf16"), 1),
            (EngineOptions(precision="fp32", padding_free="off"), 1),
            (EngineOptions(precision="fp32"), 2),  # sums and draws in another order
        )
    ]
    assert all(a != b for i, a in enumerate(prints) for b in prints[:i])
    assert facts(EngineOptions(precision="fp32", save_every=9), 1) == prints[0]
    assert prints[3][0] == prints[0][0]  # other threads: goes on all the same


def test_how_often_to_save_is_said_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FINETONE_SAVE_EVERY", raising=False)
    usual = EngineOptions()
    assert usual.save_every == 120
    monkeypatch.setenv("FINETONE_SAVE_EVERY", "0.5")
    often = EngineOptions.of({})
    assert often.save_every == 0.5 and often.as_dict() == usual.as_dict()  # recorded nowhere
    for bad in ("often", "-1", "nan", ""):
        monkeypatch.setenv("FINETONE_SAVE_EVERY", bad)
        with pytest.raises(UserError, match=f"FINETONE_SAVE_EVERY is {bad!r}"):
            EngineOptions()


def test_killed_by_the_kernel(tmp_path: Path) -> None:
    """SIGKILL at a random moment, again and again, until the run is through."""
    root = Path(__file__).parents[3]
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.unit.engine import test_resume_fast as t\n"
        "real = t.loop.gradients\n"
        "def told(*a):\n"
        "    print('step', flush=True); return real(*a)\n"
        "t.loop.gradients = told\n"
        "module, training = t.run(Path(sys.argv[1]))\n"
        "print('bits', t.saved_state.digest(module), training.resumed)\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{root / 'workflow' / 'scripts'}:{root}"}
    command = [sys.executable, "-c", code, str(tmp_path / "state")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for _ in range(random.Random(5).randrange(3, 9)):
            assert process.stdout.readline() == "step\n"
        os.kill(process.pid, signal.SIGKILL)
    again = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    whole, _ = run(tmp_path / "whole")
    assert again.stdout.splitlines()[-1] == f"bits {saved_state.digest(whole)} 1"
    assert again.stdout.count("step") < 12
