"""The order in which a drone photo is searched: what is looked at again, and under which pitch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from geoloc.geometry.camera import Pose
from geoloc.locate.drone.hypotheses import ViewHypothesis
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.posterior import Posterior
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.estimate import count_modes
from geoloc.options import Effort, LocateOptions
from geoloc.photos.kind import camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo
from tests.fixtures.search import place

GSD_M = 0.3


class Features:
    """Stands for a small map's features: ten of them, all around."""

    gsd_m = GSD_M
    is_lazy = False

    def __len__(self) -> int:
        return 10

    def in_box(self, *_: Any) -> np.ndarray:
        return np.arange(10)


class Search:
    """Stands for the search: each hypothesis finds what `scores` say of its pitch, at one scene."""

    def __init__(self, scores: dict[float, float], *, share: float = 0.02) -> None:
        self.features = Features()
        self._share = share
        self.tried: list[float] = []
        self.keypoints: list[int] = []
        self._scores = scores

    def view(self, _: Any, __: Any, hypothesis: ViewHypothesis) -> ViewHypothesis:
        return hypothesis

    def propose(self, view: ViewHypothesis, **_: Any) -> Proposed:
        self.tried.append(view.pose.pitch_deg)
        self.keypoints.append(view.keypoints)
        return Proposed(view)

    def verify(self, proposed: Proposed) -> list[VerifiedPose]:
        pitch_deg = proposed.view.pose.pitch_deg
        score = self._scores.get(pitch_deg, 0.0)
        if not score:
            return []
        found = place(0, 0, score=score, pose=Pose(0.0, pitch_deg, 0.0, 100.0))
        return [replace(found, n_spots=round(found.n_inliers / self._share))]


@dataclass(frozen=True)
class Proposed:
    """Stands for the proposals of one view."""

    view: ViewHypothesis

    def poses(self) -> list[Any]:
        return []


def posterior_of(
    search: Search, metadata: PhotoMetadata, effort: Effort = "normal"
) -> Posterior | None:
    missing: Any = None
    locator = DroneLocator(
        missing,
        search,  # type: ignore[arg-type]
        LocateOptions(effort=effort),
        open_retriever=missing,
    )
    photo: Any = Photo.__new__(Photo)
    object.__setattr__(photo, "pixels", np.zeros((480, 640, 3), np.uint8))
    camera = camera_of(metadata, 640, 480)
    return locator.posterior(photo, metadata, camera, rows=None, check=lambda: None)


def test_a_place_that_was_found_as_if_straight_down_is_tried_under_other_tilts() -> None:
    search = Search({-90.0: 400.0, -45.0: 1900.0, -65.0: 700.0})
    found = posterior_of(search, PhotoMetadata(rel_alt_m=100.0))
    assert search.tried == [-90.0, -45.0, -65.0, -30.0]
    assert found is not None
    assert found.best.resection.camera.pose.pitch_deg == -45.0
    assert count_modes(found.probabilities) == 1


@pytest.mark.parametrize(
    ("metadata", "share"),
    [(PhotoMetadata(rel_alt_m=100.0, pitch_deg=-90.0), 0.02), (PhotoMetadata(), 0.1)],
)
def test_a_pitch_that_is_stated_or_beyond_doubt_is_left_alone(
    metadata: PhotoMetadata, share: float
) -> None:
    search = Search({-90.0: 9000.0, -45.0: 1e5}, share=share)
    posterior_of(search, metadata)
    assert set(search.tried) == {-90.0}


def test_a_photo_that_is_found_nowhere_has_no_tilt_to_try() -> None:
    search = Search({})
    assert posterior_of(search, PhotoMetadata(rel_alt_m=100.0), "high") is None
    assert len(search.tried) > 3


@pytest.mark.parametrize(("score", "tried"), [(0.0, 1), (15.0, 1), (60.0, 6)])
def test_a_photo_without_a_hint_of_a_place_is_given_up_after_all_headings(
    score: float, tried: int
) -> None:
    search = Search({-90.0: score}, share=0.5)
    posterior_of(search, PhotoMetadata(rel_alt_m=100.0))
    assert len(search.tried) == tried


@pytest.mark.parametrize(
    ("score", "keypoints"),
    [(0.0, [2000, 2000]), (15.0, [2000, 2000]), (60.0, [2000, 4000])],
)
def test_a_closer_look_at_the_stated_heading_takes_a_hint(
    score: float, keypoints: list[int]
) -> None:
    search = Search({-90.0: score}, share=0.5)
    posterior_of(search, PhotoMetadata(rel_alt_m=100.0, yaw_deg=10.0, pitch_deg=-90.0))
    assert search.keypoints[:2] == keypoints
    is_found_nowhere = keypoints[1] == 2000
    assert (len(search.tried) == 2) == is_found_nowhere, "near the stated yaw, then all headings"


def test_great_effort_looks_closer_without_a_hint() -> None:
    search = Search({})
    posterior_of(search, PhotoMetadata(rel_alt_m=100.0, yaw_deg=10.0), "high")
    assert search.keypoints[:3] == [2000, 4000, 2000]
