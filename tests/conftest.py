"""With `--every-error` the run fails unless each UserError of the library was made by some test.

An error that no test can bring about is a sentence that no user reads: delete it, or test it.
"""

import ast
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from tests import LIBRARY, library_path
from tests.support import sitecustomize

missing = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-error", action="store_true", help="fail if a UserError has no test")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names of tests hold no bytes: a clock in them (gzip's) would part the workers' lists of tests."""
    return argname if isinstance(val, bytes) else None


def pytest_configure(config: pytest.Config) -> None:
    # a shell that starts pytest in the background has it, and all that it starts, ignore Ctrl-C
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--every-error") and not hasattr(config, "workerinput"):
        notes = os.environ["FINETONE_NOTES"] = tempfile.mkdtemp(prefix="finetone-errors-")
        support = str(Path(sitecustomize.__file__).parent)
        os.environ["PYTHONPATH"] = os.pathsep.join([support, library_path()])
        sitecustomize.watch(notes)  # workers of pytest-xdist, too, watch themselves from now on


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workerinput") or not config.getoption("--every-error"):
        return
    notes = Path(os.environ["FINETONE_NOTES"])
    config.stash[missing] = never_made(notes)
    shutil.rmtree(notes)
    if config.stash[missing] and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for place in config.stash.get(missing, []):
        terminalreporter.line(f"no test makes the UserError of {place}", red=True)


def never_made(notes: Path) -> list[str]:
    """The places "engine/loop.py:61" of UserErrors that have no file in the folder `notes`."""
    made = {note.name.replace("|", "/") for note in notes.iterdir()}
    found = []
    for file in sorted((LIBRARY / "finetone").rglob("*.py")):
        name = file.relative_to(LIBRARY / "finetone").as_posix()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("UserError"):
                lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                if made.isdisjoint(f"{name}:{line}" for line in lines):
                    found.append(f"{name}:{node.lineno}")
    return found
