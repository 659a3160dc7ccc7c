"""What docs/original-study.md and its Chinese twin have computed is what the command computes now."""

import importlib.util
from pathlib import Path

import pytest

from tests import ROOT

COMMAND = ROOT / "docs/audit_original_study.py"


def test_the_page_is_what_the_command_writes_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(COMMAND.parent)  # where Python finds what a command imports
    spec = importlib.util.spec_from_file_location("audit_original_study", COMMAND)
    assert spec and spec.loader
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    pages = {language: page.read_text() for language, page in command.PAGES.items()}
    copies = {language: tmp_path / f"{language}.md" for language in pages}
    for language, text in pages.items():
        # a block that the command does not fill would stay as it is: verdicts that it writes are changed
        signs = command.SIGNS[language]
        assert signs["contradicted"] in text
        copies[language].write_text(text.replace(signs["contradicted"], signs["undecided"]))
    monkeypatch.setattr(command, "PAGES", copies)
    command.main()
    written = {language: copy.read_text() for language, copy in copies.items()}
    assert written == pages, "run python docs/audit_original_study.py"
