"""Proposals without the seconds of measuring, and without a hub."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from finetone.config.checking import check
from finetone.config.values import load
from finetone.data.first_look import look
from finetone.proposal.decisions import Options, Proposal, propose
from finetone.proposal.document import document
from tests import ROOT
from tests.proposing import known_machine

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"

Propose = Callable[..., tuple[Proposal, dict[str, Any], str]]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    known_machine(monkeypatch)


@pytest.fixture
def proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Propose:
    """What is proposed for files in an empty folder, the checked entry of the dataset, and the text."""
    monkeypatch.chdir(tmp_path)

    def call(*files: str, **options: Any) -> tuple[Proposal, dict[str, Any], str]:
        rules = load(SCHEMA)
        found = propose(files, Options(**{"cores": 2, **options}), rules)
        text = document(found, "own", "snakemake …", rules)
        Path("own.yaml").write_text(text, encoding="utf-8")
        config = check(load(Path("own.yaml")), SCHEMA, [Path("own.yaml")])
        look("own", config["datasets"]["own"])
        return found, config, text

    return call
