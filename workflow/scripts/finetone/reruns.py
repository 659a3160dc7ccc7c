"""What has to be made again: artifacts whose record says they were made under other settings.

Snakemake compares the times of files. Settings are compared here, with the record inside each
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
from finetone.experiment import Experiment
from finetone.log import logger
from finetone.provenance import RUN, digest, read

TAKEN = "taken.json"  # artifacts without a record, as which settings they were taken
# Settings that files of versions without fingerprints state, too.
STATED = {"data": ("labels", "threshold", "split", "sample"), "runs": ("recipe", "engine")}


@dataclass
class Findings:
    """What is there of an experiment.

    `stale` is {artifact: what changed in its own settings, or ""}, `files` what Snakemake has to
    make again for it. `unrecorded` are artifacts of a version that kept no record, which are taken
    as made under the present settings, `current` those that were made under them from what is
    there."""

    stale: dict[str, str] = field(default_factory=dict)
    unrecorded: list[str] = field(default_factory=list)
    current: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


def find(experiment: Experiment, wanted: Iterable[str]) -> Findings:
    """`examine`, and get the files on disk ready for Snakemake to compare their times.

    Raises
    ------
    UserError
        A record cannot be read, or something stale can neither be made again.
    """
    try:
        found = examine(experiment, wanted)
        _refuse_gone(experiment, found.stale)
        found.files = {str(experiment.folder / artifact) for artifact in found.stale}
        found.files |= _other_wheels(experiment, found.stale)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from None
    set_times(experiment, found.current)
    return found


def _other_wheels(experiment: Experiment, stale: Iterable[str]) -> set[str]:
    """The wheels of `stale` artifacts whose content is not what the configuration says."""
    wheels = {wheel for artifact in stale if (wheel := experiment.wheel_of(artifact))}
    there = (wheel for wheel in wheels if wheel.exists())
    known = experiment.wheels
    return {str(w) for w in there if files.sha256(w) != known[w.stem]["sha256"]}


def command(configfiles: Iterable[Path]) -> str:
    """The command that makes one file of an experiment again; `{path}` stands for that file.

    The experiment's own files are named as seen from the present folder, where the user is.
    """
    named = [shlex.quote(os.path.relpath(file)) for file in configfiles]
    escaped = [name.replace("{", "{{").replace("}", "}}") for name in named]
    return " ".join(["snakemake --cores 1 {path}", *(["--configfile"] if named else []), *escaped])


def examine(experiment: Experiment, wanted: Iterable[str]) -> Findings:
    """Hold the records of `wanted`, and of all they are made of, against the configuration, and
    against each other. UserError for one that cannot be read."""
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
            if "format" in settings:  # earlier versions wrote less into it
                change = "format"
            elif artifact in taken:
                change = "" if taken[artifact] == fingerprint else "settings"
            else:
                change = _contradiction(artifact, experiment.record(artifact), settings)
            if change:
                found.stale[artifact] = change
            elif artifact not in taken:
                found.unrecorded.append(artifact)
    return found


def _refuse_gone(experiment: Experiment, stale: Iterable[str]) -> None:
    """Raise a UserError if a file of the user's own is gone that something stale is made of.

    Snakemake takes what exists and cannot be made again as it is.
    """
    for artifact in stale:
        for path in experiment.own_files(artifact):
            if not path.exists():
                raise UserError(
                    f"{path}: is not there, but {experiment.folder / artifact} has to be made of "
                    f"it again; put it back or correct its path in the configuration"
                )


def _refuse_broken_link(path: Path) -> None:
    """Snakemake takes a link that leads nowhere for a file, whose time it then cannot find."""
    if path.is_symlink() and not path.exists():
        raise UserError(
            f"{path}: a link to {path.readlink()}, which is not there; bring it back, or delete "
            f"{path} and run again"
        )


def set_times(experiment: Experiment, current: set[str]) -> None:
    """Give `current` artifacts that look older than what they were made from a new time.

    Copying without times, restoring a backup, a link to another disk or a clock that was wrong
    leave files in any order of time, by which Snakemake would make them again.
    """
    now = time.time_ns()
    newest: dict[str, int] = {}

    def visit(artifact: str) -> int:
        if artifact not in newest:
            files_of_it = _files(experiment, artifact)
            times = [time for file in files_of_it for time in _times(file)]
            wheel = experiment.wheel_of(artifact)
            inputs = max(map(visit, experiment.made(artifact)[1]), default=0)
            if wheel and wheel.exists():
                inputs = max(inputs, *_times(wheel))
            if artifact in current and times and min(times) < inputs:
                times = [max(now, inputs)]  # inputs may be of the future
                for file in files_of_it:
                    for follow in {True, not file.is_symlink()}:
                        os.utime(file, ns=(times[0], times[0]), follow_symlinks=follow)
            newest[artifact] = max(times, default=0)
        return newest[artifact]

    try:
        for artifact in current:
            visit(artifact)
    except OSError:  # only the owner of the files can, and nobody on a read-only disk
        logger.warning("%s: the times of files cannot be set", experiment.folder)


def _files(experiment: Experiment, artifact: str) -> list[Path]:
    """All that Snakemake takes the time of, of what is there of an artifact."""
    path = experiment.folder / artifact
    found = [path.parent / name for name in RUN] if path.name == "run.json" else [path]
    found += [folder / files.STAMP for folder in found]
    return [file for file in found if file.exists()]


def _times(file: Path) -> tuple[int, int]:
    """Of a link Snakemake looks at its own time, too."""
    return file.stat().st_mtime_ns, file.lstat().st_mtime_ns


def take(experiment: Experiment) -> None:
    """Remember all artifacts of an experiment that have no record, whatever a run was asked for,
    as made under the present settings."""
    unrecorded = examine(experiment, experiment.added).unrecorded
    new = {each: experiment.fingerprint(each) for each in unrecorded}
    if new:
        files.write_json(experiment.folder / TAKEN, {"taken": _taken(experiment) | new})


def sentences(found: Findings, folder: Path, most: int = 10) -> list[str]:
    """What to tell the user about findings, at most `most` changes by name."""
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
    except (UserError, KeyError):  # without it, results of any settings would be taken
        raise UserError(
            f"{path}: is damaged; put a copy back, or delete it if the configuration is still the "
            f"one that the results were made with"
        ) from None


def _difference(record: Path, settings: Mapping[str, Any]) -> str:
    """Which settings in a record are others now; empty where the record does not hold them."""
    if record.suffix != ".json":
        return ""
    try:
        before = files.read_json(record).get("settings", {})
    except (UserError, OSError):  # whoever reads the artifact says so
        return ""
    return _changes(before, settings)


def _contradiction(artifact: str, record: Path, settings: Mapping[str, Any]) -> str:
    """Which settings that a file without a fingerprint states are others now."""
    keys = STATED.get(artifact.split("/")[0], ())
    try:
        stated = files.read_json(record) if keys else {}
    except (UserError, OSError):
        return ""
    if stated.get("kind", "finetune") != "finetune":  # a baseline's recipe is not its block
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
