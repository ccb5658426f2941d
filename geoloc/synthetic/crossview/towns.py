"""The towns of synthetic data: each far from the others, with places to take photos at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from geoloc.synthetic.options import CrossViewOptions
from geoloc.synthetic.world.palette import SEASONS, Season
from geoloc.synthetic.world.walk import plan_walk
from geoloc.synthetic.world.world import DEFAULT_CORNER, Corner, World, WorldPoint

# A tile lies at most that share of its side off its place: the nearest tile of an index is no
# farther when tiles overlap by half.
MAX_SHIFT = 0.25

_APART_M = 6000.0
_ROOM = 2.8  # of ground for a place, in squares of the least distance
_MIN_SIZE_M = 180.0
_GROWTH = 1.25
_PHOTO_SEASONS = 2
_TOWN_SEEDS = 1000
_TOWNS_PER_ROW = 8  # so that all lie in one UTM zone


@dataclass(frozen=True)
class Town:
    """A town, when it is mapped and photographed, and where.

    Attributes:
        name: Begins the names of its files.
        split: Either train or test.
        world: The town.
        places: Places of the photos.
        map_seasons: Seasons of its maps.
        photo_seasons: Seasons of its photos, others than those of its maps.
    """

    name: str
    split: str
    world: World
    places: tuple[WorldPoint, ...]
    map_seasons: tuple[Season, ...]
    photo_seasons: tuple[Season, ...]


def plan_test_town(options: CrossViewOptions) -> Town:
    """The town that is mapped in summer and photographed in other seasons."""
    return _plan(options, 0, options.test_places, ("summer",))


def plan_training_town(options: CrossViewOptions, number: int) -> Town:
    """The training town of a number, from 1 on; their seasons take turns."""
    share = (
        options.places * number // options.towns - options.places * (number - 1) // options.towns
    )
    turn = SEASONS[number % 4 :] + SEASONS[: number % 4]
    return _plan(options, number, share, turn[: options.map_seasons])


def _plan(
    options: CrossViewOptions, number: int, count: int, map_seasons: tuple[Season, ...]
) -> Town:
    left = [season for season in SEASONS if season not in map_seasons]
    # Neither always the one that follows, nor always the same two.
    seasons = tuple(
        left[(number + i * 2) % len(left)] for i in range(min(_PHOTO_SEASONS, len(left)))
    )
    inset_m = options.tile_side_m * (0.5 + MAX_SHIFT * (options.tiles > 1)) + 2
    size_m = max(_MIN_SIZE_M, options.gap_m * math.sqrt(_ROOM * count) + 2 * inset_m)
    places: list[WorldPoint] = []
    while True:
        world = World(
            size_m=round(size_m),
            seed=options.seed * _TOWN_SEEDS + number,
            corner=_corner(number),
            slope=options.relief_percent / 100,
        )
        places = plan_walk(world, count, spacing_m=options.gap_m, inset_m=inset_m, when=seasons)
        if len(places) == count:
            break
        size_m *= _GROWTH
    split, name = ("train", f"train{number}") if number else ("test", "test")
    return Town(name, split, world, tuple(places), map_seasons, seasons)


def _corner(number: int) -> Corner:
    """Places on a grid, so that no two towns share ground."""
    row, col = divmod(number, _TOWNS_PER_ROW)
    return Corner(DEFAULT_CORNER.x + col * _APART_M, DEFAULT_CORNER.y + row * _APART_M)
