"""Attention over packed rows, as functions that transformers' attention interface calls.

While a batch is packed (`packed(packing)`), sequences attend only within themselves: on the CPU
group by group (`grouped_attention`), on a GPU with torch's own variable-length attention. Otherwise
the functions are transformers' `sdpa`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import torch
import torch.nn.functional as F
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from finetone.engine.fast.dropout import Stream
from finetone.engine.fast.grouped_attention import GroupedAttention, without_gradient
from finetone.engine.fast.groups import Seen
from finetone.engine.fast.packing import Packing, PooledToken

NAME = "finetone"
_packing: Packing | None = None
_stream: Stream | None = None
_pooled_token: PooledToken | None = None
_queries_pooled = False
_hide_padding = WeakSet[torch.nn.Module]()  # attentions whose own masks hide padding alone
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
    """sdpa's mask; for packed rows that of one text without padding, bool [1, 1, width, width].

    It hides what a window or causality hides, and is None where sdpa needs none for such a text.
    """
    if _packing is None:
        return sdpa_mask(*args, **kwargs)
    found = sdpa_mask(*args, **kwargs | {"batch_size": 1, "attention_mask": None})
    if found is not None:
        found.window = window(kwargs.get("mask_function"))  # type: ignore[attr-defined]
    return found


def window(mask_function: Any) -> tuple[int, int] | None:
    """How many keys before and behind a query one of transformers' two sliding windows shows.

    None for any other mask.
    """
    parts = _enclosed(mask_function)
    if not isinstance(parts, tuple):
        return None
    sizes = {part.__qualname__.split(".")[0]: _enclosed(part) for part in parts}
    if sizes.keys() == {"sliding_window_overlay", "causal_mask_function"}:
        return sizes["sliding_window_overlay"] - 1, 0
    if sizes.keys() == {"sliding_window_bidirectional_overlay", "bidirectional_mask_function"}:
        size = sizes["sliding_window_bidirectional_overlay"]
        return size, size
    return None


def _enclosed(function: Any) -> Any:
    """The one value that an inner function got from outside."""
    cells: Any = getattr(function, "__closure__", None) or ()
    return cells[0].cell_contents if len(cells) == 1 else None


def attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    is_causal: bool | None = None,
    position_bias: torch.Tensor | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Attend within each text of the packed row; transformers' `sdpa` where nothing is packed.

    Parameters
    ----------
    query, key, value
        float [1, heads, N, d]; keys and values may have fewer heads, each for several of the
        queries'. Where queries are pooled, `query` may also be [1, heads, rows, d].
    attention_mask
        What `mask` has returned.
    position_bias
        Is added to the scores of each text: float [1, heads, width, width]; on the CPU alone.

    Returns
    -------
    tuple of tensor and None
        [1, N, heads, d]; where queries are pooled, [1, rows, heads, d]. No attention weights.
    """
    global calls, _queries_pooled
    if _packing is None:
        if position_bias is not None:
            kwargs["position_bias"] = position_bias
        return sdpa_attention_forward(
            module, query, key, value, attention_mask,
            dropout=dropout, scaling=scaling, is_causal=is_causal, **kwargs,
        )  # fmt: skip
    if _pooled_token is not None and query.shape[2] == _packing.tokens:
        query = query.index_select(2, _packing.pooled(_pooled_token))
    queries = _packing.tokens if _pooled_token is None else _packing.rows
    fits = query.shape[2] == queries and key.shape[2] == _packing.tokens
    if not fits or query.shape[1] % key.shape[1]:
        raise RuntimeError(f"attention of {tuple(query.shape)} over {tuple(key.shape)}: not packed")
    seen = _seen(module, attention_mask, is_causal, _packing)
    square = (1, query.shape[1], _packing.width, _packing.width)
    if position_bias is not None and (position_bias.shape != square or query.is_cuda):
        raise RuntimeError(f"a bias of {tuple(position_bias.shape)} cannot be packed here")
    for name in ("softcap", "s_aux"):
        if kwargs.get(name) is not None:
            raise RuntimeError(f"attention with {name} cannot be packed")
    calls += 1
    if torch.is_autocast_enabled(query.device.type):  # rotary models turn queries in fp32
        dtype = torch.get_autocast_dtype(query.device.type)
        query, key, value = (x.to(dtype) for x in (query, key, value))
    bias = None if position_bias is None else position_bias[0].to(query.dtype)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    q, k, v = (x.squeeze(0).transpose(0, 1) for x in (query, key, value))
    if (repeats := query.shape[1] // key.shape[1]) > 1:
        k, v = (x.repeat_interleave(repeats, 1) for x in (k, v))
    if _pooled_token is not None:
        out = _one_query_per_text(q, k, v, bias, _packing, scale, seen, _pooled_token, dropout)
        _queries_pooled = True
    elif query.is_cuda:
        flash = q.dtype != torch.float32
        simple = seen.mask is None or (flash and seen.window is not None)
        fits = q.shape == v.shape and q.shape[2] % 8 == 0
        on_gpu = _variable_length if simple and fits else _padded
        out = on_gpu(q, k, v, _packing, scale, seen, dropout)
    elif dropout == 0 and not torch.is_grad_enabled():
        out = without_gradient(q, k, v, bias, _packing, scale, seen)
    else:
        out = GroupedAttention.apply(q, k, v, bias, _packing, scale, seen, dropout, _stream)
    return out[None], None


def _seen(
    module: torch.nn.Module, mask: torch.Tensor | None, causal: bool | None, packing: Packing
) -> Seen:
    """Which keys a query sees; as in sdpa, a mask says it all and the module's flag the rest."""
    if mask is None:
        return Seen(bool(causal if causal is not None else getattr(module, "is_causal", True)))
    if mask.dtype == torch.bool and mask.shape == (1, 1, packing.width, packing.width):
        return Seen(mask=mask[0, 0], window=getattr(mask, "window", None))
    if mask.shape == (packing.rows, 1, 1, packing.width):  # LayoutLM makes its own
        if module not in _hide_padding:  # to compare would make a GPU wait in every layer
            visible = mask[:, 0, 0] if mask.dtype == torch.bool else mask[:, 0, 0] == 0
            if torch.equal(visible, packing.visible(None)):
                _hide_padding.add(module)
        if module in _hide_padding:
            return Seen()
    raise RuntimeError(f"mask of {tuple(mask.shape)}, {mask.dtype}: not of one text")


def _one_query_per_text(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None,
    packing: Packing, scale: float, seen: Seen, token: PooledToken, p: float,
) -> torch.Tensor:  # fmt: skip
    """One query per text, q [rows, heads, d], over the keys of its text → [rows, heads, d]."""
    visible = packing.visible(token if seen.causal else None)
    if seen.mask is not None:
        visible = visible & seen.mask[packing.column(token)]
    K, V = (packing.unpack(x[None]).transpose(1, 2) for x in (k, v))  # [rows, heads, width, d]
    scores = q[:, :, None] * scale @ K.transpose(2, 3)
    if bias is not None:
        scores = scores + bias[:, packing.column(token)].transpose(0, 1)[:, :, None]
    P = scores.masked_fill(~visible[:, None, None], float("-inf")).softmax(-1)
    return (F.dropout(P, p).to(V.dtype) @ V)[:, :, 0]


def _variable_length(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, packing: Packing,
    scale: float, seen: Seen, p: float,
) -> torch.Tensor:  # fmt: skip
    """torch's own kernels for packed rows: flash attention, or in fp32 memory-efficient attention.

    They are called as torch calls them for jagged tensors, which cost more time on the host than
    everything else in a layer.
    """
    longest = int(packing.lengths.max())
    ends = (packing.offsets, packing.offsets, longest, longest)
    if q.dtype != torch.float32:
        flash = torch.ops.aten._flash_attention_forward
        left, right = seen.window or (None, None)
        out: torch.Tensor = flash(
            q, k, v, *ends, p, seen.causal, False,
            scale=scale, window_size_left=left, window_size_right=right,
        )[0]  # fmt: skip
        return out
    q, k, v = q[None], k[None], v[None]
    efficient = torch.ops.aten._efficient_attention_forward
    out = efficient(q, k, v, None, *ends, p, int(seen.causal), True, scale=scale)[0]
    return out.squeeze(0)


def _padded(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, packing: Packing,
    scale: float, seen: Seen, p: float,
) -> torch.Tensor:  # fmt: skip
    """torch's attention over padded texts, for masks that its variable-length one does not know."""
    Q, K, V = (packing.unpack(x[None]).transpose(1, 2) for x in (q, k, v))
    real = packing.visible(None)
    visible = real[:, None, None, :] & seen.matrix(packing.width, q.device)
    visible = visible | ~real[:, None, :, None]  # a row that sees nothing would not be finite
    out = F.scaled_dot_product_attention(Q, K, V, attn_mask=visible, dropout_p=p, scale=scale)
    return packing.pack(out.transpose(1, 2))[0]


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, mask)
