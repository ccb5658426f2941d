"""Photos of a track that need no more evidence: sure, and where those beside them lead.

Two photos of which this is known are not compared: it takes a second, and tells nothing new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.geometry.crs import offsets_m
from geoloc.locate.track.motion import MOTION
from geoloc.locate.track.second_search import Candidate


@dataclass(frozen=True)
class SettledParameters:
    """When a place is where its neighbours lead."""

    # It is no farther beside the straight way between them than two answers of one place are; or,
    # if it is so sure alone, than so many times what is usual in the track. Of so many ways at
    # least that is known.
    certain: float = 0.999
    usual: float = 3.0
    least_ways: int = 5


SETTLED = SettledParameters()


def settled(
    sure: Mapping[int, Candidate],
    clock: Sequence[float],
    parameters: SettledParameters = SETTLED,
) -> frozenset[int]:
    """Positions of the photos whose place is where the sure ones before and behind lead.

    The first and the last one are never among them: only one side leads there.

    Args:
        sure: Places of the photos that are sure, by position.
        clock: When each photo of the track was taken, in ascending order.
        parameters: When a place is where they lead.
    """
    order = sorted(sure)
    beside_m, durations, positions = [], [], []
    for before, at, after in zip(order, order[1:], order[2:], strict=False):
        duration = clock[after] - clock[before]
        if duration > 0:
            share = (clock[at] - clock[before]) / duration
            beside_m.append(_beside_m(sure[before], sure[at], sure[after], share))
            durations.append(duration)
            positions.append(at)
    if len(positions) < parameters.least_ways:
        return frozenset()
    usual = parameters.usual * float(np.median(np.array(beside_m) / np.array(durations)))
    return frozenset(
        at
        for at, way_m, duration in zip(positions, beside_m, durations, strict=True)
        if way_m <= MOTION.place_sd_m
        or (way_m <= usual * duration and _alone(sure[at]) >= parameters.certain)
    )


def _alone(place: Candidate) -> float:
    """Probability of a place without its track."""
    found = place.estimate
    return (place.row.confidence or 0.0) if found is None else found.probability


def _beside_m(before: Candidate, place: Candidate, after: Candidate, share: float) -> float:
    """Distance of a place from where the straight way between two others leads, metres."""
    lon = np.array([place.longitude, after.longitude])
    lat = np.array([place.latitude, after.latitude])
    way_m, whole_m = offsets_m(before.longitude, before.latitude, lon, lat)
    return float(np.hypot(*(way_m - share * whole_m)))
