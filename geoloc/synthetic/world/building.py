"""Buildings: gabled and hipped houses, flat roofs with what stands on them, halls, sheds."""

from __future__ import annotations

import math

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.synthetic.world import polygon as pg
from geoloc.synthetic.world.palette import FLAT_ROOFS, HALL_ROOFS, PITCHED_ROOFS
from geoloc.synthetic.world.shape import Finish, Layer, Sketch, Surface


def add_house(
    sketch: Sketch, centre: Float64Array, angle_rad: float, rng: np.random.Generator
) -> None:
    """A house with a pitched roof, at times with a wing, a chimney, roof windows and panels."""
    length_m, width_m = rng.uniform(9.5, 16), rng.uniform(7.5, 10.5)
    eaves_m, pitch = rng.uniform(3, 6), rng.uniform(0.45, 0.95)
    finish = _roof_finish(angle_rad, rng)
    box = (length_m, width_m)
    if rng.random() < 0.3:
        side = pg.axes(angle_rad)
        shift = side[0] * rng.uniform(-0.25, 0.25) * length_m + side[1] * width_m * 0.45
        wing = (width_m * 1.1, width_m * 0.7)
        _add_roof(sketch, centre + shift, angle_rad + math.pi / 2, wing, (eaves_m, pitch), finish)
    is_hip = rng.random() < 0.3
    add_roof = _add_hip if is_hip else _add_roof
    add_roof(sketch, centre, angle_rad, box, (eaves_m, pitch), finish)
    _add_roof_details(sketch, centre, angle_rad, box, (eaves_m, pitch), rng)


def _roof_finish(angle_rad: float, rng: np.random.Generator) -> Finish:
    """A material for a pitched roof, with its courses along the ridge."""
    material = str(rng.choice(PITCHED_ROOFS))
    return Finish(material, rng.random(), rng.uniform(0.85, 1.12), angle_rad, 0.38, 0.10)


def _face(
    outline: Float64Array,
    ridge_at: Float64Array,
    ridge_m: float,
    fall: Float64Array,
    sketch: Sketch,
    finish: Finish,
) -> None:
    """One plane of a roof that falls from `ridge_m` at `ridge_at` along `fall` (rise a metre)."""
    surface = Surface(
        ridge_m, (float(ridge_at[0]), float(ridge_at[1])), (-float(fall[0]), -float(fall[1]))
    )
    sketch.add(outline, Layer.BUILDING, finish, surface)


def _add_roof(
    sketch: Sketch,
    centre: Float64Array,
    angle_rad: float,
    box_m: tuple[float, float],
    shape: tuple[float, float],
    finish: Finish,
) -> None:
    """A gable: two planes that meet at a ridge along the angle."""
    across = pg.axes(angle_rad)[1]
    (length_m, width_m), (eaves_m, pitch) = box_m, shape
    for sign in (-1, 1):
        middle = centre + sign * across * width_m / 4
        outline = pg.rectangle(middle, length_m, width_m / 2, angle_rad)
        ridge_m = eaves_m + pitch * width_m / 2
        _face(outline, centre, ridge_m, sign * across * pitch, sketch, finish)


def _add_hip(
    sketch: Sketch,
    centre: Float64Array,
    angle_rad: float,
    box_m: tuple[float, float],
    shape: tuple[float, float],
    finish: Finish,
) -> None:
    """A hip: four planes; the ridge is as much shorter than the house as the house is wide."""
    along, across = pg.axes(angle_rad)
    (length_m, width_m), (eaves_m, pitch) = box_m, shape
    half_ridge_m = max(length_m - width_m, 0) / 2
    corners = pg.rectangle(centre, length_m, width_m, angle_rad)
    ridge = [centre - along * half_ridge_m, centre + along * half_ridge_m]
    ridge_m = eaves_m + pitch * width_m / 2
    low, right, up, left = (
        [corners[0], corners[1], ridge[1], ridge[0]],
        [corners[1], corners[2], ridge[1]],
        [corners[2], corners[3], ridge[0], ridge[1]],
        [corners[3], corners[0], ridge[0]],
    )
    _face(np.array(low), centre, ridge_m, -across * pitch, sketch, finish)
    _face(np.array(up), centre, ridge_m, across * pitch, sketch, finish)
    _face(np.array(right), ridge[1], ridge_m, along * pitch, sketch, finish)
    _face(np.array(left), ridge[0], ridge_m, -along * pitch, sketch, finish)


def _add_roof_details(
    sketch: Sketch,
    centre: Float64Array,
    angle_rad: float,
    box_m: tuple[float, float],
    shape: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    """A chimney, roof windows and solar panels on a pitched roof."""
    along, across = pg.axes(angle_rad)
    (length_m, width_m), (eaves_m, pitch) = box_m, shape
    ridge_m = eaves_m + pitch * width_m / 2
    if rng.random() < 0.7:
        at = centre + along * rng.uniform(-0.4, 0.4) * length_m + across * rng.uniform(-1, 1)
        _add_box(sketch, pg.rectangle(at, 0.9, 0.7, angle_rad), ridge_m + 0.8, Finish("brick"))
    for sign in (-1, 1):
        fall = sign * across * pitch
        surface = Surface(
            ridge_m + 0.1, (float(centre[0]), float(centre[1])), (-float(fall[0]), -float(fall[1]))
        )
        middle = centre + sign * across * width_m / 4
        if rng.random() < 0.25:
            size_m = (length_m * rng.uniform(0.35, 0.8), width_m * rng.uniform(0.2, 0.4))
            outline = pg.rectangle(middle, *size_m, angle_rad)
            panels = Finish("solar", rng.random(), 1.0, angle_rad + math.pi / 2, 1.7, 0.25)
            sketch.add(outline, Layer.ROOF, panels, surface)
            continue
        for _ in range(rng.integers(0, 4)):
            at = middle + along * rng.uniform(-0.4, 0.4) * length_m
            sketch.add(pg.rectangle(at, 0.9, 1.2, angle_rad), Layer.ROOF, Finish("glass"), surface)


def _add_box(
    sketch: Sketch,
    outline: Float64Array,
    height_m: float,
    finish: Finish,
    layer: Layer = Layer.ROOF,
) -> None:
    """A shape with a level top."""
    sketch.add(outline, layer, finish, Surface(height_m))


def add_flat_block(
    sketch: Sketch,
    centre: Float64Array,
    angle_rad: float,
    box_m: tuple[float, float],
    height_m: float,
    rng: np.random.Generator,
) -> None:
    """A building with a flat roof behind a parapet, strewn with devices, stairs and skylights."""
    length_m, width_m = box_m
    finish = Finish(str(rng.choice(FLAT_ROOFS)), rng.random(), rng.uniform(0.82, 1.12))
    outline = pg.rectangle(centre, length_m, width_m, angle_rad)
    _add_box(sketch, outline, height_m + 0.6, Finish("parapet", rng.random()), Layer.BUILDING)
    roof = pg.rectangle(centre, length_m - 0.9, width_m - 0.9, angle_rad)
    _add_box(sketch, roof, height_m, finish)
    _add_roof_fields(sketch, (centre, angle_rad, box_m), height_m, finish, rng)
    inner = pg.inset(outline, 1.6)
    for at in pg.scatter(inner, int(length_m * width_m / 45) + 1, rng):
        top_m = height_m + rng.uniform(0.6, 1.6)
        device = Finish(str(rng.choice(["device", "device", "parapet", "glass"])), rng.random())
        _add_box(
            sketch,
            pg.rectangle(at, rng.uniform(0.9, 2.6), rng.uniform(0.9, 2.6), angle_rad),
            top_m,
            device,
        )
    if height_m > 8 and length_m > 12:
        at = centre + pg.axes(angle_rad)[0] * rng.uniform(-0.3, 0.3) * length_m
        stair = pg.rectangle(at, 4.2, 3.2, angle_rad)
        _add_box(sketch, stair, height_m + 2.6, Finish("parapet", rng.random(), 0.9))


def _add_roof_fields(
    sketch: Sketch,
    box: tuple[Float64Array, float, tuple[float, float]],
    height_m: float,
    finish: Finish,
    rng: np.random.Generator,
) -> None:
    """Parts of a flat roof that are of another age or stuff than the rest."""
    centre, angle_rad, (length_m, width_m) = box
    along, across = pg.axes(angle_rad)
    for _ in range(rng.integers(0, 3)):
        share = rng.uniform(0.2, 0.5, 2)
        room = (1 - share) / 2 * 0.9
        at = centre + along * rng.uniform(-1, 1) * room[0] * length_m
        at = at + across * rng.uniform(-1, 1) * room[1] * width_m
        part = pg.rectangle(at, share[0] * length_m, share[1] * width_m, angle_rad)
        material = finish.material if rng.random() < 0.5 else str(rng.choice(FLAT_ROOFS))
        other = Finish(material, rng.random(), finish.tone * rng.uniform(0.85, 1.15))
        _add_box(sketch, part, height_m + 0.05, other)


def add_hall(
    sketch: Sketch,
    centre: Float64Array,
    angle_rad: float,
    box_m: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    """A large hall: sheets with ribs, rows of skylights, vents."""
    length_m, width_m = box_m
    height_m = rng.uniform(5.5, 10)
    along, across = pg.axes(angle_rad)
    finish = Finish(
        str(rng.choice(HALL_ROOFS)),
        rng.random(),
        rng.uniform(0.8, 1.1),
        angle_rad + math.pi / 2,
        rng.choice([1.0, 2.4, 5.0]),
        0.05,
    )
    bays = max(1, round(width_m / 22))
    for bay in range(bays):
        at = centre + across * ((bay + 0.5) / bays - 0.5) * width_m
        _add_roof(sketch, at, angle_rad, (length_m, width_m / bays), (height_m, 0.09), finish)
        if rng.random() < 0.8:
            for step in np.arange(-0.42, 0.43, rng.choice([0.12, 0.21])):
                spot = at + along * step * length_m
                strip = pg.rectangle(spot, 1.6, width_m / bays * 0.5, angle_rad)
                _add_box(sketch, strip, height_m + 0.6, Finish("membrane", rng.random(), 0.95))
    for at in pg.scatter(pg.rectangle(centre, *box_m, angle_rad), int(length_m / 7), rng):
        vent = pg.rectangle(at, rng.uniform(1, 3), rng.uniform(1, 3), angle_rad)
        _add_box(sketch, vent, height_m + 1.4, Finish("device", rng.random()))


def add_shed(
    sketch: Sketch, centre: Float64Array, angle_rad: float, rng: np.random.Generator
) -> None:
    """A garage or garden shed with a flat roof."""
    outline = pg.rectangle(centre, rng.uniform(2.5, 6.5), rng.uniform(2.5, 6.5), angle_rad)
    material = str(rng.choice(["bitumen", "sheet", "tile_brown", "pebbles", "sheet_green"]))
    finish = Finish(material, rng.random(), rng.uniform(0.85, 1.1))
    _add_box(sketch, outline, rng.uniform(2.2, 2.9), finish, Layer.BUILDING)


def add_church(
    sketch: Sketch, centre: Float64Array, angle_rad: float, rng: np.random.Generator
) -> None:
    """A church: a steep nave and a square tower under a pointed roof."""
    finish = _roof_finish(angle_rad, rng)
    _add_roof(sketch, centre, angle_rad, (27, 13), (8, 1.0), finish)
    tower = centre - pg.axes(angle_rad)[0] * 16
    _add_hip(sketch, tower, angle_rad, (7, 7), (19, 1.6), Finish("tile_dark", 0.2))
