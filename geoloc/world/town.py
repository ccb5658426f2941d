"""A town as shapes: the plan, filled block by block, as it is at one date."""

from __future__ import annotations

import numpy as np

from geoloc.world.landuse import fill_block
from geoloc.world.plan import Plan, plan_town
from geoloc.world.shape import Finish, ShapeTable, Sketch
from geoloc.world.site import Site
from geoloc.world.traffic import add_course, add_street

MARGIN_M = 60.0  # ground beyond the map, so that photos taken near its edge are not cut


def build_town(size_m: float, seed: int, date: int) -> ShapeTable:
    """All shapes of the town of a seed at a date; what stays is the same at every date."""
    plan = plan_town(size_m, MARGIN_M, np.random.default_rng([seed, 0]))
    sketch = Sketch()
    _add_streets(sketch, plan, seed, date)
    for block in plan.blocks:
        site = Site(
            sketch=sketch,
            course=plan.course,
            still=np.random.default_rng([seed, 2, block.number]),
            passing=np.random.default_rng([seed, 3, block.number, date]),
            date=date,
        )
        fill_block(site, block.outline, block.urbanity)
    return ShapeTable.from_sketch(sketch, Finish("meadow", 0.4))


def _add_streets(sketch: Sketch, plan: Plan, seed: int, date: int) -> None:
    """The course, and the streets from the least to the greatest, which lies on top."""
    add_course(sketch, plan.course, np.random.default_rng([seed, 1]))
    for number, street in reversed(list(enumerate(plan.streets))):
        still = np.random.default_rng([seed, 4, number])
        passing = np.random.default_rng([seed, 5, number, date])
        add_street(sketch, street, still, passing)
