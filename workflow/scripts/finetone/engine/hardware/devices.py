"""Which device a process computes on, and how several processes share a machine's GPUs."""

import os
import time
from pathlib import Path
from typing import Any

import torch

from finetone.engine.hardware import machine
from finetone.engine.hardware.lease import Lease, slices
from finetone.log import logger

CUDA_LIST, ROCM_LISTS = "CUDA_VISIBLE_DEVICES", ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")

_lease: Lease | None = None  # held for the life of the process
_chosen: torch.device | None = None


def pick() -> torch.device:
    """The device of this process: CUDA (or ROCm) where there is one, else the CPU; always the same.

    `CUDA_VISIBLE_DEVICES` is obeyed, and on ROCm its own two lists; an empty one means the CPU. Of
    several visible devices the process leases one until it ends, whoever listed them.
    """
    global _chosen
    if _chosen is None:
        _chosen = _pick()
        if _chosen.type == "cuda":
            torch.cuda.set_device(_chosen)
    return _chosen


def _pick() -> torch.device:
    lists = (CUDA_LIST, *ROCM_LISTS) if torch.version.hip else (CUDA_LIST,)
    if any(os.environ.get(each, "all").strip() == "" for each in lists):  # ROCm would take all
        return torch.device("cpu")
    listed = slices(os.environ.get(CUDA_LIST, ""))
    if len(listed) > 1:  # CUDA, once it starts, shows a process the first one only
        os.environ[CUDA_LIST] = _leased(listed)
    if not torch.cuda.is_available():
        if torch.backends.mps.is_available():
            logger.info("Apple's GPU is not used, for its numbers were never compared; CPU instead")
        return torch.device("cpu")
    names = [_hardware(index) for index in range(torch.cuda.device_count())]
    return torch.device("cuda", names.index(_leased(names)) if len(names) > 1 else 0)


def _leased(names: list[str]) -> str:
    """The name of a device that this process holds from now on."""
    global _lease
    _lease = Lease(names)
    held = _lease.acquire()
    logger.info("leased GPU %s", held)
    return held


def _hardware(index: int) -> str:
    """What a visible device is called whatever list or container it is seen through."""
    about = torch.cuda.get_device_properties(index)
    uuid = str(getattr(about, "uuid", ""))
    if uuid.strip("0-"):
        return f"GPU-{uuid.removeprefix('GPU-')}"
    slot = [getattr(about, f"pci_{part}_id", None) for part in ("domain", "bus", "device")]
    return f"device-{index}" if None in slot else "pci-{}-{}-{}".format(*slot)


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
