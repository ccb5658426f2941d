"""Patches around keypoints: what a learned descriptor sees of them.

Each keypoint gives one small square in three widths, as three channels: its own neighbourhood and
more and more of what lies around it, all turned to the keypoint's angle and scaled to its size. A
wide, coarse look beside a narrow, fine one tells similar corners apart (central-surround, Zagoruyko
and Komodakis, CVPR 2015, section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import ByteArray, FloatArray, GreyImage

SIDE_PX = 32
# Sides of the three squares, in diameters of the keypoint. SIFT's own descriptor sees 6.
WIDTHS = (6.0, 12.0, 24.0)
_LEVELS = 6
_SMALLEST_PX = 8
# Coordinates of so many squares fit the caches; OpenCV's remap takes at most 32767 rows.
_CHUNK = 128


@dataclass(frozen=True)
class Pyramid:
    """A grey image (H, W) uint8 and its halves, so that nothing is sampled with gaps.

    A half keeps the even pixels, so that what is cut from it lies up to half of its pixels too far
    left and up: a third of a patch's pixel. Maps and photos share that, and so did training.
    """

    levels: tuple[GreyImage, ...]

    @classmethod
    def of(cls, grey: GreyImage) -> Pyramid:
        """The pyramid of an image."""
        levels = [np.ascontiguousarray(grey)]
        while len(levels) < _LEVELS and min(levels[-1].shape) >= 2 * _SMALLEST_PX:
            levels.append(np.asarray(cv2.pyrDown(levels[-1]), np.uint8))
        return cls(tuple(levels))


def cut_patches(
    pyramid: Pyramid, xy_px: FloatArray, size_px: FloatArray, angle_deg: FloatArray
) -> ByteArray:
    """The patches (N, 32, 32, 3) of keypoints; what lies outside the image is its mirror image.

    Args:
        pyramid: Pyramid of the image.
        xy_px: (N, 2) columns and rows in the corner convention.
        size_px: (N,) diameters.
        angle_deg: (N,) clockwise from the image's x axis; they become the patches' x axes.
    """
    planes = np.empty((len(WIDTHS), len(xy_px), SIDE_PX, SIDE_PX), np.uint8)
    if not len(xy_px):
        return np.moveaxis(planes, 0, -1)
    angle = np.radians(np.asarray(angle_deg, np.float32))
    axes = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for plane, width in zip(planes, WIDTHS, strict=True):
        side = np.asarray(width * np.asarray(size_px), np.float32)
        level = np.round(np.log2(np.maximum(side, 1) / SIDE_PX)).astype(int)
        level = level.clip(0, len(pyramid.levels) - 1)
        for number in np.unique(level):
            mine = np.flatnonzero(level == number)
            for start in range(0, len(mine), _CHUNK):
                some = mine[start : start + _CHUNK]
                share = np.float32(0.5**number)
                plane[some] = _squares(
                    pyramid.levels[number], xy_px[some] * share, side[some] * share, axes[some]
                )
    # OpenCV interleaves the widths quicker than NumPy.
    merged = np.asarray(cv2.merge(list(planes.reshape(len(WIDTHS), -1, SIDE_PX))), np.uint8)
    return merged.reshape(-1, SIDE_PX, SIDE_PX, len(WIDTHS))


def _squares(
    image: GreyImage, xy_px: FloatArray, side_px: FloatArray, axes: FloatArray
) -> ByteArray:
    """Turned squares (n, 32, 32) of one image, around points, with x axes (n, 2)."""
    steps = ((np.arange(SIDE_PX, dtype=np.float32) + 0.5) / SIDE_PX - 0.5)[None, :]
    along = side_px[:, None] * steps
    cosine, sine = axes[:, :1] * along, axes[:, 1:] * along
    # Columns run along the axis, rows across it; OpenCV's pixel centres are whole numbers.
    x = (xy_px[:, :1] - 0.5 + cosine)[:, None, :] - sine[:, :, None]
    y = (xy_px[:, 1:] - 0.5 + sine)[:, None, :] + cosine[:, :, None]
    sampled = cv2.remap(
        image,
        x.astype(np.float32, copy=False).reshape(len(x), -1),
        y.astype(np.float32, copy=False).reshape(len(y), -1),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(sampled, np.uint8).reshape(-1, SIDE_PX, SIDE_PX)
