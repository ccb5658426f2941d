"""Voting (generalised Hough transform): where on the map a photo lies, by many weak pairs.

Every photo feature has a few nearest map features. Each such pair says, for one yaw and scale,
where on the ground the photo's reference point would be. Pairs that are wrong scatter over the
whole map, pairs that are right agree. No ratio test and no RANSAC: measured on real nadir photos,
these keep too little (geoloc/README.md, "Why weak local features vote").

The bins are kept sparse, so that the cost depends on the number of votes and not on the map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import Float32Array, Float64Array, FloatArray, Int64Array, Mask
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import Keypoints
from geoloc.index.features.neighbours import Neighbours
from geoloc.locate.drone.hypotheses import VoteHypothesis

# Cells of a grid along one axis, which makes a number of region, column and row.
_CELLS = 1 << 20
# Grids a half bin apart, so that the votes for one place fall into one bin of some grid.
_GRID_SHIFTS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5))


@dataclass(frozen=True)
class VotingParameters:
    """How pairs of a photo feature and a map feature vote, and what makes a peak."""

    # Nearest map features that each photo feature votes with, in every square of the map.
    neighbours: int = 8
    # A pair votes if its scale and its turn agree with the hypothesis within these.
    max_scale_ratio: float = 1.4
    max_turn_deg: float = 25.0
    # A single pair counts for at most this many average ones: two near-identical objects in two
    # places (measured on mirrored photos) must not outweigh ten weak hints that agree.
    max_weight: float = 4.0
    # Side of a bin: a yaw that is wrong by 4 degrees moves a vote by 5 m at 80 m.
    bin_m: float = 10.0
    # A hypothesis with fewer votes has no bins.
    min_votes: int = 3
    # Fewer random votes than this a bin are not counted on: features cluster where there is
    # texture.
    least_expected: float = 0.35
    # What counts as one hint, and how many a patch of the photo may give (see
    # `independent_pairs`).
    spot_px: float = 5.0
    spot_m: float = 1.5
    patch_px: float = 40.0
    patch_hints: int = 3
    # Bins of one hypothesis and one shifted grid that may become peaks.
    bins_kept: int = 12
    # Peaks that are at most so many bins apart, east and north, are one if their turns agree.
    same_peak_bins: float = 2.0


VOTING = VotingParameters()


@dataclass(frozen=True)
class Peak:
    """A place that many votes agree on.

    Attributes:
        region: Number of the region of the map.
        x_m: Metres of the view's reference point east of the region's origin.
        y_m: Metres of the view's reference point north of the region's origin.
        yaw_deg: Azimuth of the view's up direction, clockwise from the region's north.
        gsd_m: Metres on the ground per pixel of the view.
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
        xy_m: (M, 2) float32, place of the map feature in its region.
        gsd_m: Metres per pixel of the view that the pair's sizes speak for.
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


def cast_votes(
    keypoints: Keypoints,
    features: FeatureMap,
    neighbours: Neighbours,
    *,
    parameters: VotingParameters = VOTING,
) -> Votes:
    """All pairs of the photo's keypoints with their nearest features in every square of the map."""
    known = neighbours.ids >= 0  # (Q, k): keypoints by their neighbours, nearest first
    found = features.read(neighbours.ids[known])
    squares = np.full(neighbours.ids.shape, -1, np.int64)
    squares[known] = found.square
    weights = _weights(squares, neighbours.distances, parameters.neighbours)
    votes = (weights > 0) & known
    photo, rank = np.nonzero(votes)  # (M,), one a vote
    weight, feature = weights[photo, rank], neighbours.ids[photo, rank]
    if len(weight):
        weight = np.minimum(weight, parameters.max_weight * weight.mean())
    chosen = found.select(votes[known])
    shape_gsd = chosen.size_m / keypoints.size_px[photo]
    # Angles grow clockwise in both, from the view's and from the region's east.
    turn = (chosen.angle_deg - keypoints.angle_deg[photo]) % 360
    return Votes(
        photo=photo,
        feature=feature,
        weight=weight.astype(np.float32),
        region=chosen.region,
        xy_m=chosen.xy_m,
        gsd_m=shape_gsd.astype(np.float32),
        turn_deg=turn.astype(np.float32),
    )


def _weights(squares: Int64Array, distances: Float32Array, count: int) -> Float32Array:
    """How much nearer (Q, k) each neighbour is than the last of its square that votes; 0 from it.

    On a large map a true partner is seldom among the nearest of the whole map. It need only be
    among the `count` nearest of its own square kilometre: every square votes as if it were the map.
    Where fewer of a square were found, the farthest found of all stands for its last.
    """
    order = np.argsort(squares, axis=1, kind="stable")  # (Q, k): a square's neighbours side by side
    grouped = np.take_along_axis(squares, order, axis=1)
    away = np.take_along_axis(distances, order, axis=1)
    column = np.arange(squares.shape[1])
    is_first = np.ones_like(grouped, dtype=bool)
    is_first[:, 1:] = grouped[:, 1:] != grouped[:, :-1]
    first = np.maximum.accumulate(np.where(is_first, column, 0), axis=1)  # (Q, k): of its square
    last = np.minimum(first + count - 1, squares.shape[1] - 1)  # (Q, k): the last that votes
    is_there = np.take_along_axis(grouped, last, axis=1) == grouped
    is_there &= first + count <= squares.shape[1]
    farthest = np.where(is_there, np.take_along_axis(away, last, axis=1), distances[:, -1:])
    weights = np.maximum(0, 1 - away / np.maximum(farthest, 1e-6))
    weights[column - first >= count] = 0
    unsorted = np.zeros_like(distances)
    np.put_along_axis(unsorted, order, weights.astype(np.float32), axis=1)
    return unsorted


def find_peaks(
    votes: Votes,
    offsets_px: Float32Array,
    vote_hypotheses: Sequence[VoteHypothesis],
    areas_m2: Float64Array,
    *,
    count: int = 10,
    parameters: VotingParameters = VOTING,
) -> list[Peak]:
    """The `count` strongest places, strongest first; no two at the same place and turn.

    Args:
        votes: The pairs of one view.
        offsets_px: (N, 2) from each keypoint to the view's reference point, right and down.
        vote_hypotheses: Yaws and scales to try.
        areas_m2: Ground area of every region, for the density of random votes.
        count: Number of peaks to keep.
        parameters: How pairs vote, and what makes a peak.
    """
    by_turn = SortedVotes.of(votes)
    candidates: list[_Bin] = []
    for vote_hypothesis in vote_hypotheses:
        candidates += _bins_of(by_turn, offsets_px, vote_hypothesis, areas_m2, parameters)
    candidates.sort(key=lambda candidate: -candidate.strength)
    peaks: list[Peak] = []
    # Dropping repeated hints only weakens a bin, so that a bin weaker than the weakest peak
    # kept need not be looked at, nor any after it.
    for candidate in candidates:
        if len(peaks) == count and candidate.strength <= peaks[-1].strength:
            break
        peak = _peak_of(votes, offsets_px, candidate, parameters)
        peaks = _insert(peaks, peak, parameters)[:count]
    return peaks


def offsets_on_ground(offsets_px: FloatArray, vote_hypothesis: VoteHypothesis) -> Float64Array:
    """Offsets (N, 2) in metres east and north, from offsets in view pixels right and down."""
    angle = np.radians(vote_hypothesis.yaw_deg)
    right, down = offsets_px[:, 0] * vote_hypothesis.gsd_m, offsets_px[:, 1] * vote_hypothesis.gsd_m
    east = np.cos(angle) * right - np.sin(angle) * down
    south = np.sin(angle) * right + np.cos(angle) * down
    return np.stack([east, -south], axis=1)


def scale_and_turn_agree(
    votes: Votes,
    which: Int64Array,
    vote_hypothesis: VoteHypothesis,
    parameters: VotingParameters = VOTING,
) -> Mask:
    """Whether the own scale and turn of some votes agree with the hypothesis."""
    ratio = np.abs(np.log(votes.gsd_m[which] / np.float32(vote_hypothesis.gsd_m)))
    turn = np.abs((votes.turn_deg[which] - vote_hypothesis.yaw_deg + 180) % 360 - 180)
    return np.asarray(
        (ratio < math.log(parameters.max_scale_ratio)) & (turn < parameters.max_turn_deg)
    )


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

    def agreeing(
        self, vote_hypothesis: VoteHypothesis, parameters: VotingParameters = VOTING
    ) -> Int64Array:
        """Positions of the votes whose own scale and turn agree with the hypothesis."""
        width_deg = parameters.max_turn_deg
        spans = []
        for wrap in (-360.0, 0.0, 360.0):
            low = vote_hypothesis.yaw_deg % 360 - width_deg + wrap
            first, last = np.searchsorted(self.turns_deg, [low, low + 2 * width_deg])
            spans.append(self.order[first:last])
        which = np.concatenate(spans)
        return np.asarray(
            which[scale_and_turn_agree(self.votes, which, vote_hypothesis, parameters)]
        )


@dataclass(frozen=True)
class _Bin:
    """A bin of one vote hypothesis with many votes; repeated hints still count."""

    vote_hypothesis: VoteHypothesis
    members: Int64Array  # positions of the votes
    expected: float  # number of random votes in such a bin
    mean_weight: float
    strength: float


def _bins_of(
    by_turn: SortedVotes,
    offsets_px: Float32Array,
    vote_hypothesis: VoteHypothesis,
    areas_m2: Float64Array,
    parameters: VotingParameters,
) -> list[_Bin]:
    """The strongest bins of one vote hypothesis, a few in each of four shifted grids."""
    bin_m, floor = parameters.bin_m, parameters.least_expected
    votes, which = by_turn.votes, by_turn.agreeing(vote_hypothesis, parameters)  # which: (A,)
    if len(which) < parameters.min_votes:
        return []
    places = votes.xy_m[which] + offsets_on_ground(offsets_px[votes.photo[which]], vote_hypothesis)
    region, weight = votes.region[which].astype(np.int64), votes.weight[which].astype(float)
    expected = np.bincount(region, minlength=len(areas_m2)) * bin_m**2 / areas_m2  # (R,), a region
    bins = []
    for shift in _GRID_SHIFTS:
        cell = np.floor(places / bin_m + shift).astype(np.int64) + _CELLS // 2  # (A, 2)
        keys = (region * _CELLS + cell[:, 0]) * _CELLS + cell[:, 1]
        # first (B,): a vote of each bin that has any; inverse (A,): the bin of each vote.
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        mass = np.bincount(inverse, weight) / weight.mean()
        strength = log_likelihood_ratio(mass, expected[region[first]], floor)
        kept = min(parameters.bins_kept, len(strength))
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


def _peak_of(
    votes: Votes, offsets_px: Float32Array, candidate: _Bin, parameters: VotingParameters
) -> Peak:
    """The peak of a bin, each hint counted once."""
    pairs = candidate.members
    pairs = pairs[
        independent_pairs(
            offsets_px[votes.photo[pairs]], votes.xy_m[pairs], votes.weight[pairs], parameters
        )
    ]
    weight = votes.weight[pairs].astype(float)
    vote_hypothesis = candidate.vote_hypothesis
    places = votes.xy_m[pairs] + offsets_on_ground(offsets_px[votes.photo[pairs]], vote_hypothesis)
    x, y = np.average(places, axis=0, weights=weight)
    strength = log_likelihood_ratio(
        weight.sum() / candidate.mean_weight, candidate.expected, parameters.least_expected
    )
    return Peak(
        region=int(votes.region[pairs[0]]),
        x_m=float(x),
        y_m=float(y),
        yaw_deg=vote_hypothesis.yaw_deg,
        gsd_m=vote_hypothesis.gsd_m,
        strength=float(strength),
    )


def independent_pairs(
    xy_px: FloatArray,
    ground_m: FloatArray,
    weight: FloatArray,
    parameters: VotingParameters = VOTING,
) -> Int64Array:
    """Positions of the pairs that count as evidence of their own, strongest first.

    A spot of the photo often has several keypoints (two angles, two sizes); together they are one
    hint, and so is a map feature that many pairs name. A patch of repeated texture (tiles of a
    roof, a row of parked cars) resembles every other such patch, wherever it is: no patch may
    give more than a few hints, so that a place needs the whole photo to speak for it.

    Args:
        xy_px: (N, 2) places in the photo.
        ground_m: (N, 2) places of the map features.
        weight: (N,) weight of each pair; the stronger one wins.
        parameters: What is a spot and a patch, and how many hints a patch gives.
    """
    spots = np.floor(xy_px / parameters.spot_px).astype(int).tolist()
    patches = np.floor(xy_px / parameters.patch_px).astype(int).tolist()
    grounds = np.floor(ground_m / parameters.spot_m).astype(int).tolist()
    taken: set[tuple[str, int, int]] = set()
    patch_count: dict[tuple[int, int], int] = {}
    kept = []
    for position in np.argsort(-weight, kind="stable").tolist():
        spot, ground = ("spot", *spots[position]), ("ground", *grounds[position])
        column, row = patches[position]
        is_full = patch_count.get((column, row), 0) >= parameters.patch_hints
        if spot in taken or ground in taken or is_full:
            continue
        taken |= {spot, ground}
        patch_count[column, row] = patch_count.get((column, row), 0) + 1
        kept.append(position)
    return np.array(kept, np.int64)


def log_likelihood_ratio(
    mass: Float64Array | float,
    expected: Float64Array | float,
    least_expected: float = VOTING.least_expected,
) -> Float64Array:
    """Log-likelihood ratio of `mass` votes in a bin against a Poisson rate of `expected`."""
    rate = np.maximum(expected, least_expected)
    ratio = np.maximum(mass / rate, 1.0)
    return np.asarray(mass * np.log(ratio) - (mass - rate) * (ratio > 1))


def _insert(peaks: list[Peak], new: Peak, parameters: VotingParameters) -> list[Peak]:
    """The peaks, strongest first, with a new one in place of weaker ones that it repeats."""
    rivals = [other for other in peaks if other.strength >= new.strength]
    if any(_is_same(new, other, parameters) for other in rivals):
        return peaks
    others = [other for other in peaks if not _is_same(new, other, parameters)]
    return sorted([*others, new], key=lambda peak: -peak.strength)


def _is_same(a: Peak, b: Peak, parameters: VotingParameters) -> bool:
    reach_m = parameters.same_peak_bins * parameters.bin_m
    if a.region != b.region or abs(a.x_m - b.x_m) > reach_m or abs(a.y_m - b.y_m) > reach_m:
        return False
    return abs((a.yaw_deg - b.yaw_deg + 180) % 360 - 180) < parameters.max_turn_deg
