"""Positions in the subtitles of a flight log, whichever of the two coordinates comes first.

A position stands as ``[latitude: 24.26] [longitude: 120.72]`` (also ``lat``, ``lon``, ``lng``), or
as two numbers after ``GPS`` or ``RTK``. Which of these is the latitude, the first that tells wins:

1. A number beyond 90 is a longitude.
2. Words: ``GPS(lat: 24.26, lon: 120.72)``, ``GPS(E: 120.72, N: 24.26, 20.9m)``, or a legend before
   the numbers or anywhere in the log, ``GPS(lat,lon,alt): 24.26,120.72,14``.
3. A unit after the third number, as Matrice drones write it: latitude first.
4. Else the longitude comes first, and a note says so.

Longitudes may be counted from 0 to 360. ``HOME`` is where the drone took off, and is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from geoloc.geometry.longitude import FARTHEST_DEG, in_range

NUMBER = r"([-+]?\d+(?:\.\d+)?)"

_LAT, _LON = r"lat(?:itude)?", r"(?:lng|lon(?:g(?:t?itude)?)?)"
_LEGEND = rf"\(\s*(?:{_LAT}|{_LON})\s*[,;/ ]\s*(?:{_LAT}|{_LON})\b[^()]*\)"
_ANY_LEGEND = re.compile(rf"\(\s*({_LAT}|{_LON})\s*[,;/ ]\s*({_LAT}|{_LON})\b", re.I)
_HOME = re.compile(rf"\bHOME\s*(?:{_LEGEND}\s*[:=]?\s*\(?[-+\d.,; ]*\)?|[:=]?\s*\([^()]*\))", re.I)
# A number with its word or its hemisphere before it, or the latter after it.
_COORDINATE = rf"(?:([a-z]+)\s*[:=]?\s*)?{NUMBER}\s*°?\s*([NSEW]\b)?"
_REST = rf"(?:[,; ]\s*(?:[a-z]+\s*[:=]?\s*)?{NUMBER}\s*(m?)\b[^()]*)?"
_PLACE = re.compile(
    rf"\b(?:GPS|RTK)\s*(?:{_LEGEND}\s*[:=]?\s*\(?|[:=]?\s*\()"
    rf"\s*{_COORDINATE}\s*[,; ]\s*{_COORDINATE}\s*{_REST}",
    re.I,
)
_NAMED = re.compile(
    rf"(?<![a-z])(?<!home_)({_LAT}|{_LON})\s*[:=]?\s*{NUMBER}\s*°?\s*([NSEW]\b)?", re.I
)


def coordinate_order(content: str, subtitles: Sequence[str]) -> tuple[bool, tuple[str, ...]]:
    """Whether ``GPS(...)`` gives the latitude first, and a note where that is supposed.

    Args:
        content: The whole log, which may hold a legend outside its subtitles.
        subtitles: The subtitles.
    """
    places = [found.groups() for text in subtitles if (found := _place_in(text))]
    stated = _stated_order(content, places)
    for at, latitude_first in ((1, False), (4, True)):
        if any(abs(float(groups[at])) > 90 for groups in places):
            if stated is None or stated == latitude_first:
                return latitude_first, ()
            which = "latitude" if stated else "longitude"
            return latitude_first, (f"GPS(...) says {which} first, which its numbers cannot be",)
    if stated is not None or not places:
        return bool(stated), ()
    latitude_first = any(groups[-1] for groups in places)
    which = "latitude" if latitude_first else "longitude"
    return latitude_first, (f"GPS(...) is taken to give the {which} first",)


def read_position(text: str, *, latitude_first: bool) -> dict[str, float]:
    """Longitude and latitude of one subtitle, as ``lon`` and ``lat``; empty where it has none."""
    named = {
        "lat" if word.lower().startswith("lat") else "lon": _signed(number, side)
        for word, number, side in _NAMED.findall(_HOME.sub(" ", text))
    }
    lat, lon = named.get("lat"), named.get("lon")
    if found := _place_in(text):
        before, first, after, *second, _, _ = found.groups()
        pair = (_signed(first, before, after), _signed(second[1], second[0], second[2]))
        lat, lon = pair if latitude_first else pair[::-1]
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > FARTHEST_DEG:
        return {}
    return {"lon": float(in_range(lon)), "lat": lat}


def _place_in(text: str) -> re.Match[str] | None:
    return _PLACE.search(_HOME.sub(" ", text))


def _stated_order(content: str, places: Sequence[tuple[str | None, ...]]) -> bool | None:
    """Whether the latitude comes first, in words; None where there are none."""
    for before, _, after, *_ in places:
        for word in (before, after):
            if (is_latitude := _is_latitude(word)) is not None:
                return is_latitude
    legend = _ANY_LEGEND.search(content)
    return None if legend is None else _is_latitude(legend.group(1))


def _is_latitude(word: str | None) -> bool | None:
    lower = (word or "").lower()
    if lower in ("n", "s") or lower.startswith("lat"):
        return True
    return False if lower in ("e", "w") or lower.startswith(("lon", "lng")) else None


def _signed(number: str, *sides: str | None) -> float:
    """A coordinate whose hemisphere may stand beside it."""
    value = float(number)
    is_negative = any((side or "").lower() in ("s", "w") for side in sides)
    return -abs(value) if is_negative else value
