"""Train and test split of photos by area, never at random.

Photos of one flight show the same ground again and again. Held out at random, nearly each of them
would have a neighbour in training, and the measured recall would be that of remembering.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from geoloc.arrays import Float64Array, Int64Array

Side = Literal["train", "test", "gap"]


def split_by_area(xy_m: Float64Array, apart_m: float, test_share: float) -> list[Side] | None:
    """The side of each photo: a strip at one end of the area is held out.

    The strip lies across the longer axis, east or north. The photos in a gap before it are
    dropped, so that no ground is on both sides. Of all cuts the one is taken whose share is
    closest to the one asked for, and among equals the one that drops the fewest photos.

    Args:
        xy_m: (N, 2) metres east and north.
        apart_m: Least distance between the two sides along that axis.
        test_share: Share of the photos that are not dropped; 0 holds out none, 1 all.

    Returns:
        None if no cut leaves photos on both sides.
    """
    if test_share <= 0 or test_share >= 1:
        return ["test" if test_share >= 1 else "train"] * len(xy_m)
    along = xy_m[:, int(np.argmax(np.ptp(xy_m, axis=0)))]
    cuts = [cut for sign in (1, -1) for cut in _cuts(along * sign, apart_m, sign)]
    if not cuts:
        return None
    # Two decimals: a closer share is not worth many dropped photos.
    best = min(cuts, key=lambda cut: (round(abs(cut.share - test_share), 2), -cut.kept))
    onward = along * best.sign
    is_test, is_train = onward >= best.start_m, onward <= best.start_m - apart_m
    return [
        "test" if tested else "train" if learnt else "gap"
        for tested, learnt in zip(is_test, is_train, strict=True)
    ]


class _Cut(NamedTuple):
    """A way to hold out the photos from some position on, and drop those shortly before it."""

    sign: int
    start_m: float
    share: float
    kept: int


def _cuts(onward_m: Float64Array, apart_m: float, sign: int) -> Iterator[_Cut]:
    """All cuts along one direction that leave photos on both sides."""
    ordered = np.sort(onward_m)
    starts = np.unique(ordered)
    tested = len(ordered) - np.searchsorted(ordered, starts, "left")
    learnt = np.searchsorted(ordered, starts - apart_m, "right")
    for start_m, test, train in zip(starts, tested, learnt, strict=True):
        if train:
            yield _Cut(sign, float(start_m), float(test / (test + train)), int(test + train))


def group_places(xy_m: Float64Array, reach_m: float) -> Int64Array:
    """The number of each photo's place (N,): photos within `reach_m` of its first one.

    Not a chain of neighbours: along a flight line that would be one place from end to end.
    """
    places = np.full(len(xy_m), -1, np.int64)
    tree = cKDTree(xy_m) if len(xy_m) else None
    count = 0
    for first in range(len(xy_m)):
        if tree is None or places[first] >= 0:
            continue
        close = np.array(tree.query_ball_point(xy_m[first], reach_m), np.int64)
        places[close[places[close] < 0]] = count
        count += 1
    return places
