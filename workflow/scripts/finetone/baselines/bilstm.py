"""A BiLSTM without pretraining (Conneau et al. 2017)."""

import torch
from torch import nn

from finetone.baselines.network import Network


class BiLSTM(Network):
    """One LSTM per direction, each unit's maximum over time (Conneau et al. 2017).

    Word vectors pass through dropout first. The right-to-left LSTM reads each text mirrored within
    its own length instead of through packed sequences: the same numbers, five times faster on a
    CPU.
    """

    def __init__(
        self, words: int, classes: int, *, embedding: int, hidden: int, dropout: float
    ) -> None:
        super().__init__(words, classes, embedding=embedding, pooled=2 * hidden, dropout=dropout)
        self.rightward = nn.LSTM(embedding, hidden, batch_first=True)
        self.leftward = nn.LSTM(embedding, hidden, batch_first=True)

    def pool(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        real = attention_mask.bool()
        place = torch.arange(input_ids.shape[1], device=input_ids.device)
        mirror = torch.where(real, attention_mask.sum(1, keepdim=True) - 1 - place, place)
        vectors = self.dropout(self.embedding(input_ids))
        mirrored = vectors.gather(1, mirror[:, :, None].expand_as(vectors))
        # a maximum over time does not ask for the order, so nothing is mirrored back
        states = torch.cat([self.rightward(vectors)[0], self.leftward(mirrored)[0]], dim=2)
        return states.masked_fill(~real[:, :, None], -torch.inf).amax(1)
