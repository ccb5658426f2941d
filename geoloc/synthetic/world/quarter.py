"""Blocks that are mostly built on: homes, town houses, works, squares, schools, farms."""

from __future__ import annotations

import math

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.synthetic.world import polygon as pg
from geoloc.synthetic.world.building import (
    add_church,
    add_flat_block,
    add_hall,
    add_house,
    add_shed,
)
from geoloc.synthetic.world.greenery import add_hedge, add_tree, add_trees
from geoloc.synthetic.world.openland import add_court, fill_fields
from geoloc.synthetic.world.shape import Finish, Layer, Surface
from geoloc.synthetic.world.site import Site, clip_to, cover, cut_parcels
from geoloc.synthetic.world.traffic import add_car, add_parking


def fill_homes(site: Site, outline: Float64Array) -> None:
    """Houses in gardens."""
    rng = site.still
    cover(site, outline, "lawn")
    size_m2 = rng.uniform(380, 750)
    street_rad = pg.longest_edge_rad(outline)
    for parcel in cut_parcels(outline, size_m2, rng):
        turn_rad = street_rad + rng.choice([0, math.pi / 2]) + rng.normal(0, 0.03)
        cover(site, parcel, str(rng.choice(["lawn", "lawn", "meadow"])), Layer.PATCH)
        _home(site.branch(), parcel, turn_rad)
        _garden(site.branch(), parcel, turn_rad)


def _home(site: Site, parcel: Float64Array, turn_rad: float) -> None:
    """The house of a garden, with its drive and terrace."""
    rng, sketch = site.still, site.sketch
    centre = parcel.mean(0) + rng.normal(0, 1.2, 2)
    if not site.may_build(centre, 8):
        return
    across = pg.axes(turn_rad)[1]
    drive = pg.ribbon(centre, centre + across * rng.choice([-1, 1]) * 12, rng.uniform(2.5, 4))
    drive = clip_to(parcel, drive)
    paved = ("concrete", "paving", "gravel", "asphalt", "brick")
    sketch.add(drive, Layer.PATCH, Finish(str(rng.choice(paved)), rng.random()))
    terrace = pg.rectangle(centre - across * 6, rng.uniform(4, 9), 5, turn_rad)
    finish = Finish(str(rng.choice(paved)), rng.random())
    sketch.add(clip_to(parcel, terrace), Layer.PATCH, finish)
    add_house(sketch, centre, turn_rad, rng)
    if site.passing.random() < 0.5 and len(drive) >= 3:
        add_car(sketch, drive.mean(0), turn_rad + math.pi / 2, site.passing)


def _garden(site: Site, parcel: Float64Array, turn_rad: float) -> None:
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


def fill_town(site: Site, outline: Float64Array) -> None:
    """Flat roofs and terraces close together round yards."""
    rng = site.still
    cover(site, outline, str(rng.choice(["concrete", "asphalt", "paving", "lawn"])))
    inner = pg.inset(outline, 2.5)
    for parcel in cut_parcels(inner, rng.uniform(280, 1100), rng, 1.0) if len(inner) else []:
        _yard(site.branch(), parcel)
        _town_house(site.branch(), parcel)


def _town_house(site: Site, parcel: Float64Array) -> None:
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


def _yard(site: Site, parcel: Float64Array) -> None:
    """What lies between town houses: paving of many ages, cars, a tree."""
    rng, sketch = site.still, site.sketch
    material = str(rng.choice(["asphalt", "concrete", "paving", "brick", "lawn", "gravel"]))
    cover(site, parcel, material, Layer.PATCH)
    for at in pg.scatter(parcel, int(rng.integers(0, 4)), rng):
        patch = pg.rectangle(at, rng.uniform(2, 9), rng.uniform(2, 9), pg.longest_edge_rad(parcel))
        material = str(rng.choice(["concrete", "patch", "lawn", "gravel"]))
        sketch.add(clip_to(parcel, patch), Layer.PATCH, Finish(material, rng.random()))
    spots = site.clear(pg.scatter(pg.inset(parcel, 2), int(rng.integers(0, 4)), rng))
    add_trees(sketch, spots, (1.5, 3.2), rng)
    for at in site.clear(pg.scatter(pg.inset(parcel, 3), 2, site.passing)):
        add_car(sketch, at, pg.longest_edge_rad(parcel), site.passing)


def fill_works(site: Site, outline: Float64Array) -> None:
    """Halls in paved yards, with crates and lorries about."""
    rng, sketch = site.still, site.sketch
    cover(site, outline, str(rng.choice(["concrete", "asphalt", "gravel"])))
    for parcel in cut_parcels(outline, rng.uniform(3500, 8000), rng, 5.0):
        angle_rad = pg.longest_edge_rad(parcel)
        centre, length_m, width_m = pg.extent(parcel, angle_rad)
        cover(site, parcel, str(rng.choice(["concrete", "asphalt", "gravel"])), Layer.PATCH)
        box_m = (length_m * rng.uniform(0.45, 0.7), width_m * rng.uniform(0.4, 0.65))
        own = site.branch()
        if own.may_build(centre, max(box_m) * 0.6):
            add_hall(sketch, centre, angle_rad, box_m, own.still)
        for at in site.clear(pg.scatter(pg.inset(parcel, 5), 14, site.passing)):
            crate = Finish("crate", site.passing.random(), site.passing.uniform(0.7, 1.2))
            shape = pg.rectangle(at, 6.1, 2.5, angle_rad + site.passing.choice([0, math.pi / 2]))
            sketch.add(shape, Layer.THING, crate, Surface(2.6))
        add_trees(sketch, site.clear(pg.scatter(pg.inset(parcel, 2), 6, rng)), (1.5, 3.5), rng)


def fill_plaza(site: Site, outline: Float64Array) -> None:
    """A paved square with a church or fountain, trees in rows, market stalls."""
    rng, sketch = site.still, site.sketch
    cover(site, outline, "paving")
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


def fill_school(site: Site, outline: Float64Array) -> None:
    """A long building of several wings, a yard, and courts."""
    rng, sketch = site.still, site.sketch
    cover(site, outline, "lawn")
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
            add_court(sketch, spot, angle_rad, court)
    spots = site.clear(pg.scatter(pg.inset(outline, 2), 30, rng))
    add_trees(sketch, spots, (1.6, 3.6), rng)


def fill_parking(site: Site, outline: Float64Array) -> None:
    """A car park behind a strip of trees."""
    cover(site, outline, "lawn")
    inner = pg.inset(outline, 4)
    if len(inner):
        add_parking(site.sketch, inner, site.still, site.passing)
    spots = pg.scatter(outline, 50, site.still)
    edge = spots[~pg.is_inside(inner, spots)] if len(inner) else spots
    add_trees(site.sketch, site.clear(edge), (1.5, 3), site.still)


def fill_farm(site: Site, outline: Float64Array) -> None:
    """A farmyard of barns and a house, amid fields."""
    rng, sketch = site.still, site.sketch
    fill_fields(site, outline)
    centre = outline.mean(0)
    angle_rad = pg.longest_edge_rad(outline)
    cover(site, pg.rectangle(centre, 60, 46, angle_rad), "gravel", Layer.PATCH)
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
