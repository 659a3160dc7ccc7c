"""Wheels are fetched with pip, checked, and read by name; hostile ones harm nothing."""

import gzip
import hashlib
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from finetone import files
from finetone.data import wheel
from finetone.errors import UserError

INFO = "parcel-1.0.dist-info"


@pytest.fixture
def parcel(tmp_path: Path) -> Path:
    """A wheel pip accepts, holding data."""
    path = tmp_path / "index" / "parcel-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("parcel/data/rows.csv", "text,label\ngood,1\n")
        archive.writestr("parcel/data/rows.csv.gz", gzip.compress(b"text,label\nbad,0\n"))
        archive.writestr("parcel/data/deeper/other.csv", "no")
        archive.writestr("parcel/data/deeper/rows.csv", "no")
        archive.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: parcel\nVersion: 1.0\n")
        archive.writestr(
            f"{INFO}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{INFO}/RECORD", "")
    return path


@pytest.fixture
def local_index(parcel: Path, monkeypatch) -> Path:
    """pip finds the parcel, and no network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(parcel.parent))
    return parcel


def test_a_wheel_is_fetched_whole_under_its_final_name(local_index: Path, tmp_path: Path):
    target = tmp_path / "downloads" / "parcel.whl"
    wheel.fetch("parcel==1.0", files.sha256(local_index), target)
    assert target.read_bytes() == local_index.read_bytes()
    assert [p.name for p in target.parent.iterdir()] == ["parcel.whl"]


def test_a_wrong_digest_is_told_with_both_and_leaves_nothing(local_index: Path, tmp_path: Path):
    target = tmp_path / "downloads" / "parcel.whl"
    with pytest.raises(UserError) as caught:
        wheel.fetch("parcel==1.0", "0" * 64, target)
    assert "0" * 64 in str(caught.value)
    assert files.sha256(local_index) in str(caught.value)
    assert list(target.parent.iterdir()) == []


def test_a_pip_that_is_told_to_fetch_more_is_refused(
    local_index: Path, tmp_path: Path, monkeypatch
):
    other = local_index.with_name("other-1.0-py3-none-any.whl")
    with zipfile.ZipFile(local_index) as one, zipfile.ZipFile(other, "w") as two:
        for name in one.namelist():
            two.writestr(
                name.replace("parcel", "other"), one.read(name).replace(b"parcel", b"other")
            )
    (tmp_path / "more.txt").write_text("other==1.0\n")
    monkeypatch.setenv("PIP_REQUIREMENT", str(tmp_path / "more.txt"))
    with pytest.raises(UserError, match="^parcel==1.0: pip left 2 wheels instead of one"):
        wheel.fetch("parcel==1.0", files.sha256(local_index), tmp_path / "parcel.whl")
    assert not (tmp_path / "parcel.whl").exists()


def test_what_pip_says_is_passed_on(local_index: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"No matching distribution found for parcel==2\.0\)") as e:
        wheel.fetch("parcel==2.0", "0" * 64, tmp_path / "x.whl")
    assert "PIP_INDEX_URL" in str(e.value)


def test_what_pip_says_is_passed_on_without_passwords(tmp_path: Path, monkeypatch, caplog):
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://anna:Tr0ub4dor@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(UserError, match="pip could not download it") as caught:
        wheel.fetch("parcel==2.0", "0" * 64, tmp_path / "x.whl")
    assert "Tr0ub4dor" not in str(caught.value) + caplog.text
    monkeypatch.setenv("PIP_INDEX_URL", "http://anna:Tr0ub4dor/@127.0.0.1:9/simple")
    with pytest.raises(UserError, match="pip could not download it") as caught:
        wheel.fetch("parcel==2.0", "0" * 64, tmp_path / "x.whl")
    assert "Tr0ub4dor" not in str(caught.value) + caplog.text


@pytest.mark.parametrize("requirement", ["-r==1", "--index-url==x", "parcel", "parcel==1.0 other"])
def test_a_requirement_cannot_smuggle_options(requirement, tmp_path: Path):
    with pytest.raises(UserError, match="write it as name==version"):
        wheel.fetch(requirement, "0" * 64, tmp_path / "x.whl")


def test_pip_is_not_looked_for_in_the_working_directory(local_index, tmp_path: Path, monkeypatch):
    (tmp_path / "pip.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    wheel.fetch("parcel==1.0", files.sha256(local_index), tmp_path / "x.whl")
    assert not (tmp_path / "ran").exists()


def test_members_are_read_and_gz_is_unpacked(parcel: Path):
    assert wheel.read_member(parcel, "parcel/data/rows.csv") == b"text,label\ngood,1\n"
    assert wheel.read_member(parcel, "parcel/data/rows.csv.gz") == b"text,label\nbad,0\n"


def test_a_missing_member_names_near_ones(parcel: Path):
    with pytest.raises(UserError, match=r"did you mean 'parcel/data/deeper/other.csv'\?"):
        wheel.read_member(parcel, "data/other.csv")
    with pytest.raises(UserError, match=r"holds no 'zzz'$"):
        wheel.read_member(parcel, "zzz")


def test_a_folder_gives_its_own_files_only(parcel: Path, tmp_path: Path):
    names = wheel.extract_folder(parcel, "parcel/data", tmp_path / "out")
    assert names == ["rows.csv", "rows.csv.gz"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == names
    assert (tmp_path / "out" / "rows.csv").read_text() == "text,label\ngood,1\n"


def test_a_missing_folder_names_near_ones(parcel: Path, tmp_path: Path):
    with pytest.raises(UserError, match="holds no files in 'parcel/dat'; did you mean"):
        wheel.extract_folder(parcel, "parcel/dat", tmp_path / "out")


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "entry,why",
    [
        ("parcel/data/../../../evil", "points outside"),
        ("/tmp/evil", "points outside"),
        ("parcel\\..\\evil", "points outside"),
        ("C:/evil", "points outside"),
        (link("parcel/data/link"), "symbolic link"),
    ],
)
def test_hostile_entries_are_refused(parcel: Path, tmp_path: Path, entry, why):
    with zipfile.ZipFile(parcel, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=why):
        wheel.extract_folder(parcel, "parcel/data", tmp_path / "out")
    with pytest.raises(UserError, match=why):
        wheel.read_member(parcel, "parcel/data/rows.csv")
    assert sorted(p for p in tmp_path.rglob("*") if p != tmp_path / "out") == before


def test_bombs_are_refused_declared_and_produced(parcel: Path, tmp_path: Path, monkeypatch):
    with zipfile.ZipFile(parcel, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("parcel/data/big.csv", b"\0" * 5_000_000)
        archive.writestr("parcel/data/big.csv.gz", gzip.compress(b"\0" * 5_000_000))
    monkeypatch.setattr(wheel, "MEMBER_LIMIT", 3_000_000)
    monkeypatch.setattr(wheel, "FOLDER_LIMIT", 3_000_000)
    for name in ("big.csv", "big.csv.gz"):
        with pytest.raises(UserError, match="unpacks to more than is allowed"):
            wheel.read_member(parcel, f"parcel/data/{name}")
    with pytest.raises(UserError, match="unpacks to more than is allowed"):
        wheel.extract_folder(parcel, "parcel/data", tmp_path / "out")


def test_damage_is_a_sentence(parcel: Path, tmp_path: Path):
    broken = tmp_path / "broken.whl"
    with pytest.raises(UserError, match="no such wheel"):
        wheel.read_member(broken, "x")
    broken.write_bytes(b"not a zip")
    with pytest.raises(UserError, match="broken archive"):
        wheel.read_member(broken, "x")
    content = bytearray(parcel.read_bytes())
    at = content.index(b"good,1")
    content[at] ^= 1
    broken.write_bytes(content)
    with pytest.raises(UserError, match=r"broken archive \(Bad CRC"):
        wheel.read_member(broken, "parcel/data/rows.csv")


def pieces(archive: bytes, folder: Path, number: int = 3) -> tuple[list[Path], dict[str, Any]]:
    """Wheels that carry an archive in pieces, and the source that names them."""
    size = -(-len(archive) // number)
    wheels, parts = [], []
    for i in range(number):
        path = folder / f"piece-{i}.whl"
        with zipfile.ZipFile(path, "w") as wheel_file:
            wheel_file.writestr(f"piece/a.zip.{i}", archive[i * size : (i + 1) * size])
        wheels.append(path)
        piece = {"requirement": f"piece{i}==1", "member": f"piece/a.zip.{i}"}
        parts.append(piece | {"sha256": files.sha256(path)})
    return wheels, {"parts": parts, "sha256": hashlib.sha256(archive).hexdigest()}


def test_pieces_in_several_wheels_are_joined(parcel: Path, tmp_path: Path):
    wheels, source = pieces(parcel.read_bytes(), tmp_path)
    with wheel.open_archive(wheels, source) as archive:
        assert wheel.read_member(archive, "parcel/data/rows.csv") == b"text,label\ngood,1\n"
        assert wheel.extract_folder(archive, "parcel/data", tmp_path / "out")[0] == "rows.csv"
        left = archive.parent
    assert not left.exists()


def test_what_is_wrong_with_pieces_is_told_without_temporary_names(parcel: Path, tmp_path: Path):
    wheels, source = pieces(parcel.read_bytes(), tmp_path)
    joined = r"^the archive joined from piece-0.whl … piece-2.whl: "

    def read(wheels: list[Path], source: dict[str, Any], folder: str = "parcel/data") -> None:
        with wheel.open_archive(wheels, source) as archive:
            wheel.extract_folder(archive, folder, tmp_path / "out")

    with pytest.raises(UserError, match=joined + "holds no files in 'parcel/dat'; did you mean"):
        read(wheels, source, "parcel/dat")
    swapped = source | {"parts": source["parts"][::-1]}
    with pytest.raises(UserError, match="joined from piece-2.whl … .* all there and in order"):
        read(wheels[::-1], swapped | {"sha256": "0" * 64})
    with pytest.raises(UserError, match="piece-0.whl: its sha256 is .*; delete it and run again"):
        read(wheels[:1] + wheels[:2], source)
    missing = {"parts": [*source["parts"][:2], source["parts"][2] | {"member": "piece/a"}]}
    with pytest.raises(UserError, match="piece-2.whl: holds no 'piece/a'"):
        read(wheels, source | missing)


@pytest.mark.parametrize("entry", ["../evil", "parcel/data/../../evil"])
def test_a_joined_archive_is_as_little_trusted_as_a_wheel(entry: str, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("parcel/data/rows.csv", "x")
        archive.writestr(entry, "x")
    wheels, source = pieces((tmp_path / "a.zip").read_bytes(), tmp_path)
    with (
        pytest.raises(UserError, match="refused, its entry .* points outside the archive"),
        wheel.open_archive(wheels, source) as joined,
    ):
        wheel.extract_folder(joined, "parcel/data", tmp_path / "out")


def test_a_joined_bomb_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("parcel/data/rows.csv", bytes(300 << 20))
    wheels, source = pieces((tmp_path / "a.zip").read_bytes(), tmp_path)
    with (
        pytest.raises(UserError, match="refused, 'parcel/data/rows.csv' unpacks to more than"),
        wheel.open_archive(wheels, source) as joined,
    ):
        wheel.extract_folder(joined, "parcel/data", tmp_path / "out")
