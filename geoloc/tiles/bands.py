"""RGB from the bands of any raster: 8 bits and a mask, by one recipe for all its tiles.

| raster | becomes |
|---|---|
| bands named red, green and blue | these, whatever their order |
| three or more unnamed bands | the first three |
| cyan, magenta, yellow, black | RGB by the plain formula (1 - ink)(1 - black) |
| one band, or grey and alpha | grey in all three channels |
| a palette | the palette's colours, by nearest neighbour |
| 8-bit unsigned | kept as it is |
| 16-bit, float and all others | stretched between the 2nd and 98th percentile of each band |

The percentiles come from a sample of the raster and are kept with its tiles, so every tile of a
raster is stretched alike. Pixels are invalid where the alpha is 0, the mask says so, all bands
hold nodata, or a value is not finite; they become black. Where nobody declares nodata, what looks
like a fill value is taken for one (`geoloc.fill_values`), in all but bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from geoloc.arrays import AnyArray, ByteArray, Mask
from geoloc.errors import RasterError
from geoloc.stretch import Stretch

Kind = Literal["rgb", "grey", "palette", "cmyk"]


class RgbTile(NamedTuple):
    """Pixels (H, W, 3) uint8 and which of them are valid (H, W) bool; invalid ones are black.

    In memory one band may follow the other, as GDAL reads and writes them.
    """

    pixels: ByteArray
    valid: Mask


@dataclass(frozen=True)
class RgbRecipe:
    """How the bands of one raster become RGB.

    Attributes:
        kind: Meaning of the bands.
        bands: Numbers of the bands to read, counted from 1.
        alpha_band: Number of the band that says what is transparent, counted from 1.
        palette: Colours (N, 4) as RGBA, of a palette raster.
        stretch: Mapping of other types to bytes; None for 8-bit unsigned.
    """

    kind: Kind
    bands: tuple[int, ...]
    alpha_band: int | None = None
    palette: tuple[tuple[int, int, int, int], ...] = ()
    stretch: Stretch | None = None

    def to_rgb(self, bands: AnyArray, valid: Mask) -> RgbTile:
        """RGB of `bands` (B, H, W), in the order of `self.bands`; `valid` (H, W) is narrowed."""
        if np.issubdtype(bands.dtype, np.floating):
            valid = valid & np.isfinite(bands).all(axis=0)
        if self.stretch is not None and self.stretch.fill is not None:
            valid = valid & self.stretch.fill.holds_data(bands)
        if self.kind == "palette":
            pixels, valid = self._look_up(bands[0], valid)
        else:
            as_bytes = bands if self.stretch is None else self.stretch.apply(bands)
            pixels = _CHANNELS[self.kind](as_bytes.astype(np.uint8, copy=False))
        if not valid.all():
            pixels[:, ~valid] = 0
        return RgbTile(np.moveaxis(pixels, 0, -1), valid)

    def _look_up(self, indices: AnyArray, valid: Mask) -> tuple[ByteArray, Mask]:
        table = np.array(self.palette, dtype=np.uint8)
        known = indices.astype(np.int64) < len(table)
        colours = table[np.where(known, indices, 0)]
        return np.moveaxis(colours[..., :3], -1, 0), valid & known & (colours[..., 3] > 0)


def _grey(bands: ByteArray) -> ByteArray:
    return np.repeat(bands[:1], 3, axis=0)


def _cmyk(bands: ByteArray) -> ByteArray:
    ink, black = bands[:3].astype(np.uint16), bands[3].astype(np.uint16)
    light: ByteArray = ((255 - ink) * (255 - black) // 255).astype(np.uint8)
    return light


_CHANNELS: dict[Kind, Callable[[ByteArray], ByteArray]] = {
    "rgb": lambda bands: bands[:3],
    "grey": _grey,
    "cmyk": _cmyk,
}


def choose_recipe(
    meanings: Sequence[str],
    dtype: str,
    *,
    colours: dict[int, tuple[int, int, int, int]] | None = None,
) -> RgbRecipe:
    """A recipe without its stretch, from GDAL's names of the bands and their type.

    Args:
        meanings: GDAL's colour interpretation of each band, in lower case.
        dtype: The type of the bands, as numpy names it.
        colours: The palette of the first band.

    Raises:
        RasterError: The bands are complex numbers, or there are none but an alpha.
    """
    if "complex" in dtype:
        message = f"bands of type {dtype} show no picture"
        raise RasterError(f"{message}; expected integers or floats, so detect the amplitude first")
    alpha = meanings.index("alpha") + 1 if "alpha" in meanings else None
    rest = [i + 1 for i in range(len(meanings)) if i + 1 != alpha]
    if not rest:
        raise RasterError("the raster has no band but an alpha; expected 1 to 4 bands of a picture")
    if colours and meanings[0] == "palette":
        return RgbRecipe("palette", (1,), alpha, _palette_rows(colours))
    for kind, names in _NAMED.items():
        if set(names) <= set(meanings):
            return RgbRecipe(kind, tuple(meanings.index(n) + 1 for n in names), alpha)
    if len(rest) >= 3:
        return RgbRecipe("rgb", tuple(rest[:3]), alpha)
    return RgbRecipe("grey", (rest[0],), alpha)


_NAMED: dict[Kind, tuple[str, ...]] = {
    "rgb": ("red", "green", "blue"),
    "cmyk": ("cyan", "magenta", "yellow", "black"),
}


def _palette_rows(
    colours: dict[int, tuple[int, int, int, int]],
) -> tuple[tuple[int, int, int, int], ...]:
    """The palette as a table without gaps; missing entries are transparent."""
    return tuple(colours.get(i, (0, 0, 0, 0)) for i in range(max(colours) + 1))
