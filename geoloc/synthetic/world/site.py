"""A block that is being built on: its generators, its ground, its parcels.

Everything on a block is drawn from two generators. `still` decides what stays; `passing` decides
what another date would show differently (cars, crops), so that it never changes what stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.synthetic.world import polygon as pg
from geoloc.synthetic.world.plan import Course
from geoloc.synthetic.world.shape import Finish, Layer, Sketch

_NEW_BUILDING_SHARE = 0.06


@dataclass(frozen=True)
class Site:
    """What is needed to fill a block.

    Attributes:
        sketch: Sketch that the shapes are added to.
        course: The river or railway to keep clear of.
        still: Decides what stays.
        passing: Decides what changes from date to date.
        date: Buildings that are newer than this are not there yet.
    """

    sketch: Sketch
    course: Course
    still: np.random.Generator
    passing: np.random.Generator
    date: int

    def may_build(self, at: Float64Array, margin_m: float) -> bool:
        """Whether the ground is free of the course, and the building is there at this date."""
        is_there = self.still.random() >= _NEW_BUILDING_SHARE or self.date > 0
        return is_there and bool(self.course.is_clear(at, margin_m)[0])

    def branch(self) -> Site:
        """A site whose draws do not disturb what is drawn after it."""
        return replace(self, still=np.random.default_rng(self.still.integers(1 << 32)))

    def clear(self, spots: Float64Array, margin_m: float = 2.5) -> Float64Array:
        """Those spots (N, 2) that are free of the course."""
        return spots[self.course.is_clear(spots, margin_m)] if len(spots) else spots


def cut_parcels(
    outline: Float64Array, target_m2: float, rng: np.random.Generator, gap_m: float = 0.0
) -> list[Float64Array]:
    """Cut a block along its long side until its pieces are about as large as wanted."""
    if pg.area_m2(outline) < target_m2 * rng.uniform(1.1, 1.9):
        return [outline]
    long_rad = pg.longest_edge_rad(outline)
    centre, length_m, width_m = pg.extent(outline, long_rad)
    if width_m > length_m:
        long_rad += math.pi / 2
    point = centre + pg.axes(long_rad)[0] * rng.uniform(-0.1, 0.1) * max(length_m, width_m)
    pieces = pg.split(outline, point, long_rad + math.pi / 2, gap_m)
    if len(pieces) < 2:
        return [outline]
    return [part for piece in pieces for part in cut_parcels(piece, target_m2, rng, gap_m)]


def cover(site: Site, outline: Float64Array, material: str, layer: Layer = Layer.GROUND) -> None:
    """Cover a piece of ground."""
    rng = site.still
    site.sketch.add(outline, layer, Finish(material, rng.random(), rng.uniform(0.9, 1.1)))


def clip_to(parcel: Float64Array, shape: Float64Array) -> Float64Array:
    """The part of a convex shape that lies in a parcel."""
    for corner, normal in zip(parcel, pg.outward_normals(parcel), strict=True):
        shape = pg.clip(shape, normal, float(corner @ normal))
        if len(shape) < 3:
            break
    return shape
