"""run.json: what a run learned from and under, and the hashes of all that it left."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from finetone import files
from finetone.errors import UserError
from finetone.provenance import Provenance, keys_of


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One fine-tuning, the fit of one baseline, or an ensemble; the fields are the keys of run.json, in order.

    A field keeps its default where it does not apply to the method, and in the records of earlier
    versions. The last three are filled in by `write`.
    """

    method: str
    kind: str  # "finetune" or the kind of a baseline
    seed: int = 0
    dataset: str = ""
    labels: list[str] = field(default_factory=list)  # names in class order
    recipe: dict[str, Any] = field(default_factory=dict)
    tuned: dict[str, Any] = field(default_factory=dict)  # of it, what the dev split decided
    engine: dict[str, Any] = field(default_factory=dict)  # as configured
    execution: dict[str, Any] = field(default_factory=dict)  # as it came about
    versions: dict[str, str] = field(default_factory=dict)
    # total, embedding, non_embedding; of a probe, whose model is frozen, also trained
    parameters: dict[str, int] = field(default_factory=dict)
    max_length: int | None = None  # tokens that texts are cut to; of a model
    rows: int | None = None
    epochs: int | None = None
    steps: int | None = None
    kept_epoch: int = 1
    dev_scores: list[float] | None = None  # after each epoch, by the recipe's `choose_by`
    train_seconds: float | None = None
    tokens_per_s: float | None = None
    seconds_per_32: float | None = None
    peak_memory_bytes: int | None = None
    resumed: int = 0
    made_from: Mapping[str, str | None] = field(default_factory=dict)
    checkpoint: str = ""  # sha256 of the folder `learned`
    files: dict[str, str] = field(default_factory=dict)  # {name: sha256}
    content: str = ""

    @property
    def learned(self) -> str:
        """The folder beside run.json that holds what was learned."""
        return "checkpoint" if self.kind == "finetune" else "model"


def write(run: Path, record: RunRecord, *parts: str, provenance: Provenance | None = None) -> None:
    """Write `record` to run.json with the hashes of all files in `parts`.

    Parameters
    ----------
    run
        Path of run.json.
    parts
        Names of the files and folders beside run.json that the run left; all are finished.
    """
    hashes = {
        str(file.relative_to(run.parent)): files.sha256(file)
        for part in parts
        for file in files.files_of(run.parent / part)
    }
    keys, learned = keys_of(provenance) | vars(record), run.parent / record.learned
    keys |= {
        "checkpoint": files.sha256(learned) if learned.exists() else "",
        "files": hashes,
        "content": _content(hashes),
    }
    files.write_json(run, keys)


def read(run: Path) -> RunRecord:
    """Read run.json, also of an earlier version.

    Raises
    ------
    UserError
        The file cannot be read, or is not the record of a run.
    """
    about = files.read_json(run)
    about.setdefault("dev_scores", about.get("dev_accuracy"))  # its name in earlier versions
    stated = {f.name: about[f.name] for f in fields(RunRecord) if about.get(f.name) is not None}
    try:
        return RunRecord(**stated)
    except TypeError:
        raise UserError(f"{run}: not the record of a run; delete {run} and run again") from None


def check(run: Path, *parts: str) -> RunRecord:
    """Read run.json once `parts` (files and folders beside it) are found unchanged.

    Raises
    ------
    UserError
        A file was altered, is missing, or was put in.
    """
    record = read(run)
    if not record.files:  # of an earlier version, which kept one hash
        if record.learned in parts:
            weights = "checkpoint/model.safetensors"  # was hashed alone
            name = weights if record.learned == "checkpoint" else record.learned
            files.unchanged(run, {name: record.checkpoint})
        return record
    for part in parts:
        hashes = {
            name: digest
            for name, digest in record.files.items()
            if name == part or name.startswith(f"{part}/")
        }
        for file in files.files_of(run.parent / part):
            if str(file.relative_to(run.parent)) not in hashes:
                raise files.altered(file, run, run.parent)
        files.unchanged(run, hashes)
    return record


def _content(hashes: Mapping[str, str]) -> str:
    """Hex sha256 of what a run learned.

    It leaves out the history, which has times in it, and the model card, which may name the
    machine.
    """
    told = ("history.parquet", "README.md")
    return files.checksum({name: hashes[name] for name in hashes if Path(name).name not in told})
