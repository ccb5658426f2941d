"""How the vehicle of a track moves, whether there is one at all, and which photos are another's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.locate.track.candidate_lists import CandidateLists, ways_m
from geoloc.locate.track.coherence import (
    Neighbourhood,
    log_any_order,
    log_motion,
    log_no_order,
    log_odds_of_parting,
    log_odds_of_track,
    supposed_speeds,
)
from geoloc.locate.track.motion import Motion, learn_motion, supposed_motions
from geoloc.locate.track.smoothing import Link, log_evidence, smooth
from geoloc.results.schema import PhotoResult

# Half of what is spread around a middle lies within so many standard deviations of it.
_RAYLEIGH_50 = 1.177


@dataclass(frozen=True)
class VehicleParameters:
    """When photos that a camera took in a row are of two vehicles."""

    # A place that is sure alone is another vehicle's when this track leaves it less than this,
    # those of the other one make it so sure, and two explain all places better than one.
    misfit: float = 0.8
    together: float = 0.9
    # Where photos of no order are is told by those that are located, if there are so many, and its
    # middle is looked for among about so many of their places.
    least_located: int = 5
    most_centres: int = 100


VEHICLE = VehicleParameters()


@dataclass(frozen=True)
class Vehicle:
    """What took the photos of a track.

    Attributes:
        motion: How it moves; None where nothing tells.
        others: Positions of photos of another vehicle.
        is_any: Whether there is one; else the photos have nothing to do with each other.
    """

    motion: Motion | None
    others: frozenset[int] = frozenset()
    is_any: bool = True


class VehicleSearch:
    """Finds the vehicle of a track by what its photos are alone.

    Args:
        rows: The rows of the photos alone, in order of time.
        clock: When each was taken, in ascending order.
        in_seconds: Whether the clock counts seconds.
        area_m2: Area of the map, square metres.
        is_named: Whether a person says that there is one.
        parameters: When photos are of two.
    """

    def __init__(
        self,
        rows: Sequence[PhotoResult],
        clock: Sequence[float],
        *,
        in_seconds: bool,
        area_m2: float,
        is_named: bool = False,
        parameters: VehicleParameters = VEHICLE,
    ) -> None:
        self._rows = rows
        self._clock = clock
        self._in_seconds = in_seconds
        self._area_m2 = area_m2
        self._log_odds = log_odds_of_track(in_seconds=in_seconds, is_named=is_named)
        self._parameters = parameters

    def find(self, candidates: CandidateLists) -> Vehicle:
        """The vehicle.

        Args:
            candidates: The places that the photos alone found.
        """
        one = self._log_motion(candidates)
        others = self._other_tracks(candidates)
        two = self._log_two_motions(candidates, others) if others else -np.inf
        if two <= one:
            others = frozenset()
        if not self._is_any(max(one, two) + self._log_odds, candidates):
            return Vehicle(None, is_any=False)
        return Vehicle(self._learned(self._without(others, candidates)), others)

    def _is_any(self, log_weight: float, candidates: CandidateLists) -> bool:
        """Whether a vehicle explains the places at least as well as if their order said nothing."""
        if log_weight < log_no_order(candidates.evidence(), self._neighbourhood(candidates)):
            return False

        def shuffled(order: Sequence[int]) -> float:
            return self._log_motion(candidates.in_order(order))

        return log_weight >= log_any_order(shuffled, len(self._rows))

    def _log_motion(self, candidates: CandidateLists) -> float:
        speeds = supposed_speeds(self._clock, in_seconds=self._in_seconds)
        motions = [self._link(Motion(speed, self._area_m2), candidates) for speed in speeds]
        return log_motion(candidates.evidence(), motions)

    def _log_two_motions(self, candidates: CandidateLists, others: frozenset[int]) -> float:
        """Log weight of the places if some are of another vehicle."""
        ours = self._log_motion(self._without(others, candidates))
        theirs = self._log_motion(candidates.only(sorted(others)))
        return ours + theirs + log_odds_of_parting(len(self._located(candidates)))

    def _without(self, others: frozenset[int], candidates: CandidateLists) -> CandidateLists:
        return candidates.only([at for at in range(len(self._rows)) if at not in others])

    def _neighbourhood(self, candidates: CandidateLists) -> Neighbourhood:
        """Where most photos are that are located alone, or most likely are if too few are."""
        count = len(self._rows)
        located = self._located(candidates)
        if len(located) < self._parameters.least_located:
            located = [at for at in range(count) if candidates[at]]
        places = [candidates[at][0] for at in located]
        if not places:
            return Neighbourhood([np.zeros(len(candidates[at])) for at in range(count)], 0.0)
        some = places[:: max(1, len(places) // self._parameters.most_centres)]
        middle = some[int(np.median(ways_m(some, some), axis=1).argmin())]
        sd_m = float(np.median(ways_m([middle], places))) / _RAYLEIGH_50
        around = Motion(sd_m, self._area_m2)
        away_m = [ways_m([middle], candidates[at])[0] for at in range(count)]
        log_ratios = [around.log_link(each, 1.0) for each in away_m]
        return Neighbourhood(log_ratios, float(around.log_link(np.zeros(1), 1.0)[0]))

    def _located(self, candidates: CandidateLists) -> list[int]:
        """Positions of the photos that are located alone."""
        rows = enumerate(self._rows)
        return [at for at, row in rows if row.status == "located" and candidates[at]]

    def _link(self, motion: Motion, candidates: CandidateLists) -> Link:
        return motion_link(motion, candidates, self._clock)

    def _learned(self, candidates: CandidateLists) -> Motion | None:
        """The motion that the photos located alone tell of."""
        pairs = list(itertools.pairwise(self._located(candidates)))
        ways = [float(ways_m(candidates[a][:1], candidates[b][:1])[0, 0]) for a, b in pairs]
        durations = [self._clock[b] - self._clock[a] for a, b in pairs]
        known = learn_motion(durations, ways, area_m2=self._area_m2, in_seconds=self._in_seconds)
        return known or self._supposed(candidates)

    def _supposed(self, candidates: CandidateLists) -> Motion | None:
        """The motion that suits the candidates best, where none is sure alone."""
        street = sum(row.view in ("street", "panorama") for row in self._rows)
        motions = supposed_motions(
            is_street=2 * street > len(self._rows),
            area_m2=self._area_m2,
            in_seconds=self._in_seconds,
        )
        evidence = candidates.evidence()

        def suits(motion: Motion) -> float:
            return log_evidence(evidence, self._link(motion, candidates))

        return max(motions, key=suits, default=None)

    def _other_tracks(self, candidates: CandidateLists) -> frozenset[int]:
        """Photos of another vehicle among these: far from its neighbours, but near each other."""
        motion = self._learned(candidates)
        if motion is None:
            return frozenset()
        misfits = [
            at
            for at, probabilities in enumerate(self._smoothed(motion, candidates))
            if self._rows[at].status == "located"
            and len(probabilities)
            and probabilities[0] < self._parameters.misfit
        ]
        together = self._smoothed(motion, candidates.only(misfits))
        return frozenset(
            at for at in misfits if together[at][0] > self._parameters.together and len(misfits) > 1
        )

    def _smoothed(self, motion: Motion, candidates: CandidateLists) -> list[Float64Array]:
        return smooth(candidates.evidence(), self._link(motion, candidates))


def motion_link(
    motion: Motion, candidates: CandidateLists, clock: Sequence[float]
) -> Callable[[int, int], Float64Array]:
    """Log ratio (A, B) by which candidates of two photos go together as a vehicle moves.

    Args:
        motion: How it moves.
        candidates: Candidates of all photos.
        clock: When each photo was taken.
    """

    def link(before: int, after: int) -> Float64Array:
        return motion.log_link(candidates.ways_m(before, after), clock[after] - clock[before])

    return link
