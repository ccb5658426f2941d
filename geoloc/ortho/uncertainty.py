"""How far a place that was read off a photo may be wrong: the camera's errors, moved to the ground.

Each error that the row states is put into the camera in turn, and the ground point of the pixel
looked up again; the errors are taken as independent, which a row does not tell otherwise. Where a
tilt and a shift stood for each other in the fit, the radius is too large rather than too small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import Attitude, Camera, attitude, pose_at
from geoloc.ortho.view import PhotoView
from geoloc.results.schema import PhotoResult

# The radius that holds 90 % of a normal spread, in standard deviations along its longer axis, by
# how many times shorter the other axis is: from 0 (a line) to 1 (a circle) in tenths.
_RADII_90 = (1.6449, 1.6480, 1.6573, 1.6739, 1.6992, 1.7371, 1.7915, 1.8625, 1.9472, 2.0424, 2.1460)
# A detector is right to a pixel or so.
_PIXEL_SD = 1.0
_RADIUS_90, _RADIUS_95 = 2.145966, 2.447747


def ground_radii_m(row: PhotoResult, view: PhotoView, pixels: Float64Array) -> Float64Array:
    """Radii (N,) that hold the true places of pixels (N, 2) 90 % of the time, metres.

    NaN where the row states no error of the position, or an error moves the pixel off the ground.

    Args:
        row: The photo's row.
        view: The photo over the ground.
        pixels: Pixels of the upright photo.
    """
    position_sd = _position_sd_m(row)
    if position_sd is None:
        return np.full(len(pixels), np.nan)
    covariance = np.tile(np.eye(2) * position_sd**2, (len(pixels), 1, 1))
    middle = view.ground_at(pixels)[:, :2]
    moved = [_difference(one, pixels, other, pixels, middle) for one, other in _erring(row, view)]
    steps = np.array([[_PIXEL_SD, 0.0], [0.0, _PIXEL_SD]])
    moved += [_difference(view, pixels - step, view, pixels + step, middle) for step in steps]
    for shift in moved:
        covariance += shift[:, :, None] * shift[:, None, :]
    return _radii_90(covariance)


def _position_sd_m(row: PhotoResult) -> float | None:
    """Standard deviation of the camera's position along one axis."""
    if row.ce90_m is not None:
        return row.ce90_m / _RADIUS_90
    return None if row.acc95_m is None else row.acc95_m / _RADIUS_95


def _erring(row: PhotoResult, view: PhotoView) -> Iterator[tuple[PhotoView, PhotoView]]:
    """For each error that the row states, the view with it taken away and added."""
    solved, camera = view.solved, view.solved.camera
    angles = attitude(solved.pose)
    names = ("heading_deg", "pitch_deg", "roll_deg")
    for name, sd in zip(names, (row.heading_sd, row.pitch_sd_deg, row.roll_sd_deg), strict=True):
        if sd:
            turned = [_turned(angles, name, change) for change in (-sd, sd)]
            poses = [pose_at(each, solved.pose.height_m) for each in turned]
            first, second = (replace(view, solved=replace(solved, pose=pose)) for pose in poses)
            yield first, second
    if row.height_sd_m:
        first, second = (
            replace(view, solved=replace(solved, pose=replace(solved.pose, height_m=height_m)))
            for height_m in (
                max(0.1, solved.pose.height_m - row.height_sd_m),
                solved.pose.height_m + row.height_sd_m,
            )
        )
        yield first, second
    if row.hfov_sd_deg:
        first, second = (
            replace(view, solved=replace(solved, camera=_zoomed(camera, change)))
            for change in (-row.hfov_sd_deg, row.hfov_sd_deg)
        )
        yield first, second


def _turned(angles: Attitude, name: str, change_deg: float) -> Attitude:
    return angles._replace(**{name: getattr(angles, name) + change_deg})


def _zoomed(camera: Camera, change_deg: float) -> Camera:
    hfov_deg = float(np.clip(camera.hfov_deg + change_deg, 0.1, 179.0))
    return Camera.from_hfov(camera.width_px, camera.height_px, hfov_deg)


def _difference(
    one: PhotoView,
    one_pixels: Float64Array,
    other: PhotoView,
    other_pixels: Float64Array,
    middle: Float64Array,
) -> Float64Array:
    """Half of what lies between two ground points (N, 2); where one is lost, up to the other."""
    before, after = one.ground_at(one_pixels)[:, :2], other.ground_at(other_pixels)[:, :2]
    half = (after - before) / 2
    half = np.where(np.isfinite(half), half, after - middle)
    return np.asarray(np.where(np.isfinite(half), half, middle - before), np.float64)


def _radii_90(covariance: Float64Array) -> Float64Array:
    """Radii (N,) of circles that hold 90 % of normal spreads (N, 2, 2)."""
    known = np.isfinite(covariance).all(axis=(1, 2))
    radii = np.full(len(covariance), np.nan)
    squares = np.linalg.eigvalsh(covariance[known]).clip(0)
    shorter, longer = np.sqrt(squares[:, 0]), np.sqrt(squares[:, 1])
    ratio = shorter / np.maximum(longer, 1e-12)
    radii[known] = longer * np.interp(ratio, np.linspace(0, 1, len(_RADII_90)), _RADII_90)
    return radii
