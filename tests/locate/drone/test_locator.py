"""The order in which a drone photo is searched: what is looked at again, and under which pitch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from geoloc.geometry.camera import Pose
from geoloc.locate.drone import locator as drone_locator
from geoloc.locate.drone.hypotheses import ViewHypothesis
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.posterior import Posterior
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.estimate import count_modes
from geoloc.options import LocateOptions
from geoloc.photos.kind import camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo
from tests.fixtures.search import place

GSD_M = 0.3


class Features:
    """Stands for a small map's features: ten of them, all around."""

    gsd_m = GSD_M
    descriptor_folder = None

    def __len__(self) -> int:
        return 10

    def in_box(self, *_: Any) -> np.ndarray:
        return np.arange(10)


class Search:
    """Stands for the search: each hypothesis finds what `scores` say of its pitch, at one scene."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scores: dict[float, float]) -> None:
        self.tried: list[float] = []
        self._scores = scores
        monkeypatch.setattr(
            drone_locator, "view_photo", lambda _, __, hypothesis, **___: hypothesis
        )
        monkeypatch.setattr(drone_locator, "propose", self._propose)
        monkeypatch.setattr(drone_locator, "verify", self._verify)

    def _propose(self, _: Any, hypothesis: ViewHypothesis, **__: Any) -> Any:
        self.tried.append(hypothesis.pose.pitch_deg)
        return _Looked(hypothesis)

    def _verify(self, _: Any, looked: _Looked) -> list[VerifiedPose]:
        pitch_deg = looked.hypothesis.pose.pitch_deg
        score = self._scores.get(pitch_deg, 0.0)
        return [place(0, 0, score=score, pose=Pose(0.0, pitch_deg, 0.0, 100.0))] if score else []


class _Looked:
    def __init__(self, hypothesis: ViewHypothesis) -> None:
        self.hypothesis = hypothesis

    def cameras(self) -> list[Any]:
        return []


def posterior_of(metadata: PhotoMetadata) -> Posterior | None:
    nobody: Any = None
    features: Any = Features()
    locator = DroneLocator(nobody, features, LocateOptions(), open_embedder=nobody)
    photo: Any = Photo.__new__(Photo)
    object.__setattr__(photo, "pixels", np.zeros((480, 640, 3), np.uint8))
    camera = camera_of(metadata, 640, 480)
    return locator.posterior(photo, metadata, camera, rows=None, check=lambda: None)


def test_a_place_that_was_found_as_if_straight_down_is_tried_under_other_tilts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    search = Search(monkeypatch, {-90.0: 400.0, -45.0: 1900.0, -65.0: 700.0})
    found = posterior_of(PhotoMetadata(rel_alt_m=100.0))
    assert search.tried == [-90.0, -45.0, -65.0]
    assert found is not None
    assert found.best.resection.camera.pose.pitch_deg == -45.0
    assert count_modes(found.probabilities) == 1


@pytest.mark.parametrize(
    ("metadata", "score"),
    [(PhotoMetadata(rel_alt_m=100.0, pitch_deg=-90.0), 400.0), (PhotoMetadata(), 9000.0)],
)
def test_a_pitch_that_is_stated_or_beyond_doubt_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, metadata: PhotoMetadata, score: float
) -> None:
    search = Search(monkeypatch, {-90.0: score, -45.0: 1e5})
    posterior_of(metadata)
    assert set(search.tried) == {-90.0}


def test_a_photo_that_is_found_nowhere_has_no_tilt_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    search = Search(monkeypatch, {})
    assert posterior_of(PhotoMetadata(rel_alt_m=100.0)) is None
    assert len(search.tried) > 3
