"""Warp located photos: each becomes a GeoTIFF of the ground that it shows, and all one mosaic.

A photo that cannot be warped is a line in the summary and ends nothing. A finished file says in its
tags what decided its content, so that the same call passes it over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import shapely
from pyproj import CRS

from geoloc import __version__
from geoloc.errors import GeolocError, InputError, OptionError, OutputExistsError, PhotoError
from geoloc.geometry.crs import WGS84, LonLat, as_crs
from geoloc.geometry.ground import FLAT_GROUND
from geoloc.geometry.longitude import near
from geoloc.options import WarpOptions
from geoloc.ortho.geotiff import (
    KEY_TAG,
    WarpFile,
    check_creation,
    creation_options,
    read_warp,
    tags_text,
    write_warp,
)
from geoloc.ortho.grid import outline_in, utm_crs, warp_grid
from geoloc.ortho.mosaic import shows_all, write_mosaics, write_tile_index
from geoloc.ortho.naming import photo_file, warp_names
from geoloc.ortho.resampling import Resampler
from geoloc.ortho.view import PhotoView, photo_view
from geoloc.photos.photo import read_photo
from geoloc.progress import CappedWarnings, Progress, Silent
from geoloc.results.schema import PhotoResult, Status
from geoloc.results.solved_camera import solved_camera
from geoloc.storage.atomic import remove_drafts
from geoloc.storage.kept_files import key_of
from geoloc.storage.lock import locked_folder
from geoloc.terrain.terrain import Terrain
from geoloc.tiles.fingerprint import fingerprint, marks_of

LOCATED: tuple[Status, ...] = ("located",)
# What of a row decides a warped photo.
_CAMERA = (
    "longitude", "latitude", "heading", "pitch_deg", "roll_deg", "height_m", "hfov_deg",
    "distortion", "photo_width", "photo_height", "rotation",
)  # fmt: skip
# What a warped photo says of it besides.
_ACCURACY = ("status", "confidence", "ce90_m", "acc95_m", "altitude_m", "timestamp")
# A zone of UTM serves so far from its middle, where it is a part in a thousand too large.
_ZONE_REACH_DEG = 6.0
_DEGREES_A_METRE = 9e-6


@dataclass
class WarpSummary:
    """What a run has done.

    Attributes:
        written: Warped photos that were written.
        passed_over: Number of warped photos that were there already.
        failed: Why photos could not be warped, by their paths.
        without_camera: Number of located photos whose rows state no camera (street photos).
        mosaics: The files over all of them.
    """

    written: list[Path] = field(default_factory=list)
    passed_over: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    without_camera: int = 0
    mosaics: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class _Task:
    """A photo to warp: its row, the file to write, its CRS, and what decides its content."""

    row: PhotoResult
    path: Path
    crs: CRS
    key: str


def warp_photos(
    results: Sequence[PhotoResult],
    folder: str | Path,
    options: WarpOptions | None = None,
    *,
    statuses: Collection[Status] = LOCATED,
    terrain: Terrain | None = None,
    beside: Path | None = None,
    progress: Progress | None = None,
) -> WarpSummary:
    """Warp located photos to the ground: a Cloud Optimized GeoTIFF each, and a mosaic of all.

    Files that are there and would come out the same are passed over.

    Args:
        results: Rows of photos, as `geoloc.read_results` reads them.
        folder: Folder to write.
        options: How they are warped.
        statuses: The photos to take.
        terrain: Heights of the ground; None, or where it knows nothing, is level ground.
        beside: Folder of the file of results; photos that were moved with it are found.
        progress: Receives counts and warnings.

    Raises:
        CrsError: ``options.crs`` is unknown.
        InputError: No photo has such a status, or none a camera.
        OptionError: A creation option is unknown.
        OutputBusyError: Another run writes there.
        OutputExistsError: A file is there that is none of ours, or would come out otherwise.
        OSError: The disk is full.
    """
    options, progress = options or WarpOptions(), progress or Silent()
    check_warping(options)
    summary = WarpSummary()
    rows = _chosen(results, statuses, summary)
    with locked_folder(Path(folder)):
        remove_drafts(Path(folder))
        tasks = _tasks(rows, Path(folder), options, terrain)
        todo = _to_do(tasks, options)
        summary.passed_over = len(tasks) - len(todo)
        warper = _Warper(options, terrain, beside)
        _run(warper, todo, summary, progress)
        whole = _whole(Path(folder), tasks, results)
        if whole and (summary.written or not shows_all(Path(folder), whole)):
            summary.mosaics = write_mosaics(Path(folder), whole)
            summary.mosaics.append(write_tile_index(Path(folder), whole))
    return summary


def check_warping(options: WarpOptions) -> None:
    """Refuse options that no photo can be warped with, before anything takes time.

    Raises:
        CrsError: The CRS is unknown.
        OptionError: A creation option is unknown.
    """
    if options.crs not in ("utm", "map"):
        crs = as_crs(options.crs)
        if not (crs.is_projected or crs.is_geographic):
            raise OptionError(f"{crs.name} is no CRS of a map; expected something like EPSG:32633")
    check_creation(options.creation_options)


def _chosen(
    results: Sequence[PhotoResult], statuses: Collection[Status], summary: WarpSummary
) -> list[PhotoResult]:
    """The rows to warp, each photo once; those without a camera are counted.

    Raises:
        InputError: There are none.
    """
    rows = {row.photo: row for row in results if row.status in statuses}
    with_camera = [row for row in rows.values() if solved_camera(row) is not None]
    summary.without_camera = len(rows) - len(with_camera)
    if not rows:
        message = f"none of {len(results)} photos is {' or '.join(statuses)}"
        raise InputError(f"{message}; expected at least one")
    if not with_camera:
        raise InputError(
            f"none of {len(rows)} located photos states its camera, as drone photos do that this "
            "version has located; locate them again"
        )
    return with_camera


def _tasks(
    rows: Sequence[PhotoResult], folder: Path, options: WarpOptions, terrain: Terrain | None
) -> list[_Task]:
    """A task a photo."""
    names = warp_names([row.photo for row in rows])
    systems = _systems(rows, options)
    tasks, marks = [], _marks(terrain)
    for row, name, crs in zip(rows, names, systems, strict=True):
        camera = [getattr(row, column) for column in _CAMERA]
        chosen = (options.gsd_m, options.reach, options.creation_options, marks)
        key = key_of(row.photo, row.photo_size, row.photo_time, camera, crs.to_wkt(), chosen)
        tasks.append(_Task(row, folder / name, crs, key))
    return tasks


def _marks(terrain: Terrain | None) -> list[str]:
    """What the files of a terrain are like."""
    names = [] if terrain is None else [raster.name for raster in terrain.rasters]
    return [fingerprint(marks_of(name, Path())) or name for name in names]


def _systems(rows: Sequence[PhotoResult], options: WarpOptions) -> list[CRS]:
    """The CRS of each warped photo.

    With UTM the zone of most photos serves those next to it too, so that they make one mosaic.
    """
    positions = [LonLat(float(row.longitude or 0), float(row.latitude or 0)) for row in rows]
    own = [utm_crs(position) for position in positions]
    if options.crs == "map":
        known = [row.tile_crs for row in rows]
        return [as_crs(crs) if crs else fallback for crs, fallback in zip(known, own, strict=True)]
    if options.crs != "utm":
        return [as_crs(options.crs)] * len(rows)
    most = Counter(crs.to_epsg() for crs in own).most_common(1)[0][0]
    middle = next(i for i, crs in enumerate(own) if crs.to_epsg() == most)
    shared = own[middle]
    return [
        shared if _is_near(positions[middle], position) else crs
        for position, crs in zip(positions, own, strict=True)
    ]


def _is_near(one: LonLat, other: LonLat) -> bool:
    """Whether the zone of one position serves the other, on the same side of the equator or not."""
    away_deg = abs(float(near(other.lon, one.lon)) - one.lon)
    return away_deg <= _ZONE_REACH_DEG and max(abs(one.lat), abs(other.lat)) < 80


def _to_do(tasks: Sequence[_Task], options: WarpOptions) -> list[_Task]:
    """The tasks whose files are not there.

    Raises:
        OutputExistsError: A file is there that would come out otherwise, and may not be replaced.
    """
    if options.overwrite:
        return list(tasks)
    todo = []
    for task in tasks:
        found = read_warp(task.path) if task.path.exists() else None
        if found is not None and found.key == task.key:
            continue
        is_ours = found is not None and found.key is not None
        if task.path.exists() and not (is_ours and options.resume):
            what = "was warped with another camera or other options" if is_ours else "is no warp"
            advice = "use --overwrite to replace it, or another folder"
            raise OutputExistsError(f"{task.path} {what}; {advice}", path=task.path)
        todo.append(task)
    return todo


def _whole(folder: Path, tasks: Sequence[_Task], results: Sequence[PhotoResult]) -> list[WarpFile]:
    """All warped photos of a folder: of this run, and of others that it says nothing of.

    What an earlier run has warped of a photo that is not warped any more is left out.
    """
    keys = {task.path.name: task.key for task in tasks}
    photos = {row.photo for row in results}
    found = []
    for path in sorted(folder.glob("[!.]*.tif")):
        warp = read_warp(path)
        if warp is None or warp.key is None:
            continue
        own = keys.get(path.name)
        if warp.key == own or (own is None and warp.tags.get("photo") not in photos):
            found.append(warp)
    return found


def _run(warper: _Warper, todo: Sequence[_Task], summary: WarpSummary, progress: Progress) -> None:
    """Warp photos one by one: each takes the memory of its pixels."""
    progress.start("warping photos", len(todo), "photos")
    warnings = CappedWarnings(progress.warn, rest="{} more photos could not be warped")
    for task in todo:
        try:
            warper.warp(task)
            summary.written.append(task.path)
        except (GeolocError, MemoryError) as error:
            reason = str(error) or "there is not memory enough for its pixels"
            summary.failed[task.row.photo] = reason
            name = Path(task.row.photo).name
            warnings.add(reason if name in reason else f"{name}: {reason}")
        progress.advance()
    warnings.finish()


class _Warper:
    """Warps one photo after the other."""

    def __init__(self, options: WarpOptions, terrain: Terrain | None, beside: Path | None) -> None:
        self._options = options
        self._terrain = terrain
        self._beside = beside
        self._creation = creation_options(options.creation_options) | {
            "NUM_THREADS": str(options.workers)
        }

    def warp(self, task: _Task) -> None:
        """Write the warped photo.

        Raises:
            GeolocError: The photo cannot be read or warped.
            OSError: The disk is full.
        """
        view = photo_view(task.row, reach=self._options.reach, terrain=self._terrain)
        grid = warp_grid(view, task.crs, self._options.gsd_m)
        photo = read_photo(photo_file(task.row, self._beside))
        found, stated = (photo.full_width_px, photo.full_height_px), view.size_px
        if found != stated:
            raise PhotoError(
                f"{photo.path} is {found[0]} x {found[1]} px, and was {stated[0]} x {stated[1]} "
                "when it was located; locate it again",
                path=photo.path,
            )
        facts = self._facts(task, view, grid.gsd_m)
        blocks = Resampler(view, grid, photo.pixels).blocks()
        write_warp(task.path, grid, blocks, tags_text(facts), self._creation)

    def _facts(self, task: _Task, view: PhotoView, gsd_m: float) -> dict[str, object]:
        """What a warped photo says of itself."""
        row = task.row
        columns = {name: getattr(row, name) for name in ("photo", *_ACCURACY, *_CAMERA)}
        outline = shapely.Polygon(outline_in(view, WGS84)).simplify(gsd_m * _DEGREES_A_METRE / 2)
        return {
            **columns,
            "tilt_deg": round(view.tilt_deg, 3),
            "gsd_m": gsd_m,
            "reach_m": round(view.reach_m, 1),
            "terrain": self._terrain_name(view),
            "outline": shapely.to_wkt(outline, rounding_precision=7),
            "index_id": row.index_id,
            "AREA_OR_POINT": "Area",
            "TIFFTAG_SOFTWARE": f"geoloc {__version__}",
            "TIFFTAG_IMAGEDESCRIPTION": f"{Path(row.photo).name}, warped to the ground",
            KEY_TAG: task.key,
        }

    def _terrain_name(self, view: PhotoView) -> str:
        """The files that the ground was taken from."""
        if self._terrain is None or view.ground is FLAT_GROUND:
            return "level ground"
        return ", ".join(Path(raster.name).name for raster in self._terrain.rasters)
