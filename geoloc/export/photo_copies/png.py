"""Edit the metadata of a PNG file: the chunks eXIf and iTXt, and none of its pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from geoloc.export.photo_copies.edit_refused import EditRefusedError
from geoloc.export.photo_copies.stated import Stated
from geoloc.export.photo_copies.tiff import EMPTY, edit_tiff
from geoloc.export.photo_copies.xmp import edit_xmp

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = b"XML:com.adobe.xmp\0"
_OLD_EXIF = (b"Raw profile type exif\0", b"Raw profile type APP1\0")
_MAX_XMP = 4 * 2**20


class _Chunk(NamedTuple):
    """A chunk: its name, and what it holds."""

    name: bytes
    data: bytes

    @property
    def written(self) -> bytes:
        """The chunk as it is written."""
        check = zlib.crc32(self.data, zlib.crc32(self.name))
        return struct.pack(">I4s", len(self.data), self.name) + self.data + struct.pack(">I", check)


def edit_png(data: bytes, stated: Stated) -> bytes:
    """The file with other metadata, and the same chunks of pixels.

    Raises:
        EditRefusedError: It is damaged, or keeps its EXIF in a text of ImageMagick's.
    """
    chunks = list(_chunks(data))
    if any(chunk.data.startswith(_OLD_EXIF) for chunk in chunks):
        raise EditRefusedError("its EXIF is in a text chunk of ImageMagick's, which is not edited")
    first, *rest = chunks
    exif = next((chunk.data for chunk in rest if chunk.name == b"eXIf"), EMPTY)
    old = next((chunk.data for chunk in rest if _is_xmp(chunk)), None)
    packet = edit_xmp(None if old is None else _packet(old), stated)
    new = [_Chunk(b"eXIf", edit_tiff(exif, stated.gps).applied(exif))]
    if packet is not None:
        new.append(_Chunk(b"iTXt", _XMP + b"\0\0\0\0" + packet))
    kept = [
        chunk
        for chunk in rest
        if chunk.name != b"eXIf" and not (packet is not None and _is_xmp(chunk))
    ]
    end = data[sum(len(chunk.written) for chunk in chunks) + len(SIGNATURE) :]
    return SIGNATURE + b"".join(chunk.written for chunk in [first, *new, *kept]) + end


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """The chunks of a file up to its end; their checks have to hold."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        chunk = _Chunk(name, data[at + 8 : at + 8 + length])
        if data[at : at + 12 + length] != chunk.written:
            break
        yield chunk
        if name == b"IEND":
            return
        at += 12 + length
    raise EditRefusedError("its chunks are damaged")


def _is_xmp(chunk: _Chunk) -> bool:
    return chunk.name == b"iTXt" and chunk.data.startswith(_XMP)


def _packet(text: bytes) -> bytes:
    """The packet of an XMP text, unpacked if it was compressed."""
    is_compressed = text[len(_XMP) : len(_XMP) + 1] == b"\1"
    parts = text[len(_XMP) + 2 :].split(b"\0", 2)  # language, translated keyword, text
    if len(parts) < 3:
        raise EditRefusedError("its XMP is damaged")
    if not is_compressed:
        return parts[2]
    try:
        return zlib.decompressobj().decompress(parts[2], _MAX_XMP)
    except zlib.error as error:
        raise EditRefusedError("its XMP is damaged") from error
