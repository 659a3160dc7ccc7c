"""Training steps on a GPU that is not there: tensors with a device and a shape, but no numbers.

torch's CPU build makes such tensors (`FakeTensorMode`) and runs autocast and every derivative on them;
what it lacks is stood in for here. So what a step would launch on a GPU, what it would keep there for
its backward pass, and where it would make the program wait can be seen on any machine.
"""

import ctypes
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import transformers as hf
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from transformers.initialization import no_init_weights

from finetone.engine.batches import collate
from finetone.engine.execution import Execution
from finetone.engine.fast import mpnet
from finetone.engine.fast.casts import SharedCasts
from finetone.engine.fast.embeddings import only_used_embeddings
from finetone.engine.fast.no_cache import no_cache
from finetone.engine.fast.plan import Plan, _sample
from finetone.engine.fast.pooled_token import pooled_tokens
from finetone.engine.fast.unpad import Passes, count_passes, layer_stacks, unpadded
from finetone.engine.hardware import devices
from finetone.engine.recipe import EngineOptions
from finetone.formats.token_file import Tokens

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")
MEMORY = 24 * 10**9  # bytes
CUDA, META = 1, 14  # c10::DeviceType
ALLOCATING = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
RENAMING = {"detach", "_unsafe_view", "lift_fresh", "alias"}  # views that do not call themselves so
aten = torch.ops.aten


class Waits(Exception):
    """The program would wait for the GPU here."""


@contextmanager
def fake_gpu() -> Iterator[torch.device]:
    """Inside the block there is a GPU, on which tensors are made but not computed."""
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
    # what torch does when it switches devices: for a GPU as for its own device without numbers
    guards = (ctypes.c_void_p * (META + 1)).in_dll(
        library, "_ZN3c104impl26device_guard_impl_registryE"
    )
    before = guards[CUDA]
    with ExitStack() as stack:
        stack.callback(guards.__setitem__, CUDA, before)
        guards[CUDA] = guards[CUDA] or guards[META]
        for target, value in (
            ("torch.cuda.amp.common.amp_definitely_not_available", lambda: False),
            ("torch.cuda.is_bf16_supported", lambda *_, **__: True),
            ("torch.cuda.get_device_capability", lambda *_: (9, 0)),
            ("torch.Tensor.pin_memory", _pinned),
        ):
            stack.enter_context(mock.patch(target, value))
        stack.enter_context(mock.patch.object(devices, "fast_bf16", lambda _: True))
        stack.enter_context(mock.patch.object(devices, "name", lambda _: "a GPU"))
        stack.enter_context(mock.patch.object(devices, "memory", lambda _: MEMORY))
        stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        yield GPU


def _pinned(tensor: torch.Tensor, *_: Any) -> torch.Tensor:
    tensor.pinned = True  # type: ignore[attr-defined]
    return tensor


@contextmanager
def on_fake_gpu(
    config: Any, tokens: Tokens, *, like: nn.Module | None = None, few: Tokens | None = None
) -> Iterator[tuple[nn.Module, Execution]]:
    """A classifier that trains on a fake GPU in bf16, in the ways that are chosen for it on the CPU.

    Parameters
    ----------
    like, few
        A small model of the same architecture, and texts for it, to choose them by; by default the
        model itself and `tokens`.
    """
    real = like or hf.AutoModelForSequenceClassification.from_config(config)
    execution = Execution(EngineOptions(precision="fp32"), 1, CPU)
    few = _sample(few or tokens)
    on_cpu_alone = mock.patch.object(mpnet, "attends_like_mpnet", return_value=False)
    with on_cpu_alone, execution.running(real, few, 0):
        plan = execution.plan
    stacks, batch = layer_stacks(real), collate(few, np.arange(len(few)), CPU)
    pooled, passes = {}, {}
    if plan.padding_free:
        found = pooled_tokens(real.eval(), stacks, batch) if plan.pooled_token else {}
        pooled = {stacks.index(stack): token for stack, token in found.items()}
        counted = count_passes(real, stacks, batch)
        passes = {stacks.index(stack): each.total for stack, each in counted.items()}
    with fake_gpu() as gpu, ExitStack() as stack:
        with gpu, no_init_weights():
            module = hf.AutoModelForSequenceClassification.from_config(config).train()
        execution = Execution(EngineOptions(precision="bf16"), 1, gpu)
        stack.enter_context(no_cache(module))
        casts = SharedCasts(module)
        stack.enter_context(casts.of_inputs())
        execution.plan = Plan(plan.padding_free, plan.pooled_token, casts=casts)
        if plan.padding_free:
            mine = layer_stacks(module)
            stack.enter_context(
                unpadded(
                    module,
                    {mine[i]: token for i, token in pooled.items()},
                    {mine[i]: Passes(total) for i, total in passes.items()},
                )
            )
        stack.enter_context(only_used_embeddings(module, [tokens]))
        yield module, execution


class Trace(TorchDispatchMode):
    """Counts the operations that launch something on the GPU, by name.

    Raises
    ------
    Waits
        The program would wait for the GPU. (Where it asks for a number, `FakeTensorMode` raises.)
    """

    def __init__(self) -> None:
        super().__init__()
        self.launches: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        namespace, name = func._schema.name.split("::")
        if func in (aten._to_copy.default, aten.copy_.default):
            _check_copy(func, args, kwargs or {})
        if func in (aten.index.Tensor, aten.index_put_.default, aten.index_put.default):
            kinds = [index.dtype for index in args[1] if index is not None]
            if torch.bool in kinds or torch.uint8 in kinds:
                raise Waits(f"{name} counts what is true")
        result = func(*args, **(kwargs or {}))
        silent = func.is_view or name in ALLOCATING or name in RENAMING
        if namespace == "aten" and not silent and _on_gpu(result):
            self.launches[name] += 1
        return result


def _on_gpu(result: Any) -> bool:
    results = result if isinstance(result, tuple | list) else [result]
    return any(x.is_cuda for x in results if isinstance(x, torch.Tensor)) or result is None


def _check_copy(func: Any, args: Any, kwargs: Any) -> None:
    if func is aten.copy_.default:
        target, source = args[0].device, args[1]
        asynchronous = args[2] if len(args) > 2 else kwargs.get("non_blocking", False)
    else:
        source = args[0]
        target, asynchronous = kwargs.get("device"), kwargs.get("non_blocking", False)
    if target is None or target.type == source.device.type:
        return
    if target.type == "cpu" or not asynchronous or not getattr(source, "pinned", False):
        raise Waits(f"copy of {tuple(source.shape)} from {source.device} to {target}")


def backward(loss: torch.Tensor) -> None:
    """`loss.backward()`, without torch's engine, which asks the GPU for its streams."""
    root: Any = loss.grad_fn
    waiting: Counter[Any] = Counter()  # for so many gradients
    found, stack = {root}, [root]
    while stack:
        for node, _ in stack.pop().next_functions:
            waiting[node] += 1
            if node is not None and node not in found:
                found.add(node)
                stack.append(node)
    grads: dict[Any, dict[int, torch.Tensor]] = {root: {0: torch.ones_like(loss)}}
    ready = [root]
    with torch.no_grad():
        while ready:
            node = ready.pop()
            given = grads.pop(node, {})
            if hasattr(node, "variable"):
                if given:
                    old = node.variable.grad
                    node.variable.grad = given[0] if old is None else old + given[0]
                continue
            for (following, position), grad in zip(
                node.next_functions, _derivatives(node, given), strict=False
            ):
                if following is None:
                    continue
                if grad is not None:
                    _add(grads.setdefault(following, {}), position, grad, following)
                waiting[following] -= 1
                if not waiting[following]:
                    ready.append(following)


def _derivatives(node: Any, given: dict[int, torch.Tensor]) -> Any:
    if not given:
        return [None] * len(node.next_functions)
    ours = isinstance(node, torch.autograd.function.BackwardCFunction)
    call = node.apply if ours else node
    result = call(*(given.get(i) for i in range(len(node._input_metadata))))
    return result if isinstance(result, tuple | list) else [result]


def _add(sums: dict[int, torch.Tensor], position: int, grad: torch.Tensor, node: Any) -> None:
    """As torch does it: a gradient takes shape and type of what it is of."""
    meta = node._input_metadata[position]
    if grad.shape != meta.shape:
        grad = grad.sum_to_size(meta.shape)
    grad = grad.to(meta.dtype)
    sums[position] = sums[position] + grad if position in sums else grad
