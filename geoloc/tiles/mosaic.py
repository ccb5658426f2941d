"""Read which sources a mosaic of GDAL names: VRT of any kind, and raster tile index (GTI)."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from geoloc.errors import RasterError
from geoloc.tiles.location import is_address

# The names that a mosaic's XML gives to its sources.
_SOURCE_TAGS = ("sourcefilename", "sourcedataset")
# Left, top, right, bottom in pixels.
Box = tuple[float, float, float, float]
_SUBDATASET = re.compile(r'([A-Z][A-Z0-9_]+:(?:\d+:)?"?)([^":]+)(.*)')


@dataclass(frozen=True)
class Source:
    """A file that a mosaic is made of.

    Attributes:
        location: The file, as GDAL opens it.
        parent: The mosaic that names it; empty for the raster that the user gave.
        size_px: Width and height that the mosaic expects, if it says so.
        band: Highest band that the mosaic takes.
        raw_bytes: Size that a file of bare pixels must have; None for rasters.
        box: Where it shows in the raster that the user gave; None is anywhere.
    """

    location: str
    parent: str = ""
    size_px: tuple[int, int] | None = None
    band: int = 0
    raw_bytes: int | None = None
    box: Box | None = None

    def touches(self, box: Box) -> bool:
        """Whether the source shows in a part of the raster; so it may if nobody says where."""
        if self.box is None:
            return True
        left, top, right, bottom = self.box
        return left < box[2] and box[0] < right and top < box[3] and box[1] < bottom


def mosaic_sources(dataset: Any, location: str) -> Iterator[Source]:
    """The sources of an open dataset; none if it is no mosaic.

    Args:
        dataset: Dataset of rasterio.
        location: Where it was opened from.
    """
    if dataset.driver == "VRT":
        # What GDAL has read tells less than the file: it drops the size that a source should have.
        text = file_text(location)
        try:
            sources = list(vrt_sources(text or "", location))
        except ElementTree.ParseError:  # GDAL's reader is laxer, and its writer is not
            text = dataset.tags(ns="xml:VRT").get("xml:VRT", "<VRTDataset/>")
            sources = list(vrt_sources(text, location))
        yield from sources
    elif dataset.driver == "GTI":
        yield from _tile_index_sources(location)


def vrt_sources(text: str, location: str) -> Iterator[Source]:
    """The sources that the XML of a VRT names, each once a band.

    Args:
        text: The XML.
        location: File of the XML, which relative names are seen from.
    """
    root = ElementTree.fromstring(text)
    width, height = (int(root.get(name, 0)) for name in ("rasterXSize", "rasterYSize"))
    for element in root.iter():
        for name in element:
            if name.tag.lower() in _SOURCE_TAGS and name.text:
                path = _absolute(name.text.strip(), location, is_relative=_is_relative(name))
                if element.get("subClass") == "VRTRawRasterBand":
                    yield Source(path, location, raw_bytes=_raw_bytes(element, width, height))
                else:
                    sides, band = _size_px(element), _band(element)
                    yield Source(path, location, sides, band, box=_box(element))


def file_text(location: str) -> str | None:
    """The text of a VRT on the disk; None if it lies elsewhere, or is named otherwise."""
    if is_address(location) or not location.lower().endswith(".vrt"):
        return None
    return Path(location).read_text(encoding="utf-8", errors="replace")


def _is_relative(name: ElementTree.Element) -> bool:
    """Whether a name is seen from the VRT; the attribute is spelt in several ways."""
    attributes = {key.lower(): value for key, value in name.attrib.items()}
    return attributes.get("relativetovrt", "0").strip() in ("1", "true", "yes")


def _size_px(source: ElementTree.Element) -> tuple[int, int] | None:
    properties = source.find("SourceProperties")
    if properties is None:
        return None
    sides = [properties.get(name) for name in ("RasterXSize", "RasterYSize")]
    return (int(sides[0]), int(sides[1])) if sides[0] and sides[1] else None


def _box(source: ElementTree.Element) -> Box | None:
    """Where a source shows in its mosaic, with a pixel around it for what resampling takes."""
    place = source.find("DstRect")
    if place is None:
        return None
    left, top, width, height = (
        float(place.get(name, "nan")) for name in ("xOff", "yOff", "xSize", "ySize")
    )
    box = (left - 1, top - 1, left + width + 1, top + height + 1)
    return None if math.isnan(sum(box)) else box


def _band(source: ElementTree.Element) -> int:
    """The band that a source gives; ``mask,1`` is the mask of one."""
    text = (source.findtext("SourceBand") or "0").rpartition(",")[2]
    return int(text) if text.strip().isdigit() else 0


def _raw_bytes(band: ElementTree.Element, width: int, height: int) -> int:
    """Bytes up to the last pixel of a band of bare pixels."""
    offset, pixel, line = (
        int(band.findtext(name) or default)
        for name, default in (("ImageOffset", 0), ("PixelOffset", 1), ("LineOffset", width))
    )
    return offset + (height - 1) * line + (width - 1) * pixel + 1


def _absolute(name: str, location: str, *, is_relative: bool) -> str:
    """A name as GDAL opens it, seen from the file that names it."""
    if name.startswith("<") or is_address(name):
        return name
    if not is_relative:
        return name
    subdataset = _SUBDATASET.fullmatch(name)
    if subdataset:
        before, inside, after = subdataset.groups()
        return f"{before}{_beside(inside, location)}{after}"
    return _beside(name, location)


def _beside(name: str, location: str) -> str:
    """A relative name, seen from the folder of a location."""
    if Path(name).is_absolute() or location.startswith("<"):
        return name
    if is_address(location):
        # Not normpath: it would take a slash of "//" away, from an address as from a zip's.
        folder = location.rpartition("/")[0]
        for part in name.split("/"):
            folder = folder.rpartition("/")[0] if part == ".." else f"{folder}/{part}"
        return folder
    return os.path.normpath(Path(location.removeprefix("GTI:")).parent / name)


def _tile_index_sources(location: str) -> Iterator[Source]:
    """The tiles of a raster tile index, from its vector file."""
    import pyogrio  # only here: it takes half a second to load

    index, layer, field = location.removeprefix("GTI:"), None, None
    document = _xml_of(index)
    if document is not None:
        name = document.findtext("IndexDataset") or ""
        beside = _beside(name, index)
        index = beside if Path(beside).exists() or not Path(name).exists() else name
        layer, field = document.findtext("IndexLayer"), document.findtext("LocationField")
        for overview in document.iter("Overview"):
            if overview.findtext("Dataset"):
                yield Source(_beside(str(overview.findtext("Dataset")), location), location)
        yield Source(index, location, raw_bytes=0)
    try:
        told = pyogrio.read_info(index, layer=layer).get("layer_metadata") or {}
        field = field or told.get("LOCATION_FIELD") or "location"
        table = pyogrio.read_dataframe(index, layer=layer, columns=[field], read_geometry=False)
    except (OSError, ValueError, RuntimeError) as error:
        message = f"cannot read the tile index {index}: {error}"
        raise RasterError(f"{message}; expected a table of tiles", path=location) from error
    for name in dict.fromkeys(table[field].dropna()):
        yield Source(_tile_location(str(name), index), location)


def _xml_of(path: str) -> ElementTree.Element | None:
    """The root of a tile index in XML; None if the file is a vector file."""
    if is_address(path) or not Path(path).is_file():
        return None
    with Path(path).open("rb") as stream:
        if not stream.read(256).lstrip().startswith(b"<GDALTileIndexDataset"):
            return None
    return ElementTree.parse(path).getroot()


def _tile_location(name: str, index: str) -> str:
    if "://" in name or name.startswith(("<", "/vsi")):
        return name
    return _absolute(name, index, is_relative=not Path(name).is_absolute())
