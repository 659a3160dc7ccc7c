"""The fast dropout keeps what it should, where it should, and can be resumed."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from finetone.engine.dropout import FastDropout, Streams


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_keep_rate(p: float, threads: int) -> None:
    n = 400_000
    mask = Streams(7, threads).keep(torch.Size([n]), p, torch.float32)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert abs(mask.mean().item() - (1 - p)) < 5 * np.sqrt(p * (1 - p) / n) + 2**-17
    # neighbours, and what different threads draw, do not know of each other
    for lag in (1, 4, n // (threads + 1), n // max(2, threads)):
        a, b = mask[:-lag] - mask.mean(), mask[lag:] - mask.mean()
        assert abs((a * b).mean().item()) < 5 * p * (1 - p) / np.sqrt(n)


def test_lanes_are_uniform() -> None:
    lanes = Streams(3, 1).lanes(1 << 20).numpy().astype(int) + (1 << 15)
    counts = np.bincount(lanes >> 8, minlength=256)
    expected = len(lanes) / 256
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert chi2 < 255 + 5 * np.sqrt(2 * 255)
    low = np.bincount(lanes & 255, minlength=256)
    assert ((low - expected) ** 2 / expected).sum() < 255 + 5 * np.sqrt(2 * 255)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_and_gradients(dtype: torch.dtype) -> None:
    x = torch.randn(1000, 8).to(dtype).requires_grad_()
    with FastDropout(Streams(1, 1)):
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
        with FastDropout(Streams(seed, 2)):
            drawn.append((F.dropout(x, 0.5), torch.nn.Dropout(0.5)(x)))
    assert torch.equal(drawn[0][0], drawn[1][0]) and torch.equal(drawn[0][1], drawn[1][1])
    assert not torch.equal(drawn[0][0], drawn[2][0])
    assert not torch.equal(drawn[0][0], drawn[0][1])


@pytest.mark.parametrize("threads", [1, 2])
def test_a_restored_stream_goes_on(threads: int) -> None:
    streams = Streams(5, threads)
    streams.lanes(100_001)
    state = streams.state()
    expected = streams.lanes(300_000)
    other = Streams(6, threads)
    other.restore(state)
    assert torch.equal(other.lanes(300_000), expected)


def test_outside_the_block_and_at_the_ends_it_is_torchs_own() -> None:
    x = torch.ones(10)
    with FastDropout(Streams(1, 1)):
        assert torch.equal(F.dropout(x, 0.0), x)
        assert torch.equal(F.dropout(x, 1.0), torch.zeros(10))
        F.dropout(x, 0.5, inplace=True)
    assert set(x.tolist()) <= {0.0, 2.0}
    torch.manual_seed(0)
    a = F.dropout(torch.ones(100), 0.5)
    torch.manual_seed(0)
    assert torch.equal(F.dropout(torch.ones(100), 0.5), a)
