"""What stands on a block: houses in gardens, town blocks, halls, parks, pitches, fields, woods.

Everything here is drawn from two generators. `still` decides what stays; `passing` decides what
another date would show differently (cars, crops), so that it never changes what stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geoloc.world import polygon as pg
from geoloc.world.building import (
    add_church,
    add_flat_block,
    add_hall,
    add_house,
    add_shed,
)
from geoloc.world.greenery import add_hedge, add_tree, add_trees, add_wood
from geoloc.world.palette import CROPS
from geoloc.world.plan import Course
from geoloc.world.shape import Finish, Layer, Sketch, Surface
from geoloc.world.traffic import add_car, add_parking

Floats = NDArray[np.float64]

_NEW_BUILDING_SHARE = 0.06


@dataclass(frozen=True)
class Site:
    """What is needed to fill a block.

    Attributes:
        sketch: Where the shapes go.
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

    def may_build(self, at: Floats, margin_m: float) -> bool:
        """Whether the ground is free of the course, and the building is there at this date."""
        is_there = self.still.random() >= _NEW_BUILDING_SHARE or self.date > 0
        return is_there and bool(self.course.is_clear(at, margin_m)[0])

    def branch(self) -> Site:
        """A site whose draws do not disturb what is drawn after it."""
        return replace(self, still=np.random.default_rng(self.still.integers(1 << 32)))

    def clear(self, spots: Floats, margin_m: float = 2.5) -> Floats:
        """Those spots (N, 2) that are free of the course."""
        return spots[self.course.is_clear(spots, margin_m)] if len(spots) else spots


def fill_block(site: Site, outline: Floats, urbanity: float) -> None:
    """Choose a use that fits how urban the place is, and build it."""
    names: tuple[str, ...]
    if urbanity > 0.62:
        names = (
            "town",
            "town",
            "town",
            "town",
            "homes",
            "park",
            "plaza",
            "parking",
            "school",
            "homes",
        )
    elif urbanity > 0.3:
        names = ("homes", "homes", "homes", "homes", "works", "park", "sports", "town", "gardens")
    elif urbanity > 0.14:
        names = ("homes", "works", "fields", "wood", "gardens", "fields", "sports")
    else:
        names = ("fields", "fields", "fields", "wood", "farm", "orchard")
    _USES[str(site.still.choice(names))](site, outline)


def _parcels(
    outline: Floats, target_m2: float, rng: np.random.Generator, gap_m: float = 0.0
) -> list[Floats]:
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
    return [part for piece in pieces for part in _parcels(piece, target_m2, rng, gap_m)]


def _ground(site: Site, outline: Floats, material: str, layer: Layer = Layer.GROUND) -> None:
    """Cover a piece of ground."""
    rng = site.still
    site.sketch.add(outline, layer, Finish(material, rng.random(), rng.uniform(0.9, 1.1)))


def _homes(site: Site, outline: Floats) -> None:
    """Houses in gardens."""
    rng = site.still
    _ground(site, outline, "lawn")
    size_m2 = rng.uniform(380, 750)
    street_rad = pg.longest_edge_rad(outline)
    for parcel in _parcels(outline, size_m2, rng):
        turn_rad = street_rad + rng.choice([0, math.pi / 2]) + rng.normal(0, 0.03)
        _ground(site, parcel, str(rng.choice(["lawn", "lawn", "meadow"])), Layer.PATCH)
        _home(site.branch(), parcel, turn_rad)
        _garden(site.branch(), parcel, turn_rad)


def _home(site: Site, parcel: Floats, turn_rad: float) -> None:
    """The house of a garden, with its drive and terrace."""
    rng, sketch = site.still, site.sketch
    centre = parcel.mean(0) + rng.normal(0, 1.2, 2)
    if not site.may_build(centre, 8):
        return
    across = pg.axes(turn_rad)[1]
    drive = pg.ribbon(centre, centre + across * rng.choice([-1, 1]) * 12, rng.uniform(2.5, 4))
    drive = _clip_to(parcel, drive)
    paved = ("concrete", "paving", "gravel", "asphalt", "brick")
    sketch.add(drive, Layer.PATCH, Finish(str(rng.choice(paved)), rng.random()))
    terrace = pg.rectangle(centre - across * 6, rng.uniform(4, 9), 5, turn_rad)
    finish = Finish(str(rng.choice(paved)), rng.random())
    sketch.add(_clip_to(parcel, terrace), Layer.PATCH, finish)
    add_house(sketch, centre, turn_rad, rng)
    if site.passing.random() < 0.5 and len(drive) >= 3:
        add_car(sketch, drive.mean(0), turn_rad + math.pi / 2, site.passing)


def _clip_to(parcel: Floats, shape: Floats) -> Floats:
    """The part of a convex shape that lies in a parcel."""
    for corner, normal in zip(parcel, pg.outward_normals(parcel), strict=True):
        shape = pg.clip(shape, normal, float(corner @ normal))
        if len(shape) < 3:
            break
    return shape


def _garden(site: Site, parcel: Floats, turn_rad: float) -> None:
    """Hedges, sheds, beds, a pool, and trees in the corners."""
    rng, sketch = site.still, site.sketch
    edges = pg.inset(parcel, 0.7)
    for i in range(len(edges)):
        if rng.random() < 0.45 and site.course.is_clear(edges[i], 3)[0]:
            add_hedge(sketch, edges[i], edges[(i + 1) % len(edges)], rng)
    inner = pg.inset(parcel, 3)
    for at in site.clear(pg.scatter(inner, int(rng.integers(0, 3)), rng)):
        add_shed(sketch, at, turn_rad, rng)
    for at in pg.scatter(inner, int(rng.integers(0, 4)), rng):
        bed = pg.rectangle(at, rng.uniform(1.5, 6), rng.uniform(1.5, 6), turn_rad)
        material = str(rng.choice(["ploughed", "dirt", "beet", "gravel", "sand"]))
        sketch.add(bed, Layer.PATCH, Finish(material, rng.random()))
    for at in site.clear(pg.scatter(inner, int(rng.random() < 0.12), rng)):
        rim = pg.rectangle(at, 9.5, 5.5, turn_rad)
        sketch.add(rim, Layer.PATCH, Finish("paving", rng.random()))
        sketch.add(pg.rectangle(at, 8, 4, turn_rad), Layer.PATCH, Finish("pool", rng.random()))
    count = int(rng.poisson(pg.area_m2(parcel) / 170))
    add_trees(sketch, site.clear(pg.scatter(pg.inset(parcel, 1.5), count, rng)), (1.2, 3.8), rng)


def _town(site: Site, outline: Floats) -> None:
    """Flat roofs and terraces close together round yards."""
    rng = site.still
    _ground(site, outline, str(rng.choice(["concrete", "asphalt", "paving", "lawn"])))
    inner = pg.inset(outline, 2.5)
    for parcel in _parcels(inner, rng.uniform(280, 1100), rng, 1.0) if len(inner) else []:
        _yard(site.branch(), parcel)
        _town_house(site.branch(), parcel)


def _town_house(site: Site, parcel: Floats) -> None:
    """A flat roof of some storeys, at times with a low part beside it, or a pitched roof."""
    rng, sketch = site.still, site.sketch
    angle_rad = pg.longest_edge_rad(parcel)
    centre, length_m, width_m = pg.extent(parcel, angle_rad)
    share = rng.uniform(0.55, 0.85, 2)
    box_m = (min(length_m * share[0], 44), min(width_m * share[1], 20))
    if not site.may_build(centre, max(box_m) * 0.6):
        return
    if rng.random() < 0.35 and max(box_m) < 24:
        add_house(sketch, centre, angle_rad, rng)
        return
    add_flat_block(sketch, centre, angle_rad, box_m, rng.uniform(5, 17), rng)
    if rng.random() < 0.4:
        corner = centre + pg.axes(angle_rad)[0] * length_m * 0.3
        low = (box_m[0] * 0.4, width_m * 0.8)
        add_flat_block(sketch, corner, angle_rad, low, rng.uniform(3, 5), rng)


def _yard(site: Site, parcel: Floats) -> None:
    """What lies between town houses: paving of many ages, cars, a tree."""
    rng, sketch = site.still, site.sketch
    material = str(rng.choice(["asphalt", "concrete", "paving", "brick", "lawn", "gravel"]))
    _ground(site, parcel, material, Layer.PATCH)
    for at in pg.scatter(parcel, int(rng.integers(0, 4)), rng):
        patch = pg.rectangle(at, rng.uniform(2, 9), rng.uniform(2, 9), pg.longest_edge_rad(parcel))
        material = str(rng.choice(["concrete", "patch", "lawn", "gravel"]))
        sketch.add(_clip_to(parcel, patch), Layer.PATCH, Finish(material, rng.random()))
    spots = site.clear(pg.scatter(pg.inset(parcel, 2), int(rng.integers(0, 4)), rng))
    add_trees(sketch, spots, (1.5, 3.2), rng)
    for at in site.clear(pg.scatter(pg.inset(parcel, 3), 2, site.passing)):
        add_car(sketch, at, pg.longest_edge_rad(parcel), site.passing)


def _works(site: Site, outline: Floats) -> None:
    """Halls in paved yards, with crates and lorries about."""
    rng, sketch = site.still, site.sketch
    _ground(site, outline, str(rng.choice(["concrete", "asphalt", "gravel"])))
    for parcel in _parcels(outline, rng.uniform(3500, 8000), rng, 5.0):
        angle_rad = pg.longest_edge_rad(parcel)
        centre, length_m, width_m = pg.extent(parcel, angle_rad)
        _ground(site, parcel, str(rng.choice(["concrete", "asphalt", "gravel"])), Layer.PATCH)
        box_m = (length_m * rng.uniform(0.45, 0.7), width_m * rng.uniform(0.4, 0.65))
        own = site.branch()
        if own.may_build(centre, max(box_m) * 0.6):
            add_hall(sketch, centre, angle_rad, box_m, own.still)
        for at in site.clear(pg.scatter(pg.inset(parcel, 5), 14, site.passing)):
            crate = Finish("crate", site.passing.random(), site.passing.uniform(0.7, 1.2))
            shape = pg.rectangle(at, 6.1, 2.5, angle_rad + site.passing.choice([0, math.pi / 2]))
            sketch.add(shape, Layer.THING, crate, Surface(2.6))
        add_trees(sketch, site.clear(pg.scatter(pg.inset(parcel, 2), 6, rng)), (1.5, 3.5), rng)


def _park(site: Site, outline: Floats) -> None:
    """Lawns, winding paths, clumps of trees, a pond, a playground."""
    rng, sketch = site.still, site.sketch
    _ground(site, outline, "lawn")
    centre = outline.mean(0)
    reach_m = math.sqrt(pg.area_m2(outline))
    for angle_rad in rng.uniform(0, 2 * np.pi, 4):
        _path(site, outline, centre + rng.normal(0, 0.08, 2) * reach_m, angle_rad)
    for at in pg.scatter(pg.inset(outline, 12), int(rng.integers(1, 3)), rng):
        radius_m = rng.uniform(5, 14)
        sketch.add(pg.blob(at, radius_m + 1.2, 0.1, rng), Layer.WATER, Finish("dirt", 0.3))
        sketch.add(pg.blob(at, radius_m, 0.1, rng), Layer.WATER, Finish("water", rng.random()))
    for at in pg.scatter(pg.inset(outline, 8), 2, rng):
        sketch.add(pg.blob(at, rng.uniform(3, 6), 0.2, rng), Layer.PATCH, Finish("sand"))
    for clump in pg.scatter(pg.inset(outline, 6), int(reach_m / 9), rng):
        spots = clump + rng.normal(0, 5, (int(rng.integers(2, 9)), 2))
        spots = spots[pg.is_inside(outline, spots, 2)]
        add_trees(sketch, site.clear(spots), (1.8, 5), rng)


def _path(site: Site, outline: Floats, start: Floats, angle_rad: float) -> None:
    """A path that winds from a point to the edge of a park."""
    material = Finish(str(site.still.choice(["gravel", "paving"])), site.still.random())
    here = start
    for _ in range(30):
        there = here + pg.axes(angle_rad)[0] * 7
        site.sketch.add(pg.ribbon(here, there, 2.6), Layer.WATER, material)
        if not pg.is_inside(outline, there)[0]:
            return
        angle_rad += site.still.normal(0, 0.22)
        here = there


def _sports(site: Site, outline: Floats) -> None:
    """A pitch with its marks, a running track round it where it fits, courts beside it."""
    rng, sketch = site.still, site.sketch
    _ground(site, outline, "lawn")
    angle_rad = pg.longest_edge_rad(outline)
    centre, length_m, width_m = pg.extent(outline, angle_rad)
    scale = min(length_m / 150, width_m / 95, 1.0)
    if scale > 0.75:
        _track(site, centre, angle_rad, scale)
    _pitch(site, centre, angle_rad, 96 * scale, 60 * scale)
    for at in pg.lattice(pg.inset(outline, 9), angle_rad, (22.0, 40.0)):
        local = pg.axes(angle_rad) @ (at - centre)
        if abs(local[0]) > 75 * scale or abs(local[1]) > 48 * scale:
            court = str(rng.choice(["clay", "court_blue", "court_green"]))
            _court(sketch, at, angle_rad, court)
    spots = pg.scatter(pg.inset(outline, 2.5), 60, rng)
    local = (spots - centre) @ pg.axes(angle_rad).T
    outside = (np.abs(local[:, 0]) > 82 * scale) | (np.abs(local[:, 1]) > 52 * scale)
    add_trees(sketch, site.clear(spots[outside])[:25], (1.6, 4), rng)


def _track(site: Site, centre: Floats, angle_rad: float, scale: float) -> None:
    """A running track: a ring of clay round a green."""
    along = pg.axes(angle_rad)[0] * 42 * scale
    rings = ((37.0, "clay"), (29.0, "turf"))
    for radius_m, material in rings:
        finish = Finish(material, site.still.random())
        for end in (-along, along):
            ring = pg.ellipse(centre + end, 2 * radius_m * scale, 2 * radius_m * scale, angle_rad)
            site.sketch.add(ring, Layer.PATCH, finish)
        middle = pg.ribbon(centre - along, centre + along, 2 * radius_m * scale)
        site.sketch.add(middle, Layer.PATCH, finish)


def _pitch(site: Site, centre: Floats, angle_rad: float, length_m: float, width_m: float) -> None:
    """A football pitch, mown in stripes, with white lines."""
    along, across = pg.axes(angle_rad)
    sketch, white = site.sketch, Finish("mark", 0.2)
    turf = Finish("turf", site.still.random(), 1.0, angle_rad + math.pi / 2, length_m / 9, 0.06)
    sketch.add(pg.rectangle(centre, length_m, width_m, angle_rad), Layer.PATCH, turf)
    for sign in (-1, 0, 1):
        goal = centre + sign * along * length_m / 2
        sketch.add(pg.rectangle(goal, 0.3, width_m, angle_rad), Layer.MARK, white)
        if sign:
            side = centre + sign * across * width_m / 2
            sketch.add(pg.rectangle(side, length_m, 0.3, angle_rad), Layer.MARK, white)
            front = goal - sign * along * length_m * 0.15
            sketch.add(pg.rectangle(front, 0.3, width_m * 0.55, angle_rad), Layer.MARK, white)
    sketch.add(pg.ellipse(centre, 18, 18, angle_rad), Layer.MARK, white)
    sketch.add(pg.ellipse(centre, 17.4, 17.4, angle_rad), Layer.MARK, turf)


def _court(sketch: Sketch, centre: Floats, angle_rad: float, material: str) -> None:
    """A tennis court with its lines."""
    across = pg.axes(angle_rad)[1]
    sketch.add(pg.rectangle(centre, 17, 35, angle_rad), Layer.PATCH, Finish(material))
    for at, length_m, width_m in (
        (centre, 11.0, 0.25),
        (centre + across * 11.9, 11.0, 0.25),
        (centre - across * 11.9, 11.0, 0.25),
        (centre, 0.25, 23.8),
    ):
        shape = pg.rectangle(at, length_m, width_m, angle_rad)
        sketch.add(shape, Layer.MARK, Finish("mark", 0.2))
    for sign in (-1, 1):
        side = centre + sign * pg.axes(angle_rad)[0] * 5.5
        sketch.add(pg.rectangle(side, 0.25, 23.8, angle_rad), Layer.MARK, Finish("mark", 0.2))


def _plaza(site: Site, outline: Floats) -> None:
    """A paved square with a church or fountain, trees in rows, market stalls."""
    rng, sketch = site.still, site.sketch
    _ground(site, outline, "paving")
    angle_rad = pg.longest_edge_rad(outline)
    inner = pg.inset(outline, 4)
    size_m = float(rng.uniform(4, 9))
    for at in pg.lattice(inner, angle_rad, (size_m, size_m)):
        if rng.random() < 0.45:
            slab = Finish(str(rng.choice(["paving", "brick", "concrete"])), rng.random())
            sketch.add(pg.rectangle(at, size_m, size_m, angle_rad), Layer.PATCH, slab)
    add_church(sketch, outline.mean(0), angle_rad, rng)
    for i in range(len(inner)):
        way = inner[(i + 1) % len(inner)] - inner[i]
        for share in np.arange(0.05, 1, 8 / max(float(np.linalg.norm(way)), 8.0)):
            spot = inner[i] + share * way
            if rng.random() < 0.7 and site.course.is_clear(spot, 3)[0]:
                add_tree(sketch, spot, rng.uniform(1.8, 2.8), rng)
    for at in pg.scatter(pg.inset(outline, 8), 12, site.passing):
        stall = Finish("crate", site.passing.random(), 1.3)
        sketch.add(pg.rectangle(at, 3, 3, angle_rad), Layer.THING, stall, Surface(2.5))


def _school(site: Site, outline: Floats) -> None:
    """A long building of several wings, a yard, and courts."""
    rng, sketch = site.still, site.sketch
    _ground(site, outline, "lawn")
    angle_rad = pg.longest_edge_rad(outline)
    centre, length_m, width_m = pg.extent(outline, angle_rad)
    along, across = pg.axes(angle_rad)
    spine = centre + across * width_m * 0.2
    own = site.branch()
    if own.may_build(spine, length_m * 0.4):
        box_m = (length_m * 0.7, 13.0)
        add_flat_block(sketch, spine, angle_rad, box_m, own.still.uniform(7, 12), own.still)
        for share in own.still.uniform(-0.3, 0.3, 2):
            wing, height_m = spine + along * share * length_m - across * 14, own.still.uniform(5, 9)
            add_flat_block(sketch, wing, angle_rad, (12, 20), height_m, own.still)
    for share in (-0.25, 0.0, 0.25):
        court = str(rng.choice(["clay", "court_blue", "court_green"]))
        spot = centre + along * share * length_m - across * width_m * 0.28
        if pg.is_inside(outline, spot, 19)[0]:
            _court(sketch, spot, angle_rad, court)
    spots = site.clear(pg.scatter(pg.inset(outline, 2), 30, rng))
    add_trees(sketch, spots, (1.6, 3.6), rng)


def _fields(site: Site, outline: Floats) -> None:
    """Strips of crops, each with its drills and the wheel tracks of the sprayer."""
    rng = site.still
    _ground(site, outline, "meadow")
    inner = pg.inset(outline, 1.5)
    for strip in _parcels(inner, rng.uniform(5000, 16000), rng, 1.2) if len(inner) else []:
        _field(site, strip)
    for i in range(len(outline)):
        if rng.random() < 0.3:
            way = outline[(i + 1) % len(outline)] - outline[i]
            for share in rng.random(int(np.linalg.norm(way) / 7)):
                spot = site.clear((outline[i] + share * way).reshape(1, 2))
                add_trees(site.sketch, spot + rng.normal(0, 1, spot.shape), (1.5, 4), rng)


def _field(site: Site, strip: Floats) -> None:
    """One field: what grows on it changes from date to date, its drills and wet spots stay."""
    rng, sketch = site.still, site.sketch
    crop = str(site.passing.choice(CROPS))
    angle_rad = pg.longest_edge_rad(strip)
    finish = Finish(crop, site.passing.random(), rng.uniform(0.9, 1.1), angle_rad, 3.0, 0.07)
    sketch.add(strip, Layer.PATCH, finish)
    for at in pg.scatter(strip, int(rng.integers(2, 7)), rng):
        spot = Finish(crop, rng.random(), rng.uniform(0.82, 1.12), angle_rad, 3.0, 0.07)
        wet = pg.ellipse(at, rng.uniform(8, 45), rng.uniform(8, 45), angle_rad)
        sketch.add(_clip_to(strip, wet), Layer.PATCH, spot)
    centre, _, width_m = pg.extent(strip, angle_rad)
    across = pg.axes(angle_rad)[1]
    wheel = Finish("dirt", rng.random(), 0.9)
    for shift_m in np.arange(-width_m / 2 + 9, width_m / 2, 18.0):
        for track_m in (-0.9, 0.9):
            ends = pg.chord(strip, centre + across * (shift_m + track_m), angle_rad)
            if ends is not None:
                sketch.add(pg.ribbon(*ends, 0.45), Layer.PATCH, wheel)


def _wood(site: Site, outline: Floats) -> None:
    """A wood, cleared along the river or railway."""
    _ground(site, outline, "meadow")
    sketch = Sketch()
    add_wood(sketch, outline, site.still)
    for shape, finish, surface in zip(
        sketch.outlines, sketch.finishes, sketch.surfaces, strict=True
    ):
        if site.course.is_clear(shape.mean(0), 4)[0]:
            site.sketch.add(shape, Layer.CROWN, finish, surface)


def _orchard(site: Site, outline: Floats) -> None:
    """Small trees in rows."""
    rng = site.still
    _ground(site, outline, "meadow")
    angle_rad = pg.longest_edge_rad(outline)
    step_m = (rng.uniform(4, 6), rng.uniform(5, 8))
    spots = site.clear(pg.lattice(pg.inset(outline, 4), angle_rad, step_m))
    spots = spots[rng.random(len(spots)) < 0.9] + rng.normal(0, 0.25, (1, 2))
    add_trees(site.sketch, spots, (1.1, 2.1), rng, "orchard")


def _gardens(site: Site, outline: Floats) -> None:
    """Allotments: beds, huts and fruit trees on small parcels along paths."""
    rng, sketch = site.still, site.sketch
    _ground(site, outline, "gravel")
    for parcel in _parcels(outline, 230, rng, 1.4):
        _ground(site, parcel, str(rng.choice(["lawn", "meadow", "lawn", "dirt"])), Layer.PATCH)
        angle_rad = pg.longest_edge_rad(parcel)
        for at in pg.scatter(pg.inset(parcel, 2), 4, rng):
            bed = Finish(str(rng.choice(["ploughed", "beet", "dirt"])), rng.random())
            soil = pg.rectangle(at, rng.uniform(1.5, 5), rng.uniform(1.5, 5), angle_rad)
            sketch.add(soil, Layer.PATCH, bed)
        for at in site.clear(pg.scatter(pg.inset(parcel, 3), 1, rng)):
            add_shed(sketch, at, angle_rad, rng)
        spots = site.clear(pg.scatter(pg.inset(parcel, 1.5), 2, rng))
        add_trees(sketch, spots, (0.9, 2.2), rng, "orchard")


def _farm(site: Site, outline: Floats) -> None:
    """A farmyard of barns and a house, amid fields."""
    rng, sketch = site.still, site.sketch
    _fields(site, outline)
    centre = outline.mean(0)
    angle_rad = pg.longest_edge_rad(outline)
    _ground(site, pg.rectangle(centre, 60, 46, angle_rad), "gravel", Layer.PATCH)
    along, across = pg.axes(angle_rad)
    own = site.branch()
    if own.may_build(centre, 40):
        add_house(sketch, centre - along * 18, angle_rad, own.still)
        add_hall(sketch, centre + along * 12 + across * 12, angle_rad, (30, 14), own.still)
        add_hall(sketch, centre + along * 16 - across * 12, angle_rad, (24, 11), own.still)
    ring = centre + rng.normal(0, 26, (18, 2))
    far = np.abs((ring - centre) @ pg.axes(angle_rad).T)
    spots = ring[((far[:, 0] > 31) | (far[:, 1] > 24)) & pg.is_inside(outline, ring, 2)]
    add_trees(sketch, site.clear(spots), (2, 5), rng)


def _parking(site: Site, outline: Floats) -> None:
    """A car park behind a strip of trees."""
    _ground(site, outline, "lawn")
    inner = pg.inset(outline, 4)
    if len(inner):
        add_parking(site.sketch, inner, site.still, site.passing)
    spots = pg.scatter(outline, 50, site.still)
    edge = spots[~pg.is_inside(inner, spots)] if len(inner) else spots
    add_trees(site.sketch, site.clear(edge), (1.5, 3), site.still)


_USES: dict[str, Callable[[Site, Floats], None]] = {
    "homes": _homes,
    "town": _town,
    "works": _works,
    "park": _park,
    "sports": _sports,
    "plaza": _plaza,
    "school": _school,
    "fields": _fields,
    "wood": _wood,
    "orchard": _orchard,
    "gardens": _gardens,
    "farm": _farm,
    "parking": _parking,
}
