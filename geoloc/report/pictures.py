"""Small pictures of photos and of the map, as WebP without any metadata."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from geoloc.arrays import ByteArray
from geoloc.errors import PhotoError
from geoloc.photos.photo import read_photo

_QUALITY = 70


def webp(pixels: ByteArray) -> bytes:
    """An image (H, W, 3), or (H, W, 4) with its opacity, as a WebP file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", quality=_QUALITY, method=2)
    return stream.getvalue()


def thumbnail(path: Path, *, side_px: int) -> bytes | None:
    """A photo, upright, its long side at most `side_px`; None where it cannot be read."""
    try:
        return webp(read_photo(path, max_side_px=side_px).pixels)
    except PhotoError:
        return None
