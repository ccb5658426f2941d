"""The evidence of a drone photo: points that crowd together and poses that no drone holds."""

from __future__ import annotations

import numpy as np
import pytest

from geoloc.geometry.camera import Attitude
from geoloc.locate.drone.evidence import (
    FEATURES,
    evidence_of,
    implausibility,
    shorter_axis,
    uncalibrated,
)
from geoloc.locate.drone.posterior import posterior
from geoloc.photos.metadata import PhotoMetadata
from tests.fixtures.search import place


def test_a_nadir_camera_at_a_usual_height_is_plausible() -> None:
    assert implausibility(Attitude(120.0, -90.0, 0.0), 100.0, PhotoMetadata()) == 0.0


def test_a_pose_that_no_drone_holds_is_implausible() -> None:
    told = PhotoMetadata(pitch_deg=-45.0)
    assert implausibility(Attitude(0.0, -89.0, 64.0), 100.0, told) == 3.0
    assert implausibility(Attitude(0.0, -45.0, -55.0), 100.0, PhotoMetadata()) == 3.0
    assert implausibility(Attitude(0.0, -47.0, 1.0), 100.0, told) < 0.3


def test_a_height_is_judged_by_what_is_stated() -> None:
    told = PhotoMetadata(rel_alt_m=100.0)
    angles = Attitude(0.0, -90.0, 0.0)
    near, far = (implausibility(angles, height_m, told) for height_m in (90.0, 50.0))
    assert near < 0.5 < 1.5 < far


def test_points_along_a_line_have_no_shorter_axis() -> None:
    along = np.column_stack([np.arange(50.0), np.full(50, 7.0)])
    assert shorter_axis(along, (640, 480)) == pytest.approx(0.0, abs=1e-9)
    corners = np.array([[0.0, 0], [640, 0], [640, 480], [0, 480]])
    assert shorter_axis(corners, (640, 480)) == pytest.approx(np.sqrt(4 * 240**2 / 3) / 800)
    assert shorter_axis(corners[:2], (640, 480)) == 0.0


def test_a_rival_takes_from_the_margin() -> None:
    alone, rivals = (
        posterior([place(0, 0, score=900.0)]),
        posterior([place(0, 0, score=900.0), place(900, 0, score=450.0)]),
    )
    assert alone is not None
    assert rivals is not None
    of = {
        name: evidence_of(found, PhotoMetadata(), size_px=(640, 480))
        for name, found in [("alone", alone), ("rivals", rivals)]
    }
    at = FEATURES.index("margin")
    assert of["alone"][at] == pytest.approx(np.log(10))
    assert of["rivals"][at] == pytest.approx(np.log(2))
    assert of["alone"][FEATURES.index("score")] == pytest.approx(np.log(900))


@pytest.mark.parametrize("scores", [(400.0, 150.0), (90.0, 60.0), (60.0, 20.0), (120.0, 119.0)])
def test_evidence_alone_says_what_the_posterior_of_two_places_says(
    scores: tuple[float, float],
) -> None:
    found = posterior([place(900.0 * i, 0.0, score=score) for i, score in enumerate(scores)])
    assert found is not None
    evidence = evidence_of(found, PhotoMetadata(), size_px=(640, 480))
    assert uncalibrated(evidence) == pytest.approx(found.probability, abs=1e-6)
