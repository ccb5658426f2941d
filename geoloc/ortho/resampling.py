"""The pixels of a warped photo, block by block: each looks where the photo shows its ground.

So memory is that of the decoded photo and of one block, whatever the size of the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from geoloc.arrays import AnyArray, ByteArray, Float64Array, Mask, RgbImage
from geoloc.geometry.ground import FLAT_GROUND
from geoloc.ortho.grid import WarpGrid
from geoloc.ortho.view import PhotoView

BLOCK_PX = 512
# Between so many places a side the CRS is transformed exactly, else bilinearly: to a hundredth of
# a pixel even at a metre a pixel.
_NODES = 9
# Every so many pixels a ray asks whether something stands before the ground.
_RAY_STEP_PX = 8
# So much shorter than the way to the ground a ray has to be to have met something else first.
_HIDDEN_SHARE, _HIDDEN_M = 0.01, 1.0
# Beside what a block shows of the photo: for the kernel, and so that edges are found alike.
_MARGIN_PX = 4
# Every so many rows and columns the steps between neighbours are looked at.
_STEP_SAMPLE = 16
# OpenCV addresses no more columns or rows of a source.
_MOST_SOURCE_PX = 32_000


class Block(NamedTuple):
    """A block of the warped photo.

    Attributes:
        column: Its first column.
        row: Its first row.
        rgb: (H, W, 3) uint8.
        alpha: (H, W) uint8, 255 where the photo shows the ground, else 0.
    """

    column: int
    row: int
    rgb: RgbImage
    alpha: ByteArray


@dataclass(frozen=True, eq=False)
class Resampler:
    """A photo that is resampled on a grid of the ground.

    Attributes:
        view: The photo over the ground.
        grid: The grid.
        pixels: (H, W, 3) uint8, the upright photo, in its own size or reduced.
    """

    view: PhotoView
    grid: WarpGrid
    pixels: RgbImage

    def blocks(self) -> Iterator[Block | None]:
        """All blocks, row by row; None for each that shows nothing."""
        for row in range(0, self.grid.height_px, BLOCK_PX):
            for column in range(0, self.grid.width_px, BLOCK_PX):
                yield self.block(column, row)

    def block(self, column: int, row: int) -> Block | None:
        """The block whose first pixel is at a column and a row; None if it shows nothing."""
        width = min(BLOCK_PX, self.grid.width_px - column)
        height = min(BLOCK_PX, self.grid.height_px - row)
        nodes = self._nodes(column, row, width, height)
        if self._is_outside(nodes):
            return None
        points = self._points(nodes, width, height)
        pixels = self.view.pixels_of(points)
        seen = self.view.inside(pixels) & np.isfinite(points[:, 2])
        seen &= np.hypot(points[:, 0], points[:, 1]) <= self.view.reach_m
        if not seen.any():
            return None
        shown = seen.reshape(height, width)
        if self.view.ground is not FLAT_GROUND:
            shown &= ~self._hidden(points.reshape(height, width, 3))
        rgb = self._sample(pixels.T.reshape(2, height, width), shown)
        return Block(column, row, rgb, np.where(shown, np.uint8(255), np.uint8(0)))

    def _nodes(self, column: int, row: int, width: int, height: int) -> Float64Array:
        """Metres (_NODES, _NODES, 2) in the camera's frame of places across a block."""
        columns = np.linspace(column, column + width - 1, _NODES)
        rows = np.linspace(row, row + height - 1, _NODES)
        xy = self.grid.centres(columns, rows)
        frame = self.view.solved.frame
        return frame.from_crs(self.grid.crs, xy[:, 0], xy[:, 1]).reshape(_NODES, _NODES, 2)

    def _is_outside(self, nodes: Float64Array) -> bool:
        """Whether a block surely shows nothing: all of it lies past one edge of the photo."""
        xy = nodes.reshape(-1, 2)
        heights = self.view.ground.heights_m(xy)
        if not np.isfinite(heights).all():
            return False
        pixels = self.view.pixels_of(np.column_stack([xy, heights]))
        if not np.isfinite(pixels).all():
            return False
        slack = 0.25 * np.ptp(pixels, axis=0)  # relief between the nodes
        low, high = pixels.min(axis=0) - slack, pixels.max(axis=0) + slack
        return bool((high < 0).any() or (low > np.array(self.view.size_px)).any())

    def _points(self, nodes: Float64Array, width: int, height: int) -> Float64Array:
        """The ground (height * width, 3) at the pixels of a block; z is NaN where unknown."""
        down, across = _weights(height), _weights(width).T
        points = np.empty((3, height * width))
        for axis in (0, 1):
            points[axis] = (down @ nodes[..., axis] @ across).ravel()
        points[2] = self.view.ground.heights_m(points[:2].T)
        return points.T

    def _hidden(self, points: Float64Array) -> Mask:
        """Where (H, W) something stands between the camera and the ground (H, W, 3)."""
        height, width = points.shape[:2]
        some = points[::_RAY_STEP_PX, ::_RAY_STEP_PX]
        rays = (some - self.view.origin_m).reshape(-1, 3)
        met = self.view.ground.meet(self.view.origin_m, np.nan_to_num(rays))
        way, clear = np.linalg.norm(rays, axis=1), np.linalg.norm(met - self.view.origin_m, axis=1)
        with np.errstate(invalid="ignore"):
            hidden = way - clear > _HIDDEN_SHARE * way + _HIDDEN_M
        share = hidden.reshape(some.shape[:2]).astype(np.float32)
        if not share.any():
            return np.zeros((height, width), bool)
        return np.asarray(cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5)

    def _sample(self, pixels: Float64Array, shown: Mask) -> RgbImage:
        """The photo's colours (H, W, 3) at its pixels (2, H, W), black where nothing is shown."""
        size = np.array(self.pixels.shape[1::-1])
        at = pixels * (size / np.array(self.view.size_px))[:, None, None]
        low = [float(np.min(side, where=shown, initial=np.inf)) for side in at]
        high = [float(np.max(side, where=shown, initial=-np.inf)) for side in at]
        first = np.maximum(np.floor(low) - _MARGIN_PX, 0).astype(int)
        last = np.minimum(np.ceil(high) + _MARGIN_PX, size).astype(int)
        source = self.pixels[first[1] : last[1], first[0] : last[0]]
        source, scale = _reduced(source, _reduction(at, shown, source))
        # OpenCV counts from the centre of the first pixel.
        x, y = ((at[n] - first[n]) * scale[n] - 0.5 for n in (0, 1))
        rgb = cv2.remap(
            source,
            x.astype(np.float32),
            y.astype(np.float32),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        rgb[~shown] = 0
        return np.asarray(rgb, np.uint8)


def _weights(count: int) -> Float64Array:
    """How much each of `count` pixels (count, _NODES) takes of the nodes across them, linearly."""
    place = np.linspace(0, _NODES - 1, count) if count > 1 else np.zeros(1)
    before = np.minimum(place.astype(int), _NODES - 2)
    weights = np.zeros((count, _NODES))
    rows = np.arange(count)
    weights[rows, before] = 1 - (place - before)
    weights[rows, before + 1] = place - before
    return weights


def _reduction(at: Float64Array, shown: Mask, source: AnyArray) -> int:
    """By what power of two the photo is to be reduced so that no pixel of it is passed over.

    Args:
        at: (2, H, W) where each pixel looks.
        shown: (H, W) which of them matter.
        source: The part of the photo that they look at.
    """
    some, here = at[:, ::_STEP_SAMPLE], shown[::_STEP_SAMPLE]
    across = np.abs(np.diff(some, axis=2)).max(axis=0)[here[:, 1:] & here[:, :-1]]
    some, here = at[:, :, ::_STEP_SAMPLE], shown[:, ::_STEP_SAMPLE]
    down = np.abs(np.diff(some, axis=1)).max(axis=0)[here[1:] & here[:-1]]
    steps = np.concatenate([across, down])
    step = float(np.median(steps)) if len(steps) else 1.0
    wanted = 2 ** math.floor(math.log2(max(step, 1.0)))
    needed = 2 ** math.ceil(math.log2(max(max(source.shape[:2]) / _MOST_SOURCE_PX, 1.0)))
    return int(max(wanted, needed))


def _reduced(source: RgbImage, reduction: int) -> tuple[RgbImage, Float64Array]:
    """A part of the photo reduced by the mean, and its new scale (2,) to both sides."""
    if reduction == 1:
        return source, np.ones(2)
    height, width = source.shape[:2]
    size = max(1, round(width / reduction)), max(1, round(height / reduction))
    small = np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, np.array([size[0] / width, size[1] / height])
