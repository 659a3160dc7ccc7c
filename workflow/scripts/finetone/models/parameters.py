"""How many numbers a model learns."""

from torch import nn


def count(module: nn.Module) -> dict[str, int]:
    """Unique trainable parameters: `total`, `embedding` (lookup tables) and `non_embedding`.

    A tensor shared by two layers (tied embeddings) counts once.
    """
    unique = {id(p): p.numel() for p in module.parameters() if p.requires_grad}
    lookup = {
        id(p): p.numel()
        for layer in module.modules()
        if isinstance(layer, nn.Embedding)
        for p in layer.parameters()
        if p.requires_grad
    }
    total, embedding = sum(unique.values()), sum(lookup.values())
    return {"total": total, "embedding": embedding, "non_embedding": total - embedding}
