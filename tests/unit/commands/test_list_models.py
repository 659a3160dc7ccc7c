"""The table of the catalogue, and the options that choose from it."""

from pathlib import Path

import pytest

from finetone import cli
from finetone.config import catalogue
from finetone.engine.hardware import machine
from finetone.errors import UserError

ENTRIES = catalogue.load()


def names(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert cli.main(["models", *options]) == 0
    table = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert table[0].split()[:2] == ["name", "parameters"]
    return [row.split()[0] for row in table[1:]]


def test_all_are_printed_the_smallest_first(capsys: pytest.CaptureFixture[str]) -> None:
    found = names(capsys)
    assert sorted(found) == sorted(ENTRIES)
    assert [ENTRIES[name].parameters for name in found] == sorted(
        entry.parameters for entry in ENTRIES.values()
    )


def test_options_keep_what_meets_all_of_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chinese = names(capsys, "--language", "zh")
    assert {"ernie-3.0-base-zh", "macbert-base", "xlm-roberta-base", "eurobert-210m"} <= set(
        chinese
    )
    assert "bert-base" not in chinese
    small = names(capsys, "--max-parameters", "100m", "--min-length", "1024", "--language", "en")
    assert small == ["ettin-17m", "ettin-32m", "ettin-68m", "distilgpt2"]
    assert names(capsys, "--max-parameters", "0.0117B") == ["albert-base"]
    tight = names(capsys, "--memory", "0.41GB")
    assert tight == ["albert-base", "electra-small", "ettin-17m", "minilm-l6"]
    monkeypatch.setattr(machine, "memory", lambda: 41 * 10**7)
    assert names(capsys, "--memory", "here") == tight


def test_installed_are_those_in_the_hubs_cache(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub = ENTRIES["minilm-l6"].block["hub"]
    snapshot = tmp_path / f"models--{hub['id'].replace('/', '--')}/snapshots/{hub['revision']}"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert cli.main(["models", "--installed"]) == 1, "a configuration alone is no model"
    (snapshot / "model.safetensors").write_bytes(b"weights")
    capsys.readouterr()
    assert names(capsys, "--installed") == ["minilm-l6"]


def test_a_licence_that_restricts_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["models"])
    assert "gemma3-270m: the licence gemma restricts use" in capsys.readouterr().out
    cli.main(["models", "--max-parameters", "100M"])
    assert "licence" not in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--max-parameters", "big"], "--max-parameters big: is no number; give one such as 110M"),
        (["--memory", "-1"], "--memory -1: is no number"),
        (["--language", "English"], "--language English: give its code, such as en, zh or de"),
        (["--max-parameters", "1M"], "no model of the catalogue meets all of these options"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_sentence(options: list[str], said: str) -> None:
    parsed = cli.parser().parse_args(["models", *options])
    with pytest.raises(UserError, match=f"^{said}"):
        parsed.run(parsed)
