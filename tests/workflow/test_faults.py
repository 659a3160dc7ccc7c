"""Killed anywhere, continued, and equal to a run that nobody disturbed.

FINETONE_KILLS=50 runs the long form.
"""

import contextlib
import copy
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
import yaml

from tests.workflow.dry import scheduled
from tests.workflow.same import differences
from tests.workflow.snake import ROOT, snakemake, without_power

KILLS = int(os.environ.get("FINETONE_KILLS", "5"))


def start(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(folder),
               "--cores", "2", "--configfile", str(folder / "experiment.yaml"), "--rerun-incomplete"]  # fmt: skip
    return subprocess.Popen(
        command, cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", "FINETONE_SAVE_EVERY": "0.2"},
    )  # fmt: skip


def kill_jobs(process: subprocess.Popen) -> None:
    """SIGKILL the scripts under Snakemake, which itself lives on to report them."""
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            if ".snakemake/scripts" in " ".join(child.cmdline()):
                child.kill()


def half_written(folder: Path) -> list[str]:
    """Final names under which no whole file stands."""
    broken = []
    for file in folder.rglob("*.parquet"):
        if ".partial" not in str(file):
            try:
                pq.read_metadata(file)
            except Exception as error:
                broken.append(f"{file}: {error}")
    return broken


@pytest.mark.slow
def test_killed_anywhere_and_continued_it_ends_as_if_nothing_had_happened(finished, tmp_path):
    undisturbed, config = finished
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / "experiment.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    draw, kills = random.Random(7), 0
    while kills < KILLS:
        process = start(folder)
        try:
            process.wait(timeout=draw.uniform(3, 16))
        except subprocess.TimeoutExpired:
            if draw.random() < 0.7:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                kill_jobs(process)
                os.killpg(process.pid, signal.SIGINT)
            process.wait()
            kills += 1
        else:  # finished before the kill: begin again in the middle, with all that follows from it
            assert process.returncode == 0
            for part in ("runs", "predictions", "tables", "figures", "checkpoints"):
                shutil.rmtree(folder / "results/small" / part, ignore_errors=True)
            for file in ("report.html", "results.json"):
                (folder / "results/small" / file).unlink(missing_ok=True)
        assert half_written(folder) == []
        snakemake(folder, "--unlock", config=config)
    done = snakemake(folder, "--rerun-incomplete", config=config)
    assert done.returncode == 0, done.stderr[-4000:]
    assert differences(undisturbed / "results/small", folder / "results/small") == []
    assert not list((folder / "results").rglob("*.partial*"))
    assert scheduled(folder) == {}


def test_a_killed_training_resumes_from_its_state(again):
    folder, config = again
    config = copy.deepcopy(config)
    config["models"] = {"tiny": config["models"]["tiny"]}
    config |= {"baselines": {}, "seeds": [1], "experiment": "long", "transfer": []}
    config["recipe"] = {**config["recipe"], "epochs": 40}
    target = "results/long/runs/tiny/seed1/run.json"
    (folder / "experiment.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    state = folder / "results/long/runs/tiny/seed1/state"
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "1", "--configfile",
         "experiment.yaml", "--", target],
        cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "FINETONE_SAVE_EVERY": "0.1"},
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(state.glob("state-*.pt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(state.glob("state-*.pt")), "training was killed before it saved anything"
    snakemake(folder, "--unlock")
    done = snakemake(folder, "--rerun-incomplete", "--", target)
    assert done.returncode == 0, done.stderr[-3000:]
    log = (folder / "results/long/logs/finetune/tiny-seed1.log").read_text()
    assert "resum" in log.lower()
    assert not state.exists()


@pytest.mark.parametrize("locked", ["results/small/figures", "results/small", "results"])
def test_a_read_only_results_folder_is_one_clear_sentence(again, locked):
    folder, _ = again
    figure = "results/small/figures/methods.svg"
    (folder / figure).unlink()
    folders = [f for f in [folder / locked, *(folder / locked).rglob("*")] if f.is_dir()]
    try:
        for each in folders:
            each.chmod(0o500)
        done = snakemake(folder, "--", figure, before=without_power)
    finally:
        for each in folders:
            each.chmod(0o700)
    assert done.returncode != 0
    assert re.search(rf"{locked}\S*: cannot be written", done.stderr)
    assert "Traceback" not in done.stderr and not (folder / figure).exists()
    assert snakemake(folder, "--", figure).returncode == 0


def test_a_full_disk_is_named_and_the_next_run_continues(again):
    """A file size limit makes the write of the weights fail as a full disk does."""
    folder, config = again
    target = folder / "results/small/runs/tiny/seed1/run.json"
    shutil.rmtree(target.parent)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = snakemake(folder, "--", "results/small/runs/tiny/seed1/run.json", before=limit)
    assert done.returncode != 0 and "no space left while writing" in done.stderr
    assert not (target.parent / "checkpoint").exists() and not target.exists()
    done = snakemake(folder, "--rerun-incomplete", "--", "results/small/runs/tiny/seed1/run.json")
    assert done.returncode == 0, done.stderr[-3000:]


def test_what_no_retry_mends_is_said_once(again):
    folder, config = again
    books = folder / "books.csv"
    # a larger file than is read to its end before the first job
    rows = f"a dull film{' or so' * 3000},neg\n" * 1000
    books.write_text(f"review,mood\n{rows}a dull film,mixed\n")
    config["datasets"]["books"]["file"]["test"] = str(books)
    done = snakemake(folder, "--", "results/small/data/books", config=config)
    assert done.returncode != 0
    assert done.stderr.count("finetone: datasets.books") == 1, done.stderr


def test_two_at_once_and_a_stale_lock_are_explained(again):
    folder, _ = again
    shutil.rmtree(folder / "results/small")
    first = start(folder)
    locks = folder / ".snakemake/locks"
    while first.poll() is None and not (locks.exists() and any(locks.iterdir())):
        time.sleep(0.05)
    second = snakemake(folder, "--rerun-incomplete")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert second.returncode != 0 and "lock" in (second.stdout + second.stderr).lower()
    stale = snakemake(folder, "--rerun-incomplete")
    assert stale.returncode != 0 and "unlock" in stale.stdout + stale.stderr
    assert snakemake(folder, "--unlock").returncode == 0
    target = "results/small/audit/films.json"
    assert snakemake(folder, "--rerun-incomplete", "--", target).returncode == 0


def test_a_file_from_the_future_counts_by_content_and_nothing_is_made_of_it(again):
    """Of a computer whose clock is ahead, or left from before the clock was set back."""
    folder, config = again
    file = Path(config["datasets"]["films"]["file"]["train"])
    kept = file.stat()
    try:
        os.utime(file, (time.time() + 3600, time.time() + 3600))
        assert scheduled(folder) == {}
        shutil.rmtree(folder / "results/small/data/films")
        target = "results/small/audit/films.json"
        (folder / target).unlink()
        done = snakemake(folder, "--", target)
        assert done.returncode != 0 and "Traceback" not in done.stdout + done.stderr
        assert f"{file}: bears a time" in done.stderr and f"touch {file}" in done.stderr
        assert not (folder / "results/small/data/films").exists()
        os.utime(file)
        assert snakemake(folder, "--", target).returncode == 0
    finally:
        os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))


@pytest.mark.slow
def test_memory_that_ends_is_one_sentence_and_the_next_run_continues(again):
    """The process of the training may use little more than its imports."""
    folder, config = again
    config |= {
        "experiment": "hungry",
        "transfer": [],
        "baselines": {},
        "seeds": [1],
        "max_length": 60,
    }
    config["recipe"] = {**config["recipe"], "epochs": 1, "batch_size": 96}
    config["models"] = {"tiny": config["models"]["tiny"]}
    tokens = "results/hungry/tokens/films/train/tiny.arrow"
    run = "results/hungry/runs/tiny/seed1/run.json"
    assert snakemake(folder, "--", tokens, config=config).returncode == 0
    imports = "import finetone.engine.finetune, re; from pathlib import Path; " \
              "print(re.search(r'VmData:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    kilobytes = subprocess.run(
        [sys.executable, "-c", imports], cwd=ROOT / "workflow/scripts", env=environment, text=True,
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    limit = 1024 * (int(kilobytes) + 100_000)
    done = snakemake(
        folder, "--", run, before=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    )
    assert done.returncode != 0 and "memory ended; run fewer jobs at once" in done.stderr
    assert not (folder / run).exists()
    done = snakemake(folder, "--rerun-incomplete", "--", run)
    assert done.returncode == 0, done.stderr[-3000:]
