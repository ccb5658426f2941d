"""Simulated photos of an index's own ground: views of the map itself, from cameras of any kind.

The map is seen by a drone's camera at some height and tilt, over roofs and trees of made-up heights
that lean as in a photo; then `degradation` takes it to another season. Photo number n is the same
whatever else was asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from geoloc.arrays import Float32Array, Float64Array, Mask, RgbImage
from geoloc.errors import OptionError
from geoloc.geometry.camera import (
    Camera,
    Pose,
    footprint,
    ground_homography,
    project,
    scene_point,
)
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.geometry.rectification import MAX_REACH
from geoloc.index.map_index import MapIndex
from geoloc.index.map_pixels import MapPixels
from geoloc.learning.calibration.degradation import DEGRADATION, DegradationParameters, degrade
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo


@dataclass(frozen=True, kw_only=True)
class SimulationParameters:
    """The cameras that simulated photos are taken with, and what their files state of them."""

    width_px: int = 1280
    aspects: tuple[float, ...] = (16 / 9, 3 / 2, 4 / 3)
    hfov_deg: tuple[float, float] = (60.0, 84.0)
    # Heights above the ground, metres; on coarse maps these times the metres a pixel, if higher.
    heights_m: tuple[float, float] = (60.0, 180.0)
    heights_px: tuple[float, float] = (150.0, 400.0)
    # Every second photo looks straight down; the others are tilted.
    nadir_sd_deg: float = 3.0
    tilted_deg: tuple[float, float] = (-80.0, -35.0)
    roll_sd_deg: float = 1.5
    # Roofs and trees: so many in a photo, so high.
    things: int = 150
    things_m: tuple[float, float] = (2.0, 18.0)
    # A third states nothing, a third no lens. What is stated is off by so much.
    height_sd: float = 0.08
    yaw_sd_deg: float = 4.0
    pitch_sd_deg: float = 2.0
    hfov_sd: float = 0.03
    # So much of a photo has to show the map, which is looked for so often.
    least_shown: float = 0.8
    tries: int = 40
    degradation: DegradationParameters = DEGRADATION


SIMULATION = SimulationParameters()
# Ground that is nowhere is bent by waves: their lengths in distances of the camera from the scene,
# and how far they go, in these lengths.
_BEND_LENGTHS = (0.5, 1.0)
_BEND = 0.08


@dataclass(frozen=True)
class SimulatedPhoto:
    """A photo that nobody took.

    Attributes:
        photo: Its pixels, and what its file would state.
        camera: Where it was taken.
        distance_m: How far the ground in its middle was from the camera, metres.
    """

    photo: Photo
    camera: LonLat
    distance_m: float


@dataclass(frozen=True)
class _Shot:
    """A camera over the map: the ground in the middle of its photo, and the camera above it."""

    camera: Camera
    pose: Pose
    scene: LonLat

    @property
    def camera_m(self) -> Float64Array:
        """Where the camera is, metres (2,) east and north of the scene."""
        ahead = scene_point(self.camera, self.pose)
        assert ahead is not None, "no camera of ours looks at the sky"
        return -np.array(ahead)

    @property
    def distance_m(self) -> float:
        """How far the scene is from the camera, metres."""
        return math.hypot(*self.camera_m, self.pose.height_m)


class PhotoSimulator:
    """Takes simulated photos of the ground of an index.

    Args:
        index: An opened index whose tiles are where they were.
        seed: All chances come from it.
        parameters: Cameras, and how far photos are from the map.

    Raises:
        TilesError: The tiles are not there any more.
    """

    def __init__(
        self, index: MapIndex, *, seed: int, parameters: SimulationParameters = SIMULATION
    ) -> None:
        self._pixels, self._tiles = MapPixels(index), index.tiles
        self._finest = index.tiles.finest_rows()
        self._seed, self._parameters = seed, parameters

    def photo(self, number: int, *, mirrored: bool = False) -> SimulatedPhoto:
        """Photo `number`, always the same.

        Args:
            number: Its number.
            mirrored: Take it of mirrored and bent ground, which is nowhere on the map.

        Raises:
            OptionError: The map is too small for a photo of it.
            TilesError: A tile is not there any more.
        """
        rng = np.random.default_rng((self._seed, number))
        shot, seen = self._some_ground(rng, None, is_nowhere=mirrored)
        # What lies beyond the map, or has changed, is other ground, which is nowhere on it.
        _, other = self._some_ground(rng, shot, is_nowhere=True)
        whole = np.where(seen.shown[..., None], seen.pixels, other.pixels)
        pixels = degrade(
            whole,
            other.pixels,
            rng,
            map_px=seen.map_px,
            parameters=self._parameters.degradation,
        )
        height_px, width_px = pixels.shape[:2]
        lon, lat = LocalFrame(shot.scene).to_lonlat(shot.camera_m)[0].tolist()
        metadata = _stated(shot, rng, self._parameters)
        path = Path(f"simulated-{number:04d}.jpg")
        photo = Photo(path, pixels, width_px, height_px, metadata)
        return SimulatedPhoto(photo, LonLat(lon, lat), shot.distance_m)

    def _some_ground(
        self, rng: np.random.Generator, like: _Shot | None, *, is_nowhere: bool
    ) -> tuple[_Shot, _View]:
        """A camera over ground that the map shows enough of; with the lens and pose of another."""
        p = self._parameters
        for _ in range(p.tries):
            tile = int(rng.choice(self._finest))
            gsd_m, half_m = float(self._tiles.gsd_m[tile]), self._tiles.ground_size_m[tile] / 2
            middle = LocalFrame(LonLat(float(self._tiles.lon[tile]), float(self._tiles.lat[tile])))
            lon, lat = middle.to_lonlat(rng.uniform(-half_m, half_m, 2))[0].tolist()
            if like is None:
                camera, pose = _draw_camera(rng, p, gsd_m)
            else:
                camera, pose = like.camera, like.pose
            shot = _Shot(camera, pose, LonLat(lon, lat))
            view = self._view(shot, rng, gsd_m, is_nowhere=is_nowhere)
            if view.shown_share >= p.least_shown:
                return shot, view
        raise OptionError(
            "the map is too small, or has too many gaps, to simulate photos of it: in "
            f"{p.tries} tries none showed it to {p.least_shown:.0%}; calibrate with real photos"
        )

    def _view(
        self, shot: _Shot, rng: np.random.Generator, map_gsd_m: float, *, is_nowhere: bool
    ) -> _View:
        """What a camera sees of the map, or of ground like it that is nowhere on it."""
        p, pose, camera_m = self._parameters, shot.pose, shot.camera_m
        reach_m = MAX_REACH * pose.height_m
        outline = footprint(shot.camera, pose, max_distance_m=reach_m) + camera_m
        low, high = outline.min(axis=0), outline.max(axis=0)
        gsd_m = max(map_gsd_m, 0.7 * pose.height_m / shot.camera.focal_px)
        window = self._pixels.around(LocalFrame(shot.scene), low, high, gsd_m=gsd_m)
        ground_m = _ground_of(shot, reach_m) + camera_m.astype(np.float32)
        ground_m = _lean(ground_m, camera_m, pose.height_m, _heights(low, high, ground_m, rng, p))
        bent_m = _bend(ground_m, shot.distance_m, rng)
        if is_nowhere:
            ground_m = np.ascontiguousarray(bent_m[:, ::-1])
        # OpenCV's pixel centres are whole numbers, ours lie at a half.
        where = (ground_m - window.corner_m) / [gsd_m, -gsd_m] - 0.5
        columns, rows = (np.ascontiguousarray(where[..., i], np.float32) for i in (0, 1))
        pixels = cv2.remap(window.pixels, columns, rows, cv2.INTER_LINEAR)
        shown = cv2.remap(window.valid.astype(np.uint8), columns, rows, cv2.INTER_NEAREST)
        is_ground = np.isfinite(ground_m[..., 0])
        return _View(
            pixels=np.asarray(pixels, np.uint8),
            shown=np.asarray(shown, bool),
            is_ground=is_ground,
            map_px=map_gsd_m * shot.camera.focal_px / shot.distance_m,
        )


@dataclass(frozen=True)
class _View:
    """What a camera sees of the map.

    Attributes:
        pixels: (H, W, 3) uint8.
        shown: (H, W) bool, where they show the map.
        is_ground: (H, W) bool, where they show any ground that is near enough.
        map_px: Side of a pixel of the map in pixels of the photo's middle.
    """

    pixels: RgbImage
    shown: Mask
    is_ground: Mask
    map_px: float

    @property
    def shown_share(self) -> float:
        """The share of the ground in the photo that the map shows."""
        return float(self.shown.sum() / max(1, self.is_ground.sum()))


def _draw_camera(
    rng: np.random.Generator, p: SimulationParameters, gsd_m: float
) -> tuple[Camera, Pose]:
    """A lens and a pose as drones have them."""
    height_px = round(p.width_px / p.aspects[int(rng.integers(len(p.aspects)))])
    camera = Camera.from_hfov(p.width_px, height_px, float(rng.uniform(*p.hfov_deg)))
    low, high = (max(m, px * gsd_m) for m, px in zip(p.heights_m, p.heights_px, strict=True))
    height_m = math.exp(rng.uniform(math.log(low), math.log(high)))
    if rng.random() < 0.5:
        pitch_deg = -90 + abs(float(rng.normal(0, p.nadir_sd_deg)))
    else:
        pitch_deg = float(rng.uniform(*p.tilted_deg))
    roll_deg = float(rng.normal(0, p.roll_sd_deg))
    return camera, Pose(float(rng.uniform(0, 360)), pitch_deg, roll_deg, height_m)


def _stated(shot: _Shot, rng: np.random.Generator, p: SimulationParameters) -> PhotoMetadata:
    """What the photo's file states of its camera: all, no lens, or nothing."""
    told = int(rng.integers(3))
    if told == 0:
        return PhotoMetadata()
    pose, hfov_deg = shot.pose, shot.camera.hfov_deg * math.exp(rng.normal(0, p.hfov_sd))
    return PhotoMetadata(
        rel_alt_m=pose.height_m * math.exp(rng.normal(0, p.height_sd)),
        yaw_deg=(pose.heading_deg + float(rng.normal(0, p.yaw_sd_deg))) % 360,
        pitch_deg=max(-90.0, pose.pitch_deg + float(rng.normal(0, p.pitch_sd_deg))),
        hfov_deg=hfov_deg if told == 2 else None,
    )


def _ground_of(shot: _Shot, reach_m: float) -> Float32Array:
    """Where each pixel of a photo meets level ground, metres (H, W, 2) from below the camera.

    NaN above the horizon and past the reach.
    """
    height, width = shot.camera.height_px, shot.camera.width_px
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    pixels = np.column_stack([columns.ravel(), rows.ravel()])
    found = project(ground_homography(shot.camera, shot.pose), pixels)
    found[np.hypot(*found.T) > reach_m] = np.nan
    return found.reshape(height, width, 2).astype(np.float32)


def _heights(
    low: Float64Array,
    high: Float64Array,
    ground_m: Float32Array,
    rng: np.random.Generator,
    p: SimulationParameters,
) -> Float32Array:
    """Made-up heights of what stands at points (H, W, 2) between two corners, metres (H, W)."""
    relief = np.zeros((256, 256), np.float32)
    for _ in range(p.things):
        middle, sides = rng.uniform(0, 256, 2), rng.uniform(3, 20, 2)
        box = cv2.boxPoints(((middle[0], middle[1]), (sides[0], sides[1]), rng.uniform(0, 90)))
        cv2.fillConvexPoly(relief, np.round(box).astype(np.int32), float(rng.uniform(*p.things_m)))
    where = ((ground_m - low) / (high - low) * 256).astype(np.float32)
    columns, rows = (np.ascontiguousarray(where[..., i]) for i in (0, 1))
    return np.asarray(cv2.remap(relief, columns, rows, cv2.INTER_NEAREST), np.float32)


def _lean(
    ground_m: Float32Array, camera_m: Float64Array, height_m: float, relief_m: Float32Array
) -> Float32Array:
    """The ground points (H, W, 2) whose top is seen where level ground would be met.

    What stands z metres high is seen z / height of its distance farther away than it is.
    """
    away_m = ground_m - camera_m.astype(np.float32)
    return np.asarray(ground_m - away_m * (relief_m / np.float32(height_m))[..., None], np.float32)


def _bend(ground_m: Float32Array, distance_m: float, rng: np.random.Generator) -> Float32Array:
    """Ground points (H, W, 2) bent by waves, so that no camera sees the whole as it is.

    A mirrored stadium or a mirrored straight street lies on the map all the same; a bent one does
    not, while each piece of it looks as it did.
    """
    bent = ground_m.copy()
    for axis in (0, 1):
        length_m = distance_m * rng.uniform(*_BEND_LENGTHS)
        heading, phase = rng.uniform(0, 2 * math.pi, 2)
        along = ground_m @ np.array([math.sin(heading), math.cos(heading)], np.float32)
        wave = np.sin(2 * math.pi * along / np.float32(length_m) + np.float32(phase))
        bent[..., axis] += np.float32(_BEND * length_m) * wave
    return bent
