"""Every architecture of the original study, from the hub to a prepared folder."""

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finetone.models.prepare import prepare
from tests.hub.repositories import MODELS
from tests.hub.server import Hub

TEXTS = ["the film was brilliant .", "what a boring , lifeless story ! i saw it twice ; 1999"]
NO_POOLER = "nghuyong/ernie-3.0-medium-zh"


def logits(folder: Path, tokenizer_from: Path, **load) -> torch.Tensor:
    """Logits of TEXTS, with whatever the checkpoint lacks drawn under one fixed seed."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_from)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    torch.manual_seed(7)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=2, dtype=torch.float32, **load
    ).eval()
    model.config.pad_token_id = tokenizer.pad_token_id
    with torch.no_grad():
        return model(**batch).logits


@pytest.mark.parametrize("id", list(MODELS))
def test_prepared_model_computes_what_the_original_does(
    hub: Hub, hub_root: Path, tmp_path: Path, id: str
) -> None:
    target = tmp_path / "prepared"
    block = {"hub": {"id": id, "revision": "main"}}
    prepare("m", block, target, like=None)

    original = hub_root / "models" / id
    torch.testing.assert_close(logits(target, target), logits(original, original), rtol=0, atol=0)

    manifest = json.loads((target / "manifest.json").read_text())
    assert manifest["revision"] == hub.model(id).refs["main"]
    source = {"kind": "hub", "id": id, "asked": "main", "revision": manifest["revision"]}
    if id == "google-bert/bert-base-uncased":  # the one whose card states it
        source["license"] = "apache-2.0"
    assert manifest["source"] == source
    model = AutoModelForSequenceClassification.from_pretrained(target, num_labels=2)
    assert manifest["architecture"] == type(model).__name__
    assert manifest["parameters"]["total"] == model.num_parameters()
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    with safe_open(target / "model.safetensors", "pt") as file:
        stored = set(file.keys())
    head = {k for k in model.state_dict() if not k.startswith(f"{model.base_model_prefix}.")}
    assert head and not head & stored  # the head belongs to the run's seed
    assert set(manifest["files"]) == {p.name for p in target.iterdir()} - {"manifest.json"}


@pytest.mark.parametrize(
    ("id", "unexpected"),
    [
        ("huawei-noah/TinyBERT_General_6L_768D", "fit_denses.0.weight"),
        ("google/electra-small-discriminator", "discriminator_predictions.dense.weight"),
        ("FacebookAI/roberta-base", "lm_head.dense.weight"),
        ("google-bert/bert-base-uncased", "cls.predictions.bias"),
    ],
)
def test_heads_of_pretraining_are_recorded(
    hub: Hub, tmp_path: Path, id: str, unexpected: str
) -> None:
    prepare("m", {"hub": {"id": id}}, tmp_path / "m")
    assert (
        unexpected in json.loads((tmp_path / "m" / "manifest.json").read_text())["unexpected_keys"]
    )


def test_an_absent_pooler_is_recorded(hub: Hub, tmp_path: Path) -> None:
    prepare("m", {"hub": {"id": NO_POOLER}}, tmp_path / "m")
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text())
    assert manifest["missing_keys"] == ["ernie.pooler.dense.bias", "ernie.pooler.dense.weight"]
    with safe_open(tmp_path / "m" / "model.safetensors", "pt") as file:
        assert not [key for key in file.keys() if "pooler" in key]  # noqa: SIM118


def test_gpt2_gets_a_pad_token(hub: Hub, tmp_path: Path) -> None:
    prepare("m", {"hub": {"id": "openai-community/gpt2"}}, tmp_path / "m")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "m")
    assert tokenizer.pad_token == "<|endoftext|>"
    assert model.config.pad_token_id == tokenizer.pad_token_id
    assert tokenizer.padding_side == "right"


@pytest.mark.parametrize(
    ("id", "limit"),
    [
        ("FacebookAI/roberta-base", 512),  # 514 positions, counted from 2
        ("facebook/bart-base", 1024),
        ("openai-community/gpt2", 1024),
        ("nghuyong/ernie-3.0-mini-zh", 2048),  # vocab.txt only: the tokenizer knows no limit
    ],
)
def test_longest_input_is_recorded(hub: Hub, tmp_path: Path, id: str, limit: int) -> None:
    prepare("m", {"hub": {"id": id}}, tmp_path / "m")
    assert json.loads((tmp_path / "m" / "manifest.json").read_text())["max_length"] == limit


@pytest.mark.parametrize("id", list(MODELS))
def test_one_layer_can_be_kept_of_any(hub: Hub, tmp_path: Path, id: str) -> None:
    block = {"hub": {"id": id}}
    prepare("m", block, tmp_path / "whole")
    prepare("m", {**block, "keep_layers": 1}, tmp_path / "m")
    whole, cut = (
        AutoModelForSequenceClassification.from_pretrained(tmp_path / name)
        for name in ("whole", "m")
    )
    stacks = [m for m in cut.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == 1]
    assert len(stacks) == (2 if cut.config.is_encoder_decoder else 1)
    theirs = whole.base_model.state_dict()
    for key, value in cut.base_model.state_dict().items():
        if id != NO_POOLER or "pooler" not in key:
            assert torch.equal(value, theirs[key]), key
    # the layers cut off are no surprise, so none of them is recorded as unexpected
    unexpected = json.loads((tmp_path / "m" / "manifest.json").read_text())["unexpected_keys"]
    assert not [key for key in unexpected if re.search(r"\.layers?\.1\.", key)]


def test_only_what_is_needed_is_downloaded(hub: Hub, tmp_path: Path) -> None:
    prepare("m", {"hub": {"id": "google-bert/bert-base-uncased"}}, tmp_path / "m")
    asked = {path.rsplit("/", 1)[1] for method, path, _ in hub.requests if method == "GET"}
    assert "model.safetensors" in asked
    assert "pytorch_model.bin" not in asked
