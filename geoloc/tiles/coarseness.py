"""Whether a raster is fine enough for the crops that a network wants to see around its tiles."""

from __future__ import annotations

from collections.abc import Sequence

from geoloc.errors import RasterError
from geoloc.models.card import TileCrops
from geoloc.tiles.grid import RasterFrame, pixel_size_m

# A crop is blurred where a pixel of the raster is so many of its own; less is lost in resampling.
_BLURRED = 1.1
# With pixels of so many of the coarsest crop's, no crop shows what the network learnt from.
_USELESS = 2.0


def blurred_crops(frame: RasterFrame, crops: TileCrops) -> str | None:
    """Which crops a raster is too coarse for, in words; None if for none.

    Raises:
        RasterError: It is too coarse for all of them.
        CrsError: It has no place on the Earth.
    """
    pixel_m = pixel_size_m(frame)
    if pixel_m > _USELESS * max(crops.gsds_m):
        raise RasterError(
            f"pixels of {pixel_m:.3g} m are too coarse for the crops that the model looks at, of "
            f"{_listed(crops.gsds_m)} m a pixel; expected {min(crops.gsds_m):.3g} m or finer; use "
            "a finer raster"
        )
    pairs = zip(crops.ground_sizes_m, crops.gsds_m, strict=True)
    blurred = [(side_m, gsd_m) for side_m, gsd_m in pairs if pixel_m > _BLURRED * gsd_m]
    if not blurred:
        return None
    sides_m, gsds_m = zip(*blurred, strict=True)
    return (
        f"pixels of {pixel_m:.3g} m blur the crops of {_listed(sides_m)} m, for which the model "
        f"learnt from {_listed(gsds_m)} m a pixel; expect worse answers, or use a finer raster"
    )


def _listed(values: Sequence[float]) -> str:
    """``76.8, 153.6 and 307.2``."""
    *first, last = (f"{value:.4g}" for value in values)
    return f"{', '.join(first)} and {last}" if first else last
