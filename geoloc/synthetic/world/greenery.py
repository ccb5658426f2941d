"""What grows: single trees, rows of them, hedges, woods."""

from __future__ import annotations

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.synthetic.world import polygon as pg
from geoloc.synthetic.world.shape import Finish, Layer, Sketch, Surface


def add_tree(
    sketch: Sketch,
    at: Float64Array,
    radius_m: float,
    rng: np.random.Generator,
    kind: str = "broadleaf",
) -> None:
    """A crown with an uneven outline over its own shade."""
    height_m = radius_m * (rng.uniform(1.5, 2.3) if kind != "conifer" else rng.uniform(2.6, 3.6))
    finish = Finish(kind, rng.random(), rng.uniform(0.85, 1.12))
    surface = Surface(height_m, (float(at[0]), float(at[1])), dome_m=radius_m * 1.12)
    sketch.add(pg.blob(at, radius_m, 0.16, rng), Layer.CROWN, finish, surface)


def add_trees(
    sketch: Sketch,
    spots: Float64Array,
    radii_m: tuple[float, float],
    rng: np.random.Generator,
    kind: str | None = None,
) -> None:
    """Trees at spots (N, 2), their radii drawn from a range; mixed kinds unless one is named."""
    for at in spots:
        chosen = kind or ("conifer" if rng.random() < 0.18 else "broadleaf")
        add_tree(sketch, at, rng.uniform(*radii_m), rng, chosen)


def add_hedge(
    sketch: Sketch, start: Float64Array, end: Float64Array, rng: np.random.Generator
) -> None:
    """A hedge of one to two metres between two points."""
    outline = pg.ribbon(start, end, rng.uniform(0.8, 1.6))
    finish = Finish("hedge", rng.random(), rng.uniform(0.85, 1.1))
    sketch.add(outline, Layer.CROWN, finish, Surface(rng.uniform(1.0, 2.0)))


def add_wood(sketch: Sketch, outline: Float64Array, rng: np.random.Generator) -> None:
    """A wood: crowns that touch, of all sizes, with a clearing here and there."""
    count = int(pg.area_m2(outline) / 34)
    spots = pg.scatter(pg.inset(outline, 3), count, rng)
    gaps = pg.scatter(outline, int(rng.integers(0, 3)), rng)
    for gap in gaps:
        spots = spots[np.linalg.norm(spots - gap, axis=1) > rng.uniform(7, 14)]
    share = rng.choice([0.05, 0.3, 0.85])
    for at in spots:
        kind = "conifer" if rng.random() < share else "broadleaf"
        add_tree(sketch, at, rng.uniform(2.2, 5.0), rng, kind)


def add_row(
    sketch: Sketch, start: Float64Array, end: Float64Array, step_m: float, rng: np.random.Generator
) -> None:
    """A row of trees of one age, some missing."""
    length_m = float(np.linalg.norm(end - start))
    radius_m = rng.uniform(1.8, 3.2)
    for share in np.arange(step_m / 2, length_m, step_m) / max(length_m, 1e-9):
        if rng.random() < 0.8:
            at = start + share * (end - start) + rng.normal(0, 0.3, 2)
            add_tree(sketch, at, radius_m * rng.uniform(0.75, 1.15), rng)
