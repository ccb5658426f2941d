"""Footprints as a layer of their own, beside formats that hold the photos' points alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from geoloc.errors import InputError, OptionError, ShortWriteError, first_line
from geoloc.export.report import ExportReport
from geoloc.results.formats import output_format
from geoloc.results.qgis_style import footprint_style
from geoloc.results.schema import PhotoResult, result_record
from geoloc.storage.atomic import replacing, write_text

_DRIVERS = {"geojson": "GeoJSON", "geojsonl": "GeoJSONSeq", "fgb": "FlatGeobuf", "gpkg": "GPKG"}


def write_footprints(results: Sequence[PhotoResult], path: Path) -> ExportReport:
    """Write the ground that photos show, as polygons, and a style for QGIS beside them.

    Raises:
        InputError: No photo has a footprint.
        OptionError: The extension names no format of shapes.
        ShortWriteError: The file could not be written whole.
    """
    fmt = output_format(path)
    if fmt == "csv":
        message = (
            f"{path} cannot hold shapes, it is a CSV; expected .geojson, .gpkg, .fgb, .parquet"
        )
        raise OptionError(f"{message} (the column footprint of a CSV has them as text)")
    from geoloc.results import layers

    shown = [result for result in results if result.footprint]
    report = ExportReport(photos=len(shown), written=[path])
    for result in results:
        if not result.footprint:
            report.leave_out(result, "it has no footprint")
    if not shown:
        message = "no photo has a footprint; expected one of a drone photo at least"
        raise InputError(message, path=path)
    frame = layers.footprint_frame([result_record(result) for result in shown])
    try:
        with replacing(path) as draft:
            if fmt == "parquet":
                frame.to_parquet(draft, index=False, write_covering_bbox=True)
            else:
                frame.to_file(draft, driver=_DRIVERS[fmt], engine="pyogrio", layer="footprints")
    except layers.WRITE_ERRORS as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise ShortWriteError(
            f"{path} cannot be written: {first_line(error)}", path=path
        ) from error
    style = path.with_suffix(".qml")
    if not style.exists():
        write_text(style, footprint_style())
        report.written.append(style)
    return report
