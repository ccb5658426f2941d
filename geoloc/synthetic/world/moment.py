"""When a picture is taken: season, date, sun and snow."""

from __future__ import annotations

from dataclasses import dataclass, replace

from geoloc.synthetic.world.palette import Season


@dataclass(frozen=True)
class Moment:
    """The time of a picture.

    Attributes:
        season: Which colours the year has.
        date: Numbers the visit; cars, crops and some buildings differ between dates.
        sun_azimuth_deg: Azimuth of the sun, clockwise from grid north.
        sun_elevation_deg: Elevation of the sun above the horizon.
        overcast: 0 for a clear sky with hard shadows, 1 for none.
        snow: Share of the open ground under snow, in [0, 1].
    """

    season: Season = "summer"
    date: int = 0
    sun_azimuth_deg: float = 150.0
    sun_elevation_deg: float = 55.0
    overcast: float = 0.1
    snow: float = 0.0


_TYPICAL = {
    "spring": Moment("spring", 1, 130.0, 45.0, 0.25),
    "summer": Moment("summer", 0, 150.0, 55.0, 0.1),
    "autumn": Moment("autumn", 2, 215.0, 33.0, 0.2),
    "winter": Moment("winter", 3, 190.0, 22.0, 0.45),
}


def typical_moment(season: Season, *, date: int | None = None) -> Moment:
    """A usual day of a season; each season is another date unless `date` says otherwise."""
    moment = _TYPICAL[season]
    return moment if date is None else replace(moment, date=date)


def as_moment(when: Moment | Season) -> Moment:
    """A moment as it is, or the usual day of a season."""
    return when if isinstance(when, Moment) else typical_moment(when)
