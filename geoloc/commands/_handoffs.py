"""Hand-offs of `geoloc locate`: the same as `geoloc export`, once the result is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from geoloc.commands._console import say
from geoloc.commands._progress import progress_bar
from geoloc.options import ExportFormat, ExportOptions, OutputFormat

if TYPE_CHECKING:
    from geoloc.export.report import ExportReport

_Command = TypeVar("_Command", bound=Callable[..., object])
_NAMES_SHOWN = 5


class _Option(NamedTuple):
    """An option that writes a format."""

    name: str
    metavar: str
    help: str


_OPTIONS: dict[ExportFormat, _Option] = {
    "exif": _Option(
        "--write-exif",
        "FOLDER",
        "Also write copies of the located photos, with position, direction and accuracy in EXIF "
        "and angles in XMP.",
    ),
    "geo-txt": _Option(
        "--geo-txt", "FILE", "Also write positions, angles and accuracies for OpenDroneMap."
    ),
    "gcp": _Option(
        "--gcp", "FILE", "Also write control points, found by matching, for OpenDroneMap."
    ),
    "points": _Option(
        "--points", "FOLDER", "Also write control points for QGIS's georeferencer, a file a photo."
    ),
    "kml": _Option("--kml", "FILE", "Also write a KMZ for Google Earth, with pictures."),
    "reference-csv": _Option("--reference-csv", "FILE", "Also write a reference for Metashape."),
    "colmap": _Option("--colmap", "FOLDER", "Also write cameras and poses for COLMAP."),
    "orthority": _Option("--orthority", "FILE", "Also write cameras for Orthority, as GeoJSON."),
    "gpx": _Option("--gpx", "FILE", "Also write GPX of the located photos that have a time."),
}


class Handoffs(NamedTuple):
    """Formats to write after locating, and where.

    Attributes:
        paths: Where each goes.
        source: The result that they are made of.
        fmt: Its format, where the extension does not say it.
    """

    paths: Mapping[ExportFormat, Path]
    source: str
    fmt: OutputFormat | None


def handoff_options(function: _Command) -> _Command:
    """Give a command an option for each format of `geoloc export`."""
    function = click.option(
        "--footprints",
        is_flag=True,
        help="Also write the ground that photos show, as polygons, to NAME-footprints beside the "
        "output. A GeoPackage has them inside.",
    )(function)
    for fmt, option in reversed(_OPTIONS.items()):
        function = click.option(
            option.name,
            _parameter(fmt),
            type=click.Path(path_type=Path),
            metavar=option.metavar,
            help=option.help,
        )(function)
    return function


def _parameter(fmt: ExportFormat) -> str:
    return f"handoff_{fmt.replace('-', '_')}"


def handoffs_of(given: dict[str, Any], source: str, fmt: OutputFormat | None) -> Handoffs:
    """The formats that options chose, which are taken from the others.

    Raises:
        OptionError: The result goes to stdout, where nothing can be made of it.
    """
    from geoloc.errors import OptionError

    chosen = {each: given.pop(_parameter(each)) for each in _OPTIONS}
    paths = {each: path for each, path in chosen.items() if path is not None}
    names = [_OPTIONS[each].name for each in paths]
    if given.pop("footprints"):
        path = Path(source)
        paths["footprints"] = path.with_name(f"{path.stem}-footprints{path.suffix}")
        names.append("--footprints")
    if paths and source == "-":
        name = names[0]
        raise OptionError(f"{name} is made of a result file, not of stdout; name one with -o")
    return Handoffs(paths, source, fmt)


def check_handoffs(handoffs: Handoffs, *, overwrite: bool) -> None:
    """Whether each may be written; costs nothing.

    A result that is there already may have been handed on before: that is looked at afterwards.

    Raises:
        OptionError: As `geoloc.export.job.check_target`.
        OutputExistsError: As `geoloc.export.job.check_target`.
    """
    if not handoffs.paths:
        return
    from geoloc.export.job import check_target
    from geoloc.results.journal import journal_path

    source = Path(handoffs.source)
    goes_on = source.exists() or journal_path(source).exists()
    for fmt, path in handoffs.paths.items():
        check_target(path, fmt, overwrite=overwrite or goes_on)


def hand_off(handoffs: Handoffs, *, overwrite: bool, is_idle: bool, quiet: bool) -> int:
    """Write each format and say so; the exit code of the first that failed, or 0.

    What fails is said with the command that tries it again: the result is there, and stays.

    Args:
        handoffs: What to write, and of what.
        overwrite: Replace what is there.
        is_idle: Nothing was located now, so that what is there is of the same result.
        quiet: Say only what failed.
    """
    todo = {fmt: p for fmt, p in handoffs.paths.items() if not (is_idle and p.exists())}
    if not todo:
        return 0
    from geoloc.errors import GeolocError, InputError, one_line
    from geoloc.export.job import export_results
    from geoloc.results.files import read_results

    results = read_results(handoffs.source, fmt=handoffs.fmt)
    options = ExportOptions(overwrite=overwrite, source=handoffs.source)
    exit_code = 0
    for fmt, path in todo.items():
        try:
            with progress_bar(quiet=quiet, verbose=0) as progress:
                report = export_results(results, fmt, path, options, progress=progress)
        except InputError as nothing:  # no photo was found: an answer, too
            say(f"{path} is not written: {one_line(nothing)}", quiet=quiet)
        except (GeolocError, OSError) as error:
            again = f"geoloc export {handoffs.source} --to {fmt} -o {path}"
            say(f"geoloc: error: {one_line(error)}; the result is whole, `{again}` tries again")
            exit_code = exit_code or getattr(error, "exit_code", 2)
        else:
            for line in report_lines(report, path):
                say(line, quiet=quiet)
    return exit_code


def report_lines(report: ExportReport, output: Path) -> list[str]:
    """What was written, what was left out and why, and what a user has to know."""
    photos = f"{report.photos} photo{'' if report.photos == 1 else 's'}"
    lines = [f"wrote {output}: {photos}"]
    by_reason: dict[str, list[str]] = defaultdict(list)
    for photo, reason in report.left_out.items():
        by_reason[reason].append(Path(photo).name)
    for reason, names in by_reason.items():
        shown = ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
        lines.append(f"{len(names)} left out, {reason}: {shown}")
    return [*lines, *(f"note: {note}" for note in report.notes)]
