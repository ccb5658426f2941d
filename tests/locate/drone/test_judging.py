"""An estimate judged: calibrated probability, radii over all places, and the candidates kept."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from geoloc.geometry.camera import Attitude, Camera, pose_at
from geoloc.geometry.crs import LocalFrame, LonLat, distance_m
from geoloc.index.features.feature_map import FeatureMap
from geoloc.locate.calibration import Calibration
from geoloc.locate.drone.judging import judge
from geoloc.locate.drone.posterior import posterior
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.estimate import Estimate
from geoloc.photos.metadata import PhotoMetadata
from tests.fixtures.calibrations import flat_calibration
from tests.fixtures.search import georeferenced, place

FRAME = LocalFrame(LonLat(13.4, 52.5))
MAP = cast(
    FeatureMap,
    SimpleNamespace(regions=[SimpleNamespace(frame=FRAME)], kind=SimpleNamespace(checksum="abc")),
)


def judged(*places: VerifiedPose, by: Calibration | None = None) -> tuple[Estimate, Estimate]:
    """The estimate of some places, before and after."""
    found = posterior(places)
    assert found is not None
    before = georeferenced(found, Camera(640, 480, 500.0), FRAME)
    after = judge(before, found, PhotoMetadata(), MAP, size_px=(640, 480), calibration=by)
    return before, after


def test_without_a_calibration_the_probability_stays() -> None:
    before, after = judged(place(0, 0, score=900.0))
    assert after.probability == pytest.approx(before.probability)
    assert after.conf_kind == "uncalibrated"
    assert after.ce90_m == before.ce90_m
    assert len(after.candidates) == 1


def test_a_calibration_decides_the_probability_and_says_its_kind() -> None:
    _, after = judged(place(0, 0, score=9000.0), by=flat_calibration())
    assert after.probability == 0.5
    assert after.conf_kind == "calibrated:photos"


def test_what_a_matcher_says_is_added_to_a_calibration_which_has_not_seen_it() -> None:
    """Even odds by the calibration; a matcher makes them nine to one, or one to nine."""
    seen, unseen = (
        judged(replace(place(0, 0, score=900.0), matcher_llr=llr), by=flat_calibration())[1]
        for llr in (math.log(9), -math.log(9))
    )
    assert seen.probability == pytest.approx(0.9)
    assert unseen.probability == pytest.approx(0.1)
    assert seen.conf_kind == "calibrated:photos"


def test_a_pose_that_no_drone_holds_loses_its_confidence() -> None:
    usual, odd = (
        judged(place(0, 0, score=170.0, pose=pose_at(Attitude(0.0, -89.0, roll_deg), 100.0)))
        for roll_deg in (2.0, 64.0)
    )
    assert usual[1].probability == pytest.approx(usual[0].probability)
    assert odd[0].probability == pytest.approx(0.93, abs=0.02)
    assert odd[1].probability < 0.4
    pose = pose_at(Attitude(0.0, -45.0, 64.0), 100.0)
    _, calibrated = judged(place(0, 0, score=170.0, pose=pose), by=flat_calibration(intercept=2.7))
    assert calibrated.probability < 0.4


def test_a_rival_that_likely_widens_the_radius_and_is_kept() -> None:
    before, after = judged(place(0, 0, score=900.0), place(700.0, 0, score=880.0))
    assert after.ce90_m == pytest.approx(700, abs=60)
    assert after.acc95_m >= after.ce90_m > before.ce90_m
    first, second = after.candidates
    assert first.position == after.position
    assert distance_m(first.position, second.position) == pytest.approx(700, abs=20)
    assert after.spread_m == pytest.approx(350, abs=10)
