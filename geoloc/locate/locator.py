"""Locate one photo on one index: read, metadata, kind, estimate, result row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from geoloc.arrays import Int64Array
from geoloc.errors import IndexFolderError, OptionError, PhotoError
from geoloc.geometry.crs import LonLat
from geoloc.index.features.sparse import sparse_regions
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.calibration_choice import calibration_notes, own_calibration
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.opening import open_drone_locator
from geoloc.locate.drone.parameters import DRONE_PARAMETERS, DroneParameters
from geoloc.locate.estimate import Estimate
from geoloc.locate.map_terrain import terrain_notes, terrain_of
from geoloc.locate.matcher_choice import with_matcher
from geoloc.locate.prior import open_prior, rows_in_area
from geoloc.locate.result_row import Provenance, TileLookup, empty_row, result_row
from geoloc.locate.run_facts import options_text
from geoloc.locate.street.calibration_choice import (
    own_street_calibration,
    street_calibration_notes,
)
from geoloc.locate.street.locator import STREET_PARAMETERS, StreetLocator, StreetParameters
from geoloc.models.embedder import Embedder
from geoloc.models.view import DRONE, GROUND
from geoloc.options import LocateOptions
from geoloc.photos.kind import PhotoKind, kind_of
from geoloc.photos.maker import is_phone
from geoloc.photos.metadata import LOWEST_DRONE_M, PhotoMetadata
from geoloc.photos.metadata_sources import MetadataSources
from geoloc.photos.photo import Photo, read_photo
from geoloc.results.schema import PhotoResult
from geoloc.tiles.tile_table import TileTable

# More detail than this is lost on any map: at 300 m height a pixel shows 0.2 m.
MAX_SIDE_PX = 2000


@dataclass(frozen=True, kw_only=True)
class LocateParameters:
    """All that tunes locating, by kind of photo."""

    drone: DroneParameters = DRONE_PARAMETERS
    street: StreetParameters = STREET_PARAMETERS


LOCATE_PARAMETERS = LocateParameters()


class Locator:
    """Locates photos on one index; safe to use from several threads.

    Args:
        index: An opened index.
        options: How to search.
        run_id: Name of the run, for the results.
        parameters: What tunes each step, for experiments.

    Attributes:
        index: The index.
        drone: What locates drone photos; None without local features.

    Raises:
        IndexFolderError: Nothing can be located: the index keeps no local features, and its model
            knows no street photos.
        InputError: An elevation model cannot be read.
        MetadataError: The table of metadata cannot be read.
        OptionError: What `options.max_wrong` promises cannot be kept on this index, or not with
            the matcher that the options name.
    """

    def __init__(
        self,
        index: MapIndex,
        options: LocateOptions,
        *,
        run_id: str,
        parameters: LocateParameters = LOCATE_PARAMETERS,
    ) -> None:
        if index.features_folder is None and GROUND not in index.card.views:
            raise IndexFolderError(
                f"{index.folder} was built without local features, which locating needs; "
                "run `geoloc index` without --no-features",
                path=index.folder,
            )
        options = with_matcher(options, index)
        self.index = index
        self._options = options
        self.sources = MetadataSources(
            options.metadata or None, frame_rate_hz=options.frame_rate_hz
        )
        self._prior = open_prior(options)
        self._area_rows = rows_in_area(index.tiles, options.aoi)
        self._lock = threading.Lock()
        self.terrain = terrain_of(options, index)
        self.notes = terrain_notes(self.terrain, index.tiles)
        self.notes += calibration_notes(index) + street_calibration_notes(index)
        self.drone = self._drone_locator(parameters.drone)
        self.street = StreetLocator(
            index,
            options,
            open_embedder=self._open_embedder,
            calibration=own_street_calibration(index),
            parameters=parameters.street,
        )
        self.provenance = Provenance(
            model=index.card.name,
            index_id=index.index_id,
            run_id=run_id,
            tile_lookup=TileLookup(index.tiles),
            min_confidence=options.min_confidence,
            options=options_text(options, own_calibration(index), self.street.calibration),
        )
        if options.max_wrong is not None:
            least = self._least_confidence(options.max_wrong)
            self.provenance = replace(self.provenance, min_confidence=least, needs_calibration=True)
        self._is_cancelled = threading.Event()

    def _drone_locator(self, parameters: DroneParameters) -> DroneLocator | None:
        features = self.index.open_features()
        if features is None:
            return None
        return open_drone_locator(
            self.index,
            features,
            self._options,
            open_embedder=self._open_embedder,
            terrain=self.terrain,
            parameters=parameters,
        )

    def _least_confidence(self, max_wrong: float) -> float:
        """The confidence from which on no more than a share of the answers is wrong.

        Where drone and street photos have a calibration each, the promise holds for both. The one
        that came with the descriptor's model promises nothing of this ground.
        """
        drone = self.drone.calibration if self.drone else None
        found = [one for one in (drone, self.street.calibration) if one is not None]
        calibrations = [one for one in found if one.source != "model"]
        if not calibrations:
            raise OptionError(
                f"--max-wrong {max_wrong:g} cannot be promised: {self.index.folder} has no "
                "calibration of its own; run `geoloc calibrate`, or use --min-confidence"
            )
        if any(one.source == "map" for one in calibrations):
            raise OptionError(
                f"--max-wrong {max_wrong:g} cannot be promised: {self.index.folder} was calibrated "
                "on simulated photos, and a promise takes real ones; run `geoloc calibrate PHOTOS "
                "--truth CSV`, or use --min-confidence"
            )
        return max(one.least_confidence(max_wrong) for one in calibrations)

    def cancel(self) -> None:
        """End soon what other threads are in the middle of; each raises `CancelledError`."""
        self._is_cancelled.set()

    def unsupported_reason(self, kind: PhotoKind) -> str | None:
        """Why photos of a kind cannot be located on this index; None if they can."""
        if kind != "drone":
            if GROUND in self.index.card.views:
                return None
            name = self.provenance.model
            return f"{name} knows none; one that does: geoloc models import FILE --as statewide"
        if self.drone is None:
            return (
                "this index holds no local features, which drone photos need (run `geoloc index` "
                "without --no-features)"
            )
        if self.drone.needs_network and DRONE not in self.index.card.views:
            return (
                f"on a map as large as this the network has to know them, and the model "
                f"{self.provenance.model} was not trained for these"
            )
        return None

    def locate(self, path: Path) -> PhotoResult:
        """The result row of one photo; an unreadable one has a row too.

        Raises:
            CancelledError: `cancel` was called.
        """
        self.check()
        try:
            photo = read_photo(path, max_side_px=MAX_SIDE_PX)
        except (PhotoError, MemoryError) as error:
            return self.unreadable(path, str(error) or "not enough memory to decode it")
        metadata = self.sources.complete(path, photo.metadata)
        kind = self.kind_of(metadata)
        if (unsupported := self.unsupported_reason(kind)) is not None:
            return self._rejected(path, metadata, kind, unsupported)
        estimate = self._estimate(photo, metadata, kind)
        why = None if estimate else self._nothing_to_compare(photo, metadata, kind)
        return result_row(
            path,
            metadata,
            kind=kind,
            estimate=estimate,
            provenance=self.provenance,
            supposed=self.supposed_place(path, metadata),
            reason=why,
        )

    def unreadable(self, path: Path, reason: str) -> PhotoResult:
        """The row of a photo that could not be read."""
        return empty_row(path, status="unreadable", error=reason, provenance=self.provenance)

    def _nothing_to_compare(
        self, photo: Photo, metadata: PhotoMetadata, kind: PhotoKind
    ) -> str | None:
        """Whether the map or the photo is to blame for a drone photo without any place."""
        if kind != "drone" or self.drone is None:
            return None
        regions, features = self.drone.features.regions, self.drone.features
        if len(sparse_regions(features, self.index.tiles)) == len(regions):
            return (
                f"the map has too little to compare, {len(features)} local features on "
                f"{len(self.index.tiles)} tiles; look at its tiles, geoloc index warned of them"
            )
        if self.drone.shows_enough(photo, metadata, check=self.check):
            return "nothing on the map is like the photo"
        return None

    @property
    def tiles(self) -> TileTable:
        """The tiles of the index."""
        return self.index.tiles

    def kind_of(self, metadata: PhotoMetadata) -> PhotoKind:
        """The kind of a photo: as the caller asks, or by its metadata."""
        return kind_of(self._options.view, metadata, default=self._default_kind)

    @property
    def _default_kind(self) -> PhotoKind:
        """The kind of a photo whose metadata tell nothing: one that this index can locate."""
        only_street = self.unsupported_reason("drone") and not self.unsupported_reason("street")
        return "street" if only_street else "drone"

    def _rejected(
        self, path: Path, metadata: PhotoMetadata, kind: PhotoKind, reason: str
    ) -> PhotoResult:
        """The row of a photo whose kind this index cannot locate."""
        return empty_row(
            path,
            metadata,
            status="rejected",
            error=f"taken for a {kind} photo{_why(metadata)}; {reason}",
            provenance=self.provenance,
            kind=kind,
        )

    def _estimate(self, photo: Photo, metadata: PhotoMetadata, kind: PhotoKind) -> Estimate | None:
        """Near where the photo is supposed to be first, then everywhere it may be."""
        place = self.supposed_place(photo.path, metadata)
        search = self._begin(photo, metadata, kind)
        if place is None or self._prior is None:
            return search(self._area_rows)
        near_rows = self._prior.rows(place, self.index.tiles, self._area_rows)
        near = search(near_rows) if len(near_rows) else None
        is_sure = near is not None and near.probability >= self._options.min_confidence
        if self._prior.is_hard or is_sure:
            return near
        found = [one for one in (near, search(self._area_rows)) if one is not None]
        return max(found, key=lambda one: one.probability, default=None)

    def supposed_place(self, path: Path, metadata: PhotoMetadata) -> LonLat | None:
        """Where a photo is supposed to be, as the caller says; None where nothing is known."""
        return None if self._prior is None else self._prior.place_of(path, metadata)

    def _begin(
        self, photo: Photo, metadata: PhotoMetadata, kind: PhotoKind
    ) -> Callable[[Int64Array | None], Estimate | None]:
        """What searches some tiles: by local features for drone photos, else by the network."""
        if kind != "drone":
            return self.street.begin(photo, metadata, kind, check=self.check)
        drone = self.drone
        assert drone is not None, "or the photo was rejected"
        return lambda rows: drone.estimate(photo, metadata, rows=rows, check=self.check)

    def check(self) -> None:
        """Raise `CancelledError` once `cancel` was called."""
        if self._is_cancelled.is_set():
            raise CancelledError

    def allowed_rows(self, path: Path, metadata: PhotoMetadata) -> Int64Array | None:
        """Tiles that the caller allows for a photo; None is all."""
        place = self.supposed_place(path, metadata)
        if place is None or self._prior is None or not self._prior.is_hard:
            return self._area_rows
        return self._prior.rows(place, self.index.tiles, self._area_rows)

    def _open_embedder(self) -> Embedder:
        with self._lock:
            return self._embedder

    @cached_property
    def _embedder(self) -> Embedder:
        embedder = Embedder(self.index.card.folder, device=self._options.device)
        self.index.check_model(embedder.fingerprint)
        return embedder


def _why(metadata: PhotoMetadata) -> str:
    """What the metadata state that makes it no drone photo."""
    if metadata.projection == "equirectangular":
        return " (equirectangular)"
    if metadata.rel_alt_m is not None and metadata.rel_alt_m < LOWEST_DRONE_M:
        return f" ({metadata.rel_alt_m:.1f} m above take-off)"
    if metadata.rel_alt_m is None and metadata.pitch_deg is None and is_phone(metadata):
        return f" (taken with a phone, {metadata.make})"
    return ""
