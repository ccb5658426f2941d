"""All warped photos as one picture: ``mosaic.vrt`` for any program, a tile index for GDAL's GTI.

Of two photos of a place the one that looks more nearly straight down lies on top. In the mosaic,
moreover, the central part of any photo lies above the outer parts of all, where a lens and the
relief displace more.
"""

from __future__ import annotations

import os
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import shapely
from affine import Affine

from geoloc.geometry.crs import WGS84, as_crs, crs_text, from_lonlat, ground_scales, to_lonlat
from geoloc.geometry.longitude import near
from geoloc.ortho.geotiff import WarpFile
from geoloc.storage.atomic import replacing, write_text
from geoloc.tiles.footprint_layer import FootprintLayer, read_column, write_layer

MOSAIC = "mosaic.vrt"
TILE_INDEX = "warps.gti.gpkg"
_LAYER = "warps"
_BANDS = ("Red", "Green", "Blue", "Alpha")
_BLOCK_PX = 512
# The side of the central part of a warped photo, of its own.
_CENTRAL = 0.5


def write_mosaics(folder: Path, warps: Sequence[WarpFile]) -> list[Path]:
    """Write a VRT over warped photos; the files that were written.

    Those of most photos' CRS are in ``mosaic.vrt``, those of any other in one that is named for it.

    Args:
        folder: Where to write them.
        warps: The warped photos.
    """
    by_crs: dict[str, list[WarpFile]] = defaultdict(list)
    for warp in warps:
        by_crs[crs_text(warp.crs)].append(warp)
    written = []
    ranked = sorted(by_crs.items(), key=lambda item: (-len(item[1]), item[0]))
    for number, (name, group) in enumerate(ranked):
        plain = "".join(c if c.isalnum() else "-" for c in name[:40].lower())
        path = folder / (MOSAIC if number == 0 else f"mosaic-{plain}.vrt")
        write_text(path, _vrt_text(group, folder))
        written.append(path)
    return written


def shows_all(folder: Path, warps: Sequence[WarpFile]) -> bool:
    """Whether the files over all warped photos are there, and are of these as they are now."""
    index = folder / TILE_INDEX
    if not (index.is_file() and (folder / MOSAIC).is_file()):
        return False
    try:
        shown = set(read_column(index, _LAYER, "location"))
    except sqlite3.Error:
        return False
    written = index.stat().st_mtime_ns
    is_older = all(warp.path.stat().st_mtime_ns <= written for warp in warps)
    return is_older and shown == {_location(warp, folder) for warp in warps}


def _location(warp: WarpFile, folder: Path) -> str:
    """The way from a folder to a warped photo."""
    return Path(os.path.relpath(warp.path, folder)).as_posix()


def _best_last(warps: Sequence[WarpFile]) -> list[WarpFile]:
    """The photos in the order in which they are drawn."""
    return sorted(warps, key=lambda warp: (-warp.tilt_deg, warp.path.name))


def _vrt_text(warps: Sequence[WarpFile], folder: Path) -> str:
    """The XML of a VRT over photos of one CRS."""
    bounds = np.array([warp.bounds for warp in warps])
    step_x = float(np.median([warp.transform.a for warp in warps]))
    step_y = float(np.median([-warp.transform.e for warp in warps]))
    left, top = bounds[:, 0].min(), bounds[:, 3].max()
    width = max(1, int(np.ceil((bounds[:, 2].max() - left) / step_x - 1e-6)))
    height = max(1, int(np.ceil((top - bounds[:, 1].min()) / step_y - 1e-6)))
    to_crs = Affine(step_x, 0, left, 0, -step_y, top)
    root = ElementTree.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
    axes = "2,1" if _is_lat_first(warps[0]) else "1,2"
    srs = ElementTree.SubElement(root, "SRS", dataAxisToSRSAxisMapping=axes)
    srs.text = warps[0].crs.to_wkt()
    ElementTree.SubElement(root, "GeoTransform").text = ", ".join(map(repr, to_crs.to_gdal()))
    levels = [str(2**n) for n in range(1, 12) if max(width, height) / 2**n >= _BLOCK_PX / 2]
    if levels:
        overviews = ElementTree.SubElement(root, "OverviewList", resampling="average")
        overviews.text = " ".join(levels)
    for number, colour in enumerate(_BANDS, start=1):
        band = ElementTree.SubElement(root, "VRTRasterBand", dataType="Byte", band=str(number))
        ElementTree.SubElement(band, "ColorInterp").text = colour
        for share in (1.0, _CENTRAL):
            for warp in _best_last(warps):
                band.append(_source(warp, number, share=share, to_crs=to_crs, folder=folder))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _is_lat_first(warp: WarpFile) -> bool:
    """Whether the authority of a CRS names the latitude, or the northing, first."""
    return warp.crs.axis_info[0].direction.lower() in ("north", "south")


def _source(
    warp: WarpFile, band: int, *, share: float, to_crs: Affine, folder: Path
) -> ElementTree.Element:
    """A photo's middle part, of a share of its sides, as a source of a band of the mosaic."""
    source = ElementTree.Element("ComplexSource")
    name = ElementTree.SubElement(source, "SourceFilename", relativeToVRT="1")
    name.text = _location(warp, folder)
    ElementTree.SubElement(source, "SourceBand").text = str(band)
    ElementTree.SubElement(
        source,
        "SourceProperties",
        RasterXSize=str(warp.width_px),
        RasterYSize=str(warp.height_px),
        DataType="Byte",
        BlockXSize=str(_BLOCK_PX),
        BlockYSize=str(_BLOCK_PX),
    )
    width, height = max(1, round(warp.width_px * share)), max(1, round(warp.height_px * share))
    column, row = (warp.width_px - width) // 2, (warp.height_px - height) // 2
    first = ~to_crs @ (warp.transform @ (column, row))
    last = ~to_crs @ (warp.transform @ (column + width, row + height))
    _rectangle(source, "SrcRect", column, row, width, height)
    _rectangle(source, "DstRect", first[0], first[1], last[0] - first[0], last[1] - first[1])
    # What is transparent in it leaves what lies below, in the alpha band too.
    ElementTree.SubElement(source, "UseMaskBand").text = "true"
    if band == len(_BANDS):
        # Seen from afar, the alpha of an edge is a mean; it would show as a seam.
        ElementTree.SubElement(source, "LUT").text = "0:0,1:255,255:255"
    return source


def _rectangle(
    source: ElementTree.Element, name: str, x: float, y: float, width: float, height: float
) -> None:
    values = dict(zip(("xOff", "yOff", "xSize", "ySize"), (x, y, width, height), strict=True))
    ElementTree.SubElement(source, name, {key: f"{value:.12g}" for key, value in values.items()})


def write_tile_index(folder: Path, warps: Sequence[WarpFile]) -> Path:
    """Write ``warps.gti.gpkg``: what each photo shows, for QGIS, and all as one raster for GDAL.

    Args:
        folder: Where to write it.
        warps: The warped photos.
    """
    ordered = _best_last(warps)
    names = {crs_text(warp.crs) for warp in ordered}
    crs = as_crs(names.pop()) if len(names) == 1 else WGS84
    polygons = np.array([_footprint(warp, crs) for warp in ordered], dtype=object)
    columns: dict[str, Sequence[object]] = {
        "location": [_location(warp, folder) for warp in ordered],
        "tilt_deg": [warp.tilt_deg for warp in ordered],
        "gsd_m": [warp.gsd_m for warp in ordered],
        "photo": [warp.tags.get("photo", "") for warp in ordered],
        "status": [warp.tags.get("status", "") for warp in ordered],
        "confidence": [float(warp.tags.get("confidence", "nan")) for warp in ordered],
        "ce90_m": [float(warp.tags.get("ce90_m", "nan")) for warp in ordered],
    }
    finest = min(ordered, key=lambda warp: warp.gsd_m)
    west, south, east, north = shapely.bounds(_footprint(finest, crs))
    scales = ground_scales(crs, [(west + east) / 2], [(south + north) / 2])[0]
    metadata = {
        "RESX": repr(finest.gsd_m / float(scales[0])),
        "RESY": repr(finest.gsd_m / float(scales[1])),
        "BAND_COUNT": "4",
        "DATA_TYPE": "Byte",
        "COLOR_INTERPRETATION": ",".join(_BANDS),
        "LOCATION_FIELD": "location",
        "SORT_FIELD": "tilt_deg",
        "SORT_FIELD_ASC": "NO",
    }
    path = folder / TILE_INDEX
    with replacing(path) as draft:
        write_layer(draft, FootprintLayer(_LAYER, crs, polygons, columns, metadata))
    return path


def _footprint(warp: WarpFile, crs: object) -> shapely.Polygon:
    """What a warped photo shows, in a CRS; its corners where its tag was lost."""
    text = warp.tags.get("outline")
    outline = shapely.from_wkt(text, on_invalid="ignore") if text else None
    if outline is not None:
        lonlat = shapely.get_coordinates(outline)
    else:
        width, height = warp.width_px, warp.height_px
        corners = [(0, 0), (width, 0), (width, height), (0, height)]
        ring = np.array([warp.transform @ corner for corner in corners])
        lonlat = to_lonlat(warp.crs, ring[:, 0], ring[:, 1])
    lonlat[:, 0] = near(lonlat[:, 0], lonlat[0, 0])
    target = as_crs(crs)
    return shapely.Polygon(lonlat if target == WGS84 else from_lonlat(target, lonlat))
