"""Tile servers: from an address with ``{z}/{x}/{y}`` to a description for GDAL's WMS driver.

The description reaches as far as the area, in whole tiles of one zoom level, and not over the
whole world: then the grid of tiles is laid, and read, for nothing else.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from geoloc.errors import OptionError, RasterError
from geoloc.tiles.location import public_name
from geoloc.tiles.sources.cache import service_settings
from geoloc.tiles.sources.fetching import ask, refused
from geoloc.tiles.sources.map_source import Box, MapRequest, MapSource, described
from geoloc.tiles.sources.terms import terms_of, warnings_of

# Half the side of the square that Web Mercator makes of the world, in its metres.
HALF_WORLD_M = 20_037_508.342789244
_MAX_LAT = 85.051128
_FINEST_ZOOM = 23
# A zoom level may be so much coarser than what is wanted before the next one is taken.
_TOLERANCE = 1.1
# So many coarser levels are tried where a server has none so fine.
_COARSER = 5
_PLACE = re.compile(r"\$?\{(-?[xyzqs])\}")
_SERVERS = re.compile(r"\{(?:switch:)?([\w]+)(?:[,-][\w,-]+)\}")
_TILE_PX = 256


def is_template(item: str) -> bool:
    """Whether an input is the address of a tile server."""
    places = set(_PLACE.findall(item))
    is_http = item.startswith(("http://", "https://"))
    return is_http and ("q" in places or {"z", "x"} <= places)


@dataclass(frozen=True)
class _Window:
    """Whole tiles of one zoom level.

    Attributes:
        zoom: The level; 0 shows the world in one tile.
        left: Column of the first tile, from the west.
        top: Row of the first tile, from the north.
        cols: Number of columns.
        rows: Number of rows.
        tile_px: Side of a tile in pixels.
    """

    zoom: int
    left: int
    top: int
    cols: int
    rows: int
    tile_px: int = _TILE_PX

    @classmethod
    def around(cls, box: Box, zoom: int, tile_px: int = _TILE_PX) -> _Window:
        """The tiles that a box touches."""
        left, top = _tile_at(box.west, box.north, zoom)
        right, bottom = _tile_at(box.east, box.south, zoom)
        last = 2**zoom - 1
        left, right = min(max(0, math.floor(left)), last), min(last, math.ceil(right) - 1)
        top, bottom = min(max(0, math.floor(top)), last), min(last, math.ceil(bottom) - 1)
        return cls(zoom, left, top, max(1, right - left + 1), max(1, bottom - top + 1), tile_px)

    @property
    def tile_m(self) -> float:
        """Side of a tile in metres of Web Mercator."""
        return 2 * HALF_WORLD_M / float(2**self.zoom)

    @property
    def centre(self) -> tuple[int, int]:
        """Column and row of the tile in the middle."""
        return self.left + self.cols // 2, self.top + self.rows // 2


def xyz_sources(template: str, request: MapRequest) -> Iterator[MapSource]:
    """The map of a tile server as far as the area reaches: one raster, two across 180 degrees.

    Args:
        template: Address with ``{z}``, ``{x}`` and ``{y}`` (``{-y}`` counts from the south), or
            ``{q}`` for quadkeys; ``{s}`` and ``{a-c}`` stand for servers that are all the same.
        request: What is wanted.

    Raises:
        OptionError: There is no area, or the template lacks a part.
        RasterError: The server does not answer, or not with pictures.
    """
    template = _one_server(template)
    _check(template)
    boxes = request.boxes(template)
    for number, box in enumerate(boxes, start=1):
        window, notes = _served_window(template, box, request.gsd_m)
        name = public_name(template) + (f"#{number}" if len(boxes) > 1 else "")
        terms = terms_of(template)
        yield MapSource(
            name,
            described(request, name, _description(template, window)),
            is_service=True,
            attribution="" if terms is None else terms.attribution,
            notes=(warnings_of(template) if number == 1 else ()) + notes,
        )


def _one_server(template: str) -> str:
    """The template with the first of several servers that are all the same."""
    return _SERVERS.sub(r"\1", template).replace("${s}", "a").replace("{s}", "a")


def _check(template: str) -> None:
    """Refuse a template that names no tile."""
    places = set(_PLACE.findall(template))
    if "q" not in places and not ({"z", "x"} <= places and places & {"y", "-y"}):
        raise OptionError(
            f"{public_name(template)} does not say where zoom, column and row go; expected "
            "{z}, {x} and {y} (or {-y}), or {q}"
        )


def zoom_for(gsd_m: float, lat: float) -> int:
    """The coarsest zoom level of 256 pixels a tile whose pixels are as fine as wanted.

    Args:
        gsd_m: Metres on the ground that a pixel may show.
        lat: Latitude, degrees.
    """
    whole_m = 2 * HALF_WORLD_M * math.cos(math.radians(min(abs(lat), _MAX_LAT)))
    zoom = math.ceil(math.log2(whole_m / (_TILE_PX * gsd_m * _TOLERANCE)))
    return min(max(0, zoom), _FINEST_ZOOM)


def _tile_at(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """Column and row of the tile at a position, with fractions."""
    sine = math.sin(math.radians(min(max(lat, -_MAX_LAT), _MAX_LAT)))
    y = 0.5 - math.atanh(sine) / (2 * math.pi)
    return (lon + 180) / 360 * 2**zoom, y * 2**zoom


def _served_window(template: str, box: Box, gsd_m: float) -> tuple[_Window, tuple[str, ...]]:
    """The tiles to read, at the finest zoom level that the server has, and what to know of it.

    Raises:
        RasterError: The server does not answer, refuses, or answers with no picture.
    """
    wanted = _Window.around(box, zoom_for(gsd_m, box.middle_lat))
    for zoom in range(wanted.zoom, max(-1, wanted.zoom - _COARSER - 1), -1):
        window = _Window.around(box, zoom)
        side_px = _probe(template, window)
        if side_px is None:
            continue
        if side_px > _TILE_PX and zoom > 0:  # one pixel of these shows less: a coarser level does
            steps = round(math.log2(side_px / _TILE_PX)) if zoom == wanted.zoom else 0
            window = _Window.around(box, max(0, zoom - steps))
        window = replace(window, tile_px=side_px)
        if zoom == wanted.zoom:
            return window, ()
        note = f"{public_name(template)} has no zoom level {wanted.zoom} there: {zoom} is taken"
        return window, (note,)
    return wanted, ()  # perhaps only the middle is missing


def _probe(template: str, window: _Window) -> int | None:
    """The side in pixels of the tile in the middle of a window; None if there is none.

    Raises:
        RasterError: The server does not answer, refuses, or answers with no picture.
    """
    col, row = window.centre
    answer = ask(_tile_address(template, window.zoom, col, row))
    if answer.status in (204, 404):
        return None
    if answer.status >= 300:
        raise refused(template, answer.status)
    try:
        with warnings.catch_warnings(), rasterio.MemoryFile(answer.data) as memory:
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # its place is its name
            with memory.open() as picture:
                return int(picture.width)
    except RasterioError as error:
        name = public_name(template)
        raise RasterError(
            f"{name} answers with {answer.kind or 'something'} where a picture was expected; open "
            "the address in a browser: it may want a key, or be another kind of service",
            path=name,
        ) from error


def _tile_address(template: str, zoom: int, col: int, row: int) -> str:
    """The address of one tile."""
    bits = [(col >> i & 1) + 2 * (row >> i & 1) for i in reversed(range(zoom))]
    values = {"z": zoom, "x": col, "y": row, "-y": 2**zoom - 1 - row, "q": "".join(map(str, bits))}
    return _PLACE.sub(lambda place: str(values[place[1]]), template)


def _description(template: str, window: _Window) -> str:
    """The XML for GDAL's WMS driver."""
    places = set(_PLACE.findall(template))
    names = {"-y": "${y}", "q": "${quadkey}"}
    url = _PLACE.sub(lambda place: names.get(place[1], f"${{{place[1]}}}"), template)
    side_m, from_south = window.tile_m, "-y" in places
    # GDAL counts rows from the south within the window; this makes them those of the world.
    top = window.rows - 2**window.zoom + window.top if from_south else window.top
    west, north = window.left * side_m - HALF_WORLD_M, HALF_WORLD_M - window.top * side_m
    return f"""<GDAL_WMS>
  <Service name="{"VirtualEarth" if "q" in places else "TMS"}">
    <ServerUrl>{escape(url)}</ServerUrl>
  </Service>
  <DataWindow>
    <UpperLeftX>{west!r}</UpperLeftX><UpperLeftY>{north!r}</UpperLeftY>
    <LowerRightX>{west + window.cols * side_m!r}</LowerRightX>
    <LowerRightY>{north - window.rows * side_m!r}</LowerRightY>
    <TileLevel>{window.zoom}</TileLevel><TileX>{window.left}</TileX><TileY>{top}</TileY>
    <SizeX>{window.cols * window.tile_px}</SizeX><SizeY>{window.rows * window.tile_px}</SizeY>
    <YOrigin>{"bottom" if from_south else "top"}</YOrigin>
  </DataWindow>
  <Projection>EPSG:3857</Projection>
  <BlockSizeX>{window.tile_px}</BlockSizeX><BlockSizeY>{window.tile_px}</BlockSizeY>
  <BandsCount>4</BandsCount><OverviewCount>0</OverviewCount>
  {service_settings()}
</GDAL_WMS>
"""
