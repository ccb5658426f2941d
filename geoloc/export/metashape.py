"""Agisoft Metashape: a table of reference positions and angles with their accuracies.

Angles are yaw, pitch and roll as Metashape has them: pitch 0 looks straight down. Accuracies are
standard deviations in metres and degrees.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from geoloc.export.attitude import body_angles
from geoloc.export.camera_view import CameraView, camera_views, heights_m
from geoloc.export.report import ExportReport
from geoloc.results.schema import PhotoResult
from geoloc.storage.atomic import write_text

_COLUMNS = (
    "#Label,X/Longitude,Y/Latitude,Z/Altitude,X_acc,Y_acc,Z_acc,"
    "Yaw,Pitch,Roll,Yaw_acc,Pitch_acc,Roll_acc"
)


def write_reference_csv(results: Sequence[PhotoResult], path: Path) -> ExportReport:
    """Write a reference for *Import Reference*, in degrees of WGS84.

    Raises:
        OSError: The file cannot be written.
    """
    report = ExportReport(written=[path])
    views = camera_views(results, report)
    stream = io.StringIO()
    stream.write(f"# CoordinateSystem: WGS 84 (EPSG::4326)\n{_COLUMNS}\n")
    table = csv.writer(stream, lineterminator="\n")
    for view, z in zip(views, heights_m(views, report), strict=True):
        table.writerow([view.name, *("" if x is None else repr(float(x)) for x in _row(view, z))])
    write_text(path, stream.getvalue())
    report.photos = len(views)
    return report


def _row(view: CameraView, z: float) -> list[float | None]:
    """The numbers of a camera; None for accuracies that are not known."""
    result, horizontal = view.result, view.horizontal_sd_m
    accuracies = [horizontal, horizontal, result.height_sd_m]
    angle_accuracies = [result.heading_sd, result.pitch_sd_deg, result.roll_sd_deg]
    place = [*view.solved.position, z]
    return [*place, *accuracies, *body_angles(view.to_ground), *angle_accuracies]
