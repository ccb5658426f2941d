"""Which calibration judges the answers of street photos: the index's own, beside that of drones."""

from __future__ import annotations

from pathlib import Path

from geoloc.index.manifest import Recipe
from geoloc.index.map_index import MapIndex
from geoloc.locate.calibration import Calibration, read_calibration
from geoloc.locate.street.evidence import FEATURES

STREET_CALIBRATION_FILE = "street_calibration.json"


def own_street_calibration(index: MapIndex) -> Calibration | None:
    """The calibration that lies in the index, if it speaks of what the index holds today.

    Raises:
        IndexFolderError: It cannot be read.
    """
    found = _read(index.folder)
    return found if found is not None and _misfit(found, index.manifest.recipe) is None else None


def street_calibration_notes(index: MapIndex) -> list[str]:
    """What a user should know of a calibration that lies in the index and does not serve.

    Raises:
        IndexFolderError: It cannot be read.
    """
    found = _read(index.folder)
    misfit = None if found is None else _misfit(found, index.manifest.recipe)
    if misfit is None:
        return []
    return [
        f"{index.folder / STREET_CALIBRATION_FILE} does not serve: it was made {misfit}; run "
        "`geoloc calibrate` again, or remove it"
    ]


def _read(folder: Path) -> Calibration | None:
    path = folder / STREET_CALIBRATION_FILE
    return read_calibration(path) if path.is_file() else None


def _misfit(calibration: Calibration, recipe: Recipe) -> str | None:
    """Why a calibration says nothing of an index; None if it does.

    An index that was added to still holds the ground of before.
    """
    if calibration.descriptor != recipe.fingerprint:
        return "with another network"
    if calibration.features != FEATURES:
        return "by another version of geoloc, from other evidence"
    if calibration.tiles != recipe.tile_digests[: len(calibration.tiles)]:
        return "on other tiles than those that the index holds now"
    return None
