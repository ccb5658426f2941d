"""Camera fit to pairs of photo and ground points: similarity by RANSAC, then space resection."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import Float64Array, Mask
from geoloc.geometry.camera import Camera, project
from geoloc.geometry.resection import Resection, resect

_RANSAC_ROUNDS = 2000


@dataclass(frozen=True)
class CameraFitParameters:
    """Which pairs of points agree with a camera, and how many must."""

    # Distance on the ground at which a pair still agrees with a fit.
    inlier_m: float = 2.5
    # The second fit takes the pairs within so many times that distance of the first.
    refit_reach: float = 1.6
    min_pairs: int = 8


CAMERA_FIT = CameraFitParameters()


@dataclass(frozen=True)
class PointPairs:
    """Points of a photo and where they lie on the ground.

    Attributes:
        photo_px: (N, 2) float64, pixels of the photo.
        ground_m: (N, 2) float64, metres in the region's frame.
    """

    photo_px: Float64Array
    ground_m: Float64Array

    def select(self, which: Mask) -> PointPairs:
        """Some of the pairs."""
        return PointPairs(self.photo_px[which], self.ground_m[which])

    def misfit_m(self, fit: Resection) -> Float64Array:
        """Distance (N,) of each ground point from where a fit puts its photo point."""
        return np.asarray(np.hypot(*(project(fit.homography, self.photo_px) - self.ground_m).T))


@dataclass(frozen=True)
class Similarity:
    """A similarity transform of the plane, and the points that agree with it.

    Attributes:
        matrix: (2, 3) float64, rotation times scale, and shift.
        is_inlier: (N,) bool, which of the points agree.
    """

    matrix: Float64Array
    is_inlier: Mask

    @property
    def scale(self) -> float:
        """Target units per source unit."""
        return math.hypot(self.matrix[0, 0], self.matrix[1, 0])

    @property
    def turn_deg(self) -> float:
        """Rotation, counter-clockwise where the second axis points up."""
        return math.degrees(math.atan2(self.matrix[1, 0], self.matrix[0, 0]))


def fit_similarity(
    source: Float64Array, target_m: Float64Array, parameters: CameraFitParameters
) -> Similarity | None:
    """The similarity that takes most points to their targets; None when too few agree.

    Args:
        source: (N, 2) points in any unit, the second axis up.
        target_m: (N, 2) metres, near zero: OpenCV computes in float32.
        parameters: How near is near enough, and how many points must agree.
    """
    if len(source) < parameters.min_pairs:
        return None
    matrix, inside = cv2.estimateAffinePartial2D(
        source,
        target_m,
        method=cv2.RANSAC,
        ransacReprojThreshold=parameters.inlier_m,
        maxIters=_RANSAC_ROUNDS,
    )
    if matrix is None or inside.sum() < parameters.min_pairs:  # type: ignore[redundant-expr, unused-ignore]
        return None
    return Similarity(np.asarray(matrix, np.float64), inside.ravel().astype(bool))


def refit(
    camera: Camera,
    pairs: PointPairs,
    fit: Resection,
    *,
    tilt_sd_deg: float,
    parameters: CameraFitParameters,
) -> Resection | None:
    """The camera fitted again, to the pairs near an earlier fit; None when they are too few.

    Args:
        camera: The photo's camera.
        pairs: All pairs, wrong ones too.
        fit: The earlier fit, which is also where this one starts.
        tilt_sd_deg: Standard deviation of the tilt around the earlier fit's.
        parameters: How near is near enough, and how many pairs must be.
    """
    near = pairs.misfit_m(fit) < parameters.refit_reach * parameters.inlier_m
    if near.sum() < parameters.min_pairs:
        return None
    inliers = pairs.select(near)
    return resect(camera, inliers.photo_px, inliers.ground_m, fit.camera, tilt_sd_deg=tilt_sd_deg)
