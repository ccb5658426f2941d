"""Greys of more than 8 bits as bytes: photographs keep their scale, thermal photos get contrast.

A photograph of 10, 12 or 16 bits fills its range, and keeps the upper 8 of the bits in use. Thermal
cameras write degrees, kelvins or raw counts, of which a scene spans a few hundred: scaled like a
photograph it has twenty greys. Where the values are no photograph's (they are fractions or below
zero, or most of them lie in less than half of the range), they are stretched between percentiles,
as maps are.

Pixels are black where there is no value: not a number, infinite, the value that TIFF (GDAL_NODATA)
or PNG (tRNS) names as none, and a value that many pixels share apart from all others, which is a
fill value that nobody declared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from geoloc.arrays import AnyArray, ByteArray, Float64Array, Mask
from geoloc.photos.exif import number
from geoloc.stretch import PERCENTILES, Stretch

_GDAL_NODATA = 42113
_WHOLE_16 = 2**16 - 1
# The whole as floating point numbers would be twice the file in memory.
_BLOCK_ROWS = 256
# About as many pixels a side as percentiles need.
_SAMPLE_SIDE_PX = 1000
# A photograph whose middle 96 % of values span fewer of the 256 greys is none.
_LEAST_GREYS = 128
# Share of one value at the end of all others from which it may be a fill value.
_SPIKE_SHARE = 0.005
# It is one so far below or above the others, in spans of theirs. What lies below is black anyway;
# of what lies above, a highlight should be spared.
_SPIKE_GAPS = (0.1, 1.0)


def is_deep_grey(image: Image.Image) -> bool:
    """Whether an image has one band of more than 8 bits."""
    return image.mode.startswith("I") or image.mode == "F"


def deep_grey_as_bytes(image: Image.Image) -> ByteArray:
    """The greys (H, W) of a loaded image of more than 8 bits, by the rules of this module."""
    return values_as_bytes(np.asarray(image), _stated_nodata(image))


def values_as_bytes(
    values: AnyArray, fills: tuple[float, ...] = (), *, shifted: bool = False
) -> ByteArray:
    """Values (H, W) or (H, W, C) of any type as bytes, all bands alike, so that colours stay.

    Args:
        values: The values.
        fills: Those of them that stand for none.
        shifted: Take the upper byte of what fills 16 bits, as Pillow does with colours.
    """
    step = max(1, math.ceil(max(values.shape[:2], default=1) / _SAMPLE_SIDE_PX))
    sample = values[::step, ::step].ravel()
    known = sample[_is_known(sample, fills)].astype(np.float64)
    spikes = _spikes(known)
    known, fills = known[~np.isin(known, spikes)], (*fills, *spikes)
    top = _photographic_top(values, known, fills)
    stretch = None if top else Stretch.measure(known[None], np.ones(len(known), np.bool_))
    scaled = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), _BLOCK_ROWS):
        block = values[row : row + _BLOCK_ROWS]
        greys = stretch.apply(block[None])[0] if stretch else _upper_bits(block, top, shifted)
        scaled[row : row + _BLOCK_ROWS] = np.where(_is_known(block, fills), greys, 0)
    return scaled


def _stated_nodata(image: Image.Image) -> tuple[float, ...]:
    """The value that the file names as none, if it names one."""
    stated = getattr(image, "tag_v2", {}).get(_GDAL_NODATA, image.info.get("transparency"))
    value = number(stated)
    return () if value is None else (value,)


def _is_known(values: AnyArray, fills: Sequence[float]) -> Mask:
    known: Mask = np.isfinite(values)
    for fill in fills:
        with np.errstate(over="ignore"):
            # As the values hold it: -3.4e38 in text is another number than in 32 bits.
            known &= values != (values.dtype.type(fill) if values.dtype.kind == "f" else fill)
    return known


def _spikes(known: Float64Array) -> list[float]:
    """Values that many pixels share, below or far above all others."""
    found: list[float] = []
    for end, least_gap in zip((np.min, np.max), _SPIKE_GAPS, strict=True):
        if len(known) == 0:
            break
        extreme = float(end(known))
        rest = known[known != extreme]
        is_frequent = len(known) - len(rest) >= _SPIKE_SHARE * len(known)
        span = float(np.ptp(rest)) if len(rest) else 0.0
        if is_frequent and 0 < span * least_gap < np.abs(rest - extreme).min():
            found.append(extreme)
            known = rest
    return found


def _photographic_top(values: AnyArray, known: Float64Array, fills: Sequence[float]) -> int:
    """The power of two, less one, that holds the brightest; 0 for what is no photograph."""
    if values.dtype.kind == "f" or len(known) == 0 or known.min() < 0:
        return 0
    blocks = (values[row : row + _BLOCK_ROWS] for row in range(0, len(values), _BLOCK_ROWS))
    brightest = max(int(block.max(initial=0, where=_is_known(block, fills))) for block in blocks)
    top = 2 ** max(8, brightest.bit_length()) - 1
    low, high = np.percentile(known, PERCENTILES)
    is_squeezed = 0 < (high - low) * 255 < _LEAST_GREYS * top
    return 0 if is_squeezed else top


def _upper_bits(block: AnyArray, top: int, shifted: bool) -> ByteArray:
    if shifted and top == _WHOLE_16:
        return (block >> 8).astype(np.uint8)
    greys: ByteArray = np.clip(block.astype(np.float32) * (255 / top), 0, 255).astype(np.uint8)
    return greys
