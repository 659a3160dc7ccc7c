"""The loop learns, records every step, and goes on after a kill as if nothing had happened."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from finetone.engine import batches, loop, saved_state
from finetone.engine.predict import predict_module
from finetone.engine.recipe import EngineOptions, Recipe
from finetone.errors import UserError
from finetone.formats.token_file import Tokens, TokensMeta
from finetone.models import parameters
from finetone.statistics.evaluation import Evaluation

CPU = torch.device("cpu")


def toy_tokens(rows: int, seed: int = 0, longest: int = 12, vocabulary: int = 50) -> Tokens:
    """Random texts; the label is whether token 7 is in the text."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, longest + 1, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = random.integers(8, vocabulary, offsets[-1]).astype(np.int32)
    labels = random.integers(0, 2, rows)
    ids[offsets[:-1][labels == 1]] = 7
    meta = TokensMeta(["no", "yes"], max_length=longest, pad_token_id=0)
    return Tokens(np.arange(rows), labels, offsets, ids, meta)


class Bag(nn.Module):
    """The smallest model that learns the toy task: mean of embeddings, dropout, linear."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(50, 16)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(16, 2)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        mask = attention_mask[..., None].float()
        mean = (self.embed(input_ids) * mask).sum(1) / mask.sum(1)
        return SimpleNamespace(logits=self.head(self.dropout(mean)))


def run(
    state: Path, module: nn.Module | None = None, **changes: object
) -> tuple[nn.Module, loop.Training]:
    module = module or Bag()
    recipe = {"epochs": 3, "batch_size": 16, "learning_rate": 0.05, **changes}
    training = loop.train(
        module, toy_tokens(100), Recipe.of(recipe), EngineOptions(precision="fp32"), 1,
        state=state, device=CPU,
    )  # fmt: skip
    return module, training


def bits(module: nn.Module) -> str:
    return saved_state.digest(module)


def test_it_learns_and_records_every_step(tmp_path: Path) -> None:
    module, training = run(tmp_path / "state", epochs=8)
    table = training.history.to_pandas()
    assert len(table) == training.steps == 8 * 7  # the last partial batch (4 of 100) is kept
    assert list(table.step) == list(range(1, 57))
    assert list(table.examples[:7]) == [16] * 6 + [4]
    assert (table.groupby("epoch").tokens.sum() == toy_tokens(100).offsets[-1]).all()
    assert table.cumulative_accuracy.iloc[-1] > 0.95 > table.cumulative_accuracy.iloc[6]
    last = table[table.epoch == 8]
    mean = (last.loss * last.examples).sum() / last.examples.sum()
    assert table.cumulative_loss.iloc[-1] == pytest.approx(mean)
    fresh = toy_tokens(300, seed=9)
    assert (predict_module(module, fresh, device=CPU).argmax(1) == fresh.labels).mean() > 0.85


def test_the_order_is_another_one_in_every_epoch_and_for_every_seed() -> None:
    orders = [batches.epoch_order(seed, epoch, 50).tolist() for seed in (1, 2) for epoch in (1, 2)]
    assert len(set(map(tuple, orders))) == 4
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert batches.epoch_order(1, 1, 50).tolist() == orders[0]


def test_one_step_is_torchs_own_adamw_on_the_mean_loss(tmp_path: Path) -> None:
    ours = Bag()
    ours.dropout.p = 0.0
    theirs = Bag()
    tokens = toy_tokens(10)
    loop.train(
        ours, tokens, Recipe(epochs=1, batch_size=10, learning_rate=0.1), EngineOptions(precision="fp32"),
        3, state=tmp_path, device=CPU,
    )  # fmt: skip
    batch = batches.collate(tokens, np.arange(10), CPU)
    theirs.eval()
    logits = theirs(batch.input_ids, batch.attention_mask).logits
    torch.nn.functional.cross_entropy(logits, batch.labels).backward()
    torch.optim.AdamW(theirs.parameters(), lr=0.1, weight_decay=0.01).step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("step", [1, 6, 7, 8, 13, 20])
def test_a_run_killed_at_any_step_goes_on_bit_by_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    whole, expected = run(tmp_path / "whole")
    calls = 0
    real = loop.gradients

    def dies(*arguments: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > step:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "gradients", dies)
    with pytest.raises(KeyboardInterrupt):
        run_saving_always(tmp_path / "killed")
    monkeypatch.setattr(loop, "gradients", real)
    again, training = run_saving_always(tmp_path / "killed")
    assert bits(again) == bits(whole)
    assert training.resumed == 1
    columns = [name for name in expected.history.column_names if name != "seconds"]
    assert training.history.select(columns).equals(expected.history.select(columns))
    for a, b in zip(training.epochs, expected.epochs, strict=True):
        assert a.read_bytes() == b.read_bytes()


def run_saving_always(state: Path) -> tuple[nn.Module, loop.Training]:
    module = Bag()
    options = EngineOptions(precision="fp32", save_every=1e-9)
    recipe = Recipe(epochs=3, batch_size=16, learning_rate=0.05)
    return module, loop.train(module, toy_tokens(100), recipe, options, 1, state=state, device=CPU)


def test_a_state_of_another_run_is_discarded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, first = run(tmp_path / "state")
    with caplog.at_level("INFO", logger="finetone"):
        _, second = run(tmp_path / "state", learning_rate=0.01)
    assert second.resumed == 0
    assert "discarding the saved state" in caplog.text
    _, third = run(tmp_path / "state", learning_rate=0.01)
    assert third.resumed == 1
    assert third.history.equals(second.history)


def test_the_best_epoch_on_dev_is_kept(tmp_path: Path) -> None:
    module = Bag()
    dev = toy_tokens(60, seed=5)
    training = loop.train(
        module, toy_tokens(100), Recipe(epochs=4, learning_rate=0.05, choose_epoch="dev"),
        EngineOptions(precision="fp32"), 1, state=tmp_path, dev=dev, device=CPU,
    )  # fmt: skip
    assert training.dev_scores is not None and len(training.dev_scores) == 4
    assert training.kept_epoch == 1 + int(np.argmax(training.dev_scores))
    accuracy = (predict_module(module, dev, device=CPU).argmax(1) == dev.labels).mean()
    assert accuracy == training.dev_scores[training.kept_epoch - 1]


@pytest.mark.parametrize(("metric", "best"), [("loss", np.argmin), ("auc", np.argmax)])
def test_the_epoch_is_chosen_by_the_metric_that_methods_are_compared_by(
    tmp_path: Path, metric: str, best: Callable[[list[float]], int]
) -> None:
    module, dev = Bag(), toy_tokens(60, seed=5)
    training = loop.train(
        module,
        toy_tokens(100),
        Recipe(epochs=4, learning_rate=0.5, choose_epoch="dev", choose_by=metric),
        EngineOptions(precision="fp32"),
        1,
        state=tmp_path,
        dev=dev,
        device=CPU,
    )
    assert training.dev_scores is not None and len(set(training.dev_scores)) > 1
    assert training.kept_epoch == 1 + best(training.dev_scores)
    exact = EngineOptions(precision="fp32")  # some processors would compute in bf16
    logits = predict_module(module, dev, options=exact, device=CPU)
    kept = Evaluation(logits, dev.labels).value(metric)
    assert kept == pytest.approx(training.dev_scores[training.kept_epoch - 1], rel=1e-5)


def test_an_undefined_score_chooses_no_epoch() -> None:
    recipe = Recipe(choose_epoch="dev", choose_by="mcc")
    assert recipe.best([float("nan"), 0.2, 0.3]) == 3
    assert Recipe(choose_by="loss").best([float("nan"), float("inf"), 0.3, 0.2]) == 4
    assert recipe.best([float("nan")] * 2) == 1
    assert "choose_by" not in Recipe().as_dict() and recipe.as_dict()["choose_by"] == "mcc"
    with pytest.raises(UserError, match="choose_by is 'f1'; it must be accuracy or loss"):
        Recipe(choose_by="f1")


def test_an_epoch_is_not_chosen_on_rows_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="choose_epoch is dev, but the dataset has no dev split"):
        run(tmp_path, choose_epoch="dev")


def test_schedule_matches_transformers() -> None:
    from transformers import get_linear_schedule_with_warmup

    recipe = Recipe(learning_rate=0.3, schedule="linear", warmup=0.25)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    theirs = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=3, num_training_steps=10)
    for step in range(10):
        assert recipe.rate(step, 10) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()


def test_out_of_memory_splits_the_batch_with_the_same_gradients(tmp_path: Path) -> None:
    class Small(Bag):
        """Has memory for five rows."""

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
            if len(input_ids) > 5:
                raise torch.OutOfMemoryError("too many rows")
            return super().forward(input_ids, attention_mask)

    whole, small = Bag(), Small()
    whole.dropout.p = small.dropout.p = 0.0
    run(tmp_path / "a", whole, epochs=1)
    _, training = run(tmp_path / "b", small, epochs=1)
    for a, b in zip(whole.parameters(), small.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    assert "out of memory" in training.execution["notes"][0]


def test_memory_that_ends_with_one_row_is_the_users_business(tmp_path: Path) -> None:
    class Never(Bag):
        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
            raise torch.OutOfMemoryError

    with pytest.raises(UserError, match="max_length"):
        run(tmp_path, Never())


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    module = Bag()
    module.head.weight.data[:] = float("nan")
    with pytest.raises(UserError, match="learning_rate"):
        run(tmp_path, module)


def test_bad_settings_are_refused_with_the_key() -> None:
    with pytest.raises(UserError, match="learning_rat.*learning_rate"):
        Recipe.of({"learning_rat": 1})
    with pytest.raises(UserError, match="schedule"):
        Recipe(schedule="cosine")
    with pytest.raises(UserError, match="epochs 0 and batch_size 32 must be at least 1"):
        Recipe(epochs=0)
    with pytest.raises(UserError, match="padding_free"):
        EngineOptions.of({"padding_free": False})


def test_defaults_are_the_schemas() -> None:
    import yaml

    root = Path(__file__).parents[3]
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    for block, ours in (
        (schema["$defs"]["recipe"], Recipe()),
        (schema["properties"]["engine"], EngineOptions()),
    ):
        theirs = {key: value["default"] for key, value in block["properties"].items()}
        assert {key: getattr(ours, key) for key in theirs} == theirs


def test_parameters_shared_by_two_layers_count_once() -> None:
    module = nn.ModuleDict({"embed": nn.Embedding(10, 4), "out": nn.Linear(4, 10)})
    module["out"].weight = module["embed"].weight
    assert parameters.count(module) == {"total": 50, "embedding": 40, "non_embedding": 10}
    module["embed"].weight.requires_grad = False
    assert parameters.count(module)["total"] == 10


def test_history_reads_back_as_the_contract_says(tmp_path: Path) -> None:
    _, training = run(tmp_path / "state", epochs=1)
    pq.write_table(training.history, tmp_path / "history.parquet")
    assert pq.read_table(tmp_path / "history.parquet").column_names == [
        "epoch", "step", "lr", "loss", "accuracy", "cumulative_loss", "cumulative_accuracy",
        "examples", "tokens", "seconds",
    ]  # fmt: skip
    assert json.dumps(training.execution)
