"""Which device a process computes on, and how several processes share a machine's GPUs."""

import fcntl
import getpass
import os
import tempfile
import time
from pathlib import Path
from typing import IO

import torch

from finetone.log import logger

SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "KUBERNETES_SERVICE_HOST")


class Lease:
    """One device id of `ids`, held by this process alone until it closes the lease or dies.

    The lease is an exclusive flock on a file in `directory`. The kernel drops it the moment its
    holder dies, however that happens, so no device is ever lost and none has two holders. Child
    processes do not inherit it: the descriptor is closed on exec, and a fork keeps the very same
    open file, so close the lease before forking workers that outlive the parent.
    """

    def __init__(self, ids: list[str], directory: Path) -> None:
        self.ids = ids
        self.directory = directory
        self._file: IO[bytes] | None = None

    def try_acquire(self) -> str | None:
        """A free id, now held; None when every one is taken."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for device in self.ids:
            file = (self.directory / f"{device.replace('/', '_')}.lock").open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            self._file = file
            return device
        return None

    def acquire(self, poll_seconds: float = 0.2) -> str:
        """A free id, waiting for one if need be."""
        waiting = False
        while (device := self.try_acquire()) is None:
            if not waiting:
                logger.info("all of devices %s are leased; waiting", ", ".join(self.ids))
                waiting = True
            time.sleep(poll_seconds)
        return device

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


_lease: Lease | None = None  # held for the life of the process
_chosen: torch.device | None = None


def pick() -> torch.device:
    """The device of this process: CUDA where there is one, else the CPU; the same at every call.

    `CUDA_VISIBLE_DEVICES` is obeyed; an empty one means the CPU. With several GPUs and no cluster
    scheduler to assign one, the process leases one of them until it ends.
    """
    global _lease, _chosen
    if _chosen is None:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        if visible == "" or not torch.cuda.is_available():
            _chosen = torch.device("cpu")
        elif torch.cuda.device_count() == 1 or any(name in os.environ for name in SCHEDULERS):
            _chosen = torch.device("cuda", 0)
        else:
            count = torch.cuda.device_count()
            ids = [name.strip() for name in visible.split(",")] if visible else []
            ids = ids[:count] if len(ids) >= count else [str(i) for i in range(count)]
            folder = Path(tempfile.gettempdir()) / f"finetone-devices-{getpass.getuser()}"
            _lease = Lease(ids, folder)
            _chosen = torch.device("cuda", ids.index(_lease.acquire()))
            logger.info("leased GPU %s", ids[_chosen.index])
        if _chosen.type == "cuda":
            torch.cuda.set_device(_chosen)
    return _chosen


def name(device: torch.device) -> str:
    """The hardware's own name, e.g. "NVIDIA H200" or the CPU model."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    import platform

    return platform.processor() or platform.machine()


def fast_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies bf16 matrices natively (CUDA sm80+, AVX512-BF16, AMX)."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def peak_memory(device: torch.device) -> int:
    """Bytes: on a GPU the most tensors ever held, on the CPU the process's resident high-water."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Clock:
    """Marks in time that cost a GPU no synchronisation; seconds between two marks, when done."""

    def __init__(self, device: torch.device) -> None:
        self.cuda = device.type == "cuda"

    def mark(self) -> "float | torch.cuda.Event":
        if not self.cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    @staticmethod
    def seconds(start: "float | torch.cuda.Event", end: "float | torch.cuda.Event") -> float:
        if isinstance(start, torch.cuda.Event) and isinstance(end, torch.cuda.Event):
            end.synchronize()
            return start.elapsed_time(end) / 1000
        assert isinstance(start, float) and isinstance(end, float)
        return end - start
