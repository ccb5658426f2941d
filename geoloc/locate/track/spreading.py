"""Spread the places of sure photos along their track, to those that show the same ground.

What a photo found on the map competes then with where its neighbours carry it. So a place that is
wrong, but within reach of the vehicle, does not stand because nothing else was proposed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from geoloc.arrays import Float64Array
from geoloc.locate.track.candidate_lists import CandidateLists
from geoloc.locate.track.overlap_link import OverlapLink
from geoloc.locate.track.second_search import Candidate
from geoloc.locate.track.smoothing import REACH
from geoloc.results.schema import PhotoResult


class Spreading:
    """Spreads places through overlaps, and links what was found to overlap.

    Args:
        rows: The rows of the photos alone, in order of time.
        link: Carries places between photos, and links those that overlap.
        left_out: Photos that take no part.
        reach: Photos that lie further apart are not compared.
    """

    def __init__(
        self,
        rows: Sequence[PhotoResult],
        link: OverlapLink,
        *,
        left_out: Collection[int],
        reach: int,
    ) -> None:
        self._rows = rows
        self._link = link
        self._left_out = left_out
        self._reach = reach
        self._pairs: set[tuple[int, int]] = set()

    def spread(
        self,
        sure: Mapping[int, Candidate],
        candidates: CandidateLists,
        *,
        settled: Collection[int] = (),
    ) -> None:
        """Add to the candidates of photos where those that are sure carry them, step by step.

        A step ends where a place is known already.

        Args:
            sure: The places of the photos that are sure, by position.
            candidates: Candidates of all photos.
            settled: Those of the sure ones that are not compared with each other.
        """
        waiting = deque((at, one, 0) for at, one in sure.items() if self._takes_part(at))
        while waiting:
            at, known, steps = waiting.popleft()
            for way in (-1, 1):
                found = self._next(at, known, way, sure, settled)
                if found is None:
                    continue
                other, carried = found
                self._pairs.add((min(at, other), max(at, other)))
                is_new = candidates.add(other, replace(carried, is_carried=True))
                if is_new and steps + 1 < REACH:
                    waiting.append((other, carried, steps + 1))

    def log_link(
        self, before: int, after: int, candidates: CandidateLists, by_motion: Float64Array
    ) -> Float64Array:
        """Log ratio (A, B) by which candidates of two photos go together.

        Args:
            before: Position of the earlier photo.
            after: Position of the later one.
            candidates: Candidates of all photos.
            by_motion: (A, B) by what is known of the motion.
        """
        if (before, after) not in self._pairs:
            return by_motion
        return self._link.log_link(candidates[before], candidates[after], by_motion)

    def _takes_part(self, at: int) -> bool:
        return self._rows[at].view == "drone" and at not in self._left_out

    def _next(
        self,
        at: int,
        known: Candidate,
        way: int,
        sure: Mapping[int, Candidate],
        settled: Collection[int],
    ) -> tuple[int, Candidate] | None:
        """The next photo in one direction that overlaps, and its place by it; no sure one is
        passed, and none settled reached from another one."""
        for other in range(at + way, at + way * (self._reach + 1), way):
            if not 0 <= other < len(self._rows) or (at in settled and other in settled):
                return None
            carried = (
                self._link.carried(known, self._rows[other]) if self._takes_part(other) else None
            )
            if carried is not None:
                return other, carried
            if other in sure:
                return None
        return None
