"""Fabricated GeoTIFFs, small and named for their trait, whose pixels encode their coordinates.

Red is the column, green the row, blue a constant: a flip, a shift or a wrong scale shows as a
number of source pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint

SIDE_PX = 240
BLUE = 77


@dataclass(frozen=True)
class CodedRaster:
    """A raster whose pixels encode their coordinates, and how it was placed."""

    path: Path
    crs: str
    transform: Affine


def coded_bands(side_px: int = SIDE_PX) -> np.ndarray:
    """Bands (3, side, side) uint8: column, row, and a constant."""
    rows, cols = np.indices((side_px, side_px))
    return np.stack([cols, rows, np.full_like(cols, BLUE)]).astype(np.uint8)


def write_raster(
    path: Path,
    bands: np.ndarray,
    *,
    crs: str | None = None,
    transform: Affine | None = None,
    **more: object,
) -> Path:
    """Write bands (B, H, W) as a GeoTIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff",
        "count": bands.shape[0],
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": bands.dtype,
        "crs": crs,
        "transform": transform,
    }
    with rasterio.open(
        path, "w", **{k: v for k, v in (profile | more).items() if v is not None}
    ) as out:
        out.write(bands)
    return path


def utm(path: Path) -> CodedRaster:
    return _coded(path, "EPSG:32633", Affine(2, 0, 390000, 0, -2, 5820000))


def mercator(path: Path) -> CodedRaster:
    """At 60° north, where a map metre is half a metre on the ground."""
    return _coded(path, "EPSG:3857", Affine(4, 0, 1113195, 0, -4, 8399738))


def degrees(path: Path) -> CodedRaster:
    return _coded(path, "EPSG:4326", Affine(3e-5, 0, 13.4, 0, -1.8e-5, 52.5))


def oblong_pixels(path: Path) -> CodedRaster:
    return _coded(path, "EPSG:32633", Affine(2, 0, 390000, 0, -3, 5820000))


def rotated_utm(path: Path) -> CodedRaster:
    turn = Affine.translation(390000, 5820000) @ Affine.rotation(30) @ Affine.scale(2, -2)
    return _coded(path, "EPSG:32633", turn)


def south_up(path: Path) -> CodedRaster:
    return _coded(path, "EPSG:32633", Affine(2, 0, 390000, 0, 2, 5820000))


def gcps_only(path: Path) -> CodedRaster:
    """Four ground control points at the corners of a turned square, and no geotransform."""
    turn = Affine.translation(390000, 5820000) @ Affine.rotation(-20) @ Affine.scale(2, -2)
    corners = [(0, 0), (0, SIDE_PX), (SIDE_PX, 0), (SIDE_PX, SIDE_PX)]
    points = [GroundControlPoint(row=r, col=c, x=x, y=y)
              for c, r in corners for x, y in [turn @ (c, r)]]  # fmt: skip
    write_raster(path, coded_bands(), crs="EPSG:32633", gcps=points)
    return CodedRaster(path, "EPSG:32633", turn)


def _coded(path: Path, crs: str, transform: Affine) -> CodedRaster:
    write_raster(path, coded_bands(), crs=crs, transform=transform)
    return CodedRaster(path, crs, transform)


PLACED: dict[str, Callable[[Path], CodedRaster]] = {
    make.__name__: make
    for make in (utm, mercator, degrees, oblong_pixels, rotated_utm, south_up, gcps_only)
}
