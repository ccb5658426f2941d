"""Edit the metadata of a HEIC file: its items Exif and XMP, and none of its pixels.

An item is found by its place in the file (ISO/IEC 14496-12, box ``iloc``). The new one goes to the
end, in a box of its own, and its place is changed; no other byte is. So an item that is not there
cannot be added: a photo without EXIF is refused, and one without XMP gets none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from geoloc.export.photo_copies.edit_refused import EditRefusedError
from geoloc.export.photo_copies.stated import Stated
from geoloc.export.photo_copies.tiff import edit_tiff
from geoloc.export.photo_copies.xmp import edit_xmp

_DAMAGED = "its boxes are damaged"
_UNUSUAL = "its metadata lie in a way that is not edited"
_XMP_TYPE = b"application/rdf+xml"


class _Box(NamedTuple):
    """A box: its type, and where what it holds begins and ends."""

    kind: bytes
    start: int
    end: int


class _Field(NamedTuple):
    """A number in the file: where, and of how many bytes."""

    at: int
    size: int


class _Place(NamedTuple):
    """Where an item lies.

    Attributes:
        base: Number that is added to its offset.
        offset: Its offset.
        length: Its length.
    """

    base: _Field
    offset: _Field
    length: _Field


class _Items:
    """The items of a HEIC file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        boxes = list(self._boxes(0, len(data)))
        meta = self._one(boxes, b"meta")
        inside = list(self._boxes(meta.start + 4, meta.end))
        self._kinds = dict(self._described(self._one(inside, b"iinf")))
        self._places = dict(self._placed(self._one(inside, b"iloc")))

    def find(self, kind: bytes) -> int | None:
        """The number of the item of a kind; None where there is none.

        Raises:
            EditRefusedError: There are several.
        """
        found = [number for number, each in self._kinds.items() if each == kind]
        if len(found) > 1:
            raise EditRefusedError(_UNUSUAL)
        return found[0] if found else None

    def place(self, number: int) -> _Place:
        """Where an item lies."""
        place = self._places.get(number)
        if place is None:
            raise EditRefusedError(_UNUSUAL)
        return place

    def content(self, number: int) -> bytes:
        """What an item holds."""
        place = self.place(number)
        start = self._number(place.base) + self._number(place.offset)
        end = start + self._number(place.length)
        if end > len(self._data):
            raise EditRefusedError(_DAMAGED)
        return self._data[start:end]

    def _number(self, field: _Field) -> int:
        if field.at + field.size > len(self._data):
            raise EditRefusedError(_DAMAGED)
        return int.from_bytes(self._data[field.at : field.at + field.size], "big")

    def _boxes(self, at: int, end: int) -> Iterator[_Box]:
        """The boxes between two offsets."""
        while at + 8 <= end:
            size, kind = self._number(_Field(at, 4)), self._data[at + 4 : at + 8]
            start = at + 8
            if size == 1:
                size, start = self._number(_Field(at + 8, 8)), at + 16
            if size == 0:  # up to the end of the file, so that nothing can follow
                raise EditRefusedError(_UNUSUAL)
            if at + size > end or size < start - at:
                raise EditRefusedError(_DAMAGED)
            yield _Box(kind, start, at + size)
            at += size

    def _one(self, boxes: list[_Box], kind: bytes) -> _Box:
        found = [box for box in boxes if box.kind == kind]
        if len(found) != 1:
            raise EditRefusedError(_DAMAGED)
        return found[0]

    def _described(self, box: _Box) -> Iterator[tuple[int, bytes]]:
        """Numbers and kinds of items; the kind of a text is its content type."""
        count_size = 2 if self._data[box.start] == 0 else 4
        for entry in self._boxes(box.start + 4 + count_size, box.end):
            version, at = self._data[entry.start], entry.start + 4
            if version < 2:
                continue
            number_size = 2 if version == 2 else 4
            number = self._number(_Field(at, number_size))
            at += number_size + 2
            kind, rest = self._data[at : at + 4], self._data[at + 4 : entry.end]
            texts = rest.split(b"\0")  # name, content type
            yield number, texts[1] if kind == b"mime" and len(texts) > 1 else kind

    def _placed(self, box: _Box) -> Iterator[tuple[int, _Place]]:
        """Numbers and places of those items that lie in one piece in this file."""
        version, at = self._data[box.start], box.start + 4
        sizes = [self._number(_Field(at + i, 1)) for i in range(2)]
        offset_size, length_size = sizes[0] >> 4, sizes[0] & 15
        base_size, index_size = sizes[1] >> 4, sizes[1] & 15 if version else 0
        number_size = 4 if version == 2 else 2
        count = self._number(_Field(at + 2, number_size))
        at += 2 + number_size
        for _ in range(count):
            number = self._number(_Field(at, number_size))
            at += number_size
            method = self._number(_Field(at, 2)) & 15 if version else 0
            at += 2 if version else 0
            source, base = self._number(_Field(at, 2)), _Field(at + 2, base_size)
            pieces = self._number(_Field(at + 2 + base_size, 2))
            at += 4 + base_size
            offset = _Field(at + index_size, offset_size)
            length = _Field(at + index_size + offset_size, length_size)
            at += pieces * (index_size + offset_size + length_size)
            if (method, source, pieces) == (0, 0, 1) and offset_size and length_size:
                yield number, _Place(base, offset, length)


def edit_heic(data: bytes, stated: Stated) -> bytes:
    """The file with other metadata, at its end; pixels and all else are the same bytes.

    Raises:
        EditRefusedError: It is damaged, has no EXIF, or keeps it in an unusual way.
    """
    items = _Items(data)
    exif, xmp = items.find(b"Exif"), items.find(_XMP_TYPE)
    if exif is None:
        raise EditRefusedError("it is a HEIC without EXIF, which has no place for it")
    content = items.content(exif)
    skipped = 4 + int.from_bytes(content[:4], "big")  # up to the block, such as "Exif\0\0"
    block = content[skipped:]
    new = {exif: content[:skipped] + edit_tiff(block, stated.gps).applied(block)}
    packet = None if xmp is None else edit_xmp(items.content(xmp), stated)
    if xmp is not None and packet is not None:
        new[xmp] = packet
    edited, at = bytearray(data), len(data) + 8
    for number, piece in new.items():
        place = items.place(number)
        for field, value in zip(place, (0, at, len(piece)), strict=True):
            if value >= 256**field.size and value:
                raise EditRefusedError("its places are too narrow for a longer file")
            edited[field.at : field.at + field.size] = value.to_bytes(field.size, "big")
        at += len(piece)
    body = b"".join(new.values())
    return bytes(edited) + struct.pack(">I4s", len(body) + 8, b"mdat") + body
