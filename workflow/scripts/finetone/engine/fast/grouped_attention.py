"""Attention on the CPU, group by group, with a backward pass that is written out."""

from typing import Any

import torch
import torch.nn.functional as F

from finetone.engine.fast.dropout import Stream
from finetone.engine.fast.groups import Group, Seen
from finetone.engine.fast.packing import Packing

FUSED = 256  # tokens; in fp32 without gradients, torch's fused attention is faster from here on


def without_gradient(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None,
    packing: Packing, scale: float, seen: Seen,
) -> torch.Tensor:  # fmt: skip
    """softmax(scale·Q·Kᵀ + bias)·V group by group; by torch's fused attention where that is faster."""
    out = packing.blank(v)
    for group in packing.groups:
        Q, K, V = group.take(q), group.take(k), group.take(v)
        if q.dtype == torch.float32 and group.width > FUSED and bias is None:
            Q, K, V = (x.unflatten(0, (group.texts, -1)) for x in (Q, K, V))
            hidden = group.bias(seen, q.dtype)
            block = F.scaled_dot_product_attention(Q, K, V, attn_mask=hidden, scale=scale)
        else:
            block = torch.bmm(_probabilities(Q.mul_(scale), K, bias, group, seen), V)
        group.put(out, block)
    return out


class GroupedAttention(torch.autograd.Function):
    """softmax(scale·Q·Kᵀ + bias)·V per group of sequences, dropout on the probabilities.

    The backward pass needs one number per score: the probability, negative where it was dropped.
    """

    @staticmethod
    def forward(
        ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None,
        packing: Packing, scale: float, seen: Seen, p: float, stream: Stream | None,
    ) -> torch.Tensor:  # fmt: skip
        out = packing.blank(v)
        if p > 0 and stream is None:
            raise RuntimeError("dropout on the CPU needs a random stream")
        scale_up, saved = 1 / (1 - p), []  # dropout scales up what it keeps
        for group in packing.groups:
            Q, K, V = group.take(q).mul_(scale), group.take(k), group.take(v)
            S = P = _probabilities(Q, K, bias, group, seen)
            if p > 0:
                assert stream is not None
                S = stream.drop_sign(P, p)
                P = _positive(S)
                V.mul_(scale_up)
            group.put(out, torch.bmm(P, V))
            saved += [Q, K, V, S]
        ctx.save_for_backward(*saved)
        ctx.packing, ctx.scale, ctx.scale_up = packing, scale, scale_up
        ctx.width, ctx.bias = q.shape[2], None if bias is None else bias.shape
        return out

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        saved = iter(ctx.saved_tensors)
        widths = ctx.width, ctx.width, grads[0].shape[2]
        dq, dk, dv = (ctx.packing.blank(grads[0], width) for width in widths)
        db = None if ctx.bias is None else torch.zeros(ctx.bias)
        for group, Q, K, V, S in zip(ctx.packing.groups, saved, saved, saved, saved, strict=True):
            dO = group.take(grads[0])
            if group.real is not None:  # padding does not reach the loss
                view = dO.view(group.texts, -1, group.width, dO.shape[-1])
                view.mul_(group.real[:, None, :, None])
            dP = torch.bmm(dO, V.transpose(1, 2))
            if ctx.scale_up > 1:
                dP = torch.ops.aten.threshold_backward(dP, S, 0)
                dO.mul_(ctx.scale_up)
            kept, P = (_positive(S), S.abs()) if ctx.scale_up > 1 else (S, S)
            group.put(dv, torch.bmm(kept.transpose(1, 2), dO))
            dS = torch._softmax_backward_data(dP, P, -1, P.dtype)
            if db is not None:
                of_texts = dS.view(group.texts, -1, group.width, group.width).sum(0)
                end = min(group.width, db.shape[-1])
                db[:, :end, :end] += of_texts[:, :end, :end]
            group.put(dq, torch.bmm(dS, K).mul_(ctx.scale))
            group.put(dk, torch.bmm(dS.transpose(1, 2), Q))
        return dq, dk, dv, None if db is None else db.to(dq.dtype), None, None, None, None, None


def _positive(x: torch.Tensor) -> torch.Tensor:
    """relu; 16-bit floats as integers, which have the same sign bit and are faster."""
    if x.element_size() == 2:
        return x.view(torch.int16).clamp_min(0).view(x.dtype)
    return torch.relu(x)


def _probabilities(
    Q: torch.Tensor, K: torch.Tensor, bias: torch.Tensor | None, group: Group, seen: Seen
) -> torch.Tensor:
    """softmax(Q·Kᵀ + bias) [texts·heads, width, width], 0 at keys that are not seen."""
    scores = torch.bmm(Q, K.transpose(1, 2))
    by_text = scores.view(group.texts, -1, group.width, group.width)
    if bias is not None:
        more = max(0, group.width - bias.shape[-1])  # of padding to a multiple of STEP
        by_text.add_(F.pad(bias, (0, more, 0, more))[:, : group.width, : group.width])
    if (hidden := group.bias(seen, scores.dtype)) is not None:
        by_text.add_(hidden)
    return torch.softmax(scores, -1)
