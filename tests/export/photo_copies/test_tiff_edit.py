"""Claims about edits of TIFF structures: damage is refused, and what is there does not move."""

from __future__ import annotations

import struct
from fractions import Fraction

import pytest

from geoloc.export.photo_copies.edit_refused import EditRefusedError
from geoloc.export.photo_copies.tiff import EMPTY, XMP_TAG, edit_tiff, find_xmp

GPS = {1: "N", 2: [Fraction(1), Fraction(2), Fraction(7, 2)], 5: b"\0"}


def _directory(*entries: tuple[int, int, int, int]) -> bytes:
    """A structure of one directory."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", 0)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"JUNK" + EMPTY[4:],
        EMPTY[:6],
        b"II*\0" + struct.pack("<I", 4000),  # its directory lies behind its end
        b"II*\0" + struct.pack("<IH", 8, 9),  # more entries than it has room for
        b"II+\0" + EMPTY[4:],  # a BigTIFF
        _directory((271, 2, 1, 0), (271, 2, 1, 0)),  # a tag twice
        _directory((271, 999, 1, 0)),  # of no kind
    ],
)
def test_a_damaged_structure_is_refused(block: bytes) -> None:
    with pytest.raises(EditRefusedError):
        edit_tiff(block, GPS)


def test_a_damaged_gps_directory_is_replaced_and_nothing_else_moves() -> None:
    block = _directory((271, 2, 2, 0x41), (0x8825, 4, 1, 9999))
    edited = edit_tiff(block, GPS).applied(block)
    assert edited[: len(block) - 8] == block[: len(block) - 8]
    at = struct.unpack_from("<I", edited, 8 + 2 + 12 + 8)[0]
    assert struct.unpack_from("<H", edited, at)[0] == len(GPS)
    tags = [struct.unpack_from("<H", edited, at + 2 + 12 * i)[0] for i in range(len(GPS))]
    assert tags == sorted(GPS)


def test_a_packet_is_put_in_and_found_again() -> None:
    block = _directory((271, 2, 2, 0x41)) + b"odd"
    once = edit_tiff(block, {}, xmp=b"<first/>").applied(block)
    assert find_xmp(block) is None
    assert find_xmp(once) == b"<first/>"
    twice = edit_tiff(once, {}, xmp=b"<second packet/>").applied(once)
    assert find_xmp(twice) == b"<second packet/>"
    assert struct.pack("<H", XMP_TAG) in twice
