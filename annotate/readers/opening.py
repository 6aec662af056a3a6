"""Bytes behind an input: decompressed, bounded, and as text. What cannot be read is `Refused` with one word for scripts."""

from __future__ import annotations

import io
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LIMIT = 64 * 2**20
"""Bytes, uncompressed, that one record may have: a line of JSONL, a text file, a page. More is `too_long`, and never loaded."""

PACKED = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
"""Suffixes of compressed files and the bytes these begin with."""

BROKEN_ARCHIVE = (EOFError, zlib.error, zstandard.ZstdError)
"""What reading a damaged or cut-off compressed stream raises."""

UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BUFFER = 2**20
_MAGIC = {  # long enough that no text begins so
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive (DOCX, ODT, EPUB …)",
    b"\xd0\xcf\x11\xe0": "an old Microsoft Office file",
    b"{\\rtf": "an RTF file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF87a": "a GIF image",
    b"GIF89a": "a GIF image",
    b"BZh9": "bzip2 data",
    b"\xfd7zXZ\x00": "xz data",
    b"7z\xbc\xaf": "a 7z archive",
    b"SQLite format 3\x00": "an SQLite database",
    b"PAR1\x15": "a Parquet file",
    b"\x7fELF": "a program",
    **dict.fromkeys(PACKED.values(), "compressed data inside compressed data"),
}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Refused(Exception):
    """A record, or a whole input, that is left out: `code` for scripts, reason and hint for people."""

    def __init__(self, code: str, reason: str, hint: str = "", *, id: str = "", record: bytes = b"") -> None:
        super().__init__(reason)
        self.code, self.reason, self.hint, self.id, self.record = code, reason, hint, id, record


@contextmanager
def opened(path: Path | None) -> Iterator[BinaryIO]:
    """The content of a file, or of standard input for none; decompressed when it begins like gzip or zstd.

    Raises `Refused` when the name says compressed and the content does not; damage shows later as `BROKEN_ARCHIVE`."""
    if path is not None:
        with open(path, "rb") as stream:
            yield _unpack(stream, path.suffix.lower())
        return
    stream = io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer), _BUFFER)  # what stands in for stdin may not know peek()
    try:
        yield _unpack(stream, "")
    finally:
        stream.detach()


def _unpack(stream: io.BufferedReader, suffix: str) -> BinaryIO:
    head = stream.peek(4)
    if head.startswith(PACKED[".gz"]):
        return io.BufferedReader(_Unpacked(stream, lambda: zlib.decompressobj(zlib.MAX_WBITS | 16)), _BUFFER)
    if head.startswith(PACKED[".zst"]):
        return io.BufferedReader(_Unpacked(stream, lambda: zstandard.ZstdDecompressor().decompressobj()), _BUFFER)
    if suffix in PACKED:
        raise Refused("truncated_archive", f"the name ends in {suffix}, the content does not begin like it", "copy it again")
    return stream


class _Frame(Protocol):
    """One gzip member or zstd frame being decompressed."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Unpacked(io.RawIOBase):
    """Decompressed frames, one after another; `EOFError` where the file ends in the middle of one.

    The readers of gzip and zstandard will not do: the one drops what it has when it meets the end too early, the other takes
    such an end for a good one."""

    _CHUNK = 2**13  # a zstd block can grow 32,000-fold: small bites keep a bomb from filling the memory

    def __init__(self, stream: BinaryIO, new_frame: Callable[[], _Frame]) -> None:
        self._stream = stream
        self._new_frame = new_frame
        self._frame: _Frame | None = None
        self._packed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        while not self._ready:
            packed = self._packed or self._stream.read(self._CHUNK)
            if not packed:
                if self._frame is not None:
                    raise EOFError("the end is missing")
                return 0
            frame = self._frame or self._new_frame()
            self._ready = memoryview(frame.decompress(packed))
            self._packed = frame.unused_data
            self._frame = None if frame.eof else frame
        target = memoryview(buffer)
        size = min(len(target), len(self._ready))
        target[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def unpacked_name(name: str) -> str:
    """A file name without `.gz` or `.zst`."""
    return name[: -len(PurePath(name).suffix)] if PurePath(name).suffix.lower() in PACKED else name


def whole(stream: BinaryIO) -> bytes:
    """All of a stream. `Refused` when it holds more than `LIMIT`, nothing at all, or something known to be no text."""
    data = stream.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise Refused("too_long", f"more than {LIMIT:,} bytes", "split it into several documents")
    if not data:
        raise Refused("empty", "the file is empty", "remove it, or fetch the document again")
    refuse_magic(data)
    return data


def lines(stream: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """The lines of a stream with their 1-based numbers, and whether the line is whole: of one beyond `LIMIT` only the start
    comes, the rest is read over."""
    number = 0
    while line := stream.readline(LIMIT + 1):
        number += 1
        if len(line) <= LIMIT or line.endswith(b"\n"):
            yield number, line, True
            continue
        start = line[:4096]
        while line and not line.endswith(b"\n"):
            line = stream.readline(_BUFFER)
        yield number, start, False


def refuse_magic(data: bytes) -> None:
    """Raise `Refused` when the bytes begin like a file of a known kind that is no text."""
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            raise Refused("binary", f"not text: this is {kind}", "extract its text first")


def utf8(data: bytes) -> str:
    """The bytes as UTF-8. `Refused` says where they are not, and what they look like instead."""
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        at = problem.start
    if data.startswith(UTF16):
        raise Refused("not_utf8", "a UTF-16 byte order mark: this is UTF-16, not UTF-8", "iconv -f UTF-16 -t UTF-8 FILE")
    if b"\0" in data:
        refuse_nul(data)
    if data[at] == 0xED and _is_text(data, "surrogatepass"):
        raise Refused("lone_surrogate", f"an encoded surrogate at byte {at}", "this is CESU-8: encode it again as UTF-8")
    line = data.count(b"\n", 0, at) + 1
    reason = f"not UTF-8: byte 0x{data[at]:02x} at byte {at}" + (f" (line {line})" if line > 1 else "")
    raise Refused("not_utf8", reason, "iconv -f windows-1252 -t UTF-8 FILE, or whatever encoding it has")


def _is_text(data: bytes, errors: str) -> bool:
    try:
        data.decode("utf-8", errors)
    except UnicodeDecodeError:
        return False
    return True


def refuse_nul(data: bytes) -> None:
    """Raise `Refused` when there is a NUL byte: text has none."""
    if (at := data.find(b"\0")) >= 0:
        raise Refused("binary", f"not text: a NUL byte at byte {at}", "if this is UTF-16: iconv -f UTF-16 -t UTF-8 FILE")


def lone_surrogate(text: str) -> str:
    """The first lone surrogate of a text as `U+D83D`, or nothing."""
    found = _LONE_SURROGATE.search(text)
    return f"U+{ord(found.group()):04X}" if found else ""
