"""Write the heatmaps of located photos: where each may have been taken, and how likely.

A photo's row is all that it takes: its candidates, or its answer where it has no others. A finished
file says in its tags what decided its content, so that the same call passes it over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from geoloc import __version__
from geoloc.errors import OutputExistsError
from geoloc.geometry.crs import LonLat
from geoloc.locate.estimate import RAYLEIGH_90
from geoloc.locate.ground_posterior import GroundPlace, GroundPosterior, with_best
from geoloc.locate.heatmap.geotiff import KEY_TAG, read_key, write_heatmap
from geoloc.locate.heatmap.naming import heatmap_names
from geoloc.locate.heatmap.raster import heatmap
from geoloc.progress import Progress, Silent
from geoloc.results.schema import PhotoResult
from geoloc.storage.atomic import remove_drafts
from geoloc.storage.kept_files import key_of
from geoloc.storage.lock import locked_folder

# What of a row decides its heatmap.
_DECIDES = ("longitude", "latitude", "confidence", "ce90_m", "candidates", "status")


@dataclass
class HeatmapSummary:
    """What a run has done.

    Attributes:
        written: Heatmaps that were written.
        passed_over: Number of heatmaps that were there already.
        without_place: Number of photos that were found nowhere.
    """

    written: list[Path] = field(default_factory=list)
    passed_over: int = 0
    without_place: int = 0


@dataclass(frozen=True)
class _Task:
    """A heatmap to write: the row, where the photo may have been, the file, what decides it."""

    row: PhotoResult
    posterior: GroundPosterior
    path: Path
    key: str


def write_heatmaps(
    results: Sequence[PhotoResult],
    folder: str | Path,
    *,
    replace: bool = False,
    progress: Progress | None = None,
) -> HeatmapSummary:
    """Write where photos may have been taken: a Cloud Optimized GeoTIFF and its style each.

    Its one band is the probability of each square of the ground, and sums to one together with that
    of none of the places, which is the tag ``none_probability``. Files that are there and would
    come out the same are passed over.

    Args:
        results: Rows of photos, as `geoloc.read_results` reads them.
        folder: Folder to write.
        replace: Replace heatmaps of photos whose answers have changed.
        progress: Receives counts.

    Raises:
        OutputBusyError: Another run writes there.
        OutputExistsError: A file is there that is no heatmap, or one of another answer.
        OSError: The disk is full.
    """
    progress, summary = progress or Silent(), HeatmapSummary()
    with locked_folder(Path(folder)):
        remove_drafts(Path(folder))
        tasks = _tasks({row.photo: row for row in results}, Path(folder))
        summary.without_place = len({row.photo for row in results}) - len(tasks)
        todo = [task for task in tasks if not _is_done(task, replace=replace)]
        summary.passed_over = len(tasks) - len(todo)
        progress.start("writing heatmaps", len(todo), "photos")
        for task in todo:
            write_heatmap(task.path, heatmap(task.posterior), _tags(task))
            summary.written.append(task.path)
            progress.advance()
    return summary


def posterior_of(row: PhotoResult) -> GroundPosterior | None:
    """Where a photo may have been taken, as its row says; None where it says nothing."""
    listed = json.loads(row.candidates or "[]")
    places = tuple(
        GroundPlace(LonLat(lon, lat), ce90_m / RAYLEIGH_90, probability)
        for lon, lat, probability, ce90_m in listed
    )
    if not places and row.longitude is not None and row.latitude is not None:
        sd_m = (row.ce90_m or 0.0) / RAYLEIGH_90
        places = (GroundPlace(LonLat(row.longitude, row.latitude), sd_m, row.confidence or 0.0),)
    if not places:
        return None
    # A track may have made the best place more or less likely than its photo alone.
    best = places[0].probability if row.confidence is None else row.confidence
    return _within_one(with_best(GroundPosterior(places), best))


def _within_one(posterior: GroundPosterior) -> GroundPosterior:
    """The same, without what the rounding of probabilities has added beyond one."""
    total = max(1.0, sum(place.probability for place in posterior.places))
    places = (place._replace(probability=place.probability / total) for place in posterior.places)
    return GroundPosterior(tuple(places))


def _tasks(rows: dict[str, PhotoResult], folder: Path) -> list[_Task]:
    """A task a photo that may have been somewhere."""
    tasks = []
    for row, name in zip(rows.values(), heatmap_names(list(rows)), strict=True):
        if (posterior := posterior_of(row)) is not None:
            key = key_of(row.photo, __version__, [getattr(row, name) for name in _DECIDES])
            tasks.append(_Task(row, posterior, folder / name, key))
    return tasks


def _is_done(task: _Task, *, replace: bool) -> bool:
    """Whether the heatmap is there.

    Raises:
        OutputExistsError: A file is there that would come out otherwise, and may not be replaced.
    """
    if not task.path.exists():
        return False
    key = read_key(task.path)
    if key is None:
        raise OutputExistsError(
            f"{task.path} is no heatmap of geoloc; choose another folder", path=task.path
        )
    if key != task.key and not replace:
        raise OutputExistsError(
            f"{task.path} is of another answer; use --overwrite to replace it, or another folder",
            path=task.path,
        )
    return key == task.key and task.path.with_suffix(".qml").exists()


def _tags(task: _Task) -> dict[str, str]:
    """What a heatmap says of itself."""
    row = task.row
    facts = {
        "photo": row.photo,
        "status": row.status,
        "conf_kind": row.conf_kind,
        "index_id": row.index_id,
        "places": len(task.posterior.places),
        "AREA_OR_POINT": "Area",
        "TIFFTAG_SOFTWARE": f"geoloc {__version__}",
        "TIFFTAG_IMAGEDESCRIPTION": f"Probability of where {Path(row.photo).name} was taken",
        KEY_TAG: task.key,
    }
    return {name: str(value) for name, value in facts.items() if value is not None}
