"""Motion of a vehicle between two photos: how far it may have come, and what links two places.

The speed is learned from the places that are sure, so that walk and flight have one model; where
photos have no time, their numbers count in its place and what is learned is a way a number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float64Array


@dataclass(frozen=True)
class MotionParameters:
    """How a vehicle moves, and how far that may be believed."""

    # Two answers of one place differ by so much.
    place_sd_m: float = 25.0
    # Of drones that survey; of who walks, cycles or drives; and what none of them exceeds.
    drone_speed: float = 10.0
    street_speeds: tuple[float, ...] = (1.5, 5.0, 15.0)
    fastest_speed: float = 30.0
    # Ways between two street photos of which nothing but the numbers is known, metres.
    street_steps_m: tuple[float, ...] = (10.0, 40.0)
    # So many pairs of sure places, and so many fold their usual speed, say what a track's is.
    least_pairs: int = 3
    allowance: float = 1.5
    # One link in so many is wrong, and says nothing.
    wrong: float = 0.01
    # A link counts for at most so much, however large the map: beyond, a photo's own evidence has
    # to say more.
    largest_ratio: float = 100.0
    # A photo is looked for within so many standard deviations of its neighbours.
    reach_sd: float = 3.0


MOTION = MotionParameters()


@dataclass(frozen=True)
class Motion:
    """How one vehicle moves.

    Attributes:
        speed: Standard deviation of the way in a unit of the clock, metres in each direction.
        area_m2: Area of the map, square metres: what a place that nothing is known of lies on.
        parameters: How far that may be believed.
    """

    speed: float
    area_m2: float
    parameters: MotionParameters = MOTION

    def sd_m(self, duration: float) -> float:
        """Standard deviation of the way of a duration, metres in each direction."""
        return math.hypot(self.parameters.place_sd_m, self.speed * abs(duration))

    def reach_m(self, duration: float) -> float:
        """Distance within which a vehicle is looked for after a duration, metres."""
        return self.parameters.reach_sd * self.sd_m(duration)

    def log_link(self, distances_m: Float64Array, duration: float) -> Float64Array:
        """Log ratio by which places so far apart go together, of any shape.

        The density of the way, over that of a place anywhere on the map, with a share of links
        that are wrong and for which the ratio is one in so many.
        """
        p, sd_m = self.parameters, self.sd_m(duration)
        peak = self.area_m2 / (2 * math.pi * sd_m**2)
        peak = min(p.largest_ratio, max(1.0, peak))
        ratio = peak * np.exp(-0.5 * (distances_m / sd_m) ** 2)
        return np.asarray(np.log((1 - p.wrong) * ratio + p.wrong), np.float64)


def learn_motion(
    clock: Sequence[float],
    ways_m: Sequence[float],
    *,
    area_m2: float,
    in_seconds: bool,
    parameters: MotionParameters = MOTION,
) -> Motion | None:
    """The motion of a vehicle of which some ways are known.

    Args:
        clock: Duration of each way.
        ways_m: Its length, metres.
        area_m2: Area of the map, square metres.
        in_seconds: Whether the clock counts seconds, of which something is known beforehand.
        parameters: What is known, and how far it may be believed.

    Returns:
        None where the ways are too few to tell.
    """
    p = parameters
    known = [(way, unit) for way, unit in zip(ways_m, clock, strict=True) if unit > 0]
    if len(known) < p.least_pairs:
        return None
    # The upper quartile of the speeds: most ways are straight, some are wrong.
    speed = p.allowance * float(np.quantile([way / unit for way, unit in known], 0.75))
    if in_seconds:
        speed = min(p.fastest_speed, speed)
    return Motion(max(speed, 1e-6), area_m2, p)


def supposed_motions(
    *, is_street: bool, area_m2: float, in_seconds: bool, parameters: MotionParameters = MOTION
) -> list[Motion]:
    """Motions that a vehicle may have of which no ways are known; none where nothing tells.

    Args:
        is_street: Whether the photos were taken from a street, not by a drone.
        area_m2: Area of the map, square metres.
        in_seconds: Whether the clock counts seconds.
        parameters: What is known beforehand.
    """
    p = parameters
    if is_street:
        speeds = p.street_speeds if in_seconds else p.street_steps_m
    else:
        speeds = (p.drone_speed,) if in_seconds else ()
    return [Motion(speed, area_m2, p) for speed in speeds]
