"""What can be ordered of fabricated cross-view data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geoloc.errors import OptionError
from geoloc.synthetic.world.panorama import RingFrame

PhotoKind = Literal["panorama", "drone"]

FARTHEST_SHIFT = 0.25  # of a tile's side: the nearest tile is no farther when tiles overlap by half

_TILE_M = {"panorama": 60.0, "drone": 100.0}
_WIDTH_PX = {"panorama": 1024, "drone": 512}
_PHOTOS = {"panorama": 1, "drone": 4}
_MOST_MAP_SEASONS = 3  # one is left for the photos


@dataclass(frozen=True)
class CrossViewOptions:
    """How many places of which towns are photographed, and how.

    Attributes:
        kind: Panoramas from the ground, or drone photos from 45 to 100 m, half of them straight
            down and half tilted by 20 to 45 degrees.
        places: To train on, divided among the towns.
        test_places: To be found; in a town of their own.
        towns: To train on.
        seed: Another one builds other towns.
        photos: Of each place; None for one panorama or four drone photos.
        tiles: Of each training place and map: one around the place, the others up to a quarter of
            their side off to each side, as the nearest tile of a grid is.
        map_seasons: In how many seasons the training towns are mapped, 1 to 3.
        street: At how many test places a photo with a limited field of view is taken too.
        tile_m: Side of a reference tile on the ground; None for 60 m, or 100 m for drones.
        gsd_m: Of the maps and tiles.
        spacing_m: Least distance of two places; None for half a tile.
        width_px: Of a photo; None for 1024, or 512 for drones.
        span_deg: Elevations of the lower and upper edge of a panorama.
        any_heading: Turn each panorama by chance; its heading is in its metadata. Otherwise the
            middle is north.
        overwrite: Write into a folder that is not empty.
    """

    kind: PhotoKind = "panorama"
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
    overwrite: bool = False

    def __post_init__(self) -> None:
        bottom_deg, top_deg = self.span_deg
        if not -90 <= bottom_deg < top_deg <= 90:
            message = f"span {bottom_deg:g} to {top_deg:g} degrees; expected two elevations from"
            raise OptionError(f"{message} -90 to 90, the lower one first (--span)")
        if not 1 <= self.map_seasons <= _MOST_MAP_SEASONS:
            message = f"{self.map_seasons} map seasons; expected 1 to {_MOST_MAP_SEASONS}"
            raise OptionError(f"{message}, so that photos are of another (--map-seasons)")
        if self.towns > self.places:
            message = f"{self.places} places in {self.towns} towns; expected a place in each"
            raise OptionError(f"{message}: ask for fewer towns or more places")
        if self.street and self.kind == "drone":
            message = "street photos beside drone photos; expected them beside panoramas"
            raise OptionError(f"{message}: leave --street out, or ask for --kind panorama")

    @property
    def tile_side_m(self) -> float:
        """Side of a reference tile on the ground."""
        return self.tile_m or _TILE_M[self.kind]

    @property
    def gap_m(self) -> float:
        """Least distance of two places."""
        return self.spacing_m or self.tile_side_m / 2

    @property
    def photo_width_px(self) -> int:
        """Width of a photo."""
        return self.width_px or _WIDTH_PX[self.kind]

    @property
    def photos_a_place(self) -> int:
        """How often each place is photographed."""
        return self.photos or _PHOTOS[self.kind]

    def ring(self, heading_deg: float) -> RingFrame:
        """The grid of a panorama, with as many pixels a degree up as around."""
        bottom_deg, top_deg = self.span_deg
        height_px = max(round((top_deg - bottom_deg) / 360 * self.photo_width_px), 1)
        return RingFrame(height_px, self.photo_width_px, bottom_deg, top_deg, heading_deg)
