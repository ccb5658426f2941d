"""The plan of a town: streets that cut the ground into blocks, and a river or railway through it.

Blocks are found by cutting a square again and again along its long side, in small pieces near the
centre and in large ones outside, which gives streets of every direction and rank.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float64Array, Mask
from geoloc.synthetic.world import polygon as pg

_STREET_WIDTHS_M = (15.0, 12.0, 9.0, 9.0, 7.5)  # by rank, pavements included
_CENTRE_BLOCK_M2 = 5500.0
_OUTER_BLOCK_M2 = 26000.0


@dataclass(frozen=True)
class Street:
    """A straight street; its width includes the pavements on both sides."""

    start: Float64Array
    end: Float64Array
    width_m: float
    rank: int
    is_rural: bool


@dataclass(frozen=True)
class Block:
    """A convex piece of ground between streets, and how much of a town it is, in [0, 1]."""

    outline: Float64Array
    urbanity: float
    number: int


@dataclass(frozen=True)
class Course:
    """A curved line through the town: a river or a railway."""

    line: Float64Array
    width_m: float
    is_river: bool

    def is_clear(self, points: Float64Array, margin_m: float) -> Mask:
        """Which points (N, 2) keep a margin from its edge."""
        points = np.asarray(points).reshape(-1, 1, 2)
        near = np.linalg.norm(points - self.line[None], axis=2).min(1)
        return np.asarray(near > self.width_m / 2 + margin_m)


@dataclass(frozen=True)
class Plan:
    """Streets, blocks and the curved course of a town."""

    streets: list[Street]
    blocks: list[Block]
    course: Course


class Urbanity:
    """How urban the ground is: dense round one or two centres, fields outside."""

    def __init__(self, size_m: float, rng: np.random.Generator) -> None:
        self._centres = rng.uniform(0.25, 0.75, (2, 2)) * size_m
        self._reach_m = np.array([0.36, 0.22]) * size_m

    def at(self, point: Float64Array) -> float:
        """Urbanity of a point, in [0, 1]."""
        distance = np.linalg.norm(self._centres - point, axis=1)
        return float(np.exp(-0.5 * (distance / self._reach_m) ** 2).max())


def plan_town(size_m: float, margin_m: float, rng: np.random.Generator) -> Plan:
    """A plan of the square from 0 to `size_m`, and a margin around it, on both axes."""
    low, high = -margin_m, size_m + margin_m
    square = np.array([[low, low], [high, low], [high, high], [low, high]], np.float64)
    urbanity = Urbanity(size_m, rng)
    streets: list[Street] = []
    outlines: list[Float64Array] = []
    _cut(square, 0, urbanity, rng, (streets, outlines))
    blocks = [Block(o, urbanity.at(o.mean(0)), n) for n, o in enumerate(outlines)]
    return Plan(streets, blocks, _course(low, high, rng))


def _cut(
    outline: Float64Array,
    rank: int,
    urbanity: Urbanity,
    rng: np.random.Generator,
    found: tuple[list[Street], list[Float64Array]],
) -> None:
    """Cut a piece of ground in two until it is as small as a block; collect in `found`."""
    urban = urbanity.at(outline.mean(0))
    wanted_m2 = _OUTER_BLOCK_M2 + (_CENTRE_BLOCK_M2 - _OUTER_BLOCK_M2) * urban
    if pg.area_m2(outline) < wanted_m2 * rng.uniform(0.8, 1.7):
        found[1].append(outline)
        return
    long_rad = pg.longest_edge_rad(outline)
    centre, length_m, width_m = pg.extent(outline, long_rad)
    if width_m > length_m:
        long_rad += math.pi / 2
    shift_m = rng.uniform(-0.14, 0.14) * max(length_m, width_m)
    point = centre + shift_m * pg.axes(long_rad)[0]
    angle_rad = long_rad + math.pi / 2 + rng.normal(0, 0.16 if rank < 3 else 0.07)
    street_width_m = _STREET_WIDTHS_M[min(rank, len(_STREET_WIDTHS_M) - 1)]
    ends = pg.chord(outline, point, angle_rad)
    pieces = pg.split(outline, point, angle_rad, street_width_m)
    if ends is None or len(pieces) < 2:
        found[1].append(outline)
        return
    middle = (ends[0] + ends[1]) / 2
    is_rural = rank > 1 and urbanity.at(middle) < 0.3
    found[0].append(Street(ends[0], ends[1], street_width_m, rank, is_rural))
    for piece in pieces:
        _cut(piece, rank + 1, urbanity, rng, found)


def _course(low_m: float, high_m: float, rng: np.random.Generator) -> Course:
    """A line that swings across the whole square, off its middle."""
    along = np.arange(low_m - 20, high_m + 20, 4.0)
    span_m = high_m - low_m
    is_river = bool(rng.random() < 0.5)
    swing_m = span_m * (0.06 if is_river else 0.03)
    phase = rng.uniform(0, 2 * np.pi, 2)
    middle_m = low_m + span_m * rng.choice([rng.uniform(0.2, 0.35), rng.uniform(0.65, 0.8)])
    across = (
        middle_m
        + swing_m * np.sin(2 * np.pi * along / (0.55 * span_m) + phase[0])
        + swing_m * 0.4 * np.sin(2 * np.pi * along / (0.21 * span_m) + phase[1])
        + rng.uniform(-0.25, 0.25) * (along - (low_m + high_m) / 2)
    )
    line = np.column_stack([along, across])
    return Course(line if rng.random() < 0.5 else line[:, ::-1].copy(), 11.0, is_river)
