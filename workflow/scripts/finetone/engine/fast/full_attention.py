"""One attention for all texts, where a model would choose by the length of a batch.

BigBird attends sparsely in long batches and fully in short ones, and once it has met a short batch,
in all that follow: what a text gets would depend on the texts before and beside it.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from torch import nn

SPARSE, FULL = "block_sparse", "original_full"  # of transformers' BigBird and BigBird-Pegasus


@contextmanager
def full_attention(module: nn.Module) -> Iterator[list[str]]:
    """Inside the block `module` attends fully; yields what there is to note."""
    with ExitStack() as undo:
        notes = []
        for part in list(module.modules()):
            switch = getattr(part, "set_attention_type", None)
            # the outermost such part comes first and switches those inside it
            if callable(switch) and getattr(part, "attention_type", None) == SPARSE:
                switch(FULL)
                undo.callback(switch, SPARSE)
                notes = ["full attention for all texts: sparse attention depends on the batch"]
        yield notes
