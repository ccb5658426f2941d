"""A flight over the world: the poses of its photos, and the metadata that the drone records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Camera, Pose
from geoloc.geometry.crs import LonLat
from geoloc.synthetic.world.moment import Moment, typical_moment
from geoloc.synthetic.world.palette import Season
from geoloc.synthetic.world.relief import BASE_ALTITUDE_M
from geoloc.synthetic.world.sensor import Sensor, random_sensor
from geoloc.synthetic.world.world import World, WorldPoint

FOCAL_35MM = 24.0
_DIAGONAL_35MM = math.hypot(36.0, 24.0)

_YAW_NOISE_DEG = 3.0
_PITCH_NOISE_DEG = 0.8
_ALTITUDE_NOISE = 0.03
_POSITION_NOISE_M = 2.0
_NADIR_WOBBLE_DEG = 1.5
_TILTS_DEG = (10.0, 30.0)
_TILTED_FROM_DEG = 8.0  # what is steeper is flown as straight down, and says so
_AIMS = 8  # over hills it takes a few, and a terrace may hide what was aimed at
_ON_TARGET_M = 0.05
_TRIES = 12  # candidates for every photo; the one farthest from the others is taken


@dataclass(frozen=True)
class DroneMetadata:
    """What a drone writes into its photo, with the errors that its instruments have.

    Attributes:
        position: Position by its GPS receiver.
        rel_alt_m: Height above take-off by its barometer, metres; it took off at the world's mean
            altitude.
        yaw_deg: Yaw by its compass.
        pitch_deg: Pitch by its gimbal.
        roll_deg: Roll by its gimbal.
        timestamp: Local time as EXIF writes it, ``YYYY:MM:DD HH:MM:SS``.
        focal_35mm: Focal length as 35 mm equivalent; None where neither lens nor make is stated.
    """

    position: LonLat
    rel_alt_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    timestamp: str
    focal_35mm: int | None = round(FOCAL_35MM)


@dataclass(frozen=True)
class Shot:
    """One photo of a flight: the truth, and what the drone says.

    Attributes:
        name: File name.
        camera: Pinhole camera that takes it.
        pose: True angles and height of the camera.
        at: Ground below the camera.
        moment: Season, sun and date.
        sensor: Blur, noise and compression of the picture.
        metadata: What the drone writes into it, with errors.
    """

    name: str
    camera: Camera
    pose: Pose
    at: WorldPoint
    moment: Moment
    sensor: Sensor
    metadata: DroneMetadata


def drone_camera(width_px: int = 1280, *, focal_35mm: float = FOCAL_35MM) -> Camera:
    """A 4:3 drone camera with a lens of so many mm (35 mm equivalent, a matter of diagonals)."""
    height_px = round(width_px * 3 / 4)
    diagonal_px = math.hypot(width_px, height_px)
    return Camera(width_px, height_px, focal_35mm / _DIAGONAL_35MM * diagonal_px)


def plan_flight(
    world: World,
    count: int,
    *,
    seed: int = 0,
    seasons: Sequence[Season] = ("autumn", "spring"),
    tilted_share: float = 0.3,
    tilts_deg: tuple[float, float] | None = None,
    camera: Camera | None = None,
) -> list[Shot]:
    """Photos all over the map, at any yaw, from 75 to 120 m, in turn of the seasons.

    Heights are above the ground below each camera.

    Args:
        world: World that is flown over.
        count: Number of photos.
        seed: Decides the flight.
        seasons: The times of the year.
        tilted_share: Share of photos that look ahead by 10 to 30 degrees instead of down.
        tilts_deg: Least and greatest tilt of all photos from straight down, instead.
        camera: The pinhole; None for a drone's usual one.
    """
    rng = np.random.default_rng([world.seed, 20, seed])
    lens = camera or drone_camera()
    scenes = _spread(count, world.size_m, rng)
    return [
        _shot(
            world,
            number,
            WorldPoint(*scene),
            lens,
            seasons[number % len(seasons)],
            tilts_deg=tilts_deg or _usual_tilts_deg(number, tilted_share),
            rng=rng,
        )
        for number, scene in enumerate(scenes.tolist())
    ]


def _usual_tilts_deg(number: int, share: float) -> tuple[float, float] | None:
    """The tilts of a photo by its number, spread evenly over a flight."""
    return _TILTS_DEG if (number + 0.5) * share % 1 < share else None


def _spread(count: int, size_m: float, rng: np.random.Generator) -> Float64Array:
    """Places (count, 2) well apart, off the map's edge (Mitchell's best candidate)."""
    inset_m = min(90.0, 0.3 * size_m)
    places = np.empty((0, 2))
    for _ in range(count):
        tries = rng.uniform(inset_m, size_m - inset_m, (_TRIES, 2))
        if len(places):
            gaps = np.linalg.norm(tries[:, None] - places[None], axis=2).min(1)
            tries = tries[np.argsort(-gaps)]
        places = np.vstack([places, tries[:1]])
    return places


def _shot(
    world: World,
    number: int,
    scene: WorldPoint,
    camera: Camera,
    season: Season,
    *,
    tilts_deg: tuple[float, float] | None,
    rng: np.random.Generator,
) -> Shot:
    """A photo with a scene in its middle, tilted or, with None, flown as straight down."""
    pitch_deg = (
        -90 + rng.normal(0, _NADIR_WOBBLE_DEG)
        if tilts_deg is None
        else rng.uniform(tilts_deg[0] - 90, tilts_deg[1] - 90)
    )
    pose = Pose(
        yaw_deg=float(rng.uniform(0, 360)),
        pitch_deg=float(pitch_deg),
        roll_deg=float(rng.normal(0, 0.7)),
        height_m=float(rng.uniform(75, 120)),
    )
    return aim(
        world, scene, pose, camera=camera, number=number, moment=typical_moment(season), rng=rng
    )


def aim(
    world: World,
    scene: WorldPoint,
    pose: Pose,
    *,
    camera: Camera,
    number: int,
    moment: Moment,
    rng: np.random.Generator,
) -> Shot:
    """A photo that has a scene in its middle.

    Args:
        world: World that is flown over.
        scene: The ground point to look at.
        pose: Angles and height; the camera is put where it must be.
        camera: The pinhole.
        number: Number of the photo in its flight, from 0.
        moment: Season, sun and date of the flight.
        rng: Decides the drone's errors and its sensor.
    """
    at = _stand_for(world, scene, pose, camera)
    tilted = abs(pose.pitch_deg + 90) > _TILTED_FROM_DEG
    metadata = _metadata(world, number, pose, at, moment, tilted=tilted, rng=rng)
    lens = round(camera.focal_px * _DIAGONAL_35MM / math.hypot(camera.width_px, camera.height_px))
    metadata = replace(metadata, focal_35mm=lens)
    name = f"DJI_{number + 1:04d}.jpg"
    return Shot(name, camera, pose, at, moment, random_sensor(rng), metadata)


def _stand_for(world: World, scene: WorldPoint, pose: Pose, camera: Camera) -> WorldPoint:
    """Where a camera must be to have a scene in its middle: at once over flat ground."""
    at = scene
    for _ in range(_AIMS if world.relief else 1):
        middle = world.scene_of(camera, pose, at) or scene
        at = WorldPoint(at.x_m + scene.x_m - middle.x_m, at.y_m + scene.y_m - middle.y_m)
        if math.dist(scene, middle) < _ON_TARGET_M:
            break
    return at


def _metadata(
    world: World,
    number: int,
    pose: Pose,
    at: WorldPoint,
    moment: Moment,
    *,
    tilted: bool,
    rng: np.random.Generator,
) -> DroneMetadata:
    """Metadata that the drone records: a gimbal that points down says exactly -90."""
    drift_m = rng.normal(0, _POSITION_NOISE_M, 2)
    yaw_deg = (pose.heading_deg + rng.normal(0, _YAW_NOISE_DEG)) % 360
    pitch_deg = pose.pitch_deg + rng.normal(0, _PITCH_NOISE_DEG)
    return DroneMetadata(
        position=world.lonlat(WorldPoint(at.x_m + drift_m[0], at.y_m + drift_m[1])),
        rel_alt_m=(world.altitude_m(at) - BASE_ALTITUDE_M + pose.height_m)
        * (1 + rng.normal(0, _ALTITUDE_NOISE)),
        yaw_deg=yaw_deg if yaw_deg <= 180 else yaw_deg - 360,
        pitch_deg=pitch_deg if tilted else -90.0,
        roll_deg=0.0,
        timestamp=_timestamp(moment, number),
    )


def _timestamp(moment: Moment, number: int) -> str:
    """A day of the season in the year of the visit; photos follow each other by seven seconds."""
    month = {"spring": 4, "summer": 7, "autumn": 10, "winter": 1}[moment.season]
    hour = round(moment.sun_azimuth_deg / 15) % 24
    minute, second = divmod(7 * number, 60)
    return f"{2023 + moment.date // 4}:{month:02d}:17 {hour:02d}:{minute % 60:02d}:{second:02d}"
