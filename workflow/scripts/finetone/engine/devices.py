"""Which device a process computes on, and how several processes share a machine's GPUs."""

import fcntl
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from finetone import machine
from finetone.errors import UserError
from finetone.log import logger

SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "KUBERNETES_SERVICE_HOST")


class Lease:
    """One device id of `ids`, held by this process alone until it closes the lease or dies.

    The lease is an exclusive flock on a file in `directory`. The kernel drops it when its holder
    dies, however that happens, so no device is ever lost and none has two holders. A program that
    is executed does not inherit it. A forked process does: close the lease before forking workers
    that outlive the parent. A folder that another user can write to is refused, because they could
    hold the locks or plant links.
    """

    def __init__(self, ids: list[str], directory: Path) -> None:
        self.ids = ids
        self.directory = directory
        self._file: int | None = None

    def try_acquire(self) -> str | None:
        """A free id, now held; None when all are taken.

        Raises
        ------
        UserError
            The directory is not this user's alone, or cannot be made.
        """
        folder = self._own_directory()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        try:
            for device in self.ids:
                lock = f"{device.replace('/', '_')}.lock"
                try:
                    file = os.open(lock, flags, 0o600, dir_fd=folder)
                except OSError as error:
                    raise self._refused(f"has an unusable {lock} ({error.strerror})") from None
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(file)
                    continue
                self._file = file
                return device
            return None
        finally:
            os.close(folder)

    def _own_directory(self) -> int:
        """The directory's descriptor: what is checked is what is then used."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            raise self._refused(f"is a link or cannot be opened ({error.strerror})") from None
        facts = os.fstat(folder)
        mode = stat.S_IMODE(facts.st_mode)
        if facts.st_uid == os.geteuid() and not mode & 0o077:
            return folder
        os.close(folder)
        foreign = facts.st_uid != os.geteuid()
        why = "belongs to another user" if foreign else f"has mode {mode:04o} instead of 0700"
        raise self._refused(why)

    def _refused(self, why: str) -> UserError:
        return UserError(
            f"{self.directory}: the folder of GPU locks {why}; "
            "remove it or set XDG_RUNTIME_DIR to a folder of your own"
        )

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
            os.close(self._file)
            self._file = None


_lease: Lease | None = None  # held for the life of the process
_chosen: torch.device | None = None


def lease_directory() -> Path:
    """The folder of this user's locks, in XDG_RUNTIME_DIR or else in the temporary folder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = os.access(runtime, os.W_OK | os.X_OK)  # some logins inherit another user's
    return Path(runtime if usable else tempfile.gettempdir()) / f"finetone-devices-{os.getuid()}"


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
            _lease = Lease(ids, lease_directory())
            _chosen = torch.device("cuda", ids.index(_lease.acquire()))
            logger.info("leased GPU %s", ids[_chosen.index])
        if _chosen.type == "cuda":
            torch.cuda.set_device(_chosen)
    return _chosen


def name(device: torch.device) -> str:
    """The hardware's own name, e.g. "NVIDIA H200" or the CPU model."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return machine.processor()


def fast_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies bf16 matrices natively (CUDA sm80+, AVX512-BF16, AMX)."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def memory(device: torch.device) -> int:
    """All the memory of a device, in bytes."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return machine.memory()


def peak_memory(device: torch.device) -> int:
    """Bytes: the most that tensors took on a GPU, on the CPU the largest resident size."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return machine.peak_memory()


def mark(device: torch.device) -> "float | torch.cuda.Event":
    """A mark in time that a GPU does not have to be waited for."""
    if device.type != "cuda":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def seconds_between(start: Any, end: Any) -> float:
    """Seconds between two marks, once the second has been reached."""
    if not isinstance(end, torch.cuda.Event):
        return float(end - start)
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000
