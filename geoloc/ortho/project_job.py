"""Project detections in photos to the ground, into a file of objects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from geoloc.options import ProjectOptions
from geoloc.ortho.detections.detection import Detection
from geoloc.ortho.objects_file import check_objects_file, write_objects
from geoloc.ortho.placing import PlacedObject, place_detections
from geoloc.photo_name import match_names
from geoloc.progress import Progress, Silent
from geoloc.results.schema import PhotoResult
from geoloc.terrain.terrain import Terrain

_NAMED = 3


@dataclass
class ProjectSummary:
    """What a run has done.

    Attributes:
        objects: Number of detections.
        photos: Number of photos that they are in.
        refused: How many have no place, by the reason.
        path: The file that was written.
    """

    objects: int = 0
    photos: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    path: Path | None = None


def project_detections(
    results: Sequence[PhotoResult],
    detections: Sequence[Detection],
    options: ProjectOptions | None = None,
    *,
    terrain: Terrain | None = None,
    progress: Progress | None = None,
) -> list[PlacedObject]:
    """Place detections in located photos on the ground, each with a radius or a reason why not.

    Args:
        results: Rows of photos, as `geoloc.read_results` reads them.
        detections: As `geoloc.read_detections` reads them.
        options: How they are placed.
        terrain: Heights of the ground; None, or where it knows nothing, is level ground.
        progress: Receives counts and warnings.

    Returns:
        The detections in their order.

    Raises:
        RasterError: The terrain cannot be read.
    """
    options, progress = options or ProjectOptions(), progress or Silent()
    names = list(dict.fromkeys(each.photo for each in detections))
    rows, reasons = _rows_of(names, results, progress)
    by_name: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(detections):
        by_name[each.photo].append(number)
    placed: dict[int, PlacedObject] = {}
    progress.start("projecting objects", len(names), "photos")
    for name, numbers in by_name.items():
        some = [detections[number] for number in numbers]
        if name in rows:
            found = place_detections(rows[name], some, options, terrain)
        else:
            found = [PlacedObject(each, error=each.error or reasons[name]) for each in some]
        placed.update(zip(numbers, found, strict=True))
        progress.advance()
    return [placed[number] for number in range(len(detections))]


def project_to_file(
    results: Sequence[PhotoResult],
    detections: Sequence[Detection],
    output: str | Path,
    options: ProjectOptions | None = None,
    *,
    terrain: Terrain | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ProjectSummary:
    """Place detections on the ground and write them to a file.

    Args:
        results: As for `project_detections`.
        detections: As for `project_detections`.
        output: The file; its extension chooses the format.
        options: How they are placed.
        terrain: Heights of the ground.
        overwrite: Replace a file that is there.
        progress: Receives counts and warnings.

    Raises:
        OptionError: The file cannot be written there.
        OutputExistsError: It is there, and `overwrite` was not asked for.
        RasterError: The terrain cannot be read.
    """
    fmt = check_objects_file(output, overwrite=overwrite)
    placed = project_detections(results, detections, options, terrain=terrain, progress=progress)
    write_objects(placed, Path(output), fmt)
    errors = [each.error for each in placed if each.error is not None]
    return ProjectSummary(
        objects=len(placed),
        photos=len({each.detection.photo for each in placed}),
        refused=Counter(errors),
        path=Path(output),
    )


def _rows_of(
    names: Sequence[str], results: Sequence[PhotoResult], progress: Progress
) -> tuple[dict[str, PhotoResult], dict[str, str]]:
    """The row that each name means, and why a name means none."""
    paths = [[row.photo, *([row.photo_rel] if row.photo_rel else [])] for row in results]
    found = match_names(names, paths)
    rows: dict[str, PhotoResult] = {}
    for number, entry in found.entry_of.items():
        # Photos of one exposure share a name; the one that was located speaks.
        best = rows.get(names[entry])
        if best is None or _rank(results[number]) < _rank(best):
            rows[names[entry]] = results[number]
    contested = {names[entry]: photos for entry, photos in found.contested}
    reasons: dict[str, str] = {}
    for name in names:
        if name in contested:
            some = ", ".join(results[number].photo for number in contested[name][:_NAMED])
            reasons[name] = f"{name} fits several photos: {some}; give more of its path"
        elif name not in rows:
            alone = _alone(name, results, paths)
            if alone is not None:
                rows[name] = alone
            else:
                reasons[name] = f"no photo of the results is called {name or 'by an empty name'}"
    if found.by_name_alone:
        pairs = [
            f"{names[found.entry_of[n]]} for {results[n].photo}"
            for n in found.by_name_alone[:_NAMED]
        ]
        more = "" if len(found.by_name_alone) <= _NAMED else ", ..."
        progress.warn(f"photos are taken by their names alone: {', '.join(pairs)}{more}")
    return rows, reasons


def _alone(
    name: str, results: Sequence[PhotoResult], paths: Sequence[Sequence[str]]
) -> PhotoResult | None:
    """The row that a name means which another name means too (``a`` and ``a.jpg``)."""
    found = match_names([name], paths)
    rows = [results[number] for number in found.entry_of]
    return min(rows, key=_rank) if rows and not found.contested else None


def _rank(row: PhotoResult) -> int:
    return ("corrected", "located", "ambiguous", "rejected", "unreadable").index(row.status)
