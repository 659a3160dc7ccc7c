"""speed/rounds.json: how long every method took in every round, as it was measured."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetone import files
from finetone.errors import UserError
from finetone.provenance import Provenance, keys_of

SHARE = 0.95  # of its time a measurement must have had a processor; it is then at most 5 % too long
SLOW = 1.3  # times the lower quartile of the rounds: slower is not the method's own scatter


@dataclass(frozen=True)
class Timed:
    """What one method took for one task, training or prediction, in each round.

    Attributes
    ----------
    seconds
        For the rows of the round, wall time, [rounds].
    share
        Of that time in which the method had a processor: CPU time over wall time of the thread
        that waits for all others, [rounds].
    """

    seconds: NDArray[np.float64]
    share: NDArray[np.float64]

    @property
    def undisturbed(self) -> NDArray[np.bool_]:
        """Rounds in which nothing else held the machine up, [rounds].

        Other processes show in the share. What takes time without taking the processor (another
        virtual machine, a lower clock, memory) shows as a round that is much slower than others.
        """
        quick = self.seconds <= SLOW * np.quantile(self.seconds, 0.25)
        return (self.share >= SHARE) & quick


@dataclass(frozen=True)
class TimedMethod:
    """All measurements of one method.

    Attributes
    ----------
    tasks
        "predict" and, of a model, "train".
    tokens
        Real tokens in the rows of each round, [rounds]; None without pretraining.
    batch_size, precision
        Of training; None without pretraining.
    """

    tasks: dict[str, Timed]
    tokens: NDArray[np.int64] | None = None
    batch_size: int | None = None
    precision: str | None = None

    def several(self, runs: int) -> "TimedMethod":
        """So many runs, one after the other."""
        tasks = {name: Timed(runs * each.seconds, each.share) for name, each in self.tasks.items()}
        return replace(self, tasks=tasks)


@dataclass(frozen=True)
class Rounds:
    """The content of speed/rounds.json.

    Attributes
    ----------
    methods
        By name. All have the same rounds; within one they took the same rows.
    rows
        Number of texts in a round.
    device, device_name, threads
        What they were measured on.
    """

    methods: dict[str, TimedMethod]
    rows: int
    device: str
    device_name: str
    threads: int

    def with_ensembles(self, members: Mapping[str, tuple[str, int]]) -> "Rounds":
        """The same with ensembles, which take as long as all of their runs.

        Parameters
        ----------
        members
            {ensemble: (method, its runs)}.
        """
        added = {name: self.methods[of].several(runs) for name, (of, runs) in members.items()}
        return replace(self, methods=self.methods | added)


def write(target: Path, rounds: Rounds, provenance: Provenance | None = None) -> None:
    """Write the measurements to a JSON file."""
    files.write_json(target, keys_of(provenance) | _plain(rounds))


def read(path: Path) -> Rounds:
    """Read what `write` wrote.

    Raises
    ------
    UserError
        The file cannot be read, or does not hold timings in rounds.
    """
    about = files.read_json(path)
    try:
        methods = {name: _method(facts) for name, facts in about["methods"].items()}
        facts = {name: about[name] for name in ("rows", "device", "device_name", "threads")}
        return Rounds(methods, **facts)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path}: holds no timings in rounds; delete it and run again") from None


def _method(facts: dict[str, Any]) -> TimedMethod:
    tasks = {
        task: Timed(np.array(each["seconds"], dtype=float), np.array(each["share"], dtype=float))
        for task, each in facts["tasks"].items()
    }
    tokens = None if facts["tokens"] is None else np.array(facts["tokens"], dtype=np.int64)
    return TimedMethod(tasks, tokens, facts["batch_size"], facts["precision"])


def _plain(value: Any) -> Any:
    """Dataclasses as dictionaries, arrays as lists."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return _plain(vars(value)) if hasattr(value, "__dataclass_fields__") else value
