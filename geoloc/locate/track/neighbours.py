"""What the neighbours of a photo in its track tell of it: where it must be, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.locate.track.motion import Motion
from geoloc.locate.track.smoothing import REACH
from geoloc.photos.metadata import PhotoMetadata, merge
from geoloc.results.schema import PhotoResult
from geoloc.tiles.tile_table import TileTable

# What a photo shows lies so many heights from its camera, or so far where no height is known.
_AHEAD_HEIGHTS = 2.6
_AHEAD_M = 250.0
# From a tile's centre to its corner, in sides.
_HALF_DIAGONAL = 0.71
# Directions that differ by less are one: a stated yaw is tried so far to both sides.
_SAME_YAW_DEG = 12.0


@dataclass(frozen=True)
class Neighbour:
    """A photo of the track whose place is sure.

    Attributes:
        row: Its row.
        duration: Time between the two photos, in units of the track's clock.
    """

    row: PhotoResult
    duration: float


def nearest(
    position: int, clock: Sequence[float], sure: dict[int, PhotoResult]
) -> tuple[Neighbour, ...]:
    """The next sure photo before and the next behind a photo, the nearer in time first.

    Args:
        position: Position of the photo in its track.
        clock: When each photo of the track was taken.
        sure: Rows of the photos whose place is sure, by their position.
    """
    ways = (range(position - 1, -1, -1), range(position + 1, len(clock)))
    found = (next((at for at in way if at in sure), None) for way in ways)
    within = (at for at in found if at is not None and abs(at - position) <= REACH)
    neighbours = (Neighbour(sure[at], abs(clock[at] - clock[position])) for at in within)
    return tuple(sorted(neighbours, key=lambda one: one.duration))


def rows_near(
    neighbours: Sequence[Neighbour], motion: Motion, tiles: TileTable
) -> Int64Array | None:
    """Tiles that a photo may show, from where its neighbours were; None where they do not agree."""
    rows: Int64Array | None = None
    for one in neighbours:
        assert one.row.longitude is not None
        assert one.row.latitude is not None
        height_m = one.row.height_m
        ahead_m = _AHEAD_M if height_m is None else _AHEAD_HEIGHTS * height_m
        near = tiles.rows_within(
            one.row.longitude,
            one.row.latitude,
            motion.reach_m(one.duration) + ahead_m,
            sides=_HALF_DIAGONAL,
        )
        rows = near if rows is None else np.intersect1d(rows, near)
    return None if rows is None or len(rows) == 0 else rows


def told(metadata: PhotoMetadata, neighbour: PhotoResult) -> Iterator[PhotoMetadata]:
    """What may be known of a photo, likeliest first: its own word, its neighbour's, no direction.

    A camera keeps its pitch and its lens and mostly its height, and turns. A photo's own word on
    its direction may be that of the flight, not of the camera.

    Args:
        metadata: What the photo states.
        neighbour: The row of the nearest photo whose place is sure.
    """
    lens = neighbour.hfov_deg if neighbour.lens_kind == "fitted" else None
    known = PhotoMetadata(
        rel_alt_m=neighbour.height_m, pitch_deg=neighbour.pitch_deg, hfov_deg=lens
    )
    own = merge(known, metadata)
    heading = neighbour.heading
    if own.yaw_deg is not None:
        yield own
    if heading is not None and not _is_same(own.yaw_deg, heading):
        yield merge(own, PhotoMetadata(yaw_deg=heading))
    turning = PhotoMetadata(**{**vars(own), "yaw_deg": None, "yaw_ref": None, "yaw_source": None})
    yield turning


def _is_same(a_deg: float | None, b_deg: float) -> bool:
    return a_deg is not None and abs((a_deg - b_deg + 180) % 360 - 180) <= _SAME_YAW_DEG
