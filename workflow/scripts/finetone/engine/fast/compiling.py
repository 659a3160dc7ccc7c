"""torch.compile for a model's layers.

Jobs on one machine share compiled code through torch's cache on disk (TORCHINDUCTOR_CACHE_DIR).
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
import torch.nn.functional as F
from torch import nn
from transformers import AttentionInterface

from finetone.engine.fast import attention
from finetone.engine.fast.unpad import layer_stacks


@contextmanager
def compiled(module: nn.Module) -> Iterator[None]:
    """Inside the block layers are compiled at their first call, for any number of tokens.

    All but the last of each stack, which computes a few tokens only: another computation. Attention
    over packed rows and the engine's own dropout are not compiled, so they draw the same numbers.
    """
    plain = F.dropout
    with ExitStack() as undo:
        undo.callback(setattr, F, "dropout", plain)
        undo.callback(AttentionInterface.register, attention.NAME, attention.attention)
        if plain.__module__ != F.__name__:
            F.dropout = torch.compiler.disable(plain)
        AttentionInterface.register(attention.NAME, torch.compiler.disable(attention.attention))
        for stack in layer_stacks(module):
            for layer in stack[:-1]:
                undo.callback(delattr, layer, "forward")
                layer.forward = torch.compile(layer.forward, dynamic=True)
        yield
