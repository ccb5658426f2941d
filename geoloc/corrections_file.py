"""What a person said of photos on a report's page: the file ``corrections.geojson``.

`geoloc apply` writes it back into results. Its accepted and moved photos are places that a person
has seen to: as a table they serve whoever reads a table of photos with their positions.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from geoloc.csv_table import CsvTable, TableError, read_table
from geoloc.errors import InputError
from geoloc.geometry.crs import LonLat
from geoloc.geometry.longitude import in_range

Action = Literal["accept", "reject", "move"]

_SUFFIXES = (".geojson", ".json")
_CAMERA, _SCENE = ("lon", "lat"), ("scene_lon", "scene_lat")


@dataclass(frozen=True)
class Correction:
    """What a person said of one photo.

    Attributes:
        photo: Its path, as the row has it; None where the page kept it back.
        filename: Its name.
        row: Number of its row, from 0.
        action: What is to be done.
        position: With ``move`` where it belongs, with ``accept`` the answer that was accepted;
            None of a rejected photo, and where the page kept it back.
        is_scene: Whether the position is that of the ground it shows, not of the camera.
    """

    photo: str | None
    filename: str | None
    row: int | None
    action: Action
    position: LonLat | None = None
    is_scene: bool = False


def read_corrections(path: Path) -> list[Correction]:
    """The corrections of a GeoJSON file that a page has saved.

    Raises:
        InputError: It cannot be read, or is none.
    """
    expected = "expected the corrections.geojson that a page of `geoloc report` saves"
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        return [_correction(feature) for feature in document["features"]]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", path=path) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} holds no corrections ({error}); {expected}", path=path) from error


def read_places(path: Path) -> CsvTable:
    """A table of photos and their positions: a CSV, or the photos that a page's corrections place.

    Those that were accepted or moved have a row each with the columns ``photo, lon, lat``, or
    ``scene_lon, scene_lat`` where the answer was the ground that the photo shows; its line is the
    number of the correction.

    Raises:
        TableError: As `read_table`; or corrections place no photo, or keep a place back.
    """
    if path.suffix.lower() not in _SUFFIXES:
        return read_table(path)
    try:
        said = read_corrections(path)
    except InputError as error:
        raise TableError(str(error)) from error
    numbered = [(n, one) for n, one in enumerate(said, 1) if one.action != "reject"]
    if not numbered:
        raise TableError("it corrects no photo's place; accept or move photos on the page")
    rows = tuple((number, _place(one)) for number, one in numbered)
    pairs = [pair for pair in (_CAMERA, _SCENE) if any(set(pair) <= set(row) for _, row in rows)]
    return CsvTable(("photo", *(name for pair in pairs for name in pair)), rows)


def accepted_of(path: Path) -> int:
    """How many photos of a file of corrections were accepted where they were; 0 of any other file.

    Their places are geoloc's own answers: as a truth they are right, but without any error.
    """
    if path.suffix.lower() not in _SUFFIXES:
        return 0
    return sum(one.action == "accept" for one in read_corrections(path))


def _correction(feature: dict[str, Any]) -> Correction:
    """One feature of the file."""
    facts, geometry = feature["properties"], feature.get("geometry")
    action, row = facts["action"], facts.get("row")
    if action not in get_args(Action):
        raise ValueError(f"an unknown action {action!r}")
    position = None
    if action == "move" or (action == "accept" and geometry is not None):
        lon, lat = (float(number) for number in (geometry or {})["coordinates"][:2])
        if not (math.isfinite(lon) and abs(lat) <= 90):
            raise ValueError(f"a place at {lon}, {lat}")
        position = LonLat(float(in_range(lon)), lat)
    is_scene = facts.get("position_kind") == "scene"
    return Correction(facts.get("photo"), facts.get("filename"), row, action, position, is_scene)


def _place(one: Correction) -> dict[str, str]:
    """The cells of a photo that was placed.

    Raises:
        TableError: The page kept back its path or its place.
    """
    if one.photo is None or one.position is None:
        raise TableError(
            f"it says of {one.filename} that its place is right, but not which it is; make a table "
            "of it with its results: geoloc apply RESULTS CORRECTIONS --write-truth truth.csv"
        )
    lon, lat = _SCENE if one.is_scene else _CAMERA
    return {"photo": one.photo, lon: f"{one.position.lon:.7f}", lat: f"{one.position.lat:.7f}"}
