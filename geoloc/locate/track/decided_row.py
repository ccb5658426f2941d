"""The row of a photo as its track decides, with its answer alone beside it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.locate.estimate import RAYLEIGH_90
from geoloc.locate.ground_posterior import GroundPlace, GroundPosterior, with_best
from geoloc.locate.result_row import candidates_text
from geoloc.locate.track.placing import Placed
from geoloc.locate.track.second_search import SecondSearch
from geoloc.results.schema import PhotoResult


def decided_row(placed: Placed, second: SecondSearch) -> PhotoResult:
    """The row of a photo, with its answer alone beside it where its track decides otherwise.

    Args:
        placed: What its track says of it.
        second: Makes the rows of other answers.
    """
    alone = placed.row
    if alone.from_track is not None or (placed.candidate is None and not placed.is_doubted):
        return alone_row(alone)
    if placed.candidate is None:
        why = "the photos before and after it were elsewhere"
        row = replace(alone, status="ambiguous", confidence=placed.probability, error=why)
    else:
        row = second.row_of(placed.candidate, placed.probability)
    return replace(
        _weighed_anew(row),
        from_track=1,
        single_status=alone.status,
        single_longitude=alone.longitude,
        single_latitude=alone.latitude,
    )


def alone_row(row: PhotoResult) -> PhotoResult:
    """The row of a photo that no track decides for."""
    return row if row.from_track is not None else replace(row, from_track=0)


def _weighed_anew(row: PhotoResult) -> PhotoResult:
    """The row with that of its candidates first which is its answer, and as likely as it is now."""
    listed = json.loads(row.candidates or "[]")
    if not listed or row.longitude is None or row.latitude is None or row.confidence is None:
        return row
    places = [
        GroundPlace(LonLat(lon, lat), ce90_m / RAYLEIGH_90, probability)
        for lon, lat, probability, ce90_m in listed
    ]
    answer = LonLat(row.longitude, row.latitude)
    first = int(np.argmin([distance_m(answer, place.position) for place in places]))
    ordered = (places[first], *places[:first], *places[first + 1 :])
    ground = with_best(GroundPosterior(ordered), row.confidence)
    return replace(row, candidates=candidates_text(ground.places))
