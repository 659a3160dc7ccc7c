"""The shipped profile fits the workflow: without a cluster, by reading and by dry-run."""

import re
import shutil
from pathlib import Path

import yaml

from tests.cluster.conftest import ROOT
from tests.tiny import experiment
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


SIZED = re.compile(r"^\s+\*\*sized\(\"(\w+)\"\)", re.M)


def test_every_rule_is_local_or_sized_for_a_job() -> None:
    """A new rule must choose: beside snakemake, or a job with its own memory, time and threads."""
    text = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    blocks = re.split(r"^\s*(?=(?:use rule \w+ as|rule) \w+\b)", text, flags=re.M)
    for block in blocks:
        found = re.match(r"rule (\w+):", block)
        if found and "localrule: True" not in block:
            assert SIZED.search(block) and re.search(r"^    threads: ", block, re.M), found[1]


def test_only_keys_of_resources_size_a_job() -> None:
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    text = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    known = set(schema["properties"]["resources"]["propertyNames"]["enum"])
    assert set(SIZED.findall(text)) == known


def test_the_profile_counts_steps_and_leaves_sizes_to_the_experiment() -> None:
    grouped = {line.split("=")[0] for line in PROFILE["groups"]}
    assert grouped <= RULES - LOCAL and "set-threads" not in PROFILE
    assert PROFILE["retries"] >= 1


def test_steps_of_one_job_are_counted_one_at_a_time() -> None:
    """Without `step` a job would ask for the sum of GPUs and memory, and for too little time."""
    grouped = {line.split("=")[0] for line in PROFILE["groups"]}
    assert [f"{rule}:step=1" for rule in sorted(grouped)] == sorted(PROFILE["set-resources"])


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
