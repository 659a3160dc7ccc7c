"""Texts as tokens: the token file of a split, and how well a vocabulary fits its texts."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from finetone.countdown import Countdown
from finetone.errors import UserError, first_line
from finetone.files import manifest_of
from finetone.formats.token_file import EMPTY, Tokens, TokensMeta, write_tokens
from finetone.log import logger
from finetone.provenance import Provenance

PLAIN: dict[str, Any] = {
    "return_attention_mask": False,
    "return_token_type_ids": False,
    "verbose": False,  # no warning about texts longer than the model: they are cut on purpose
}
_LETTERS = re.compile(r"[^\W\d_]+")


def tokenize(
    split_parquet: Path,
    model_dir: Path,
    labels: list[str],
    max_length: int,
    target: Path,
    batch: int = 1000,
    made_from: dict[str, str] | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Tokenize a split with the tokenizer in `model_dir` into the token file `target`.

    Parameters
    ----------
    max_length
        Tokens that texts are cut to, special tokens included; none is padded.
    batch
        Texts that are tokenized at a time.
    made_from
        {input: sha256}, written down with the tokens.

    Raises
    ------
    UserError
        The tokenizer cannot be loaded, has neither pad nor end token, or yields ids that the model
        has no embedding for; or a text of any split is longer than the model can read.
    """
    tokenizer = load_tokenizer(model_dir)
    _check_length(tokenizer, split_parquet.parent, model_dir, max_length, batch)
    pad = pad_token(tokenizer, model_dir)
    rows = pq.read_table(split_parquet, columns=["id", "text", "label"])
    parts: list[npt.NDArray[np.int32]] = []
    lengths: list[int] = []
    truncated, countdown = 0, Countdown("texts", rows.num_rows)
    for encoded, cut in _encode(tokenizer, rows.column("text"), max_length, batch):
        some, ids = _joined(encoded, pad)
        lengths += some
        parts.append(ids)
        truncated += cut
        countdown.at(len(lengths))
    flat = np.concatenate([*parts, EMPTY])
    _check_vocabulary(model_dir, flat)
    meta = TokensMeta(labels, max_length, pad, truncated, rows.num_rows, made_from)
    ids, names = rows.column("id"), rows.column("label")
    write_tokens(target, ids, names, np.array(lengths), flat, meta, provenance)
    logger.info(
        "%s: %d texts, %d tokens, %d texts cut to %d",
        target.name,
        rows.num_rows,
        len(flat),
        truncated,
        max_length,
    )


def as_tokens(
    tokenizer: Any, texts: list[str], labels: list[str], max_length: int, pad: int
) -> Tokens:
    """Texts as `tokenize` would write them, in memory and without classes.

    Parameters
    ----------
    tokenizer
        From `load_tokenizer`.
    texts
        At least one.
    labels
        Names of the classes.
    max_length
        Tokens that texts are cut to.
    pad
        From `pad_token`.
    """
    encoded, cut = next(_encode(tokenizer, pa.chunked_array([texts]), max_length, len(texts)))
    lengths, ids = _joined(encoded, pad)
    nothing = np.zeros(len(texts), dtype=np.int64)
    offsets = np.cumsum([0, *lengths], dtype=np.int64)
    meta = TokensMeta(labels, max_length, pad, cut, len(texts))
    return Tokens(np.arange(len(texts)), nothing, offsets, ids, meta)


def _joined(encoded: list[list[int]], pad: int) -> tuple[list[int], npt.NDArray[np.int32]]:
    """Tokens per text, and the tokens of all texts."""
    # a tokenizer without special tokens may find nothing in a text: then it is one pad token
    encoded = [ids or [pad] for ids in encoded]
    return [*map(len, encoded)], np.fromiter(chain.from_iterable(encoded), dtype=np.int32)


def load_tokenizer(model_dir: Path) -> Any:
    """The tokenizer saved in a local folder; code that comes with a checkpoint is never run."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(model_dir), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        reason = first_line(error)
        raise UserError(f"{model_dir}: its tokenizer cannot be loaded ({reason})") from None
    tokenizer.truncation_side = "right"  # all models read the beginnings of texts
    if not tokenizer.is_fast:
        logger.warning("%s: has a slow (pure Python) tokenizer only", model_dir)
    return tokenizer


def tokenizer_statistics(split_parquet: Path, model_dir: Path, max_length: int) -> dict[str, float]:
    """How well a vocabulary fits a split's texts.

    `tokens_per_word` (words: between blanks) and `unknown_rate` (share of tokens that are the
    unknown token) leave special tokens and truncation out; `mean_tokens` (per text, uncut) and
    `truncated` (share of texts longer than `max_length`) count special tokens.
    `vocabulary_coverage` is the share of words (here: letters alone, each as often as it occurs)
    that are one token and not the unknown one.
    """
    tokenizer = load_tokenizer(model_dir)
    special = tokenizer.num_special_tokens_to_add()
    unknown = tokenizer.unk_token_id
    texts = pq.read_table(split_parquet, columns=["text"]).column("text").to_pylist()
    words = tokens = unknowns = longer = 0
    occurring: Counter[str] = Counter()
    for start in range(0, len(texts), 1000):
        piece = texts[start : start + 1000]
        words += sum(len(text.split()) for text in piece)
        for text in piece:
            occurring.update(_LETTERS.findall(text))
        for ids in tokenizer(piece, add_special_tokens=False, **PLAIN)["input_ids"]:
            tokens += len(ids)
            unknowns += ids.count(unknown)
            longer += len(ids) + special > max_length
    return {
        "tokens_per_word": tokens / words,
        "vocabulary_coverage": _coverage(tokenizer, occurring),
        "unknown_rate": unknowns / tokens if tokens else 0.0,
        "truncated": longer / len(texts),
        "mean_tokens": tokens / len(texts) + special,
    }


def _coverage(tokenizer: Any, occurring: Counter[str]) -> float:
    """Share of the words that are a token of their own, as in the middle of a text."""
    whole = 0
    words = list(occurring)
    for start in range(0, len(words), 10_000):
        piece = words[start : start + 10_000]
        # byte-level vocabularies distinguish words after a blank, where nearly all are
        spaced = [f" {word}" for word in piece]
        found = tokenizer(spaced, add_special_tokens=False, **PLAIN)["input_ids"]
        for word, ids in zip(piece, found, strict=True):
            whole += occurring[word] * (len(ids) == 1 and ids[0] != tokenizer.unk_token_id)
    return whole / occurring.total() if occurring else 0.0


def _encode(
    tokenizer: Any, texts: pa.ChunkedArray, max_length: int, batch: int
) -> Iterator[tuple[list[list[int]], int]]:
    """Yield the token ids of `batch` texts and how many of them were cut."""
    for start in range(0, len(texts), batch):
        piece = texts.slice(start, batch).to_pylist()
        encoded = tokenizer(
            piece, truncation=True, max_length=max_length, add_special_tokens=True, **PLAIN
        )
        ids = encoded["input_ids"]
        if encoded.encodings is not None:
            cut = sum(bool(encoding.overflowing) for encoding in encoded.encodings)
        else:  # slow tokenizers do not tell
            full = [text for text, i in zip(piece, ids, strict=True) if len(i) >= max_length]
            cut = sum(len(tokenizer(text, **PLAIN)["input_ids"]) > max_length for text in full)
        yield ids, cut


def _check_length(tokenizer: Any, data: Path, model_dir: Path, cut: int, batch: int) -> None:
    """Refuse texts of any split that the model has no positions for, before it is trained."""
    manifest = manifest_of(model_dir)
    # earlier versions recorded the tokenizer's opinion, which limits nothing
    limit = manifest.get("max_length") if "new_keys" in manifest else None
    if limit is None or cut <= limit:
        return
    for split in sorted(data.glob("*.parquet")):
        texts = pq.read_table(split, columns=["text"]).column("text")
        for encoded, _ in _encode(tokenizer, texts, cut, batch):
            if (longest := max(map(len, encoded), default=0)) > limit:
                raise UserError(
                    f"max_length: the {split.stem} split has texts of {longest} tokens, but "
                    f"{model_dir.name} has {limit} positions; set max_length to {limit} or less"
                )


def pad_token(tokenizer: Any, model_dir: Path) -> int:
    """The token that fills up batches: the model's own, which its head skips, or the tokenizer's."""
    known = (_config(model_dir).get("pad_token_id"), tokenizer.pad_token_id, tokenizer.eos_token_id)
    for number in known:
        if isinstance(number, int) and number >= 0:
            return number
    raise UserError(f"{model_dir}: its tokenizer has neither a pad nor an end-of-text token")


def _config(model_dir: Path) -> dict[str, Any]:
    config = Path(model_dir) / "config.json"
    try:
        return dict(json.loads(config.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{config}: not a readable model configuration ({error})") from None


def _check_vocabulary(model_dir: Path, flat: npt.NDArray[np.int32]) -> None:
    """Refuse ids without an embedding here, with a sentence, rather than later inside a kernel."""
    size = _config(model_dir).get("vocab_size")
    if isinstance(size, int) and len(flat) and (highest := int(flat.max())) >= size:
        raise UserError(
            f"{model_dir}: tokenizer larger than the embedding (token id {highest}, vocab_size "
            f"{size} in config.json); the tokenizer belongs to another checkpoint"
        )
