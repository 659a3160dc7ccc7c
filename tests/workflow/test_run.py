"""`finetone run`: plain lines on a pipe, live ones on a terminal, one block for an error, a clean end."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import yaml

from tests.tiny import of_baselines
from tests.workflow.snake import ROOT, snakemake

ESCAPE = "\x1b["
TARGET = "results/small/runs/cnn/seed1/run.json"
INTERRUPTED = "finetone: interrupted; run again to go on"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An experiment of baselines, of which nothing was made."""
    config = of_baselines(tmp_path)
    config["baselines"]["cnn"] = {"kind": "textcnn", "epochs": 1000, "batch_size": 1}
    config["resources"] = {"train_network": {"threads": 1}}
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return tmp_path


def command(*arguments: str) -> list[str]:
    snakefile = ["--snakefile", str(ROOT / "Snakefile")]
    return [sys.executable, "-m", "finetone", "run", "experiment.yaml", *snakefile, *arguments]


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Status, output and errors of `finetone run experiment.yaml …` on pipes."""
    done = subprocess.run(
        command(*arguments), cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True, capture_output=True, timeout=600,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def logs(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob(".snakemake/log/*.log"))


def test_plain_lines_on_a_pipe(folder: Path) -> None:
    status, out, err = run(folder, "-n", "--", "results/small/audit/films.json")
    assert status == 0 and "This was a dry-run" in out + err
    assert not (folder / "results").exists()

    status, out, err = run(folder, "--", "results/small/audit/films.json")
    assert status == 0, err
    first, *others = err.splitlines()
    assert re.fullmatch(r"2 jobs to run; log: \.snakemake/log/.*\.log", first)
    assert [re.sub(r"^\S+  | · .*", "", line) for line in others] == ["1 of 2 jobs", "2 of 2 jobs"]
    assert ESCAPE not in out + err
    assert out == f"log: {first.split('log: ')[1]}\n"
    assert "Audit the dataset films" in logs(folder), "the log has the rest"

    status, out, err = run(folder, "--", "results/small/audit/films.json")
    assert (status, err) == (0, "finetone: nothing to do, everything is up to date\n")


def test_an_error_of_the_user_is_one_sentence(folder: Path) -> None:
    """Before the first job, and in one that snakemake would try three times."""
    status, out, err = run(folder, "--config", "sedes=3")
    assert (status, out) == (1, "") and len(err.splitlines()) == 1
    assert err.startswith("finetone: ") and "did you mean 'seeds'?" in err

    # a larger file than is read to its end before the first job
    rows = [f"great {i} {'x' * 17_000},pos\n" for i in range(1000)]
    (folder / "train.csv").write_text("".join(["review,mood\n", *rows, '"great,pos\n']))
    status, out, err = run(folder, "--retries", "2", "--", "results/small/audit/films.json")
    assert status == 1 and err.count("train.csv") == 1, err
    assert len(err.splitlines()) == 2 and err.splitlines()[1].startswith("finetone: ")
    assert "Traceback" not in err and "Error in rule" not in err
    assert "Error in rule download_dataset" in logs(folder)


class Terminal:
    """`finetone run` in a terminal of 100 columns; `text` is all that it wrote."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.text = ""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:  # pragma: no cover
            os.chdir(folder)
            os.environ |= {"TERM": "xterm", "OMP_NUM_THREADS": "1"}
            os.execv(sys.executable, command(*arguments))
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))

    def read_until(self, done: Callable[[str], object], seconds: float = 300) -> None:
        end = time.monotonic() + seconds
        while not done(self.text):
            try:
                self.text += os.read(self.descriptor, 65536).decode()
            except OSError:  # it has ended
                return
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                pytest.fail(self.text[-2000:])

    def end(self) -> int:
        """Read the rest; the exit status."""
        self.read_until(lambda _: False)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def screen(text: str) -> list[str]:
    """The lines that a terminal shows after `text`."""
    shown: list[str] = [""]
    for part in re.split(r"(\x1b\[\d*[A-Z]|\r\n)", text):
        if part == "\r\n":
            shown.append("")
        elif up := re.fullmatch(r"\x1b\[(\d+)A", part):
            del shown[len(shown) - int(up[1]) :]
            shown[-1:] = [""]
        elif part != f"{ESCAPE}J":
            shown[-1] += part
    return [line for line in shown if line]


def test_live_lines_on_a_terminal_and_a_clean_end_after_ctrl_c(folder: Path) -> None:
    terminal = Terminal(folder, "--", TARGET)
    terminal.read_until(lambda text: re.search(r"step \d+ of 20000, \d+ .* left\r\n", text))
    live = screen(terminal.text)
    assert re.fullmatch(r"  Train the baseline cnn, seed 1  step \d+ of 20000, .* left", live[-2])
    assert re.match(r"1 of 2 jobs · \d+ ", live[-1]) and len(live) == 2

    os.write(terminal.descriptor, b"\x03")
    assert terminal.end() == 1
    waiting, last = screen(terminal.text)
    assert waiting.removeprefix("^C") == "finetone: interrupted; waiting for running jobs to end"
    assert last == INTERRUPTED
    assert "Traceback" not in terminal.text
    assert not (folder / TARGET).exists()


def test_a_job_that_is_killed_is_named_with_its_log(folder: Path) -> None:
    terminal = Terminal(folder, "--", TARGET)
    terminal.read_until(lambda text: re.search(r"step \d+ of 20000", text))
    for child in psutil.Process(terminal.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if ".snakemake/scripts" in " ".join(child.cmdline()):
                child.kill()
    assert terminal.end() == 1
    block = screen(terminal.text)
    assert len(block) == 2, block
    assert block[0].startswith("finetone: Train the baseline cnn, seed 1: was killed (SIGKILL)")
    assert block[1] == "  log: results/small/logs/train_network/cnn-seed1.log"


def test_the_answer_ends_a_run(again: tuple[Path, dict]) -> None:
    """Of `finetone run`, also where there is nothing to do; in one line of plain snakemake."""
    folder, _ = again
    status, out, err = run(folder, "--quiet")
    assert (status, err) == (0, "finetone: nothing to do, everything is up to date\n")
    assert re.match(r"\nRecommended: .*\n  How sure ", out) and "\nCheck this first:\n  ! " in out
    assert f"\nReport: {folder}/results/small/report.html\nDisk: " in out
    assert out.count("  majority ") == 2, "films and books"

    picture = folder / "results/small/figures/methods.svg"
    picture.unlink()
    status, out, err = run(folder)
    assert status == 0 and picture.exists()
    assert err.startswith("3 jobs to run; log: ") and len(err.splitlines()) == 4
    assert re.search(r"\nlog: \.snakemake/log/\S+\.log\n$", out) and "Recommended: " in out

    picture.unlink()
    done = snakemake(folder)
    told = r"^finetone: Recommended: .*; all of it: finetone show results/small$"
    assert done.returncode == 0 and len(re.findall(told, done.stderr, re.M)) == 1
    one = snakemake(folder, "--force", "--", "results/small/tables/ranking.csv")
    assert one.returncode == 0 and "Recommended" not in one.stderr, "a table is no answer"
