"""The command `finetone label`, as it is called."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from finetone import files
from finetone.commands import label
from finetone.errors import UserError
from tests import library_path


def call(*arguments: str | Path, folder: Path, given: str = "") -> tuple[int, str, str]:
    """Exit status and output of `finetone label`, in a process of its own.

    It starts threads, for which a fork of this process would wait in vain.
    """
    done = subprocess.run(
        [sys.executable, "-m", "finetone", "label", *map(str, arguments)],
        input=given, cwd=folder, env={**os.environ, "PYTHONPATH": library_path()}, text=True,
        capture_output=True, timeout=300,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_recommended_method_labels_a_file(results: Path, tmp_path: Path) -> None:
    rows = results.parents[1] / "input/2.csv"
    renamed = rows.read_text().replace("review,mood", "review,label", 1)
    (tmp_path / "new.csv").write_text(renamed)
    status, out, err = call(results, "new.csv", "-o", "out.csv", folder=tmp_path)
    assert (status, out) == (0, ""), err
    assert err.splitlines()[0] == "finetone: tiny, seed 1, trained on films"
    assert "finetone: 64 of 64 rows labelled" in err
    found = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    ours = ["predicted_label", "calibrated_probability", "unlike_training"]
    assert found.columns.tolist() == ["review", "label", *ours]


def test_standard_input_is_a_table(results: Path, tmp_path: Path) -> None:
    texts = '{"review": "great film"}\n{"review": "dull plot"}\n'
    how = ["-o", "out.jsonl", "--method", "tfidf", "--format", "jsonl", "--threads", "1"]
    status, _, err = call(results, "-", *how, folder=tmp_path, given=texts)
    assert status == 0, err
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2


def test_a_caller_may_have_closed_all_streams(results: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "finetone", "label", str(results), "-", "-o", "out.csv"]
    done = subprocess.run(
        ["sh", "-c", '"$@" <&- >&- 2>err.txt; echo $?', "sh", *command], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": library_path()}, capture_output=True, timeout=300,
    )  # fmt: skip
    said = (tmp_path / "err.txt").read_text().splitlines()
    assert (done.stdout, said[-1]) == (b"1\n", "finetone: standard-input.csv: is empty")


@pytest.mark.parametrize("content", ['[{"review": "a film"}]', '{"mine": 1}', "no JSON"])
def test_a_file_of_the_users_is_no_record(tmp_path: Path, content: str) -> None:
    (tmp_path / "b.csv.json").write_text(content)
    options = argparse.Namespace(output=tmp_path / "b.csv")
    with pytest.raises(UserError, match=r"b\.csv\.json, where its record would go, is there"):
        label._refuse_overwriting(options)
    files.write_json(tmp_path / "b.csv.json", {"made_from": {}})
    label._refuse_overwriting(options)


def test_what_cannot_be_is_one_sentence(results: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("review\na film\n")

    def told(*arguments: str) -> str:
        status, out, err = call(results, *arguments, folder=tmp_path)
        assert (status, out, len(err.splitlines())) == (1, "", 1), out + err
        return err

    assert "gone.csv: no such file" in told("gone.csv", "-o", "out.csv")
    assert "is the file to label" in told("a.csv", "-o", "a.csv")
    assert "must end in .csv" in told("a.csv", "-o", "out.xls")
    assert "the file to label" in told("a.csv", "-o", "a.csv", "--separator", "tab")
    assert "the file to label" in told("a.csv", "-o", "a.csv", "--separator", ";")
    (tmp_path / "folder.csv").mkdir()
    assert "folder.csv: is a folder" in told("a.csv", "-o", "folder.csv")
    assert "is a folder; name a file" in told("folder.csv", "-o", "out.csv")
    assert "is for standard input" in told("a.csv", "-o", "out.csv", "--format", "csv")
    assert "--threads 0: give at least 1" in told("a.csv", "-o", "out.csv", "--threads", "0")
    assert not (tmp_path / "out.csv").exists()
