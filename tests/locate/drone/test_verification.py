"""The true place has the evidence, others have not: on photos of a fabricated town."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoloc.locate.drone.hypotheses import ViewHypothesis, VoteHypothesis
from geoloc.locate.drone.verification import VerifiedPose, verify_peak
from geoloc.locate.drone.view import PhotoView
from geoloc.locate.drone.voting import Peak, Votes, find_peaks
from tests.fixtures.search import RectifiedShot, SearchWorld, place

PHOTOS = range(3)


@pytest.fixture(scope="module")
def sightings(search_world: SearchWorld) -> list[RectifiedShot]:
    return [search_world.rectify(number) for number in PHOTOS]


def verify(world: SearchWorld, rectified: RectifiedShot, peak: Peak) -> VerifiedPose | None:
    gsd_m = rectified.view.gsd_m
    hypothesis = ViewHypothesis(rectified.shot.pose, gsd_m, (0.0,), (1.0,), tilt_sd_deg=5.0)
    view = PhotoView(rectified.view, rectified.keypoints, hypothesis)
    return verify_peak(view, world.features, votes=rectified.votes, peak=peak)


@pytest.mark.parametrize("number", PHOTOS)
def test_the_true_place_gives_the_camera(
    search_world: SearchWorld, sightings: list[RectifiedShot], number: int
) -> None:
    rectified = sightings[number]
    found = verify(search_world, rectified, rectified.peak)
    assert found is not None
    camera = found.resection.camera
    assert np.hypot(*(np.array(camera.position) - rectified.camera_m)) < 5
    turn = camera.pose.heading_deg - rectified.shot.pose.heading_deg
    assert abs((turn + 180) % 360 - 180) < 2
    assert camera.pose.height_m == pytest.approx(rectified.shot.pose.height_m, rel=0.05)
    assert 0 < found.n_inliers <= found.n_spots


@pytest.mark.parametrize("number", PHOTOS)
def test_the_true_place_has_far_more_support_than_others(
    search_world: SearchWorld, sightings: list[RectifiedShot], number: int
) -> None:
    rectified = sightings[number]
    true = verify(search_world, rectified, rectified.peak)
    assert true is not None
    wrong = [
        replace(rectified.peak, x_m=rectified.peak.x_m + dx, y_m=rectified.peak.y_m + dy)
        for dx, dy in [(80, 0), (-70, 40), (0, -90)]
    ] + [replace(rectified.peak, yaw_deg=rectified.peak.yaw_deg + 180)]
    for peak in wrong:
        found = verify(search_world, rectified, peak)
        if found is None:
            continue
        # A wrong start may still lead to the truth, which is no wrong place then.
        away = np.hypot(*(np.array(found.resection.camera.position) - rectified.camera_m))
        assert away < 5 or found.score < true.score / 10
        assert away < 5 or found.vote_llr < true.vote_llr / 3


def test_a_start_a_little_off_leads_to_the_same_camera(
    search_world: SearchWorld, sightings: list[RectifiedShot]
) -> None:
    rectified = sightings[1]
    peak = rectified.peak
    off = replace(
        peak, x_m=peak.x_m + 4, y_m=peak.y_m - 3, yaw_deg=peak.yaw_deg + 3, gsd_m=1.04 * peak.gsd_m
    )
    exact, found = (verify(search_world, rectified, p) for p in (peak, off))
    assert exact is not None
    assert found is not None
    assert (
        np.hypot(*np.subtract(exact.resection.camera.position, found.resection.camera.position)) < 1
    )


def test_votes_lead_to_the_true_place(
    search_world: SearchWorld, sightings: list[RectifiedShot]
) -> None:
    for rectified in sightings:
        vote_hypotheses = [
            VoteHypothesis(float(yaw), rectified.view.gsd_m * zoom)
            for yaw in range(0, 360, 10)
            for zoom in (0.9, 1.0, 1.1)
        ]
        areas = [region.area_m2 for region in search_world.features.regions]
        first = find_peaks(rectified.votes, rectified.offsets_px, vote_hypotheses, areas)[0]
        assert np.hypot(first.x_m - rectified.peak.x_m, first.y_m - rectified.peak.y_m) < 10
        assert abs((first.yaw_deg - rectified.peak.yaw_deg + 180) % 360 - 180) <= 10


def test_a_mirrored_photo_has_little_evidence(
    search_world: SearchWorld, sightings: list[RectifiedShot]
) -> None:
    mirrored = search_world.rectify(1, mirrored=True)
    true = verify(search_world, sightings[1], sightings[1].peak)
    found = verify(search_world, mirrored, mirrored.peak)
    assert true is not None
    assert found is None or found.score < true.score / 10


def test_support_comes_from_the_votes(
    search_world: SearchWorld, sightings: list[RectifiedShot]
) -> None:
    rectified = sightings[1]
    full = verify(search_world, rectified, rectified.peak)
    thin = Votes(**{name: values[::3] for name, values in vars(rectified.votes).items()})
    less = verify(search_world, replace(rectified, votes=thin), rectified.peak)
    assert full is not None
    assert less is not None
    assert less.n_inliers == full.n_inliers  # partners are looked for anew
    assert less.vote_llr < 0.6 * full.vote_llr


def test_a_peak_off_the_map_is_nothing(
    search_world: SearchWorld, sightings: list[RectifiedShot]
) -> None:
    far = replace(sightings[0].peak, x_m=5000.0)
    assert verify(search_world, sightings[0], far) is None


def test_the_score_grows_with_each_kind_of_evidence() -> None:
    base = place(0, 0, score=100.0)
    assert replace(base, vote_llr=200.0).score > base.score
    assert replace(base, inlier_z=5.0).score > base.score
    assert replace(base, inlier_z=-3.0).score == base.score
    assert replace(base, n_inliers=0).score < base.score
