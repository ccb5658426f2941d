"""A photo over the ground: where its pixels lie, and which pixel shows a place.

Pixels are those of the upright photo, places are metres in the frame of its camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from geoloc.arrays import Float64Array, Mask
from geoloc.errors import PhotoError
from geoloc.geometry.camera import rotation
from geoloc.geometry.ground import FLAT_GROUND, Ground
from geoloc.geometry.lens import PINHOLE, Lens, lens_of
from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import SolvedCamera, solved_camera
from geoloc.terrain.terrain import Terrain

_STEPS_AN_EDGE = 48
_AHEAD_M = 1e-6
# A polynomial of distortion means nothing outside of the photo, and often folds back into it.
_FIELD_SLACK = 1.02


@dataclass(frozen=True, eq=False)
class PhotoView:
    """A photo over the ground.

    Attributes:
        solved: Its camera.
        ground: Ground in the camera's frame.
        lens: Distortion of its lens.
        reach_m: Level distance from the camera beyond which nothing is taken.
    """

    solved: SolvedCamera
    ground: Ground
    lens: Lens
    reach_m: float

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the photo."""
        return self.solved.camera.width_px, self.solved.camera.height_px

    @cached_property
    def origin_m(self) -> Float64Array:
        """Where the camera is (3,): so high above the ground below it as its row says."""
        below_m = float(self.ground.heights_m(np.zeros((1, 2)))[0])
        below_m = below_m if math.isfinite(below_m) else 0.0
        return np.array([0.0, 0.0, below_m + self.solved.pose.height_m])

    @property
    def tilt_deg(self) -> float:
        """Angle between straight down and the optical axis, degrees."""
        return math.degrees(math.acos(float(np.clip(-self._to_ground[2, 2], -1, 1))))

    def pixels_of(self, points_m: Float64Array) -> Float64Array:
        """The pixels (N, 2) that show points (N, 3); NaN behind the camera and far off the photo.

        Whether something hides them is not asked.
        """
        # Row by row: a block has a quarter of a million places.
        right, down, ahead = self._to_ground.T @ (points_m.T - self.origin_m[:, None])
        ahead[ahead <= _AHEAD_M] = np.nan
        x, y = right / ahead, down / ahead
        if self.lens is not PINHOLE:
            x[x * x + y * y > self._field_square] = np.nan
            x, y = self.lens.distorted(np.stack([x, y]).T).T
        camera = self.solved.camera
        pixels = np.empty((2, len(points_m)))
        pixels[0] = x * camera.focal_px + camera.width_px / 2
        pixels[1] = y * camera.focal_px + camera.height_px / 2
        return pixels.T

    def directions(self, pixels: Float64Array) -> Float64Array:
        """Directions (N, 3) in which pixels (N, 2) look, on the ground's axes, of any length."""
        camera = self.solved.camera
        middle = np.array([camera.width_px / 2, camera.height_px / 2])
        plane = self.lens.undistorted((pixels - middle) / camera.focal_px)
        return np.column_stack([plane, np.ones(len(plane))]) @ self._to_ground.T

    def ground_at(self, pixels: Float64Array) -> Float64Array:
        """Points (N, 3) of the ground that pixels (N, 2) show; NaN for the sky and past reach."""
        points = self.ground.meet(self.origin_m, self.directions(pixels))
        points[~(np.hypot(points[:, 0], points[:, 1]) <= self.reach_m)] = np.nan
        return points

    def inside(self, pixels: Float64Array) -> Mask:
        """Which pixels (N, 2) are of the photo (N,)."""
        width, height = self.size_px
        x, y = pixels[:, 0], pixels[:, 1]
        return np.asarray((x >= 0) & (y >= 0) & (x <= width) & (y <= height))

    def outline(self) -> Float64Array:
        """The ground that the photo shows within reach: a polygon (M, 2) in metres, open.

        Raises:
            PhotoError: It shows none.
        """
        edge = self._edge()
        directions = self.directions(edge)
        across = np.hypot(directions[:, 0], directions[:, 1])
        rim = directions[:, :2] / np.maximum(across, 1e-12)[:, None] * self.reach_m
        met = self.ground.meet(self.origin_m, directions)[:, :2]
        away = np.hypot(met[:, 0], met[:, 1])
        # Past the horizon and past reach, the part within reach ends at a circle.
        is_far = (directions[:, 2] >= 0) | (away > self.reach_m)
        points = np.where(is_far[:, None], rim, met)
        inner = self.ground_at(self._lattice())[:, :2]
        if not np.isfinite(inner).any():
            raise PhotoError(
                f"it shows no ground within {self.reach_m:.0f} m of its camera "
                "(another reach, or a terrain that is known there, may help)"
            )
        if np.isfinite(points).all():
            return np.asarray(points, np.float64)
        known = np.vstack([points, inner])  # it looks past the edge of the known ground
        return np.asarray(known[np.isfinite(known).all(axis=1)], np.float64)

    def gsd_m(self) -> float:
        """Side of a pixel on the ground, metres: in the photo's middle, or its lower parts.

        The root of a pixel's area. Where the middle shows no ground within reach, the median of
        what does.
        """
        lattice = self._lattice()
        middle = np.array(self.size_px) / 2
        order = np.vstack([middle[None], lattice])
        steps = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, -0.5], [0.0, 0.5]])
        around = self.ground_at((order[:, None] + steps).reshape(-1, 2)).reshape(-1, 4, 3)
        sides = around[:, 1::2] - around[:, ::2]
        sides_m = np.sqrt(np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1))
        if math.isfinite(sides_m[0]):
            return float(sides_m[0])
        return float(np.nanmedian(sides_m))

    @cached_property
    def _to_ground(self) -> Float64Array:
        """Right, down and forward of the camera as columns (3, 3)."""
        return rotation(self.solved.pose)

    @cached_property
    def _field_square(self) -> float:
        """Square of the widest distance from the axis that the photo shows, on the image plane."""
        camera = self.solved.camera
        middle = np.array([camera.width_px / 2, camera.height_px / 2])
        plane = self.lens.undistorted((self._edge() - middle) / camera.focal_px)
        square = (plane**2).sum(axis=1)
        return float(square[np.isfinite(square)].max(initial=0.0)) * _FIELD_SLACK**2

    def _edge(self) -> Float64Array:
        """Places along the photo's edge (M, 2), pixels, clockwise from the upper left."""
        width, height = self.size_px
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        steps = np.arange(_STEPS_AN_EDGE)[None, :, None] / _STEPS_AN_EDGE
        following = np.roll(corners, -1, axis=0)
        return (corners[:, None] + steps * (following - corners)[:, None]).reshape(-1, 2)

    def _lattice(self) -> Float64Array:
        """Places all over the photo (N, 2), pixels."""
        width, height = self.size_px
        share = (np.arange(24) + 0.5) / 24
        columns, rows = np.meshgrid(share * width, share * height)
        return np.column_stack([columns.ravel(), rows.ravel()])


def photo_view(row: PhotoResult, *, reach: float, terrain: Terrain | None = None) -> PhotoView:
    """The view of a photo, from its row.

    Args:
        row: The row of the results.
        reach: Level distance that is taken, in flying heights.
        terrain: Heights of the ground; None, or where it knows nothing, is level ground.

    Raises:
        PhotoError: The row states no camera, or an unknown lens.
        RasterError: The terrain cannot be read.
    """
    solved = solved_camera(row)
    if solved is None:
        raise PhotoError("its row states no whole camera (heading, pitch_deg, ..., photo_height)")
    lens = lens_of(row.distortion)
    reach_m = reach * solved.pose.height_m
    relief = None if terrain is None else terrain.ground(solved.frame, reach_m)
    return PhotoView(solved, relief or FLAT_GROUND, lens, reach_m)
