"""A town as shapes: the plan, filled block by block, as it is at one date."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.synthetic.world import openland, quarter
from geoloc.synthetic.world.plan import Plan, plan_town
from geoloc.synthetic.world.shape import Finish, ShapeTable, Sketch
from geoloc.synthetic.world.site import Site
from geoloc.synthetic.world.traffic import add_course, add_street

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


def fill_block(site: Site, outline: Float64Array, urbanity: float) -> None:
    """Choose a use that fits how urban the place is, and build it."""
    names: tuple[str, ...]
    if urbanity > 0.62:
        names = ("town",) * 4 + ("homes",) * 2 + ("park", "plaza", "parking", "school")
    elif urbanity > 0.3:
        names = ("homes",) * 4 + ("works", "park", "sports", "town", "gardens")
    elif urbanity > 0.14:
        names = ("fields",) * 2 + ("homes", "works", "wood", "gardens", "sports")
    else:
        names = ("fields",) * 3 + ("wood", "farm", "orchard")
    _USES[str(site.still.choice(names))](site, outline)


_USES: dict[str, Callable[[Site, Float64Array], None]] = {
    "homes": quarter.fill_homes,
    "town": quarter.fill_town,
    "works": quarter.fill_works,
    "park": openland.fill_park,
    "sports": openland.fill_sports,
    "plaza": quarter.fill_plaza,
    "school": quarter.fill_school,
    "fields": openland.fill_fields,
    "wood": openland.fill_wood,
    "orchard": openland.fill_orchard,
    "gardens": openland.fill_gardens,
    "farm": quarter.fill_farm,
    "parking": quarter.fill_parking,
}
