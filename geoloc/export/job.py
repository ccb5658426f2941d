"""Export located photos to the files of other programs, each format by its own module."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from geoloc.errors import InputError, OptionError, OutputExistsError
from geoloc.export.report import ExportReport
from geoloc.options import ExportFormat
from geoloc.results.schema import PhotoResult, Status
from geoloc.storage.atomic import plain_target

LOCATED: tuple[Status, ...] = ("located",)
Writer = Callable[[Sequence[PhotoResult], Path], ExportReport]


class _Home(NamedTuple):
    """Where the writer of a format is, and whether it writes a folder."""

    module: str
    function: str
    is_folder: bool = False


_HOMES: dict[ExportFormat, _Home] = {
    "geo-txt": _Home("opendronemap", "write_geo_txt"),
    "gcp": _Home("opendronemap", "write_gcp_list"),
    "exif": _Home("photo_copies.job", "write_photo_copies", is_folder=True),
    "points": _Home("qgis_points", "write_qgis_points", is_folder=True),
    "kml": _Home("kml", "write_kmz"),
    "reference-csv": _Home("metashape", "write_reference_csv"),
    "colmap": _Home("colmap", "write_colmap", is_folder=True),
    "orthority": _Home("orthority", "write_orthority"),
    "gpx": _Home("gpx", "write_gpx"),
    "footprints": _Home("footprints", "write_footprints"),
}


def export_results(
    results: Sequence[PhotoResult],
    fmt: ExportFormat,
    path: str | Path,
    *,
    statuses: Collection[Status] = LOCATED,
    overwrite: bool = False,
    dem: Sequence[str | Path] = (),
) -> ExportReport:
    """Write located photos as another program wants them; what was written, and what was not.

    Args:
        results: As `geoloc.read_results` reads them.
        fmt: The format.
        path: The file, or the folder, to write.
        statuses: The photos to take.
        overwrite: Replace what is there.
        dem: Elevation models, for heights above the sea where photos were located without one.

    Raises:
        InputError: No photo has such a status, or none has what the format needs; or an elevation
            model cannot be read.
        OptionError: Nothing may be written there.
        OutputExistsError: There is something, and `overwrite` was not asked for.
        OSError: A file cannot be written.
    """
    target, home = Path(path), _HOMES[fmt]
    check_target(target, fmt, overwrite=overwrite)
    chosen = [result for result in results if result.status in statuses]
    if not chosen:
        wanted = " or ".join(statuses)
        message = f"none of {len(results)} photos is {wanted}"
        raise InputError(f"{message}; expected at least one: choose others with --status")
    writer: Writer = getattr(importlib.import_module(f"geoloc.export.{home.module}"), home.function)
    if not dem:
        return writer(chosen, target)
    from geoloc.export.altitude import ELLIPSOID, with_altitudes
    from geoloc.terrain.terrain import open_terrain

    terrain = open_terrain(dem)
    report = writer([with_altitudes(result, terrain) for result in chosen], target)
    for note in (*terrain.notes, *([ELLIPSOID] if terrain.reference == "ellipsoid" else ())):
        report.note(note)
    return report


def check_target(path: Path, fmt: ExportFormat, *, overwrite: bool) -> None:
    """Whether an export may be written there; costs nothing, so that it can be asked before work.

    Raises:
        OptionError: It is a folder where a file is wanted or the other way round, or its folder is
            not there.
        OutputExistsError: There is something, and `overwrite` was not asked for.
    """
    if not path.absolute().parent.is_dir():
        raise OptionError(f"cannot write {path}: its folder does not exist; create it first")
    if not _HOMES[fmt].is_folder:
        plain_target(path)
        is_taken = path.exists()
    elif path.exists() and not path.is_dir():
        raise OptionError(f"cannot write {path}: it is a file; {fmt} is a folder, name another")
    else:
        is_taken = path.is_dir() and any(path.iterdir())
    if is_taken and not overwrite:
        raise OutputExistsError(f"{path} exists; choose another name or say --overwrite", path=path)
