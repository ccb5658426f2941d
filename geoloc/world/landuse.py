"""What a block is used for, by how urban its place is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geoloc.world import openland, quarter
from geoloc.world.site import Site

Floats = NDArray[np.float64]


def fill_block(site: Site, outline: Floats, urbanity: float) -> None:
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


_USES: dict[str, Callable[[Site, Floats], None]] = {
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
