"""Files that are called text and are something else, known by their first bytes."""

from finetone.errors import UserError

SPREADSHEET = "is a spreadsheet or an archive; save it as CSV (UTF-8) there, and give that"
PACKED = "is compressed, and only .gz is read; unpack it, or compress it with gzip"
STARTS = {
    b"\x1f\x8b": "is compressed with gzip; let its name end in .gz",
    b"PAR1": "is Parquet; let its name end in .parquet",
    b"PK\x03\x04": SPREADSHEET,
    b"\xd0\xcf\x11\xe0": SPREADSHEET,
    b"BZh": PACKED,
    b"\xfd7zXZ": PACKED,
    b"\x28\xb5\x2f\xfd": PACKED,
}
SUFFIXES = (".zip", ".zst", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz", ".lz4", ".z")
LOOKED = 64  # bytes


def refuse(start: bytes, name: str, encoding: str | None) -> None:
    """Raise a UserError if a file, by its first bytes, is no text in the encoding that it should be.

    Parameters
    ----------
    start
        LOOKED bytes, or all there are.
    name
        Of the table, for messages.
    encoding
        What the user said.
    """
    for mark, what in STARTS.items():
        if start.startswith(mark):
            raise UserError(f"{name}: {what}")
    halves = start[::2], start[1::2]
    for order, (letters, zeros) in (("le", halves), ("be", halves[::-1])):
        # Latin letters in UTF-16 have a zero byte each
        few = zeros.count(0) <= len(zeros) / 2
        if encoding is None and start and 0 not in letters and not few:
            raise UserError(
                f"{name}: seems to be UTF-16 without a byte order mark; give its encoding:, "
                f"such as utf-16-{order}, or save it as UTF-8"
            )
