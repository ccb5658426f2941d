"""Candidates of each photo of a track: lists that grow, of which each place has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.crs import distances_m
from geoloc.locate.track.second_search import Candidate
from geoloc.locate.track.smoothing import REACH


class CandidateLists:
    """Candidates of each photo of a track.

    Args:
        lists: Those to begin with.
        place_m: Distance within which two answers are of one place, metres.
    """

    def __init__(self, lists: Sequence[Sequence[Candidate]], place_m: float) -> None:
        self._lists = [list(each) for each in lists]
        self._place_m = place_m
        self._ways: dict[tuple[int, int], Float64Array] = {}

    def __getitem__(self, at: int) -> list[Candidate]:
        return self._lists[at]

    def only(self, kept: Sequence[int]) -> CandidateLists:
        """The same of some photos alone; the others have no candidates."""
        lists = [one if at in kept else [] for at, one in enumerate(self._lists)]
        return CandidateLists(lists, self._place_m)

    def in_order(self, order: Sequence[int]) -> CandidateLists:
        """The same with the photos in another order."""
        return CandidateLists([self._lists[at] for at in order], self._place_m)

    def evidence(self) -> list[Float64Array]:
        """Log-odds (K,) of the candidates of each photo against *none*."""
        return [np.array([one.log_odds for one in each]) for each in self._lists]

    def near(self, at: int, place: Candidate) -> list[bool]:
        """Whether each candidate of a photo is at the place of another one."""
        return list(ways_m([place], self._lists[at])[0] <= self._place_m)

    def ways_m(self, before: int, after: int) -> Float64Array:
        """Distances (A, B) between the candidates of two photos, metres; measured once."""
        if (before, after) not in self._ways:
            self._ways[before, after] = ways_m(self._lists[before], self._lists[after])
        return self._ways[before, after]

    def add(self, at: int, candidate: Candidate) -> bool:
        """Add a candidate, and say whether no camera was known at its place.

        Of several at one place one stays, or their evidence counts twice: that which the map speaks
        for before one that was carried there, and before one whose camera nobody knows. It takes
        the best evidence.
        """
        near = self.near(at, candidate)
        same = [one for one, is_near in zip(self._lists[at], near, strict=True) if is_near]
        others = [one for one, is_near in zip(self._lists[at], near, strict=True) if not is_near]
        kept = max(
            [*same, candidate], key=lambda one: (not one.is_other, not one.is_carried, one.log_odds)
        )
        best = max(one.log_odds for one in (*same, candidate))
        self._lists[at] = [*others, replace(kept, log_odds=best)]
        for other in range(at - REACH, at + REACH + 1):
            self._ways.pop((min(at, other), max(at, other)), None)
        return all(one.is_other for one in same)


def ways_m(some: Sequence[Candidate], others: Sequence[Candidate]) -> Float64Array:
    """Distances (A, B) between candidates, metres."""
    lon = np.array([one.longitude for one in others])
    lat = np.array([one.latitude for one in others])
    ways = [distances_m(one.longitude, one.latitude, lon, lat) for one in some]
    return np.array(ways, np.float64).reshape(len(some), len(others))
