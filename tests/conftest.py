"""With `--every-error` the run fails unless each UserError of the library was made by some test.

An error that no test can bring about is a sentence that no user reads: delete it, or test it.
"""

import ast
import os
import tempfile
from pathlib import Path

import pytest

from tests.support import sitecustomize

LIBRARY = Path(__file__).parents[1] / "workflow" / "scripts" / "finetone"
missing = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-error", action="store_true", help="fail if a UserError has no test")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--every-error"):
        return
    if "FINETONE_NOTES" not in os.environ:  # the workers of pytest-xdist inherit it
        os.environ["FINETONE_NOTES"] = tempfile.mkstemp(prefix="finetone-errors-")[1]
        support = str(Path(sitecustomize.__file__).parent)
        os.environ["PYTHONPATH"] = os.pathsep.join(
            filter(None, [support, os.environ.get("PYTHONPATH")])
        )
    sitecustomize.watch(os.environ["FINETONE_NOTES"])


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workerinput") or not config.getoption("--every-error"):
        return
    config.stash[missing] = never_made(Path(os.environ["FINETONE_NOTES"]).read_text())
    if config.stash[missing] and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for place in config.stash.get(missing, []):
        terminalreporter.line(f"no test makes the UserError of {place}", red=True)


def never_made(notes: str) -> list[str]:
    """The places "engine/loop.py:61" of UserErrors that are not among `notes`."""
    made: dict[str, set[int]] = {}
    for note in notes.splitlines():
        file, _, line = note.rpartition(":")
        made.setdefault(file.rpartition("/finetone/")[2], set()).add(int(line))
    found = []
    for file in sorted(LIBRARY.rglob("*.py")):
        name = file.relative_to(LIBRARY).as_posix()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("UserError"):
                lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                if not made.get(name, set()).intersection(lines):
                    found.append(f"{name}:{node.lineno}")
    return found
