"""Tokens are exactly what the model's own tokenizer says, cut and unpadded."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetone.data.tokenization import tokenize, tokenizer_statistics
from finetone.errors import UserError
from finetone.formats.token_file import Tokens, TokensMeta, read_tokens
from tests.reading import write_split

LABELS = ["negative", "positive"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "film", "##s", "a", "b"]
PAD, UNK, CLS, SEP, GOOD, BAD, FILM, S, A, B = range(10)


def save_tokenizer(folder: Path, specials: bool = True, vocab_size: int = 10, **tokens_) -> Path:
    """A tiny WordPiece tokenizer, as `save_pretrained` writes it, and a config.json."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = {word: i for i, word in enumerate(VOCABULARY)}
    raw = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    raw.normalizer = normalizers.BertNormalizer()
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if specials:
        raw.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
        )
    names = tokens_ or {"pad_token": "[PAD]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(tokenizer_object=raw, **names).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"vocab_size": vocab_size}))
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_tokenizer(tmp_path_factory.mktemp("model"))


def write_texts(path: Path, texts: list[str]) -> Path:
    frame = pd.DataFrame(
        {
            "id": np.arange(len(texts)) * 10,
            "text": texts,
            "label": (np.arange(len(texts)) % 2).astype(np.int8),
        }
    )
    write_split(frame, path)
    return path


def texts_of(result: Tokens) -> list[list[int]]:
    return [part.tolist() for part in np.split(result.input_ids, result.offsets[1:-1])]


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_tokens_are_cut_unpadded_and_in_order(tmp_path: Path, model: Path, batch: int):
    split = write_texts(tmp_path / "x.parquet", ["good films", "bad", "a b a b a b", "A?"])
    target = tmp_path / "x.arrow"
    tokenize(split, model, LABELS, 6, target, batch=batch)
    result = read_tokens(target)
    assert texts_of(result) == [
        [CLS, GOOD, FILM, S, SEP],
        [CLS, BAD, SEP],
        [CLS, A, B, A, B, SEP],
        [CLS, A, UNK, SEP],
    ]
    assert result.ids.tolist() == [0, 10, 20, 30]
    assert result.labels.tolist() == [0, 1, 0, 1]
    assert result.lengths.tolist() == [5, 3, 6, 4]
    assert len(result) == 4
    assert result.meta == TokensMeta(LABELS, 6, PAD, truncated=1, rows=4, made_from=None)
    assert (result.ids.dtype, result.labels.dtype, result.offsets.dtype) == (np.int64,) * 3
    assert result.input_ids.dtype == np.int32
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".arrow"] == ["x.arrow"]


def test_a_text_of_200000_characters_is_cut(tmp_path: Path, model: Path):
    split = write_texts(tmp_path / "x.parquet", ["good " * 40_000, "bad"])
    tokenize(split, model, LABELS, 512, tmp_path / "x.arrow")
    result = read_tokens(tmp_path / "x.arrow")
    assert result.lengths.tolist() == [512, 3]
    assert result.meta.truncated == 1


def test_the_end_token_stands_in_for_a_missing_pad_token(tmp_path: Path):
    model = save_tokenizer(tmp_path / "gpt", specials=False, eos_token="[SEP]")
    split = write_texts(tmp_path / "x.parquet", ["good", "\u200d"])
    tokenize(split, model, LABELS, 8, tmp_path / "x.arrow")
    result = read_tokens(tmp_path / "x.arrow")
    assert result.meta.pad_token_id == SEP
    assert result.lengths.min() == 1  # a text of which nothing is left is still one token


def test_a_tokenizer_without_either_is_refused(tmp_path: Path):
    model = save_tokenizer(tmp_path / "odd", unk_token="[UNK]")
    split = write_texts(tmp_path / "x.parquet", ["good"])
    with pytest.raises(UserError, match="neither a pad nor an end-of-text token"):
        tokenize(split, model, LABELS, 8, tmp_path / "x.arrow")


def test_a_tokenizer_larger_than_the_embedding_is_refused(tmp_path: Path):
    model = save_tokenizer(tmp_path / "small", vocab_size=9)
    split = write_texts(tmp_path / "x.parquet", ["good", "b"])
    with pytest.raises(UserError, match=r"tokenizer larger than the embedding \(token id 9"):
        tokenize(split, model, LABELS, 8, tmp_path / "x.arrow")
    assert not (tmp_path / "x.arrow").exists()


def test_a_model_without_configuration_is_named(tmp_path: Path):
    model = save_tokenizer(tmp_path / "bare")
    (model / "config.json").unlink()
    split = write_texts(tmp_path / "x.parquet", ["good"])
    with pytest.raises(UserError, match=r"bare/config\.json: not a readable model configuration"):
        tokenize(split, model, LABELS, 8, tmp_path / "x.arrow")


def test_a_folder_without_tokenizer_is_a_sentence(tmp_path: Path):
    split = write_texts(tmp_path / "x.parquet", ["good"])
    with pytest.raises(UserError, match="its tokenizer cannot be loaded"):
        tokenize(split, tmp_path, LABELS, 8, tmp_path / "x.arrow")


def test_a_text_of_another_split_that_is_too_long_for_the_model_is_named(tmp_path: Path):
    """Before anything is trained: all splits of the data are looked at."""
    model = save_tokenizer(tmp_path / "m")
    (model / "manifest.json").write_text('{"schema_version": 1, "max_length": 4, "new_keys": []}')
    train = write_texts(tmp_path / "train.parquet", ["good film"])
    tokenize(train, model, LABELS, 64, tmp_path / "t.arrow")
    write_texts(tmp_path / "test.parquet", ["good", "a bad bad film"])
    sentence = "the test split has texts of 6 tokens, but m has 4 positions; set max_length to 4 or"
    with pytest.raises(UserError, match=sentence):
        tokenize(train, model, LABELS, 64, tmp_path / "u.arrow")
    tokenize(train, model, LABELS, 4, tmp_path / "v.arrow")
    # the record of an earlier version is of the tokenizer, not of the model
    (model / "manifest.json").write_text('{"schema_version": 1, "max_length": 4}')
    tokenize(train, model, LABELS, 64, tmp_path / "w.arrow")


def test_the_models_own_pad_token_fills_up_batches(tmp_path: Path):
    model = save_tokenizer(tmp_path / "m")
    (model / "config.json").write_text(json.dumps({"vocab_size": 10, "pad_token_id": SEP}))
    train = write_texts(tmp_path / "train.parquet", ["good film"])
    tokenize(train, model, LABELS, 8, tmp_path / "t.arrow")
    assert read_tokens(tmp_path / "t.arrow").meta.pad_token_id == SEP


def test_code_that_comes_with_a_checkpoint_is_never_run(tmp_path: Path):
    model = save_tokenizer(tmp_path / "evil")
    (model / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass T: pass\n")
    settings = json.loads((model / "tokenizer_config.json").read_text())
    settings |= {"auto_map": {"AutoTokenizer": [None, "evil.T"]}, "tokenizer_class": "T"}
    (model / "tokenizer_config.json").write_text(json.dumps(settings))
    split = write_texts(tmp_path / "x.parquet", ["good"])
    with pytest.raises(UserError, match="its tokenizer cannot be loaded"):
        tokenize(split, model, LABELS, 8, tmp_path / "x.arrow")
    assert not (tmp_path / "ran").exists()


def test_statistics_weigh_a_vocabulary(tmp_path: Path, model: Path):
    split = write_texts(
        tmp_path / "x.parquet", ["good films", "strange film", "a b a b a b", "bad"]
    )
    assert tokenizer_statistics(split, model, 6) == {
        "tokens_per_word": 12 / 11,
        "vocabulary_coverage": 9 / 11,
        "unknown_rate": 1 / 12,
        "truncated": 1 / 4,
        "mean_tokens": 12 / 4 + 2,
    }
