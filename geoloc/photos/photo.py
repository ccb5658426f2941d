"""Read photos as upright RGB pixels, whatever file they come in.

How files become RGB: one frame (the first); palettes, greys, bilevel, CMYK, YCbCr as Pillow
converts them; transparent pixels become black, as tiles without data are; pixels of more than 8
bits become bytes as `geoloc.photos.deep_grey` says, colours by way of `geoloc.photos.deep_colour`;
the EXIF orientation is undone.

A truncated file is refused: what can still be decoded is the upper part of the view, whose middle,
where the answer would lie, is somewhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from geoloc.arrays import RgbImage
from geoloc.errors import PhotoError
from geoloc.photos.deep_colour import is_deep_colour, read_deep_colour
from geoloc.photos.deep_grey import deep_grey_as_bytes, is_deep_grey
from geoloc.photos.image_file import DECODER_ERRORS, open_image, reason_of, upright_size
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo_metadata import read_image_metadata

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Photo:
    """A photo, upright.

    Attributes:
        path: File that it was read from.
        pixels: (H, W, 3) uint8 RGB, at most as large as was asked for.
        full_width_px: Width of the upright photo in its file.
        full_height_px: Height of the upright photo in its file.
        metadata: Metadata that its file states.
    """

    path: Path
    pixels: RgbImage
    full_width_px: int
    full_height_px: int
    metadata: PhotoMetadata


def read_photo(path: str | Path, *, max_side_px: int | None = None) -> Photo:
    """A photo as upright RGB pixels, with the metadata that its file states.

    Args:
        path: JPEG, PNG, TIFF, WebP or (with pillow-heif) HEIC.
        max_side_px: Longer photos are reduced to this length of their long side, JPEG already
            while decoding, which is several times faster. None keeps every pixel.

    Raises:
        PhotoError: The file is missing, no photo, damaged, truncated, or larger than about 179
            megapixels (see `geoloc.photos.image_file.open_image`).
    """
    path = Path(path)
    with open_image(path) as image:
        try:
            is_deep = is_deep_colour(image)
            if image.format == "PNG":  # asking for its EXIF decodes it, and hides what went wrong
                image.load()
            metadata = read_image_metadata(image, path)
            full = upright_size(image, metadata.orientation)
            if is_deep:
                deep = Image.fromarray(read_deep_colour(path, is_png=image.format == "PNG"))
                pixels = _finished(deep, deep.size, max_side_px, metadata.orientation or 1)
            else:
                pixels = _decode(image, max_side_px)
        except DECODER_ERRORS as error:
            raise PhotoError(
                f"{path} is truncated or damaged ({reason_of(error)}): export or copy it again",
                path=path,
            ) from error
    return Photo(
        path,
        pixels,
        full_width_px=full.width_px,
        full_height_px=full.height_px,
        metadata=metadata,
    )


def _decode(image: Image.Image, max_side_px: int | None) -> RgbImage:
    """The upright pixels (H, W, 3) of an open image."""
    size = image.size
    if max_side_px is not None and max(size) > max_side_px:
        image.draft(image.mode, _reduced(size, max_side_px))  # DCT scaling, never too small
    image.load()
    if image.format not in ("JPEG", "MPO"):
        size = image.size  # the readers of TIFF and HEIC turn the pixels themselves
    return _finished(image, size, max_side_px, _pending_orientation(image))


def _finished(
    image: Image.Image, size: tuple[int, int], max_side_px: int | None, orientation: int
) -> RgbImage:
    """A loaded image as RGB, reduced from the size of its file, and turned."""
    rgb = _to_rgb(image)
    target = size if max_side_px is None else _reduced(size, max_side_px)
    if rgb.size != target:
        rgb = rgb.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
    turn = _UPRIGHT.get(orientation)
    return np.array(rgb if turn is None else rgb.transpose(turn), np.uint8)


def _pending_orientation(image: Image.Image) -> int:
    """The orientation that a loaded image still needs; 1 for none."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except DECODER_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _reduced(size: tuple[int, int], max_side_px: int) -> tuple[int, int]:
    factor = min(1.0, max_side_px / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _to_rgb(image: Image.Image) -> Image.Image:
    """A loaded image of any mode as RGB, by the rules of this module."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if is_deep_grey(image):
        return Image.fromarray(deep_grey_as_bytes(image)).convert("RGB")
    if image.has_transparency_data:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")  # spares a copy
        black = Image.new("RGB", rgba.size)
        black.paste(rgba, mask=rgba.getchannel("A"))
        return black
    return image.convert("RGB")
