"""The ground under a camera: its heights over a local frame, and where rays meet it.

Flat at z = 0 here; `geoloc.geometry.terrain` has the one of an elevation model.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Camera, GroundCamera, footprint, rotation

# Edges of a footprint are cut into so many pieces to follow the ground.
_STEPS_AN_EDGE = 16


class Ground(Protocol):
    """Heights of the ground over a local frame, metres."""

    def heights_m(self, xy_m: Float64Array) -> Float64Array:
        """Heights (N,) of the ground at (N, 2) metres east and north; NaN where none is known."""

    def meet(self, origin_m: Float64Array, directions: Float64Array) -> Float64Array:
        """Points (N, 3) where rays first meet the ground; NaN where they never do.

        Args:
            origin_m: (3,) where they start, above the ground.
            directions: (N, 3) where they go, of any length.
        """


class FlatGround:
    """Level ground at z = 0, everywhere."""

    def heights_m(self, xy_m: Float64Array) -> Float64Array:
        """Zeros (N,)."""
        return np.zeros(len(xy_m))

    def meet(self, origin_m: Float64Array, directions: Float64Array) -> Float64Array:
        """Points (N, 3) where rays meet the plane; NaN for those that do not go down."""
        down = -np.asarray(directions, np.float64)[:, 2]
        steps = origin_m[2] / np.where(down > 1e-12, down, np.nan)
        points = origin_m + steps[:, None] * directions
        points[:, 2] = np.where(np.isfinite(steps), 0.0, np.nan)
        return np.asarray(points, np.float64)


FLAT_GROUND = FlatGround()


def points_on_ground(
    camera: Camera, placed: GroundCamera, photo_px: Float64Array, ground: Ground = FLAT_GROUND
) -> Float64Array:
    """Where points of a photo lie on the ground: (N, 3) metres; NaN for those in the sky.

    Args:
        camera: Lens and size of the photo.
        placed: Pose and place of the camera over the frame; its height is counted from z = 0.
        photo_px: (N, 2) pixels.
        ground: The ground.
    """
    middle = np.array([camera.width_px, camera.height_px]) / 2
    rays = np.column_stack([(photo_px - middle) / camera.focal_px, np.ones(len(photo_px))])
    origin = np.array([*placed.position, placed.pose.height_m])
    return ground.meet(origin, rays @ rotation(placed.pose).T)


def footprint_on_ground(
    camera: Camera, placed: GroundCamera, ground: Ground = FLAT_GROUND, *, reach_m: float
) -> Float64Array:
    """The ground that a photo shows: a polygon (M, 2) in metres of the frame, open.

    On level ground it is `geoloc.geometry.camera.footprint`. On other ground each of its points is
    the first that the ray to the level one meets; where nothing is known of the ground, it stays.

    Args:
        camera: Lens and size of the photo.
        placed: Pose and place of the camera over the frame.
        ground: The ground.
        reach_m: Ground farther away than this is drawn in to it.
    """
    level = footprint(camera, placed.pose, max_distance_m=reach_m)
    if len(level) == 0 or isinstance(ground, FlatGround):
        return np.asarray(level + np.array(placed.position))
    steps = np.linspace(0, 1, _STEPS_AN_EDGE, endpoint=False)[None, :, None]
    outline = (level[:, None] + steps * (np.roll(level, -1, axis=0) - level)[:, None]).reshape(
        -1, 2
    )
    height_m = placed.pose.height_m
    rays = np.column_stack([outline, np.full(len(outline), -height_m)])
    met = ground.meet(np.array([*placed.position, height_m]), rays)[:, :2] - placed.position
    away_m = np.hypot(*met.T)
    met *= np.minimum(1.0, reach_m / np.maximum(away_m, 1e-9))[:, None]
    return np.asarray(np.where(np.isfinite(met), met, outline) + np.array(placed.position))
