"""The picture of the packages is the one that their imports give."""

import re
import subprocess
import sys
from pathlib import Path

from tests.unit.synthetic_results import FIGURES, OPTIONAL_FIGURES, OPTIONAL_TABLES, TABLES
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


def test_every_table_of_an_experiment_has_its_row() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    assert sorted(re.findall(r"^\| `(\w+)\.csv` \|", page, re.M)) == sorted(
        [*TABLES, *OPTIONAL_TABLES]
    )


def test_every_table_and_figure_has_a_caption() -> None:
    tables = [f"{name}_table" for name in (*TABLES, *OPTIONAL_TABLES)]
    figures = [name.replace("-", "_") for name in (*FIGURES, *OPTIONAL_FIGURES)]
    captions = {file.stem for file in (ROOT / "workflow/report").glob("*.rst")}
    assert sorted({*tables, *figures} - captions) == [], "write workflow/report/<name>.rst"


def test_every_artifact_that_a_rule_makes_has_its_row() -> None:
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    folders = set(re.findall(r'"<exp>/([\w.]+)', rules)) - {"logs"}
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs/architecture.md").read_text(), re.M)
    named = {found for row in rows for found in re.findall(r"`([\w.]+)", row)}
    assert len(folders) > 10 and sorted(folders - named) == []
