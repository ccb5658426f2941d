"""Ground with relief: a grid of heights over a local metric frame, and where rays first meet it.

Between its nodes the ground is bilinear. It is known where all four nodes around a place are, and
nowhere else: heights off the grid and in its gaps are NaN, and rays that leave it there meet
nothing. The frame is level; the curvature of the sea, 8 cm at a kilometre, is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from geoloc.arrays import Float64Array, Int64Array, Mask

_EXACT_M = 1e-9
_LEVEL = 1e-12
_ROUNDING_CELLS = 1e-9  # what lies that near the grid's edge lies on it


@dataclass(frozen=True, eq=False)
class TerrainGround:
    """A `geoloc.geometry.ground.Ground` with relief; safe in several threads.

    Attributes:
        grid_m: (R, C) heights above z = 0 of the frame, metres, the northernmost row first; NaN in
            gaps. Two rows and columns at least.
        west_m: Place of the first column in the frame, metres east.
        north_m: Place of the first row, metres north.
        cell_m: Distance between neighbouring nodes, metres.
        base_m: Altitude of z = 0 of the frame, metres: `base_m` plus a height is an altitude.
    """

    grid_m: Float64Array
    west_m: float
    north_m: float
    cell_m: float
    base_m: float = 0.0

    def heights_m(self, xy_m: Float64Array) -> Float64Array:
        """Heights (N,) of the ground at (N, 2) metres east and north; NaN where none is known."""
        xy = np.asarray(xy_m, np.float64).reshape(-1, 2)
        return self._at(xy[:, 0], xy[:, 1])

    def altitudes_m(self, xy_m: Float64Array) -> Float64Array:
        """Altitudes (N,) of the ground at (N, 2) metres east and north; NaN where none is known."""
        return self.heights_m(xy_m) + self.base_m

    def meet(self, origin_m: Float64Array, directions: Float64Array) -> Float64Array:
        """Points (N, 3) where rays first meet the ground; NaN where they never do.

        A ray passes over a gap; one that comes out of it below the ground ended inside it, which
        is no known place.

        Args:
            origin_m: (3,) where they start. Below the ground, they meet nothing.
            directions: (N, 3) where they go, of any length.
        """
        rays = _Rays.of(origin_m, directions)
        start, end = self._within(rays)
        before, after = self._march(rays, start, end)
        steps = self._halve(rays, before, after)
        points = rays.at(steps)
        points[:, 2] = self._at(points[:, 0], points[:, 1])
        points[~np.isfinite(points).all(1)] = np.nan
        return points

    @cached_property
    def _lowest_highest_m(self) -> tuple[float, float]:
        known = self.grid_m[np.isfinite(self.grid_m)]
        return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)

    @cached_property
    def _steepest(self) -> float:
        """The most that the ground rises over a metre: no cell is steeper than its edges."""
        most_m = [0.0, 0.0]
        for axis in (0, 1):
            steps_m = np.abs(np.diff(self.grid_m, axis=axis))
            most_m[axis] = float(steps_m[np.isfinite(steps_m)].max(initial=0.0))
        return math.hypot(*most_m) / self.cell_m

    def _at(self, x_m: Float64Array, y_m: Float64Array) -> Float64Array:
        """Heights of any shape at places of that shape."""
        rows, cols = self.grid_m.shape
        col, row = (x_m - self.west_m) / self.cell_m, (self.north_m - y_m) / self.cell_m
        inside = (np.abs(col - (cols - 1) / 2) <= (cols - 1) / 2 + _ROUNDING_CELLS) & (
            np.abs(row - (rows - 1) / 2) <= (rows - 1) / 2 + _ROUNDING_CELLS
        )
        left, upper = _cell_of(col, inside, cols), _cell_of(row, inside, rows)
        right_share, lower_share = np.where(inside, col - left, np.nan), row - upper
        at = upper * cols + left
        flat = self.grid_m.ravel()
        above = _between(flat[at], flat[at + 1], right_share)
        below = _between(flat[at + cols], flat[at + cols + 1], right_share)
        return np.asarray(_between(above, below, lower_share), np.float64)

    def _within(self, rays: _Rays) -> tuple[Float64Array, Float64Array]:
        """Where rays enter (N,) and leave (N,) the box around the ground; NaN if they miss it."""
        rows, cols = self.grid_m.shape
        low = [self.west_m, self.north_m - (rows - 1) * self.cell_m, self._lowest_highest_m[0]]
        high = [self.west_m + (cols - 1) * self.cell_m, self.north_m, self._lowest_highest_m[1]]
        slack = np.array([0.0, 0.0, 1e-6 * (1 + np.abs(low[2]) + np.abs(high[2]))])
        with np.errstate(divide="ignore", invalid="ignore"):
            one = (np.array(low) - slack - rays.origin_m) / rays.directions
            other = (np.array(high) + slack - rays.origin_m) / rays.directions
        # A ray along a side stays between it and the opposite one, or never is.
        level = np.abs(rays.directions) < _LEVEL
        is_in = (rays.origin_m >= np.array(low) - slack) & (rays.origin_m <= np.array(high) + slack)
        near = np.where(level, np.where(is_in, -np.inf, np.nan), np.minimum(one, other)).max(1)
        far = np.where(level, np.where(is_in, np.inf, np.nan), np.maximum(one, other)).min(1)
        near = np.maximum(near, 0.0)
        misses = ~(near <= far)
        near[misses], far[misses] = np.nan, np.nan
        return near, far

    def _march(
        self, rays: _Rays, start: Float64Array, end: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        """The steps (N,) between which rays go under, at most a cell apart; NaN if they never do.

        High above the ground they go on as far as its steepest slope allows without meeting it.
        """
        before, after = np.full_like(start, np.nan), np.full_like(start, np.nan)
        active = np.flatnonzero(np.isfinite(start))
        step, known = start[active], np.full(len(active), np.nan)
        while len(active):
            points = rays.at(step, active)
            clear_m = points[:, 2] - self._at(points[:, 0], points[:, 1])
            meets = clear_m <= 0
            # Without a step before it on known ground, it went under nobody knows where.
            seen = meets & np.isfinite(known)
            before[active[seen]], after[active[seen]] = known[seen], step[seen]
            first = meets & (step <= start[active]) & (np.abs(clear_m) < 1e-9)
            before[active[first]] = after[active[first]] = step[first]
            goes_on = ~meets & (step < end[active])
            known = np.where(np.isfinite(clear_m), step, np.nan)
            step = np.minimum(step + self._stride(rays, active, clear_m), end[active])
            active, step, known = active[goes_on], step[goes_on], known[goes_on]
        return before, after

    def _stride(self, rays: _Rays, active: Int64Array, clear_m: Float64Array) -> Float64Array:
        """How far rays go on in one step: a cell, or as far as they cannot meet the ground."""
        across = rays.across[active]
        cell = self.cell_m / np.maximum(across, _LEVEL)
        closing = across * self._steepest - rays.directions[active, 2]
        free = np.where(closing > 0, clear_m / np.maximum(closing, _LEVEL), np.inf)
        return np.fmax(cell, 0.999 * free)

    def _halve(self, rays: _Rays, before: Float64Array, after: Float64Array) -> Float64Array:
        """The steps (N,) at which rays meet the ground, by halving what lies between.

        What ends in a gap, between known ground and none, is NaN: its height is.
        """
        steps = np.full_like(before, np.nan)
        found = np.flatnonzero(np.isfinite(before))
        low, high = before[found], after[found]
        while len(found) and (high - low).max() > _EXACT_M:
            middle = (low + high) / 2
            points = rays.at(middle, found)
            above = points[:, 2] > self._at(points[:, 0], points[:, 1])
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        steps[found] = high
        return steps


@dataclass(frozen=True)
class _Rays:
    """Rays from one place.

    Attributes:
        origin_m: (3,) where they start.
        directions: (N, 3) where they go, of length 1.
        across: (N,) share of it that is level.
    """

    origin_m: Float64Array
    directions: Float64Array
    across: Float64Array

    @classmethod
    def of(cls, origin_m: Float64Array, directions: Float64Array) -> _Rays:
        directions = np.asarray(directions, np.float64).reshape(-1, 3)
        length = np.linalg.norm(directions, axis=1, keepdims=True)
        unit = directions / np.where(length > 0, length, np.nan)
        return cls(np.asarray(origin_m, np.float64), unit, np.hypot(unit[:, 0], unit[:, 1]))

    def at(self, steps: Float64Array, which: Int64Array | None = None) -> Float64Array:
        """Points (N, 3) of all rays, or of some, so many metres from their origin."""
        directions = self.directions if which is None else self.directions[which]
        return np.asarray(self.origin_m + steps[:, None] * directions, np.float64)


def _cell_of(place: Float64Array, inside: Mask, count: int) -> Int64Array:
    """Number of the node at or before a place; the last but one at the far edge."""
    return np.clip(np.where(inside, place, 0).astype(np.int64), 0, count - 2)


def _between(one: Float64Array, other: Float64Array, share: Float64Array) -> Float64Array:
    """Values that share of the way from one to the other; NaN if either is."""
    return np.asarray(one + share * (other - one), np.float64)
