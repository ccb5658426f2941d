"""Panoramas and rings: equirectangular pictures around a camera, made from any street photo.

A ring is what a network of ground views takes in: an equirectangular picture 360 degrees wide with
true north in the middle column and azimuths growing to the right; its rows are even in elevation,
from the upper edge of its span down to the lower one. What the camera did not see is black. Pixel
centres lie at half steps, so the middle column of an odd width, or the seam between the two middle
ones, looks due north.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import Float32Array, Float64Array, RgbImage
from geoloc.geometry.camera import Camera, Pose, rotation
from geoloc.image_size import ImageSize

RingImage = RgbImage

# Columns that are repeated beyond the seam, so that a bilinear sample never reaches past them.
_SEAM_PX = 2
# Nearer to the camera's own plane than this a ray meets no pixel.
_AHEAD = 1e-6


def ring_from_panorama(
    pixels: RgbImage,
    panorama: Panorama,
    *,
    size: ImageSize,
    span_deg: tuple[float, float],
) -> RingImage:
    """The ring (rows, columns, 3) of a panorama (H, W, 3), north in its middle.

    Args:
        pixels: RGB, the whole sphere or a part of it.
        panorama: Its frame; heading, pitch and roll are undone.
        size: Size of the ring.
        span_deg: Elevations of the ring's lower and upper edge.
    """
    height, width = pixels.shape[:2]
    grid = directions_grid(panorama, ring_directions(size, span_deg))
    # The modulo put the outer half of the first column behind the last one.
    columns = np.where(
        grid.columns >= panorama.full_width_px - 0.5,
        grid.columns - panorama.full_width_px,
        grid.columns,
    )
    closed = width >= panorama.full_width_px - 1
    shrink = (
        size.width_px / panorama.full_width_px,
        size.height_px / (span_deg[1] - span_deg[0]) * 180 / panorama.full_height_px,
    )
    ring = _sample(pixels, SamplingGrid(columns, grid.rows), shrink=shrink, closed=closed)
    seen = (grid.rows >= -0.5) & (grid.rows <= height - 0.5)
    seen &= closed | (columns <= width - 0.5)
    return np.asarray(ring * seen[..., None], np.uint8)


def ring_from_photo(
    pixels: RgbImage,
    camera: Camera,
    *,
    azimuth_deg: float,
    pitch_deg: float,
    roll_deg: float,
    size: ImageSize,
    span_deg: tuple[float, float],
) -> RingImage:
    """The ring (rows, columns, 3) that a perspective photo (H, W, 3) fills in part.

    Args:
        pixels: RGB, upright, as large as `camera` states.
        camera: Camera of the photo.
        azimuth_deg: Where the photo's middle looks, clockwise from north.
        pitch_deg: How far it looks up.
        roll_deg: Positive when the camera's right side goes down.
        size: Size of the ring.
        span_deg: Elevations of the ring's lower and upper edge.
    """
    pose = Pose(azimuth_deg, pitch_deg, roll_deg, 0.0)
    right, down, ahead = np.moveaxis(ring_directions(size, span_deg) @ rotation(pose), -1, 0)
    depth = np.maximum(ahead, _AHEAD)
    columns = right / depth * camera.focal_px + camera.width_px / 2 - 0.5
    rows = down / depth * camera.focal_px + camera.height_px / 2 - 0.5
    seen = (ahead > _AHEAD) & (np.abs(columns + 0.5 - camera.width_px / 2) <= camera.width_px / 2)
    seen &= np.abs(rows + 0.5 - camera.height_px / 2) <= camera.height_px / 2
    grid = SamplingGrid(
        np.where(seen, columns, 0).astype(np.float32), np.where(seen, rows, 0).astype(np.float32)
    )
    shrink = (
        math.degrees(size.width_px / 360 / camera.focal_px),
        math.degrees(size.height_px / (span_deg[1] - span_deg[0]) / camera.focal_px),
    )
    ring = _sample(pixels, grid, shrink=shrink, closed=False)
    return np.asarray(ring * seen[..., None], np.uint8)


def roll_ring(ring: RingImage, turn_deg: float) -> RingImage:
    """The ring of the same surroundings turned clockwise: what lay north now lies at `turn_deg`.

    The turn is rounded to whole columns, so nothing is resampled.
    """
    return np.roll(ring, round(turn_deg / 360 * ring.shape[1]), axis=1)


def ring_directions(size: ImageSize, span_deg: tuple[float, float]) -> Float64Array:
    """Unit vectors (rows, columns, 3) east, north and up of a ring's pixel centres."""
    rows, columns = size.height_px, size.width_px
    bottom_deg, top_deg = span_deg
    azimuth = ((np.arange(columns) + 0.5) / columns - 0.5) * 2 * math.pi
    elevation = np.radians(top_deg - (np.arange(rows) + 0.5) / rows * (top_deg - bottom_deg))
    across = np.cos(elevation)[:, None]
    east, north = np.sin(azimuth)[None] * across, np.cos(azimuth)[None] * across
    up = np.broadcast_to(np.sin(elevation)[:, None], east.shape)
    return np.stack([east, north, up], axis=-1)


def panorama_span_deg(panorama: Panorama, height_px: int) -> tuple[float, float]:
    """Elevations of the lower and the upper edge of a panorama's image of `height_px` rows."""
    step_deg = 180 / panorama.full_height_px
    top_deg = 90 - panorama.top_px * step_deg
    return max(-90.0, top_deg - height_px * step_deg), min(90.0, top_deg)


def _sample(
    pixels: RgbImage,
    grid: SamplingGrid,
    *,
    shrink: tuple[float, float],
    closed: bool,
) -> RingImage:
    """The pixels at a grid: shrunk by areas first, so that nothing is skipped, then bilinear.

    Args:
        pixels: (H, W, 3).
        grid: Where to look, in pixels of the image.
        shrink: Columns and rows of the ring for each of the image's; above 1 is not enlarged.
        closed: Whether the last column meets the first.
    """
    height, width = pixels.shape[:2]
    small_size = tuple(
        max(1, round(side * min(1.0, share)))
        for side, share in zip((width, height), shrink, strict=True)
    )
    small = pixels
    if small_size != (width, height):
        small = cv2.resize(pixels, small_size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    columns = (grid.columns + 0.5) * (small_size[0] / width) - 0.5
    rows = (grid.rows + 0.5) * (small_size[1] / height) - 0.5
    if closed:
        small = np.take(small, np.arange(-_SEAM_PX, small_size[0] + _SEAM_PX), axis=1, mode="wrap")
        columns = columns + _SEAM_PX
    ring = cv2.remap(
        np.ascontiguousarray(small),
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(ring, np.uint8)


@dataclass(frozen=True)
class Panorama:
    """The frame of an equirectangular image, as GPano describes it.

    Attributes:
        full_width_px: Width of the whole sphere, 360 degrees.
        full_height_px: Height of the whole sphere, 180 degrees.
        left_px: Column of the whole sphere where the image begins.
        top_px: Row of the whole sphere where the image begins.
        heading_deg: Azimuth of the middle column of the whole sphere.
        pitch_deg: Elevation of the middle of the sphere; 0 when the panorama was levelled.
        roll_deg: Positive when its right side goes down.
    """

    full_width_px: int
    full_height_px: int
    left_px: int = 0
    top_px: int = 0
    heading_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    @classmethod
    def whole(cls, width_px: int, height_px: int, *, heading_deg: float = 0.0) -> Panorama:
        """The frame of an image that shows the whole sphere and is level."""
        return cls(width_px, height_px, heading_deg=heading_deg)

    def resized(self, factor: float) -> Panorama:
        """The same frame after the image was resized by `factor`."""
        return replace(
            self,
            full_width_px=round(self.full_width_px * factor),
            full_height_px=round(self.full_height_px * factor),
            left_px=round(self.left_px * factor),
            top_px=round(self.top_px * factor),
        )


class SamplingGrid(NamedTuple):
    """Where each pixel of a view lies in a panorama, as array indices (a centre is a whole number).

    Both are float32 (H, W), as `cv2.remap` takes them: `columns` run around the whole sphere, so
    they may lie beside a cropped image, as may `rows`.
    """

    columns: Float32Array
    rows: Float32Array


def perspective_grid(panorama: Panorama, camera: Camera, pose: Pose) -> SamplingGrid:
    """Where the pixels of a perspective view lie in a panorama; the height of `pose` is unused."""
    x, y = np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5)
    rays = np.stack([x - camera.width_px / 2, y - camera.height_px / 2], axis=-1) / camera.focal_px
    rays = np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1)
    return directions_grid(panorama, rays @ rotation(pose).T)


def directions_grid(panorama: Panorama, directions: Float64Array) -> SamplingGrid:
    """Where directions (H, W, 3) east, north and up, of any length, lie in a panorama."""
    sphere = rotation(Pose(panorama.heading_deg, panorama.pitch_deg, panorama.roll_deg, 0.0))
    right, down, ahead = np.moveaxis(directions @ sphere, -1, 0)
    turn = np.arctan2(right, ahead) / (2 * math.pi) + 0.5
    fall = np.arctan2(down, np.hypot(right, ahead)) / math.pi + 0.5
    columns = (turn * panorama.full_width_px - panorama.left_px - 0.5) % panorama.full_width_px
    rows = fall * panorama.full_height_px - panorama.top_px - 0.5
    return SamplingGrid(columns.astype(np.float32), rows.astype(np.float32))


def panorama_to_perspective(
    pixels: RgbImage, panorama: Panorama, *, camera: Camera, pose: Pose
) -> RgbImage:
    """A perspective view (H, W, 3) uint8 cut from a panorama (H, W, 3) uint8, bilinearly.

    The seam of a whole sphere is closed; pixels that a cropped panorama does not hold are black.
    """
    grid = perspective_grid(panorama, camera, pose)
    left, upper = np.floor(grid.columns).astype(int), np.floor(grid.rows).astype(int)
    right = (left + 1) % panorama.full_width_px
    highest, lowest = -panorama.top_px, panorama.full_height_px - panorama.top_px - 1
    rows = [np.clip(row, highest, lowest) for row in (upper, upper + 1)]
    x, y = (grid.columns - left)[..., None], (grid.rows - upper)[..., None]
    above, below = (
        (1 - x) * _texels(pixels, left, row) + x * _texels(pixels, right, row) for row in rows
    )
    return np.asarray(np.rint((1 - y) * above + y * below), np.uint8)


def _texels(pixels: RgbImage, columns: NDArray[np.int_], rows: NDArray[np.int_]) -> Float32Array:
    """The pixels (..., 3) at whole indices, black outside the image."""
    height, width = pixels.shape[:2]
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    values = pixels[np.where(inside, rows, 0), np.where(inside, columns, 0)]
    return np.asarray(values * inside[..., None], np.float32)
