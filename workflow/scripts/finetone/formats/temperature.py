"""temperatures/<method>/seed<k>.json: what the logits of a run are to be divided by."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from finetone import files
from finetone.formats.record_file import read_fields
from finetone.formats.run_record import RunRecord
from finetone.provenance import Provenance, keys_of


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """The temperature of one run, fitted on the dev rows of the dataset it learned from.

    Attributes
    ----------
    method, seed, dataset, kept_epoch
        The run, and the epoch whose weights it keeps.
    temperature
        None where there is none.
    reason
        Why there is none, or "".
    rows
        Dev rows it was fitted on.
    loss, scaled_loss
        Mean cross-entropy of these rows before and after, in nats; None if infinite.
    made_from
        What the dev predictions were made from: {input: sha256}; empty in earlier files.
    """

    method: str
    seed: int
    dataset: str
    kept_epoch: int
    temperature: float | None
    reason: str
    rows: int
    loss: float | None
    scaled_loss: float | None
    made_from: dict[str, str] = field(default_factory=dict)

    def is_of(self, run: RunRecord) -> bool:
        """Whether it was fitted on what this run learned, not on what another left behind."""
        learned = {run.checkpoint, *run.files.values()}
        return not self.made_from or not learned.isdisjoint(self.made_from.values())


def write(target: Path, found: Temperature, provenance: Provenance | None = None) -> None:
    """Write the file of one run."""
    files.write_json(target, keys_of(provenance) | asdict(found))


def read(path: Path) -> Temperature:
    """Read the file of one run, also where it lies in an exported checkpoint.

    Raises
    ------
    UserError
        It cannot be read, was altered, or holds something else.
    """
    return read_fields(path, Temperature)
