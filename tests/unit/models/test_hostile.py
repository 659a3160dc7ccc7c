"""Configurations and weights that are absurd end in one sentence, soon and in little memory."""

import json
import random
import resource
import shutil
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from finetone.errors import UserError
from finetone.models import architecture, scratch
from finetone.models.prepare import prepare
from tests.tiny import write_bert


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def bert(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "original"))


def settings(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return content


def refused(folder: Path, match: str, seconds: float = 10) -> str:
    """Preparing `folder` ends soon, in one short sentence, and asks for less than 500 MB."""
    target = folder.with_name("made")
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match=match) as caught:
        prepare("m", {"path": str(folder)}, target)
    message = str(caught.value)
    assert message.startswith("models.m") and "\n" not in message and len(message) < 1000
    assert time.monotonic() - begun < seconds
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000
    assert not target.exists()
    return message


IMPOSSIBLE = [
    ({"hidden_act": "no-such"}, "describes no working model .*no-such"),
    ({"num_attention_heads": 0}, "num_attention_heads is 0"),
    ({"num_attention_heads": -2}, "num_attention_heads is -2"),
    ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
    ({"num_hidden_layers": -3}, "num_hidden_layers is -3"),
    ({"hidden_size": 0}, "hidden_size is 0"),
    ({"hidden_size": -32}, "hidden_size is -32"),
    ({"hidden_size": 33}, "not a multiple"),
    ({"intermediate_size": 0}, "intermediate_size is 0"),
    ({"max_position_embeddings": 0}, "position_embeddings.weight would have the shape"),
    ({"type_vocab_size": -1}, "negative dimension"),
    ({"num_hidden_layers": 1_000_000}, "num_hidden_layers is 1000000; give 1,000 or less"),
    ({"num_hidden_layers": 10**15}, "num_hidden_layers is 1000000000000000"),
    ({"vocab_size": 10**12}, "more than 100 G parameters"),
    ({"vocab_size": 10**18}, "describes no working model"),
    ({"hidden_size": 10**9, "num_attention_heads": 1}, "more than 100 G parameters"),
    ({"vocab_size": 10**9}, "parameters, but the weights in .* bytes; config and weights"),
    ({"max_position_embeddings": 10**9}, "parameters, but the weights in"),
    ({"layer_norm_eps": float("nan")}, "NaN is no number"),
    ({"initializer_range": -0.02}, "initializer_range is -0.02"),
    ({"hidden_dropout_prob": 5.0}, "describes no working model .*probability"),
    ({"pad_token_id": 10**9}, "describes no working model"),
    ({"num_hidden_layers": "12"}, "settings are broken .*num_hidden_layers.* int"),
    ({"vocab_size": 1.5}, "settings are broken .*vocab_size"),
    ({"hidden_size": None}, "settings are broken|no working model"),
    ({"num_labels": 10**12, "id2label": None}, "num_labels is 1000000000000"),
    ({"model_type": ["bert"] * 1000}, "model_type .*is unknown"),
    (
        {"model_type": "albert", "num_hidden_groups": 10**7, "inner_group_num": 10},
        "more than 100,000 modules",
    ),
    (
        {"model_type": "qwen2", "num_hidden_layers": 10**12, "layer_types": None},
        "num_hidden_layers is 1000000000000",
    ),
]


@pytest.mark.parametrize(("changes", "match"), IMPOSSIBLE)
def test_impossible_settings(bert: Path, changes: dict[str, Any], match: str) -> None:
    (bert / "config.json").write_text(json.dumps({**settings(bert), **changes}))
    refused(bert, match, seconds=60 if changes.get("model_type") == "albert" else 10)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"[" * 100_000, r"is not a JSON object \(nested too deeply\)"),
        (b'{"a":' * 1_000_000, r"is not a JSON object \(nested too deeply\)"),
        (b'{"model_type": "bert", "hidden_size": 32, "hidden_size": 64}', "'hidden_size' is in it"),
        (b'{"model_type": "bert", "vocab_size": ' + b"9" * 5000 + b"}", "is not a JSON object"),
        (b'"bert"', "it holds a text"),
        (b"7", "it holds a number"),
        (b"\0" * 1000, "is not a JSON object"),
        (b"\xff\xfe{}", "is not a JSON object"),
        (b"", "is not a JSON object"),
    ],
)
def test_files_that_are_no_configuration(bert: Path, content: bytes, match: str) -> None:
    (bert / "config.json").write_bytes(content)
    refused(bert, match)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("config.json", "16 MB"),
        ("tokenizer.json", "256 MB"),
        ("vocab.txt", "256 MB"),
        ("tokenizer_config.json", "256 MB"),
    ],
)
def test_files_of_a_gigabyte_are_not_even_opened(bert: Path, name: str, limit: str) -> None:
    with (bert / name).open("wb") as stream:
        stream.truncate(1 << 30)
    refused(bert, f"{name} has more than {limit}")


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_deep_nesting_beside_the_configuration(bert: Path, name: str) -> None:
    (bert / name).write_bytes(b'{"a":' * 100_000)
    refused(bert, "tokenizer")


SCRATCH = [
    ({"hidden_act": "no-such"}, "no-such"),
    ({"num_hidden_layers": 10**12}, "give 1,000 or less"),
    ({"vocab_size": 10**12}, "more than 100 G parameters"),
    ({"num_attention_heads": 0}, "num_attention_heads is 0"),
    ({"layer_norm_eps": float("nan")}, "layer_norm_eps is not a number"),
]


@pytest.mark.parametrize(("changes", "match"), SCRATCH)
def test_impossible_models_from_scratch(bert: Path, changes: dict[str, Any], match: str) -> None:
    begun = time.monotonic()
    with pytest.raises(UserError, match=rf"models.s.scratch.config: .*working model \(.*{match}"):
        scratch.configuration(bert, changes, "models.s")
    assert time.monotonic() - begun < 10


def test_the_deepest_and_widest_that_is_allowed_is_described_in_seconds(bert: Path) -> None:
    begun = time.monotonic()
    changes = {"num_hidden_layers": 1000, "hidden_size": 1024, "intermediate_size": 4096}
    config = scratch.configuration(bert, changes, "models.s")
    assert architecture.skeleton(config, "models.s").num_parameters() > 12 * 10**9
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize(
    ("number", "match"),
    [(float("nan"), "NaN"), (float("inf"), "an infinite"), (-float("inf"), "an infinite")],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_weights_that_are_no_numbers_are_named(
    bert: Path, number: float, match: str, dtype: torch.dtype
) -> None:
    weights = load_file(bert / "model.safetensors")
    key = next(key for key in weights if key.endswith("layer.1.output.dense.weight"))
    weights = {name: value.to(dtype) for name, value in weights.items()}
    weights[key][3, 5] = number
    save_file(weights, bert / "model.safetensors", metadata={"format": "pt"})
    refused(bert, rf"models.m: weight bert.encoder.layer.1.output.dense.weight holds {match}")


def header(content: bytes, size: int | None = None) -> bytes:
    return struct.pack("<Q", len(content) if size is None else size) + content


@pytest.mark.parametrize(
    "content",
    [
        header(b"{}", 1 << 62),
        header(b'{"a": {"dtype": "F32", "shape": [1000000000000], "data_offsets": [0, 4]}}'),
        header(
            b'{"a": {"dtype": "F32", "shape": [1000000000000], "data_offsets": [0, 4000000000000]}}'
        ),
        header(
            b'{"a": {"dtype": "F32", "shape": [18446744073709551615, 4], "data_offsets": [0,4]}}'
        ),
        header(b'{"a":' * 100_000),
        header(b" " * 1000),
        b"\0" * 4096,
    ],
)
def test_headers_that_claim_the_absurd(bert: Path, content: bytes) -> None:
    (bert / "model.safetensors").write_bytes(content)
    refused(bert, "the weights in .* cannot be loaded")


@pytest.mark.parametrize(
    "index",
    [
        b"[" * 100_000,
        b"{}",
        b'{"weight_map": 7}',
        b'{"weight_map": {"a": "gone.safetensors"}}',
        b'{"metadata": {}, "weight_map": {"a": 3}}',
    ],
)
def test_an_index_of_shards_that_is_broken(bert: Path, index: bytes) -> None:
    (bert / "model.safetensors").unlink()
    (bert / "model.safetensors.index.json").write_bytes(index)
    refused(bert, "the weights in .* cannot be loaded")


def test_compressed_weights_are_not_unpacked(bert: Path) -> None:
    (bert / "model.safetensors").unlink()
    with zipfile.ZipFile(bert / "pytorch_model.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(100_000_000))
    refused(bert, "unpacks to 100,000,000 bytes, which weights never do")


def test_changed_bytes_are_read_or_refused_in_one_sentence(bert: Path) -> None:
    """A short form of a longer search: bytes of valid files, changed at random."""
    draw = random.Random(1)
    for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]:
        whole = (bert / name).read_bytes()
        for _ in range(6):
            changed = bytearray(whole)
            for _ in range(draw.randint(1, 8)):
                changed[draw.randrange(min(len(changed), 3000))] = draw.randrange(256)
            (bert / name).write_bytes(changed)
            try:
                prepare("m", {"path": str(bert)}, bert.with_name("made"))
            except UserError as error:
                assert str(error).startswith("models.m")
        (bert / name).write_bytes(whole)
