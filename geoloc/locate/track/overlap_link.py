"""Link of the candidate places of two photos that overlap, by the way that both tell.

How far a vehicle may have come leaves room for wrong places near the right one; what two photos
share tells the way between them to a few metres, whatever the map shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.crs import distances_m
from geoloc.locate.estimate import RAYLEIGH_90
from geoloc.locate.track.motion import Motion
from geoloc.locate.track.second_search import Candidate, Carry
from geoloc.results.schema import PhotoResult


@dataclass(frozen=True)
class OverlapLinkParameters:
    """How far the way that two photos tell may be believed."""

    # So many of them are wrong (a picture that repeats, a mark on the lens); what is known of the
    # motion links the places then.
    wrong: float = 0.02


OVERLAP_LINK = OverlapLinkParameters()


class OverlapLink:
    """Links candidates of photos that overlap.

    Args:
        carry: Carries a place to a photo that overlaps.
        motion: How the vehicle moves.
        parameters: How far the ways may be believed.
    """

    def __init__(
        self, carry: Carry, motion: Motion, parameters: OverlapLinkParameters = OVERLAP_LINK
    ) -> None:
        self._carry = carry
        self._motion = motion
        self._parameters = parameters
        self._carried: dict[tuple[str, str, float, float], Candidate | None] = {}

    def log_link(
        self, before: Sequence[Candidate], after: Sequence[Candidate], by_motion: Float64Array
    ) -> Float64Array:
        """Log ratio (A, B) by which candidates of two photos go together; symmetric in time.

        A mixture: the density of the way that the photos tell, and with a small share the link by
        motion. Where no camera at either end tells a way, the latter stands alone.

        Args:
            before: Candidates of one photo.
            after: Candidates of the other.
            by_motion: (A, B) by what is known of the motion.
        """
        ratios = np.stack([self._ratios(before, after), self._ratios(after, before).T])
        told = np.isfinite(ratios)
        count = told.sum(axis=0)
        mean = np.where(told, ratios, 0.0).sum(axis=0) / np.maximum(count, 1)
        wrong = self._parameters.wrong
        mixed = np.log((1 - wrong) * mean + wrong * np.exp(by_motion))
        return np.asarray(np.where(count > 0, mixed, by_motion), np.float64)

    def _ratios(self, some: Sequence[Candidate], others: Sequence[Candidate]) -> Float64Array:
        """Ratios (A, B) by the cameras of the first photo; NaN where one is unknown.

        The density of the second photo's place over that of a place anywhere on the map.
        """
        lon = np.array([one.longitude for one in others])
        lat = np.array([one.latitude for one in others])
        ratios = np.full((len(some), len(others)), np.nan)
        for at, one in enumerate(some):
            carried = self.carried(one, others[0].row)
            if carried is None or carried.estimate is None:
                continue
            away_m = distances_m(carried.longitude, carried.latitude, lon, lat)
            ratios[at] = self._density(away_m, carried.estimate.ce90_m / RAYLEIGH_90)
        return ratios

    def _density(self, away_m: Float64Array, carried_sd_m: float) -> Float64Array:
        p = self._motion.parameters
        sd_m = math.hypot(p.place_sd_m, carried_sd_m)
        peak = self._motion.area_m2 / (2 * math.pi * sd_m**2)
        peak = min(p.largest_ratio, max(1.0, peak))
        return np.asarray(peak * np.exp(-0.5 * (away_m / sd_m) ** 2), np.float64)

    def carried(self, known: Candidate, row: PhotoResult) -> Candidate | None:
        """Where another photo was if a candidate is right; None where nothing tells."""
        if known.is_other:  # of which no camera is known
            return None
        way = (known.row.photo, row.photo, known.longitude, known.latitude)
        if way not in self._carried:
            self._carried[way] = self._carry(row, known.answer)
        return self._carried[way]
