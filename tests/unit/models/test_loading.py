"""Checkpoints of every layout start where plain transformers starts, or are refused in a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
import transformers as hf
from safetensors.torch import load_file, save_file

from finetone.engine.fast.unpad import layer_stacks
from finetone.errors import UserError
from finetone.models import layers, positions
from finetone.models.hub_checkpoint import choose
from finetone.models.prepare import prepare
from tests.hub import repositories, text
from tests.tiny import write_bert

BERT: dict[str, Any] = {**repositories.BERT, "max_position_embeddings": 64}
IDS = {
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "cls_token_id": 2,
    "sep_token_id": 3,
}
CHECKPOINTS: dict[str, Any] = {  # of what is pretrained, and what its classifier lacks
    "modernbert": (lambda n: hf.ModernBertForMaskedLM(hf.ModernBertConfig(vocab_size=n, **BERT, **IDS)), []),
    "bert without pooler": (
        lambda n: hf.BertForMaskedLM(hf.BertConfig(vocab_size=n, **BERT)),
        ["bert.pooler.dense.bias", "bert.pooler.dense.weight"],
    ),
    "xlnet": (lambda n: hf.XLNetLMHeadModel(hf.XLNetConfig(vocab_size=n, d_model=32, n_layer=2, n_head=4, d_inner=64)), []),
    "gpt-neox": (lambda n: hf.GPTNeoXForCausalLM(hf.GPTNeoXConfig(vocab_size=n, **BERT, **IDS)), []),
    "xlm": (lambda n: hf.XLMWithLMHeadModel(hf.XLMConfig(vocab_size=n, emb_dim=32, n_layers=2, n_heads=4)), []),
    "funnel": (
        lambda n: hf.FunnelForPreTraining(
            hf.FunnelConfig(vocab_size=n, d_model=32, n_head=4, d_head=8, d_inner=64, block_sizes=[1, 1])
        ),
        [],
    ),
    "gte": (lambda n: hf.GteForMaskedLM(hf.GteConfig(vocab_size=n, **BERT, **IDS)), []),
    "t5": (
        lambda n: hf.T5ForConditionalGeneration(
            hf.T5Config(vocab_size=n, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
        ),
        [],
    ),
}  # fmt: skip


def checkpoint(folder: Path, name: str) -> Path:
    """A pretrained model of `CHECKPOINTS` as plain transformers saves it."""
    folder.mkdir()
    size = repositories.wordpiece(folder, text.corpus())
    hf.BertTokenizerFast(str(folder / "vocab.txt"), eos_token="[SEP]").save_pretrained(folder)
    torch.manual_seed(0)
    CHECKPOINTS[name][0](size).save_pretrained(folder)
    return folder


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_only_the_head_and_what_no_pretraining_has_is_new(tmp_path: Path, name: str) -> None:
    folder = checkpoint(tmp_path / "c", name)
    prepare("m", {"path": str(folder)}, tmp_path / "m")
    plain, info = hf.AutoModelForSequenceClassification.from_pretrained(
        folder, output_loading_info=True
    )
    facts = manifest(tmp_path / "m")
    ours = hf.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "m", pad_token_id=facts["pad_token_id"]
    )
    new = set(info["missing_keys"])
    assert facts["missing_keys"] == CHECKPOINTS[name][1]
    assert {*facts["new_keys"], *facts["missing_keys"]} == new
    for key, weight in ours.state_dict().items():
        assert key in new or torch.equal(weight, plain.state_dict()[key]), key
    assert not new & load_file(tmp_path / "m" / "model.safetensors").keys()


def refused(folder: Path, match: str, **block: Any) -> None:
    target = folder.with_name("refused")
    with pytest.raises(UserError, match=match) as caught:
        prepare("m", {"path": str(folder), **block}, target)
    assert "\n" not in str(caught.value) and not target.exists()


def change(folder: Path, **settings: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))


def test_a_body_that_is_incomplete_is_refused_though_a_pooler_may_be_absent(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "c", "t5")
    weights = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in weights.items() if not key.startswith("decoder.")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, "are missing from the checkpoint: transformer.decoder")


def test_an_adapter_alone_or_beside_a_model_is_refused(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "c", "bert without pooler")
    (folder / "adapter_config.json").write_text("{}")
    refused(folder, "holds both a whole model and an adapter .adapter_config.json.; merge")
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    refused(folder, "holds an adapter .adapter_config.json.; merge")
    names = ["adapter_config.json", "adapter_model.safetensors"]
    with pytest.raises(UserError, match="m.hub: a/b holds an adapter"):
        choose(names, "a/b", "m")
    with pytest.raises(UserError, match="m.hub: a/b holds both a whole model and an adapter"):
        choose([*names, "model.safetensors", "config.json"], "a/b", "m")


def test_a_model_in_a_sub_folder_is_named(tmp_path: Path) -> None:
    checkpoint(tmp_path / "0_Transformer", "bert without pooler")
    refused(tmp_path, "m: the model of .* is in its sub-folder 0_Transformer; name that")
    with pytest.raises(UserError, match="a/b is in its sub-folder 0_Transformer; download"):
        choose(["config.json", "0_Transformer/config.json"], "a/b", "m")


def test_settings_of_kernels_are_left_out_and_quantized_weights_refused(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "c", "modernbert")
    change(
        folder, attn_implementation="flash_attention_2", _attn_implementation="flash_attention_2"
    )
    prepare("m", {"path": str(folder)}, tmp_path / "m")
    assert "flash_attention" not in (tmp_path / "m" / "config.json").read_text()
    change(folder, quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True})
    refused(folder, "are quantized .quantization_config in config.json. and cannot be trained")


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.float8_e4m3fn])
def test_weights_of_few_bits_are_refused_whatever_the_configuration_says(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    model = write_bert(tmp_path / "bert")
    file = model / "model.safetensors"
    weights = load_file(file)
    wide = weights | {"encoder.attn.bias": torch.ones((2, 2), dtype=torch.uint8)}
    save_file({key: each.double() for key, each in weights.items()}, file, {"format": "pt"})
    prepare("mine", {"path": str(model)}, tmp_path / "prepared")
    name = "encoder.layer.0.output.dense.weight"
    save_file(wide | {name: (100 * weights[name]).to(dtype)}, file, {"format": "pt"})
    with pytest.raises(UserError, match=rf"models\.mine: 1 weights in .* such as {name} \("):
        prepare("mine", {"path": str(model)}, tmp_path / "again")


def test_weights_that_are_not_numbers_are_named(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "c", "gte")
    weights = load_file(folder / "model.safetensors")
    key = next(key for key in weights if "layer.1" in key and weights[key].ndim == 2)
    weights[key][0, 0] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    refused(folder, "weight .*layers.1.* holds NaN; the checkpoint is damaged")


def test_texts_are_cut_at_their_end_whatever_the_author_did(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "c", "modernbert")
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"truncation_side": "left"}))
    prepare("m", {"path": str(folder)}, tmp_path / "m")
    cut, whole = (
        hf.AutoTokenizer.from_pretrained(tmp_path / "m")(
            "the film was good", truncation=True, max_length=length
        )["input_ids"]
        for length in (4, 9)
    )
    assert cut[:-1] == whole[:3]


SENTENCEPIECE: dict[str, tuple[str, Any, list[str], int]] = {
    "spm.model": (
        "deberta-v2",
        lambda n: hf.DebertaV2ForMaskedLM(
            hf.DebertaV2Config(
                vocab_size=n, **BERT, relative_attention=True, position_biased_input=False
            )
        ),
        ["[PAD]", "[CLS]", "[SEP]", "[UNK]"],
        3,
    ),
    "sentencepiece.model": (
        "rembert",
        lambda n: hf.RemBertForMaskedLM(
            hf.RemBertConfig(
                vocab_size=n, **BERT, input_embedding_size=16, output_embedding_size=24
            )
        ),
        ["[PAD]", "[CLS]", "[SEP]", "[UNK]"],
        2,
    ),
    "spiece.model": (
        "xlnet",
        lambda n: hf.XLNetLMHeadModel(
            hf.XLNetConfig(vocab_size=n, d_model=32, n_layer=2, n_head=4, d_inner=64)
        ),
        ["<pad>", "<cls>", "<sep>", "<unk>"],
        0,
    ),
    "sentencepiece.bpe.model": (
        "xlm-roberta",
        lambda n: hf.XLMRobertaForMaskedLM(hf.XLMRobertaConfig(vocab_size=n, **BERT)),
        [],
        0,
    ),
}


@pytest.mark.parametrize("file", SENTENCEPIECE)
def test_a_folder_with_nothing_but_sentencepiece(tmp_path: Path, file: str) -> None:
    """The layout of DeBERTa-v3 and others: no tokenizer.json, weights as pytorch_model.bin."""
    kind, make, special, unknown = SENTENCEPIECE[file]  # the number that the library gives it
    folder = tmp_path / "c"
    folder.mkdir()
    pieces = dict(zip(["pad_piece", "bos_piece", "eos_piece", "unk_piece"], special, strict=False))
    free = iter({0, 1, 2, 3} - {unknown})
    numbers = {f"{name}_id": next(free) for name in ("pad", "bos", "eos")} if special else {}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text.corpus()), model_writer=(folder / file).open("wb"),
        vocab_size=300, unk_id=unknown, hard_vocab_limit=False, minloglevel=2, **pieces, **numbers,
    )  # fmt: skip
    model = make(320)
    model.save_pretrained(folder)
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    assert file in choose([path.name for path in folder.iterdir()], "a/b", "m")
    prepare("m", {"path": str(folder)}, tmp_path / "m")
    tokenizer = hf.AutoTokenizer.from_pretrained(tmp_path / "m")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / file))
    for line in [*text.corpus()[:20], "unheard-of Ωords , 1999 !"]:
        ours = tokenizer(line, add_special_tokens=False)["input_ids"]
        if kind == "xlm-roberta":  # has its own numbers
            assert tokenizer.convert_ids_to_tokens(ours) == [
                piece if processor.piece_to_id(piece) else tokenizer.unk_token
                for piece in processor.encode(line, out_type=str)
            ]
        else:
            assert ours == processor.encode(line)


@pytest.mark.parametrize("kind", ["t5", "mt5", "longformer", "gpt_neo", "albert", "modernbert"])
def test_layers_are_cut_in_all_stacks(kind: str) -> None:
    config = hf.AutoConfig.for_model(kind)
    layers.keep(config, 1, "m")
    config = type(config).from_dict(config.to_dict())
    with torch.device("meta"):
        module = hf.AutoModelForSequenceClassification.from_config(config)
    assert {len(stack) for stack in layer_stacks(module)} <= {1}
    assert layers.count(config) == 1


def test_blocks_of_layers_cannot_be_cut() -> None:
    with pytest.raises(
        UserError, match="m.keep_layers: a funnel cannot be cut to its first layers"
    ):
        layers.keep(hf.FunnelConfig(), 1, "m")


SMALL: dict[str, Any] = {**BERT, "vocab_size": 100}
LIMITS: dict[str, tuple[Any, int | None]] = {
    "bert": (lambda: hf.BertConfig(**SMALL), 64),
    "roberta": (lambda: hf.RobertaConfig(**SMALL), 62),
    "longformer": (lambda: hf.LongformerConfig(**SMALL, attention_window=16), 62),
    "bart": (lambda: hf.BartConfig(
        vocab_size=100, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=64,
    ), 64),
    "ctrl": (lambda: hf.CTRLConfig(vocab_size=100, n_embd=32, n_layer=1, n_head=4, n_positions=64, dff=8), 64),
    "xlnet": (lambda: hf.XLNetConfig(vocab_size=100, d_model=32, n_layer=1, n_head=4, d_inner=64), None),
    "deberta-v2": (lambda: hf.DebertaV2Config(
        **SMALL, relative_attention=True, position_biased_input=False, pos_att_type=["p2c", "c2p"]
    ), None),
    "llama": (lambda: hf.LlamaConfig(**SMALL), None),
}  # fmt: skip


@pytest.mark.parametrize("kind", LIMITS)
def test_only_tables_of_positions_limit_texts(kind: str) -> None:
    make, limit = LIMITS[kind]
    module = hf.AutoModelForSequenceClassification.from_config(make())
    assert positions.longest(module) == positions.longest_of(make()) == limit
