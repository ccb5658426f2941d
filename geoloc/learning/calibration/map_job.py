"""Calibrate an index on simulated photos of its own map, where no real ones of known place are."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

from geoloc import __version__
from geoloc.errors import OptionError
from geoloc.geometry.crs import distance_m
from geoloc.index.map_index import MapIndex
from geoloc.learning.calibration.fitting import fit_calibration
from geoloc.learning.calibration.job import (
    CalibrationSummary,
    EvidenceRow,
    drone_of,
    open_locator,
    summary_of,
)
from geoloc.learning.calibration.simulation import SIMULATION, PhotoSimulator, SimulationParameters
from geoloc.locate.calibration import CALIBRATION_FILE, Calibration, write_calibration
from geoloc.locate.drone.calibration_choice import own_calibration
from geoloc.locate.drone.evidence import FEATURES, uncalibrated
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.posterior import CONFIDENCE_RADIUS_M
from geoloc.locate.run_facts import options_text
from geoloc.options import LocateOptions
from geoloc.progress import Progress, Silent
from geoloc.storage.atomic import write_text
from geoloc.storage.kept_files import key_of
from geoloc.storage.lock import locked_folder

DEFAULT_PHOTOS = 60
# What was found so far; a run that was interrupted goes on from it.
UNFINISHED = "calibration.partial.jsonl"
_SEED = 0
# Seconds of one core for a photo and its mirror image, which is searched for everywhere.
_SECONDS_A_PAIR = 9.0
# A mirrored photo of a stadium or a straight street is found on it: that is symmetry, not chance.
# So what is found within so many distances between camera and scene says nothing.
_OWN_GROUND = 1.2


def planned_minutes(photos: int) -> float:
    """About how long one core will take for so many simulated photos, mirrored ones included."""
    return photos * _SECONDS_A_PAIR / 60


def serving_calibration(index: str | Path) -> Calibration | None:
    """The calibration that lies in an index and serves.

    Raises:
        IndexFolderError: The index is missing or unfinished, or the calibration cannot be read.
    """
    return own_calibration(MapIndex.open(index))


def calibrate_on_map(
    index: str | Path,
    options: LocateOptions | None = None,
    *,
    photos: int = DEFAULT_PHOTOS,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> CalibrationSummary:
    """Fit the index's calibration to simulated photos of its ground, and keep it in the index.

    Each is located as it is, and mirrored, when it lies nowhere. A run that was interrupted goes on
    where it stopped.

    Args:
        index: The folder that `geoloc.build_index` wrote; its tiles are where they were.
        options: How to search; calibrate as you will locate.
        photos: So many photos, and as many mirrored.
        overwrite: Replace a calibration that was made on real photos.
        progress: Receives counts.

    Raises:
        DependencyError: scikit-learn is not installed, or there is no such device.
        IndexFolderError: The index is missing, unfinished, or keeps no local features.
        OptionError: The index was calibrated on real photos, the map is too small, or nearly no
            photo was found on it.
        OutputBusyError: Another run writes the index.
        TilesError: The tiles are not there any more.
    """
    progress, options = progress or Silent(), options or LocateOptions()
    locator = open_locator(index, options)
    drone = drone_of(locator)
    folder, recipe = locator.index.folder, locator.index.manifest.recipe
    with locked_folder(folder):
        _refuse_to_lose(locator.index, overwrite=overwrite)
        findings = Findings(locator.index, options)
        progress.start("calibrating", 2 * photos, "simulated photos")
        findings.complete(photos, drone, progress)
        ours, mirrored = findings.rows(photos, mirrored=False), findings.rows(photos, mirrored=True)
        calibration = fit_calibration(
            [*ours, *mirrored],
            features=FEATURES,
            source="map",
            descriptor=drone.features.kind.checksum,
            radius_m=CONFIDENCE_RADIUS_M,
            made_of=f"{len(ours)} simulated photos of this map, {len(mirrored)} mirrored",
            tiles=recipe.tile_digests,
            assumed=[uncalibrated(evidence) for evidence, _ in (*ours, *mirrored)],
        )
        path = folder / CALIBRATION_FILE
        write_calibration(calibration, path)
        findings.remove()
    return summary_of(calibration, path, ours, mirrored)


def _refuse_to_lose(index: MapIndex, *, overwrite: bool) -> None:
    """Refuse to replace what real photos have taught.

    Raises:
        OptionError: The calibration that serves was made on photos.
    """
    serving = own_calibration(index)
    if serving is not None and serving.source == "photos" and not overwrite:
        raise OptionError(
            f"{index.folder} is calibrated on {serving.made_of}, which simulated photos are no "
            "match for; say --overwrite to replace that"
        )


class Findings:
    """What was found for each simulated photo, kept in the index until all are done.

    Args:
        index: The index.
        options: How they are searched for.
        parameters: How they are simulated.
    """

    def __init__(
        self,
        index: MapIndex,
        options: LocateOptions,
        parameters: SimulationParameters = SIMULATION,
    ) -> None:
        self._index, self._path = index, index.folder / UNFINISHED
        self._parameters = parameters
        recipe, chosen = index.manifest.recipe, options_text(options)
        self._key = key_of(recipe, FEATURES, parameters, _SEED, chosen, __version__)
        self._found = _read(self._path, self._key)

    def complete(self, photos: int, drone: DroneLocator, progress: Progress) -> None:
        """Locate those of the first so many photos that were not located yet."""
        simulator = PhotoSimulator(self._index, seed=_SEED, parameters=self._parameters)
        if not self._found:
            write_text(self._path, "")
        with self._path.open("a", encoding="utf-8") as stream:
            for number, mirrored in product(range(photos), (False, True)):
                if (number, mirrored) not in self._found:
                    finding = _find(simulator, number, drone, mirrored=mirrored)
                    self._found[number, mirrored] = finding
                    stream.write(_line(self._key, number, mirrored, finding))
                    stream.flush()
                progress.advance()

    def rows(self, photos: int, *, mirrored: bool) -> list[EvidenceRow]:
        """Evidence and whether it was right, of those of the first so many that have an answer."""
        findings = (self._found[number, mirrored] for number in range(photos))
        return [finding for finding in findings if finding is not None]

    def remove(self) -> None:
        """Remove the notes: all is done."""
        self._path.unlink(missing_ok=True)


def _find(
    simulator: PhotoSimulator, number: int, drone: DroneLocator, *, mirrored: bool
) -> EvidenceRow | None:
    """Locate a simulated photo; None when that says nothing."""
    taken = simulator.photo(number, mirrored=mirrored)
    estimate = drone.estimate(taken.photo, taken.photo.metadata, rows=None, check=lambda: None)
    if estimate is None or estimate.evidence is None:
        return None
    away_m = distance_m(taken.camera, estimate.position)
    if mirrored and away_m < _OWN_GROUND * taken.distance_m:
        return None
    return estimate.evidence, not mirrored and away_m <= CONFIDENCE_RADIUS_M


def _line(key: str, number: int, mirrored: bool, finding: EvidenceRow | None) -> str:
    note = {"key": key, "photo": number, "mirrored": mirrored, "found": finding}
    return json.dumps(note) + "\n"


def _read(path: Path, key: str) -> dict[tuple[int, bool], EvidenceRow | None]:
    """What an interrupted run of the same kind has found, but for a line that was cut off."""
    found: dict[tuple[int, bool], EvidenceRow | None] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            note = json.loads(line)
            if note["key"] == key:
                row = note["found"]
                evidence = None if row is None else (tuple(map(float, row[0])), bool(row[1]))
                found[int(note["photo"]), bool(note["mirrored"])] = evidence
        except (ValueError, KeyError, TypeError, IndexError):
            continue
    return found
