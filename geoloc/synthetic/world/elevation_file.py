"""The world's heights as GeoTIFFs: its bare ground (a DEM), and with roofs and trees (a DSM)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from geoloc.arrays import Float32Array
from geoloc.errors import OutputExistsError
from geoloc.storage.atomic import replacing
from geoloc.synthetic.world.moment import Moment
from geoloc.synthetic.world.noise import Window
from geoloc.synthetic.world.palette import Season
from geoloc.synthetic.world.world import World

# Photos at the map's edge see that much of what lies beyond.
_MARGIN_M = 300.0


def write_dem(
    world: World,
    path: str | Path,
    *,
    gsd_m: float = 1.0,
    margin_m: float = _MARGIN_M,
    overwrite: bool = False,
) -> None:
    """Write the bare ground of a world: altitudes in metres, float32, in the world's CRS.

    Args:
        world: The world; a flat one has a flat DEM.
        path: The GeoTIFF.
        gsd_m: Side of a pixel.
        margin_m: Ground beyond the mapped square.
        overwrite: Whether it may replace a file.

    Raises:
        OutputExistsError: `path` is there and `overwrite` was not asked for.
    """
    window = _window(world, gsd_m, margin_m)
    _write(world, Path(path), window, world.ground_altitudes_m(window), overwrite=overwrite)


def write_dsm(
    world: World,
    path: str | Path,
    *,
    when: Moment | Season = "summer",
    gsd_m: float = 0.5,
    margin_m: float = 60.0,
    overwrite: bool = False,
) -> None:
    """Write the surface of a world at a moment, with roofs and dense crowns, as `write_dem` does.

    Raises:
        OutputExistsError: `path` is there and `overwrite` was not asked for.
    """
    window = _window(world, gsd_m, margin_m)
    above_m = world.survey(when, window=window).heights_m
    altitudes = (world.ground_altitudes_m(window) + above_m).astype(np.float32)
    _write(world, Path(path), window, altitudes, overwrite=overwrite)


def _window(world: World, gsd_m: float, margin_m: float) -> Window:
    side_px = math.ceil((world.size_m + 2 * margin_m) / gsd_m)
    return Window(-margin_m, world.size_m + margin_m, gsd_m, side_px, side_px)


def _write(
    world: World, path: Path, window: Window, altitudes: Float32Array, *, overwrite: bool
) -> None:
    if path.exists() and not overwrite:
        message = f"{path} exists; choose another name or ask for overwriting"
        raise OutputExistsError(message, path=path)
    left, top = world.corner.x + window.left_m, world.corner.y + window.top_m
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        replacing(path) as draft,
        rasterio.open(
            draft,
            "w",
            driver="GTiff",
            width=window.width_px,
            height=window.height_px,
            count=1,
            dtype="float32",
            crs=world.crs.to_wkt(),
            transform=Affine(window.gsd_m, 0, left, 0, -window.gsd_m, top),
            tiled=True,
            compress="deflate",
            predictor=3,
        ) as dataset,
    ):
        dataset.write(altitudes, 1)
        dataset.units = ("metre",)
