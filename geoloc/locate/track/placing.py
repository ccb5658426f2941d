"""Place the photos of one track together: the sure ones, then the rest near them."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.locate.track.candidate_lists import CandidateLists, ways_m
from geoloc.locate.track.motion import MOTION, Motion
from geoloc.locate.track.neighbours import Neighbour, nearest
from geoloc.locate.track.overlap_link import OverlapLink
from geoloc.locate.track.second_search import Candidate, Carry, log_odds, single_candidates
from geoloc.locate.track.settled import settled
from geoloc.locate.track.smoothing import smooth
from geoloc.locate.track.spreading import Spreading
from geoloc.locate.track.vehicle import VehicleSearch, motion_link
from geoloc.results.schema import PhotoResult

# Candidates of a photo near its neighbours.
Search = Callable[[PhotoResult, Sequence[Neighbour], Motion], list[Candidate]]


@dataclass(frozen=True)
class PlacingParameters:
    """When a track decides for a place of a photo."""

    # So sure has a photo to be with its track's help before others are looked for near it.
    sure: float = 0.9
    # Whatever the neighbours say, a photo that is not of this ground must not be placed on it:
    # where it was searched for near them, it has to be this likely there of its own. Foreign frames
    # reached 0.024 at most, and 0.001 but for one (n = 16). What a photo found on the whole map
    # knows nothing of its neighbours: that it lies beside them is evidence by itself.
    least_own: float = 0.1
    # Two photos that share so many points show the same ground, nearly always; they lie at most so
    # far apart in their track.
    overlap: float = 0.98
    overlap_reach: int = 4
    # A network that knows nothing of a place may give the same wrong cell to every street photo, so
    # that they seem to agree. What a walk says counts where it leads to so many places, each as far
    # from the others.
    walk_places: int = 3
    walk_apart_m: float = 60.0
    # Photos are searched for again while some have nearer neighbours than before.
    rounds: int = 3


PLACING = PlacingParameters()


@dataclass(frozen=True)
class Placed:
    """What a track says of one photo.

    Attributes:
        row: The row of the photo alone.
        candidate: The place that its track decides for; None leaves the row as it is.
        probability: Probability of that place, given the track.
        is_doubted: Whether the photo alone was sure of a place that its track rules out.
    """

    row: PhotoResult
    candidate: Candidate | None = None
    probability: float = 0.0
    is_doubted: bool = False

    def is_sure(self, least: float) -> bool:
        """Whether the photo has a place, alone or by its track."""
        return not self.is_doubted and (
            self.row.status == "located" if self.candidate is None else self.probability >= least
        )

    @property
    def confidence(self) -> float:
        """Probability of the place that the photo has."""
        return self.probability if self.candidate is not None else self.row.confidence or 0.0

    @property
    def answer(self) -> PhotoResult:
        """The row with that place, as far as neighbours ask for it."""
        return self.row if self.candidate is None else self.candidate.answer


class TrackPlacing:
    """The photos of one track, whose candidates grow.

    Args:
        rows: The rows of the photos alone, in order of time.
        clock: When each was taken, in ascending order.
        in_seconds: Whether the clock counts seconds.
        area_m2: Area of the map, square metres.
        min_confidence: Answers less probable than this are in doubt.
        is_named: Whether a person says that they are of one track.
        parameters: When the track decides.

    Attributes:
        is_track: Whether they are; else they have nothing to do with each other.
    """

    def __init__(
        self,
        rows: Sequence[PhotoResult],
        clock: Sequence[float],
        *,
        in_seconds: bool,
        area_m2: float,
        min_confidence: float,
        is_named: bool = False,
        parameters: PlacingParameters = PLACING,
    ) -> None:
        self._rows = list(rows)
        self._clock = list(clock)
        self._least = min_confidence
        self._parameters = parameters
        place_m = MOTION.place_sd_m
        self._candidates = CandidateLists([single_candidates(row) for row in rows], place_m)
        self._spreading: Spreading | None = None
        search = VehicleSearch(
            rows, clock, in_seconds=in_seconds, area_m2=area_m2, is_named=is_named
        )
        vehicle = search.find(self._candidates)
        self.is_track = vehicle.is_any
        self._motion, self._others = vehicle.motion, vehicle.others
        kept = [at for at in range(len(rows)) if at not in self._others]
        self._candidates = self._candidates.only(kept)

    def place(self, search: Search, carry: Carry) -> list[Placed]:
        """What the track says of each photo.

        Args:
            search: Gives more candidates of a photo near its neighbours.
            carry: Carries a neighbour's place to a photo that overlaps with it.
        """
        if self._motion is None:
            return [Placed(row) for row in self._rows]
        reach = self._parameters.overlap_reach
        link = OverlapLink(carry, self._motion)
        self._spreading = Spreading(self._rows, link, left_out=self._others, reach=reach)
        asked: dict[int, float] = {}
        for _ in range(self._parameters.rounds):
            known = self._sure()
            fixed = settled(known, self._clock)
            self._spreading.spread(known, self._candidates, settled=fixed)
            sure = {at: one.answer for at, one in self._sure().items()}
            found = [self._ask(at, sure, asked, search) for at in range(len(self._rows))]
            if not any(found):
                break
        placed = [
            self._placed(at, probabilities) for at, probabilities in enumerate(self._smoothed())
        ]
        return self._carried_on(self._on_a_way(placed), carry)

    def _on_a_way(self, placed: list[Placed]) -> list[Placed]:
        """The same without the street photos that agree only because all are at one place."""
        street = [
            at
            for at, one in enumerate(placed)
            if one.candidate is not None and self._rows[at].view != "drone"
        ]
        apart = list[Candidate]()
        for at in street:
            candidate = placed[at].candidate
            assert candidate is not None
            away_m = ways_m([candidate], apart)[0] if apart else np.array([np.inf])
            if away_m.min() >= self._parameters.walk_apart_m:
                apart.append(candidate)
        if len(apart) >= self._parameters.walk_places:
            return placed
        return [Placed(self._rows[at]) if at in street else one for at, one in enumerate(placed)]

    def _carried_on(self, placed: list[Placed], carry: Carry) -> list[Placed]:
        """The same with places for those that show the ground of a photo that has one.

        From the sure photos on, each to those next to it: every step may be wrong, and less sure.
        Who is only likely, by itself or by its track, begins no chain: it would make others wrong.
        """
        assert self._motion is not None
        sure = {at: one for at, one in enumerate(placed) if one.is_sure(self._least)}
        begun = [at for at in sure if self._rows[at].view == "drone" and at not in self._others]
        waiting = [
            (-sure[at].confidence, at)
            for at in begun
            if sure[at].confidence >= self._parameters.sure
        ]
        heapq.heapify(waiting)  # the surest first: what it carries is not carried again
        while waiting:
            _, at = heapq.heappop(waiting)
            share = placed[at].confidence * self._parameters.overlap
            for next_to in self._next_to(at, placed, share):
                candidate = carry(self._rows[next_to], placed[at].answer)
                if candidate is None or share < self._least:
                    continue
                kept = placed[next_to].candidate
                if kept is not None and ways_m([kept], [candidate])[0, 0] <= MOTION.place_sd_m:
                    continue
                if not self._is_within_reach(next_to, candidate, placed):
                    continue
                left = self._left_of(share, placed[next_to])
                if left < self._least:
                    if not self._is_agreed(next_to, candidate, placed, carry):
                        continue
                    left = share
                placed[next_to] = Placed(self._rows[next_to], candidate, left)
                heapq.heappush(waiting, (-left, next_to))
        return placed

    def _left_of(self, share: float, one: Placed) -> float:
        """How sure a carried place is against that which the photo alone was sure of, if any.

        Where that was surer, no more is left than the track takes away from it.
        """
        if not one.is_doubted or share > (one.row.confidence or 0.0):
            return share
        return min(share, 1.0 - one.probability)

    def _is_agreed(
        self, at: int, candidate: Candidate, placed: Sequence[Placed], carry: Carry
    ) -> bool:
        """Whether what a photo shares with those before and behind it leads to one place."""
        sure = {n: one.answer for n, one in enumerate(placed) if one.is_sure(self._least)}
        both = (carry(self._rows[at], one.row) for one in nearest(at, self._clock, sure))
        found = [one for one in both if one is not None]
        return len(found) == 2 and ways_m([candidate], found).max() <= MOTION.place_sd_m

    def _next_to(self, at: int, placed: Sequence[Placed], share: float) -> list[int]:
        """The photos without a place before and behind one, up to the next that has one.

        Those count as without that have theirs by the track, and are less sure of it than the share
        which overlaps with this one would have.
        """
        found = []
        for way in (range(at - 1, -1, -1), range(at + 1, len(placed))):
            for other in itertools.islice(way, self._parameters.overlap_reach):
                is_weak = placed[other].candidate is not None and placed[other].confidence < share
                if placed[other].is_sure(self._least) and not is_weak:
                    break
                if self._rows[other].view == "drone" and other not in self._others:
                    found.append(other)
        return found

    def _is_within_reach(self, at: int, candidate: Candidate, placed: Sequence[Placed]) -> bool:
        """Whether the vehicle can have come from there to the next sure photos on both sides."""
        assert self._motion is not None
        sure = {n: one.answer for n, one in enumerate(placed) if one.is_sure(self._least)}
        return all(
            distance_m(
                LonLat(candidate.longitude, candidate.latitude),
                LonLat(one.row.longitude or 0.0, one.row.latitude or 0.0),
            )
            <= self._motion.reach_m(one.duration)
            for one in nearest(at, self._clock, sure)
        )

    def _ask(
        self, at: int, sure: dict[int, PhotoResult], asked: dict[int, float], search: Search
    ) -> bool:
        """Search for a photo whose place is not sure, if a neighbour is nearer than before."""
        if at in sure or at in self._others or self._rows[at].view != "drone":
            return False
        assert self._motion is not None
        neighbours = nearest(at, self._clock, sure)
        if not neighbours or neighbours[0].duration >= asked.get(at, np.inf):
            return False
        asked[at] = neighbours[0].duration
        more = search(self._rows[at], neighbours, self._motion)
        for one in more:
            self._candidates.add(at, one)
        return bool(more)

    def _sure(self) -> dict[int, Candidate]:
        """Places of the photos that are sure with the track's help, by their position."""
        sure = {}
        for at, probabilities in enumerate(self._smoothed()):
            best = self._best(at, probabilities)
            if best is None or best[1] < self._parameters.sure or not self._has_own(best[0]):
                continue
            if self._rows[at].view == "drone" and (best[0].is_other or best[0].is_carried):
                continue  # looked for again, the map speaks for a camera
            sure[at] = best[0]
        return sure

    def _placed(self, at: int, probabilities: Float64Array) -> Placed:
        row, best = self._rows[at], self._best(at, probabilities)
        own = single_candidates(row) if at not in self._others else []
        alone_is_sure = row.status == "located" and bool(own)
        share = self._share_near(at, own[0], probabilities) if own else 0.0
        if alone_is_sure and share >= min(self._least, _share_alone(own)):
            return Placed(row)
        is_own = best is not None and not best[0].is_carried and self._has_own(best[0])
        if best is not None and is_own and best[1] >= self._least:
            return Placed(row, *best)
        return Placed(row, probability=share, is_doubted=alone_is_sure)

    def _best(self, at: int, probabilities: Float64Array) -> tuple[Candidate, float] | None:
        """The likeliest candidate of a photo, with the share of those that are the same place."""
        if len(probabilities) == 0:
            return None
        chosen = self._candidates[at][int(np.argmax(probabilities))]
        return chosen, self._share_near(at, chosen, probabilities)

    def _share_near(self, at: int, place: Candidate, probabilities: Float64Array) -> float:
        """Probability of the candidates of a photo that are at one place."""
        return float(min(1.0, probabilities[self._candidates.near(at, place)].sum()))

    def _has_own(self, candidate: Candidate) -> bool:
        is_own = candidate.estimate is None
        return is_own or candidate.log_odds >= log_odds(self._parameters.least_own)

    def _smoothed(self) -> list[Float64Array]:
        return smooth(self._candidates.evidence(), self._link)

    def _link(self, before: int, after: int) -> Float64Array:
        assert self._motion is not None
        link = motion_link(self._motion, self._candidates, self._clock)(before, after)
        if self._spreading is None:
            return link
        return self._spreading.log_link(before, after, self._candidates, link)


def _share_alone(own: Sequence[Candidate]) -> float:
    """Probability of the first of the places that a photo alone found, as far as it is believed."""
    odds = np.exp([one.log_odds for one in own])
    return float(odds[0] / (1.0 + odds.sum()))
