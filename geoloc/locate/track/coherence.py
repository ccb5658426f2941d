"""Whether photos are of one vehicle: the likelihood of its motion against that of no order at all.

A folder may hold photos that have nothing to do with each other, under numbers that look like a
series. They may all be of one neighbourhood, or show what a network takes for the same few places;
but the next one is then no nearer than any other, so that any order suits as well as theirs, and
nothing that one of them says may count for another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.locate.track.smoothing import Link, log_evidence


@dataclass(frozen=True)
class Neighbourhood:
    """Where photos of no order are.

    Attributes:
        log_ratios: (K,) for the candidates of each photo: the density of a place there, over that
            of a place anywhere on the map.
        log_peak: The same at its middle: what is lost again because the middle may be anywhere.
    """

    log_ratios: Sequence[Float64Array]
    log_peak: float


@dataclass(frozen=True)
class CoherenceParameters:
    """What is known of photos before their places are."""

    # Speeds of who walks, drives or flies, metres per second, and ways from one photo to the next,
    # metres; one of them is the vehicle's, each as likely.
    speeds: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
    ways_m: tuple[float, ...] = (3.0, 10.0, 30.0, 100.0, 300.0)
    # Odds that photos of one folder, camera and picture size were taken by one vehicle: by their
    # clock within minutes of each other, or by nothing but the numbers in their names; and that
    # those are of one track that a person says are.
    odds_by_clock: float = 10.0
    odds_by_number: float = 0.1
    odds_by_name: float = 1e6
    # Their order is compared with so many by chance: it is one of these unless it is so many
    # standard deviations better.
    orders: int = 8
    order_sds: float = 3.0


COHERENCE = CoherenceParameters()


def log_motion(evidence: Sequence[Float64Array], motions: Sequence[Link]) -> float:
    """Log weight of the places of photos if one of several motions, nobody knows which, led there.

    A motion that is not known counts as the mean of those that it may be, so that nothing is gained
    by there being many.

    Args:
        evidence: Log-odds (K,) of the candidates of each photo against *none*, in order of time.
        motions: For each motion, the log ratio (A, B) by which candidates of two photos go
            together.
    """
    return _log_mean([log_evidence(evidence, link) for link in motions])


def log_no_order(evidence: Sequence[Float64Array], neighbourhood: Neighbourhood) -> float:
    """The same if their order says nothing: they are anywhere, or all in one neighbourhood.

    Args:
        evidence: As for `log_motion`.
        neighbourhood: Where most of them are.
    """
    near = [own + ratio for own, ratio in zip(evidence, neighbourhood.log_ratios, strict=True)]
    in_one = log_independence(near) - neighbourhood.log_peak
    return _log_mean([log_independence(evidence), in_one])


def log_any_order(
    log_motion_of: Callable[[Sequence[int]], float],
    count: int,
    parameters: CoherenceParameters = COHERENCE,
) -> float:
    """The largest log weight of the places of photos that an order by chance may well have.

    A log weight adds up many links, so that those of all orders are about normally distributed; how
    is found from a few, the same ones for the same number of photos.

    Args:
        log_motion_of: The log weight, as `log_motion` has it, of the photos in an order.
        count: Number of the photos.
        parameters: How many orders, and what may well be.
    """
    random = np.random.default_rng(0)
    orders = (random.permutation(count).tolist() for _ in range(parameters.orders))
    weights = [log_motion_of(order) for order in orders]
    return float(np.mean(weights) + parameters.order_sds * np.std(weights, ddof=1))


def log_independence(evidence: Sequence[Float64Array]) -> float:
    """Log weight of all ways in which photos may be somewhere that know nothing of each other.

    Against all being nowhere, as `geoloc.locate.track.smoothing.log_evidence` has it for links.
    """
    return float(sum(np.logaddexp.reduce([0.0, *each]) for each in evidence))


def supposed_speeds(
    clock: Sequence[float], *, in_seconds: bool, parameters: CoherenceParameters = COHERENCE
) -> list[float]:
    """Speeds that a vehicle may have, metres in a unit of the clock.

    Args:
        clock: When each photo was taken, in ascending order.
        in_seconds: Whether the clock counts seconds.
        parameters: What is known beforehand.
    """
    if in_seconds:
        return list(parameters.speeds)
    steps = [step for step in np.diff(clock) if step > 0]
    usual = float(np.median(steps)) if steps else 1.0
    return [way_m / usual for way_m in parameters.ways_m]


def log_odds_of_track(
    *, in_seconds: bool, is_named: bool, parameters: CoherenceParameters = COHERENCE
) -> float:
    """Log odds that photos which were put in a row are of one vehicle, before their places are.

    Args:
        in_seconds: Whether a clock put them in it.
        is_named: Whether a person says so.
        parameters: What is known beforehand.
    """
    p = parameters
    if is_named:
        return math.log(p.odds_by_name)
    return math.log(p.odds_by_clock if in_seconds else p.odds_by_number)


def log_odds_of_parting(count: int) -> float:
    """Log odds that so many photos are of two vehicles in just this way, against of one."""
    return -count * math.log(2.0)


def _log_mean(values: Sequence[float]) -> float:
    return float(np.logaddexp.reduce(values)) - math.log(len(values))
