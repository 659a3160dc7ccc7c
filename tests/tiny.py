"""A small, fast experiment made on the spot: texts whose sentiment is plain, and a tiny BERT."""

import csv
import random
from pathlib import Path

GOOD = ["great", "wonderful", "moving", "brilliant", "funny", "charming", "superb", "delightful"]
BAD = ["awful", "boring", "dull", "terrible", "clumsy", "tedious", "bland", "dreadful"]
NEUTRAL = [
    "the",
    "film",
    "a",
    "plot",
    "was",
    "and",
    "with",
    "its",
    "cast",
    "story",
    "scene",
    "actor",
    "music",
    "ending",
    "very",
    "quite",
]


def write_reviews(path: Path, rows: int, seed: int) -> Path:
    """A CSV of `rows` reviews, labels `neg` and `pos` in turn; no text stands in it twice."""
    draw = random.Random(seed)
    seen: set[str] = set()
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["review", "mood"])
        while len(seen) < rows:
            label = len(seen) % 2
            words = draw.choices(NEUTRAL, k=draw.randint(3, 12)) + draw.choices(
                (BAD, GOOD)[label], k=3
            )
            draw.shuffle(words)
            text = " ".join(words)
            if text not in seen:
                seen.add(text)
                writer.writerow([text, ("neg", "pos")[label]])
    return path


def write_bert(folder: Path, layers: int = 2, seed: int = 0) -> Path:
    """A BERT of 32 units with random weights and a WordPiece vocabulary of the words above."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *NEUTRAL, *GOOD, *BAD]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(seed)
    shape = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(
        vocab_size=len(words), num_hidden_layers=layers, max_position_embeddings=64, **shape
    )
    BertModel(config).save_pretrained(folder)
    return folder


def of_baselines(folder: Path) -> dict:
    """The configuration of an experiment of TF-IDF alone, its 20 reviews written into `folder`."""
    files = {s: str(write_reviews(folder / f"{s}.csv", 20, 1)) for s in ("train", "test")}
    columns = {"text": "review", "label": "mood", "labels": ["neg", "pos"]}
    return {
        "experiment": "small",
        "seeds": [1],
        "source": "films",
        "datasets": {"films": {"file": files, **columns}},
        "models": {},
        "baselines": {"words": {"kind": "tfidf"}},
    }


def experiment(folder: Path) -> dict:
    """The configuration of the small experiment, its data and model written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {"text": "review", "label": "mood", "labels": ["neg", "pos"]}
    return {
        "experiment": "small",
        "seeds": [1, 2],
        "source": "films",
        "transfer": ["books"],
        "max_length": 24,
        "recipe": {"epochs": 2, "batch_size": 4, "learning_rate": 3e-3},
        "compare": {"resamples": 200},
        "datasets": {
            "films": {
                "file": {
                    "train": str(write_reviews(folder / "films-train.csv", 96, 1)),
                    "test": str(write_reviews(folder / "films-test.csv", 64, 2)),
                },
                **data,
            },
            "books": {"file": {"test": str(write_reviews(folder / "books.csv", 48, 3))}, **data},
        },
        "models": {
            "tiny": {"path": str(write_bert(folder / "bert")), "title": "Tiny BERT"},
            "tiny-scratch": {"scratch": {"like": "tiny"}},
        },
        "baselines": {"majority": {"kind": "majority"}, "tfidf": {"kind": "tfidf"}},
        "resources": {
            rule: {"threads": 1}
            for rule in [
                "finetune",
                "evaluate",
                "transfer",
                "tokenize",
                "fit_baseline",
                "predict_baseline",
                "speed",
            ]
        },
    }
