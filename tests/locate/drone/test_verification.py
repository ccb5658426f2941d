"""The true place has the evidence, others have not: on photos of a fabricated town."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoloc.locate.drone.hypotheses import Supposition
from geoloc.locate.drone.verification import Verified, verify_peak
from geoloc.locate.drone.voting import Peak, Votes, find_peaks
from tests.fixtures.search import SearchWorld, Sighting, place, search_world, tiny_world  # noqa: F401 # a fixture

PHOTOS = range(3)


@pytest.fixture(scope="module")
def sightings(search_world: SearchWorld) -> list[Sighting]:  # noqa: F811
    return [search_world.sight(number) for number in PHOTOS]


def verify(world: SearchWorld, sighting: Sighting, peak: Peak) -> Verified | None:
    return verify_peak(
        sighting.view,
        sighting.keypoints,
        world.features,
        votes=sighting.votes,
        peak=peak,
        tilt_sd_deg=5.0,
    )


@pytest.mark.parametrize("number", PHOTOS)
def test_the_true_place_gives_the_camera(
    search_world: SearchWorld,  # noqa: F811
    sightings: list[Sighting],
    number: int,
) -> None:
    sighting = sightings[number]
    found = verify(search_world, sighting, sighting.peak)
    assert found is not None
    hung = found.resection.camera
    assert np.hypot(*(np.array(hung.position) - sighting.camera_m)) < 5
    turn = hung.pose.heading_deg - sighting.shot.pose.heading_deg
    assert abs((turn + 180) % 360 - 180) < 2
    assert hung.pose.rel_alt_m == pytest.approx(sighting.shot.pose.rel_alt_m, rel=0.05)
    assert 0 < found.n_inliers <= found.n_spots


@pytest.mark.parametrize("number", PHOTOS)
def test_the_true_place_has_far_more_support_than_others(
    search_world: SearchWorld,  # noqa: F811
    sightings: list[Sighting],
    number: int,
) -> None:
    sighting = sightings[number]
    true = verify(search_world, sighting, sighting.peak)
    assert true is not None
    wrong = [
        replace(sighting.peak, x_m=sighting.peak.x_m + dx, y_m=sighting.peak.y_m + dy)
        for dx, dy in [(80, 0), (-70, 40), (0, -90)]
    ] + [replace(sighting.peak, yaw_deg=sighting.peak.yaw_deg + 180)]
    for peak in wrong:
        found = verify(search_world, sighting, peak)
        if found is None:
            continue
        # A wrong start may still lead to the truth, which is no wrong place then.
        away = np.hypot(*(np.array(found.resection.camera.position) - sighting.camera_m))
        assert away < 5 or found.score < true.score / 10
        assert away < 5 or found.support < true.support / 3


def test_a_start_a_little_off_leads_to_the_same_camera(
    search_world: SearchWorld,  # noqa: F811
    sightings: list[Sighting],
) -> None:
    sighting = sightings[1]
    peak = sighting.peak
    off = replace(
        peak, x_m=peak.x_m + 4, y_m=peak.y_m - 3, yaw_deg=peak.yaw_deg + 3, gsd_m=1.04 * peak.gsd_m
    )
    exact, found = (verify(search_world, sighting, p) for p in (peak, off))
    assert exact is not None
    assert found is not None
    assert (
        np.hypot(*np.subtract(exact.resection.camera.position, found.resection.camera.position)) < 1
    )


def test_votes_lead_to_the_true_place(
    search_world: SearchWorld,  # noqa: F811
    sightings: list[Sighting],
) -> None:
    for sighting in sightings:
        suppositions = [
            Supposition(float(yaw), sighting.view.gsd_m * zoom)
            for yaw in range(0, 360, 10)
            for zoom in (0.9, 1.0, 1.1)
        ]
        areas = [region.area_m2 for region in search_world.features.regions]
        first = find_peaks(sighting.votes, sighting.offsets_px, suppositions, areas)[0]
        assert np.hypot(first.x_m - sighting.peak.x_m, first.y_m - sighting.peak.y_m) < 10
        assert abs((first.yaw_deg - sighting.peak.yaw_deg + 180) % 360 - 180) <= 10


def test_a_mirrored_photo_has_little_evidence(
    search_world: SearchWorld,  # noqa: F811
    sightings: list[Sighting],
) -> None:
    mirrored = search_world.sight(1, mirrored=True)
    true = verify(search_world, sightings[1], sightings[1].peak)
    found = verify(search_world, mirrored, mirrored.peak)
    assert true is not None
    assert found is None or found.score < true.score / 10


def test_support_comes_from_the_votes(
    search_world: SearchWorld,  # noqa: F811
    sightings: list[Sighting],
) -> None:
    sighting = sightings[1]
    full = verify(search_world, sighting, sighting.peak)
    thin = Votes(**{name: values[::3] for name, values in vars(sighting.votes).items()})
    less = verify(search_world, replace(sighting, votes=thin), sighting.peak)
    assert full is not None
    assert less is not None
    assert less.n_inliers == full.n_inliers  # partners are looked for anew
    assert less.support < 0.6 * full.support


def test_a_peak_off_the_map_is_nothing(
    search_world: SearchWorld,  # noqa: F811
    sightings: list[Sighting],
) -> None:
    far = replace(sightings[0].peak, x_m=5000.0)
    assert verify(search_world, sightings[0], far) is None


def test_the_score_grows_with_each_kind_of_evidence() -> None:
    base = place(0, 0, score=100.0)
    assert replace(base, support=200.0).score > base.score
    assert replace(base, excess=5.0).score > base.score
    assert replace(base, excess=-3.0).score == base.score
    assert replace(base, n_inliers=0).score < base.score
