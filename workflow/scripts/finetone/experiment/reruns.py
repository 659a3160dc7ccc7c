"""Find artifacts that have to be made again: their record states other settings.

Snakemake compares the times of files. Here, settings are compared with the record inside each
artifact, so that it does not matter where the artifact came from: another clone, a backup, a
cluster, an earlier configuration. See docs/reruns.md.
"""

import os
import shlex
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetone import files
from finetone.errors import UserError
from finetone.experiment.artifacts import Experiment
from finetone.log import logger
from finetone.provenance import RUN, digest, read

TAKEN = "taken.json"  # fingerprints assumed for artifacts without a record
# Settings that files of versions without fingerprints also state.
STATED = {"data": ("labels", "threshold", "split", "sample"), "runs": ("recipe", "engine")}


@dataclass
class Findings:
    """The state of an experiment's artifacts on disk.

    Attributes
    ----------
    stale
        {artifact: what changed in its own settings, or ""}.
    unrecorded
        Artifacts of a version that kept no record, which are assumed to be made with the
        present settings.
    current
        Artifacts that were made with the present settings from the present inputs.
    files
        What Snakemake has to make again because of `stale`.
    """

    stale: dict[str, str] = field(default_factory=dict)
    unrecorded: list[str] = field(default_factory=list)
    current: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


def find(experiment: Experiment, wanted: Iterable[str]) -> Findings:
    """Run `examine`, and prepare the files on disk for Snakemake, which compares their times.

    Parameters
    ----------
    experiment
        With all its artifacts.
    wanted
        The artifacts that a run is to make.

    Raises
    ------
    UserError
        A record cannot be read, or something stale cannot be made again.
    """
    wanted = set(wanted)
    beside = experiment.beside(wanted) - wanted
    try:
        # of a job's files, Snakemake also compares the times of those that nobody asked for
        found = examine(experiment, wanted | beside)
        if beside:
            asked = experiment.upstream(wanted)
            found.stale = {each: why for each, why in found.stale.items() if each in asked}
            found.unrecorded = [each for each in found.unrecorded if each in asked]
        _refuse_gone(experiment, found.stale)
        found.files = {str(experiment.folder / artifact) for artifact in found.stale}
        found.files |= _other_wheels(experiment, found.stale)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from None
    set_times(experiment, found.current)
    return found


def _other_wheels(experiment: Experiment, stale: Iterable[str]) -> set[str]:
    """The wheels of `stale` artifacts whose content differs from the configured hash."""
    wheels = {wheel for artifact in stale for wheel in experiment.wheels_of(artifact)}
    there = (wheel for wheel in wheels if wheel.exists())
    known = experiment.wheels
    return {str(w) for w in there if files.sha256(w) != known[w.stem]["sha256"]}


def command(configfiles: Iterable[Path]) -> str:
    """The command that makes one file of an experiment again; `{path}` stands for that file.

    Parameters
    ----------
    configfiles
        The experiment's own; they are named relative to the current folder.
    """
    named = [shlex.quote(os.path.relpath(file)) for file in configfiles]
    escaped = [name.replace("{", "{{").replace("}", "}}") for name in named]
    return " ".join(["snakemake --cores 1 {path}", *(["--configfile"] if named else []), *escaped])


def examine(experiment: Experiment, wanted: Iterable[str]) -> Findings:
    """Compare the records of artifacts with the configuration and with each other.

    Parameters
    ----------
    experiment
        With all its artifacts.
    wanted
        Artifacts; everything they are made from is examined, too.

    Raises
    ------
    UserError
        A record cannot be read, or a link leads nowhere.
    """
    found = Findings()
    taken = _taken(experiment)
    artifacts = sorted(experiment.upstream(wanted))
    records = {each: read(experiment.record(each)) for each in artifacts}
    for artifact in artifacts:
        _refuse_broken_link(experiment.folder / artifact)
        record, fingerprint = records[artifact], experiment.fingerprint(artifact)
        settings, inputs = experiment.made(artifact)
        if record and record.fingerprint:
            now = digest(records[each] for each in inputs)
            if record.fingerprint != fingerprint:
                found.stale[artifact] = _difference(experiment.record(artifact), settings)
            elif record.inputs and now not in (record.inputs, None):
                found.stale[artifact] = "what it was made from has changed"
            elif record.inputs == now:
                found.current.add(artifact)
        elif (experiment.folder / artifact).exists():
            made_of = [records[each] for each in inputs]
            if "format" in settings and not all(r and r.fingerprint for r in made_of):
                change = "format"  # of an early version, which wrote less into its tables
            elif artifact in taken:
                change = "" if taken[artifact] == fingerprint else "settings"
            else:
                change = _contradiction(artifact, experiment.record(artifact), settings)
            if change:
                found.stale[artifact] = change
            elif artifact not in taken:
                found.unrecorded.append(artifact)
    return found


def is_current(experiment: Experiment, artifact: str) -> bool:
    """Whether an artifact is there, made under the present settings from what is there now."""
    record, inputs = read(experiment.record(artifact)), experiment.made(artifact)[1]
    if record is None or record.fingerprint != experiment.fingerprint(artifact):
        return False
    return record.inputs == digest(read(experiment.record(each)) for each in inputs)


def _refuse_gone(experiment: Experiment, stale: Iterable[str]) -> None:
    """Raise a UserError if a stale artifact is made from a file of the user that is missing.

    Snakemake would use the artifact as it is: it exists and cannot be made again.
    """
    for artifact in stale:
        for path in experiment.own_files(artifact):
            if not path.exists():
                raise UserError(
                    f"{path}: is not there, but {experiment.folder / artifact} has to be made of "
                    f"it again; put it back or correct its path in the configuration"
                )


def _refuse_broken_link(path: Path) -> None:
    """Raise a UserError for a link that leads nowhere.

    Snakemake takes it for a file, and then fails to find its time.
    """
    if path.is_symlink() and not path.exists():
        raise UserError(
            f"{path}: a link to {path.readlink()}, which is not there; bring it back, or delete "
            f"{path} and run again"
        )


def set_times(experiment: Experiment, current: set[str]) -> None:
    """Give a new time to current artifacts that look older than their inputs.

    Copying without times, restoring a backup, a link to another disk or a wrong clock leave files
    in any order of time, and Snakemake would make them again.

    Parameters
    ----------
    experiment
        With all its artifacts.
    current
        The artifacts that need not be made again.
    """
    now = time.time_ns()
    newest: dict[str, int] = {}

    def visit(artifact: str) -> int:
        if artifact not in newest:
            files_of_it = _files(experiment, artifact)
            times = [time for file in files_of_it for time in _times(file)]
            inputs = max(map(visit, experiment.made(artifact)[1]), default=0)
            for wheel in filter(Path.exists, experiment.wheels_of(artifact)):
                inputs = max(inputs, *_times(wheel))
            if artifact in current and times and min(times) < inputs:
                times = [max(now, inputs)]  # times of inputs may be in the future
                for file in files_of_it:
                    for follow in {True, not file.is_symlink()}:
                        os.utime(file, ns=(times[0], times[0]), follow_symlinks=follow)
            newest[artifact] = max(times, default=0)
        return newest[artifact]

    try:
        for artifact in current:
            visit(artifact)
    except OSError:  # not the owner of the files, or a read-only disk
        logger.warning("%s: the times of files cannot be set", experiment.folder)


def _files(experiment: Experiment, artifact: str) -> list[Path]:
    """All existing files of an artifact whose times Snakemake compares."""
    path = experiment.folder / artifact
    found = [path.parent / name for name in RUN] if path.name == "run.json" else [path]
    found += [folder / files.STAMP for folder in found]
    return [file for file in found if file.exists()]


def _times(file: Path) -> tuple[int, int]:
    """Times (ns) of a file; of a link, Snakemake also compares its own time."""
    return file.stat().st_mtime_ns, file.lstat().st_mtime_ns


def take(experiment: Experiment) -> None:
    """Record that all artifacts without a record were made with the present settings.

    This concerns all artifacts of the experiment, not only what a run is to make.
    """
    unrecorded = examine(experiment, experiment.added).unrecorded
    new = {each: experiment.fingerprint(each) for each in unrecorded}
    if new:
        files.write_json(experiment.folder / TAKEN, {"taken": _taken(experiment) | new})


def sentences(found: Findings, folder: Path, most: int = 10) -> list[str]:
    """Describe findings to the user.

    Parameters
    ----------
    found
        From `find` or `examine`.
    folder
        Folder of the experiment.
    most
        Largest number of changes to name.
    """
    told = []
    stale, unrecorded = len(found.stale), len(found.unrecorded)
    changed = [f"{folder / name} ({why})" for name, why in found.stale.items() if why]
    if found.stale:
        shown = "; ".join(changed[:most]) + f" and {len(changed) - most} more" * (
            len(changed) > most
        )
        told.append(
            f"{stale} {_artifacts(stale)} made under other settings, to be made again"
            + (f": {shown}" if shown else "")
        )
    if found.unrecorded:
        told.append(
            f"{unrecorded} {_artifacts(unrecorded)} in {folder} without a record of settings, as an "
            f"earlier version left them, such as {found.unrecorded[0]}; taken as made under the "
            f"present settings, this once, and noted in {folder / TAKEN}"
        )
    return told


def _artifacts(number: int) -> str:
    return "artifact" if number == 1 else "artifacts"


def _taken(experiment: Experiment) -> dict[str, str]:
    path = experiment.folder / TAKEN
    try:
        return dict(files.read_json(path)["taken"]) if path.exists() else {}
    except (UserError, KeyError):  # without it, results of any settings would be accepted
        raise UserError(
            f"{path}: is damaged; put a copy back, or delete it if the configuration is still the "
            f"one that the results were made with"
        ) from None


def _difference(record: Path, settings: Mapping[str, Any]) -> str:
    """Settings that differ from those in a record; "" if the record does not hold them."""
    if record.suffix != ".json":
        return ""
    try:
        before = files.read_json(record).get("settings", {})
    except (UserError, OSError):  # reported by the job that reads the artifact
        return ""
    return _changes(before, settings)


def _contradiction(artifact: str, record: Path, settings: Mapping[str, Any]) -> str:
    """Settings that a file without a fingerprint states and that are different now."""
    keys = STATED.get(artifact.split("/")[0], ())
    try:
        stated = files.read_json(record) if keys else {}
    except (UserError, OSError):
        return ""
    if stated.get("kind", "finetune") != "finetune":  # a baseline states its recipe in another form
        return ""
    both = [key for key in keys if key in stated]
    now = {key: settings[key] for key in both if settings.get(key) is not None}
    return _changes({key: stated[key] for key in both if stated[key] is not None}, now)


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> str:
    """`key: old → new` of every setting that differs, dotted where they are nested."""
    found = []
    for key in dict.fromkeys([*before, *now]):
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += [_changes(old, new, f"{prefix}{key}.")]
        elif old != new:
            found.append(f"{prefix}{key}: {_shown(old)} → {_shown(new)}")
    return ", ".join(filter(None, found))


def _shown(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
