"""Export located photos to the files of other programs, each format by its own module."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from geoloc.errors import InputError, OptionError, OutputExistsError
from geoloc.export.report import ExportReport
from geoloc.options import ExportFormat, ExportOptions
from geoloc.progress import Progress, Silent
from geoloc.results.schema import PhotoResult
from geoloc.storage.atomic import plain_target

Writer = Callable[..., ExportReport]


class _Home(NamedTuple):
    """Where the writer of a format is.

    Attributes:
        module: Its module.
        function: Its name there.
        is_folder: Whether it writes a folder.
        reads_photos: Whether it opens the photos themselves, which takes time.
    """

    module: str
    function: str
    is_folder: bool = False
    reads_photos: bool = False


_HOMES: dict[ExportFormat, _Home] = {
    "geo-txt": _Home("opendronemap", "write_geo_txt"),
    "gcp": _Home("opendronemap", "write_gcp_list"),
    "exif": _Home("photo_copies.job", "write_photo_copies", is_folder=True, reads_photos=True),
    "points": _Home("qgis_points", "write_qgis_points", is_folder=True),
    "kml": _Home("kml", "write_kmz", reads_photos=True),
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
    options: ExportOptions | None = None,
    *,
    progress: Progress | None = None,
) -> ExportReport:
    """Write located photos as another program wants them; what was written, and what was not.

    Args:
        results: As `geoloc.read_results` reads them.
        fmt: The format.
        path: The file, or the folder, to write.
        options: Which photos, and how.
        progress: Receives counts while photos are read.

    Raises:
        InputError: No photo has such a status, or none has what the format needs; or an elevation
            model cannot be read.
        OptionError: Nothing may be written there.
        OutputExistsError: There is something, and to replace it was not asked for.
        OSError: A file cannot be written.
    """
    options = options or ExportOptions()
    target, home = Path(path), _HOMES[fmt]
    check_target(target, fmt, overwrite=options.overwrite)
    chosen = [result for result in results if result.status in options.statuses]
    if not chosen:
        wanted = " or ".join(options.statuses)
        message = f"none of {len(results)} photos is {wanted}"
        raise InputError(f"{message}; expected at least one: choose others with --status")
    told = {"progress": progress or Silent()} if home.reads_photos else {}
    if options.source is not None and home.reads_photos:
        chosen = [_found_from(Path(options.source), result) for result in chosen]
    notes: list[str] = []
    if options.dem:
        chosen, notes = _over_terrain(chosen, options.dem)
    writer: Writer = getattr(importlib.import_module(f"geoloc.export.{home.module}"), home.function)
    report = writer(chosen, target, **told)
    for note in notes:
        report.note(note)
    return report


def _over_terrain(
    results: Sequence[PhotoResult], dem: tuple[str, ...]
) -> tuple[list[PhotoResult], list[str]]:
    """Rows with heights above the sea, and what a user has to know of the elevation models."""
    from geoloc.export.altitude import ELLIPSOID, with_altitudes
    from geoloc.terrain.terrain import open_terrain

    terrain = open_terrain(dem)
    notes = [*terrain.notes, *([ELLIPSOID] if terrain.reference == "ellipsoid" else ())]
    return [with_altitudes(result, terrain) for result in results], notes


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


def _found_from(source: Path, result: PhotoResult) -> PhotoResult:
    """A row whose photo is where it lies from the result's folder, if it is not where it was."""
    if result.photo_rel is None or Path(result.photo).is_file():
        return result
    moved = os.path.normpath(source.absolute().parent / result.photo_rel)
    return replace(result, photo=moved) if Path(moved).is_file() else result
