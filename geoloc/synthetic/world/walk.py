"""A walk through the world: where someone with a camera may stand, in the open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geoloc.arrays import Float64Array, Mask
from geoloc.synthetic.world.moment import Moment
from geoloc.synthetic.world.palette import NUMBERS, Season
from geoloc.synthetic.world.survey import Survey
from geoloc.synthetic.world.world import World, WorldPoint

_PAVED = ("asphalt", "patch", "concrete", "paving", "mark", "gravel", "dirt")
_WET = ("water", "pool")
_CLEARANCE_M = 1.0  # of walls, cars and hedges
_GSD_M = 0.8
_GRASS_SHARE = 0.04  # of the candidates on open ground that is not paved


def plan_walk(
    world: World,
    count: int,
    *,
    seed: int = 0,
    spacing_m: float = 20.0,
    inset_m: float = 0.0,
    when: Sequence[Moment | Season] = ("summer",),
) -> list[WorldPoint]:
    """Places on open ground, streets above all, at least so far apart.

    Fewer come back where the town has no room for more.

    Args:
        world: World to walk in.
        count: Number of places, at most.
        seed: Decides the places.
        spacing_m: Least distance of any two.
        inset_m: Least distance from the map's edge.
        when: Moments, or seasons for their usual days, at which no car stands there either.
    """
    rng = np.random.default_rng([world.seed, 21, seed])
    candidates = rng.uniform(inset_m, world.size_m - inset_m, (int(world.size_m**2 / 4) + 500, 2))
    is_wanted = np.ones(len(candidates), bool)
    is_grass_too = rng.random(len(candidates)) < _GRASS_SHARE
    for moment in when:
        is_free, is_paved = _ground(world.survey(moment, gsd_m=_GSD_M), candidates)
        is_wanted &= is_free & (is_paved | is_grass_too)
    chosen = _thin(candidates[is_wanted], count, spacing_m)
    return [WorldPoint(float(x), float(y)) for x, y in chosen]


def _ground(survey: Survey, places: Float64Array) -> tuple[Mask, Mask]:
    """Which places (N, 2) are open and dry, and which are paved."""
    paved = [NUMBERS[name] for name in _PAVED]
    wet = [NUMBERS[name] for name in _WET]
    is_free = np.ones(len(places), bool)
    is_paved = np.ones(len(places), bool)
    for shift in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
        x_m, y_m = (places + _CLEARANCE_M * np.array(shift)).T.astype(np.float32)
        col, row = (np.rint(each).astype(int) for each in survey.column_row(x_m, y_m))
        height_px, width_px = survey.shapes.shape
        row, col = np.clip(row, 0, height_px - 1), np.clip(col, 0, width_px - 1)
        material = survey.table.material[survey.shapes[row, col]]
        is_free &= (survey.heights_m[row, col] < 0.3) & ~np.isin(material, wet)
        is_paved &= np.isin(material, paved)
    return is_free, is_paved


def _thin(candidates: Float64Array, count: int, spacing_m: float) -> Float64Array:
    """The first `count` (N, 2) that keep their distance from those before; by cells of a grid."""
    cells: dict[tuple[int, int], list[Float64Array]] = {}
    chosen: list[Float64Array] = []
    for place in candidates:
        if len(chosen) == count:
            break
        col, row = (int(each // spacing_m) for each in place)
        near = (cells.get((col + i, row + j), []) for i in (-1, 0, 1) for j in (-1, 0, 1))
        if all(np.hypot(*(place - other)) >= spacing_m for found in near for other in found):
            chosen.append(place)
            cells.setdefault((col, row), []).append(place)
    return np.array(chosen).reshape(-1, 2)
