"""The truth of a photo of the world: its camera, its scene and its footprint, over any relief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Camera, Pose, rotation
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.synthetic.world.flight import Shot
from geoloc.synthetic.world.world import World

_STEPS_PER_EDGE = 24


@dataclass(frozen=True)
class PhotoTruth:
    """What is true of a photo.

    Attributes:
        photo: File name.
        position: Where its camera was.
        altitude_m: Of the camera, above the sea.
        pose: Angles from true north, and height above the ground below the camera.
        hfov_deg: Angle from its left to its right edge.
        scene: Ground point in its middle; None when that is sky.
        scene_altitude_m: Altitude of the scene; None without one.
        footprint: (N, 2) degrees of the ground along its edge, clockwise from its upper left; what
            is sky, or farther than asked for, is left out.
    """

    photo: str
    position: LonLat
    altitude_m: float
    pose: Pose
    hfov_deg: float
    scene: LonLat | None
    scene_altitude_m: float | None
    footprint: Float64Array


def truth_of(world: World, shot: Shot, *, reach_m: float = 600.0) -> PhotoTruth:
    """The truth of a photo.

    Args:
        world: The world that it was taken in.
        shot: The photo.
        reach_m: Ground farther east, west, north or south of the camera is none of the footprint.
    """
    position, scene = world.lonlat(shot.at), world.scene_of(shot.camera, shot.pose, shot.at)
    ground = world.ground_around(shot.at, reach_m)
    origin = np.array([0.0, 0.0, shot.pose.height_m])
    seen = ground.meet(origin, _edge_rays(shot.camera, shot.pose))[:, :2]
    seen = seen[np.isfinite(seen).all(1)]
    seen = seen[(np.abs(seen) <= reach_m).all(1)]
    return PhotoTruth(
        photo=shot.name,
        position=position,
        altitude_m=world.altitude_m(shot.at) + shot.pose.height_m,
        pose=shot.pose,
        hfov_deg=shot.camera.hfov_deg,
        scene=None if scene is None else world.lonlat(scene),
        scene_altitude_m=None if scene is None else world.altitude_m(scene),
        footprint=LocalFrame(position).to_lonlat(seen),
    )


def _edge_rays(camera: Camera, pose: Pose) -> Float64Array:
    """Directions (N, 3) east, north and up of pixels along the edge of a photo."""
    corners = camera.corners()
    share = np.arange(_STEPS_PER_EDGE)[None, :, None] / _STEPS_PER_EDGE
    way = np.roll(corners, -1, axis=0) - corners
    edge = (corners[:, None] + share * way[:, None]).reshape(-1, 2)
    rays = np.column_stack([edge, np.ones(len(edge))]) @ np.linalg.inv(camera.matrix()).T
    return np.asarray(rays @ rotation(pose).T, np.float64)
