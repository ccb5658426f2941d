"""A map as people have it, and what GDAL is to open for it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from geoloc.errors import OptionError
from geoloc.tiles.area import Area
from geoloc.tiles.location import public_name

_METRES_PER_DEGREE = 111_320.0


class Box(NamedTuple):
    """West, south, east and north in degrees, west < east."""

    west: float
    south: float
    east: float
    north: float

    @property
    def middle_lat(self) -> float:
        """The latitude of its middle."""
        return (self.south + self.north) / 2


@dataclass(frozen=True)
class MapRequest:
    """What is wanted of a map.

    Attributes:
        area: The area to cut; services are asked for nothing else.
        gsd_m: Metres on the ground that a pixel of the finest tiles shows.
        margin_m: How far tiles that touch the area reach beyond it.
        scratch: A folder for descriptions that GDAL opens, which goes with the run.
        layer: Layer of a WMS or WMTS; None takes the only one.
        asset: Asset of STAC items, by its name or role; None takes the picture.
    """

    area: Area
    gsd_m: float
    margin_m: float
    scratch: Path
    layer: str | None = None
    asset: str | None = None

    def boxes(self, source: str) -> list[Box]:
        """The area with its margin: one box, or two where it crosses the antimeridian.

        Raises:
            OptionError: There is no area.
        """
        if self.area.shape is None:
            raise OptionError(
                f"{public_name(source)} covers more than anyone wants: say which part with "
                "--bounds W,S,E,N or --aoi FILE"
            )
        west, south, east, north = self.area.shape.bounds
        lat_margin = self.margin_m / _METRES_PER_DEGREE
        south, north = max(-90.0, south - lat_margin), min(90.0, north + lat_margin)
        lon_margin = lat_margin / max(0.01, math.cos(math.radians(max(abs(south), abs(north)))))
        west, east = west - lon_margin, east + lon_margin
        if east - west >= 360:
            return [Box(-180, south, 180, north)]
        turn = 360 * math.floor((west + 180) / 360)
        west, east = west - turn, east - turn
        if east <= 180:
            return [Box(west, south, east, north)]
        return [Box(west, south, 180, north), Box(-180, south, east - 360, north)]


@dataclass(frozen=True)
class MapSource:
    """A raster for GDAL, and how to call it.

    Attributes:
        location: Its name in tables and messages: a path, or an address without secrets.
        opened: What GDAL opens.
        is_service: Whether a server makes its pixels, tile by tile, as they are read.
        attribution: Whom the publisher of the map wants named.
        notes: What a person should know of it before it is read.
    """

    location: str
    opened: str
    is_service: bool = False
    attribution: str = ""
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, location: str) -> MapSource:
        """A raster that GDAL opens by its own name; secrets in an address are not told."""
        name = public_name(location)
        # What signs an address is another one every day, and the map is the same.
        return cls(name if name == location else name.partition("?")[0], location)

    @property
    def key(self) -> str:
        """A short name, fit for a file."""
        if self.is_service and "://" in self.location:
            parts = urlsplit(self.location)
            text = " ".join(filter(None, (parts.hostname, layer_of(parts.query), parts.fragment)))
        else:
            text = Path(self.location).stem
        return re.sub(r"[^\w.-]+", "-", text)[:80].strip("-") or "raster"


def layer_of(query: str) -> str:
    """The layer that the parameters of an address name; empty if they name none."""
    named = dict(parse_qsl(query))
    return next((value for name, value in named.items() if name.lower() == "layers"), "")


def described(request: MapRequest, name: str, xml: str) -> str:
    """The file in which a description for GDAL was written.

    Args:
        request: What is wanted.
        name: What the description is of; it gives the file its name.
        xml: The description.
    """
    stem = re.sub(r"[^\w.-]+", "-", re.sub(r"^\w+:/*", "", name)).strip("-")[:60] or "map"
    taken = len(list(request.scratch.iterdir()))
    path = request.scratch / f"{stem}-{taken}.xml"
    path.write_text(xml, encoding="utf-8")
    return str(path)
