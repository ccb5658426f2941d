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
_SLIVER = 1e-7  # of a cell: a way through less of it is none


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
        points = rays.at(self._march(rays, *self._within(rays)))
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

    def _march(self, rays: _Rays, start: Float64Array, end: Float64Array) -> Float64Array:
        """The steps (N,) after which rays meet the ground; NaN for those that never do.

        High above the ground they go on as far as its steepest slope allows without meeting it,
        near it from one line of the grid to the next, between which it is a quadratic of the step.
        """
        met = np.full_like(start, np.nan)
        active = np.flatnonzero(np.isfinite(start))
        step, came_over_land = start[active], np.zeros(len(active), np.bool_)
        while len(active):
            clear_m = self._clearance_m(rays, active, step)
            # What comes out of a gap below the ground ended nobody knows where.
            ends = clear_m <= 0
            is_met = ends & (came_over_land | ((step == start[active]) & (clear_m > -_EXACT_M)))
            met[active[is_met]] = step[is_met]
            goes_on = ~ends & (step < end[active])
            active, step, clear_m = active[goes_on], step[goes_on], clear_m[goes_on]
            line = np.minimum(self._next_line(rays, active, step), end[active])
            free = step + self._free(rays, active, clear_m)
            is_clear = free >= line
            near = np.flatnonzero(~is_clear)
            root, is_land = self._meet_in_cell(rays, active[near], step[near], line[near])
            met[active[near]] = root
            came_over_land = is_clear.copy()
            came_over_land[near] = is_land
            step = np.where(is_clear, np.minimum(free, end[active]), line)
            goes_on = np.isnan(met[active])
            active, step, came_over_land = active[goes_on], step[goes_on], came_over_land[goes_on]
        return met

    def _clearance_m(self, rays: _Rays, active: Int64Array, step: Float64Array) -> Float64Array:
        """How high (N,) some rays are above the ground after some steps."""
        points = rays.at(step, active)
        return points[:, 2] - self._at(points[:, 0], points[:, 1])

    def _free(self, rays: _Rays, active: Int64Array, clear_m: Float64Array) -> Float64Array:
        """How far (N,) rays go on in any case without meeting the ground."""
        closing = rays.across[active] * self._steepest - rays.directions[active, 2]
        free = np.where(closing > 0, clear_m / np.maximum(closing, _LEVEL), np.inf)
        return np.asarray(0.999 * np.nan_to_num(free, nan=0.0, posinf=np.inf), np.float64)

    def _next_line(self, rays: _Rays, active: Int64Array, step: Float64Array) -> Float64Array:
        """The steps (N,) at which rays cross the next line of the grid; infinite if upright."""
        way = rays.directions[active, :2] / self.cell_m
        first = (rays.origin_m[:2] - (self.west_m, self.north_m)) / self.cell_m
        now = first + way * step[:, None]
        ahead = np.where(way > 0, np.floor(now + _SLIVER) + 1, np.ceil(now - _SLIVER) - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = np.where(np.abs(way) > _LEVEL, (ahead - first) / way, np.inf)
        return np.asarray(crossing.min(1), np.float64)

    def _meet_in_cell(
        self, rays: _Rays, active: Int64Array, step: Float64Array, line: Float64Array
    ) -> tuple[Float64Array, Mask]:
        """The steps (N,) at which rays meet the ground on their way through a cell, else NaN.

        And whether the ground is known there. The quadratic goes through three places inside the
        cell: on its edge its neighbour counts, which may be a gap.
        """
        length = line - step
        low, middle, high = (
            self._clearance_m(rays, active, step + share * length) for share in (0.25, 0.5, 0.75)
        )
        a, b = 8 * (low - 2 * middle + high), 2 * (high - low)
        with np.errstate(divide="ignore", invalid="ignore"):
            q = -(b + np.copysign(np.sqrt(b * b - 4 * a * middle), b)) / 2
            roots = np.stack([q / a, middle / q])
        roots[~(np.abs(roots) <= 0.5 + _SLIVER)] = np.inf
        first = roots.min(0)
        return np.where(np.isfinite(first), step + (first + 0.5) * length, np.nan), np.isfinite(low)


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
