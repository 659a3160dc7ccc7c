"""`finetone new`: what it writes, says and refuses."""

import os
from pathlib import Path

import pytest
import yaml

from finetone import cli
from finetone.commands import clone
from tests.proposing import known_machine, write


@pytest.fixture
def new(tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder; its status, output and errors."""
    monkeypatch.chdir(tmp_path)
    known_machine(monkeypatch)

    def run(*arguments):
        status = cli.main(["new", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def test_a_file_becomes_an_experiment(new):
    status, out, err = new(write("My reviews (2026).csv", ["bad", "good"] * 60))
    assert (status, err) == (0, "")
    config = yaml.safe_load(Path("config/My-reviews-2026.yaml").read_text("utf-8"))
    assert config["experiment"] == config["source"] == "My-reviews-2026"
    assert out.splitlines()[0] == "My reviews (2026).csv: 120 rows, comma, utf-8"
    command = out.splitlines()[-1].strip()
    assert command == "finetone run config/My-reviews-2026.yaml"
    assert command in Path("config/My-reviews-2026.yaml").read_text("utf-8")
    assert len(out.splitlines()) < 20


@pytest.mark.parametrize("name", ["2024", "2024-01-01", "no", "1e3", "null"])
def test_names_that_yaml_reads_as_something_else(new, name):
    assert new(write(f"{name}.csv", ["a", "b"] * 20))[0] == 0
    assert list(yaml.safe_load(Path(f"config/{name}.yaml").read_text())["datasets"]) == [name]


def test_options_decide(new, monkeypatch):
    table = write("a.csv", [1, 2, 4, 5] * 30, "stars", title=["x y z"] * 120, mood=["a", "b"] * 60)
    arguments = ["--text", "title", "--label", "mood", "--minutes", 20, "--offline"]
    status, out, err = new(table, *arguments, "--output", "films.yaml")
    assert status == 0, err
    block = yaml.safe_load(Path("films.yaml").read_text())["datasets"]["films"]
    assert (block["text"], block["label"]) == ("title", "mood")
    assert "finetone run films.yaml" in out


def test_nothing_is_overwritten_unasked(new):
    table = write("a.csv", ["bad", "good"] * 60)
    assert new(table, "--output", "a.yaml")[0] == 0
    Path("a.yaml").write_text("mine")
    status, out, err = new(table, "--output", "a.yaml")
    assert (status, out, Path("a.yaml").read_text()) == (1, "", "mine")
    assert err == "finetone: a.yaml: is there already; give --output, or --force to overwrite it\n"
    assert new(table, "--output", "a.yaml", "--force")[0] == 0
    assert Path("a.yaml").read_text() != "mine"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing.csv"], "nothing.csv: no such file"),
        (["a.csv", "--output", "my films.yaml"], "'my films' cannot name an experiment"),
        (["a.csv", "--output", "films"], "--output films: must end in .yaml"),
        (
            ["a.csv", "--output", ".", "--force"],
            "--output .: is a folder; give a file, such as a.yaml",
        ),
        (["a.csv", "--minutes", "0"], "--minutes 0: give more than 0"),
        (["a.csv", "--label", "lable"], "a.csv: --label 'lable' is no column of it; did you mean"),
        (["a.csv", "--models", "nope"], "--models nope: neither in the catalogue nor a folder"),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing(new, arguments, told):
    write("a.csv", ["bad", "good"] * 60)
    status, out, err = new(*arguments)
    assert (status, out, len(err.splitlines())) == (1, "", 1) and told in err
    assert not list(Path().rglob("*.yaml"))


def test_a_folder_is_no_output(new):
    write("a.csv", ["bad", "good"] * 60)
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    status, out, err = new("a.csv", "--output", "mine", "--force")
    assert (status, out) == (1, "") and "mine: is a folder; give a file" in err
    assert Path("mine/notes.txt").read_text() == "mine"


def test_an_output_that_cannot_be_written_is_named_at_once(new, monkeypatch):
    write("a.csv", ["bad", "good"] * 60)
    Path("a folder").mkdir()
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: real(path, mode) and not (mode & os.W_OK and path.name)
    )
    status, out, err = new("a.csv", "--output", "a folder/a.yaml")
    assert (status, out) == (1, "") and "a folder: cannot be written" in err
    assert not list(Path("a folder").iterdir())


def test_a_clone_is_needed(new, monkeypatch, tmp_path):
    monkeypatch.setattr(clone, "HERE", tmp_path)
    assert "call finetone in a clone" in new(write("a.csv", ["bad", "good"] * 60))[2]


def test_a_large_file_is_announced(new, monkeypatch):
    monkeypatch.setattr("finetone.commands.new.LARGE", 1000)
    assert "reading 0 MB …" in new(write("a.csv", ["bad", "good"] * 60))[2]


def test_a_separator_is_called_by_its_name(new):
    Path("a.csv").write_text("text,x;text;label\n" + "a, good;film it was;1\nb;it was bad;0\n" * 60)
    assert new("a.csv", "--separator", "semicolon", "--output", "a.yaml")[0] == 0
    with pytest.raises(SystemExit):
        new("a.csv", "--separator", "x", "--output", "b.yaml")
