"""finetone as a module of somebody else's workflow: from a folder or a git reference, with a prefix."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from finetone.commands.job import graph
from tests.tiny import of_baselines
from tests.workflow.processes import in_fork
from tests.workflow.snake import ROOT, snakemake

MODULE = """
module finetone:
    snakefile: {snakefile}
    config: config["ours"]
    prefix: "there"

use rule * from finetone as finetone_*

rule theirs:
    default_target: True
    input: {target!r}
    output: "theirs.txt"
    localrule: True
    shell: "cp {{input}} {{output}}"
"""
# in the library of the repository: which one was imported
NOTED = """
import os
with open(os.environ["IMPORTED"], "a") as stream:
    print(__file__, file=stream)
"""
AUDIT = "there/results/small/audit/films.json"
LEARNED = "there/results/small/runs/words/seed0/run.json"


@pytest.fixture
def config(tmp_path: Path) -> dict:
    return of_baselines(tmp_path)


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository of the workflow as it is now, tagged v1."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("workflow", "config", "envs"):
        left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    shutil.copy(ROOT / "Snakefile", folder)
    with (folder / "workflow/scripts/finetone/__init__.py").open("a") as stream:
        stream.write(NOTED)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x", "-C", str(folder)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "All"], check=True)
    subprocess.run([*git, "tag", "v1"], check=True)
    return folder


def write(folder: Path, config: dict, snakefile: str, target: str) -> Path:
    """The configuration of a workflow that is written into `folder` and uses finetone as a module."""
    (folder / "Snakefile").write_text(MODULE.format(snakefile=snakefile, target=target))
    (folder / "theirs.yaml").write_text(yaml.safe_dump({"ours": config}, sort_keys=False))
    return folder / "theirs.yaml"


def run(folder: Path, config: dict, snakefile: str, *arguments: str, target: str = AUDIT, **given):
    """The finished process of such a workflow, and all that it said."""
    theirs = str(write(folder, config, snakefile, target))
    done = snakemake(folder, "--configfile", theirs, *arguments, root=folder, **given)
    return done, done.stdout + done.stderr


def hosted(folder: Path, repository: Path) -> dict[str, str]:
    """Variables under which Snakemake has ours/finetone on github.com cloned already."""
    clone = folder / "cache/snakemake/snakemake/source-cache/snakemake-git-cache/github.com/ours"
    clone.mkdir(parents=True)
    command = ["git", "clone", "--quiet", "--bare", str(repository), str(clone / "finetone")]
    subprocess.run(command, check=True)
    return {"XDG_CACHE_HOME": str(folder / "cache")}


def test_from_a_git_reference_with_the_library_of_that_commit(
    tmp_path: Path, config: dict, repository: Path
) -> None:
    """What lies in the repository does the work, not an installed library; then nothing is to do."""
    imported = tmp_path / "imported"
    imported.touch()
    given = {"PYTHONPATH": "", "IMPORTED": str(imported), **hosted(tmp_path, repository)}
    source = 'github("ours/finetone", path="Snakefile", tag="v1")'
    done, said = run(tmp_path, config, source, target=LEARNED, **given)
    assert done.returncode == 0 and "arning" not in said, said
    assert (tmp_path / LEARNED).exists() and (tmp_path / "theirs.txt").exists()
    (commit,) = (tmp_path / ".snakemake/finetone").iterdir()
    scripts = commit / "workflow/scripts"
    used = set(imported.read_text().splitlines())
    assert used == {str(scripts / "finetone/__init__.py")} and len(commit.name) == 40

    source = 'github("ours/finetone", path="workflow/Snakefile", branch="v1")'
    done, said = run(tmp_path, config, source, "--dry-run", target=LEARNED, **given)
    assert done.returncode == 0 and "Nothing to be done" in said, said
    done, said = run(tmp_path, config, source.replace("v1", "v2"), "--dry-run", **given)
    assert done.returncode == 1 and "v2" in said

    shutil.rmtree(commit.parent)
    commit.parent.touch()
    done, said = run(tmp_path, config, source, "--dry-run", **given)
    assert done.returncode == 1 and f"{commit}: cannot be written (File exists)" in said
    assert "Traceback" not in said


def test_a_change_is_noticed_behind_a_target_of_theirs(tmp_path: Path, config: dict) -> None:
    snakefile = repr(str(ROOT / "Snakefile"))
    done, said = run(tmp_path, config, snakefile, target=LEARNED)
    assert done.returncode == 0, said
    config["baselines"]["words"]["C"] = 1.0
    done, said = run(tmp_path, config, snakefile, "--dry-run", "--", "theirs.txt", target=LEARNED)
    assert done.returncode == 0 and "Fit the baseline words" in said


def test_start_up_guards_hold_in_a_module(tmp_path: Path, config: dict) -> None:
    for name in ("train.csv", "test.csv"):
        os.utime(tmp_path / name, (time.time() + 3600,) * 2)
    done, said = run(tmp_path, config, repr(str(ROOT / "Snakefile")))
    assert done.returncode == 1 and "train.csv: bears a time 3" in said, said
    assert "Traceback" not in said and not (tmp_path / AUDIT).exists()


def test_downloads_are_local_and_jobs_of_theirs_are_not_ours(tmp_path: Path, config: dict) -> None:
    wheel = {"requirement": "packed==1.0", "sha256": "0" * 64, "folder": "packed"}
    config["models"] = {"packed": {"wheel": wheel}}
    theirs = write(
        tmp_path, config, repr(str(ROOT / "Snakefile")), "there/results/small/models/packed"
    )
    shutil.copytree(ROOT / "profiles/default", tmp_path / "profiles/default")

    def jobs() -> tuple[dict[str, bool], set[str]]:
        targets = ["theirs.txt", LEARNED]
        with graph(tmp_path / "Snakefile", targets, [theirs], tmp_path) as dag:
            dag._finished.clear()  # what a dry run has made
            local = {job.rule.name: job.rule.name in dag.workflow._localrules for job in dag.jobs}
            (ours,) = {
                id(job.rule.module_globals): job.rule.module_globals
                for job in dag.jobs
                if job.rule.name != "theirs"
            }.values()
            return local, {job.rule.name for job in ours["our_jobs"]()}

    local, ours = in_fork(jobs)
    assert ours == local.keys() - {"theirs"}
    assert {name for name, is_local in local.items() if not is_local} == {"finetone_fit_baseline"}
    assert {f"finetone_download_{what}" for what in ("dataset", "model", "wheel")} < ours
