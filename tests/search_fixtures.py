"""The tiny world cut, featured and indexed once for all tests of the search.

    from tests.search_fixtures import SearchWorld, search_world, tiny_world  # fixtures

The folders are shared: read them, never change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from geoloc.camera import Camera, GroundCamera, GroundPoint, Pose, ground_homography
from geoloc.features import FeatureMap
from geoloc.groundview import GroundView, look_down
from geoloc.index import MapIndex, build_index
from geoloc.keypoints import Keypoints, detect_keypoints
from geoloc.options import TileOptions
from geoloc.photo import read_photo
from geoloc.progress import Silent
from geoloc.resection import Resection
from geoloc.search_plan import camera_of
from geoloc.tileset import TileSet
from geoloc.tiling import cut_tiles
from geoloc.verify import Verified
from geoloc.voting import NEIGHBOURS, Peak, Votes, cast_votes
from geoloc.world import Shot
from tests.indexes import options_for, write_model
from tests.worlds import TinyWorld, tiny_world

__all__ = [
    "Heard",
    "SearchWorld",
    "Sighting",
    "place",
    "search_world",
    "speckled",
    "tiny_world",
]


class Heard(Silent):
    """Keeps what it is told, and may interrupt."""

    def __init__(self, *, stop_after: int | None = None) -> None:
        self.warnings: list[str] = []
        self.done = 0
        self._stop_after = stop_after

    def advance(self, count: int = 1) -> None:
        self.done += count
        if self._stop_after is not None and self.done >= self._stop_after:
            raise KeyboardInterrupt

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@dataclass(frozen=True)
class Sighting:
    """A photo of the tiny world as the search sees it, and the truth."""

    shot: Shot
    view: GroundView
    keypoints: Keypoints
    votes: Votes
    camera_m: NDArray[np.float64]  # (2,) in the region's frame
    peak: Peak  # the truth: the scene in the photo's middle

    @property
    def offsets_px(self) -> NDArray[np.float32]:
        return (self.view.centre_px - self.keypoints.xy_px).astype(np.float32)


@dataclass(frozen=True)
class SearchWorld:
    """The tiny world's index of nine tiles of 160 m, built by a model with random weights."""

    tiny: TinyWorld
    folder: Path

    @property
    def index(self) -> Path:
        return self.folder / "index"

    @cached_property
    def tiles(self) -> TileSet:
        return TileSet.open(self.folder / "tiles")

    @cached_property
    def features(self) -> FeatureMap:
        found = MapIndex.open(self.index).features_folder
        assert found is not None
        return FeatureMap.open(found)

    @property
    def photos(self) -> list[Path]:
        return [self.tiny.photos / shot.name for shot in self.tiny.shots]

    def sight(self, number: int, *, mirrored: bool = False) -> Sighting:
        """Photo `number` under its true height and pitch."""
        shot = self.tiny.shots[number]
        photo = read_photo(self.photos[number])
        pixels = np.ascontiguousarray(photo.pixels[:, ::-1]) if mirrored else photo.pixels
        camera = camera_of(photo.metadata, *pixels.shape[1::-1])
        view = look_down(pixels, camera, shot.pose, gsd_m=self.features.gsd_m)
        assert view is not None
        keypoints = detect_keypoints(view.pixels, valid=view.valid, limit=1500)
        nearest = self.features.nearest(keypoints.descriptors, NEIGHBOURS)
        return Sighting(
            shot,
            view,
            keypoints,
            cast_votes(keypoints, self.features, nearest),
            *self._truth(shot, view.gsd_m),
        )

    def _truth(self, shot: Shot, gsd_m: float) -> tuple[NDArray[np.float64], Peak]:
        world, frame = self.tiny.world, self.features.regions[0].frame
        middle = world.scene_of(shot.camera, shot.pose, shot.at)
        assert middle is not None
        camera, scene = (frame.from_lonlat(*world.lonlat(point))[0] for point in (shot.at, middle))
        x_m, y_m = scene.tolist()
        return camera, Peak(0, x_m, y_m, shot.pose.heading_deg, gsd_m, 100.0)


@lru_cache(maxsize=1)
def _build(tiny: TinyWorld, folder: Path) -> SearchWorld:
    folder.mkdir()
    options = TileOptions(ground_sizes_m=(160.0,), size_px=320, workers=1)
    cut_tiles([str(tiny.region)], folder / "tiles", options)
    model = write_model(folder / "model")
    build_index(folder / "tiles", folder / "index", options_for(model, features=True))
    return SearchWorld(tiny, folder)


@pytest.fixture(scope="session")
def search_world(
    tiny_world: TinyWorld,
    tmp_path_factory: pytest.TempPathFactory,
) -> SearchWorld:
    """An index of the tiny world; built by the first test of the session that asks."""
    return _build(tiny_world, tmp_path_factory.getbasetemp() / "search_world")


def speckled(side_px: int, *, seed: int = 0, count: int = 400) -> NDArray[np.uint8]:
    """A picture (side, side, 3) of overlapping seeded boxes and discs, full of keypoints."""
    rng = np.random.default_rng(seed)
    picture = np.full((side_px, side_px, 3), 120, np.uint8)
    for _ in range(count):
        x, y = rng.integers(0, side_px, 2).tolist()
        half = rng.integers(4, 14, 2).tolist()
        colour = tuple(rng.integers(20, 236, 3).tolist())
        if rng.random() < 0.5:
            cv2.circle(picture, (x, y), half[0], colour, -1)
        else:
            box = cv2.boxPoints(((x, y), (2.0 * half[0], 2.0 * half[1]), rng.uniform(0, 90)))
            cv2.fillConvexPoly(picture, box.astype(np.int32), colour)
    return picture


def place(
    x_m: float,
    y_m: float,
    *,
    score: float,
    region: int = 0,
    pose: Pose | None = None,
    camera: Camera | None = None,
    residuals_m: Sequence[float] = (1.0,),
) -> Verified:
    """Evidence for a camera over a point, made up so that its score is `score`."""
    pose = pose or Pose(0.0, -90.0, 0.0, 100.0)
    camera = camera or Camera(640, 480, 500.0)
    hung = GroundCamera(pose, GroundPoint(x_m, y_m))
    shift = np.array([[1, 0, x_m], [0, 1, y_m], [0, 0, 1.0]])
    fit = Resection(
        camera=hung,
        homography=shift @ ground_homography(camera, pose),
        residuals_m=np.array(residuals_m),
        position_sd_m=2.0,
        heading_sd_deg=0.5,
    )
    peak = Peak(region, x_m, y_m, pose.heading_deg, 0.5, score)
    return Verified(region, fit, n_inliers=100, n_spots=200, excess=0.0, support=score, peak=peak)
