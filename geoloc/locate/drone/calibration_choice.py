"""Which calibration judges the answers on an index: its own, or that of the descriptor's model."""

from __future__ import annotations

from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.map_index import MapIndex
from geoloc.locate.calibration import (
    CALIBRATION_FILE,
    Calibration,
    KeptCalibration,
    read_calibration,
)
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
    return _kept(index).serving()


def calibration_notes(index: MapIndex) -> list[str]:
    """What a user should know of a calibration that lies in the index and does not serve.

    Raises:
        IndexFolderError: It cannot be read.
    """
    return _kept(index).notes()


def bundled_calibration(features: FeatureMap) -> Calibration | None:
    """The calibration that came with the descriptor's model; none of another descriptor.

    Raises:
        IndexFolderError: It cannot be read.
    """
    path = find_model(DEFAULT_DESCRIPTOR) / CALIBRATION_FILE
    found = read_calibration(path) if path.is_file() else None
    is_of_these = (
        found is not None
        and found.descriptor == features.kind.checksum
        and found.features == FEATURES
    )
    return found if is_of_these else None


def _kept(index: MapIndex) -> KeptCalibration:
    recipe = index.manifest.recipe
    return KeptCalibration(
        index.folder / CALIBRATION_FILE,
        descriptor="".join(recipe.descriptor.split()[1:]),
        described_by="descriptor",
        features=FEATURES,
        tiles=recipe.tile_digests,
    )
