"""WMTS: from the address of a server to a description of one layer for GDAL's WMTS driver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from geoloc.errors import CrsError, RasterError
from geoloc.geometry.crs import as_crs
from geoloc.tiles.location import public_name
from geoloc.tiles.sources.cache import service_settings
from geoloc.tiles.sources.capabilities import (
    address_of,
    chosen_layer,
    credit_of,
    query_of,
    read_capabilities,
    text_of,
    with_query,
)
from geoloc.tiles.sources.ground_window import bounds_in, pixel_units
from geoloc.tiles.sources.map_source import MapRequest, MapSource, described
from geoloc.tiles.sources.terms import warnings_of

_OURS = frozenset(
    {"service", "request", "version", "layer", "style", "format"}
    | {"tilematrixset", "tilematrix", "tilerow", "tilecol"}
)
_CODE = re.compile(r"(?:urn:ogc:def:crs:)?(EPSG)[:/](?:[\d.]*[:/])?(\d+)$|.*CRS:?(84)$")
# A pixel of a WMTS of scale 1 : 1 is so wide; the standard says so.
_PIXEL_M = 0.28e-3
_METRES_PER_DEGREE = 111_319.490793
_TOLERANCE = 1.1


class _Level(NamedTuple):
    """A level of a pyramid: its identifier, and a pixel's side in units of the CRS."""

    name: str
    pixel: float


class _Pyramid(NamedTuple):
    """A set of tile matrices: its identifier, its CRS, and its levels from coarse to fine."""

    name: str
    crs: str
    levels: list[_Level]


def wmts_sources(item: str, request: MapRequest) -> Iterator[MapSource]:
    """One layer of a WMTS as far as the area reaches: one raster, two across 180 degrees.

    Args:
        item: Address of its capabilities, with or without ``WMTS:`` before it; ``LAYER`` counts.
        request: What is wanted.

    Raises:
        OptionError: There is no area, or the layer is not clear.
        RasterError: The server does not answer, or has no pyramid in a known CRS.
    """
    boxes, query = request.boxes(address_of(item)), query_of(item)
    asked = address_of(item)
    if not asked.split("?")[0].lower().endswith(".xml"):
        asked = with_query(item, drop=_OURS, SERVICE="WMTS", REQUEST="GetCapabilities")
    root = read_capabilities(asked, "WMTS")
    layers = {text_of(each, "Identifier"): each for each in root.findall("Contents/Layer")}
    layer = chosen_layer(item, iter(layers), request.layer or query.get("layer") or None)
    pyramid = _pyramid_of(root, layers[layer], public_name(asked))
    attribution = credit_of(
        text_of(root, "ServiceProvider/ProviderName"),
        text_of(root, "ServiceIdentification/AccessConstraints"),
    )
    for number, box in enumerate(boxes, start=1):
        name = public_name(asked) + f"#{layer}" + (f"#{number}" if len(boxes) > 1 else "")
        bounds = bounds_in(pyramid.crs, box)
        level = _level_for(pyramid, max(pixel_units(pyramid.crs, bounds, request.gsd_m)))
        xml = f"""<GDAL_WMTS>
  <GetCapabilitiesUrl>{escape(asked)}</GetCapabilitiesUrl>
  <Layer>{escape(layer)}</Layer>
  <TileMatrixSet>{escape(pyramid.name)}</TileMatrixSet>
  <TileMatrix>{escape(level.name)}</TileMatrix>
  <DataWindow>
    <UpperLeftX>{bounds.west!r}</UpperLeftX><UpperLeftY>{bounds.north!r}</UpperLeftY>
    <LowerRightX>{bounds.east!r}</LowerRightX><LowerRightY>{bounds.south!r}</LowerRightY>
  </DataWindow>
  <BandsCount>4</BandsCount>
  {service_settings()}
</GDAL_WMTS>
"""
        yield MapSource(
            name,
            described(request, name, xml),
            is_service=True,
            attribution=attribution,
            notes=warnings_of(item) if number == 1 else (),
        )


def _pyramid_of(root: Element, layer: Element, name: str) -> _Pyramid:
    """The pyramid of a layer to read: in Web Mercator, or the first in a known CRS.

    Raises:
        RasterError: There is none.
    """
    linked = {text_of(each, "TileMatrixSet") for each in layer.findall("TileMatrixSetLink")}
    found = []
    for each in root.findall("Contents/TileMatrixSet"):
        code = _CODE.match(text_of(each, "SupportedCRS"))
        if text_of(each, "Identifier") in linked and code is not None:
            crs = "EPSG:4326" if code[3] else f"EPSG:{code[2]}".replace(":900913", ":3857")
            found.append(_Pyramid(text_of(each, "Identifier"), crs, _levels(each, crs)))
    found.sort(key=lambda pyramid: pyramid.crs != "EPSG:3857")
    if not found or not found[0].levels:
        message = f"{name} has the layer in no CRS that is known"
        raise RasterError(f"{message}; expected a tile matrix set with an EPSG code", path=name)
    return found[0]


def _levels(matrix_set: Element, crs: str) -> list[_Level]:
    """The levels of a pyramid, from coarse to fine."""
    try:
        unit_m = _METRES_PER_DEGREE if as_crs(crs).is_geographic else 1.0
    except CrsError:
        return []
    levels = [
        _Level(text_of(each, "Identifier"), _scale(each) * _PIXEL_M / unit_m)
        for each in matrix_set.findall("TileMatrix")
    ]
    return sorted(levels, key=lambda level: -level.pixel)


def _scale(matrix: Element) -> float:
    return float(text_of(matrix, "ScaleDenominator") or "nan")


def _level_for(pyramid: _Pyramid, pixel: float) -> _Level:
    """The coarsest level as fine as wanted, else the finest."""
    fine = (level for level in pyramid.levels if level.pixel <= pixel * _TOLERANCE)
    return next(fine, pyramid.levels[-1])
