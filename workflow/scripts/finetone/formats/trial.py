"""tuning/<method>/<trial>/epoch<i>.json: how well a setting did on the dev split."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetone import files
from finetone.formats.record_file import read_fields
from finetone.provenance import Provenance, keys_of


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training with one setting, as far as it went; its weights are not kept.

    Attributes
    ----------
    method, name, values
        The setting: its name, and {key: value}.
    seed
        Of the training.
    epochs
        Of the whole training.
    stopped
        Whether it ends before, because others did better.
    diverged
        Whether a loss was not finite, so that it ended there.
    scores
        After each epoch, by metric; `<metric>_se` is a standard error over the dev rows. None where
        a metric is undefined.
    rows, dev_rows
        Rows it learned from, and was measured on.
    train_seconds
        Of all its epochs.
    """

    method: str
    name: str
    values: dict[str, Any]
    seed: int
    epochs: int
    stopped: bool = False
    diverged: bool = False
    scores: list[dict[str, float | None]]
    rows: int
    dev_rows: int
    train_seconds: float

    def score(self, metric: str, epoch: int) -> float:
        """A metric after an epoch; NaN if it is undefined."""
        found = self.scores[epoch - 1].get(metric)
        return np.nan if found is None else found


def write(target: Path, found: Trial, provenance: Provenance | None = None) -> None:
    """Write the file of one trial."""
    scores = [
        {
            name: value if value is not None and np.isfinite(value) else None
            for name, value in each.items()
        }
        for each in found.scores
    ]
    content = asdict(found) | {"scores": scores}
    # how long it took decides nothing that is made from it
    said = {key: content[key] for key in ("values", "stopped", "diverged", "scores")}
    files.write_json(target, keys_of(provenance) | content | {"content": files.checksum(said)})


def read(path: Path) -> Trial:
    """Read the file of one trial.

    Raises
    ------
    UserError
        It cannot be read, was altered, or holds something else.
    """
    return read_fields(path, Trial)
