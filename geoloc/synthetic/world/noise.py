"""Smooth noise that depends only on the place, so that every window of the world agrees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import Float32Array


@dataclass(frozen=True)
class Window:
    """A rectangle of the world seen as pixels; row 0 is its north edge.

    Attributes:
        left_m: Its west edge in metres of the world.
        top_m: Its north edge.
        gsd_m: Side of a pixel.
        width_px: Columns.
        height_px: Rows.
    """

    left_m: float
    top_m: float
    gsd_m: float
    width_px: int
    height_px: int

    def grown(self, margin_px: int) -> Window:
        """The window with a margin of pixels on all sides."""
        return Window(
            self.left_m - margin_px * self.gsd_m,
            self.top_m + margin_px * self.gsd_m,
            self.gsd_m,
            self.width_px + 2 * margin_px,
            self.height_px + 2 * margin_px,
        )

    def part(self, col: int, row: int, width_px: int, height_px: int) -> Window:
        """A window of some of its pixels."""
        return Window(
            self.left_m + col * self.gsd_m,
            self.top_m - row * self.gsd_m,
            self.gsd_m,
            width_px,
            height_px,
        )

    def xs_m(self) -> Float32Array:
        """World x of the pixel centres of a row (width,)."""
        return (self.left_m + (np.arange(self.width_px) + 0.5) * self.gsd_m).astype(np.float32)

    def ys_m(self) -> Float32Array:
        """World y of the pixel centres of a column (height,)."""
        return (self.top_m - (np.arange(self.height_px) + 0.5) * self.gsd_m).astype(np.float32)


def smooth_noise(window: Window, spacing_m: float, seed: int) -> Float32Array:
    """Noise (height, width) of mean 0 and standard deviation about 1, smooth below a spacing.

    Random values on a lattice of the world, hashed from their place, joined by cubics.
    """
    first_col = int(np.floor(window.left_m / spacing_m)) - 2
    first_row = int(np.floor(-window.top_m / spacing_m)) - 2
    cols = int(np.ceil(window.width_px * window.gsd_m / spacing_m)) + 5
    rows = int(np.ceil(window.height_px * window.gsd_m / spacing_m)) + 5
    values = _hashed(first_row, first_col, (rows, cols), seed)
    step = window.gsd_m / spacing_m
    start_x = (window.left_m + window.gsd_m / 2) / spacing_m - first_col
    start_y = (-window.top_m + window.gsd_m / 2) / spacing_m - first_row
    matrix = np.array([[step, 0, start_x], [0, step, start_y]], np.float64)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (window.width_px, window.height_px)
    return np.asarray(cv2.warpAffine(values, matrix, size, flags=flags), np.float32)


def _hashed(first_row: int, first_col: int, shape: tuple[int, int], seed: int) -> Float32Array:
    """A value for every lattice point from its place and a seed (PCG's output mix)."""
    rows = np.arange(first_row, first_row + shape[0], dtype=np.int64).astype(np.uint32)
    cols = np.arange(first_col, first_col + shape[1], dtype=np.int64).astype(np.uint32)
    salt = np.uint32((seed * 0x9E3779B9 + 0x7F4A7C15) & 0xFFFFFFFF)
    state = (rows * np.uint32(0x85EBCA6B))[:, None] ^ (cols * np.uint32(0xC2B2AE35))[None, :]
    state += salt
    state ^= state >> np.uint32(16)
    state *= np.uint32(0x7FEB352D)
    state ^= state >> np.uint32(15)
    state *= np.uint32(0x846CA68B)
    state ^= state >> np.uint32(16)
    # Uniform on +-2.2: after the cubic between lattice points the deviation is about 1.
    values = state.astype(np.float32)
    values *= np.float32(4.4 / 2**32)
    values -= np.float32(2.2)
    return values
