"""Rectification: a photo warped to the ground as seen from above, to be compared with a map."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import Float64Array, Mask, RgbImage
from geoloc.geometry.camera import Camera, Pose, footprint, ground_homography, project

NADIR_DEG = -90.0
# Ground further away than this many flying heights is a smear of few pixels.
MAX_REACH = 2.6
# Larger views than this come from a height hypothesis that is far off.
_MAX_SIDE_PX = 4096


@dataclass(frozen=True)
class RectifiedPhoto:
    """A photo warped to the ground under a hypothesis of height and pitch, heading (or north) up.

    Attributes:
        pixels: (H, W, 3) uint8.
        valid: (H, W) bool, where the photo shows ground; None when everywhere.
        gsd_m: Metres a pixel of the view, if the height of the pose is right.
        to_photo: (3, 3), view pixels to pixels of the photo.
        centre_px: (2,) the photo's middle, in view pixels.
        camera: Camera of the photo.
        pose: Pose hypothesis; its yaw is zero, unless the view's up is the north.
    """

    pixels: RgbImage
    valid: Mask | None
    gsd_m: float
    to_photo: Float64Array
    centre_px: Float64Array
    camera: Camera
    pose: Pose

    @property
    def reach_px(self) -> float:
        """Distance from the photo's middle to the farthest corner of the view, in pixels."""
        height, width = self.pixels.shape[:2]
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
        return float(np.hypot(*(corners - self.centre_px).T).max())


def rectify(
    photo: RgbImage, camera: Camera, pose: Pose, *, gsd_m: float, north_up: bool = False
) -> RectifiedPhoto | None:
    """The view from above of a photo (H, W, 3); None when the pose shows no ground.

    Args:
        photo: Upright pixels, as large as `camera` states.
        camera: Camera of the photo.
        pose: Pose hypothesis; its yaw is ignored, the view's up is the photo's heading.
        gsd_m: Metres a pixel of the view.
        north_up: Whether the yaw counts after all, and the view's up is the north.
    """
    pose = Pose(pose.yaw_deg if north_up else 0.0, pose.pitch_deg, pose.roll_deg, pose.height_m)
    outline = footprint(camera, pose, max_distance_m=MAX_REACH * pose.height_m)
    if len(outline) == 0:
        return None
    low, high = outline.min(axis=0), outline.max(axis=0)
    width, height = (max(16, round(float(side))) for side in (high - low) / gsd_m)
    if max(width, height) > _MAX_SIDE_PX:
        return None
    view_to_ground = np.array([[gsd_m, 0, low[0]], [0, -gsd_m, high[1]], [0, 0, 1.0]])
    ground_to_photo = np.linalg.inv(ground_homography(camera, pose))
    to_photo = ground_to_photo @ view_to_ground
    middle = np.array([[camera.width_px / 2, camera.height_px / 2]])
    centre = project(np.linalg.inv(to_photo / _sign(to_photo, width, height)), middle)[0]
    if not np.isfinite(centre).all():
        return None
    pixels = _warp(photo, to_photo, width, height)
    valid = _valid(camera, to_photo, (height, width), outline, view_to_ground)
    return RectifiedPhoto(
        pixels, None if valid.all() else valid, gsd_m, to_photo, centre, camera, pose
    )


def _sign(to_photo: Float64Array, width: int, height: int) -> float:
    """The sign that makes the third coordinate positive in the middle of the view."""
    return float(np.sign(to_photo[2] @ np.array([width / 2, height / 2, 1.0]))) or 1.0


def _warp(photo: RgbImage, to_photo: Float64Array, width: int, height: int) -> RgbImage:
    """Sample the photo without aliasing: shrunk by areas first, then warped bilinearly."""
    middle = project(
        to_photo / _sign(to_photo, width, height),
        np.array([[width / 2, height / 2], [width / 2 + 1, height / 2]]),
    )
    shrink = min(1.0, 1 / max(1e-6, float(np.hypot(*(middle[1] - middle[0])))))
    size = (max(1, round(photo.shape[1] * shrink)), max(1, round(photo.shape[0] * shrink)))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    scale = np.diag([size[0] / photo.shape[1], size[1] / photo.shape[0], 1.0])
    # OpenCV's pixel centres are whole numbers, ours lie at a half.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    matrix = np.linalg.inv(half) @ scale @ to_photo @ half
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(small, matrix, (width, height), flags=flags), np.uint8)


def _valid(
    camera: Camera,
    to_photo: Float64Array,
    shape: tuple[int, int],
    outline: Float64Array,
    view_to_ground: Float64Array,
) -> Mask:
    """Where the view lies inside the photo's outline on the ground."""
    corners = project(np.asarray(np.linalg.inv(view_to_ground), np.float64), outline)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(corners - 0.5).astype(np.int32)], 1)
    return mask.astype(bool)
