"""A heatmap as a file: a Cloud Optimized GeoTIFF of one band, with a style for QGIS beside it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np
import rasterio

from geoloc.errors import ShortWriteError
from geoloc.geometry.crs import crs_text
from geoloc.locate.heatmap.raster import Heatmap
from geoloc.storage.atomic import replacing, write_text
from geoloc.tiles.cog import cog_draft
from geoloc.tiles.gdal import GDAL_ERRORS, gdal_environment

KEY_TAG = "heatmap_key"
NONE_TAG = "none_probability"
# No probability at all is where the map is not drawn; a sum of all pixels stays what it is.
_NODATA = 0.0
_BLOCK_PX = 512
# Sums of a raster of float32 are exact to this.
_EXACT = 1e-4
# Colours of a share of the largest value: of Okabe and Ito's palette, from nothing to opaque.
_COLOURS = (
    (0.0, "#56b4e9", 0),
    (0.01, "#56b4e9", 110),
    (0.1, "#0072b2", 190),
    (0.4, "#e69f00", 225),
    (1.0, "#d55e00", 255),
)


def write_heatmap(path: Path, heat: Heatmap, tags: Mapping[str, str]) -> None:
    """Write a heatmap, whole or not at all, and its style.

    Args:
        path: The file.
        heat: What it shows.
        tags: What it says of itself, beside the *none* mass.

    Raises:
        OSError: The disk is full.
        ShortWriteError: It does not hold what was written.
    """
    expected = float(heat.probabilities.sum(dtype=np.float64))

    def check(draft: Path) -> None:
        if abs(_sum(draft) - expected) > _EXACT:
            raise ShortWriteError(f"{path} lost probability while it was written", path=path)

    with (
        replacing(path, check=check) as draft,
        gdal_environment(),
        cog_draft(path, draft) as whole,
    ):
        _write(whole, heat, tags)
    write_text(path.with_suffix(".qml"), heatmap_style(float(heat.probabilities.max())))


def _write(path: Path, heat: Heatmap, tags: Mapping[str, str]) -> None:
    height, width = heat.probabilities.shape
    profile = {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": 1,
        "dtype": "float32",
        "nodata": _NODATA,
        "crs": crs_text(heat.frame.crs),
        "transform": heat.transform,
        "tiled": True,
        "blockxsize": _BLOCK_PX,
        "blockysize": _BLOCK_PX,
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(heat.probabilities, 1)
        out.set_band_description(1, "probability")
        out.update_tags(**{NONE_TAG: f"{heat.none:.9f}"}, **tags)


def _sum(path: Path) -> float:
    with rasterio.open(path) as dataset:
        return float(dataset.read(1).sum(dtype=np.float64))


def read_key(path: Path) -> str | None:
    """What decided the content of a heatmap; None if it is none of ours."""
    try:
        with gdal_environment(), rasterio.open(path) as dataset:
            found = dataset.tags().get(KEY_TAG)
            return None if found is None else str(found)
    except GDAL_ERRORS:
        return None


def heatmap_style(largest: float) -> str:
    """The QML of a raster of probabilities up to `largest`, clear where there is none."""
    items = "\n".join(
        f'          <item value="{share * largest:.9g}" color="{colour}" alpha="{alpha}" '
        f'label="{share * largest:.2g}"/>'
        for share, colour, alpha in _COLOURS
    )
    text = files("geoloc.locate.heatmap").joinpath("heatmap.qml").read_text(encoding="utf-8")
    return text.replace("@ITEMS@", items).replace("@LARGEST@", f"{largest:.9g}")
