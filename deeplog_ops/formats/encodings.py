"""Raw bytes of any encoding to valid UTF-8, with every byte that fits nowhere kept readable as \\xNN."""

from __future__ import annotations

import codecs
import re

from deeplog_ops.errors import FormatError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FEW = 0.03
# of the first bytes, so large a share of control characters is no text
_BINARY_SHARE = 0.05
_TEXT_CONTROLS = bytes((0, 7, 8, 9, 10, 11, 12, 13, 27))
_CONTROLS = bytes(set(range(32)) - set(_TEXT_CONTROLS)) + b"\x7f"
_BINARY_MAGIC = (
    b"\x7fELF",
    b"\x89PNG",
    b"PK\x03\x04",
    b"PAR1",
    b"SQLite format 3\0",
    b"%PDF-",
    b"\xff\xd8\xff",
    b"Rar!",
    b"7z\xbc\xaf",
)


def normalised(encoding: str) -> str:
    """The codec's own name, or a FormatError that says what is accepted."""
    try:
        name = codecs.lookup(encoding).name
        newline = "\n".encode(name)
    except (LookupError, UnicodeError, TypeError) as error:
        raise FormatError(
            f"no such text encoding: {encoding!r}; write one such as utf-8, latin-1, utf-16 or auto"
        ) from error
    if name not in ("utf-16", "utf-32") and newline.strip(b"\0") != b"\n":
        raise FormatError(f"encoding {encoding!r} cannot be cut at line ends; convert the files to UTF-8")
    return name


def of_head(head: bytes, wanted: str = "utf-8") -> tuple[str, int]:
    """The encoding of a file that begins with `head`, and how many bytes its byte order mark takes.

    A mark wins over `wanted`, since it cannot be there by chance; `auto` looks at the bytes.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    if wanted.lower() == "auto":
        return _guessed(head), 0
    name = normalised(wanted)
    return {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8", "ascii": "utf-8"}.get(
        name, name
    ), 0


def _guessed(head: bytes) -> str:
    if wide := _wide(head):
        return wide
    try:
        # the head may end in the middle of a character, hence a decoder that is not told of the end
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return "utf-8"
    except UnicodeDecodeError:
        pass
    if _mostly_utf8(head):
        return "utf-8"  # several writers in one file: the bytes of the others stay as bytes
    foreign = re.findall(rb"(?<=[A-Za-z])[\x80-\xff]{1,2}|[\x80-\xff]{1,2}(?=[A-Za-z])|[\x80-\xff]+", head)
    size = sum(len(part) for part in foreign)
    letters = sum(len(part) for part in foreign if len(part) <= 2 and min(part) >= 0xC0)
    if letters > 0.7 * size:
        return "cp1252"  # single letters within words of ASCII: a Western language
    if size < _FEW * len(head):
        return "utf-8"  # too few to know a language by: they stay as bytes
    from charset_normalizer import from_bytes

    best = from_bytes(head[:65536]).best()
    try:
        return normalised(best.encoding) if best is not None else "cp1252"
    except FormatError:
        return "cp1252"


def _mostly_utf8(head: bytes) -> bool:
    """Whether most bytes beyond ASCII are characters of UTF-8. In one-byte encodings, and in those of East Asia, few are."""
    beyond = len(head.translate(None, bytes(range(128))))
    return len(head) - len(head.decode("utf-8", "ignore").encode()) < 0.5 * beyond


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: Western text has a NUL in every second byte."""
    even, odd = head[0:4096:2], head[1:4096:2]
    if len(odd) < 8:
        return None
    zeros_even, zeros_odd = even.count(0) / len(even), odd.count(0) / len(odd)
    if zeros_odd > 0.7 and zeros_even < 0.05:
        return "utf-16-le"
    if zeros_even > 0.7 and zeros_odd < 0.05:
        return "utf-16-be"
    return None


def is_binary(head: bytes, encoding: str) -> bool:
    """Whether a file's head is no text in this encoding: a known magic, many control characters or many NULs."""
    if unit_of(encoding) > 1:
        return False
    if head.startswith(_BINARY_MAGIC):
        return True
    head = head.lstrip(b"\0")[:65536]  # a log truncated under its writer begins with NULs
    controls = len(head) - len(head.translate(None, _CONTROLS)) + head.count(0)
    return len(head) > 32 and controls > _BINARY_SHARE * len(head)


def unit_of(encoding: str) -> int:
    """Bytes of one code unit, 1, 2 or 4: a line ends at a newline that stands at a multiple of it."""
    return {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}.get(encoding, 1)


def to_utf8(raw: bytes, encoding: str) -> bytes:
    """`raw` (whole lines) as valid UTF-8 with as many newlines: bad bytes become \\xNN, and NUL bytes \\x00.

    The usual case, valid UTF-8 without NULs, gives back `raw` itself. PostgreSQL stores no NUL.
    """
    text = raw
    if encoding == "utf-8":
        if not raw.isascii():
            try:
                raw.decode()
            except UnicodeDecodeError:
                text = raw.decode("utf-8", "backslashreplace").encode()
    else:
        text = raw.decode(encoding, "backslashreplace").encode("utf-8", "backslashreplace")
    return text.replace(b"\0", b"\\x00") if b"\0" in text else text
