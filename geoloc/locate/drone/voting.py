"""Where a photo lies, by the vote of a thousand weak hints.

Every photo feature has a few nearest map features. Each such pair says, for a supposed yaw and
scale, where on the ground the photo's reference point would be. Pairs that are wrong scatter over
the whole map, pairs that are right agree. No ratio test and no RANSAC: measured on real nadir
photos, these keep too little (DESIGN.md, "Why local features vote beside the network").

The bins are kept sparse, so that the cost depends on the number of votes and not on the map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import Float32Array, Float64Array, FloatArray, Int64Array, Mask
from geoloc.index.features.feature_map import FeatureMap, Neighbours
from geoloc.index.features.keypoints import Keypoints
from geoloc.locate.drone.hypotheses import VoteHypothesis

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
# What counts as one hint, and how many a patch of the photo may give (see `independent_pairs`).
_SPOT_PX = 5.0
_SPOT_M = 1.5
_PATCH_PX = 40.0
_PATCH_HINTS = 3
# Bins of one vote_hypothesis and one shifted grid that may become peaks.
_BINS_KEPT = 12


@dataclass(frozen=True)
class Peak:
    """A place that many votes agree on.

    Attributes:
        region: Number of the region of the map.
        x_m: East of the region's origin, of the view's reference point.
        y_m: North of it.
        yaw_deg: As in `VoteHypothesis`.
        gsd_m: As in `VoteHypothesis`.
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

    photo: Int64Array
    feature: Int64Array
    weight: Float32Array
    region: NDArray[np.int16]
    xy_m: Float32Array
    gsd_m: Float32Array
    turn_deg: Float32Array

    def __len__(self) -> int:
        return len(self.photo)


def cast_votes(keypoints: Keypoints, features: FeatureMap, neighbours: Neighbours) -> Votes:
    """All pairs of the photo's keypoints with their nearest features in every block of the map."""
    known = neighbours.ids >= 0
    blocks = np.full(neighbours.ids.shape, -1, np.int64)
    blocks[known] = features.block(neighbours.ids[known])
    weights = _weights(blocks, neighbours.distances)
    photo, rank = np.nonzero((weights > 0) & (neighbours.ids >= 0))
    feature, weight = neighbours.ids[photo, rank], weights[photo, rank]
    if len(weight):
        weight = np.minimum(weight, _MAX_WEIGHT * weight.mean())
    shape_gsd = features.size_m[feature] / keypoints.size_px[photo]
    # Angles grow clockwise in both, from the view's and from the region's east.
    turn = (features.angle_deg[feature] - keypoints.angle_deg[photo]) % 360
    return Votes(
        photo=photo,
        feature=feature,
        weight=weight.astype(np.float32),
        region=features.region[feature],
        xy_m=features.xy_m[feature],
        gsd_m=shape_gsd.astype(np.float32),
        turn_deg=turn.astype(np.float32),
    )


def _weights(blocks: Int64Array, distances: Float32Array) -> Float32Array:
    """How much nearer (Q, k) each neighbour is than the eighth of its block; 0 from there on.

    On a large map a true partner is seldom among the nearest eight of the whole map. It need only
    be among those of its own square kilometre: every block votes as if it were the map. Where
    fewer than eight of a block were found, the farthest found of all stands for its eighth.
    """
    order = np.argsort(blocks, axis=1, kind="stable")
    grouped = np.take_along_axis(blocks, order, axis=1)
    away = np.take_along_axis(distances, order, axis=1)
    column = np.arange(blocks.shape[1])
    is_first = np.ones_like(grouped, dtype=bool)
    is_first[:, 1:] = grouped[:, 1:] != grouped[:, :-1]
    first = np.maximum.accumulate(np.where(is_first, column, 0), axis=1)
    eighth = np.minimum(first + NEIGHBOURS - 1, blocks.shape[1] - 1)
    is_there = np.take_along_axis(grouped, eighth, axis=1) == grouped
    is_there &= first + NEIGHBOURS <= blocks.shape[1]
    farthest = np.where(is_there, np.take_along_axis(away, eighth, axis=1), distances[:, -1:])
    weights = np.maximum(0, 1 - away / np.maximum(farthest, 1e-6))
    weights[column - first >= NEIGHBOURS] = 0
    scattered = np.zeros_like(distances)
    np.put_along_axis(scattered, order, weights.astype(np.float32), axis=1)
    return scattered


def find_peaks(
    votes: Votes,
    offsets_px: Float32Array,
    vote_hypotheses: Sequence[VoteHypothesis],
    areas_m2: Float64Array,
    *,
    count: int = 10,
) -> list[Peak]:
    """The `count` strongest places, strongest first; no two at the same place and turn.

    Args:
        votes: Of one view.
        offsets_px: (N, 2) from each keypoint to the view's reference point, right and down.
        vote_hypotheses: Turns and scales to try.
        areas_m2: Ground area of every region, for the density of random votes.
        count: How many to keep.
    """
    by_turn = SortedVotes.of(votes)
    candidates: list[_Bin] = []
    for vote_hypothesis in vote_hypotheses:
        candidates += _bins_of(by_turn, offsets_px, vote_hypothesis, areas_m2)
    candidates.sort(key=lambda candidate: -candidate.strength)
    peaks: list[Peak] = []
    # Dropping repeated hints only weakens a bin, so that a bin weaker than the weakest peak
    # kept need not be looked at, nor any after it.
    for candidate in candidates:
        if len(peaks) == count and candidate.strength <= peaks[-1].strength:
            break
        peaks = _insert(peaks, _peak_of(votes, offsets_px, candidate))[:count]
    return peaks


def offsets_on_ground(offsets_px: FloatArray, vote_hypothesis: VoteHypothesis) -> Float64Array:
    """Offsets (N, 2) in metres east and north, from offsets in view pixels right and down."""
    angle = np.radians(vote_hypothesis.yaw_deg)
    right, down = offsets_px[:, 0] * vote_hypothesis.gsd_m, offsets_px[:, 1] * vote_hypothesis.gsd_m
    east = np.cos(angle) * right - np.sin(angle) * down
    south = np.sin(angle) * right + np.cos(angle) * down
    return np.stack([east, -south], axis=1)


def scale_and_turn_agree(votes: Votes, which: Int64Array, vote_hypothesis: VoteHypothesis) -> Mask:
    """Whether the own scale and turn of some votes agree with the supposed ones."""
    ratio = np.abs(np.log(votes.gsd_m[which] / np.float32(vote_hypothesis.gsd_m)))
    turn = np.abs((votes.turn_deg[which] - vote_hypothesis.yaw_deg + 180) % 360 - 180)
    return np.asarray((ratio < math.log(MAX_SCALE_RATIO)) & (turn < MAX_TURN_DEG))


@dataclass(frozen=True)
class SortedVotes:
    """Votes in the order of their turn, so that those of one yaw are a slice or two."""

    votes: Votes
    order: Int64Array
    turns_deg: Float32Array

    @classmethod
    def of(cls, votes: Votes) -> SortedVotes:
        """Sort votes."""
        order = np.argsort(votes.turn_deg, kind="stable")
        return cls(votes, order, votes.turn_deg[order])

    def agreeing(self, vote_hypothesis: VoteHypothesis) -> Int64Array:
        """Positions of the votes whose own scale and turn agree with the supposed ones."""
        spans = []
        for wrap in (-360.0, 0.0, 360.0):
            low = vote_hypothesis.yaw_deg % 360 - MAX_TURN_DEG + wrap
            first, last = np.searchsorted(self.turns_deg, [low, low + 2 * MAX_TURN_DEG])
            spans.append(self.order[first:last])
        which = np.concatenate(spans)
        return np.asarray(which[scale_and_turn_agree(self.votes, which, vote_hypothesis)])


@dataclass(frozen=True)
class _Bin:
    """A bin of one vote_hypothesis with many votes; repeated hints still count."""

    vote_hypothesis: VoteHypothesis
    members: Int64Array  # positions of the votes
    expected: float
    mean_weight: float
    strength: float


def _bins_of(
    by_turn: SortedVotes,
    offsets_px: Float32Array,
    vote_hypothesis: VoteHypothesis,
    areas_m2: Float64Array,
) -> list[_Bin]:
    """The strongest bins of one vote_hypothesis, a few in each of four shifted grids."""
    votes, which = by_turn.votes, by_turn.agreeing(vote_hypothesis)
    if len(which) < 3:
        return []
    places = votes.xy_m[which] + offsets_on_ground(offsets_px[votes.photo[which]], vote_hypothesis)
    region, weight = votes.region[which].astype(np.int64), votes.weight[which].astype(float)
    expected = np.bincount(region, minlength=len(areas_m2)) * _BIN_M**2 / areas_m2
    bins = []
    for shift in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
        cell = np.floor(places / _BIN_M + shift).astype(np.int64) + _BINS // 2
        keys = (region * _BINS + cell[:, 0]) * _BINS + cell[:, 1]
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        mass = np.bincount(inverse, weight) / weight.mean()
        strength = log_likelihood_ratio(mass, expected[region[first]])
        kept = min(_BINS_KEPT, len(strength))
        for best in np.argpartition(-strength, kept - 1)[:kept]:
            bins.append(
                _Bin(
                    vote_hypothesis,
                    which[inverse == best],
                    float(expected[region[first[best]]]),
                    float(weight.mean()),
                    float(strength[best]),
                )
            )
    return bins


def _peak_of(votes: Votes, offsets_px: Float32Array, candidate: _Bin) -> Peak:
    """The peak of a bin, each hint counted once."""
    pairs = candidate.members
    weight = votes.weight[pairs]
    pairs = pairs[independent_pairs(offsets_px[votes.photo[pairs]], votes.xy_m[pairs], weight)]
    weight = votes.weight[pairs].astype(float)
    vote_hypothesis = candidate.vote_hypothesis
    places = votes.xy_m[pairs] + offsets_on_ground(offsets_px[votes.photo[pairs]], vote_hypothesis)
    x, y = np.average(places, axis=0, weights=weight)
    strength = log_likelihood_ratio(weight.sum() / candidate.mean_weight, candidate.expected)
    return Peak(
        region=int(votes.region[pairs[0]]),
        x_m=float(x),
        y_m=float(y),
        yaw_deg=vote_hypothesis.yaw_deg,
        gsd_m=vote_hypothesis.gsd_m,
        strength=float(strength),
    )


def independent_pairs(xy_px: FloatArray, ground_m: FloatArray, weight: FloatArray) -> Int64Array:
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


def log_likelihood_ratio(
    mass: Float64Array | float, expected: Float64Array | float
) -> Float64Array:
    """Log-likelihood ratio of `mass` votes in a bin against a Poisson rate of `expected`."""
    rate = np.maximum(expected, _FLOOR)
    ratio = np.maximum(mass / rate, 1.0)
    return np.asarray(mass * np.log(ratio) - (mass - rate) * (ratio > 1))


def _insert(peaks: list[Peak], new: Peak) -> list[Peak]:
    """The peaks, strongest first, with a new one in place of weaker ones that it repeats."""
    if any(_is_same(new, other) for other in peaks if other.strength >= new.strength):
        return peaks
    others = [other for other in peaks if not _is_same(new, other)]
    return sorted([*others, new], key=lambda peak: -peak.strength)


def _is_same(a: Peak, b: Peak) -> bool:
    if a.region != b.region or abs(a.x_m - b.x_m) > 2 * _BIN_M or abs(a.y_m - b.y_m) > 2 * _BIN_M:
        return False
    return abs((a.yaw_deg - b.yaw_deg + 180) % 360 - 180) < MAX_TURN_DEG
