"""The fifteen model repositories and three data sets of the original study, shrunken, under their true ids.

Each model has two layers, a width of 32 and random weights, but the true architecture, kind of
vocabulary, file formats and oddities of the original: fp16 weights, no pad token, nothing but a
`vocab.txt`, no pooler, left-over heads, old names of LayerNorm weights.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as t
from safetensors.torch import save_file
from tokenizers import ByteLevelBPETokenizer

from tests.hub import text

Weights = dict[str, torch.Tensor]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BERT = {
    "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 64
}  # fmt: skip


def build(root: Path, *, train: int = 160, test: int = 80) -> Path:
    """Write `root/models/owner/name/…` and `root/datasets/owner/name/…`; returns `root`."""
    lines = text.corpus()
    for number, (id, make) in enumerate(MODELS.items()):
        folder = root / "models" / id
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(number)
        make(folder, lines)
    for id, rows in DATASETS.items():
        rows(root / "datasets" / id, train, test)
    return root


# vocabularies


def wordpiece(folder: Path, lines: list[str], filler: str = "") -> int:
    """Write vocab.txt: special tokens, characters and their continuations, whole words."""
    counts = Counter(word for line in lines for word in line.lower().split())
    letters = sorted({letter for word in counts for letter in word} | set(filler))
    words = [word for word, n in counts.most_common() if n > 1 and len(word) > 1 and word.isalpha()]
    vocabulary = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return len(vocabulary)


def fast(folder: Path, **settings: Any) -> None:
    """Add tokenizer.json, and tokenizer_config.json if there are `settings`."""
    t.BertTokenizer(str(folder / "vocab.txt")).backend_tokenizer.save(
        str(folder / "tokenizer.json")
    )
    if settings:
        write_json(folder / "tokenizer_config.json", settings)


def byte_pairs(folder: Path, lines: list[str], special: list[str], **settings: Any) -> int:
    """Write vocab.json, merges.txt, tokenizer.json, tokenizer_config.json of a byte-level BPE."""
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(lines, vocab_size=600, min_frequency=2, show_progress=False)
    bpe.save_model(str(folder))
    learned = sorted(bpe.get_vocab(), key=bpe.get_vocab().__getitem__)
    # GPT-2 has its one special token at the end, RoBERTa and BART <mask> at the end, the rest first
    order = [*special[:-1], *learned, special[-1]]
    write_json(folder / "vocab.json", {token: i for i, token in enumerate(order)})
    kind = t.GPT2Tokenizer if len(special) == 1 else t.RobertaTokenizer
    whole = kind(str(folder / "vocab.json"), str(folder / "merges.txt"))
    whole.backend_tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", settings)
    return len(order)


# files


def write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")


def save(
    folder: Path,
    model: t.PreTrainedModel,
    formats: str,
    change: Callable[[Weights], Weights] = dict,
) -> None:
    """Write config.json as authors did (no dtype) and the weights, after `change`, in `formats`."""
    config = model.config.to_diff_dict()
    config.pop("dtype", None)
    write_json(folder / "config.json", {**config, "architectures": [type(model).__name__]})
    tied = set(getattr(model, "all_tied_weights_keys", {}))
    weights = {key: value.clone() for key, value in model.state_dict().items() if key not in tied}
    weights = change(weights)
    if "safetensors" in formats:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    if "bin" in formats:
        torch.save(weights, folder / "pytorch_model.bin")


def without(*endings: str) -> Callable[[Weights], Weights]:
    return lambda weights: {
        key: value for key, value in weights.items() if not any(end in key for end in endings)
    }


# models


def ernie2(folder: Path, lines: list[str]) -> None:
    size = wordpiece(folder, lines)
    write_json(folder / "tokenizer_config.json", {"do_lower_case": True})
    write_json(
        folder / "special_tokens_map.json",
        dict(
            zip(
                ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"],
                SPECIAL,
                strict=True,
            )
        ),
    )
    config = t.ErnieConfig(
        **BERT, vocab_size=size, max_position_embeddings=512, type_vocab_size=4,
        task_type_vocab_size=3, use_task_id=False, layer_norm_eps=1e-5,
    )  # fmt: skip
    save(folder, t.ErnieModel(config), "bin")


def ernie3(head: bool, pooler: bool, task_types: int) -> Callable[[Path, list[str]], None]:
    def make(folder: Path, lines: list[str]) -> None:
        size = wordpiece(folder, lines, filler="好坏电影很不是的一了")
        config = t.ErnieConfig(
            **BERT, vocab_size=size + 20,  # rows that no token uses, as in the original
            max_position_embeddings=2048, type_vocab_size=4, task_type_vocab_size=task_types,
            use_task_id=True, layer_norm_eps=1e-5,
        )  # fmt: skip
        if head:
            save(folder, t.ErnieForPreTraining(config), "bin", without("seq_relationship"))
        else:
            save(folder, t.ErnieModel(config), "bin", without(*([] if pooler else ["pooler"])))

    return make


def bert(folder: Path, lines: list[str]) -> None:
    size = wordpiece(folder, lines)
    fast(folder, do_lower_case=True, model_max_length=512)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# bert\n")

    def old_names(weights: Weights) -> Weights:
        names = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
        return {
            re.sub(r"LayerNorm\.\w+", lambda m: names[m[0]], key): value
            for key, value in weights.items()
        }

    save(
        folder,
        t.BertForPreTraining(t.BertConfig(**BERT, vocab_size=size)),
        "safetensors bin",
        old_names,
    )


def squeezebert(folder: Path, lines: list[str]) -> None:
    size = wordpiece(folder, lines)
    fast(folder)
    config = t.SqueezeBertConfig(**BERT, vocab_size=size + 6, embedding_size=32)
    half = lambda weights: {key: value.half() for key, value in weights.items()}  # noqa: E731
    save(folder, t.SqueezeBertForMaskedLM(config), "bin", half)


def tinybert(folder: Path, lines: list[str]) -> None:
    size = wordpiece(folder, lines)

    def distilled(weights: Weights) -> Weights:
        extra = {f"fit_denses.{i}.weight": torch.randn(32, 32) for i in range(3)}
        return weights | extra | {f"fit_denses.{i}.bias": torch.randn(32) for i in range(3)}

    save(folder, t.BertForPreTraining(t.BertConfig(**BERT, vocab_size=size)), "bin", distilled)


def convbert(folder: Path, lines: list[str]) -> None:
    size = wordpiece(folder, list(reversed(lines)))  # a vocabulary of its own
    config = t.ConvBertConfig(
        **BERT, vocab_size=size, embedding_size=32, head_ratio=2, conv_kernel_size=9
    )
    save(folder, t.ConvBertModel(config), "bin")


def gpt2(prefix: str, masks: list[str]) -> Callable[[Path, list[str]], None]:
    def make(folder: Path, lines: list[str]) -> None:
        size = byte_pairs(folder, lines, ["<|endoftext|>"], model_max_length=1024)
        config = t.GPT2Config(
            vocab_size=size, n_embd=32, n_layer=2, n_head=4, n_positions=1024,
            bos_token_id=size - 1, eos_token_id=size - 1,
        )  # fmt: skip

        def with_masks(weights: Weights) -> Weights:
            named = {f"{prefix}{key}": value for key, value in weights.items()}
            for layer in range(2):
                for mask in masks:
                    shape = (1, 1, 8, 8) if mask == "bias" else ()
                    named[f"{prefix}h.{layer}.attn.{mask}"] = torch.ones(shape)
            return named

        save(folder, t.GPT2Model(config), "safetensors bin", with_masks)

    return make


def electra(width: int, embedding: int) -> Callable[[Path, list[str]], None]:
    def make(folder: Path, lines: list[str]) -> None:
        size = wordpiece(folder, lines)
        fast(folder, do_lower_case=True, model_max_length=512)
        config = t.ElectraConfig(
            **{**BERT, "hidden_size": width}, vocab_size=size, embedding_size=embedding
        )
        save(folder, t.ElectraForPreTraining(config), "bin")

    return make


BPE_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def roberta(folder: Path, lines: list[str]) -> None:
    size = byte_pairs(folder, lines, BPE_SPECIAL, model_max_length=512)
    config = t.RobertaConfig(
        **BERT,
        vocab_size=size,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
    )

    def with_pooler(weights: Weights) -> Weights:
        return weights | {
            "roberta.pooler.dense.weight": torch.randn(32, 32),
            "roberta.pooler.dense.bias": torch.randn(32),
            "roberta.embeddings.position_ids": torch.arange(514)[None],
        }

    save(folder, t.RobertaForMaskedLM(config), "safetensors bin", with_pooler)


def bart(folder: Path, lines: list[str]) -> None:
    size = byte_pairs(folder, lines, BPE_SPECIAL, model_max_length=1024)
    config = t.BartConfig(
        vocab_size=size,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=1024,
    )
    save(folder, t.BartModel(config), "safetensors")


MODELS: dict[str, Callable[[Path, list[str]], None]] = {
    "nghuyong/ernie-2.0-base-en": ernie2,
    "nghuyong/ernie-3.0-mini-zh": ernie3(head=False, pooler=True, task_types=16),
    "nghuyong/ernie-3.0-medium-zh": ernie3(head=False, pooler=False, task_types=16),
    "nghuyong/ernie-3.0-base-zh": ernie3(head=True, pooler=True, task_types=3),
    "google-bert/bert-base-uncased": bert,
    "squeezebert/squeezebert-uncased": squeezebert,
    "huawei-noah/TinyBERT_General_6L_768D": tinybert,
    "YituTech/conv-bert-base": convbert,
    "openai-community/gpt2": gpt2("", ["bias"]),
    "distilbert/distilgpt2": gpt2("transformer.", ["bias", "masked_bias"]),
    "google/electra-small-discriminator": electra(32, 16),
    "google/electra-base-discriminator": electra(32, 32),
    "FacebookAI/roberta-base": roberta,
    "facebook/bart-base": bart,
}


# data sets


def parquet(file: Path, columns: dict[str, list[Any]], features: Any) -> None:
    import datasets

    file.parent.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_dict(columns, features=features).to_parquet(str(file))


def card(folder: Path, config: str, splits: dict[str, str]) -> None:
    """A README.md whose front matter says which files make which split."""
    files = "".join(f"  - split: {split}\n    path: {path}\n" for split, path in splits.items())
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: {config}\n  data_files:\n{files}  default: true\n---\n"
        f"# {folder.name}\n",
        encoding="utf-8",
    )


def imdb(folder: Path, train: int, test: int) -> None:
    """Sorted by label, as the original is; two test reviews are in train, too."""
    from datasets import ClassLabel, Features, Value

    rng = random.Random(1)
    features = Features(text=Value("string"), label=ClassLabel(names=["neg", "pos"]))
    rows = {
        split: [(text.review(rng, i * 2 // n), i * 2 // n) for i in range(n)]
        for split, n in (("train", train), ("test", test))
    }
    rows["test"][0], rows["test"][-1] = rows["train"][0], rows["train"][-1]
    rows["unsupervised"] = [(text.review(rng, i % 2), -1) for i in range(20)]
    splits = {split: f"plain_text/{split}-00000-of-00001.parquet" for split in rows}
    for split, pairs in rows.items():
        columns = {"text": [text for text, _ in pairs], "label": [label for _, label in pairs]}
        parquet(folder / splits[split], columns, features)
    card(folder, "plain_text", splits)


def sst2(folder: Path, train: int, test: int) -> None:
    """The labels of the test split are withheld (-1), as in the original."""
    from datasets import ClassLabel, Features, Value

    rng = random.Random(2)
    features = Features(
        idx=Value("int32"),
        sentence=Value("string"),
        label=ClassLabel(names=["negative", "positive"]),
    )
    splits = {}
    for split, n in (("train", train), ("validation", test), ("test", 20)):
        labels = [rng.randrange(2) for _ in range(n)]
        columns = {
            "idx": list(range(n)),
            "sentence": [text.review(rng, label, 1) for label in labels],
            "label": labels if split != "test" else [-1] * n,
        }
        splits[split] = f"data/{split}-00000-of-00001.parquet"
        parquet(folder / splits[split], columns, features)
    card(folder, "default", splits)


def squad(folder: Path, train: int, test: int) -> None:
    from datasets import Features, Sequence, Value

    rng = random.Random(3)
    features = Features(
        id=Value("string"),
        title=Value("string"),
        context=Value("string"),
        question=Value("string"),
        answers=Sequence({"text": Value("string"), "answer_start": Value("int32")}),
    )
    splits = {}
    for split, n in (("train", train), ("validation", test)):
        rows = [text.question(rng) for _ in range(n)]
        columns = {
            "id": [f"{split}{i}" for i in range(n)],
            "title": ["Films"] * n,
            "context": [context for context, *_ in rows],
            "question": [asked for _, asked, *_ in rows],
            "answers": [{"text": [a], "answer_start": [start]} for *_, a, start in rows],
        }
        splits[split] = f"plain_text/{split}-00000-of-00001.parquet"
        parquet(folder / splits[split], columns, features)
    card(folder, "plain_text", splits)


DATASETS: dict[str, Callable[[Path, int, int], None]] = {
    "stanfordnlp/imdb": imdb,
    "stanfordnlp/sst2": sst2,
    "rajpurkar/squad": squad,
}
