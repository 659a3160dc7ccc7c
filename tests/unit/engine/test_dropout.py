"""The fast dropout keeps what it should, where it should, and can be resumed."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from finetone.engine.fast.dropout import Stream, fast_dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_keep_rate(p: float) -> None:
    n = 400_000
    mask = Stream(7).keep(torch.Size([n]), p, torch.float32)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert abs(mask.mean().item() - (1 - p)) < 5 * np.sqrt(p * (1 - p) / n) + 2**-17
    for lag in (1, 4, n // 2):
        a, b = mask[:-lag] - mask.mean(), mask[lag:] - mask.mean()
        assert abs((a * b).mean().item()) < 5 * p * (1 - p) / np.sqrt(n)


def test_masks_know_nothing_of_each_other() -> None:
    """Across readings of the same two tables, and after the tables are drawn anew."""
    n, stream = 40_000, Stream(11)
    masks = torch.stack([stream.keep(torch.Size([n]), 0.5, torch.float64) for _ in range(300)])
    assert stream.state()[0] == 1, "the tables were drawn anew on the way"
    r = torch.corrcoef(masks)[torch.triu_indices(300, 300, 1).unbind()] * np.sqrt(n)
    # 44,850 pairs: their correlations are standard normal
    assert abs(r.mean()) < 5 / np.sqrt(len(r)) and abs(r.var() - 1) < 0.05 and r.abs().max() < 5.5


def test_signs_fall_with_the_same_probability() -> None:
    for dtype in (torch.bfloat16, torch.float32):
        x = torch.rand(400_000).to(dtype)
        x[:1000] = 0
        signed = Stream(2).drop_sign(x.clone(), 0.1)
        assert torch.equal(signed.abs(), x)
        assert abs(torch.signbit(signed).float().mean() - 0.1) < 5 * 0.3 / np.sqrt(len(x))
        assert torch.signbit(signed[:1000]).any(), "zeros too"


def test_lanes_are_uniform() -> None:
    lanes = Stream(3).lanes(1 << 20).numpy().astype(int) + (1 << 15)
    counts = np.bincount(lanes >> 8, minlength=256)
    expected = len(lanes) / 256
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert chi2 < 255 + 5 * np.sqrt(2 * 255)
    low = np.bincount(lanes & 255, minlength=256)
    assert ((low - expected) ** 2 / expected).sum() < 255 + 5 * np.sqrt(2 * 255)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_and_gradients(dtype: torch.dtype) -> None:
    x = torch.randn(1000, 8).to(dtype).requires_grad_()
    with fast_dropout(Stream(1)):
        y = F.dropout(x, 0.25, True)
        same = torch.nn.Dropout(0.25).eval()(x)
    y.sum().backward()
    assert torch.equal(same, x)
    assert x.grad is not None
    kept = y != 0
    assert 0.7 < kept.float().mean() < 0.8
    torch.testing.assert_close(y[kept], x.detach()[kept] / 0.75, rtol=1e-2, atol=0)
    torch.testing.assert_close(x.grad[kept], torch.full_like(x.grad[kept], 1 / 0.75))
    assert (x.grad[~kept] == 0).all()


def test_every_call_draws_anew_and_the_seed_decides() -> None:
    x = torch.ones(1000)
    drawn = []
    for seed in (1, 1, 2):
        with fast_dropout(Stream(seed)):
            drawn.append((F.dropout(x, 0.5), torch.nn.Dropout(0.5)(x)))
    assert torch.equal(drawn[0][0], drawn[1][0]) and torch.equal(drawn[0][1], drawn[1][1])
    assert not torch.equal(drawn[0][0], drawn[2][0])
    assert not torch.equal(drawn[0][0], drawn[0][1])


def test_a_restored_stream_goes_on() -> None:
    stream = Stream(5)
    for _ in range(260):
        stream.lanes(1001)
    state = stream.state()
    expected = stream.lanes(3_000_000)
    other = Stream(5)
    other.restore(state)
    assert torch.equal(other.lanes(3_000_000), expected)


def test_outside_the_block_and_at_the_ends_it_is_torchs_own() -> None:
    x = torch.ones(10)
    with fast_dropout(Stream(1)):
        assert torch.equal(F.dropout(x, 0.0), x)
        assert torch.equal(F.dropout(x, 1.0), torch.zeros(10))
        F.dropout(x, 0.5, inplace=True)
    assert set(x.tolist()) <= {0.0, 2.0}
    torch.manual_seed(0)
    a = F.dropout(torch.ones(100), 0.5)
    torch.manual_seed(0)
    assert torch.equal(F.dropout(torch.ones(100), 0.5), a)
