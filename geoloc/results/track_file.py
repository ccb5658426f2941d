"""Tracks as a file of lines beside results whose format has one layer, with its style for QGIS."""

from __future__ import annotations

from pathlib import Path

from geoloc.errors import OutputExistsError
from geoloc.options import OutputFormat
from geoloc.results.qgis_style import track_style
from geoloc.results.schema import Record
from geoloc.results.track_members import members_of
from geoloc.storage.atomic import replacing, write_text

# A GeoPackage has a layer of them inside, and a CSV has no lines.
_DRIVERS: dict[OutputFormat, str] = {
    "geojson": "GeoJSON",
    "geojsonl": "GeoJSONSeq",
    "fgb": "FlatGeobuf",
    "parquet": "Parquet",
}


def track_path(results: Path) -> Path:
    """The file of the tracks of a file of results."""
    return results.with_name(f"{results.stem}-tracks{results.suffix}")


def write_track_file(
    records: list[Record], results: Path, fmt: OutputFormat, *, new_style: bool
) -> list[Path]:
    """Write the tracks of some rows beside their file.

    Where there is no line to draw, nothing is written, and lines of earlier rows go.

    Args:
        records: The rows.
        results: The file that they are written to.
        fmt: Its format.
        new_style: Replace a style that lies there already.

    Raises:
        OutputExistsError: A file of that name is there that holds no tracks of ours.
    """
    if fmt not in _DRIVERS:
        return []
    path = track_path(results)
    if not members_of(records):
        if path.exists() and _is_ours(path, fmt):
            path.unlink()
        return []
    from geoloc.results.layers import write_tracks  # geopandas is loaded only for these

    check_track_file(path, fmt)
    with replacing(path) as draft:
        write_tracks(records, draft, _DRIVERS[fmt])
    style = path.with_suffix(".qml")
    if style.exists() and not new_style:
        return [path]
    write_text(style, track_style())
    return [path, style]


def check_track_file(path: Path, fmt: OutputFormat) -> None:
    """Refuse to replace what is no file of tracks.

    Raises:
        OutputExistsError: It is none.
    """
    if fmt in _DRIVERS and path.exists() and not _is_ours(path, fmt):
        raise OutputExistsError(
            f"{path} would hold the tracks, and is no such file; move it, choose another -o, or "
            "say --track none",
            path=path,
        )


def _is_ours(path: Path, fmt: OutputFormat) -> bool:
    from geoloc.results.layers import holds_tracks

    return holds_tracks(path, _DRIVERS[fmt])
