"""The networks see real words only, whatever the batch around them looks like."""

import numpy as np
import pytest
import torch

from finetone.baselines.bilstm import BiLSTM
from finetone.baselines.textcnn import TextCNN

NETWORKS = {"bilstm": BiLSTM, "textcnn": TextCNN}
SIZES = {"embedding": 12, "hidden": 10, "dropout": 0.5}


def network(kind: str) -> torch.nn.Module:
    torch.manual_seed(3)
    module = NETWORKS[kind](40, 3, **SIZES)
    torch.nn.init.normal_(module.embedding.weight)  # the pad vector too: it must not be seen
    return module.double().eval()


def batch(lengths: list[int], width: int, fill: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Seeded words [b, width], the places beyond each length holding `fill`."""
    draw = np.random.default_rng(5)
    ids = np.full((len(lengths), width), fill)
    mask = np.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = draw.integers(1, 40, length)
        mask[row, :length] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)


LENGTHS = [1, 2, 3, 4, 5, 6, 9, 17, 4]


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize(("width", "fill"), [(18, 0), (40, 0), (40, 7)])
def test_padding_changes_nothing(kind: str, width: int, fill: int) -> None:
    module = network(kind)
    ids, mask = batch(LENGTHS, 17, 0)
    with torch.inference_mode():
        expected = module(input_ids=ids, attention_mask=mask).logits
        ids, mask = batch(LENGTHS, width, fill)
        torch.testing.assert_close(module(input_ids=ids, attention_mask=mask).logits, expected)


@pytest.mark.parametrize("kind", NETWORKS)
def test_neighbours_in_a_batch_change_nothing(kind: str) -> None:
    module = network(kind)
    ids, mask = batch(LENGTHS, 20, 0)
    with torch.inference_mode():
        together = module(input_ids=ids, attention_mask=mask).logits
        alone = [
            module(input_ids=ids[i : i + 1, :n], attention_mask=mask[i : i + 1, :n]).logits
            for i, n in enumerate(LENGTHS)
        ]
    torch.testing.assert_close(torch.cat(alone), together)


@pytest.mark.parametrize("kind", NETWORKS)
def test_padding_changes_no_gradient(kind: str) -> None:
    module = network(kind)
    gradients = []
    for width in (17, 30):
        ids, mask = batch(LENGTHS, width, 0)
        module.zero_grad()
        module(input_ids=ids, attention_mask=mask).logits.square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in module.parameters()])
    torch.testing.assert_close(gradients[0], gradients[1])
    assert all(gradient.abs().sum() > 0 for gradient in gradients[0])


def test_bilstm_equals_torchs_packed_bidirectional_lstm() -> None:
    module = network("bilstm")
    ids, mask = batch(LENGTHS, 17, 0)
    reference = torch.nn.LSTM(12, 10, batch_first=True, bidirectional=True).double()
    with torch.inference_mode():
        for source, suffix in ((module.rightward, ""), (module.leftward, "_reverse")):
            for name, value in source.named_parameters():
                reference.get_parameter(name + suffix).copy_(value)
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            module.embedding(ids), torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
        )
        states, _ = torch.nn.utils.rnn.pad_packed_sequence(
            reference(packed)[0], batch_first=True, padding_value=-torch.inf
        )
        expected = module.classifier(states.amax(1))
        logits = module(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(logits, expected)


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_order_of_words_counts(kind: str) -> None:
    module = network(kind)
    ids, mask = batch([12], 12, 0)
    with torch.inference_mode():
        onward = module(input_ids=ids, attention_mask=mask).logits
        backward = module(input_ids=ids.flip(1), attention_mask=mask).logits
    assert not torch.allclose(onward, backward)
