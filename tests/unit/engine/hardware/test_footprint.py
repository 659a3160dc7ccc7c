"""A training that cannot end well for want of memory is refused before it begins."""

from pathlib import Path

import pytest

from finetone.engine.hardware import footprint, machine
from finetone.engine.hardware.footprint import Size
from finetone.errors import UserError
from finetone.files import write_json
from tests.unit.engine.test_finetune import fine_tune, folder  # noqa: F401

BERT = Size(109_483_778, 12, 768)


def test_the_least_memory_of_a_step() -> None:
    # 16 bytes for a parameter, 34 for each activation: 1.752 GB and 0.160 GB
    assert BERT.bytes(512) == 16 * 109_483_778 + 34 * 512 * 12 * 768
    tables = Size(109_483_778, 12, 768, untrained=23_837_184)
    assert BERT.bytes(0) - tables.bytes(0) == 12 * 23_837_184


def test_what_fits_is_named_largest_first_and_what_does_not_is_refused() -> None:
    fits = list(footprint.fitting(10**9, 512))
    assert fits[:2] == ["squeezebert", "minilm-l12"] and "bert-base" not in fits
    footprint.refuse_large("bert", BERT, 512, 2 * 10**9, "this CPU")
    with pytest.raises(
        UserError,
        match=r"models\.bert: training its 109 million parameters takes at least 1\.9 GB, but this CPU "
        r"has 1\.0; smaller ones fit, such as squeezebert, minilm-l12, bge-small-en \(finetone models\)",
    ):
        footprint.refuse_large("bert", BERT, 512, 10**9, "this CPU")
    with pytest.raises(UserError, match="use a larger machine"):
        footprint.refuse_large("bert", BERT, 512, 10**6, "this CPU")


def test_a_run_is_refused_before_it_writes_anything(
    folder: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    facts = {"model": "tiny", "layers": 2, "parameters": {"total": 10**9, "embedding": 10**6}}
    write_json(folder / "model" / "manifest.json", facts)
    monkeypatch.setattr(machine, "memory", lambda: 8 * 10**9)
    with pytest.raises(UserError, match="takes at least 16.0 GB, but .* has 8.0"):
        fine_tune(folder, "large")
    assert not (folder / "large").exists()
    monkeypatch.setattr(machine, "memory", lambda: 17 * 10**9)
    assert (fine_tune(folder, "enough") / "run.json").is_file()


def test_this_machine_has_some_memory_and_a_process_no_more() -> None:
    assert machine.peak_memory() < machine.memory() < 2**60
