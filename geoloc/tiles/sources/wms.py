"""WMS: from the address of a server to a description of one layer for GDAL's WMS driver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from geoloc.errors import RasterError
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
from geoloc.tiles.sources.ground_window import Bounds, bounds_in, pixel_units, whole_blocks
from geoloc.tiles.sources.map_source import Box, MapRequest, MapSource, described
from geoloc.tiles.sources.terms import warnings_of

# Parameters that a request for a picture sets itself.
_OURS = frozenset(
    {"service", "request", "version", "layers", "styles", "crs", "srs", "bbox"}
    | {"width", "height", "format", "transparent"}
)
# Pixels a side of a request: few requests, and no more than servers allow.
_BLOCK_PX = 1024
# The CRS that are asked for, the first that a layer has; all but degrees give x before y.
_MERCATOR = ("EPSG:3857", "EPSG:900913", "EPSG:102100")
_DEGREES = ("CRS:84", "EPSG:4326")
_UTM = re.compile(r"EPSG:(?:32[67]\d\d|258\d\d)")
_FORMATS = ("image/png", "image/png; mode=24bit", "image/webp", "image/jpeg")


def wms_sources(item: str, request: MapRequest) -> Iterator[MapSource]:
    """One layer of a WMS as far as the area reaches: one raster, two across 180 degrees.

    Args:
        item: Address of the server, with or without ``WMS:`` before it; ``LAYERS`` in it counts.
        request: What is wanted.

    Raises:
        OptionError: There is no area, or the layer is not clear.
        RasterError: The server does not answer, or has no CRS that can be asked for.
    """
    boxes, query = request.boxes(address_of(item)), query_of(item)
    told = {name: query[name] for name in ("version",) if name in query}
    asked = with_query(item, drop=_OURS, SERVICE="WMS", REQUEST="GetCapabilities", **told)
    root = read_capabilities(asked, "WMS")
    layers = dict(_layers(root))
    layer = chosen_layer(item, iter(layers), request.layer or query.get("layers") or None)
    first = layers[layer.split(",")[0]]
    crs = _crs_of(first, public_name(address_of(item)))
    attribution = credit_of(
        *(text_of(each, "Attribution/Title") for each in first),
        text_of(root, "Service/AccessConstraints"),
    )
    server = with_query(item, drop=_OURS)
    name = public_name(with_query(item, drop=_OURS, LAYERS=layer))
    for number, box in enumerate(boxes, start=1):
        called = name + (f"#{number}" if len(boxes) > 1 else "")
        xml = _description(server, layer, crs, _format_of(root), root, box, request.gsd_m)
        yield MapSource(
            called,
            described(request, called, xml),
            is_service=True,
            attribution=attribution,
            notes=warnings_of(item) if number == 1 else (),
        )


def _layers(root: Element) -> Iterator[tuple[str, list[Element]]]:
    """The names of all layers, each with its element and those around it, the innermost first."""
    waiting: list[list[Element]] = [[each] for each in root.findall("Capability/Layer")]
    while waiting:
        chain = waiting.pop(0)
        name = text_of(chain[0], "Name")
        if name:
            yield name, chain
        waiting.extend([each, *chain] for each in chain[0].findall("Layer"))


def _crs_of(layer: list[Element], name: str) -> str:
    """The CRS to ask a layer in.

    Raises:
        RasterError: It has none that is known to give x before y.
    """
    found = {
        code.upper()
        for element in layer
        for tag in ("CRS", "SRS")
        for each in element.findall(tag)
        for code in (each.text or "").split()
    }
    wanted = (*_MERCATOR, *_DEGREES, *sorted(filter(_UTM.fullmatch, found)))
    for code in wanted:
        if code in found:
            return code
    known = ", ".join(sorted(found)[:8]) or "none"
    raise RasterError(
        f"{name} has the layer in {known} only; expected EPSG:3857, EPSG:4326 or UTM: describe it "
        "in an XML file for GDAL's WMS driver, and give that",
        path=name,
    )


def _format_of(root: Element) -> str:
    """The format to ask for: one that shows where nothing is, if there is one."""
    told = root.findall("Capability/Request/GetMap/Format")
    has = {" ".join((each.text or "").split()) for each in told}
    return next((each for each in _FORMATS if each in has), "image/png")


def _description(
    server: str, layer: str, crs: str, kind: str, root: Element, box: Box, gsd_m: float
) -> str:
    """The XML for GDAL's WMS driver."""
    version = root.get("version", "1.1.1")
    is_new = version >= "1.3"
    projection = "EPSG:4326" if crs in _DEGREES else "EPSG:3857" if crs in _MERCATOR else crs
    pixel = pixel_units(projection, bounds_in(projection, box), gsd_m)
    bounds: Bounds = whole_blocks(bounds_in(projection, box), pixel, _BLOCK_PX)
    width, height = (
        round((bounds.east - bounds.west) / pixel[0]),
        round((bounds.north - bounds.south) / pixel[1]),
    )
    order = "yxYX" if is_new and crs == "EPSG:4326" else "xyXY"
    tag = "CRS" if is_new else "SRS"
    url = server + ("&" if "?" in server else "?")
    return f"""<GDAL_WMS>
  <Service name="WMS">
    <Version>{escape(version)}</Version><ServerUrl>{escape(url)}</ServerUrl>
    <{tag}>{crs}</{tag}><BBoxOrder>{order}</BBoxOrder>
    <ImageFormat>{escape(kind)}</ImageFormat>
    <Transparent>{"FALSE" if "jpeg" in kind else "TRUE"}</Transparent>
    <Layers>{escape(quote(layer, safe=","))}</Layers><Styles></Styles>
  </Service>
  <DataWindow>
    <UpperLeftX>{bounds.west!r}</UpperLeftX><UpperLeftY>{bounds.north!r}</UpperLeftY>
    <LowerRightX>{bounds.east!r}</LowerRightX><LowerRightY>{bounds.south!r}</LowerRightY>
    <SizeX>{width}</SizeX><SizeY>{height}</SizeY>
  </DataWindow>
  <Projection>{projection}</Projection>
  <BlockSizeX>{_BLOCK_PX}</BlockSizeX><BlockSizeY>{_BLOCK_PX}</BlockSizeY>
  <BandsCount>4</BandsCount><OverviewCount>0</OverviewCount>
  {service_settings()}
</GDAL_WMS>
"""
