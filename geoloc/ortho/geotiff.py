"""A warped photo as a file: a Cloud Optimized GeoTIFF, written block by block.

A COG is made from a file that is whole; that one lies beside it, tiled and not compressed, until
then. So memory stays that of a few blocks, and the disk has to hold four bytes a pixel for a while.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from pyproj import CRS
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from geoloc.errors import OptionError, ShortWriteError
from geoloc.geometry.crs import as_crs
from geoloc.ortho.grid import WarpGrid
from geoloc.ortho.resampling import BLOCK_PX, Block
from geoloc.storage.atomic import replacing
from geoloc.tiles.cog import cog_draft
from geoloc.tiles.gdal import GDAL_ERRORS, gdal_environment

KEY_TAG = "warp_key"
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
# GDAL would take a twentieth of the machine's memory for blocks that are never asked for again.
_CACHE_BYTES = 64_000_000
_DEFAULTS = {"COMPRESS": "DEFLATE", "PREDICTOR": "YES", "LEVEL": "4"}
_OWN = {"OVERVIEW_RESAMPLING": "AVERAGE", "BIGTIFF": "IF_SAFER", "OVERVIEWS": "AUTO"}


@dataclass(frozen=True)
class WarpFile:
    """A warped photo on the disk.

    Attributes:
        path: The file.
        crs: Its CRS.
        transform: From its pixel corners to the CRS.
        width_px: Number of its columns.
        height_px: Number of its rows.
        tags: What it says of itself.
    """

    path: Path
    crs: CRS
    transform: Affine
    width_px: int
    height_px: int
    tags: Mapping[str, str]

    @property
    def key(self) -> str | None:
        """What decided its content; None if it is no warp of ours."""
        return self.tags.get(KEY_TAG)

    @property
    def tilt_deg(self) -> float:
        """Angle between straight down and the photo's optical axis."""
        return float(self.tags.get("tilt_deg", "90"))

    @property
    def gsd_m(self) -> float:
        """Side of a pixel on the ground."""
        return float(self.tags.get("gsd_m", "nan"))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top in its CRS."""
        left, top = self.transform.c, self.transform.f
        right, bottom = self.transform @ (self.width_px, self.height_px)
        return left, bottom, right, top


def creation_options(given: Sequence[str]) -> dict[str, str]:
    """Creation options of GDAL's COG driver, from ``KEY=VALUE`` over the defaults.

    Raises:
        OptionError: One is not of that form, or would change what is promised.
    """
    chosen: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            message = f"creation option {text!r} is not KEY=VALUE"
            raise OptionError(f"{message}; say for example --co COMPRESS=WEBP")
        if key.upper() == "TILING_SCHEME":
            raise OptionError("--co TILING_SCHEME would warp twice; choose --warp-crs instead")
        chosen[key.upper()] = value
    compression = chosen.get("COMPRESS", "DEFLATE").upper()
    defaults = _DEFAULTS if compression == "DEFLATE" else {}
    return defaults | _OWN | chosen


def check_creation(given: Sequence[str]) -> None:
    """Refuse creation options that GDAL would leave out, by a trial in memory.

    Raises:
        OptionError: An option, or its value, is not known.
    """
    options = creation_options(given)
    if not given:
        return
    log, warnings = logging.getLogger("rasterio._env"), list[str]()

    def collect(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            warnings.append(record.getMessage().rpartition(" in ")[2])
        return record.levelno < logging.WARNING

    log.addFilter(collect)
    try:
        with tempfile.TemporaryDirectory(prefix="geoloc-trial-") as folder:
            grid = WarpGrid(as_crs("EPSG:3857"), Affine(1, 0, 1, 0, -1, 1), 64, 64, 1.0)
            trial = Path(folder) / "trial.tif"
            _write(trial, trial, grid, (), {}, options)
    except GDAL_ERRORS as error:
        warnings.append(str(error))
    finally:
        log.removeFilter(collect)
    if warnings:
        raise OptionError(
            f"--co {' '.join(given)}: {warnings[0]}; expected creation options of GDAL's COG "
            "driver: gdalinfo --format COG lists them"
        )


def write_warp(
    path: Path,
    grid: WarpGrid,
    blocks: Iterable[Block | None],
    tags: Mapping[str, str],
    options: dict[str, str],
) -> None:
    """Write a warped photo, whole or not at all.

    Args:
        path: The file.
        grid: Where its pixels lie.
        blocks: The blocks that show something.
        tags: What it says of itself.
        options: Creation options, of `creation_options`.

    Raises:
        ShortWriteError: It does not hold what was written.
        OSError: The disk is full.
    """

    def check(draft: Path) -> None:
        found = read_warp(draft)
        if found is None or (found.width_px, found.height_px) != (grid.width_px, grid.height_px):
            raise ShortWriteError(f"{path} cannot be read back after it was written", path=path)

    with replacing(path, check=check) as draft:
        _write(path, draft, grid, blocks, tags, options)


def _write(
    path: Path,
    draft: Path,
    grid: WarpGrid,
    blocks: Iterable[Block | None],
    tags: Mapping[str, str],
    options: dict[str, str],
) -> None:
    profile = {
        "driver": "GTiff",
        "width": grid.width_px,
        "height": grid.height_px,
        "count": 4,
        "dtype": "uint8",
        "crs": grid.crs.to_wkt(),
        "transform": grid.transform,
        "tiled": True,
        "blockxsize": BLOCK_PX,
        "blockysize": BLOCK_PX,
        "sparse_ok": True,
        "bigtiff": "IF_SAFER",
        "interleave": "pixel",
        "photometric": "RGB",
        "alpha": "YES",
    }
    with (
        gdal_environment(GDAL_CACHEMAX=_CACHE_BYTES, GDAL_TIFF_INTERNAL_MASK=True),
        cog_draft(path, draft, options) as whole,
        rasterio.open(whole, "w", **profile) as out,
    ):
        out.colorinterp = _COLOURS
        out.update_tags(**tags)
        for block in blocks:
            if block is not None:
                height, width = block.alpha.shape
                rgba = np.concatenate([np.moveaxis(block.rgb, -1, 0), block.alpha[None]])
                out.write(rgba, window=Window(block.column, block.row, width, height))


def read_warp(path: Path) -> WarpFile | None:
    """The header of a warped photo; None if there is no readable GeoTIFF."""
    try:
        with gdal_environment(), rasterio.open(path) as dataset:
            if dataset.crs is None:
                return None
            return WarpFile(
                path=path,
                crs=as_crs(dataset.crs.to_wkt()),
                transform=dataset.transform,
                width_px=dataset.width,
                height_px=dataset.height,
                tags=dict(dataset.tags()),
            )
    except GDAL_ERRORS:
        return None


def tags_text(facts: Mapping[str, object]) -> dict[str, str]:
    """Facts as the metadata of a GeoTIFF; what is not known is left out."""
    return {name: str(value) for name, value in facts.items() if value is not None}
