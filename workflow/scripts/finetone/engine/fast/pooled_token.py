"""The last layer computes only the pooled token: the one token per text that the head reads.

BERT's head reads the first token, GPT-2's the last, BART's the decoder's last. The last layer's
output at all other tokens reaches neither loss nor gradient, so it is not computed: the same
mathematics with an eighth less work in a six-layer model. Which token a head reads does not depend
on a list of models: autograd tells where the logits have a gradient.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from finetone.engine.batches import Batch
from finetone.engine.fast import attention
from finetone.engine.fast.packing import Packing, PooledToken

RESHAPES = (torch.Tensor.reshape, torch.Tensor.view)


def pooled_tokens(
    module: nn.Module, stacks: list[nn.ModuleList], batch: Batch
) -> dict[nn.ModuleList, PooledToken]:
    """Find the layer stacks whose output is read at one token of each text only, and that token.

    A token is read if the logits have a gradient there.

    Parameters
    ----------
    module
        A model in eval mode.
    stacks
        Its lists of layers.
    batch
        Right-padded texts; at least one has more than one token.

    Returns
    -------
    dict
        Has no key for a stack whose output is read at other tokens, or not at all.
    """
    outputs: dict[nn.Module, torch.Tensor] = {}

    def keep(layer: nn.Module, args: Any, output: Any) -> None:
        outputs[layer] = output if isinstance(output, torch.Tensor) else output[0]

    with ExitStack() as hooks, torch.enable_grad():
        for stack in stacks:
            hooks.callback(stack[-1].register_forward_hook(keep).remove)
        output = module(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
        executed = [stack for stack in stacks if stack[-1] in outputs]
        last = [outputs[stack[-1]] for stack in executed]
        gradients = torch.autograd.grad(output.logits.sum(), last, allow_unused=True)
    lengths = batch.lengths
    tokens = dict[nn.ModuleList, PooledToken]()
    positions: dict[PooledToken, np.ndarray] = {"first": 0 * lengths, "last": lengths - 1}
    for stack, gradient in zip(executed, gradients, strict=True):
        if gradient is None or gradient.ndim != 3 or (lengths < 2).all():
            continue
        read = (gradient != 0).any(-1).cpu().numpy()
        for token, position in positions.items():
            expected = np.zeros_like(read)
            expected[np.arange(len(lengths)), position] = True
            if np.array_equal(read, expected):
                tokens[stack] = token
    return tokens


def end_token(module: nn.Module) -> int | None:
    """The token that a head looks for in each row; None if it looks for none."""
    config: Any = getattr(module, "config", None)
    end = getattr(config, "eos_token_id", None)
    return end if getattr(config, "is_encoder_decoder", False) and isinstance(end, int) else None


def reads_last(module: nn.Module, batch: Batch) -> bool:
    """Whether the head reads the last token of every row, as it does of ordinary texts.

    Causal heads look for the last token that is not the pad token, or count those; encoder-decoders
    for the last end-of-text token. A text may have either anywhere.
    """
    config: Any = module.config
    pad, end = config.get_text_config().pad_token_id, end_token(module)
    if isinstance(pad, int) and (batch.words == pad).any():
        return False
    return end is None or bool((batch.ends() == end).all())


@contextmanager
def pooled_only(
    layer: nn.Module, token: PooledToken, in_last_pass: Callable[[], bool]
) -> Iterator[None]:
    """Inside the block `layer`, the last of its stack, computes the pooled tokens only.

    That is, in the last pass through the stack.
    """
    running: list[ExitStack] = []

    def begin(layer: nn.Module, args: Any) -> None:
        packing = attention.current()
        if packing is None or not in_last_pass():
            return
        if packing.pooling and packing.lengths.min() > 0:
            running.append(ExitStack())
            running[-1].enter_context(attention.pooled_queries(token))
            running[-1].enter_context(_CutToPooled(packing, token))

    def end(layer: nn.Module, args: Any, output: Any) -> None:
        if running:
            running.pop().close()

    with ExitStack() as hooks:
        hooks.callback(layer.register_forward_pre_hook(begin).remove)
        # before all other hooks, and also if the layer fails
        last = layer.register_forward_hook(end, prepend=True, always_call=True)
        hooks.callback(last.remove)
        yield


class _CutToPooled(TorchFunctionMode):
    """After attention with pooled queries, cuts tensors that meet its output to the pooled tokens.

    Such are a residual [1, N, H], and the shape that a reshape asks for.
    """

    def __init__(self, packing: Packing, token: PooledToken) -> None:
        super().__init__()
        self.whole, self.cut = packing.tokens, packing.rows
        self.positions = packing.pooled(token)

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if attention.queries_pooled() and self.whole != self.cut:
            if func in RESHAPES and args[0].ndim == 4 and args[0].shape[:2] == (1, self.cut):
                args = _with_shape(args, (1, self.whole), (1, self.cut))
            else:
                args = self._meeting(args)
        return func(*args, **(kwargs or {}))

    def _meeting(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = [x.shape for x in args if isinstance(x, torch.Tensor) and x.ndim == 3]
        whole = [shape for shape in hidden if shape[:2] == (1, self.whole)]
        if not any((1, self.cut, shape[2]) in hidden for shape in whole):
            return args
        return tuple(
            x.index_select(1, self.positions)
            if isinstance(x, torch.Tensor) and x.shape in whole
            else x
            for x in args
        )


def _with_shape(args: tuple[Any, ...], old: tuple[int, int], new: tuple[int, int]) -> Any:
    """Arguments of a reshape, as numbers or one tuple, whose shape begins as `new`, not `old`."""
    tensor, *sizes = args
    shape = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else tuple(sizes)
    return (tensor, *((*new, *shape[2:]) if shape[:2] == old else shape))
