"""Edit the tags of a TIFF structure, as a file of its own or as the EXIF block of another.

Nothing that is there moves: new directories and values go to the end, and only the pointers to
them are changed. So maker notes, whose offsets nobody else knows, strips and tiles stay as they
are. What is replaced stays behind as unused bytes. (TIFF 6.0, section 2; Exif 2.32, 4.6.)
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from geoloc.export.photo_copies.edit_refused import EditRefusedError
from geoloc.export.photo_copies.stated import OUTDATED, GpsValue

GPS_POINTER, XMP_TAG = 0x8825, 700
_BYTE, _ASCII, _LONG, _RATIONAL = 1, 2, 4, 5
_ENTRY_BYTES, _INLINE_BYTES = 12, 4
_MAX_BYTES = 2**32 - 1
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
Block = bytes | mmap.mmap
EMPTY = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"


class TiffEdit(NamedTuple):
    """What to do to a TIFF structure.

    Attributes:
        patches: Offsets, and the bytes that are put there.
        tail: What is put to its end.
    """

    patches: list[tuple[int, bytes]]
    tail: bytes

    def applied(self, block: bytes) -> bytes:
        """The structure after the edit."""
        edited = bytearray(block)
        for offset, piece in self.patches:
            edited[offset : offset + len(piece)] = piece
        return bytes(edited) + self.tail


class _Directory(NamedTuple):
    """A directory: its entries by tag, their offsets, and the offset of the next one."""

    entries: dict[int, bytes]
    offsets: dict[int, int]
    following: bytes


class _Reader:
    """The directories of a TIFF structure."""

    def __init__(self, block: Block) -> None:
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(block[:4]))
        if order is None:
            is_big = bytes(block[:4]) in (b"II+\0", b"MM\0+")
            raise EditRefusedError(
                "it is a BigTIFF, whose tags are not written" if is_big else _DAMAGED
            )
        self.block, self.order = block, order

    def number(self, offset: int, kind: str) -> int:
        """A number in the structure's byte order."""
        try:
            return int(struct.unpack_from(self.order + kind, self.block, offset)[0])
        except struct.error as error:
            raise EditRefusedError(_DAMAGED) from error

    def directory(self, offset: int) -> _Directory:
        """The directory at an offset."""
        count, start = self.number(offset, "H"), offset + 2
        end = start + count * _ENTRY_BYTES
        if end + 4 > len(self.block):
            raise EditRefusedError(_DAMAGED)
        places = range(start, end, _ENTRY_BYTES)
        offsets = {self.number(place, "H"): place for place in places}
        if len(offsets) < count or any(self.number(at + 2, "H") not in _SIZES for at in places):
            raise EditRefusedError(_DAMAGED)
        entries = {tag: self.block[at : at + _ENTRY_BYTES] for tag, at in offsets.items()}
        return _Directory(entries, offsets, self.block[end : end + 4])

    def value(self, entry: bytes) -> bytes:
        """The bytes of an entry's value, wherever they lie."""
        _, kind, count, offset = struct.unpack(self.order + "HHII", entry)
        size = count * _SIZES.get(kind, 1)
        if size <= _INLINE_BYTES:
            return entry[8 : 8 + size]
        if offset + size > len(self.block):
            raise EditRefusedError(_DAMAGED)
        return self.block[offset : offset + size]


_DAMAGED = "its EXIF is damaged"


def find_xmp(block: Block) -> bytes | None:
    """The XMP packet of a TIFF file; None without one."""
    reader = _Reader(block)
    entry = reader.directory(reader.number(4, "I")).entries.get(XMP_TAG)
    return None if entry is None else reader.value(entry)


def edit_tiff(block: Block, gps: Mapping[int, GpsValue], *, xmp: bytes | None = None) -> TiffEdit:
    """The edit that puts tags into the GPS directory, and an XMP packet into the first directory.

    Args:
        block: The structure, from its byte order on.
        gps: Tags that are set; others of the directory stay, but for those that are outdated.
        xmp: The packet; None leaves it as it is.

    Raises:
        EditRefusedError: It is damaged, a BigTIFF, or would grow over 4 GiB.
    """
    reader = _Reader(block)
    tail = _Tail(len(block), reader.order)
    main = reader.directory(reader.number(4, "I"))
    kept = _kept_gps(reader, main)
    entries = kept | {
        tag: tail.entry(tag, *_packed(value, reader.order)) for tag, value in gps.items()
    }
    new = {GPS_POINTER: tail.pointer(GPS_POINTER, tail.directory(entries, b"\0" * 4))}
    if xmp is not None:
        new[XMP_TAG] = tail.entry(XMP_TAG, _BYTE, len(xmp), xmp)
    if new.keys() <= main.entries.keys():
        patches = [(main.offsets[tag], entry) for tag, entry in new.items()]
    else:
        at = tail.directory(main.entries | new, main.following)
        patches = [(4, struct.pack(reader.order + "I", at))]
    if tail.end > _MAX_BYTES:
        raise EditRefusedError("it would grow over the 4 GiB of a TIFF")
    return TiffEdit(patches, bytes(tail.parts))


def _kept_gps(reader: _Reader, main: _Directory) -> dict[int, bytes]:
    """The entries of a GPS directory that is there, and of which nothing is outdated."""
    pointer = main.entries.get(GPS_POINTER)
    if pointer is None:
        return {}
    try:
        old = reader.directory(struct.unpack(reader.order + "I", pointer[8:])[0])
    except EditRefusedError:
        return {}  # damaged, and about to be replaced
    return {tag: entry for tag, entry in old.entries.items() if tag not in OUTDATED}


def _packed(value: GpsValue, order: str) -> tuple[int, int, bytes]:
    """Kind, count and bytes of a value."""
    if isinstance(value, bytes):
        return _BYTE, len(value), value
    if isinstance(value, str):
        text = value.encode("ascii") + b"\0"
        return _ASCII, len(text), text
    pairs = [part for each in value for part in _rational(each)]
    return _RATIONAL, len(value), struct.pack(f"{order}{len(pairs)}I", *pairs)


def _rational(value: Fraction) -> tuple[int, int]:
    return value.numerator, value.denominator


class _Tail:
    """What comes after the end of a TIFF structure, on even offsets."""

    def __init__(self, start: int, order: str) -> None:
        self.parts = bytearray(b"\0" * (start % 2))
        self._start, self._order = start, order

    @property
    def end(self) -> int:
        """Where the structure ends now."""
        return self._start + len(self.parts)

    def entry(self, tag: int, kind: int, count: int, value: bytes) -> bytes:
        """A directory's entry, whose value is put into the tail if it has no room in it."""
        if len(value) <= _INLINE_BYTES:
            return struct.pack(self._order + "HHI", tag, kind, count) + value.ljust(4, b"\0")
        return struct.pack(self._order + "HHII", tag, kind, count, self._put(value))

    def pointer(self, tag: int, offset: int) -> bytes:
        """A directory's entry that leads to another directory."""
        return struct.pack(self._order + "HHII", tag, _LONG, 1, offset)

    def directory(self, entries: Mapping[int, bytes], following: bytes) -> int:
        """Put a directory into the tail; its offset."""
        body = b"".join(entries[tag] for tag in sorted(entries))
        return self._put(struct.pack(self._order + "H", len(entries)) + body + following)

    def _put(self, piece: bytes) -> int:
        at = self.end
        self.parts += piece + b"\0" * (len(piece) % 2)
        return at
