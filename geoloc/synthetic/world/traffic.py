"""Streets with lane marks and pavements, the river or railway, parking rows, and cars."""

from __future__ import annotations

import math

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.synthetic.world import polygon as pg
from geoloc.synthetic.world.greenery import add_row
from geoloc.synthetic.world.palette import CARS
from geoloc.synthetic.world.plan import Course, Street
from geoloc.synthetic.world.shape import Finish, Layer, Sketch, Surface

_PAVEMENT_M = 1.8
_MARK_M = 0.3  # wider than in life, where a lens and a sensor spread a thin bright line


def add_car(sketch: Sketch, at: Float64Array, angle_rad: float, rng: np.random.Generator) -> None:
    """A parked car with dark windows, or a van."""
    length_m, width_m = rng.uniform(3.9, 5.0), rng.uniform(1.75, 2.0)
    finish = Finish(str(rng.choice(CARS)), rng.random())
    sketch.add(pg.rectangle(at, length_m, width_m, angle_rad), Layer.THING, finish, Surface(1.0))
    if rng.random() < 0.85:
        cabin = pg.rectangle(at, length_m * 0.56, width_m * 0.86, angle_rad)
        sketch.add(cabin, Layer.THING, Finish("glass", 0.2, 0.7), Surface(1.4))
        roof = pg.rectangle(at, length_m * 0.34, width_m * 0.8, angle_rad)
        sketch.add(roof, Layer.THING, finish, Surface(1.5))


def add_street(
    sketch: Sketch, street: Street, still: np.random.Generator, passing: np.random.Generator
) -> None:
    """A street with all that lies and stands on it."""
    if street.is_rural:
        _add_track(sketch, street, still)
        return
    along, across, _, _ = _frame(street)
    reach_m = _PAVEMENT_M + 1.2
    start, end = street.start - along * reach_m, street.end + along * reach_m
    paved = Finish(str(still.choice(["concrete", "paving", "brick"])), still.random())
    sketch.add(pg.ribbon(street.start, street.end, street.width_m), Layer.PAVEMENT, paved)
    road_m = street.width_m - 2 * _PAVEMENT_M
    layer = Layer.MAIN_ROAD if street.rank < 2 else Layer.ROAD
    asphalt = Finish("asphalt", still.random(), still.uniform(0.82, 1.1))
    sketch.add(pg.ribbon(start, end, road_m), layer, asphalt)
    _add_repairs(sketch, street, road_m, layer, still)
    _add_marks(sketch, street, road_m, still)
    _add_street_cars(sketch, street, road_m, passing)
    if still.random() < 0.45:
        side = across * (street.width_m / 2 + 0.8)
        for sign in (-1, 1):
            add_row(sketch, street.start + sign * side, street.end + sign * side, 12.0, still)


def _add_track(sketch: Sketch, street: Street, rng: np.random.Generator) -> None:
    """A farm track: gravel with a green middle."""
    gravel = Finish(str(rng.choice(["gravel", "dirt"])), rng.random())
    sketch.add(pg.ribbon(street.start, street.end, 3.6), Layer.ROAD, gravel)
    if rng.random() < 0.7:
        sketch.add(pg.ribbon(street.start, street.end, 0.9), Layer.MARK, Finish("meadow", 0.4))
    if rng.random() < 0.4:
        add_row(sketch, street.start, street.end, rng.uniform(6, 16), rng)


def _frame(street: Street) -> tuple[Float64Array, Float64Array, float, float]:
    """Unit vectors along and across a street, its length and its angle."""
    way = street.end - street.start
    angle_rad = math.atan2(way[1], way[0])
    along, across = pg.axes(angle_rad)
    return along, across, float(np.linalg.norm(way)), angle_rad


def _add_repairs(
    sketch: Sketch, street: Street, road_m: float, layer: Layer, rng: np.random.Generator
) -> None:
    """Patches, trenches and manholes in the asphalt."""
    along, across, length_m, angle_rad = _frame(street)
    for _ in range(rng.poisson(length_m / 14)):
        at = street.start + along * rng.uniform(0, length_m)
        at = at + across * rng.uniform(-0.4, 0.4) * road_m
        size_m = (rng.uniform(0.7, 9), rng.uniform(0.6, 2.4))
        patch = Finish("patch", rng.choice([0.0, 0.15, 0.8]), rng.uniform(0.85, 1.15))
        turned_rad = angle_rad + rng.choice([0, 0, math.pi / 2])
        outline = pg.rectangle(at, min(size_m[0], road_m), size_m[1], turned_rad)
        sketch.add(outline, layer, patch)


def _add_marks(sketch: Sketch, street: Street, road_m: float, rng: np.random.Generator) -> None:
    """Lane marks on main streets, zebra crossings near the ends."""
    along, across, length_m, angle_rad = _frame(street)
    white = Finish("mark", rng.random(), rng.uniform(0.85, 1.0))
    if street.rank < 4:
        dash_m, step_m = (3.0, 9.0) if street.rank < 2 else (1.5, 4.5)
        for s in np.arange(step_m, length_m - step_m, step_m):
            at = street.start + along * s
            sketch.add(pg.rectangle(at, dash_m, _MARK_M, angle_rad), Layer.MARK, white)
    if street.rank < 2:
        for sign in (-1, 1):
            shift = sign * across * (road_m / 2 - 0.6)
            line = pg.ribbon(street.start + shift, street.end + shift, _MARK_M)
            sketch.add(line, Layer.MARK, white)
    for s in (9.0, length_m - 9.0, length_m * rng.uniform(0.3, 0.7)):
        if length_m < 50 or rng.random() < 0.5:
            continue
        for bar in np.arange(-road_m / 2 + 0.6, road_m / 2 - 0.3, 1.0):
            at = street.start + along * s + across * bar
            sketch.add(pg.rectangle(at, 3.2, 0.5, angle_rad), Layer.MARK, white)


def _add_street_cars(
    sketch: Sketch, street: Street, road_m: float, rng: np.random.Generator
) -> None:
    """Cars at the kerb, and on main streets cars on their way."""
    along, across, length_m, angle_rad = _frame(street)
    for sign in (-1, 1):
        offset = sign * across * (road_m / 2 - 1.1)
        if street.rank >= 2:
            for s in np.arange(8.0, length_m - 8.0, 6.2):
                if rng.random() < 0.28:
                    add_car(sketch, street.start + along * s + offset, angle_rad, rng)
        else:
            lane = sign * across * road_m / 4
            for s in rng.uniform(0, length_m, rng.poisson(length_m / 60)):
                add_car(sketch, street.start + along * s + lane, angle_rad, rng)


def add_parking(
    sketch: Sketch, outline: Float64Array, still: np.random.Generator, passing: np.random.Generator
) -> None:
    """A car park: asphalt, rows of bays with marks, about half of them taken."""
    ground = Finish(str(still.choice(["asphalt", "asphalt", "paving"])), still.random())
    sketch.add(outline, Layer.PATCH, ground)
    angle_rad = pg.longest_edge_rad(outline)
    across = pg.axes(angle_rad)[1]
    white = Finish("mark", still.random(), 0.95)
    for at in pg.lattice(pg.inset(outline, 3), angle_rad, (2.6, 17.0)):
        for sign in (-1, 1):
            bay = at + sign * across * 2.6
            mark = pg.rectangle(bay + pg.axes(angle_rad)[0] * 1.3, 0.2, 5.0, angle_rad)
            sketch.add(mark, Layer.MARK, white)
            if passing.random() < 0.5:
                add_car(sketch, bay, angle_rad + math.pi / 2, passing)


def add_course(sketch: Sketch, course: Course, rng: np.random.Generator) -> None:
    """A river between its banks, or a railway of two tracks on ballast."""
    if course.is_river:
        banks = Finish("meadow", rng.random(), 0.85)
        _add_strip(sketch, course, course.width_m, 0.0, Layer.WATER, banks)
        water = Finish("water", rng.random())
        _add_strip(sketch, course, course.width_m - 4, 0.0, Layer.WATER, water)
        return
    ballast = Finish("ballast", rng.random())
    _add_strip(sketch, course, course.width_m, 0.0, Layer.WATER, ballast)
    for track_m in (-2.2, 2.2):
        _add_strip(sketch, course, 2.6, track_m, Layer.WATER, Finish("dirt", 0.7, 0.8))
        for rail_m in (-0.75, 0.75):
            steel = Finish("steel", 0.3)
            _add_strip(sketch, course, 0.25, track_m + rail_m, Layer.WATER, steel)


def _add_strip(
    sketch: Sketch, course: Course, width_m: float, shift_m: float, layer: Layer, finish: Finish
) -> None:
    """A strip along the whole course, shifted to its left."""
    way = np.gradient(course.line, axis=0)
    left = np.column_stack([-way[:, 1], way[:, 0]]) / np.linalg.norm(way, axis=1, keepdims=True)
    inner = course.line + left * (shift_m - width_m / 2)
    outer = course.line + left * (shift_m + width_m / 2)
    for i in range(0, len(inner) - 1, 12):
        piece = np.vstack([inner[i : i + 13], outer[i : i + 13][::-1]])
        sketch.add(piece, layer, finish)
