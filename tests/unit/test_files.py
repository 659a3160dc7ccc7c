"""Files are whole under their final name, or not there; nothing else is left beside them."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from finetone import files
from finetone.errors import UserError
from finetone.formats.csv_table import write_csv
from finetone.provenance import Provenance, record_csv, seal
from tests import library_path
from tests.workflow.snake import without_power


def python(code: str, folder: Path, **options: Any) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": library_path()}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, **options
    )


def test_an_error_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(RuntimeError), files.atomic(target) as partial:
        partial.write_text("half")
        raise RuntimeError("stopped")
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]
    assert target.read_text() == "old"


def test_a_file_takes_no_folder_s_place_but_a_folder_does(tmp_path: Path) -> None:
    target = tmp_path / "config"
    target.mkdir()
    (target / "mine.yaml").write_text("mine")
    with pytest.raises(UserError, match="config: is a folder; name a file"):
        files.write_json(target, {})
    assert (target / "mine.yaml").read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["config"]
    with files.atomic(target) as partial:
        partial.mkdir()
    assert list(target.iterdir()) == []


WRITERS = {
    "text": "partial.write_text('x' * 10**5)",
    "parquet": "pandas.DataFrame({'x': numpy.random.rand(10**5)}).to_parquet(partial)",
    "arrays": "numpy.savez(partial.open('wb'), x=numpy.zeros(10**5))",
    "weights": "save_file({'x': numpy.zeros(10**5)}, str(partial))",  # Rust, with errors of its own
    "folder": "partial.mkdir(); save_file({'x': numpy.zeros(10**5)}, str(partial / 'weights'))",
}


@pytest.mark.parametrize("writer", WRITERS)
def test_no_space_is_one_sentence_whichever_library_writes(tmp_path: Path, writer: str) -> None:
    """A limit to the size of files makes a write fail as a full disk does."""
    write = (
        "import resource, signal, numpy, pandas\n"
        "from safetensors.numpy import save_file\n"
        "from finetone import errors, files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try:\n"
        f"    with files.atomic('target') as partial: {WRITERS[writer]}\n"
        "except errors.UserError as error: print(error)"
    )
    done = python(write, tmp_path)
    assert done.stdout.startswith("target: no space left while writing"), done.stderr
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed_and_a_living_one_keeps_its_own(
    tmp_path: Path,
) -> None:
    begin = (
        "import os, signal; from finetone import files\n"
        "with files.atomic('model') as partial:\n"
        "    partial.mkdir(); (partial / 'weights').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = python(begin, tmp_path)
    assert killed.returncode < 0 and len(list(tmp_path.iterdir())) == 1
    living = tmp_path / f".model.partial-{os.getppid()}"
    living.mkdir()
    with files.atomic(tmp_path / "model") as partial:
        partial.mkdir()
    assert {file.name for file in tmp_path.iterdir()} == {"model", living.name}


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_who_may_use_new_files_may_use_these(tmp_path: Path, umask: int) -> None:
    """safetensors writes for the owner alone."""
    write = "import numpy, pandas; from safetensors.numpy import save_file; from finetone import files\n"
    for name, writer in WRITERS.items():
        write += f"with files.atomic({name!r}) as partial: {writer}\n"
    python(write, tmp_path, umask=umask, check=True)
    assert {path.name for path in tmp_path.iterdir()} == WRITERS.keys()
    for path in tmp_path.rglob("*"):
        full = 0o777 if path.is_dir() else 0o666
        assert path.stat().st_mode & 0o777 == full & ~umask, path


def test_a_file_of_another_user_in_a_sticky_folder_is_named(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can act as another user")
    (tmp_path / "table.csv").write_text("theirs")
    os.chown(tmp_path / "table.csv", 1234, 1234)
    os.chown(tmp_path, 1234, 1234)
    tmp_path.chmod(0o1777)
    replace = (
        "from finetone import errors, files\n"
        "try:\n"
        "    with files.atomic('table.csv') as partial: partial.write_text('ours')\n"
        "except errors.UserError as error: print(error)"
    )
    done = python(replace, tmp_path, preexec_fn=lambda: without_power(owning=True))
    assert done.stdout == "table.csv: cannot be written (Operation not permitted)\n", done.stderr


@pytest.mark.parametrize("mode", [0o500, 0o400])
@pytest.mark.parametrize("locked", ["results", "results/x/models", "results/x/models/m"])
def test_a_folder_that_may_not_be_written_or_entered_is_named(
    tmp_path: Path, mode: int, locked: str
) -> None:
    (tmp_path / "results/x/models/m").mkdir(parents=True)
    ask = (
        "from finetone import errors, files\n"
        "try: files.refuse_read_only(['results/x/models/m', 'results/y'])\n"
        "except errors.UserError as error: print(error)"
    )
    (tmp_path / locked).chmod(mode)
    try:
        said = python(ask, tmp_path, preexec_fn=without_power).stdout
    finally:
        (tmp_path / locked).chmod(0o700)
    assert said.startswith(f"{locked}: cannot be written")


def test_nothing_is_written_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    with pytest.raises(UserError, match=r"a\.csv: is a file, so nothing can be written below it"):
        files.refuse_read_only([tmp_path / "a.csv/deep/b.csv"])
    with (
        pytest.raises(UserError, match=r"b\.csv: cannot be written \(there is no folder"),
        files.atomic(tmp_path / "a.csv/deep/b.csv"),
    ):
        pass


def test_a_file_that_is_not_the_one_described_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("learned")
    hashes = {"weights": files.sha256(tmp_path / "weights")}
    files.unchanged(tmp_path / "manifest.json", hashes)
    (tmp_path / "weights").write_text("swapped")
    with pytest.raises(UserError, match=r"weights: not the file .*manifest\.json describes"):
        files.unchanged(tmp_path / "manifest.json", hashes)


def test_a_result_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir(mode=0o500)
    write = (
        "from finetone import errors, files\n"
        "try: files.write_json('tables/a.json', {})\n"
        "except errors.UserError as error: print(error)"
    )
    done = python(write, tmp_path, preexec_fn=without_power)
    assert done.stdout == "tables/a.json: cannot be written (Permission denied)\n", done.stderr


def test_a_time_in_the_future_is_named_with_what_mends_it(tmp_path: Path) -> None:
    file = tmp_path / "my texts.csv"
    file.touch()
    files.check_mtimes([file, tmp_path / "not there"])
    os.utime(file, (time.time() + 100, time.time() + 100))
    with pytest.raises(UserError, match=r"texts\.csv: bears a time \d+ s in the future") as error:
        files.check_mtimes([file])
    assert f"touch '{file}'" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"schema_version": 1', '"schema_version": 9', "schema version 9, but .* reads 1"),
        ('"rows": 7', '"rows": 8', "changed since it was written"),
    ],
)
def test_a_record_of_another_version_or_content_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    file = tmp_path / "run.json"
    files.write_json(file, {"rows": 7})
    assert files.read_json(file) == {"schema_version": 1, "rows": 7}
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(UserError, match=rf"run\.json: {words}.*; delete {file} and run again"):
        files.read_json(file)


def loop(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.name)


def folder_instead(file: Path) -> None:
    file.unlink()
    file.mkdir()


UNREADABLE = {
    "no permission": lambda file: file.chmod(0),
    "a folder": folder_instead,
    "a link to itself": loop,
    "missing": Path.unlink,
    "nested without end": lambda file: file.write_text("[" * 200_000),
    "not UTF-8": lambda file: file.write_bytes(b"\xff\xfe{}"),
    "a list": lambda file: file.write_text("[1, 2]"),
}


@pytest.mark.parametrize("name", ["about.json", "table.csv", "table.csv.json", "picture.svg"])
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, name: str) -> None:
    damages = dict(UNREADABLE)
    if name == "table.csv.json":  # without it a table is an earlier version's, or the user's own
        del damages["missing"], damages["a link to itself"]
    about = Provenance("f" * 64)
    for damage in damages:
        folder = tmp_path / damage
        files.write_json(folder / "about.json", {"a": 1})
        write_csv(pd.DataFrame({"n": [1]}), folder / "table.csv")
        record_csv(folder / "table.csv", about)
        (folder / "picture.svg").write_text("<svg></svg>")
        seal(folder / "picture.svg", about)
        damages[damage](folder / name)
    read = {"json": "files.read_json", "csv": "csv_table.read_csv", "svg": "provenance.check_seal"}
    file = name.removesuffix(".json") if ".csv" in name else name
    ask = (
        "from pathlib import Path; from finetone import errors, files, provenance\n"
        "from finetone.formats import csv_table\n"
        f"for damage in {list(damages)}:\n"
        f"    try: {read[file.split('.')[1]]}(Path(damage, {file!r}))\n"
        "    except errors.UserError as error: print(error)\n"
        "    else: print(damage, 'was read')"
    )
    done = python(ask, tmp_path, preexec_fn=without_power)
    assert not done.stderr
    for damage, said in zip(damages, done.stdout.splitlines(), strict=True):
        assert said.startswith(f"{damage}/{file}") and f"delete {damage}/{file}" in said, said
