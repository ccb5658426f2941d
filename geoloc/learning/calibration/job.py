"""Calibrate an index on photos whose place is known, of drones or of streets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from geoloc.corrections_file import accepted_of
from geoloc.errors import IndexFolderError, MetadataError, OptionError, PhotoError
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.learning.calibration.fitting import fit_calibration
from geoloc.learning.calibration.radii import fit_radii
from geoloc.learning.calibration.street_photos import street_outcomes
from geoloc.locate.calibration import CALIBRATION_FILE, Calibration, write_calibration
from geoloc.locate.drone.calibration_choice import bundled_calibration
from geoloc.locate.drone.evidence import FEATURES
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.posterior import CONFIDENCE_RADIUS_M
from geoloc.locate.estimate import RAYLEIGH_90, Estimate
from geoloc.locate.job import open_index
from geoloc.locate.locator import MAX_SIDE_PX, Locator
from geoloc.locate.radii import Radii
from geoloc.locate.street.calibration_choice import STREET_CALIBRATION_FILE
from geoloc.locate.street.evidence import FEATURES as STREET_FEATURES
from geoloc.options import LocateOptions
from geoloc.photo_name import match_names
from geoloc.photos.photo import Photo, read_photo
from geoloc.photos.photo_metadata import read_metadata
from geoloc.progress import Progress, Silent
from geoloc.results.evaluation import Truth, read_truth
from geoloc.results.reliability import calibration_error, reliability_bins
from geoloc.storage.lock import locked_folder

# Evidence for the answer of a photo, and whether the answer was right.
EvidenceRow = tuple[tuple[float, ...], bool]


@dataclass(frozen=True)
class CalibrationSummary:
    """What a calibration was made of, and how well it holds.

    Attributes:
        path: The file that was written.
        photos: Photos of known place that have an answer.
        right: Those whose answer was right.
        mirrored: Photos that lie nowhere and have an answer, all of them wrong.
        nowhere: How these came to lie nowhere.
        calibration_error: Expected calibration error of curves that had not seen the photo.
        calibration: The calibration.
    """

    path: Path
    photos: int
    right: int
    mirrored: int
    calibration_error: float | None
    calibration: Calibration
    nowhere: str = "mirrored"


def calibrate_on_photos(
    photos: Sequence[Path],
    index: str | Path,
    truth: str | Path,
    options: LocateOptions | None = None,
    *,
    progress: Progress | None = None,
) -> CalibrationSummary:
    """Fit the index's calibration to photos of its ground, and keep it in the index.

    Each photo is located as it is, and mirrored, when it lies nowhere: what is found then says what
    chance finds. Street photos are located on the map without their own place instead. Photos of
    which the truth knows nothing are left out. Drone and street photos have a calibration each.

    Args:
        photos: Files, as `geoloc.photos.photo_files.find_photos` gives them.
        index: The folder that `geoloc.build_index` wrote.
        truth: A table as `geoloc.results.evaluation.read_truth` reads it, with camera positions.
        options: How to search; calibrate as you will locate.
        progress: Receives counts and warnings.

    Raises:
        DependencyError: scikit-learn is not installed, or there is no such device.
        IndexFolderError: The index is missing, unfinished, or keeps no local features.
        MetadataError: The truth cannot be read, or knows of none of the photos.
        OptionError: Fewer than ten photos of known place have an answer; or some are of drones and
            some of streets, on an index that knows both.
        OutputBusyError: Another run writes the index.
    """
    progress = progress or Silent()
    known = _known_photos(photos, read_truth(truth))
    if accepted := accepted_of(Path(truth)):
        progress.warn(
            f"{accepted} photos of {truth} were accepted as geoloc had answered: these count as "
            "right to the metre, and radii and --map-sd come out too small; give surveyed places"
        )
    # What the map adds to the radii is measured here, so that nothing is assumed of it.
    locator = open_locator(index, replace(options or LocateOptions(), map_sd_m=0.0))
    if _are_of_streets(known, locator):
        return _on_street_photos(known, photos, locator, progress)
    drone, folder = drone_of(locator), locator.index.folder
    drone.calibration = None
    with locked_folder(folder):
        found = _outcomes(known, photos, locator, drone, progress)
        calibration = fit_calibration(
            [*found.photos, *found.mirrored],
            features=FEATURES,
            source="photos",
            descriptor=drone.features.kind.checksum,
            radius_m=CONFIDENCE_RADIUS_M,
            made_of=f"{len(found.photos)} photos of this ground, {len(found.mirrored)} mirrored",
            prior=bundled_calibration(drone.features),
            tiles=locator.index.manifest.recipe.tile_digests,
        )
        calibration = replace(calibration, radii=found.radii())
        path = folder / CALIBRATION_FILE
        write_calibration(calibration, path)
    return summary_of(calibration, path, found.photos, found.mirrored)


def open_locator(index: str | Path, options: LocateOptions) -> Locator:
    """What locates photos to calibrate with.

    Raises:
        DependencyError: There is no such device.
        IndexFolderError: The index is missing or unfinished.
    """
    # What a learned matcher says is added to a calibration, and not a part of it.
    alone = replace(options, matcher="none", matcher_weights=())
    return Locator(open_index(index, alone), alone, run_id="calibration")


def drone_of(locator: Locator) -> DroneLocator:
    """What locates drone photos.

    Raises:
        IndexFolderError: The index keeps no local features.
    """
    if locator.drone is None:
        folder = locator.index.folder
        raise IndexFolderError(
            f"{folder} was built without local features, which calibrating on drone photos needs; "
            "run `geoloc index` without --no-features",
            path=folder,
        )
    return locator.drone


def summary_of(
    calibration: Calibration,
    path: Path,
    photos: Sequence[EvidenceRow],
    mirrored: Sequence[EvidenceRow],
) -> CalibrationSummary:
    """What a calibration was made of, and how well it holds.

    Args:
        calibration: The calibration.
        path: File that it was written to.
        photos: Evidence of photos of its ground that have an answer.
        mirrored: That of mirrored ones.
    """
    return CalibrationSummary(
        path=path,
        photos=len(photos),
        right=sum(is_right for _, is_right in photos),
        mirrored=len(mirrored),
        calibration_error=_error(calibration),
        calibration=calibration,
    )


def _are_of_streets(known: Sequence[tuple[Path, LonLat]], locator: Locator) -> bool:
    """Whether photos are street photos: by what the index knows, or else by their metadata.

    Raises:
        OptionError: Some are, and some are not.
    """
    if locator.unsupported_reason("street") is not None:
        return False
    if locator.unsupported_reason("drone") is not None:
        return True
    kinds = []
    for path, _ in known:
        with suppress(PhotoError):  # who reads its pixels says so
            metadata = locator.sources.complete(path, read_metadata(path))
            kinds.append(locator.kind_of(metadata) != "drone")
    if any(kinds) and not all(kinds):
        raise OptionError(
            f"{sum(kinds)} of the photos are taken for street photos and {len(kinds) - sum(kinds)} "
            "for drone photos; expected one kind, calibrate each in a run of its own"
        )
    return any(kinds)


def _on_street_photos(
    known: Sequence[tuple[Path, LonLat]],
    photos: Sequence[Path],
    locator: Locator,
    progress: Progress,
) -> CalibrationSummary:
    """Fit the index's calibration of street photos, and keep it in the index."""
    folder, recipe = locator.index.folder, locator.index.manifest.recipe
    for note in locator.sources.settle(photos):
        progress.warn(note)
    with locked_folder(folder):
        found = street_outcomes(known, locator, progress)
        calibration = fit_calibration(
            [*found.photos, *found.elsewhere],
            features=STREET_FEATURES,
            source="photos",
            descriptor=recipe.fingerprint,
            radius_m=found.radius_m,
            made_of=f"{len(found.photos)} street photos of this ground, {len(found.elsewhere)} of "
            "them without their place",
            tiles=recipe.tile_digests,
        )
        path = folder / STREET_CALIBRATION_FILE
        write_calibration(calibration, path)
    return CalibrationSummary(
        path=path,
        photos=len(found.photos),
        right=sum(is_right for _, is_right in found.photos),
        mirrored=len(found.elsewhere),
        calibration_error=_error(calibration),
        calibration=calibration,
        nowhere="on the map without their place",
    )


def _known_photos(photos: Sequence[Path], truth: Sequence[Truth]) -> list[tuple[Path, LonLat]]:
    """The photos whose camera position is known."""
    found = match_names([row.photo for row in truth], [(str(photo),) for photo in photos])
    known = [(photos[photo], truth[entry].camera) for photo, entry in found.entry_of.items()]
    placed = [(photo, camera) for photo, camera in known if camera is not None]
    if not placed:
        raise MetadataError(
            "the truth states no camera position of any of these photos; its columns should be "
            "photo, camera_lon, camera_lat"
        )
    return placed


@dataclass
class _Outcomes:
    """What was found for photos, and for mirrored ones.

    Attributes:
        photos: Evidence of the photos, and whether the answer was right.
        mirrored: The same of the mirrored ones, none of them right.
        off_m: Of each right answer without a rival the distance from the truth, and the standard
            deviation that its photo gave it, metres.
    """

    photos: list[EvidenceRow] = field(default_factory=list)
    mirrored: list[EvidenceRow] = field(default_factory=list)
    off_m: list[tuple[float, float]] = field(default_factory=list)

    def add(self, estimate: Estimate, true: LonLat) -> None:
        """Add the answer for a photo."""
        assert estimate.evidence is not None, "drone photos have evidence"
        error_m = distance_m(true, estimate.position)
        is_right = error_m <= CONFIDENCE_RADIUS_M
        self.photos.append((estimate.evidence, is_right))
        if is_right and estimate.n_modes == 1:
            self.off_m.append((error_m, estimate.ce90_m / RAYLEIGH_90))

    def add_mirrored(self, estimate: Estimate) -> None:
        """Add the answer for a mirrored photo, which lies nowhere."""
        assert estimate.evidence is not None, "drone photos have evidence"
        self.mirrored.append((estimate.evidence, False))

    def radii(self) -> Radii | None:
        """What radii are made of on this ground; None where too few answers tell."""
        off_m = np.array(self.off_m, np.float64).reshape(-1, 2)
        return fit_radii(off_m[:, 0], off_m[:, 1])


def _outcomes(
    known: Sequence[tuple[Path, LonLat]],
    photos: Sequence[Path],
    locator: Locator,
    drone: DroneLocator,
    progress: Progress,
) -> _Outcomes:
    """Locate each photo as it is and mirrored."""
    found = _Outcomes()
    for note in locator.sources.settle(photos):
        progress.warn(note)
    progress.start("calibrating", len(known), "photos")
    for path, true in known:
        try:
            photo = read_photo(path, max_side_px=MAX_SIDE_PX)
        except PhotoError as error:
            progress.warn(f"{path.name} is left out: {error}")
            progress.advance()
            continue
        if (estimate := _estimate(photo, locator, drone)) is not None:
            found.add(estimate, true)
        mirrored = replace(photo, pixels=photo.pixels[:, ::-1].copy())
        if (estimate := _estimate(mirrored, locator, drone)) is not None:
            found.add_mirrored(estimate)
        progress.advance()
    return found


def _estimate(photo: Photo, locator: Locator, drone: DroneLocator) -> Estimate | None:
    """The answer for one photo; None when nothing on the map is like it."""
    metadata = locator.sources.complete(photo.path, photo.metadata)
    return drone.estimate(photo, metadata, rows=None, check=lambda: None)


def _error(calibration: Calibration) -> float | None:
    confidence = np.array([one.confidence for one in calibration.outcomes])
    right = np.array([one.is_right for one in calibration.outcomes], bool)
    return calibration_error(reliability_bins(confidence, right))


def promises(calibration: Calibration) -> list[tuple[float, float]]:
    """The shares of wrong answers that can be promised, each with the confidence that it takes."""
    found = []
    for max_wrong in (0.01, 0.02, 0.05, 0.1):
        try:
            found.append((max_wrong, calibration.least_confidence(max_wrong)))
        except OptionError:
            continue
    return found
