"""Which trials go on, and which setting is chosen: by the dev split alone."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from finetone.errors import UserError
from finetone.formats import decision, trial
from finetone.formats.trial import Trial
from finetone.log import logger
from finetone.provenance import Provenance
from finetone.statistics.evaluation import ERRORS


def promote(
    name: str,
    trials: Sequence[Path],
    metric: str,
    rung: int,
    target: Path,
    provenance: Provenance | None = None,
) -> None:
    """Decide whether one trial goes on after a rung: successive halving (Jamieson & Talwalkar 2016).

    Of all trials of the method the better half is kept after 1 epoch, of these the better half
    after 2, then after 4 …; those with fewer epochs have ended and are compared as they are.

    Parameters
    ----------
    name
        Of the trial.
    trials
        Files of all trials of the method up to this rung, in the order of preference.
    rung
        Epochs.
    target
        Decision to write: whether it goes on.
    """
    read = [trial.read(path) for path in trials]
    rungs_so_far = rung.bit_length()
    kept = max(1, math.ceil(len(read) / 2**rungs_so_far))
    order = _order(read, metric, [min(rung, len(each.scores)) for each in read])
    goes_on = name in [read[place].name for place in order[:kept]]
    decision.write(target, goes_on, {"trial": name, "epoch": rung, "kept": kept}, provenance)


def choose(
    method: str,
    trials: Sequence[Path],
    metric: str,
    target: Path,
    best_epoch: bool = False,
    provenance: Provenance | None = None,
) -> None:
    """Choose the setting with the best score on the dev split; of equal ones the first.

    Where all that went on diverged, it is the best of those that were stopped before.

    Parameters
    ----------
    trials
        Files of all trials of the method, in the order of preference.
    best_epoch
        Whether a run keeps its best epoch on the dev split, else its last.
    target
        Decision to write: {key: value}.

    Raises
    ------
    UserError
        No trial has a score.
    """
    read = [trial.read(path) for path in trials]
    epochs = [epoch_of(each, metric, best_epoch) for each in read]
    best = _order(read, metric, epochs)
    if not best and (best := _order([replace(t, stopped=False) for t in read], metric, epochs)):
        logger.warning(
            "%s: no trial that went on has a score; one that was stopped is chosen", method
        )
    if not best:
        raise UserError(
            f"tune: no trial of {method} has a finite {metric.replace('_', ' ')} on the dev split; "
            "try lower learning rates, or set recipe.clip_norm"
        )
    won = read[best[0]]
    about = {
        "method": method,
        "trial": won.name,
        "metric": metric,
        "score": won.score(metric, epoch_of(won, metric, best_epoch)),
        "trials": len(read),
    }
    decision.write(target, won.values, about, provenance)


def chosen(path: Path | None) -> dict[str, Any]:
    """The values that were chosen for a method; none where it is not tuned."""
    return {} if path is None else dict(decision.read(path))


def epoch_of(found: Trial, metric: str, best_epoch: bool) -> int:
    """The epoch that counts: the last that there is, or the best on the dev split."""
    if not best_epoch or found.stopped:
        return len(found.scores)
    scores = [_goodness(found, metric, epoch) for epoch in range(1, len(found.scores) + 1)]
    return 1 + int(np.argmax(scores)) if scores else 0


def _order(trials: Sequence[Trial], metric: str, epochs: Sequence[int]) -> list[int]:
    """Places of the trials that may still win, best first; of equally good ones in their order."""
    running = [
        place
        for place, each in enumerate(trials)
        if not each.stopped and not each.diverged and each.scores
    ]
    goodness = {place: _goodness(trials[place], metric, epochs[place]) for place in running}
    able = [place for place in running if goodness[place] > -np.inf]
    return sorted(able, key=lambda place: -goodness[place])


def _goodness(found: Trial, metric: str, epoch: int) -> float:
    """Higher is better; a score that is undefined is the worst."""
    score = found.score(metric, epoch) * (-1 if metric in ERRORS else 1)
    return score if np.isfinite(score) else -np.inf
