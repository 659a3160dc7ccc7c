"""The picture of the packages is the one that their imports give."""

import re
import subprocess
import sys
from pathlib import Path

from tests.workflow.snake import ROOT

COMMAND = ROOT / "docs/draw_architecture.py"


def draw(root: Path) -> str:
    """The text of the page after the command has drawn its picture, in a copy below `root`."""
    page = root / "docs/architecture.md"
    page.parent.mkdir(parents=True)
    page.write_text((ROOT / "docs/architecture.md").read_text())
    (root / "workflow").symlink_to(ROOT / "workflow")
    command = page.with_name(COMMAND.name)
    command.write_text(COMMAND.read_text())
    subprocess.run([sys.executable, str(command)], check=True)
    return page.read_text()


def test_the_picture_is_what_the_command_draws_now(tmp_path: Path) -> None:
    told = "run python docs/draw_architecture.py"
    assert draw(tmp_path) == (ROOT / "docs/architecture.md").read_text(), told


def test_modules_that_the_documents_name_are_there() -> None:
    named = [
        (page.name, path)
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
        if page.name != "CHANGELOG.md"
        for path in re.findall(r"`((?:\w+/)+\w+\.(?:py|smk|yaml))`", page.read_text())
    ]
    places = (ROOT, ROOT / "workflow/scripts/finetone", ROOT / "workflow/scripts")
    assert len(named) > 20
    assert [each for each in named if not any((p / each[1]).exists() for p in places)] == []
