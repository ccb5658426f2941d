"""One hypothesis of a photo on the features of a map: viewed, proposed, verified."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoloc.geometry.camera import Camera, Pose
from geoloc.index.features.keypoints import ROOT_SIFT
from geoloc.locate.drone.hypotheses import ViewHypothesis
from geoloc.locate.drone.search import DroneSearch, SearchParameters
from geoloc.locate.drone.view import PhotoView, view_photo
from geoloc.photos.kind import camera_of
from geoloc.photos.photo import read_photo
from tests.fixtures.search import RectifiedShot, SearchWorld, speckled
from tests.locate.test_locator import NUMBER

CAMERA = Camera(320, 240, 250.0)
PHOTO = speckled(320)[:240]
DOWN = ViewHypothesis(Pose(0.0, -90.0, 0.0, 100.0), 0.4, (0.0,), (1.0,))
NONE = np.zeros(0, np.int64)
# As far as the photo's middle may be from where the votes say: they are cast in bins of 10 m.
BIN_M = 12.0


@pytest.fixture(scope="module")
def true(search_world: SearchWorld) -> RectifiedShot:
    return search_world.rectify(NUMBER)


@pytest.fixture(scope="module")
def view(search_world: SearchWorld, true: RectifiedShot) -> PhotoView:
    """The photo under its true height and pitch."""
    photo = read_photo(search_world.photos[NUMBER])
    camera = camera_of(photo.metadata, *photo.pixels.shape[1::-1])
    gsd_m = search_world.features.gsd_m
    hypothesis = ViewHypothesis(
        true.shot.pose, gsd_m, (true.shot.pose.heading_deg,), (0.93, 1.0, 1.07)
    )
    found = view_photo(photo.pixels, camera, hypothesis)
    assert found is not None
    return found


def around(world: SearchWorld, east_m: float, north_m: float, half_m: float) -> np.ndarray:
    middle = np.array([east_m, north_m])
    return world.features.in_box(0, middle - half_m, middle + half_m)


def test_a_view_has_the_photo_s_features() -> None:
    found = view_photo(PHOTO, CAMERA, DOWN)
    assert found is not None
    assert (found.hypothesis, found.kind, found.rectified.gsd_m) == (DOWN, ROOT_SIFT, 0.4)
    assert 100 < len(found.keypoints) <= DOWN.keypoints
    fewer = view_photo(PHOTO, CAMERA, replace(DOWN, keypoints=40))
    assert fewer is not None
    assert len(fewer.keypoints) <= 41  # OpenCV keeps ties


@pytest.mark.parametrize(
    ("photo", "hypothesis"),
    [
        (np.full((240, 320, 3), 128, np.uint8), DOWN),
        (PHOTO, replace(DOWN, pose=Pose(0.0, 60.0, 0.0, 100.0))),
        (PHOTO, replace(DOWN, keypoints=5)),
    ],
    ids=["nothing to hold on to", "the sky", "too few"],
)
def test_a_photo_that_shows_too_little_has_no_view(
    photo: np.ndarray, hypothesis: ViewHypothesis
) -> None:
    assert view_photo(photo, CAMERA, hypothesis) is None


def test_near_the_middle_are_the_features_of_so_much_ground() -> None:
    found = view_photo(PHOTO, CAMERA, DOWN)
    assert found is not None
    away_m = 0.4 * np.hypot(*(found.keypoints.xy_px - found.rectified.centre_px).T)
    near = found.near_middle(25.0)
    assert 0 < len(near) == (away_m < 25).sum() < len(found.keypoints)
    np.testing.assert_allclose(np.linalg.norm(near, axis=1), 1, atol=1e-5)
    assert len(found.near_middle(1e4)) == len(found.keypoints)
    assert found.near_middle(0.0).shape == (0, ROOT_SIFT.size)


def test_no_features_to_choose_from_are_no_places(
    search_world: SearchWorld, view: PhotoView
) -> None:
    search = DroneSearch(search_world.features)
    proposals = search.propose(view, among=NONE)
    assert (proposals.peaks, proposals.votes, proposals.poses()) == ((), None, [])
    assert search.verify(proposals) == []


@pytest.mark.parametrize("crowded", [120_000, 0], ids=["one look", "two looks"])
def test_the_photo_s_place_is_proposed_and_borne_out(
    search_world: SearchWorld,
    view: PhotoView,
    true: RectifiedShot,
    crowded: int,
) -> None:
    parameters = SearchParameters(crowded_features=crowded)
    search = DroneSearch(search_world.features, parameters=parameters)
    proposals = search.propose(view)
    best = proposals.peaks[0]
    assert np.hypot(best.x_m - true.peak.x_m, best.y_m - true.peak.y_m) < BIN_M
    strengths = [peak.strength for peak in proposals.peaks]
    assert strengths == sorted(strengths, reverse=True)
    assert min(strengths) >= 0.15 * strengths[0]
    _, camera = proposals.poses()[0]
    assert np.hypot(*(np.array(camera.position) - true.camera_m)) < 2 * BIN_M
    verified = max(search.verify(proposals), key=lambda each: each.vote_llr)
    assert np.hypot(*(np.array(verified.resection.camera.position) - true.camera_m)) < 5


def test_only_the_features_of_the_choice_vote(
    search_world: SearchWorld, view: PhotoView, true: RectifiedShot
) -> None:
    x_m, y_m = true.peak.x_m, true.peak.y_m
    here = around(search_world, x_m, y_m, 80.0)
    elsewhere = np.setdiff1d(
        np.arange(len(search_world.features)), around(search_world, x_m, y_m, 150)
    )
    search = DroneSearch(search_world.features)
    right = search.propose(view, among=here)
    assert right.votes is not None
    assert set(right.votes.feature) <= set(here)
    assert np.hypot(right.peaks[0].x_m - x_m, right.peaks[0].y_m - y_m) < BIN_M
    wrong = search.propose(view, among=elsewhere)
    strongest = max((peak.strength for peak in wrong.peaks), default=0.0)
    assert strongest < 0.5 * right.peaks[0].strength
