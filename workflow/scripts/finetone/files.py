"""Files that are either complete under their final name or not there at all."""

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
    """Yield a temporary path next to `path`, renamed to it when the block ends without error.

    The block may write it as a file or as a folder. It is in the same folder as `path`, so that the
    final rename never crosses a file system. What a killed process left of the same file is
    removed. Whoever may read or write what this process creates may do so with `path`, whichever
    library wrote it.

    Parameters
    ----------
    path
        The file or folder to write.

    Raises
    ------
    UserError
        The disk is full, or the path cannot be written, or a file would replace a folder.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written (there is no folder {path.parent}, and none can be made: "
            f"{error.strerror})"
        ) from None
    begun = f".{path.name}.partial-"
    partial = path.with_name(f"{begun}{os.getpid()}")
    try:
        for left in [p for p in path.parent.iterdir() if p.name.startswith(begun)]:
            if left == partial or not _runs(left.name.removeprefix(begun)):
                _remove(left)
        yield partial
        _share(partial)
        _sync(partial)
        if path.is_dir() and not path.is_symlink():
            if not partial.is_dir():
                refuse_folder(path)  # what is in it may be the user's
            shutil.rmtree(path)
        partial.replace(path)
    except Exception as error:
        number = _errno(error)
        if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise UserError(
                f"{path}: no space left while writing ({os.strerror(number)}); free some disk "
                "space, or raise the limit, and run again"
            ) from error
        if number in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise UserError(f"{path}: cannot be written ({os.strerror(number)})") from error
        raise
    finally:
        _remove(partial)


def _errno(error: Exception) -> int:
    """The system's error number, also from a library in Rust, which puts it in the text; else 0."""
    if isinstance(error, OSError):
        return error.errno or 0
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else 0


def refuse_folder(path: str | Path) -> None:
    """Raise a UserError if there is a folder where a file is to be written."""
    if Path(path).is_dir():
        raise UserError(f"{path}: is a folder; name a file that is to be written, or move it away")


def refuse_read_only(paths: Iterable[str | Path]) -> None:
    """Check, before any work is done, that all files could be written.

    Parameters
    ----------
    paths
        Files and folders that may not exist yet.

    Raises
    ------
    UserError
        A folder of one of them cannot be written.
    """
    wanted = {Path(path) for path in paths}
    made = {path for path in wanted if os.access(path, os.F_OK) and path.is_dir()}
    for folder in sorted(made | {path.parent for path in wanted}):
        while not os.access(folder, os.F_OK):  # missing, or in a folder without permission
            folder = folder.parent
        if not folder.is_dir():
            raise UserError(
                f"{folder}: is a file, so nothing can be written below it; name another"
            )
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(
                f"{folder}: cannot be written (no permission, or a read-only disk); make it "
                f"writable (chmod u+rwx, or g+rwx by its owner), or run where you may write "
                f"(snakemake --directory)"
            )


def check_mtimes(paths: Iterable[str | Path]) -> None:
    """Check that no file has a modification time in the future.

    Everything made from such a file would look older than it. Snakemake reports this only after the
    work is done, and then discards the result.

    Parameters
    ----------
    paths
        Files; those that do not exist are skipped.

    Raises
    ------
    UserError
        A time is in the future.
    """
    for path in map(Path, paths):
        ahead = path.stat().st_mtime - time.time() if path.exists() else 0
        if ahead > 2:
            raise UserError(
                f"{path}: bears a time {ahead:.0f} s in the future; set the clock right, or give the "
                f"file a new time: touch {shlex.quote(str(path))}"
            )


def _share(path: Path) -> None:
    """Give files that a library wrote for their owner alone (safetensors) the mode of a new file.

    That is a question to the system: besides the umask, the folder may have a rule of its own.
    """
    private = [file for file in files_of(path) if not file.stat().st_mode & 0o077]
    if private:
        new = path.with_name(f"{path.name}.mode")
        new.touch()
        mode = new.stat().st_mode
        new.unlink()
        for file in private:
            file.chmod(mode)


def _sync(path: Path) -> None:
    """Push file contents to the disk before the rename makes them visible."""
    for file in files_of(path):
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _runs(pid: str) -> bool:
    """Whether there is a process with that number."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:  # a process of another user
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def files_of(path: Path) -> list[Path]:
    """All files in a folder, at any depth, sorted; of a file itself; none if there is nothing."""
    if not path.is_dir():
        return [path] if path.exists() else []
    return sorted(file for file in path.rglob("*") if file.is_file() and file.name != STAMP)


def sha256(path: str | Path) -> str:
    """Hex digest of a file, or of the sorted (relative name, digest) pairs of a folder."""
    path = Path(path)
    digest = hashlib.sha256()
    if path.is_dir():
        for file in files_of(path):
            digest.update(f"{file.relative_to(path)} {sha256(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def unchanged(manifest: Path, hashes: Mapping[str, str], remedy: Path | None = None) -> None:
    """Check files and folders against their hashes.

    Parameters
    ----------
    manifest
        The file that lists them; they are in the same folder.
    hashes
        {name: hex sha256}.
    remedy
        What to delete to have them made again; the folder if not given.

    Raises
    ------
    UserError
        One is missing or has other content.
    """
    remedy = remedy or manifest.parent
    for name, digest in hashes.items():
        file = manifest.parent / name
        with readable(file, remedy):
            if not file.exists() or sha256(file) != digest:
                raise altered(file, manifest, remedy)


@contextmanager
def readable(path: Path, remedy: Path | None = None) -> Iterator[None]:
    """Within this context, turn errors of the file system into a UserError about `path`.

    Parameters
    ----------
    path
        The artifact that is read.
    remedy
        What to delete to have it made again; `path` if not given.

    Raises
    ------
    UserError
        It is missing or cannot be read.
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
    """The error for a file or folder whose content is not the recorded one.

    Parameters
    ----------
    path
        The file or folder.
    record
        The file that records its content.
    remedy
        What to delete to have it made again.
    """
    kind = "folder" if path.is_dir() else "file"
    return UserError(ALTERED.format(path=path, kind=kind, record=record, remedy=remedy))


def check_folder(folder: Path, *, weights: bool = True) -> dict[str, Any]:
    """Check all files of a folder against its manifest.

    Parameters
    ----------
    folder
        A folder that we made.
    weights
        Whether to check *.safetensors; readers that do not open them leave them out.

    Returns
    -------
    dict
        Content of manifest.json.

    Raises
    ------
    UserError
        A file was altered, is missing, or was added (libraries read what they find).
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
    """The file of a split in a dataset's folder, once its hash was checked.

    Parameters
    ----------
    data
        Folder of the dataset.
    name
        Of the split.

    Raises
    ------
    UserError
        The file is not the one in the manifest.
    """
    manifest = data / "manifest.json"
    split = data / f"{name}.parquet"
    unchanged(manifest, {split.name: read_json(manifest)["splits"][name]})
    return split


def tested_split(data: Path) -> Path:
    """The file, checked, of the rows of a dataset that methods are tested on.

    Without a test split they are cross-validated on all rows of train.

    Parameters
    ----------
    data
        Folder of the dataset.
    """
    splits = read_json(data / "manifest.json")["splits"]
    return split_of(data, "test" if "test" in splits else "train")


def checksum(about: Mapping[str, Any], *arrays: Any) -> str:
    """Hex sha256 over facts and arrays.

    Parameters
    ----------
    about
        Facts that JSON can hold; their order does not matter.
    arrays
        Contiguous arrays.
    """
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for array in arrays:
        digest.update(array)
    return digest.hexdigest()


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write a JSON file with its schema version and, last, a checksum of all its content.

    Parameters
    ----------
    path
        The file to write.
    content
        Keys keep their order, except that `fingerprint` comes first, where it is looked for.
    """
    first = {"schema_version": SCHEMA_VERSION}
    if "fingerprint" in content:
        first["fingerprint"] = content["fingerprint"]
    content = first | content
    content = json.loads(json.dumps(content, ensure_ascii=False))  # as read_json will return it
    content["checksum"] = checksum(content)
    with atomic(path) as partial:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON file that we wrote.

    Raises
    ------
    UserError
        It cannot be read, has another schema version, or was altered.
    """
    path = Path(path)
    whole = path.parent if path.name == "manifest.json" else path  # a folder is one artifact
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
    """Content of a folder's manifest.json; empty for a folder of another origin without one.

    Raises
    ------
    UserError
        It cannot be read.
    """
    manifest = folder / "manifest.json"
    with readable(manifest, folder):
        there = manifest.exists()
    return read_json(manifest) if there else {}
