"""runs.csv: the metrics of every epoch of every prediction file, in the order of the files."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from finetone.files import sha256
from finetone.formats.predictions import header, read
from finetone.statistics.evaluation import evaluate
from finetone.statistics.intervals import wilson
from finetone.statistics.metrics import METRICS

SCORES = ("loss", *METRICS)


def table(predictions: Sequence[Path], confidence: float) -> pd.DataFrame:
    """One row per file and epoch.

    `sha256` is the file's, so that a table states which predictions it was made from.
    """
    rows = []
    for head in map(header, predictions):
        digest = sha256(head.path)
        for epoch in read(head):
            values = evaluate(epoch.logits, epoch.label)
            low, high = wilson(values["correct"], values["n"], confidence)
            rows.append(
                {
                    "dataset": head.dataset,
                    "method": head.method,
                    "seed": head.seed,
                    "epoch": epoch.epoch,
                    "kept": epoch.epoch == head.kept_epoch,
                    "sha256": digest,
                    **{name: values[name] for name in ("n", "correct", "accuracy")},
                    "accuracy_low": low,
                    "accuracy_high": high,
                    **{name: values[name] for name in SCORES},
                    **{f"{name}_se": values[f"{name}_se"] for name in SCORES},
                }
            )
    return pd.DataFrame(rows)
