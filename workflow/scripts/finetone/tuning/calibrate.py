"""From the predictions of a run on the dev split to the temperature of its checkpoint."""

from pathlib import Path

import numpy as np

from finetone.formats import predictions, temperature
from finetone.formats.temperature import Temperature
from finetone.provenance import Provenance
from finetone.statistics import scaling
from finetone.statistics.metrics import Floats, Ints, log_softmax


def fit_temperature(dev: Path, target: Path, provenance: Provenance | None = None) -> None:
    """Fit the temperature of one run and write its file.

    Parameters
    ----------
    dev
        Prediction file of the run on the dev rows.
    target
        The JSON file to write.
    provenance
        Its record.

    Raises
    ------
    UserError
        The prediction file is damaged.
    """
    head = predictions.header(dev)
    rows = predictions.read(head, kept_only=True)[0]
    value, reason = scaling.fit(rows.logits, rows.label)
    after = None if value is None else _loss(scaling.scaled(rows.logits, value), rows.label)
    found = Temperature(
        method=head.method,
        seed=head.seed,
        dataset=head.dataset,
        kept_epoch=head.kept_epoch,
        temperature=value,
        reason=reason,
        rows=len(rows.label),
        loss=_loss(rows.logits, rows.label),
        scaled_loss=after,
        made_from=dict(head.facts.get("made_from", {})),
    )
    temperature.write(target, found, provenance)


def _loss(logits: Floats, label: Ints) -> float | None:
    found = -float(log_softmax(logits)[np.arange(len(label)), label].mean())
    return found if np.isfinite(found) else None
