"""A TextCNN without pretraining (Kim 2014)."""

import torch
from torch import nn
from torch.nn import functional as F

from finetone.baselines.network import Network


class TextCNN(Network):
    """Convolutions over 3, 4 and 5 words, ReLU, and each filter's maximum over time (Kim 2014).

    A window is wholly inside the text; a text shorter than the window has one, filled with zeros.
    """

    WIDTHS = (3, 4, 5)

    def __init__(
        self, words: int, classes: int, *, embedding: int, hidden: int, dropout: float
    ) -> None:
        pooled = hidden * len(self.WIDTHS)
        super().__init__(words, classes, embedding=embedding, pooled=pooled, dropout=dropout)
        self.convolutions = nn.ModuleList(nn.Conv1d(embedding, hidden, w) for w in self.WIDTHS)

    def pool(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        lengths = attention_mask.sum(1, keepdim=True)
        place = torch.arange(input_ids.shape[1], device=input_ids.device)
        vectors = self.embedding(input_ids) * attention_mask[:, :, None]
        vectors = F.pad(vectors.transpose(1, 2), (0, max(self.WIDTHS) - 1))
        highest = []
        for width, convolution in zip(self.WIDTHS, self.convolutions, strict=True):
            outside = place > (lengths - width).clamp(min=0)  # [b, t], by a window's first word
            windows = convolution(vectors)[:, :, : len(place)]
            highest.append(windows.masked_fill(outside[:, None, :], -torch.inf).amax(2))
        return torch.cat(highest, dim=1).relu()
