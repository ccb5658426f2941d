"""Options of the jobs that fabricate towns, photos and maps; see `geoloc.options`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geoloc.errors import OptionError

SyntheticKind = Literal["panorama", "drone", "street"]

MAX_MAP_SEASONS = 3  # one is left for the photos


@dataclass(frozen=True)
class CrossViewOptions:
    """How many places of which towns are photographed, and how.

    Attributes:
        kind: Panoramas from the ground; drone photos from 45 to 100 m, half of them straight down
            and half tilted by 20 to 45 degrees; or street photos of 72 to 88 degrees, whose
            heading is not recorded.
        places: Number of training places, divided among the towns.
        test_places: Number of test places, in a town of their own.
        towns: Number of training towns.
        seed: Seed of the towns.
        photos: Photos of each place; None for one panorama or street photo, or four drone photos.
        tiles: Tiles of each training place and map: one around the place, the others up to a
            quarter of their side off to each side, as the nearest tile of a grid is.
        map_seasons: In how many seasons the training towns are mapped, 1 to 3.
        street: At how many test places a photo with a limited field of view is taken too.
        tile_m: Side of a reference tile on the ground; None for 60 m, or 100 m for drones.
        gsd_m: Side of a pixel of maps and tiles, on the ground.
        spacing_m: Least distance of two places; None for half a tile.
        width_px: Width of a photo; None for 1024, 512 for drones, or 640 for street photos.
        span_deg: Elevations of the lower and upper edge of a panorama.
        any_heading: Turn each panorama by chance; its heading is in its metadata. Otherwise the
            middle is north.
        relief_percent: Mean slope of the ground in percent, for drone photos; 0 is flat. The
            elevation model of each town is written too.
        overwrite: Write into a folder that is not empty.
    """

    kind: SyntheticKind = "panorama"
    places: int = 400
    test_places: int = 100
    towns: int = 2
    seed: int = 0
    photos: int | None = None
    tiles: int = 1
    map_seasons: int = 1
    street: int = 0
    tile_m: float | None = None
    gsd_m: float = 0.3
    spacing_m: float | None = None
    width_px: int | None = None
    span_deg: tuple[float, float] = (-90.0, 90.0)
    any_heading: bool = False
    relief_percent: float = 0.0
    overwrite: bool = False

    def __post_init__(self) -> None:
        bottom_deg, top_deg = self.span_deg
        if not -90 <= bottom_deg < top_deg <= 90:
            message = f"span {bottom_deg:g} to {top_deg:g} degrees; expected two elevations from"
            raise OptionError(f"{message} -90 to 90, the lower one first (--span)")
        if not 1 <= self.map_seasons <= MAX_MAP_SEASONS:
            message = f"{self.map_seasons} map seasons; expected 1 to {MAX_MAP_SEASONS}"
            raise OptionError(f"{message}, so that photos are of another (--map-seasons)")
        if self.towns > self.places:
            message = f"{self.places} places in {self.towns} towns; expected a place in each"
            raise OptionError(f"{message}: ask for fewer towns or more places")
        if self.street and self.kind != "panorama":
            message = f"street photos beside {self.kind} photos; expected them beside panoramas"
            raise OptionError(f"{message}: leave --street out, or ask for --kind panorama")
        if self.relief_percent and self.kind != "drone":
            message = "relief under panoramas, which see none; expected it under drone photos"
            raise OptionError(f"{message}: leave --relief out, or ask for --kind drone")

    @property
    def tile_side_m(self) -> float:
        """Side of a reference tile on the ground."""
        return self.tile_m or (100.0 if self.kind == "drone" else 60.0)

    @property
    def gap_m(self) -> float:
        """Least distance of two places."""
        return self.spacing_m or self.tile_side_m / 2

    @property
    def photo_width_px(self) -> int:
        """Width of a photo."""
        return self.width_px or {"panorama": 1024, "drone": 512, "street": 640}[self.kind]

    @property
    def photos_per_place(self) -> int:
        """How often each place is photographed."""
        return self.photos or (4 if self.kind == "drone" else 1)


@dataclass(frozen=True)
class DemoOptions:
    """What the demo builds.

    Attributes:
        folder: Folder to write.
        photos: Number of drone photos.
        seed: Decides the town and the flight.
        size_m: Side of the mapped square.
        gsd_m: Side of a pixel of the map, on the ground.
        overwrite: Replace an earlier demo.
    """

    folder: Path = Path("geoloc-demo")
    photos: int = 20
    seed: int = 0
    size_m: float = 800.0
    gsd_m: float = 0.3
    overwrite: bool = False
