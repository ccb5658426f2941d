"""A cross-view data set: queries, references, and which of them belong together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from geoloc.geometry.crs import LonLat
from geoloc.models.view import View


@dataclass(frozen=True)
class Picture:
    """One image of a data set.

    Attributes:
        path: The image file.
        place: What it shows; pictures of one place are each other's partners, never negatives.
        position: Position of the camera, or of a tile's centre; None where the data set has none.
        altitude_m: Altitude of a drone; None where the data set has none.
    """

    path: Path
    place: str
    position: LonLat | None = None
    altitude_m: float | None = None


class Pair(NamedTuple):
    """A query and a reference that show one place, by their numbers in the split.

    `overlap` is the share of ground that both show (intersection over union), where known.
    """

    query: int
    reference: int
    overlap: float = 1.0


@dataclass(frozen=True)
class Split:
    """Queries to be found among references.

    Attributes:
        name: For a person, say ``drone -> satellite`` or ``test``.
        query_view: The branch of the network that the queries pass; ``satellite`` where satellite
            images are searched among drone photos.
        reference_view: The branch that the references pass.
        queries: Images that are looked for.
        references: Images that they are looked for in.
        pairs: All right answers, grouped by query in ascending order; the best one of a query
            first. A query may have several (University-1652), a reference none (VIGOR).
        near_misses: Pairs that overlap and are not right (VIGOR's semi-positives): ignored in the
            hit rate and never used as negatives.
    """

    name: str
    query_view: View
    reference_view: View
    queries: tuple[Picture, ...]
    references: tuple[Picture, ...]
    pairs: tuple[Pair, ...]
    near_misses: tuple[Pair, ...] = field(default=())


@dataclass(frozen=True)
class CrossViewDataset:
    """One data set as its authors split it.

    Attributes:
        name: Name in `geoloc benchmark` and in recipes.
        train: To learn from; None where only tests were found on disk.
        tests: Every test the data set defines: one for most, several directions or altitudes for
            the drone sets.
    """

    name: str
    train: Split | None
    tests: tuple[Split, ...]
