"""The optimizer that a recipe asks for."""

import torch
from torch import nn

from finetone.engine.recipe import Recipe


def adamw(module: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019, betas 0.9/0.999, eps 1e-8) over the trainable parameters."""
    trainable = [p for p in module.parameters() if p.requires_grad]
    if recipe.decay_bias_and_norm:
        groups = [{"params": trainable, "weight_decay": recipe.weight_decay}]
    else:  # biases and norms are the vectors among the parameters
        groups = [
            {"params": [p for p in trainable if p.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
        ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
