"""Attention over packed rows, as functions that transformers' attention interface calls.

While a batch is packed (`packed(packing)`), sequences attend only within themselves: on the CPU
group by group with batched matrix products whose backward is written out here, on a GPU with
torch's own variable-length attention. Otherwise the functions are transformers' `sdpa`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from finetone.engine.fast.dropout import Stream
from finetone.engine.fast.groups import Group
from finetone.engine.fast.packing import Packing, PooledToken

NAME = "finetone"
FUSED = 256  # tokens; in fp32 without gradients, torch's fused attention is faster from here on
_packing: Packing | None = None
_stream: Stream | None = None
_pooled_token: PooledToken | None = None
_queries_pooled = False
calls = 0  # attentions over packed rows so far; lets a check see that they happened


@contextmanager
def packed(packing: Packing, stream: Stream | None) -> Iterator[None]:
    """Inside the block layers see packed rows; CPU dropout draws from `stream`."""
    global _packing, _stream
    before = _packing, _stream
    _packing, _stream = packing, stream
    try:
        yield
    finally:
        _packing, _stream = before


@contextmanager
def pooled_queries(token: PooledToken) -> Iterator[None]:
    """Inside the block only the texts' first, or last, tokens are queries; all tokens are keys."""
    global _pooled_token, _queries_pooled
    _pooled_token, _queries_pooled = token, False
    try:
        yield
    finally:
        _pooled_token, _queries_pooled = None, False


def queries_pooled() -> bool:
    """Whether an attention inside such a block has returned, for the pooled tokens only."""
    return _queries_pooled


def current() -> Packing | None:
    return _packing


def mask(*args: Any, **kwargs: Any) -> torch.Tensor | None:
    """No mask for packed rows, else sdpa's."""
    return None if _packing is not None else sdpa_mask(*args, **kwargs)


def attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    is_causal: bool | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Attend within each text of the packed row; transformers' `sdpa` where nothing is packed.

    Parameters
    ----------
    query, key, value
        float [1, heads, N, d]. Where queries are pooled, `query` may also be [1, heads, rows, d].

    Returns
    -------
    tuple of tensor and None
        [1, N, heads, d]; where queries are pooled, [1, rows, heads, d]. No attention weights.
    """
    global calls, _queries_pooled
    if _packing is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask,
            dropout=dropout, scaling=scaling, is_causal=is_causal, **kwargs,
        )  # fmt: skip
    if _pooled_token is not None and query.shape[2] == _packing.tokens:
        query = query.index_select(2, _packing.pooled(_pooled_token))
    queries = _packing.tokens if _pooled_token is None else _packing.rows
    fits = query.shape[2] == queries and key.shape[2] == _packing.tokens
    if not fits or query.shape[1] != key.shape[1]:
        raise RuntimeError(f"attention of {tuple(query.shape)} over {tuple(key.shape)}: not packed")
    calls += 1
    causal = bool(is_causal if is_causal is not None else getattr(module, "is_causal", False))
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    if _pooled_token is not None:
        upto = _pooled_token if causal else None
        out = _one_query_per_text(q, k, v, _packing, scale, upto, dropout)
        _queries_pooled = True
    elif query.is_cuda:
        out = _nested(q, k, v, _packing, scale, causal, dropout)
    elif dropout == 0 and not torch.is_grad_enabled():
        out = _without_gradient(q, k, v, _packing, scale, causal)
    else:
        out = _Grouped.apply(q, k, v, _packing, scale, causal, dropout, _stream)
    return out[None], None


def _one_query_per_text(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, packing: Packing,
    scale: float, upto: PooledToken | None, p: float,
) -> torch.Tensor:  # fmt: skip
    """One query per text, q [rows, heads, d], over the keys of its text → [rows, heads, d]."""
    K, V = (packing.unpack(x[None]).transpose(1, 2) for x in (k, v))  # [rows, heads, width, d]
    scores = q[:, :, None] * scale @ K.transpose(2, 3)
    P = scores.masked_fill(~packing.visible(upto)[:, None, None], float("-inf")).softmax(-1)
    return (F.dropout(P, p).to(V.dtype) @ V)[:, :, 0]


def _without_gradient(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, packing: Packing, scale: float, causal: bool
) -> torch.Tensor:
    """softmax(scale·Q·Kᵀ)·V group by group; by torch's fused attention where that is faster."""
    out = packing.blank(q)
    for group in packing.groups:
        Q, K, V = group.take(q), group.take(k), group.take(v)
        if q.dtype == torch.float32 and group.width > FUSED:
            Q, K, V = (x.unflatten(0, (group.texts, -1)) for x in (Q, K, V))
            bias = group.bias(causal, q.dtype)
            block = F.scaled_dot_product_attention(Q, K, V, attn_mask=bias, scale=scale)
        else:
            block = torch.bmm(_probabilities(Q.mul_(scale), K, group, causal), V)
        group.put(out, block)
    return out


class _Grouped(torch.autograd.Function):
    """softmax(scale·Q·Kᵀ)·V per group of sequences, dropout on the probabilities.

    The backward pass needs one number per score: the probability, negative where it was dropped.
    """

    @staticmethod
    def forward(
        ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, packing: Packing,
        scale: float, causal: bool, p: float, stream: Stream | None,
    ) -> torch.Tensor:  # fmt: skip
        out = packing.blank(q)
        if p > 0 and stream is None:
            raise RuntimeError("dropout on the CPU needs a random stream")
        scale_up, saved = 1 / (1 - p), []  # dropout scales up what it keeps
        for group in packing.groups:
            Q, K, V = group.take(q).mul_(scale), group.take(k), group.take(v)
            S = P = _probabilities(Q, K, group, causal)
            if p > 0:
                assert stream is not None
                S = stream.drop_sign(P, p)
                P = _positive(S)
                V.mul_(scale_up)
            group.put(out, torch.bmm(P, V))
            saved += [Q, K, V, S]
        ctx.save_for_backward(*saved)
        ctx.packing, ctx.scale, ctx.scale_up = packing, scale, scale_up
        return out

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        saved = iter(ctx.saved_tensors)
        dq, dk, dv = (ctx.packing.blank(grads[0]) for _ in range(3))
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
            group.put(dq, torch.bmm(dS, K).mul_(ctx.scale))
            group.put(dk, torch.bmm(dS.transpose(1, 2), Q))
        return dq, dk, dv, None, None, None, None, None


def _positive(x: torch.Tensor) -> torch.Tensor:
    """relu; 16-bit floats as integers, which have the same sign bit and are faster."""
    if x.element_size() == 2:
        return x.view(torch.int16).clamp_min(0).view(x.dtype)
    return torch.relu(x)


def _probabilities(Q: torch.Tensor, K: torch.Tensor, group: Group, causal: bool) -> torch.Tensor:
    """softmax(Q·Kᵀ) [texts·heads, width, width], 0 at padding keys, or later keys."""
    scores = torch.bmm(Q, K.transpose(1, 2))
    if (bias := group.bias(causal, scores.dtype)) is not None:
        scores.view(group.texts, -1, group.width, group.width).add_(bias)
    return torch.softmax(scores, -1)


def _nested(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, packing: Packing,
    scale: float, causal: bool, p: float,
) -> torch.Tensor:  # fmt: skip
    """torch's variable-length attention (flash or memory-efficient) through jagged tensors."""
    shortest, longest = int(packing.lengths.min()), int(packing.lengths.max())
    Q, K, V = (
        torch.nested.nested_tensor_from_jagged(
            x.contiguous(), offsets=packing.offsets, min_seqlen=shortest, max_seqlen=longest
        ).transpose(1, 2)
        for x in (q, k, v)
    )
    out = F.scaled_dot_product_attention(Q, K, V, dropout_p=p, is_causal=causal, scale=scale)
    return out.transpose(1, 2).values()


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, mask)
