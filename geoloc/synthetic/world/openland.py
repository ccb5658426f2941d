"""Blocks that are mostly green: parks, sports grounds, fields, woods, orchards, allotments."""

from __future__ import annotations

import math

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.synthetic.world import polygon as pg
from geoloc.synthetic.world.building import add_shed
from geoloc.synthetic.world.greenery import add_trees, add_wood
from geoloc.synthetic.world.palette import CROPS
from geoloc.synthetic.world.shape import Finish, Layer, Sketch
from geoloc.synthetic.world.site import Site, clip_to, cover, cut_parcels


def fill_park(site: Site, outline: Float64Array) -> None:
    """Lawns, winding paths, clumps of trees, a pond, a playground."""
    rng, sketch = site.still, site.sketch
    cover(site, outline, "lawn")
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


def _path(site: Site, outline: Float64Array, start: Float64Array, angle_rad: float) -> None:
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


def fill_sports(site: Site, outline: Float64Array) -> None:
    """A pitch with its marks, a running track round it where it fits, courts beside it."""
    rng, sketch = site.still, site.sketch
    cover(site, outline, "lawn")
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
            add_court(sketch, at, angle_rad, court)
    spots = pg.scatter(pg.inset(outline, 2.5), 60, rng)
    local = (spots - centre) @ pg.axes(angle_rad).T
    outside = (np.abs(local[:, 0]) > 82 * scale) | (np.abs(local[:, 1]) > 52 * scale)
    add_trees(sketch, site.clear(spots[outside])[:25], (1.6, 4), rng)


def _track(site: Site, centre: Float64Array, angle_rad: float, scale: float) -> None:
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


def _pitch(
    site: Site, centre: Float64Array, angle_rad: float, length_m: float, width_m: float
) -> None:
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


def add_court(sketch: Sketch, centre: Float64Array, angle_rad: float, material: str) -> None:
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


def fill_fields(site: Site, outline: Float64Array) -> None:
    """Strips of crops, each with its drills and the wheel tracks of the sprayer."""
    rng = site.still
    cover(site, outline, "meadow")
    inner = pg.inset(outline, 1.5)
    for strip in cut_parcels(inner, rng.uniform(5000, 16000), rng, 1.2) if len(inner) else []:
        _field(site, strip)
    for i in range(len(outline)):
        if rng.random() < 0.3:
            way = outline[(i + 1) % len(outline)] - outline[i]
            for share in rng.random(int(np.linalg.norm(way) / 7)):
                spot = site.clear((outline[i] + share * way).reshape(1, 2))
                add_trees(site.sketch, spot + rng.normal(0, 1, spot.shape), (1.5, 4), rng)


def _field(site: Site, strip: Float64Array) -> None:
    """One field: what grows on it changes from date to date, its drills and wet spots stay."""
    rng, sketch = site.still, site.sketch
    crop = str(site.passing.choice(CROPS))
    angle_rad = pg.longest_edge_rad(strip)
    finish = Finish(crop, site.passing.random(), rng.uniform(0.9, 1.1), angle_rad, 3.0, 0.07)
    sketch.add(strip, Layer.PATCH, finish)
    for at in pg.scatter(strip, int(rng.integers(2, 7)), rng):
        spot = Finish(crop, rng.random(), rng.uniform(0.82, 1.12), angle_rad, 3.0, 0.07)
        wet = pg.ellipse(at, rng.uniform(8, 45), rng.uniform(8, 45), angle_rad)
        sketch.add(clip_to(strip, wet), Layer.PATCH, spot)
    centre, _, width_m = pg.extent(strip, angle_rad)
    across = pg.axes(angle_rad)[1]
    wheel = Finish("dirt", rng.random(), 0.9)
    for shift_m in np.arange(-width_m / 2 + 9, width_m / 2, 18.0):
        for track_m in (-0.9, 0.9):
            ends = pg.chord(strip, centre + across * (shift_m + track_m), angle_rad)
            if ends is not None:
                sketch.add(pg.ribbon(*ends, 0.45), Layer.PATCH, wheel)


def fill_wood(site: Site, outline: Float64Array) -> None:
    """A wood, cleared along the river or railway."""
    cover(site, outline, "meadow")
    sketch = Sketch()
    add_wood(sketch, outline, site.still)
    for shape, finish, surface in zip(
        sketch.outlines, sketch.finishes, sketch.surfaces, strict=True
    ):
        if site.course.is_clear(shape.mean(0), 4)[0]:
            site.sketch.add(shape, Layer.CROWN, finish, surface)


def fill_orchard(site: Site, outline: Float64Array) -> None:
    """Small trees in rows."""
    rng = site.still
    cover(site, outline, "meadow")
    angle_rad = pg.longest_edge_rad(outline)
    step_m = (rng.uniform(4, 6), rng.uniform(5, 8))
    spots = site.clear(pg.lattice(pg.inset(outline, 4), angle_rad, step_m))
    spots = spots[rng.random(len(spots)) < 0.9] + rng.normal(0, 0.25, (1, 2))
    add_trees(site.sketch, spots, (1.1, 2.1), rng, "orchard")


def fill_gardens(site: Site, outline: Float64Array) -> None:
    """Allotments: beds, huts and fruit trees on small parcels along paths."""
    rng, sketch = site.still, site.sketch
    cover(site, outline, "gravel")
    for parcel in cut_parcels(outline, 230, rng, 1.4):
        cover(site, parcel, str(rng.choice(["lawn", "meadow", "lawn", "dirt"])), Layer.PATCH)
        angle_rad = pg.longest_edge_rad(parcel)
        for at in pg.scatter(pg.inset(parcel, 2), 4, rng):
            bed = Finish(str(rng.choice(["ploughed", "beet", "dirt"])), rng.random())
            soil = pg.rectangle(at, rng.uniform(1.5, 5), rng.uniform(1.5, 5), angle_rad)
            sketch.add(soil, Layer.PATCH, bed)
        for at in site.clear(pg.scatter(pg.inset(parcel, 3), 1, rng)):
            add_shed(sketch, at, angle_rad, rng)
        spots = site.clear(pg.scatter(pg.inset(parcel, 1.5), 2, rng))
        add_trees(sketch, spots, (0.9, 2.2), rng, "orchard")
