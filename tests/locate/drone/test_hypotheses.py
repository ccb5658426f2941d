"""What is tried for a photo, in which order, by what it says of itself."""

from __future__ import annotations

import itertools
import math
from typing import get_args

import pytest

from geoloc.geometry.camera import Pose
from geoloc.locate.drone.hypotheses import HypothesisStage, hypothesis_stages, other_tilts
from geoloc.options import Effort
from geoloc.photos.metadata import PhotoMetadata

GSD_M = 0.3
KNOWN = PhotoMetadata(yaw_deg=350.0, rel_alt_m=100.0)


def plan(metadata: PhotoMetadata, effort: Effort = "normal") -> list[HypothesisStage]:
    return list(hypothesis_stages(metadata, effort, gsd_m=GSD_M))


def hypotheses(stage: HypothesisStage) -> int:
    return sum(len(hypothesis.vote_hypotheses(hypothesis.gsd_m)) for hypothesis in stage)


def test_a_known_yaw_is_looked_at_first_and_only_nearby() -> None:
    first, again, third, *_ = plan(KNOWN)
    near = [yaw for hypothesis in (*first, *again) for yaw in hypothesis.yaws_deg]
    assert all(abs((yaw - 350 + 180) % 360 - 180) <= 20 for yaw in near)
    assert all(0 <= yaw < 360 for yaw in near)
    assert hypotheses(first) < hypotheses(third) / 4


def test_a_known_yaw_is_looked_at_again_with_more_features_before_others() -> None:
    first, again, *_ = plan(KNOWN)
    assert hypotheses(first) == hypotheses(again)
    assert again[0].keypoints > first[0].keypoints


def test_a_wrong_yaw_is_forgiven_by_the_stage_after() -> None:
    third = plan(KNOWN)[2]
    for hypothesis in third:
        yaws = sorted(hypothesis.yaws_deg)
        gaps = [b - a for a, b in zip(yaws, [*yaws[1:], yaws[0] + 360], strict=True)]
        assert max(gaps) <= 20


def test_an_unknown_yaw_begins_with_all_turns() -> None:
    first = plan(PhotoMetadata(rel_alt_m=100.0))[0]
    assert max(max(hypothesis.yaws_deg) for hypothesis in first) > 300


def test_a_known_height_is_kept_to_until_all_else_has_failed() -> None:
    *first, last = plan(KNOWN)
    assert {hypothesis.pose.height_m for stage in first for hypothesis in stage} == {100.0}
    heights = [s.pose.height_m * zoom for s in last for zoom in s.zooms]
    assert min(heights) < 60
    assert max(heights) > 200


def test_an_unknown_height_is_covered() -> None:
    unknown = plan(PhotoMetadata())[0]
    heights = [s.pose.height_m * zoom for s in unknown for zoom in s.zooms]
    assert min(heights) < 60
    assert max(heights) > 200
    steps = sorted(heights)
    assert all(b / a < 1.3 for a, b in itertools.pairwise(steps))


@pytest.mark.parametrize("metadata", [KNOWN, PhotoMetadata(), PhotoMetadata(pitch_deg=-60.0)])
def test_more_effort_tries_the_same_first_and_then_more(metadata: PhotoMetadata) -> None:
    low, normal, high = (plan(metadata, effort) for effort in get_args(Effort))
    assert len(low) == 1
    assert normal[: len(low)] == low
    assert len(normal) > len(low)
    assert high[: len(low)] == low
    assert sum(len(stage) for stage in high) >= sum(len(stage) for stage in normal)


def test_a_stated_pitch_is_kept() -> None:
    tilted = plan(PhotoMetadata(pitch_deg=-60.0, rel_alt_m=50.0), "high")[:-1]
    assert {hypothesis.pose.pitch_deg for stage in tilted for hypothesis in stage} == {-60.0}


@pytest.mark.parametrize("metadata", [KNOWN, PhotoMetadata()])
def test_an_unknown_pitch_is_straight_down_first_and_tilted_later(metadata: PhotoMetadata) -> None:
    first, *others = plan(metadata)
    assert {hypothesis.pose.pitch_deg for hypothesis in first} == {-90.0}
    pitches = {hypothesis.pose.pitch_deg for stage in others for hypothesis in stage}
    assert len(pitches) > 1
    assert max(pitches) > -60


def test_the_last_stage_of_a_stated_height_looks_closer() -> None:
    stages_of_the_known = plan(KNOWN)[:-1]
    finest = [min(hypothesis.gsd_m for hypothesis in stage) for stage in stages_of_the_known]
    assert finest[0] == GSD_M
    assert finest[-1] < GSD_M
    most = [max(hypothesis.keypoints for hypothesis in stage) for stage in stages_of_the_known]
    assert most[-1] > most[0]


def test_vote_hypotheses_are_all_pairs_of_turn_and_scale() -> None:
    hypothesis = plan(KNOWN)[0][0]
    pairs = hypothesis.vote_hypotheses(0.5)
    assert len(set(pairs)) == len(hypothesis.yaws_deg) * len(hypothesis.zooms)
    assert {pair.gsd_m for pair in pairs} == {0.5 * zoom for zoom in hypothesis.zooms}


def test_a_place_is_tried_under_other_tilts_from_as_far_away() -> None:
    found = Pose(350.0, -88.0, 0.0, 120.0)
    tilted = other_tilts(found, gsd_m=GSD_M)
    assert [hypothesis.pose.pitch_deg for hypothesis in tilted] == [-45.0, -65.0, -30.0]
    for hypothesis in tilted:
        slant_m = hypothesis.pose.height_m / math.sin(math.radians(-hypothesis.pose.pitch_deg))
        assert slant_m == pytest.approx(120.0, rel=0.01)
        assert all(abs((yaw - 350 + 180) % 360 - 180) <= 20 for yaw in hypothesis.yaws_deg)


def test_the_tilt_under_which_it_was_found_is_not_tried_again() -> None:
    tilted = other_tilts(Pose(0.0, -47.0, 0.0, 120.0), gsd_m=GSD_M)
    assert [hypothesis.pose.pitch_deg for hypothesis in tilted] == [-65.0, -30.0]
