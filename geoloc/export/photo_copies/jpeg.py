"""Edit the metadata of a JPEG file: its EXIF and XMP segments, and nothing from its pixels on.

Further pictures in the file (Multi-Picture Format, as drones write it) are found by offsets from
their index, which are moved along (CIPA DC-007, section 5.2.3.3).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from geoloc.export.photo_copies.edit_refused import EditRefusedError
from geoloc.export.photo_copies.stated import Stated
from geoloc.export.photo_copies.tiff import EMPTY, edit_tiff
from geoloc.export.photo_copies.xmp import edit_xmp

_SOS, _APP0, _APP1, _APP2 = 0xDA, 0xE0, 0xE1, 0xE2
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_EXIF, _XMP, _MPF = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"MPF\0"
_MAX_PAYLOAD = 0xFFFF - 2
_MP_ENTRY = 0xB002
_MP_ENTRY_BYTES = 16


class _Segment(NamedTuple):
    """A segment of the head: its marker, and what it holds."""

    marker: int
    payload: bytes

    @property
    def data(self) -> bytes:
        """The segment as it is written."""
        return struct.pack(">BBH", 0xFF, self.marker, len(self.payload) + 2) + self.payload


def edit_jpeg(data: bytes, stated: Stated) -> bytes:
    """The file with other metadata; from its first scan on, the same bytes.

    Raises:
        EditRefusedError: It is damaged, or has no room for more metadata.
    """
    segments, scan_at = _head(data)
    segments = _with_exif(segments, stated)
    segments = _with_xmp(segments, stated)
    if any(len(segment.payload) > _MAX_PAYLOAD for segment in segments):
        raise EditRefusedError(
            "its metadata would be longer than the 64 kB that a JPEG has for them"
        )
    old_parts, _ = _head(data)
    segments = _with_moved_pictures(segments, old_parts)
    return b"\xff\xd8" + b"".join(segment.data for segment in segments) + data[scan_at:]


def _head(data: bytes) -> tuple[list[_Segment], int]:
    """The segments before the first scan, and where that begins."""
    segments: list[_Segment] = []
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:  # filling
            at += 1
        elif marker == _SOS:
            return segments, at
        elif marker in _STANDALONE:
            break
        else:
            length = struct.unpack_from(">H", data, at + 2)[0]
            segments.append(_Segment(marker, data[at + 4 : at + 2 + length]))
            at += 2 + length
    raise EditRefusedError("its segments are damaged")


def _find(segments: list[_Segment], marker: int, start: bytes) -> list[int]:
    return [
        i
        for i, segment in enumerate(segments)
        if segment.marker == marker and segment.payload.startswith(start)
    ]


def _with_exif(segments: list[_Segment], stated: Stated) -> list[_Segment]:
    """The segments with the GPS directory in the EXIF."""
    found = _find(segments, _APP1, _EXIF)
    if len(found) > 1:
        raise EditRefusedError("its EXIF is spread over several segments")
    block = segments[found[0]].payload[len(_EXIF) :] if found else EMPTY
    new = _Segment(_APP1, _EXIF + edit_tiff(block, stated.gps).applied(block))
    if found:
        return [*segments[: found[0]], new, *segments[found[0] + 1 :]]
    first = 1 if segments and segments[0].marker == _APP0 else 0
    return [*segments[:first], new, *segments[first:]]


def _with_xmp(segments: list[_Segment], stated: Stated) -> list[_Segment]:
    """The segments with the values in the XMP, which is put after the EXIF if it is new."""
    found = _find(segments, _APP1, _XMP)
    old = segments[found[0]].payload[len(_XMP) :] if found else None
    packet = edit_xmp(old, stated)
    if packet is None:
        return segments
    new = _Segment(_APP1, _XMP + packet)
    if found:
        return [*segments[: found[0]], new, *segments[found[0] + 1 :]]
    after = _find(segments, _APP1, _EXIF)[0] + 1
    return [*segments[:after], new, *segments[after:]]


def _with_moved_pictures(new: list[_Segment], old: list[_Segment]) -> list[_Segment]:
    """The segments with the offsets of further pictures as they are now."""
    found = _find(new, _APP2, _MPF)
    if not found:
        return new
    before = _find(old, _APP2, _MPF)
    grown = _length(new) - _length(old)
    grown_after = _length(new[found[0] :]) - _length(old[before[0] :])
    payload = _moved(new[found[0]].payload, grown=grown, grown_after=grown_after)
    return [*new[: found[0]], _Segment(_APP2, payload), *new[found[0] + 1 :]]


def _length(segments: list[_Segment]) -> int:
    return sum(len(segment.data) for segment in segments)


def _moved(payload: bytes, *, grown: int, grown_after: int) -> bytes:
    """An index of pictures, of which the first has grown and the others lie further away."""
    block = payload[len(_MPF) :]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    try:
        if order is None:
            raise EditRefusedError(_BAD_INDEX)
        at = struct.unpack_from(order + "I", block, 4)[0]
        count = struct.unpack_from(order + "H", block, at)[0]
        entries = [struct.unpack_from(order + "HHII", block, at + 2 + 12 * i) for i in range(count)]
        places = [(size, offset) for tag, _, size, offset in entries if tag == _MP_ENTRY]
        edited = bytearray(payload)
        for size, offset in places:
            for place in range(offset, offset + size, _MP_ENTRY_BYTES):
                length, start = struct.unpack_from(order + "II", block, place + 4)
                moved = (length, start + grown_after) if start else (length + grown, start)
                struct.pack_into(order + "II", edited, len(_MPF) + place + 4, *moved)
    except struct.error as error:
        raise EditRefusedError(_BAD_INDEX) from error
    return bytes(edited)


_BAD_INDEX = "the index of its further pictures is damaged"
