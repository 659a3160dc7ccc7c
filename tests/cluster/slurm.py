"""A real Slurm for a test session: two nodes on this machine, and a GPU that is a number only.

The daemons run in the foreground of their own sessions, under a throw-away folder, on loopback,
without systemd; they are stopped by the process ids we started. Debian's packages suffice:
slurmctld slurmd slurm-client munge.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
PROGRAMS = (
    "munged",
    "slurmctld",
    "slurmd",
    "sbatch",
    "srun",
    "squeue",
    "scontrol",
    "scancel",
    "sinfo",
)
INHERITED = ("SLURM_", "SBATCH_", "SRUN_", "SQUEUE_", "SNAKEMAKE_")  # of a cluster we may stand on

CONF = """
ClusterName=toy
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# a short life of credentials shortens the pause before a requeued job starts again
AuthInfo=socket={socket},cred_expire=5
{loopback}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,batch_sched_delay=0,sched_min_interval=0,bf_interval=2
PriorityType=priority/basic
AccountingStorageType=accounting_storage/none
{types}
KillWait=2
# tests ask about jobs that have long ended
MinJobAge=7200
SlurmdTimeout=15
ReturnToService=2
# the nodes are as large as we say, whatever this machine has
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=16 RealMemory={memory}{gres}
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=16 RealMemory={memory}
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=1440 State=UP
"""


def missing() -> list[str]:
    """The programs this machine lacks; none: a cluster can be started."""
    return [name for name in PROGRAMS if shutil.which(name, path=SBIN) is None]


def clean_environment() -> dict[str, str]:
    """The environment without what a surrounding Slurm or Snakemake left in it."""
    return {k: v for k, v in os.environ.items() if not k.startswith(INHERITED)}


def wait_for(
    condition: Callable[[], object], seconds: float, what: str, every: float = 0.1
) -> None:
    """Return once `condition()` holds; AssertionError with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"gave up after {seconds:.0f} s waiting for {what}"
        time.sleep(every)


class Cluster:
    """Use as a context manager; `environment` makes Slurm's commands and Snakemake talk to it."""

    def __init__(self, memory: int = 64000, gpus: int = 1) -> None:
        self._memory, self._gpus = memory, gpus  # of each node in MB; of the first node
        # short: the munge socket's path may have 108 bytes
        self.folder = Path(tempfile.mkdtemp(prefix="slurm."))
        self.environment: dict[str, str] = {}
        self._daemons: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> "Cluster":
        try:
            self._configure()
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _configure(self) -> None:
        self.folder.chmod(0o755)
        for name in ("etc", "state", "log", "run", "spool/n1", "spool/n2", "bin"):
            (self.folder / name).mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
            for free in sockets:
                free.bind(("127.0.0.1", 0))
            ports = [free.getsockname()[1] for free in sockets]
        # Slurm binds to what its host name resolves to, and only 127.0.0.1 is what peers come from.
        with contextlib.suppress(OSError):
            local = socket.gethostbyname(host) == "127.0.0.1"
        flags = "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny" if local else ""
        (self.folder / "etc/slurm.conf").write_text(
            CONF.format(
                host=host, ports=ports, folder=self.folder, loopback=flags, memory=self._memory,
                gres=f" Gres=gpu:{self._gpus}" if self._gpus else "",
                types="GresTypes=gpu" if self._gpus else "",
                user=subprocess.check_output(["id", "-un"], text=True).strip(),
                socket=self.folder / "run/munge",
            )
        )  # fmt: skip
        # a GRES needs a device file; this one sets CUDA_VISIBLE_DEVICES=0 and gives nothing
        if self._gpus:
            (self.folder / "etc/gres.conf").write_text(
                "AutoDetect=off\nNodeName=n1 Name=gpu File=/dev/null\n"
            )
        key = self.folder / "etc/munge.key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(128))
        # Inside a job the plugin's srun loses SLURM_CONF. A cluster has /etc/slurm; we have this.
        conf, wrapper = self.folder / "etc/slurm.conf", self.folder / "bin/srun"
        wrapper.write_text(f"#!/bin/sh\nSLURM_CONF='{conf}' exec {shutil.which('srun')} \"$@\"\n")
        wrapper.chmod(0o755)
        self.environment = {
            **clean_environment(),
            "PATH": os.pathsep.join([str(self.folder / "bin"), SBIN]),
            "SLURM_CONF": str(conf),
        }

    def _start(self) -> None:
        run = self.folder / "run"
        self._daemon(
            "munged", "-F", f"--key-file={self.folder}/etc/munge.key", f"--socket={run}/munge",
            f"--pid-file={run}/munged.pid", f"--log-file={self.folder}/log/munged.log",
            f"--seed-file={run}/munged.seed",
        )  # fmt: skip
        wait_for((run / "munge").exists, 10, "munge")
        self._daemon("slurmctld", "-D", "-c", "-i")
        for node in ("n1", "n2"):
            self._daemon("slurmd", "-D", "-N", node)
        wait_for(
            lambda: self.ask("sinfo", "-hNo", "%T").split() == ["idle", "idle"], 20, "idle nodes"
        )

    def _daemon(self, *command: str) -> None:
        with (self.folder / f"log/{command[0]}.out").open("ab") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=self.environment, start_new_session=True,
            )  # fmt: skip
        self._daemons.append((command[0], process))

    def ask(self, *command: str) -> str:
        """What a Slurm command prints (and, if it fails, says)."""
        done = subprocess.run(
            command, env=self.environment, text=True, timeout=30,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.stdout

    def jobs(self, states: str = "all") -> list[dict[str, str]]:
        """id, comment (rule and wildcards), state, restarts of every job Slurm remembers."""
        names = ("id", "name", "state", "node", "comment")
        rows = self.ask("squeue", "-h", "-t", states, "-o", "%A|%j|%T|%N|%k").splitlines()
        return [dict(zip(names, row.split("|"), strict=True)) for row in rows]

    def job(self, job_id: str) -> Mapping[str, str]:
        """Everything `scontrol show job` says of one job."""
        words = self.ask("scontrol", "-o", "show", "job", job_id).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def cancel_all(self) -> None:
        """End every job, so that the next test finds an empty cluster with both nodes up."""
        for node in ("n1", "n2"):
            self.ask("scontrol", "update", f"nodename={node}", "state=resume")
        ids = {job["id"] for job in self.jobs("pending,running,suspended,requeued,completing")}
        if ids:
            self.ask("scancel", *sorted(ids))
        wait_for(lambda: not self.ask("squeue", "-h").strip(), 30, "cancelled jobs to end")

    def stop(self) -> None:
        """Jobs first: a stopped slurmd leaves them behind. Then the daemons, last started first."""
        if any(name == "slurmctld" and p.poll() is None for name, p in self._daemons):
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                self.cancel_all()
        for _, process in reversed(self._daemons):
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._end_leftovers()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_leftovers(self) -> None:
        """What outlived its job, known by our configuration file in its environment."""
        mark = f"SLURM_CONF={self.folder}/etc/slurm.conf".encode()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and int(entry.name) != os.getpid():
                    environment = (entry / "environ").read_bytes().split(b"\0")
                    if mark in environment and any(
                        v.startswith(b"SLURM_JOB_ID=") for v in environment
                    ):
                        os.kill(int(entry.name), signal.SIGKILL)
