"""Relief of a world: hills, a valley that winds through them, and terraces on a slope.

It is a function of the place, smooth but for the terraces' steps and without an edge, so that maps,
photos and elevation models all see the same ground.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from geoloc.arrays import Float64Array

# Altitude above the sea of a flat world, and of the middle of one with relief, metres.
BASE_ALTITUDE_M = 243.0

_HILLS = 9
_HILL_M = (170.0, 420.0)  # from one hill to the next
_VALLEY_M, _VALLEY_DEPTH = 55.0, 1.6  # half its width; its depth in those of hills
_WINDING_M, _WINDING_LENGTH_M = 25.0, 130.0
_TERRACES_M = 110.0  # radius of where they are
_STEP = 0.35  # height of a terrace in that of hills
_RISER = 0.3  # share of a terrace that is its step
_SAMPLE_M = 4.0
_MARCH_M, _MARCH_STEPS = 1.0, 128
_HALVINGS = 24


@dataclass(frozen=True)
class Relief:
    """The heights of a world's ground over its mean.

    Attributes:
        slope: Root mean square of the slope over the mapped square; 0.25 is 25 %.
        size_m: Side of the mapped square.
        seed: Decides where hills, valley and terraces lie.
    """

    slope: float
    size_m: float
    seed: int

    def heights_m(self, x_m: Float64Array, y_m: Float64Array) -> Float64Array:
        """Heights over the mean, metres, at world places of any shape; defined everywhere."""
        return self._scale * (self._shape(x_m, y_m) - self._mean)

    def height_m(self, x_m: float, y_m: float) -> float:
        """The height over the mean at one place, metres."""
        return float(self.heights_m(np.array([x_m]), np.array([y_m]))[0])

    def meet(self, origin_m: Float64Array, direction: Float64Array, reach_m: float) -> float | None:
        """How far a ray goes until it first meets the ground; None if not within reach.

        Args:
            origin_m: (3,) world x, y, and the height over the mean, above the ground.
            direction: (3,) of any length, in the same axes.
            reach_m: How far it is followed.

        Returns:
            The number of `direction`s to the ground.
        """
        stride = _MARCH_M / float(np.linalg.norm(direction))
        for first in range(0, math.ceil(reach_m / _MARCH_M), _MARCH_STEPS):
            steps = stride * np.arange(first, first + _MARCH_STEPS + 1, dtype=np.float64)
            under = np.flatnonzero(self._clearance(origin_m, direction, steps) <= 0)
            if len(under):
                return self._settle(origin_m, direction, float(steps[under[0]]), stride)
        return None

    def _settle(
        self, origin_m: Float64Array, direction: Float64Array, under: float, stride: float
    ) -> float:
        """The step at which a ray meets the ground, within a stride before one below it."""
        low, high = under - stride, under
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            is_above = self._clearance(origin_m, direction, np.array([middle]))[0] > 0
            low, high = (middle, high) if is_above else (low, middle)
        return high

    def _clearance(
        self, origin_m: Float64Array, direction: Float64Array, steps: Float64Array
    ) -> Float64Array:
        """How high (N,) a ray is above the ground after some steps."""
        x, y, z = origin_m[:, None] + direction[:, None] * steps
        return np.asarray(z - self.heights_m(x, y), np.float64)

    @cached_property
    def _waves(self) -> Float64Array:
        """Hills (N, 4): turns a metre to the east and to the north, phase, height."""
        rng = np.random.default_rng([self.seed, 30])
        length_m = rng.uniform(*_HILL_M, _HILLS)
        way, phase = rng.uniform(0, 2 * math.pi, (2, _HILLS))
        turn = 2 * math.pi / length_m
        height = length_m / np.mean(_HILL_M) / math.sqrt(_HILLS / 2)
        return np.column_stack([turn * np.cos(way), turn * np.sin(way), phase, height])

    @cached_property
    def _places(self) -> tuple[Float64Array, float, Float64Array]:
        """A place in the valley, the direction in which it runs, and the middle of the terraces."""
        rng = np.random.default_rng([self.seed, 31])
        valley, terraces = rng.uniform(0.3, 0.7, 2), rng.uniform(0.25, 0.75, 2)
        return valley * self.size_m, float(rng.uniform(0, math.pi)), terraces * self.size_m

    def _shape(self, x_m: Float64Array, y_m: Float64Array) -> Float64Array:
        """Heights in those of a hill."""
        x, y = np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
        hills = np.zeros(np.broadcast(x, y).shape)
        for east, north, phase, height in self._waves:
            hills += height * np.cos(east * x + north * y + phase)
        valley, way, terraces = self._places
        along = (x - valley[0]) * math.cos(way) + (y - valley[1]) * math.sin(way)
        across = (y - valley[1]) * math.cos(way) - (x - valley[0]) * math.sin(way)
        across += _WINDING_M * np.sin(along / _WINDING_LENGTH_M)
        ground = hills - _VALLEY_DEPTH * np.exp(-((across / _VALLEY_M) ** 2))
        away = ((x - terraces[0]) ** 2 + (y - terraces[1]) ** 2) / _TERRACES_M**2
        return np.asarray(ground + np.exp(-(away**2)) * (_terraced(ground) - ground), np.float64)

    @cached_property
    def _sample(self) -> Float64Array:
        places = np.arange(0.0, self.size_m, _SAMPLE_M)
        return self._shape(places[None], places[:, None])

    @cached_property
    def _mean(self) -> float:
        return float(self._sample.mean())

    @cached_property
    def _scale(self) -> float:
        """Metres for the height of a hill, so that the slopes are as wanted."""
        down, across = np.gradient(self._sample, _SAMPLE_M)
        return self.slope / math.sqrt(float((down**2 + across**2).mean()))


def _terraced(ground: Float64Array) -> Float64Array:
    """Heights as level steps with a riser in the middle between two."""
    level = np.floor(ground / _STEP)
    share = np.clip((ground / _STEP - level - 0.5) / _RISER + 0.5, 0, 1)
    return np.asarray(_STEP * (level + share * share * (3 - 2 * share)), np.float64)
