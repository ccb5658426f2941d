"""OpenDroneMap: positions of photos (``geo.txt``) and ground control points (``gcp_list.txt``).

Both begin with a CRS and go on with a photo, or a point in a photo, on each line, parts separated
by blanks. Angles are those of a body whose camera looks down (`BodyAngles`); accuracies are
standard deviations. Pixels are counted from the centre of the first one, in the file as it is
stored. What the two files say of heights agrees: above the sea, or above level ground at 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.errors import InputError
from geoloc.export.attitude import body_angles
from geoloc.export.camera_view import CameraView, camera_views, heights_m
from geoloc.export.grid import utm_crs, utm_zone
from geoloc.export.report import ExportReport
from geoloc.geometry.crs import from_lonlat
from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import ControlPoint
from geoloc.storage.atomic import write_text

MAP_ACCURACY = (
    "control points are as right as the map they were found on: a map of 0.5 m pixels makes control"
    " of 0.5 m at best"
)
_ENOUGH_PHOTOS = 3  # in which a point has to be seen before OpenDroneMap trusts it


def write_geo_txt(results: Sequence[PhotoResult], path: Path) -> ExportReport:
    """Write positions, angles and accuracies of photos for ``odm --geo``, in degrees of WGS84.

    Raises:
        OSError: The file cannot be written.
    """
    report = ExportReport(written=[path])
    views = camera_views(results, report, blanks=False)
    heights = heights_m(views, report)
    lines = [_geo_line(view, z) for view, z in zip(views, heights, strict=True)]
    write_text(path, "\n".join(["EPSG:4326", *lines, ""]))
    report.photos = len(views)
    return report


def _geo_line(view: CameraView, z: float) -> str:
    """Name, longitude, latitude, height, yaw, pitch, roll and, where known, both accuracies."""
    numbers = [*view.solved.position, z, *body_angles(view.to_ground)]
    horizontal = view.horizontal_sd_m
    if horizontal is not None:
        vertical = view.result.height_sd_m
        numbers += [horizontal, horizontal if vertical is None else vertical]
    return " ".join([view.name, *(repr(float(number)) for number in numbers)])


def write_gcp_list(results: Sequence[PhotoResult], path: Path) -> ExportReport:
    """Write points of photos that were found on the map for ``odm --gcp``, in metres of UTM.

    Raises:
        InputError: No photo has control points.
        OSError: The file cannot be written.
    """
    report = ExportReport(written=[path])
    views = _with_points(camera_views(results, report, blanks=False), report)
    if not views:
        message = "no photo has control points; expected the column control_points to be filled"
        raise InputError(f"{message}: locate the photos again with this version", path=path)
    zone = utm_zone(views[0].solved.position)
    lines = [line for view in views for line in _gcp_lines(view, zone)]
    if any(point.altitude_m is None for view in views for point in view.solved.control_points):
        lines = [_on_level_ground(line) for line in lines]
        report.note("all control points have the height 0: no terrain was given")
    write_text(path, "\n".join([f"WGS84 UTM {zone}", *lines, ""]))
    report.photos = len(views)
    report.note(MAP_ACCURACY)
    report.note(_how_often_seen(views))
    return report


def _with_points(views: Sequence[CameraView], report: ExportReport) -> list[CameraView]:
    """Those that have control points."""
    for view in views:
        if not view.solved.control_points:
            report.leave_out(view.result, "it has no control points")
    return [view for view in views if view.solved.control_points]


def _how_often_seen(views: Sequence[CameraView]) -> str:
    """How many points there are, and how many are in enough photos to be of use."""
    seen = Counter((p.lon, p.lat) for view in views for p in view.solved.control_points)
    enough = sum(count >= _ENOUGH_PHOTOS for count in seen.values())
    return (
        f"{len(seen)} control points, {enough} of them in {_ENOUGH_PHOTOS} photos or more, "
        "which is what OpenDroneMap asks for"
    )


def _gcp_lines(view: CameraView, zone: str) -> list[str]:
    """Easting, northing, height, column, row and name of each point of a photo."""
    points = view.solved.control_points
    ground = from_lonlat(utm_crs(zone), np.array([(p.lon, p.lat) for p in points]))
    pixels = view.pixels(np.array([(p.column_px, p.row_px) for p in points])) - 0.5
    return [
        _gcp_line(point, *row, name=view.name)
        for point, *row in zip(points, ground, pixels, strict=True)
    ]


def _gcp_line(point: ControlPoint, ground: Float64Array, pixel: Float64Array, *, name: str) -> str:
    numbers = [*ground, point.altitude_m or 0.0, *pixel]
    return " ".join([*(repr(float(number)) for number in numbers), name])


def _on_level_ground(line: str) -> str:
    """A line with the height 0."""
    parts = line.split(" ")
    return " ".join([*parts[:2], "0.0", *parts[3:]])
