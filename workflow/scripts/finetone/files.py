"""Files that are either whole under their final name or not there at all."""

import errno
import hashlib
import json
import os
import re
import shlex
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from finetone import SCHEMA_VERSION
from finetone.errors import UserError, first_line

CHUNK = 1 << 20
STAMP = ".snakemake_timestamp"  # Snakemake's own mark in a folder it made
ALTERED = "{path}: not the {kind} {record} describes; delete {remedy} and run again"


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary neighbour of `path`; it takes that name when the block ends without error.

    The neighbour may be written as a file or as a directory. It is in the same folder, so the
    final rename never crosses a file system. A full disk becomes a UserError that names the file.
    What a killed process left of the same file is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = f".{path.name}.partial-"
    partial = path.with_name(f"{begun}{os.getpid()}")
    try:
        for left in [p for p in path.parent.iterdir() if p.name.startswith(begun)]:
            if left == partial or not _runs(left.name.removeprefix(begun)):
                _remove(left)
        yield partial
        _sync(partial)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        partial.replace(path)
    except Exception as error:
        number = _errno(error)
        if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise UserError(
                f"{path}: no space left while writing ({os.strerror(number)}); free some disk "
                "space, or raise the limit, and run again"
            ) from error
        if number in (errno.EACCES, errno.EROFS):
            raise UserError(f"{path}: cannot be written ({os.strerror(number)})") from error
        raise
    finally:
        _remove(partial)


def _errno(error: Exception) -> int:
    """The system's number of an error, also of a library in Rust, which tells it in words; or 0."""
    if isinstance(error, OSError):
        return error.errno or 0
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else 0


def refuse_read_only(paths: Iterable[str | Path]) -> None:
    """Raise a UserError unless each of `paths` could be made where it is to be."""
    wanted = {Path(path) for path in paths}
    made = {path for path in wanted if os.access(path, os.F_OK) and path.is_dir()}
    for folder in sorted(made | {path.parent for path in wanted}):
        while not os.access(folder, os.F_OK):  # not there, or in a folder that may not be entered
            folder = folder.parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(
                f"{folder}: cannot be written (no permission, or a read-only disk); make it "
                f"writable (chmod u+rwx) or run where you may write (snakemake --directory)"
            )


def check_mtimes(paths: Iterable[str | Path]) -> None:
    """Raise a UserError for a file whose time is in the future.

    What is made of it would look older than it; Snakemake finds that only after the job, and then
    deletes what the job made.
    """
    for path in map(Path, paths):
        ahead = path.stat().st_mtime - time.time() if path.exists() else 0
        if ahead > 2:
            raise UserError(
                f"{path}: bears a time {ahead:.0f} s in the future; set the clock right, or give the "
                f"file a new time: touch {shlex.quote(str(path))}"
            )


def _sync(path: Path) -> None:
    """Push file contents to the disk before the rename makes them visible."""
    for file in [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _runs(pid: str) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256(path: str | Path) -> str:
    """Hex digest of a file, or of a directory's (relative name, digest) pairs in sorted order."""
    path = Path(path)
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            if file.name != STAMP:
                digest.update(f"{file.relative_to(path)} {sha256(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def unchanged(manifest: str | Path, hashes: Mapping[str, str]) -> None:
    """Raise a UserError unless each file or folder in `hashes` {name: sha256} is beside `manifest`
    and has that content."""
    manifest = Path(manifest)
    for name, digest in hashes.items():
        file = manifest.parent / name
        with readable(file, manifest.parent):
            if not file.exists() or sha256(file) != digest:
                raise altered(file, manifest, manifest.parent)


@contextmanager
def readable(path: Path, remedy: Path | None = None) -> Iterator[None]:
    """Make a UserError of an error of the file system while an artifact at `path` is read.

    `remedy` is what to delete to have it made again, if that is not the file alone.
    """
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: is missing; delete {remedy or path} and run again") from None
    except OSError as error:  # no permission, a folder, a file where a folder should be, a bad disk
        raise UserError(
            f"{path}: cannot be read ({error.strerror or first_line(error)}); make it readable, "
            f"or delete {remedy or path} and run again"
        ) from None


def altered(path: Path, record: Path, remedy: Path) -> UserError:
    """The error for a file or folder that is not what `record` says was written there."""
    kind = "folder" if path.is_dir() else "file"
    return UserError(ALTERED.format(path=path, kind=kind, record=record, remedy=remedy))


def check_folder(folder: Path, *, weights: bool = True) -> dict[str, Any]:
    """The manifest of a folder of ours, once all files that it lists are found unchanged.

    Parameters
    ----------
    weights
        False leaves out *.safetensors, for jobs that do not open them.

    Raises
    ------
    UserError
        A file was altered, is missing, or was put in: libraries read what they find.
    """
    manifest = folder / "manifest.json"
    about = read_json(manifest)
    listed: dict[str, str] = about.get("files", {})
    for file in sorted(folder.iterdir()) if listed else ():
        if file.name not in (*listed, manifest.name, STAMP):
            raise altered(file, manifest, folder)
    unchanged(
        manifest,
        {name: d for name, d in listed.items() if weights or not name.endswith(".safetensors")},
    )
    return about


def split_of(data: Path, name: str) -> Path:
    """The file of split `name` in a dataset's folder; a UserError if it is not its manifest's."""
    manifest = data / "manifest.json"
    split = data / f"{name}.parquet"
    unchanged(manifest, {split.name: read_json(manifest)["splits"][name]})
    return split


def checksum(about: Mapping[str, Any], *arrays: Any) -> str:
    """Hex sha256 over JSON-able facts, in whatever order, and the bytes of contiguous arrays."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for array in arrays:
        digest.update(array)
    return digest.hexdigest()


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write `content` with its schema version and, last, a checksum over all of it.

    The keys keep their order, but for a fingerprint: it comes first, where it is looked for.
    """
    first = {"schema_version": SCHEMA_VERSION}
    if "fingerprint" in content:
        first["fingerprint"] = content["fingerprint"]
    content = first | content
    content = json.loads(json.dumps(content, ensure_ascii=False))  # as a reader will have it
    content["checksum"] = checksum(content)
    with atomic(path) as partial:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON file of ours; a broken one or one of another schema version is a UserError."""
    path = Path(path)
    whole = path.parent if path.name == "manifest.json" else path  # a folder is made as a whole
    remedy = f"delete {whole} and run again"
    try:
        with readable(path, whole):
            content = json.loads(path.read_text(encoding="utf-8"))
        version = content["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        why = first_line(error)
        raise UserError(f"{path}: no JSON file of finetone ({why}); {remedy}") from None
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path}: schema version {version}, but this finetone reads {SCHEMA_VERSION}; {remedy}"
        )
    # files of earlier versions have neither a checksum nor a fingerprint
    stated = content.pop("checksum", None)
    if (stated or "fingerprint" in content) and stated != checksum(content):
        raise UserError(
            f"{path}: changed since it was written (its checksum is of other content); {remedy}"
        )
    return content


def manifest_of(folder: Path) -> dict[str, Any]:
    """What the folder's manifest.json says; nothing where a folder of another origin has none."""
    manifest = folder / "manifest.json"
    with readable(manifest, folder):
        there = manifest.exists()
    return read_json(manifest) if there else {}
