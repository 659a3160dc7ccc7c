"""Where the time of training steps goes on a GPU, kernel by kernel (on a CPU: by operation)."""

from collections import Counter
from typing import Any

from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from stages.bursts import Variant, now

# The first kind whose words are in a kernel's name is its kind.
KINDS = {
    "attention": ("flash", "fmha", "attention", "softmax"),
    "optimizer": ("adam", "multi_tensor", "foreach"),
    "matrix products": ("gemm", "nvjet", "cutlass", "xmma", "cublas", "addmm", "::mm", "::bmm", "linear"),
    "normalization": ("layer_norm", "layernorm", "rms", "GammaBeta"),
    "dropout": ("dropout", "philox", "bernoulli"),
    "copies, casts and gathering": ("copy", "memcpy", "memset", "index", "fill", "cat", "embedding", "gather", "scatter", "to_copy", "sort"),
    "sums (gradients of biases)": ("reduce", "sum"),
    "element by element": ("elementwise", "gelu", "add", "mul", "tanh"),
}  # fmt: skip
SHOWN = 25


def where_time_goes(variant: Variant, steps: int) -> dict[str, Any]:
    """Profile some steps.

    Returns
    -------
    dict
        Shares of the kernels' time by kind, launches per step, the share of the time in which the
        GPU was busy, and the kernels that took most.
    """
    cuda = variant.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=activities) as found:
        began = now(variant.device)
        variant.burst(steps)
        seconds = now(variant.device) - began
    spent: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for event in found.events() or []:
        on_gpu = event.device_type == DeviceType.CUDA
        if on_gpu == cuda:
            spent[event.name] += event.self_device_time_total if cuda else event.self_cpu_time_total
            calls[event.name] += 1
    kinds: Counter[str] = Counter()
    for name, microseconds in spent.items():
        kinds[_kind(name)] += microseconds
    total = sum(spent.values()) or 1
    return {
        "shares": {kind: microseconds / total for kind, microseconds in kinds.most_common()},
        "launches_per_step": sum(calls.values()) / steps,
        "busy": total / 1e6 / seconds,
        "milliseconds_per_step": 1e3 * seconds / steps,
        "top": [
            {"kernel": name[:160], "share": microseconds / total, "calls_per_step": calls[name] / steps}
            for name, microseconds in spent.most_common(SHOWN)
        ],
    }  # fmt: skip


def _kind(name: str) -> str:
    lower = name.lower()
    for kind, words in KINDS.items():
        if any(word.lower() in lower for word in words):
            return kind
    return "other"
