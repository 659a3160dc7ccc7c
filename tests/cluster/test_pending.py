"""Jobs that wait: Slurm's reason reaches the user while Snakemake waits, once."""

import signal
import threading
import time
from pathlib import Path

import pytest

from finetone.errors import UserError
from finetone.scheduling.slurm import Notices, Waiting, pending, rejection, watch
from tests.cluster.conftest import Controller
from tests.cluster.slurm import Cluster, wait_for
from tests.tiny import experiment


@pytest.fixture
def slurm(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    for name in ("PATH", "SLURM_CONF"):
        monkeypatch.setenv(name, cluster.environment[name])
    return cluster


def submit(cluster: Cluster, *options: str) -> str:
    name = ("--parsable", "-J", "ours", "--comment", "rule_finetune_wildcards_tiny_1")
    said = cluster.ask("sbatch", *name, "-o", "/dev/null", *options, "--wrap", "sleep 60")
    assert said.strip().isdigit(), said
    return said.strip()


@pytest.mark.parametrize(
    ("options", "reason", "change"),
    [
        (["--time=2000"], "PartitionTimeLimit", "lower runtime"),
        (["--hold"], "JobHeldUser", "scontrol release"),
        (["--licenses=none"], "", ""),
        (["--dependency=afterok:{failed}"], "DependencyNeverSatisfied", "remove --dependency"),
        (["--reservation=none"], "", ""),
    ],
)
def test_a_job_that_can_never_start_says_why(
    slurm: Cluster, options: list[str], reason: str, change: str
) -> None:
    """Cases without a reason are refused by sbatch, so that Snakemake reports them itself."""
    if not reason:
        with pytest.raises(AssertionError, match="error"):
            submit(slurm, *options)
        return
    failed = slurm.ask("sbatch", "--parsable", "-o", "/dev/null", "--wrap", "exit 1").strip()
    wait_for(lambda: slurm.job(failed)["JobState"] == "FAILED", 30, "the failed job")
    job = submit(slurm, *(option.format(failed=failed) for option in options))
    notices, said = Notices(), []
    wait_for(lambda: said.extend(notices.due(pending("ours"))) or said, 30, reason, every=3)
    assert len(said) == 1 and said[0].startswith(f"Slurm job {job} (finetune tiny_1): pending, ")
    assert f"pending, {reason}: " in said[0] and change in said[0]
    assert [notices.due(pending("ours")) for _ in range(5)] == [[]] * 5, "once"
    assert pending("others") == []


def test_drained_nodes_are_named(slurm: Cluster) -> None:
    for node in ("n1", "n2"):
        slurm.ask("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
    submit(slurm)
    notices, said = Notices(), []
    wait_for(lambda: said.extend(notices.due(pending("ours"))) or said, 30, "the reason", every=3)
    assert "down, drained or reserved" in said[0] and "sinfo -R" in said[0]


def test_a_turn_is_mentioned_late_and_once(slurm: Cluster) -> None:
    submit(slurm, "--exclusive", "--nodes=2")
    second = submit(slurm, "--exclusive")
    wait_for(lambda: [job.id for job in pending("ours")] == [second], 30, "one to start")
    wait_for(lambda: pending("ours")[0].reason in ("Resources", "Priority"), 30, "its turn")
    notices = Notices()
    said = [notices.due(pending("ours")) for _ in range(40)]
    assert said[:29] == [[]] * 29
    (sentence,) = [text for look in said for text in look]
    assert "nodes that could run it are in use" in sentence or "other jobs come first" in sentence


@pytest.mark.parametrize("squeue", ["exit 1", "sleep 60", "echo 'what | is'"])
def test_a_squeue_that_fails_or_hangs_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, squeue: str
) -> None:
    program = tmp_path / "squeue"
    program.write_text(
        f"#!/bin/sh\nexec {squeue}\n" if "exit" not in squeue else "#!/bin/sh\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    begin = time.monotonic()
    assert not pending("ours")
    assert time.monotonic() - begin < 20


def test_the_interval_must_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for bad in ("soon", "0", "-1", "nan", "inf"):
        monkeypatch.setenv("FINETONE_PENDING_EVERY", bad)
        with pytest.raises(UserError, match="FINETONE_PENDING_EVERY is"):
            watch("ours", print)
    assert not [t for t in threading.enumerate() if t.name == "pending jobs"]


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("QOSMaxMemoryPerUser", "lower mem_mb"),
        ("AssocGrpGRES", "lower gpu"),
        ("QOSMaxWallDurationPerJobLimit", "lower runtime"),
        ("AssocMaxJobsLimit", "nothing to change"),
        ("MaxNodePerAccount", "lower nodes"),
        ("QOSMaxCpuPerNode", "lower set-threads"),
        ("QOSMinGRES", "raise gpu"),
        ("AssocGrpCPUMinutesLimit", "lower set-threads or runtime"),
        ("BadConstraints", "change constraint or gpu_model"),
        ("(ReqNodeNotAvail,_UnavailableNodes:n[1-2])", "sinfo -R"),
        ("job_requeued_in_held_state", "scontrol release"),
        ("SomethingNew", "man squeue"),
    ],
)
def test_reasons_name_what_to_change(reason: str, change: str) -> None:
    notices, job = Notices(), Waiting("7", "finetune tiny_1", reason)
    first, (sentence,), then = [notices.due([job]) for _ in range(3)]
    assert change in sentence and first == then == []


def test_a_reason_of_a_moment_is_not_said() -> None:
    """Slurm 22.05 says PartitionConfig, then PartitionTimeLimit of one and the same job."""
    notices = Notices()
    reasons = ["PartitionConfig", "PartitionTimeLimit", "Priority", "PartitionTimeLimit"]
    assert [notices.due([Waiting("7", "speed", reason)]) for reason in reasons] == [[]] * 4


def test_jobs_of_one_reason_share_a_sentence() -> None:
    jobs = [Waiting(str(i), "speed", "PartitionTimeLimit") for i in range(50)]
    notices = Notices()
    notices.due(jobs)
    (sentence,) = notices.due(jobs)
    assert sentence.startswith("Slurm jobs 0 (speed), 1 (speed), 2 (speed) and 47 more: pending, ")


def test_a_rejection_is_read_in_slurms_words() -> None:
    """As the plugin reports it; the other one may be gone the next time."""
    said = "SLURM sbatch failed. The error message was 'sbatch: error: {}'.\n    sbatch call:\n  x"
    assert rejection(said.format("Invalid\nfeature")) == ("sbatch: error: Invalid feature", True)
    assert rejection(said.format("Socket timed out on send/recv operation"))[1] is False
    assert rejection("SLURM-job '7' failed") == rejection(None) == ("", False)


@pytest.mark.slow
def test_a_rejected_job_says_why_and_is_not_sent_again(cluster: Cluster, tmp_path: Path) -> None:
    """Of a job of several steps Snakemake itself tells no reason."""
    controller = Controller(cluster, tmp_path, experiment(tmp_path / "input"))
    code, output = controller.run(
        "--set-resources", "tokenize:slurm_extra=\"'--licenses=none'\"", "--",
        "results/small/tokens/films/test/tiny.arrow",
    )  # fmt: skip
    assert code != 0 and "Trying to restart" not in output
    (line,) = [row for row in output.splitlines() if "Slurm rejects" in row]
    assert "tokenize" in line and "Invalid license specification" in line


@pytest.mark.slow
def test_what_can_never_run_is_refused_before_anything(cluster: Cluster, tmp_path: Path) -> None:
    """Slurm would take the job and leave it pending for ever."""
    controller = Controller(cluster, tmp_path, experiment(tmp_path / "input"))
    code, output = controller.run("--set-resources", "tokenize:runtime=2000")
    assert code != 0 and "000 minutes: the largest node of the default partition gives" in output
    assert "jobs run 1440 minutes" in output and "Traceback" not in output
    assert not list((tmp_path / "results/small").glob("*/*")) and not cluster.jobs(
        "pending,running"
    )


@pytest.mark.slow
def test_snakemake_shows_it_while_it_waits(cluster: Cluster, tmp_path: Path) -> None:
    controller = Controller(cluster, tmp_path, experiment(tmp_path / "input"))
    process = controller.start(
        "--set-resources", "tokenize:slurm_extra=\"'--hold'\"", "--",
        "results/small/tokens/films/test/tiny.arrow", FINETONE_PENDING_EVERY="1",
    )  # fmt: skip
    try:
        wait_for(lambda: "JobHeldUser" in controller.output(), 300, "the reason", every=0.5)
        time.sleep(4)
        assert process.poll() is None
        (line,) = [row for row in controller.output().splitlines() if "JobHeldUser" in row]
        assert "tokenize" in line and "scontrol release" in line
    finally:
        process.send_signal(signal.SIGINT)
        controller.finish(process, 180)
