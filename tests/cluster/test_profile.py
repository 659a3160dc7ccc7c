"""The shipped profile fits the workflow: without a cluster, by reading and by dry-run."""

import re
import shutil
from pathlib import Path

import yaml

from finetone.commands.job import graph
from tests.cluster.conftest import ROOT
from tests.tiny import experiment
from tests.workflow.dry import in_fork
from tests.workflow.snake import snakemake

PROFILE = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
RULES = {
    name
    for file in (ROOT / "workflow/rules").glob("*.smk")
    for name in re.findall(r"^(?:use rule \w+ as|rule) (\w+)\b", file.read_text(), re.M)
}
LOCAL = {
    block.split(":")[0]
    for file in (ROOT / "workflow/rules").glob("*.smk")
    for block in re.split(r"^rule ", file.read_text(), flags=re.M)[1:]
    if re.search(r"^    localrule: True$", block, re.M)
}


def test_every_rule_is_local_or_sized_for_a_job() -> None:
    """A new rule must choose: beside snakemake, or a job with its own memory and time."""
    sized = {line.split(":")[0] for line in PROFILE["set-resources"]}
    assert sized.isdisjoint(LOCAL) and sized | LOCAL == RULES
    for rule in sized:
        names = {
            line.split(":")[1].split("=")[0]
            for line in PROFILE["set-resources"]
            if line.startswith(f"{rule}:")
        }
        assert {"mem_mb", "runtime"} <= names, rule
    assert {line.split("=")[0] for line in PROFILE["set-threads"]} == sized


def test_its_sizes_are_those_of_the_rules(tmp_path: Path) -> None:
    """Both are estimates for the same job; the profile adds 400 MB for Snakemake within it.

    On one machine `speed` asks for all cores, of which a node of four has as many as the profile.
    """
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    del config["resources"]
    config["datasets"][config["source"]]["split"] = {"dev": 0.1}
    config["probe"] = {"models": "all"}
    config["export"] = [name for name in config["models"] if isinstance(name, str)][:1]
    (tmp_path / "new.csv").write_text("text\nfine\n")
    config["label"] = {"new": {"file": str(tmp_path / "new.csv")}}
    file = tmp_path / "experiment.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))

    def asked() -> dict[str, dict[str, int]]:
        with graph(ROOT / "Snakefile", [], [file], tmp_path, cores=4) as dag:
            jobs = [(job.rule.name, {**job.resources, "threads": job.threads}) for job in dag.jobs]
        return {rule: amounts for rule, amounts in jobs if rule not in LOCAL | {"all"}}

    rules = in_fork(asked)
    profile = {rule: {"threads": int(n)} for rule, n in pairs(PROFILE["set-threads"])}
    for name, amount in pairs(PROFILE["set-resources"]):
        rule, kind = name.split(":")
        profile[rule][kind] = int(amount.removesuffix("*attempt")) - 400 * (kind == "mem_mb")
    for rule, amounts in profile.items():
        amounts.pop("step", None)
        assert amounts == {kind: rules[rule][kind] for kind in amounts}, rule
        assert (
            "gpu" in amounts or rule.startswith("predict_baseline") or not rules[rule].get("gpu")
        ), rule


def pairs(lines: list[str]) -> list[list[str]]:
    return [line.split("=", 1) for line in lines]


def test_memory_and_time_grow_with_every_attempt() -> None:
    grown = [line for line in PROFILE["set-resources"] if re.search(":(mem_mb|runtime)=", line)]
    assert grown and all(line.endswith("*attempt") for line in grown)
    assert PROFILE["retries"] >= 1


def test_steps_of_one_job_are_counted_one_at_a_time() -> None:
    """Without `step` a job would ask for the sum of GPUs and memory, and for too little time."""
    grouped = {line.split("=")[0] for line in PROFILE["groups"]}
    assert grouped == {
        line.split(":")[0] for line in PROFILE["set-resources"] if line.endswith(":step=1")
    }


def test_it_repeats_what_the_default_profile_says() -> None:
    default = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    assert {key: PROFILE.get(key) for key in default} == default


def test_a_missing_slurm_is_one_sentence(tmp_path: Path) -> None:
    """The profile on a machine without Slurm: said before anything is downloaded."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "sh", "which"):
        (tools / name).symlink_to(shutil.which(name) or name)
    config = experiment(tmp_path / "input")
    profile = str(ROOT / "profiles/slurm")
    done = snakemake(
        tmp_path, "--workflow-profile", profile, config=config, PATH=str(tools), timeout=120
    )
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "sbatch is not on PATH" in done.stderr
    assert not (tmp_path / "results").exists()
