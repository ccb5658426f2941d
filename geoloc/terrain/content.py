"""Name an elevation model with a digest of its files, so that a run knows it again."""

from __future__ import annotations

from pathlib import Path

from geoloc.tiles.fingerprint import fingerprint, marks_of
from geoloc.tiles.location import is_address, public_name


def content_of(dem: str) -> str:
    """The name of a model and a digest of its files, of all that a mosaic is made of.

    Of what lies on a server only the address is known.
    """
    name = public_name(dem) if is_address(dem) else Path(dem).name
    return f"{name} ({fingerprint(marks_of(dem, Path()))[:12] or 'remote'})"
