"""An estimate judged: calibrated probability, radii over all places, and the candidates kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from geoloc.geometry.camera import Attitude, Camera, pose_at
from geoloc.geometry.crs import LocalFrame, LonLat, distance_m
from geoloc.index.features.feature_map import FeatureMap
from geoloc.locate.calibration import CALIBRATION_FILE, Calibration, write_calibration
from geoloc.locate.drone.evidence import FEATURES
from geoloc.locate.drone.judging import find_calibration, judge
from geoloc.locate.drone.posterior import posterior
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.estimate import Estimate
from geoloc.photos.metadata import PhotoMetadata
from tests.fixtures.search import georeferenced, place

FRAME = LocalFrame(LonLat(13.4, 52.5))
MAP = cast(
    FeatureMap,
    SimpleNamespace(regions=[SimpleNamespace(frame=FRAME)], kind=SimpleNamespace(checksum="abc")),
)


def calibration(**changes: Any) -> Calibration:
    """A curve that says 0.5 of everything."""
    count = len(FEATURES)
    flat: dict[str, Any] = {"mean": (0.0,) * count, "scale": (1.0,) * count}
    flat |= {"low": (-99.0,) * count, "high": (99.0,) * count, "weights": (0.0,) * count}
    flat |= {"source": "photos", "descriptor": "abc", "radius_m": 50.0, "features": FEATURES}
    return Calibration(**(flat | {"intercept": 0.0} | changes))


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
    _, after = judged(place(0, 0, score=9000.0), by=calibration())
    assert after.probability == 0.5
    assert after.conf_kind == "calibrated:photos"


def test_a_pose_that_no_drone_holds_loses_its_confidence() -> None:
    usual, odd = (
        judged(place(0, 0, score=170.0, pose=pose_at(Attitude(0.0, -89.0, roll_deg), 100.0)))
        for roll_deg in (2.0, 64.0)
    )
    assert usual[1].probability == pytest.approx(usual[0].probability)
    assert odd[0].probability == pytest.approx(0.93, abs=0.02)
    assert odd[1].probability < 0.4
    pose = pose_at(Attitude(0.0, -45.0, 64.0), 100.0)
    _, calibrated = judged(place(0, 0, score=170.0, pose=pose), by=calibration(intercept=2.7))
    assert calibrated.probability < 0.4


def test_a_rival_that_likely_widens_the_radius_and_is_kept() -> None:
    before, after = judged(place(0, 0, score=900.0), place(700.0, 0, score=880.0))
    assert after.ce90_m == pytest.approx(700, abs=60)
    assert after.acc95_m >= after.ce90_m > before.ce90_m
    first, second = after.candidates
    assert first.position == after.position
    assert distance_m(first.position, second.position) == pytest.approx(700, abs=20)
    assert after.spread_m == pytest.approx(350, abs=10)


def test_the_calibration_of_the_index_is_found_if_it_is_of_its_descriptor(tmp_path: Path) -> None:
    assert find_calibration(tmp_path, MAP) is None
    write_calibration(calibration(), tmp_path / CALIBRATION_FILE)
    found = find_calibration(tmp_path, MAP)
    assert found is not None
    assert found.source == "photos"
    write_calibration(calibration(descriptor="another"), tmp_path / CALIBRATION_FILE)
    assert find_calibration(tmp_path, MAP) is None
