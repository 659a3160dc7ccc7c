"""What docs/original-study.md has computed is what the command computes now."""

import importlib.util
from pathlib import Path

import pytest

from tests import ROOT

COMMAND = ROOT / "docs/audit_original_study.py"


def test_the_page_is_what_the_command_writes_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("audit_original_study", COMMAND)
    assert spec and spec.loader
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    page, copy = ROOT / "docs/original-study.md", tmp_path / "page.md"
    # a block that the command does not fill would stay as it is: numbers that it writes are changed
    copy.write_text(page.read_text().replace("✗ contradicted", "? undecided"))
    monkeypatch.setattr(command, "PAGE", copy)
    command.main()
    assert copy.read_text() == page.read_text(), "run python docs/audit_original_study.py"
