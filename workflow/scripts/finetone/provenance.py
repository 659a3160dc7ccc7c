"""The record that every artifact carries: its settings, and what it was made from.

Where the record is depends on the format: among the keys of a JSON file, in the metadata of a
Parquet or Arrow file, in a comment at the end of an SVG or HTML file, in `<name>.csv.json` beside a
CSV file, in the manifest of a folder. It is therefore copied together with the artifact.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetone import files

RUN = {"run.json", "history.parquet", "checkpoint", "epochs", "model"}  # of a run: one record
KEYS = (b"fingerprint", b"inputs", b"content", b"decision")
STATED = [re.compile(rb'"%s": "([0-9a-f]{64})"' % key) for key in KEYS]
SEAL = re.compile(r'<!-- finetone {[^{}]*"sha256": "([0-9a-f]{64})"} -->\n')
TAIL = 512  # bytes at the end of an SVG or HTML file that hold its seal


@dataclass(frozen=True)
class Provenance:
    """What an artifact is made from, and with which settings.

    Attributes
    ----------
    fingerprint
        Hex sha256 over the settings and the fingerprints of everything it is made from.
    settings
        The settings that decide its bytes.
    inputs
        Digest of the records of what it was made from.
    """

    fingerprint: str
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The keys under which artifacts hold it."""
        return {"fingerprint": self.fingerprint, "inputs": self.inputs, "settings": self.settings}

    @classmethod
    def of_job(cls, param: str, inputs: Iterable[str]) -> "Provenance":
        """The provenance of the artifact that a job makes.

        Parameters
        ----------
        param
            The parameter `settings` of its rule, from `Experiment.param`.
        inputs
            All files that the job reads.
        """
        facts = json.loads(param)
        folder = Path(facts.pop("folder"))
        ours = (path for path in map(Path, inputs) if below(path, folder))
        records = {record for path in ours if (record := record_of(path))}
        return cls(**facts, inputs=digest(map(read, records)) or "")


@dataclass(frozen=True)
class Record:
    """The record of an artifact on disk (see `Provenance`).

    Attributes
    ----------
    fingerprint, inputs
        "" if it has none.
    digest
        Hex sha256 of the whole record or, if it states a hash of the artifact's `content`, of
        fingerprint and content: a record may also hold measured times, which do not affect what
        is made from the artifact. If it states a hash of a `decision`, of that alone.
    """

    fingerprint: str
    inputs: str
    digest: str


def below(path: Path, folder: Path) -> Path | None:
    """Return a path as the experiment names it, wherever a storage keeps its copy of the file.

    Parameters
    ----------
    path
        In the experiment's folder, or in one like it below that of a storage.
    folder
        Of the experiment.

    Returns
    -------
    Path or None
        In `folder`; None if the file is not the experiment's.
    """
    parts, own = path.parts, [part for part in folder.parts if part != folder.anchor]
    for start in range(len(parts) - len(own)):
        end = start + len(own)
        if list(parts[start:end]) == own:
            return folder.joinpath(*parts[end:])
    return None


def keys_of(provenance: Provenance | None) -> dict[str, Any]:
    """Keys of a record for a file; none for an artifact that is made outside an experiment."""
    return provenance.as_dict() if provenance else {}


def as_param(content: Any) -> str:
    """Format content as one line of JSON for a rule's `params`.

    Snakemake writes parameters into its HTML report without escaping, so the characters of markup
    are written as JSON escapes.
    """
    text = json.dumps(content, ensure_ascii=True)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def record_of(file: Path) -> Path | None:
    """The file with the record of an artifact, or of a part of one; None if it has none."""
    if file.name in RUN and file.parent.name.startswith("seed"):
        return file.parent / "run.json"
    if file.suffix == ".csv":
        return csv_record(file)
    if file.is_dir():
        return file / "manifest.json"
    return None if file.suffix == ".whl" else file


def read(record: Path) -> Record | None:
    """Read the record in a file.

    Of a large file only the part that can hold the record is read, because this is done for every
    artifact at the start of every run.

    Returns
    -------
    Record or None
        None if there is no file.

    Raises
    ------
    UserError
        The file cannot be read.
    """
    with files.readable(record):
        if not record.is_file():  # or a link that leads nowhere
            return None
        with record.open("rb") as stream:
            part = _part(stream, record.suffix)
    found = (pattern.search(part) for pattern in STATED)
    fingerprint, inputs, content, decision = (m[1].decode() if m else "" for m in found)
    stated = f"{fingerprint} {content}".encode() if content else decision.encode() or part
    return Record(fingerprint, inputs, hashlib.sha256(stated).hexdigest())


def digest(records: Iterable[Record | None]) -> str | None:
    """One digest over records, whatever their order; None if one of them is missing."""
    digests = [record.digest if record else "" for record in records]
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest() if all(digests) else None


def _part(stream: Any, suffix: str) -> bytes:
    """The bytes of an open file that contain its record."""
    size = stream.seek(0, 2)
    match suffix:
        case ".parquet" | ".arrow":  # they end with a footer, its length and a magic word
            word = b"PAR1" if suffix == ".parquet" else b"ARROW1"
            stream.seek(max(size - len(word) - 4, 0))
            end = stream.read()
            length = int.from_bytes(end[:4], "little") + len(end) if end.endswith(word) else 0
        case ".svg" | ".html":
            length = TAIL
        case _:
            length = size
    stream.seek(max(size - length, 0))
    return bytes(stream.read(length))


def csv_record(table: Path) -> Path:
    """The file with the record of a CSV file, which cannot hold one itself."""
    return table.with_name(f"{table.name}.json")


def record_csv(table: Path, provenance: Provenance | None) -> None:
    """Write the record of a finished CSV file beside it, with the hash of the file."""
    about = keys_of(provenance)
    files.write_json(csv_record(table), about | {"sha256": files.sha256(table)})


def check_csv(table: Path) -> None:
    """Check a CSV file against its record, if it has one.

    Raises
    ------
    UserError
        The file is not the recorded one.
    """
    record = csv_record(table)
    if record.exists():
        stated = files.read_json(record).get("sha256", "")
        files.unchanged(record, {table.name: stated}, remedy=table)


def seal(page: Path, provenance: Provenance | None) -> None:
    """End a finished SVG or HTML file with its record in a comment, which reveals later changes."""
    if provenance is None:
        return
    text = page.read_text(encoding="utf-8")
    about = json.dumps(
        {
            "fingerprint": provenance.fingerprint,
            "inputs": provenance.inputs,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
    )
    with files.atomic(page) as partial:
        partial.write_text(f"{text}<!-- finetone {about} -->\n", encoding="utf-8")


def check_seal(page: Path) -> None:
    """Check that an SVG or HTML file is complete and, if it is sealed, unchanged.

    A complete file without a seal is of an earlier version.

    Raises
    ------
    UserError
        It was changed or cut off.
    """
    with files.readable(page):
        text = page.read_text(encoding="utf-8", errors="replace")
    found = SEAL.search(text[-TAIL:])
    whole = text.rstrip().endswith("</svg>") or text.rstrip().endswith("</html>")
    if found:
        body = text[: len(text) - len(found[0])] if text.endswith(found[0]) else ""
        whole = hashlib.sha256(body.encode()).hexdigest() == found[1]
    if not whole:
        raise files.altered(page, Path("its last line"), page)
