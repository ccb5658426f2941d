"""Photos with several bands of more than 8 bits, and half floats, read at full depth by GDAL.

Pillow keeps the upper 8 of 16 bits, so that a photo whose values span a few hundred has two or
three levels; it takes 16-bit bands that lie one after the other for bytes, and knows no TIFF of
several floating point bands. Bands become bytes together, by the rules of
`geoloc.photos.deep_grey`; a photo that fills its 16 bits keeps the upper 8 as before.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from geoloc.arrays import AnyArray, ByteArray
from geoloc.photos.deep_grey import values_as_bytes

_BITS_PER_SAMPLE, _SAMPLE_FORMAT, _FLOAT = 258, 339, 3


def is_deep_colour(image: Image.Image) -> bool:
    """Whether an image, opened and not loaded, is to be read by `read_deep_colour`."""
    if image.format == "PNG" and "transparency" not in image.info:
        pieces = getattr(image, "tile", ())
        return any(piece[3] in ("RGB;16B", "RGBA;16B", "LA;16B") for piece in pieces)
    tags = getattr(image, "tag_v2", None)
    if image.format != "TIFF" or tags is None:
        return False
    bits = tags.get(_BITS_PER_SAMPLE, (1,))
    is_half_float = bits == (16,) and _FLOAT in tags.get(_SAMPLE_FORMAT, (1,))
    return is_half_float or (len(bits) > 1 and max(bits) > 8)


def read_deep_colour(path: Path, *, is_png: bool) -> ByteArray:
    """The bands of a photo as bytes, not upright: (H, W), or (H, W, C) with an alpha band last.

    Raises:
        OSError: It cannot be decoded.
    """
    # Asked for again at every call, as `geoloc.photos.image_file` does and for the same reason.
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    try:
        with rasterio.open(path, driver="PNG" if is_png else "GTiff") as dataset:
            has_alpha = dataset.colorinterp[-1] == ColorInterp.alpha
            colours = 3 if dataset.count - has_alpha >= 3 else 1
            values = np.moveaxis(dataset.read(list(range(1, colours + 1))), 0, -1)
            alpha = dataset.read(dataset.count) if has_alpha else None
            fills = () if dataset.nodata is None else (float(dataset.nodata),)
    except RasterioError as error:
        raise OSError(str(error.__cause__ or error)) from error
    scaled = _scaled(values, fills, alpha)
    if alpha is None:
        return scaled if colours == 3 else scaled[..., 0]
    return np.dstack([scaled if colours == 3 else scaled.repeat(3, axis=-1), _upper_byte(alpha)])


def _scaled(values: AnyArray, fills: tuple[float, ...], alpha: AnyArray | None) -> ByteArray:
    """Values (H, W, C) as bytes; transparent ones are none."""
    if alpha is not None and not alpha.all():
        values[alpha == 0] = 0
        fills = (*fills, 0.0)
    return values_as_bytes(values, fills, shifted=True)


def _upper_byte(values: AnyArray) -> ByteArray:
    if values.dtype != np.uint16:
        return np.where(values > 0, 255, 0).astype(np.uint8)
    return (values >> 8).astype(np.uint8)
