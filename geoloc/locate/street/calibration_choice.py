"""Which calibration judges the answers of street photos: the index's own, beside that of drones."""

from __future__ import annotations

from geoloc.index.map_index import MapIndex
from geoloc.locate.calibration import Calibration, KeptCalibration
from geoloc.locate.street.evidence import FEATURES

STREET_CALIBRATION_FILE = "street_calibration.json"


def own_street_calibration(index: MapIndex) -> Calibration | None:
    """The calibration that lies in the index, if it speaks of what the index holds today.

    Raises:
        IndexFolderError: It cannot be read.
    """
    return _kept(index).serving()


def street_calibration_notes(index: MapIndex) -> list[str]:
    """What a user should know of a calibration that lies in the index and does not serve.

    Raises:
        IndexFolderError: It cannot be read.
    """
    return _kept(index).notes()


def _kept(index: MapIndex) -> KeptCalibration:
    recipe = index.manifest.recipe
    return KeptCalibration(
        index.folder / STREET_CALIBRATION_FILE,
        descriptor=recipe.fingerprint,
        described_by="network",
        features=FEATURES,
        tiles=recipe.tile_digests,
    )
