"""Identify the source of an entry: files by their content, the hub by the commit.

Two configurations that name the same source differently must not make anything again. A file
therefore counts by its content, not by its path, and a branch of the hub by the commit that was
downloaded: writing the commit into the configuration later changes nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetone import files
from finetone.errors import UserError

Facts = dict[str, Any]
SOURCES = ("hub", "wheel", "file", "path", "scratch", "intermediate")
NOT_DATA = {"README.md", "LICENSE"}  # of a repository or folder: nothing depends on them
PLAIN = (".csv", ".parquet")  # tables whose format does not depend on the suffix


def is_data(name: str) -> bool:
    """Whether an artifact may depend on a file of that name; hidden files belong to the system."""
    return name not in NOT_DATA and not name.startswith(".")


def without(block: Mapping[str, Any], *keys: str) -> Facts:
    """A copy of `block` without `keys`."""
    return {key: value for key, value in block.items() if key not in keys}


def identify(block: Mapping[str, Any], folder: Path) -> Facts:
    """The keys of an entry that name its source, replaced by what they identify.

    Parameters
    ----------
    block
        The entry of a dataset or model, or the block `intermediate` of one.
    folder
        The artifact that is made of it.
    """
    key = next(key for key in SOURCES if key in block)
    if key == "wheel":  # one of its keys is for the other kind of entry
        return {key: without(block[key], "folder" if "labels" in block else "member")}
    if key not in ("hub", "file", "path"):
        return {}
    known = source_of(folder)
    if key == "hub":
        return {key: as_asked(block[key], known)}
    own, seen = own_files(block), known.get("files", {})
    if key == "path" and not own:  # the folder is gone
        own = {file: Path(block["path"]).expanduser() / file for file in seen}
    digests = contents(own, seen)
    return {key: {_named(key, name, own[name]): each for name, each in digests.items()}}


def own_files(block: Mapping[str, Any]) -> dict[str, Path]:
    """The user's own files: of a dataset's `file` by split, of a model's `path` by name.

    Several files of a split are `train[0]`, `train[1]` …, in order.

    Parameters
    ----------
    block
        An entry of the configuration.
    """
    if "file" in block:
        own: dict[str, Path] = {}
        for split, given in by_split(block["file"]).items():
            patterns = [given] if isinstance(given, str) else given
            found = [path for pattern in patterns for path in matching(pattern)]
            several = len(found) > 1
            own |= {f"{split}[{i}]" if several else split: path for i, path in enumerate(found)}
        return own
    if "path" in block:
        return files_in(Path(block["path"]).expanduser())
    return {}


def split_of(name: str) -> str:
    """The split of a file that `own_files` names."""
    return name.partition("[")[0]


def matching(pattern: str) -> list[Path]:
    """The file of that name or, where it holds `*` or `?`, all that match, in order of their names.

    A pattern that nothing matches is taken for a file, which is then missed by name.
    """
    path = Path(pattern).expanduser()
    if path.exists() or not set(pattern) & set("*?"):
        return [path]
    fixed = Path(path.anchor)
    parts = path.relative_to(fixed).parts if path.anchor else path.parts
    return sorted(fixed.glob("/".join(parts).replace("[", "[[]"))) or [path]


def by_split(given: Any) -> dict[str, Any]:
    """What an entry gives by split; a single source is all `train`, before `split:` cuts it."""
    return given if isinstance(given, dict) else {"train": given}


def files_in(folder: Path) -> dict[str, Path]:
    """The files of a folder by name, except those that nothing depends on."""
    found = (file for file in sorted(folder.glob("*")) if file.is_file())
    return {file.name: file for file in found if is_data(file.name)}


def describe(own: Mapping[str, Path]) -> dict[str, Facts]:
    """What a manifest records of the user's own files: path, size, time (ns) and sha256 of each."""
    return {name: {**_stat(path), "sha256": files.sha256(path)} for name, path in own.items()}


def contents(own: Mapping[str, Path], known: Mapping[str, Facts]) -> dict[str, str | None]:
    """Hash files; one whose path, size and time are as recorded is not read again.

    Parameters
    ----------
    own
        {name: file}.
    known
        What `describe` recorded when they were last read.

    Returns
    -------
    dict
        {name: hex sha256}. A missing file counts as the one that was read from the same path;
        None if there is none.
    """
    digests: dict[str, str | None] = {}
    for name, path in own.items():
        before = known.get(name, {})
        if not path.is_file():
            digests[name] = before["sha256"] if before.get("path") == str(path) else None
        elif all(before.get(key) == value for key, value in _stat(path).items()):
            digests[name] = before["sha256"]
        else:
            digests[name] = files.sha256(path)
    return digests


def refuse_changed(own: Mapping[str, Path], stated: Mapping[str, str | None]) -> None:
    """Check that files have the contents that the settings state.

    A job calls it with the files it has read: its settings were determined when the run began.

    Parameters
    ----------
    own
        {name: file}.
    stated
        {name: hex sha256}.

    Raises
    ------
    UserError
        A file has changed.
    """
    digests = {name: files.sha256(path) for name, path in own.items()}
    if changed := sorted(n for n in {*digests, *stated} if digests.get(n) != stated.get(n)):
        path = own.get(changed[0], changed[0])
        raise UserError(f"{path}: has changed since this run began; run again")


def refuse_others(key: str, block: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Check an entry's own files with `refuse_changed`.

    Parameters
    ----------
    key
        "file" or "path".
    block
        The entry.
    settings
        Those of the artifact's record.

    Raises
    ------
    UserError
        A file has changed.
    """
    if key in settings:
        own = {_named(key, name, path): path for name, path in own_files(block).items()}
        refuse_changed(own, settings[key])


def as_asked(hub: Facts, known: Facts) -> Facts:
    """Replace the commit in `hub` by the requested revision if that resolved to the same commit.

    So a commit can be written into the configuration later without making anything again.

    Parameters
    ----------
    hub
        `id` and `revision`, as configured.
    known
        The source in the artifact's manifest.
    """
    if "asked" in known and [hub["id"], hub["revision"]] == [known["id"], known["revision"]]:
        return hub | {"revision": known["asked"]}
    return hub


def _named(key: str, name: str, path: Path) -> str:
    """Add to `name` the suffix that decides how a table is read, if its bytes do not."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    return name if key == "path" or suffix in PLAIN else f"{name}{suffix}"


def _stat(path: Path) -> Facts:
    status = path.stat()
    return {"path": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def source_of(artifact: Path) -> Facts:
    """The source that a folder's manifest, or a table's record, states; empty if there is none."""
    record = artifact.with_name(f"{artifact.name}.json")
    if artifact.suffix == ".csv" and not artifact.is_dir():  # a dataset may be called x.csv
        manifest = files.read_json(record) if record.exists() else {}
    else:
        manifest = files.manifest_of(artifact)
    source: Facts = manifest.get("source", manifest)
    return source
