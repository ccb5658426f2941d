"""Control points for QGIS's georeferencer: ``<photo>.points``, which it opens with the photo.

The first line is the CRS, as WKT; rows count down from 0 at the upper edge, as QGIS lays a raster
without a position.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geoloc.errors import InputError
from geoloc.export.camera_view import CameraView, camera_views
from geoloc.export.opendronemap import MAP_ACCURACY
from geoloc.export.report import ExportReport
from geoloc.geometry.crs import WGS84
from geoloc.results.schema import PhotoResult
from geoloc.storage.atomic import write_text

_HEAD = "mapX,mapY,sourceX,sourceY,enable,dX,dY,residual"


def write_qgis_points(results: Sequence[PhotoResult], folder: Path) -> ExportReport:
    """Write a file of control points a photo, named after it, into a folder.

    Raises:
        InputError: No photo has control points.
        OSError: A file cannot be written.
    """
    report = ExportReport()
    for view in camera_views(results, report):
        if not view.solved.control_points:
            report.leave_out(view.result, "it has no control points")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{view.name}.points"
        write_text(path, _points_text(view))
        report.written.append(path)
    if not report.written:
        message = "no photo has control points; expected the column control_points to be filled"
        raise InputError(f"{message}: locate the photos again with this version", path=folder)
    report.photos = len(report.written)
    report.note(MAP_ACCURACY)
    return report


def _points_text(view: CameraView) -> str:
    points = view.solved.control_points
    pixels = view.pixels(np.array([(p.column_px, p.row_px) for p in points]))
    rows = [
        f"{point.lon!r},{point.lat!r},{float(column)!r},{-float(row)!r},1,0,0,0"
        for point, (column, row) in zip(points, pixels, strict=True)
    ]
    return "\n".join([f"#CRS: {WGS84.to_wkt()}", _HEAD, *rows, ""])
