"""Edit the metadata of a WebP file: the chunks EXIF and XMP, and none of its pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from geoloc.export.photo_copies.edit_refused import EditRefusedError
from geoloc.export.photo_copies.stated import Stated
from geoloc.export.photo_copies.tiff import EMPTY, edit_tiff
from geoloc.export.photo_copies.xmp import edit_xmp
from geoloc.image_size import ImageSize

_EXIF_FLAG, _XMP_FLAG, _ALPHA_FLAG = 0x08, 0x04, 0x10
_EXIF_START = b"Exif\0\0"  # which some writers put before the block


class _Chunk(NamedTuple):
    """A chunk: its name, and what it holds."""

    name: bytes
    data: bytes

    @property
    def written(self) -> bytes:
        """The chunk as it is written, with an even length."""
        head = struct.pack("<4sI", self.name, len(self.data))
        return head + self.data + b"\0" * (len(self.data) % 2)


def edit_webp(data: bytes, stated: Stated, *, size: ImageSize) -> bytes:
    """The file with other metadata, and the same chunks of pixels.

    Args:
        data: The file.
        stated: What it should state.
        size: Size of the picture, which a file without metadata does not have in its head.

    Raises:
        EditRefusedError: It is damaged.
    """
    chunks = list(_chunks(data))
    exif = next((chunk.data for chunk in chunks if chunk.name == b"EXIF"), EMPTY)
    exif = exif.removeprefix(_EXIF_START)
    old = next((chunk.data for chunk in chunks if chunk.name == b"XMP "), None)
    packet = edit_xmp(old, stated) or old
    new = [_Chunk(b"EXIF", edit_tiff(exif, stated.gps).applied(exif))]
    flags = _EXIF_FLAG
    if packet is not None:
        new.append(_Chunk(b"XMP ", packet))
        flags |= _XMP_FLAG
    kept = [chunk for chunk in chunks if chunk.name not in (b"EXIF", b"XMP ", b"VP8X")]
    body = b"".join(chunk.written for chunk in [_head(chunks, flags, size), *kept, *new])
    return struct.pack("<4sI4s", b"RIFF", len(body) + 4, b"WEBP") + body


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """The chunks of a file; what lies behind its end is not of it."""
    end = min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    at = 12
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise EditRefusedError("its chunks are damaged")
        yield _Chunk(name, data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2


def _head(chunks: list[_Chunk], flags: int, size: ImageSize) -> _Chunk:
    """The chunk that says what else there is, which a file without metadata has not."""
    first = chunks[0] if chunks else _Chunk(b"", b"")
    if first.name == b"VP8X" and len(first.data) >= 10:
        return _Chunk(b"VP8X", bytes([first.data[0] | flags]) + first.data[1:])
    if first.name == b"VP8L" and len(first.data) >= 5:
        flags |= _ALPHA_FLAG if first.data[4] & 0x10 else 0
    elif first.name != b"VP8 ":
        raise EditRefusedError("its chunks are damaged")
    width, height = (struct.pack("<I", px - 1)[:3] for px in (size.width_px, size.height_px))
    return _Chunk(b"VP8X", bytes([flags, 0, 0, 0]) + width + height)
