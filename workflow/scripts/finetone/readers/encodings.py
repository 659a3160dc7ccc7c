"""Encodings of text files: the byte order mark, UTF-8, or if proven cp1252 or that of China."""

import codecs
import io
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import IO, Any

from finetone.errors import UserError

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
WESTERN = "cp1252"
# Letters beyond ASCII of languages that are written in cp1252 (Unicode CLDR, exemplar characters).
ALPHABETS = [
    set("àâæçéèêëîïñôœùûüÿ"),  # French
    set("àäâéèöüß"),  # German
    set("áéíñóúüïªº"),  # Spanish
    set("áâãàçéêíòóôõúüªº"),  # Portuguese
    set("àèéìíîòóùúªº"),  # Italian
    set("àçèéíïòóúü·"),  # Catalan
    set("áäéëèêïíóöúü"),  # Dutch
    set("åäöæøéàüèóôêš"),  # Danish, Norwegian, Swedish, Finnish
    set("áðéíóúýþæö"),  # Icelandic
    set("àáèéëêïñóôöüç"),  # English, in words from elsewhere
]
MARKS_OF_TEXT = set("\u00a0\u00ad…–—‘’‚“”„‹›«»•·¡¿€£¥§©®™°´±²³½¼¾×¢¤¦¨")
WORD = re.compile(r"[^\W\d_]+")
CHINESE = "gb18030"  # includes GBK and GB2312
# The commonest characters of simplified Chinese: nearly a third of any text. What other encodings
# make of other languages' bytes seldom holds them.
COMMON = set(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里电影好看很没"
)
HAN = re.compile("[\u3400-\u9fff]")
SIGNS_OF_CHINESE = re.compile("[\u3000-\u303f\uff00-\uffef“”‘’…—·\u2460-\u2473℃×→]")
LEAST_HAN, COMMON_SHARE = 50, 0.15  # characters that prove something, and how many are common
ENOUGH = 20_000  # lines beyond ASCII that are looked at
SHARE = 0.98  # of them that must be text of one of the languages


class NotUtf8(UserError):
    """A file that says nothing about its encoding is not UTF-8."""


def marked(start: bytes) -> str | None:
    """The encoding that the byte order mark at the start of a file states."""
    return next((name for mark, name in MARKS.items() if start.startswith(mark)), None)


def proven(lines: Callable[[], Iterable[bytes]]) -> str | None:
    """The encoding of a file that is not UTF-8, where it can be no other; None if it could.

    Parameters
    ----------
    lines
        Gives those of the whole file, as often as it is called.
    """
    if is_western(lines()):
        return WESTERN
    return CHINESE if is_chinese(lines()) else None


def is_chinese(lines: Iterable[bytes]) -> bool:
    """Whether a file that is not UTF-8 can only sensibly be simplified Chinese, in GB 18030."""
    han = common = others = seen = 0
    for line in lines:
        if line.isascii():
            continue
        if _is_utf8(line):
            return False  # two encodings in one file, or nobody can say
        try:
            text = line.decode(CHINESE)
        except UnicodeDecodeError:
            return False
        characters = HAN.findall(text)
        han += len(characters)
        common += sum(character in COMMON for character in characters)
        others += sum(not c.isascii() for c in SIGNS_OF_CHINESE.sub("", HAN.sub("", text)))
        seen += 1
        if seen == ENOUGH:
            break
    return han >= LEAST_HAN and common >= COMMON_SHARE * han and others <= (1 - SHARE) * han


def is_western(lines: Iterable[bytes]) -> bool:
    """Whether a file that is not UTF-8 can only sensibly be cp1252.

    Every byte has a meaning there, and nearly every line beyond ASCII holds words of one Western
    European language, with capitals where words have them and signs where text has them. Central
    European, Cyrillic, Greek, Turkish or Chinese text and Mac OS Roman, read so, fail in this.

    Parameters
    ----------
    lines
        Of the whole file.
    """
    seen = fitting = 0
    for line in lines:
        if line.isascii():
            continue
        if _is_utf8(line):
            return False  # two encodings in one file
        try:
            text = line.decode(WESTERN)
        except UnicodeDecodeError:
            return False
        seen += 1
        fitting += _is_text(text)
        if seen == ENOUGH:
            break
    return seen > 0 and fitting >= SHARE * seen


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_text(line: str) -> bool:
    letters: set[str] = set()
    for word in WORD.findall(line):
        strange = [c for c in word if c.isalpha() and not c.isascii()]  # not "½"
        if not strange:
            continue
        letters |= {c.lower() for c in strange}
        if len(strange) > 2 and 2 * len(strange) > len(word):
            return False
        regular = word.islower() or word.isupper() or word.istitle()
        if not regular and any(c.isupper() for c in strange):
            return False
    letters -= set("ªº")
    signs = {c for c in line if not c.isascii() and not c.isalpha()}
    return signs <= MARKS_OF_TEXT and any(letters <= alphabet for alphabet in ALPHABETS)


class Recoded(io.RawIOBase):
    """The bytes of a text file in UTF-8, whatever encoding it has."""

    def __init__(self, stream: IO[bytes], encoding: str, name: str) -> None:
        self._stream, self._encoding, self._name = stream, encoding, name
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready, self._lines, self._ended = b"", 1, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._ready and not self._ended:
            chunk = self._stream.read(1 << 16)
            self._ended = not chunk
            try:
                text = self._decoder.decode(chunk, not chunk)
                self._ready = text.encode()
            except UnicodeError as error:
                raise UserError(self._problem(chunk, error)) from None
            self._lines += text.count("\n")
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _problem(self, chunk: bytes, error: UnicodeError) -> str:
        line, byte = self._lines, ""
        if isinstance(error, UnicodeDecodeError):
            good = error.object[: error.start].decode(self._encoding, "ignore")
            line += good.count("\n")
            byte = f" (byte 0x{error.object[error.start]:02x})" * (error.start < len(error.object))
        return f"{self._name}, line {line}: is not {self._encoding}{byte}; correct encoding:"


def letters_of(text: str) -> str:
    """`text` with every letter in one piece, however its accents were written."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
