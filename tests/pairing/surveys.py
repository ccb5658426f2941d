"""A fabricated survey: a map whose pixels encode their coordinates, and photos taken of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geoloc.crs import LonLat, to_lonlat
from tests.photos import GPANO, exif, gps, write_photo, xmp
from tests.rasters import CodedRaster, coded_bands, degrees

PHOTO_PX = 80
HEIGHT_M = 40.0
# At 40 m height a field of view of 90 degrees shows 80 m, 40 pixels of the map.
METADATA = "rel_alt_m,yaw_deg,pitch_deg,hfov_deg"


def ground_position(raster: CodedRaster, col: float, row: float) -> LonLat:
    """Degrees of a pixel position of the map."""
    x, y = raster.transform @ (col, row)
    lon, lat = to_lonlat(raster.crs, [x], [y])[0]
    return LonLat(float(lon), float(lat))


def write_survey(
    folder: Path, spots: Sequence[tuple[int, int]], *, yaw_deg: float = 0.0
) -> CodedRaster:
    """A map, a photo of 80 m looking down on each spot (col, row), and their metadata.csv."""
    raster = degrees(folder / "region.tif")
    (folder / "photos").mkdir()
    lines = [f"photo,{METADATA}"]
    for number, (col, row) in enumerate(spots):
        path = folder / "photos" / f"shot{number:02}.jpg"
        write_photo(
            path, pixels=_shot(col, row, yaw_deg), exif=_gps(ground_position(raster, col, row))
        )
        lines.append(f"{path.name},{HEIGHT_M},{yaw_deg},-90,90")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return raster


def write_panorama(path: Path, position: LonLat, *, heading_deg: float) -> Path:
    """A sphere that is dark but for a bright wall in the true north, taken at some heading."""
    pixels = np.full((64, 128, 3), 40, np.uint8)
    north = round((0.5 - heading_deg / 360) * 128) % 128
    pixels[:, [(north + k) % 128 for k in range(-4, 4)]] = 230
    said = {
        "ProjectionType": "equirectangular",
        "PoseHeadingDegrees": f"{heading_deg:.1f}",
        "FullPanoWidthPixels": "128",
        "FullPanoHeightPixels": "64",
        "CroppedAreaImageWidthPixels": "128",
        "CroppedAreaImageHeightPixels": "64",
        "CroppedAreaLeftPixels": "0",
        "CroppedAreaTopPixels": "0",
    }
    return write_photo(path, pixels=pixels, exif=_gps(position), xmp=xmp(said, namespace=GPANO))


def write_photo_at(path: Path, position: LonLat) -> Path:
    """A photo that says where it was taken, and nothing else."""
    return write_photo(path, exif=_gps(position))


def _shot(col: int, row: int, yaw_deg: float) -> NDArray[np.uint8]:
    """40 pixels of the map around a spot, enlarged twice; quarter turns only."""
    bands = np.moveaxis(coded_bands(), 0, -1)
    around = np.pad(bands, ((40, 40), (40, 40), (0, 0)))[row + 20 : row + 60, col + 20 : col + 60]
    pixels = around.repeat(2, axis=0).repeat(2, axis=1)
    return np.ascontiguousarray(np.rot90(pixels, round(yaw_deg / 90)))


def _gps(position: LonLat) -> Image.Exif:
    return exif(gps=gps(_dms(position.lat), _dms(position.lon), lat_ref="N", lon_ref="E"))


def _dms(value: float) -> tuple[float, float, float]:
    minutes = (value - int(value)) * 60
    return float(int(value)), float(int(minutes)), (minutes - int(minutes)) * 60
