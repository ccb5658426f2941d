"""Which calibration judges the answers on an index: its own, or that of the descriptor's model."""

from __future__ import annotations

from pathlib import Path

from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.manifest import Recipe
from geoloc.index.map_index import MapIndex
from geoloc.locate.calibration import CALIBRATION_FILE, Calibration, read_calibration
from geoloc.locate.drone.evidence import FEATURES
from geoloc.models.registry import find_model
from geoloc.options import DEFAULT_DESCRIPTOR


def find_calibration(index: MapIndex, features: FeatureMap) -> Calibration | None:
    """The best calibration that there is: the index's own, or that of the descriptor's model.

    Raises:
        IndexFolderError: It cannot be read.
    """
    return own_calibration(index) or bundled_calibration(features)


def own_calibration(index: MapIndex) -> Calibration | None:
    """The calibration that lies in the index, if it speaks of what the index holds today.

    Raises:
        IndexFolderError: It cannot be read.
    """
    found = _read(index.folder)
    return found if found is not None and _misfit(found, index.manifest.recipe) is None else None


def calibration_notes(index: MapIndex) -> list[str]:
    """What a user should know of a calibration that lies in the index and does not serve.

    Raises:
        IndexFolderError: It cannot be read.
    """
    found = _read(index.folder)
    misfit = None if found is None else _misfit(found, index.manifest.recipe)
    if misfit is None:
        return []
    return [
        f"{index.folder / CALIBRATION_FILE} does not serve: it was made {misfit}; run `geoloc "
        "calibrate` again, or remove it"
    ]


def bundled_calibration(features: FeatureMap) -> Calibration | None:
    """The calibration that came with the descriptor's model; none of another descriptor.

    Raises:
        IndexFolderError: It cannot be read.
    """
    found = _read(find_model(DEFAULT_DESCRIPTOR))
    is_of_these = (
        found is not None
        and found.descriptor == features.kind.checksum
        and found.features == FEATURES
    )
    return found if is_of_these else None


def _read(folder: Path) -> Calibration | None:
    path = folder / CALIBRATION_FILE
    return read_calibration(path) if path.is_file() else None


def _misfit(calibration: Calibration, recipe: Recipe) -> str | None:
    """Why a calibration says nothing of an index; None if it does.

    An index that was added to still holds the ground of before.
    """
    if calibration.descriptor != "".join(recipe.descriptor.split()[1:]):
        return "with another descriptor"
    if calibration.features != FEATURES:
        return "by another version of geoloc, from other evidence"
    if calibration.tiles != recipe.tile_digests[: len(calibration.tiles)]:
        return "on other tiles than those that the index holds now"
    return None
