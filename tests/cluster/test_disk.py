"""How much disk one run holds at its worst, as docs/cluster.md says, and what is left of it."""

from pathlib import Path

import numpy as np
import pytest
from transformers import BertConfig, BertModel

from finetone.engine import finetune as engine
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.files import read_json
from tests.unit.engine.test_finetune import RUN, write_tokens
from tests.unit.engine.zoo import texts

EPOCHS = 3


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_run_holds_48_bytes_per_parameter_at_its_worst_and_12_until_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured where it is largest: just before a written file takes the place of an older one,
    and just before the saved state is discarded."""
    shape = {"hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024}
    BertModel(BertConfig(num_hidden_layers=2, vocab_size=100, **shape)).save_pretrained(
        tmp_path / "model"
    )
    tokens = write_tokens(tmp_path / "train.arrow", texts([5] * 16))
    run = tmp_path / "run"
    sizes = []
    replace, discard = Path.replace, engine.saved_state.discard
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (sizes.append(size(run)), replace(self, to))[1]
    )
    monkeypatch.setattr(
        engine.saved_state, "discard", lambda folder: (sizes.append(size(run)), discard(folder))[1]
    )
    paths = {name: run / file for name, file in RUN.items()}
    engine.finetune(
        tmp_path / "model", tokens, engine.RunPaths(**paths), engine.RunIdentity("bert", 1, "toys"),
        dev=None, recipe=Recipe(epochs=EPOCHS, batch_size=8), options=EngineOptions(precision="fp32"),
        threads=1,
    )  # fmt: skip
    parameters = read_json(run / "run.json")["parameters"]["total"]
    assert max(sizes) / parameters == pytest.approx(48, rel=0.03)
    assert size(run) / parameters == pytest.approx(12, rel=0.03)
    assert np.isclose(size(run / "epochs") / parameters, 4 * (EPOCHS - 1), rtol=0.03)
