"""One trial: a training with one setting up to an epoch, of which the dev scores alone are kept."""

import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetone.baselines.baseline import Task
from finetone.baselines.registry import KINDS, baseline
from finetone.formats import decision, trial
from finetone.formats.trial import Trial
from finetone.log import logger
from finetone.provenance import Provenance
from finetone.statistics.evaluation import EVERY_SCORE, Evaluation


@dataclass(frozen=True)
class Attempt:
    """What is tried, and how far it goes in this job.

    Attributes
    ----------
    target
        Trial file to write; the state of an unfinished training is in the folder beside it.
    method, name, values, seed, epochs
        As of `Trial`.
    until
        Epochs to train.
    before
        Trial file of the epochs before, if successive halving decided after them, and
    promoted
        what it decided.
    """

    target: Path
    method: str
    name: str
    values: dict[str, Any]
    seed: int
    epochs: int
    until: int
    before: Path | None = None
    promoted: Path | None = None
    provenance: Provenance | None = None

    @property
    def state(self) -> Path:
        """Folder of saved states, from which the epochs after a decision go on."""
        return self.target.parent / "state"

    def ends(self) -> bool:
        """Whether the trial was stopped before; then its file repeats what there is."""
        if self.promoted is None or self.before is None or decision.read(self.promoted):
            return False
        self.write(replace(trial.read(self.before), stopped=True))
        return True

    def write(self, found: Trial) -> None:
        """Write the trial; its saved state goes with its last epoch."""
        trial.write(self.target, found, self.provenance)
        if found.stopped or found.diverged or self.until == self.epochs:
            shutil.rmtree(self.state, ignore_errors=True)
        accuracy = found.scores[-1]["accuracy"] if found.scores else None
        logger.info("%s: %s: accuracy %s on the dev split", self.method, self.name, accuracy)

    def outcome(
        self,
        scores: list[dict[str, float]],
        rows: int,
        dev_rows: int,
        seconds: float,
        diverged: bool = False,
    ) -> Trial:
        """The trial after the epochs that it was trained."""
        return Trial(
            method=self.method,
            name=self.name,
            values=self.values,
            seed=self.seed,
            epochs=self.epochs,
            diverged=diverged,
            scores=[dict(each) for each in scores],
            rows=rows,
            dev_rows=dev_rows,
            train_seconds=seconds,
        )


def try_baseline(attempt: Attempt, task: Task, dev: Task) -> None:
    """Try a setting of a baseline and write its trial.

    Parameters
    ----------
    task
        The rows to learn from, with the setting among its settings.
    dev
        The rows to measure on.
    """
    if attempt.ends():
        return
    kind = baseline(task.kind)
    if KINDS[task.kind].seeded:
        from finetone.tuning.training import try_network

        try_network(attempt, kind, task, dev)
        return
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=attempt.target.parent) as folder:
        learned = kind.fit(task, Path(folder))
        seconds = time.perf_counter() - start
        logits = kind.load(Path(folder), learned.facts, task.threads)(dev.texts)
    scores = Evaluation(logits, dev.labels).values(EVERY_SCORE)
    attempt.write(attempt.outcome([scores], len(task.texts), len(dev.texts), seconds))
