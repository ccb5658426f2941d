"""What heights are above, and in which unit, as an elevation model states it: its vertical datum.

A file states both by its CRS, when that has a vertical part, and the unit also by its band. Most
state neither: then heights are metres above the sea.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pyproj import CRS

from geoloc.errors import CrsError

# What heights are measured from. `sea` is any other datum near the sea level, national or unstated.
HeightReference = Literal["sea", "egm96", "egm2008", "ellipsoid"]

FOOT_M = 0.3048
US_FOOT_M = 1200 / 3937

_GEOIDS: dict[str, HeightReference] = {"5773": "egm96", "3855": "egm2008"}
_NAMES: tuple[tuple[str, HeightReference], ...] = (
    ("egm96", "egm96"),
    ("egm2008", "egm2008"),
    ("egm08", "egm2008"),
    ("ellipsoid", "ellipsoid"),
)
_UNITS = {
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), 1.0),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), 0.01),
    **dict.fromkeys(("dm", "decimetre", "decimetres", "decimeter", "decimeters"), 0.1),
    **dict.fromkeys(("mm", "millimetre", "millimetres", "millimeter", "millimeters"), 0.001),
    **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), 1000.0),
    **dict.fromkeys(("ft", "foot", "feet", "international foot", "foot (international)"), FOOT_M),
    **dict.fromkeys(("us survey foot", "us survey feet", "us_survey_foot", "us-ft"), US_FOOT_M),
    **dict.fromkeys(("ftus", "us_ft", "foot_us", "us foot", "us feet", "survey foot"), US_FOOT_M),
}


class HeightDatum(NamedTuple):
    """How a number of an elevation model becomes a height.

    Attributes:
        horizontal: CRS of the places.
        reference: What heights are above.
        name: What the file calls that; empty where it states nothing.
        unit_m: Length of its unit, metres.
        is_unit_stated: Whether the file states the unit.
    """

    horizontal: CRS
    reference: HeightReference
    name: str
    unit_m: float
    is_unit_stated: bool


def height_datum(crs: CRS, band_unit: str | None) -> HeightDatum:
    """The datum that a CRS, compound or not, and the unit of a band state.

    Raises:
        CrsError: The band's unit is none of length, or unknown.
    """
    horizontal, vertical = _parts(crs)
    reference, name = _reference(crs, vertical)
    unit_m = _unit_m(band_unit) or _axis_unit_m(crs, vertical)
    return HeightDatum(horizontal, reference, name, unit_m or 1.0, unit_m is not None)


def _parts(crs: CRS) -> tuple[CRS, CRS | None]:
    """The horizontal and the vertical part of a CRS."""
    if crs.is_compound:
        parts = crs.sub_crs_list
        horizontal = next((each for each in parts if not each.is_vertical), parts[0])
        return horizontal.to_2d(), next((each for each in parts if each.is_vertical), None)
    return (crs.to_2d() if len(crs.axis_info) == 3 else crs), None


def _reference(crs: CRS, vertical: CRS | None) -> tuple[HeightReference, str]:
    if vertical is None:
        return ("ellipsoid", crs.name) if len(crs.axis_info) == 3 else ("sea", "")
    authority = vertical.to_authority()
    if authority is not None and authority[1] in _GEOIDS:
        return _GEOIDS[authority[1]], vertical.name
    plain = vertical.name.lower().replace(" ", "").replace("-", "")
    return next((kind for part, kind in _NAMES if part in plain), "sea"), vertical.name


def _axis_unit_m(crs: CRS, vertical: CRS | None) -> float | None:
    """Length of the unit of the axis that points up; None without one."""
    axes = vertical.axis_info if vertical is not None else crs.axis_info[2:]
    return float(axes[0].unit_conversion_factor) if axes else None


def _unit_m(text: str | None) -> float | None:
    """Length of a band's unit; None where it states none.

    Raises:
        CrsError: It is unknown.
    """
    plain = " ".join((text or "").lower().split())
    if plain in ("", "unknown", "none", "unitless"):
        return None
    if plain not in _UNITS:
        raise CrsError(
            f"its band is in {text!r}, which is no unit of heights that is known; expected metre, "
            "ft or US survey foot (gdal_edit.py -units metre states one)"
        )
    return _UNITS[plain]
