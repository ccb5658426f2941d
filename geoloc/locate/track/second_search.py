"""Search again for a photo near its neighbours, and the rows that come of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from geoloc.errors import PhotoError
from geoloc.geometry.crs import LonLat
from geoloc.locate.estimate import SURE, CameraEstimate, Estimate
from geoloc.locate.locator import MAX_SIDE_PX, Locator
from geoloc.locate.result_row import moved_row, result_row
from geoloc.locate.track.motion import Motion
from geoloc.locate.track.neighbours import Neighbour, rows_near, told
from geoloc.photos.metadata import PhotoMetadata, merge
from geoloc.photos.photo import read_photo
from geoloc.results.schema import PhotoResult

# Odds beyond what numbers can tell from certainty.
_LARGEST_LOG_ODDS = 12.0
# What an uncalibrated confidence says for a place is overstated: above 0.97, 95 % of answers were
# right (n = 51, the architecture page), so that less of its log-odds stands against a track.
_UNCALIBRATED = 0.6


@dataclass(frozen=True)
class Candidate:
    """A place for one photo.

    Attributes:
        longitude: Its longitude, degrees.
        latitude: Its latitude, degrees.
        log_odds: Its own evidence against *none*.
        row: The row with this answer, as the photo alone would have it.
        estimate: What the search near the neighbours found; None for what the photo alone found.
        metadata: What the photo states of itself, where it was searched for again.
        ce90_m: Radius that holds the truth 90 % of the time if it is one of the places that the
            row's own answer competes with, metres; None otherwise.
        is_carried: Whether nothing but an overlap with a photo that is sure speaks for it.
    """

    longitude: float
    latitude: float
    log_odds: float
    row: PhotoResult
    estimate: Estimate | None = None
    metadata: PhotoMetadata | None = None
    ce90_m: float | None = None
    is_carried: bool = False

    @property
    def is_other(self) -> bool:
        """Whether it is a place that lost against the row's answer, or was too weak to be one."""
        return self.ce90_m is not None

    @property
    def answer(self) -> PhotoResult:
        """The row with this answer, as far as neighbours ask for it."""
        found = self.estimate
        if found is None:
            return self.row
        camera = found.camera
        return replace(
            self.row,
            longitude=self.longitude,
            latitude=self.latitude,
            heading=None if found.heading is None else found.heading.deg,
            heading_sd=None if found.heading is None else found.heading.sd_deg,
            ce90_m=found.ce90_m,
            pitch_deg=None if camera is None else camera.attitude.pitch_deg,
            pitch_sd_deg=None if camera is None else camera.attitude_sd_deg.pitch_deg,
            roll_deg=None if camera is None else camera.attitude.roll_deg,
            roll_sd_deg=None if camera is None else camera.attitude_sd_deg.roll_deg,
            photo_width=None if camera is None else camera.photo_size.width_px,
            photo_height=None if camera is None else camera.photo_size.height_px,
            height_m=None if camera is None else camera.height_m,
            height_sd_m=None if camera is None else camera.height_sd_m,
            hfov_deg=None if camera is None else camera.hfov_deg,
            hfov_sd_deg=None if camera is None else camera.hfov_sd_deg,
            lens_kind=None if camera is None else camera.lens_kind,
        )


def single_candidates(row: PhotoResult) -> list[Candidate]:
    """The places that a photo alone found, its answer first if it has one."""
    if row.confidence is None:
        return []
    share = _UNCALIBRATED if row.conf_kind == "uncalibrated" else 1.0
    places = json.loads(row.candidates or "[]")
    if not places:
        if row.longitude is None or row.latitude is None:
            return []
        return [Candidate(row.longitude, row.latitude, _less(log_odds(row.confidence), share), row)]
    none = 1.0 - sum(probability for _, _, probability, _ in places)
    has_answer = row.longitude is not None
    return [
        Candidate(
            lon,
            lat,
            _less(log_odds(probability, against=none), share),
            row,
            ce90_m=None if rank == 0 and has_answer else ce90_m,
        )
        for rank, (lon, lat, probability, ce90_m) in enumerate(places)
    ]


def _less(evidence: float, share: float) -> float:
    """Log-odds of which a share stands where they speak for a place."""
    return evidence * share if evidence > 0 else evidence


def log_odds(probability: float, *, against: float | None = None) -> float:
    """Logarithm of the odds of a probability, kept within what numbers can tell.

    Args:
        probability: The probability.
        against: That of the other case; None takes all that is missing to one.
    """
    other = 1.0 - probability if against is None else against
    odds = math.log(max(probability, 1e-6) / max(other, 1e-6))
    return max(-_LARGEST_LOG_ODDS, min(_LARGEST_LOG_ODDS, odds))


# A place that a neighbour's camera speaks for; None where two photos do not overlap.
Carry = Callable[[PhotoResult, PhotoResult], Candidate | None]


class SecondSearch:
    """Searches for photos near the places of their neighbours.

    Args:
        locator: What has located them alone.
        carry: Carries a neighbour's place to a photo that overlaps with it.
    """

    def __init__(self, locator: Locator, carry: Carry) -> None:
        self._locator = locator
        self._carry = carry
        self._drone = None if locator.drone is None else locator.drone.hasty()

    def candidates(
        self, row: PhotoResult, neighbours: Sequence[Neighbour], motion: Motion
    ) -> list[Candidate]:
        """The best place near the neighbours; none where nothing there is like the photo."""
        rows = rows_near(neighbours, motion, self._locator.tiles)
        if rows is None or self._drone is None:
            return []
        path = Path(row.photo)
        try:
            photo = read_photo(path, max_side_px=MAX_SIDE_PX)
        except (PhotoError, MemoryError):
            return []  # it could be read a moment ago, and its row stands
        metadata = self._locator.sources.complete(path, photo.metadata)
        allowed = self._locator.allowed_rows(path, metadata)
        rows = rows if allowed is None else np.intersect1d(rows, allowed)
        carried = self._carried(row, neighbours)
        hints = told(metadata, neighbours[0].row) if carried is None else [_seen(metadata, carried)]
        best: Estimate | None = None
        for known in hints:
            found = self._drone.estimate(photo, known, rows=rows, check=self._locator.check)
            if found is not None and (best is None or found.score > best.score):
                best = found
            if best is not None and best.probability >= SURE:
                break
        if best is None:
            return []
        lon, lat = best.position
        return [Candidate(lon, lat, log_odds(best.probability), row, best, metadata)]

    def _carried(self, row: PhotoResult, neighbours: Sequence[Neighbour]) -> CameraEstimate | None:
        """The camera that the nearest neighbour which overlaps speaks for."""
        found = (self._carry(row, one.row) for one in neighbours)
        estimates = (one.estimate for one in found if one is not None)
        return next((one.camera for one in estimates if one is not None), None)

    def row_of(self, candidate: Candidate, probability: float) -> PhotoResult:
        """The row of a photo whose track decides for a candidate, without the columns of tracks.

        No calibration has seen what a track adds, so that a promise of ``--max-wrong`` does not
        hold for such a row: it stays ambiguous then.
        """
        single, provenance = candidate.row, self._locator.provenance
        if candidate.estimate is None or candidate.metadata is None:
            own = self._at_other_place(candidate) if candidate.is_other else single
            row = replace(own, confidence=probability, conf_kind="uncalibrated")
            is_kept = provenance.needs_calibration
            return row if is_kept else replace(row, status="located", error=None)
        estimate = replace(candidate.estimate, probability=probability, conf_kind="uncalibrated")
        row = result_row(
            Path(single.photo),
            candidate.metadata,
            kind="drone",
            estimate=estimate,
            provenance=provenance,
            supposed=self._locator.supposed_place(Path(single.photo), candidate.metadata),
        )
        return replace(
            row,
            photo_size=single.photo_size,
            photo_time=single.photo_time,
            flight_log=single.flight_log,
        )

    def _at_other_place(self, candidate: Candidate) -> PhotoResult:
        """The row of a photo at a place that lost; nothing is known of its camera there."""
        row, place = candidate.row, LonLat(candidate.longitude, candidate.latitude)
        assert candidate.ce90_m is not None, "it is another place"
        metadata = PhotoMetadata(lon=row.exif_lon, lat=row.exif_lat)
        supposed = self._locator.supposed_place(Path(row.photo), metadata)
        provenance = self._locator.provenance
        return moved_row(row, place, candidate.ce90_m, provenance=provenance, supposed=supposed)


def _seen(metadata: PhotoMetadata, camera: CameraEstimate) -> PhotoMetadata:
    """What is known of a photo that overlaps with a neighbour: all of its camera."""
    attitude = camera.attitude
    known = PhotoMetadata(
        rel_alt_m=camera.height_m, yaw_deg=attitude.heading_deg, pitch_deg=attitude.pitch_deg
    )
    return merge(metadata, known)
