"""Where a photo lies, by the vote of a thousand weak hints.

Every photo feature has a few nearest map features. Each such pair says, for a supposed yaw and
scale, where on the ground the photo's reference point would be. Pairs that are wrong scatter over
the whole map, pairs that are right agree. No ratio test and no RANSAC: measured on real nadir
photos, these keep too little (DESIGN.md, "Why local features vote beside the network").

The bins are kept sparse, so that the cost depends on the number of votes and not on the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoloc.features import FeatureMap, Neighbours
from geoloc.keypoints import Keypoints

NEIGHBOURS = 8
# A pair votes if its scale and its turn agree with the supposed ones within these.
MAX_SCALE_RATIO = 1.4
MAX_TURN_DEG = 25.0
# A single pair counts for at most this many average ones: two near-identical objects in two
# places (measured on mirrored photos) must not outweigh ten weak hints that agree.
_MAX_WEIGHT = 4.0
# Side of a bin in metres: a wrong supposed turn of 4 degrees moves a vote by 5 m at 80 m.
_BIN_M = 10.0
_BINS = 1 << 20
# Fewer random votes than this a bin are not believed: features cluster where there is texture.
_FLOOR = 0.35
# What counts as one hint, and how many a patch of the photo may give (see `independent`).
_SPOT_PX = 5.0
_SPOT_M = 1.5
_PATCH_PX = 40.0
_PATCH_HINTS = 3


@dataclass(frozen=True)
class Supposition:
    """A supposed turn and scale of a photo.

    Attributes:
        yaw_deg: Azimuth of the view's up direction, clockwise from the region's north.
        gsd_m: Metres on the ground per pixel of the view.
    """

    yaw_deg: float
    gsd_m: float


@dataclass(frozen=True)
class Peak:
    """A place that many votes agree on.

    Attributes:
        region: Number of the region of the map.
        x_m: East of the region's origin, of the view's reference point.
        y_m: North of it.
        yaw_deg: As in `Supposition`.
        gsd_m: As in `Supposition`.
        strength: Log-likelihood ratio of that many votes against scattered ones.
    """

    region: int
    x_m: float
    y_m: float
    yaw_deg: float
    gsd_m: float
    strength: float


@dataclass(frozen=True)
class Votes:
    """Pairs of a photo feature and a map feature, (M,) each.

    Attributes:
        photo: Position of the feature among the photo's keypoints.
        feature: Id of the map feature.
        weight: In [0, 1]; how much nearer the pair is than the farthest of its neighbours.
        region: Region of the map feature.
        xy_m: (M, 2) float32, of the map feature in its region.
        gsd_m: Metres a view pixel that the pair's sizes speak for.
        turn_deg: Yaw that the pair's angles speak for.
    """

    photo: NDArray[np.int64]
    feature: NDArray[np.int64]
    weight: NDArray[np.float32]
    region: NDArray[np.int16]
    xy_m: NDArray[np.float32]
    gsd_m: NDArray[np.float32]
    turn_deg: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.photo)


def cast_votes(keypoints: Keypoints, features: FeatureMap, neighbours: Neighbours) -> Votes:
    """All pairs of the photo's keypoints with their nearest map features."""
    farthest = np.maximum(neighbours.distances[:, -1:], 1e-6)
    weight = np.maximum(0, 1 - neighbours.distances / farthest)
    weight = np.minimum(weight, _MAX_WEIGHT * weight.mean())
    photo, rank = np.nonzero((weight > 0) & (neighbours.ids >= 0))
    feature = neighbours.ids[photo, rank]
    shape_gsd = features.size_m[feature] / keypoints.size_px[photo]
    # Angles grow clockwise in both, from the view's and from the region's east.
    turn = (features.angle_deg[feature] - keypoints.angle_deg[photo]) % 360
    return Votes(
        photo=photo,
        feature=feature,
        weight=weight[photo, rank].astype(np.float32),
        region=features.region[feature],
        xy_m=features.xy_m[feature],
        gsd_m=shape_gsd.astype(np.float32),
        turn_deg=turn.astype(np.float32),
    )


def find_peaks(
    votes: Votes,
    offsets_px: NDArray[np.float32],
    suppositions: Sequence[Supposition],
    areas_m2: NDArray[np.float64],
    *,
    count: int = 10,
) -> list[Peak]:
    """The `count` strongest places, strongest first; no two at the same place and turn.

    Args:
        votes: Of one view.
        offsets_px: (N, 2) from each keypoint to the view's reference point, right and down.
        suppositions: Turns and scales to try.
        areas_m2: Ground area of every region, for the density of random votes.
        count: How many to keep.
    """
    found: list[Peak] = []
    for supposition in suppositions:
        found += _peaks_of(votes, offsets_px, supposition, areas_m2)
    found.sort(key=lambda peak: -peak.strength)
    return _distinct(found, count)


def agrees(votes: Votes, supposition: Supposition) -> NDArray[np.bool_]:
    """Which votes' own scale and turn agree with the supposed ones."""
    ratio = np.abs(np.log(votes.gsd_m / np.float32(supposition.gsd_m)))
    turn = np.abs((votes.turn_deg - supposition.yaw_deg + 180) % 360 - 180)
    return np.asarray((ratio < np.log(MAX_SCALE_RATIO)) & (turn < MAX_TURN_DEG))


def turned(offsets_px: NDArray[np.floating], supposition: Supposition) -> NDArray[np.float64]:
    """Offsets (N, 2) in metres east and north, from offsets in view pixels right and down."""
    angle = np.radians(supposition.yaw_deg)
    right, down = offsets_px[:, 0] * supposition.gsd_m, offsets_px[:, 1] * supposition.gsd_m
    east = np.cos(angle) * right - np.sin(angle) * down
    south = np.sin(angle) * right + np.cos(angle) * down
    return np.stack([east, -south], axis=1)


def _peaks_of(
    votes: Votes,
    offsets_px: NDArray[np.float32],
    supposition: Supposition,
    area: NDArray[np.float64],
) -> list[Peak]:
    """The strongest bins of one supposition, a few in each of four shifted grids."""
    which = np.flatnonzero(agrees(votes, supposition))
    if len(which) < 3:
        return []
    places = votes.xy_m[which] + turned(offsets_px[votes.photo[which]], supposition)
    region, weight = votes.region[which].astype(np.int64), votes.weight[which].astype(float)
    expected = np.bincount(region, minlength=len(area)) * _BIN_M**2 / area
    peaks = []
    for shift in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
        cell = np.floor(places / _BIN_M + shift).astype(np.int64) + _BINS // 2
        keys = (region * _BINS + cell[:, 0]) * _BINS + cell[:, 1]
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        mass = np.bincount(inverse, weight) / weight.mean()
        strength = surprise(mass, expected[region[first]])
        for best in np.argsort(-strength)[:3]:
            members = np.flatnonzero(inverse == best)
            pairs = which[members]
            members = members[
                independent(offsets_px[votes.photo[pairs]], votes.xy_m[pairs], votes.weight[pairs])
            ]
            settled = surprise(
                np.array([weight[members].sum() / weight.mean()]), expected[region[first[best]]]
            )[0]
            x, y = np.average(places[members], axis=0, weights=weight[members])
            peaks.append(
                Peak(
                    int(region[first[best]]),
                    float(x),
                    float(y),
                    supposition.yaw_deg,
                    supposition.gsd_m,
                    float(settled),
                )
            )
    return peaks


def independent(
    xy_px: NDArray[np.floating], ground_m: NDArray[np.floating], weight: NDArray[np.floating]
) -> NDArray[np.int64]:
    """Positions of the pairs that count as evidence of their own, strongest first.

    A spot of the photo often has several keypoints (two angles, two sizes); together they are one
    hint, and so is a map feature that many pairs name. A patch of repeated texture (tiles of a
    roof, a row of parked cars) resembles every other such patch, wherever it is: no patch may
    give more than a few hints, so that a place needs the whole photo to speak for it.

    Args:
        xy_px: (N, 2) places in the photo.
        ground_m: (N, 2) places of the map features.
        weight: (N,) the stronger wins.
    """
    spots = np.floor(xy_px / _SPOT_PX).astype(int).tolist()
    patches = np.floor(xy_px / _PATCH_PX).astype(int).tolist()
    grounds = np.floor(ground_m / _SPOT_M).astype(int).tolist()
    seen: set[tuple[str, int, int]] = set()
    patch_count: dict[tuple[int, int], int] = {}
    kept = []
    for position in np.argsort(-weight, kind="stable").tolist():
        spot, ground = ("spot", *spots[position]), ("ground", *grounds[position])
        column, row = patches[position]
        if spot in seen or ground in seen or patch_count.get((column, row), 0) >= _PATCH_HINTS:
            continue
        seen |= {spot, ground}
        patch_count[column, row] = patch_count.get((column, row), 0) + 1
        kept.append(position)
    return np.array(kept, np.int64)


def surprise(
    mass: NDArray[np.float64], expected: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Log-likelihood ratio of `mass` votes in a bin against a Poisson rate of `expected`."""
    rate = np.maximum(expected, _FLOOR)
    ratio = np.maximum(mass / rate, 1.0)
    return np.asarray(mass * np.log(ratio) - (mass - rate) * (ratio > 1))


def _distinct(peaks: Sequence[Peak], count: int) -> list[Peak]:
    kept: list[Peak] = []
    for peak in peaks:
        if not any(_is_same(peak, other) for other in kept):
            kept.append(peak)
            if len(kept) == count:
                break
    return kept


def _is_same(a: Peak, b: Peak) -> bool:
    turn = abs((a.yaw_deg - b.yaw_deg + 180) % 360 - 180)
    near = np.hypot(a.x_m - b.x_m, a.y_m - b.y_m) < 2 * _BIN_M
    return a.region == b.region and bool(near) and turn < MAX_TURN_DEG
