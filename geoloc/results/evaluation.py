"""Evaluate results against the truth: the figures by which locating is judged.

Shares are of all photos that have a truth: a photo without an answer, or without a row, counts
as missed. Errors are geodesic metres.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.corrections_file import read_places
from geoloc.csv_table import TableError, is_blank, parse_number
from geoloc.errors import MetadataError
from geoloc.geometry.crs import LonLat, offsets_m
from geoloc.geometry.longitude import FARTHEST_DEG, in_range
from geoloc.photo_name import comparable_path, match_names
from geoloc.results.reliability import Answer, Reliability, reliability
from geoloc.results.schema import PhotoResult, Status

TruthPoint = Literal["auto", "camera", "scene"]

SHARE_RADII_M = (5, 10, 25, 50, 100)
PRECISION_RADII_M = (25, 40, 50)
_CAMERA_COLUMNS = (("camera_lon", "camera_lat"), ("lon", "lat"), ("longitude", "latitude"))
_SCENE_COLUMNS = (("scene_lon", "scene_lat"),)


@dataclass(frozen=True)
class Truth:
    """Where one photo was taken and what it shows.

    Attributes:
        photo: Name of the photo, or the end of its path.
        camera: Position of the camera.
        scene: The ground point at the photo's centre.
    """

    photo: str
    camera: LonLat | None = None
    scene: LonLat | None = None


@dataclass(frozen=True)
class GroupFigures:
    """The figures of the photos of one status (or of ``no result``).

    Attributes:
        n: Number of photos.
        n_answered: Number of photos with a position.
        median_error_m: Median error of those with a position; None when there are none.
        share_within: Share of the `n` photos within so many metres.
    """

    n: int
    n_answered: int
    median_error_m: float | None
    share_within: dict[int, float]


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        overall: Figures of all photos that have a truth.
        by_status: Figures of each status.
        precision_within: Share of the ``located`` within so many metres; empty when none is.
        acc95_coverage: Share of the answers whose ``acc95_m`` circle holds the truth.
        reliability: How well confidences and radii of the answers hold.
        errors_m: Error of each photo by name, None without an answer.
        without_result: Names of the truth's photos that the results do not hold.
        without_truth: Names of the results' photos that the truth does not hold; not counted.
    """

    overall: GroupFigures
    by_status: dict[str, GroupFigures]
    precision_within: dict[int, float]
    acc95_coverage: float | None
    reliability: Reliability
    errors_m: dict[str, float | None]
    without_result: tuple[str, ...]
    without_truth: tuple[str, ...]


# --- the truth -------------------------------------------------------------------------------


def read_truth(path: str | Path) -> list[Truth]:
    """The rows of a CSV of truth: ``photo``, a camera position, a scene position, or both.

    The camera is ``camera_lon, camera_lat`` or ``lon, lat``; the scene ``scene_lon, scene_lat``.
    Longitudes may be counted from 0 to 360. The ``corrections.geojson`` of a report's page is a
    truth, too: of the photos that were accepted or moved there.

    Raises:
        MetadataError: The file cannot be read, or lacks these columns, or has a bad number; or a
            row names no photo, gives half a position, or contradicts another of its photo.
    """
    source = Path(path)
    try:
        table = read_places(source)
    except TableError as error:
        raise MetadataError(f"cannot read the truth {source}: {error}", path=source) from error
    columns = set(table.columns)
    pairs = [pair for pair in _CAMERA_COLUMNS + _SCENE_COLUMNS if set(pair) <= columns]
    if not table.rows or "photo" not in columns or not pairs:
        raise MetadataError(
            f"{source} is no table of truth: expected a row a photo with the columns photo and "
            "camera_lon, camera_lat (or lon, lat), or scene_lon, scene_lat",
            path=source,
        )
    if repeated := table.repeated(("photo", *(name for pair in pairs for name in pair))):
        raise MetadataError(f"{source} has two columns {repeated}", path=source)
    rows: dict[str, Truth] = {}
    for line, row in table.rows:
        stated = {name: cell for name, cell in row.items() if not is_blank(cell)}
        if not stated:
            continue
        truth = _truth(stated, f"{source}, line {line}", source)
        if rows.setdefault(comparable_path(truth.photo), truth) != truth:
            raise MetadataError(
                f"{source}, line {line} says of {truth.photo} another position than a line before",
                path=source,
            )
    return list(rows.values())


def _truth(row: Mapping[str, str], where: str, source: Path) -> Truth:
    """One row of the table, by its cells that are filled in."""
    if "photo" not in row:
        raise MetadataError(f"{where} names no photo", path=source)
    where = f"{where}: {row['photo']}"
    camera, scene = (
        _lonlat(row, pairs, where, source) for pairs in (_CAMERA_COLUMNS, _SCENE_COLUMNS)
    )
    return Truth(row["photo"], camera, scene)


def _lonlat(
    row: Mapping[str, str], pairs: Sequence[tuple[str, str]], where: str, source: Path
) -> LonLat | None:
    """The first of `pairs` that is filled in."""
    for lon, lat in pairs:
        if lon not in row and lat not in row:
            continue
        if lon not in row or lat not in row:
            raise MetadataError(f"{where} has only one of {lon} and {lat}", path=source)
        try:
            point = LonLat(parse_number(row[lon]), parse_number(row[lat]))
        except ValueError as error:
            raise MetadataError(f"{where} has no number in {lon} or {lat}", path=source) from error
        if abs(point.lon) <= FARTHEST_DEG and abs(point.lat) <= 90:
            return LonLat(float(in_range(point.lon)), point.lat)
        is_swapped = abs(point.lon) <= 90 and abs(point.lat) <= FARTHEST_DEG
        raise MetadataError(
            f"{where} lies at {point.lon}, {point.lat}; expected degrees"
            + ("; are lon and lat swapped?" if is_swapped else ""),
            path=source,
        )
    return None


# --- matching and measuring ------------------------------------------------------------------


def evaluate_results(
    results: Sequence[PhotoResult], truth: Sequence[Truth], *, point: TruthPoint = "auto"
) -> Evaluation:
    """The figures of `results` against `truth`.

    Args:
        results: As `geoloc.results.files.read_results` gives them.
        truth: As `read_truth` gives it.
        point: ``camera`` compares where the photo was taken, ``scene`` what it shows, ``auto``
            what each answer says that it is (its ``position_kind``).

    Raises:
        MetadataError: A row of the truth fits several photos, or none of them fits any.
    """
    matches = match_truth(results, truth)
    offsets = _offsets_m(matches, point)
    errors = [None if each is None else float(np.hypot(*each)) for each in offsets]
    honesty = reliability(_answers(matches, offsets))
    groups: dict[str, list[float | None]] = defaultdict(list)
    for (_, result), error in zip(matches, errors, strict=True):
        groups[result.status if result else "no result"].append(error)
    order = (*get_args(Status), "no result")
    matched = {id(result) for _, result in matches}
    return Evaluation(
        overall=_figures(errors),
        by_status={name: _figures(groups[name]) for name in order if name in groups},
        precision_within=_precision(groups["located"]),
        acc95_coverage=honesty.acc95_coverage,
        reliability=honesty,
        errors_m={row.photo: error for (row, _), error in zip(matches, errors, strict=True)},
        without_result=tuple(row.photo for row, result in matches if result is None),
        without_truth=tuple(r.photo for r in results if id(r) not in matched),
    )


TruthMatch = tuple[Truth, PhotoResult | None]


def match_truth(results: Sequence[PhotoResult], truth: Sequence[Truth]) -> list[TruthMatch]:
    """Each row of the truth with the result that it means (`geoloc.photo_name`)."""
    photos = [(result.photo,) for result in results]
    found = match_names([row.photo for row in truth], photos, strict=True)
    if found.contested:
        entry, fitting = found.contested[0]
        raise MetadataError(
            f"{truth[entry].photo} of the truth fits {results[fitting[0]].photo} and "
            f"{results[fitting[1]].photo}; give more of its path in the column photo"
        )
    result_of = {entry: results[photo] for photo, entry in found.entry_of.items()}
    matches = [(row, result_of.get(number)) for number, row in enumerate(truth)]
    if truth and not result_of:
        raise MetadataError(
            f"no photo of the truth is among the results (the truth says {truth[0].photo}); "
            "its column photo should hold the names of the photos"
        )
    return matches


def _offsets_m(matches: Sequence[TruthMatch], point: TruthPoint) -> list[Float64Array | None]:
    """Answer minus truth of each match, (2,) metres, None where either side has no position."""
    pairs = [_positions(row, result, point) if result else None for row, result in matches]
    known = [pair for pair in pairs if pair is not None]
    if not known:
        return [None] * len(pairs)
    said, true = zip(*known, strict=True)
    offsets = iter(
        offsets_m(
            [p.lon for p in true],
            [p.lat for p in true],
            [p.lon for p in said],
            [p.lat for p in said],
        )
    )
    return [None if pair is None else next(offsets) for pair in pairs]


def _answers(matches: Sequence[TruthMatch], offsets: Sequence[Float64Array | None]) -> list[Answer]:
    """What the answers state of themselves, each with how far it is off."""
    return [
        Answer(
            confidence=result.confidence,
            radius_m=result.conf_radius_m,
            ce90_m=result.ce90_m,
            acc95_m=result.acc95_m,
            east_m=float(offset[0]),
            north_m=float(offset[1]),
        )
        for (_, result), offset in zip(matches, offsets, strict=True)
        if result is not None and offset is not None
    ]


def _positions(row: Truth, result: PhotoResult, point: TruthPoint) -> tuple[LonLat, LonLat] | None:
    """What was said and what is true, of the point that is asked for."""
    is_scene = result.position_kind == "scene"
    answer = _point(result.longitude, result.latitude)
    if point == "scene" or (point == "auto" and is_scene and row.scene):
        said = _point(result.scene_longitude, result.scene_latitude) or (is_scene and answer)
        true = row.scene
    else:
        said = None if point == "camera" and is_scene else answer
        true = row.camera
    return (said, true) if said and true else None


def _point(lon: float | None, lat: float | None) -> LonLat | None:
    """A position, if both are known."""
    return None if lon is None or lat is None else LonLat(lon, lat)


def _figures(errors_m: Sequence[float | None]) -> GroupFigures:
    """The figures of one group of photos."""
    known = [error for error in errors_m if error is not None]
    return GroupFigures(
        n=len(errors_m),
        n_answered=len(known),
        median_error_m=statistics.median(known) if known else None,
        share_within={radius: _share(errors_m, radius) for radius in SHARE_RADII_M},
    )


def _precision(errors_m: Sequence[float | None]) -> dict[int, float]:
    """Shares of the located within each radius."""
    return {radius: _share(errors_m, radius) for radius in PRECISION_RADII_M} if errors_m else {}


def _share(errors_m: Sequence[float | None], radius_m: float) -> float:
    """The share within `radius_m`; a missing answer is outside."""
    within = sum(error is not None and error <= radius_m for error in errors_m)
    return within / len(errors_m) if errors_m else 0.0
