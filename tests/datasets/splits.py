"""Fabricated splits without files: places on a line, a grid or a sphere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geoloc.crs import LonLat
from geoloc.datasets.crossview import Pair, Picture, Split


def one_to_one(positions: Sequence[LonLat | None]) -> Split:
    """A query and a reference at each position."""
    places = [
        Picture(Path(f"{i}.jpg"), place=f"p{i}", position=position)
        for i, position in enumerate(positions)
    ]
    return Split(
        name="one to one",
        query_view="ground",
        reference_view="satellite",
        queries=tuple(places),
        references=tuple(places),
        pairs=tuple(Pair(i, i) for i in range(len(places))),
    )


def many_to_one(places: int, photos: int) -> Split:
    """Several drone photos of each satellite image, without positions."""
    references = [Picture(Path(f"s{i}.jpg"), place=f"{i:04}") for i in range(places)]
    queries = [
        Picture(Path(f"d{i}-{k}.jpg"), place=f"{i:04}")
        for i in range(places)
        for k in range(photos)
    ]
    pairs = [Pair(i * photos + k, i) for i in range(places) for k in range(photos)]
    return Split(
        "many to one", "drone", "satellite", tuple(queries), tuple(references), tuple(pairs)
    )


def line(count: int, *, step_deg: float = 0.001) -> list[LonLat]:
    """Positions eastward from (13, 52)."""
    return [LonLat(13 + i * step_deg, 52.0) for i in range(count)]


def scattered(count: int, *, seed: int = 3) -> list[LonLat]:
    """Positions over one country, where a degree of longitude is far shorter than of latitude."""
    rng = np.random.default_rng(seed)
    return [LonLat(float(x), float(y)) for x, y in rng.uniform((5, 58), (30, 70), (count, 2))]
