"""Weak hints that agree win against any number that do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from geoloc.index.features.keypoints import Keypoints
from geoloc.index.features.map_features import MapFeatures
from geoloc.index.features.neighbours import Neighbours
from geoloc.locate.drone.hypotheses import VoteHypothesis
from geoloc.locate.drone.voting import (
    VOTING,
    Peak,
    SortedVotes,
    Votes,
    VotingParameters,
    cast_votes,
    find_peaks,
    independent_pairs,
    log_likelihood_ratio,
    offsets_on_ground,
)

NEIGHBOURS = VOTING.neighbours
SIDE_M = 1000.0
SIZE_PX = (400.0, 300.0)
YAWS_DEG = tuple(float(yaw) for yaw in range(0, 360, 10))
GSDS_M = (0.3, 0.4, 0.5)


@dataclass(frozen=True)
class OfMemory:
    """Stands for a map's features; so small a map is one square."""

    all: MapFeatures

    def read(self, ids: np.ndarray) -> MapFeatures:
        return self.all.select(ids)


@dataclass(frozen=True)
class Planted:
    """A map of random features and a photo of which some features have their true partner."""

    features: Any
    keypoints: Keypoints
    votes: Votes
    offsets_px: np.ndarray
    place_m: np.ndarray

    def peaks(self, **changes: Any) -> list[Peak]:
        vote_hypotheses = [VoteHypothesis(yaw, gsd) for yaw in YAWS_DEG for gsd in GSDS_M]
        votes = changes.pop("votes", self.votes)
        offsets = changes.pop("offsets_px", self.offsets_px)
        return find_peaks(votes, offsets, vote_hypotheses, [SIDE_M**2, SIDE_M**2], **changes)


def plant(
    *, seed: int = 0, share: float = 0.2, yaw_deg: float = 130.0, gsd_m: float = 0.4
) -> Planted:
    """300 keypoints, `share` of which have their true partner among eight neighbours."""
    rng = np.random.default_rng(seed)
    count, true = 300, round(300 * share)
    xy_px = rng.uniform(0, SIZE_PX, (count, 2)).astype(np.float32)
    keypoints = Keypoints(
        xy_px,
        rng.uniform(4, 20, count).astype(np.float32),
        rng.uniform(0, 360, count).astype(np.float32),
        np.zeros((count, 128), np.uint8),
    )
    place_m = np.array([210.0, -150.0])
    offsets = (np.array(SIZE_PX) / 2 - xy_px).astype(np.float32)
    # The true partners come first in the map; everything after them is random.
    partners = place_m - offsets_on_ground(offsets[:true], VoteHypothesis(yaw_deg, gsd_m))
    partners += rng.normal(0, 0.7, partners.shape)
    clutter = 4000
    features = OfMemory(
        MapFeatures(
            region=np.concatenate([np.zeros(true), rng.integers(0, 2, clutter)]).astype(np.int16),
            xy_m=np.vstack([partners, rng.uniform(-SIDE_M / 2, SIDE_M / 2, (clutter, 2))]),
            size_m=np.concatenate(
                [
                    keypoints.size_px[:true] * gsd_m * rng.uniform(0.85, 1.18, true),
                    rng.uniform(1.2, 10, clutter),
                ]
            ),
            angle_deg=np.concatenate(
                [
                    keypoints.angle_deg[:true] + yaw_deg + rng.normal(0, 6, true),
                    rng.uniform(0, 360, clutter),
                ]
            )
            % 360,
            descriptors=np.zeros((true + clutter, 128), np.uint8),
            lists=np.zeros(true + clutter, np.uint16),
        )
    )
    ids = rng.integers(true, true + clutter, (count, NEIGHBOURS))
    ids[np.arange(true), rng.integers(0, NEIGHBOURS - 1, true)] = np.arange(true)
    distances = np.sort(rng.uniform(200, 400, (count, NEIGHBOURS)), axis=1).astype(np.float32)
    votes = cast_votes(keypoints, features, Neighbours(ids, distances))  # type: ignore[arg-type]
    return Planted(features, keypoints, votes, offsets, place_m)


@pytest.mark.parametrize("seed", range(4))
def test_pairs_that_agree_win_at_their_place_turn_and_scale(seed: int) -> None:
    planted = plant(seed=seed)
    first, *others = planted.peaks()
    assert first.region == 0
    assert np.hypot(first.x_m - planted.place_m[0], first.y_m - planted.place_m[1]) < 3
    assert first.yaw_deg == 130.0
    assert first.gsd_m == 0.4
    assert all(first.strength > 2 * other.strength for other in others)


def test_random_pairs_alone_make_no_strong_peak() -> None:
    strongest = plant(seed=3, share=0.0).peaks()[0].strength
    assert plant(seed=3).peaks()[0].strength > 3 * strongest


@pytest.mark.parametrize("yaw_deg", [0.0, 90.0, 350.0])
def test_every_turn_is_found(yaw_deg: float) -> None:
    planted = plant(yaw_deg=yaw_deg)
    first = planted.peaks()[0]
    assert first.yaw_deg == yaw_deg
    assert np.hypot(first.x_m - planted.place_m[0], first.y_m - planted.place_m[1]) < 3


def test_the_order_of_votes_does_not_matter() -> None:
    planted = plant()
    order = np.random.default_rng(9).permutation(len(planted.votes))
    shuffled = Votes(**{name: values[order] for name, values in vars(planted.votes).items()})
    for one, other in zip(planted.peaks(), planted.peaks(votes=shuffled), strict=True):
        np.testing.assert_allclose(
            [one.x_m, one.y_m, one.yaw_deg, one.gsd_m, one.strength],
            [other.x_m, other.y_m, other.yaw_deg, other.gsd_m, other.strength],
            rtol=1e-4,
        )


def test_a_mirrored_photo_does_not_win() -> None:
    planted = plant()
    # Mirrored left to right: descriptors aside, an angle a becomes 180 - a.
    angles = (180 - planted.keypoints.angle_deg) % 360
    turn = (
        planted.features.all.angle_deg[planted.votes.feature] - angles[planted.votes.photo]
    ) % 360
    mirrored = replace(planted.votes, turn_deg=turn.astype(np.float32))
    peaks = planted.peaks(votes=mirrored, offsets_px=planted.offsets_px * np.float32([-1, 1]))
    assert peaks[0].strength < planted.peaks()[0].strength / 3


def test_votes_of_two_regions_do_not_add_up() -> None:
    planted = plant()
    half = planted.votes.region.copy()
    half[(planted.votes.photo % 2 == 0) & (planted.votes.feature < 60)] = 1
    peaks = planted.peaks(votes=replace(planted.votes, region=half))
    near = [p for p in peaks if np.hypot(p.x_m - 210, p.y_m + 150) < 5]
    assert {peak.region for peak in near} == {0, 1}
    assert near[0].strength < 0.7 * planted.peaks()[0].strength


def test_peaks_are_ordered_distinct_and_as_many_as_asked_for() -> None:
    peaks = plant().peaks(count=4)
    assert len(peaks) == 4
    assert [p.strength for p in peaks] == sorted((p.strength for p in peaks), reverse=True)
    for i, a in enumerate(peaks):
        for b in peaks[:i]:
            turn = abs((a.yaw_deg - b.yaw_deg + 180) % 360 - 180)
            apart = np.hypot(a.x_m - b.x_m, a.y_m - b.y_m)
            assert a.region != b.region or apart > 10 or turn > 20


def test_too_few_votes_make_no_peak() -> None:
    planted = plant()
    none = Votes(**{name: values[:0] for name, values in vars(planted.votes).items()})
    assert planted.peaks(votes=none) == []


def test_nearer_pairs_weigh_more_but_no_pair_outweighs_many() -> None:
    votes = plant().votes
    assert votes.weight.min() > 0
    assert votes.weight.max() <= 1
    # One neighbour far nearer than the rest: an identical object elsewhere.
    keypoints = plant().keypoints
    distances = np.tile(np.linspace(300, 320, NEIGHBOURS, dtype=np.float32), (300, 1))
    distances[0, 0] = 1.0
    ids = np.tile(np.arange(NEIGHBOURS), (300, 1))
    weight = cast_votes(keypoints, plant().features, Neighbours(ids, distances)).weight  # type: ignore[arg-type]
    assert weight.max() < 10 * weight.mean()


def test_neighbours_that_were_not_found_do_not_vote() -> None:
    planted = plant()
    ids = np.full((300, NEIGHBOURS), -1)
    ids[5, 0] = 7
    distances = np.full((300, NEIGHBOURS), 1e19, np.float32)
    distances[5, 0] = 100
    votes = cast_votes(planted.keypoints, planted.features, Neighbours(ids, distances))  # type: ignore[arg-type]
    assert votes.photo.tolist() == [5]
    assert votes.feature.tolist() == [7]


def test_agreement_knows_that_angles_go_round() -> None:
    votes = plant().votes
    votes = replace(votes, turn_deg=np.full(len(votes), 355.0), gsd_m=np.full(len(votes), 0.4))
    ordered = SortedVotes.of(votes)
    assert sorted(ordered.agreeing(VoteHypothesis(5.0, 0.4))) == list(range(len(votes)))
    assert len(ordered.agreeing(VoteHypothesis(180.0, 0.4))) == 0
    assert len(ordered.agreeing(VoteHypothesis(5.0, 0.8))) == 0


@pytest.mark.parametrize(
    ("yaw_deg", "right", "down"),
    [(0, (2, 0), (0, -2)), (90, (0, -2), (-2, 0)), (180, (-2, 0), (0, 2)), (270, (0, 2), (2, 0))],
)
def test_offsets_turn_clockwise_with_the_yaw(
    yaw_deg: float, right: tuple[float, float], down: tuple[float, float]
) -> None:
    east_north = offsets_on_ground(np.array([[4.0, 0.0], [0.0, 4.0]]), VoteHypothesis(yaw_deg, 0.5))
    np.testing.assert_allclose(east_north, [right, down], atol=1e-12)


def test_one_spot_is_one_hint_and_the_strongest_speaks() -> None:
    xy_px = np.array([[101.0, 101.0], [102.0, 102.0], [301.0, 101.0]])
    ground = np.array([[0.1, 0.1], [50.1, 0.1], [99.1, 0.1]])
    kept = independent_pairs(xy_px, ground, np.array([0.2, 0.9, 0.5]))
    assert kept.tolist() == [1, 2]


def test_a_map_feature_that_many_name_is_one_hint() -> None:
    xy_px = np.array([[10.0 + 100 * i, 10.0] for i in range(6)])
    assert len(independent_pairs(xy_px, np.full((6, 2), 3.3), np.linspace(0.1, 1, 6))) == 1


def test_a_patch_of_repeated_texture_gives_few_hints() -> None:
    spots = np.stack(np.meshgrid(np.arange(0, 40, 8), np.arange(0, 40, 8)), -1).reshape(-1, 2)
    crowded = independent_pairs(spots + 0.5, spots * 3.0, np.ones(25))
    spread = independent_pairs(spots * 20.0, spots * 3.0, np.ones(25))
    assert len(spread) == 25
    assert len(crowded) < 10


def test_the_likelihood_ratio_grows_with_the_votes_and_shrinks_with_their_density() -> None:
    masses = np.linspace(0, 50, 60)
    values = log_likelihood_ratio(masses, 2.0)
    assert (values >= 0).all()
    assert (values[masses <= 2.0] == 0).all()
    assert (np.diff(values[masses > 2.0]) > 0).all()
    assert (
        log_likelihood_ratio(np.array([20.0]), 1.0)[0]
        > log_likelihood_ratio(np.array([20.0]), 5.0)[0]
    )
    # Textured places attract votes: an empty map is no reason for certainty.
    assert log_likelihood_ratio(np.array([3.0]), 1e-9)[0] < 20


def test_what_tunes_voting_is_an_argument() -> None:
    """An experiment needs to patch no module."""
    planted = plant()
    assert planted.peaks(parameters=VotingParameters(min_votes=10**6)) == []
    coarse = planted.peaks(parameters=VotingParameters(bin_m=20.0))[0]
    place_m = planted.place_m
    assert np.hypot(coarse.x_m - place_m[0], coarse.y_m - place_m[1]) < 6
