"""One photo on one index: read, told apart by its kind, searched, answered."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.errors import IndexFolderError, PhotoError
from geoloc.geometry.crs import distances_m
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.locator import DRONE, DroneLocator
from geoloc.locate.result_row import Run, TileLookup, answer, no_answer, street_answer
from geoloc.locate.street.locator import StreetLocator
from geoloc.locate.street.search import GROUND
from geoloc.models.embedder import Embedder
from geoloc.options import LocateOptions
from geoloc.photos.kind import LOWEST_DRONE_M, PhotoKind, camera_of, kind_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.metadata_sources import MetadataSources
from geoloc.photos.photo import Photo, read_photo
from geoloc.results.schema import PhotoResult

# More detail than this is lost on any map: at 300 m height a pixel shows 0.2 m.
MAX_SIDE_PX = 2000


class Locator:
    """Locates photos on one index; safe to use from several threads.

    Args:
        index: An opened index.
        options: How to search.

    Raises:
        IndexFolderError: Nothing can be located: the index keeps no local features, and its model
            knows no street photos.
        MetadataError: The table of metadata cannot be read.
    """

    def __init__(self, index: MapIndex, options: LocateOptions, *, run_id: str) -> None:
        if index.features_folder is None and GROUND not in index.card.views:
            raise IndexFolderError(
                f"{index.folder} was built without local features, which locating needs; "
                "run `geoloc index` without --no-features",
                path=index.folder,
            )
        self._index = index
        self._options = options
        self._run = Run(
            model=index.card.name,
            index_id=index.index_id,
            run_id=run_id,
            tile_lookup=TileLookup(index.tiles),
            min_confidence=options.min_confidence,
        )
        self.sources = MetadataSources(
            options.metadata or None, frame_rate_hz=options.frame_rate_hz
        )
        self._lock = threading.Lock()
        self.drone = self._drone_locator()
        self.street = StreetLocator(index, options, open_embedder=self._open_embedder)
        self._is_over = threading.Event()

    def _drone_locator(self) -> DroneLocator | None:
        folder = self._index.features_folder
        if folder is None:
            return None
        features = FeatureMap.open(folder)
        return DroneLocator(self._index, features, self._options, open_embedder=self._open_embedder)

    def abandon(self) -> None:
        """End soon what other threads are in the middle of; each raises `CancelledError`."""
        self._is_over.set()

    def refusal(self, kind: PhotoKind) -> str | None:
        """Why photos of a kind cannot be located on this index; None if they can."""
        if kind != "drone":
            if GROUND in self._index.card.views:
                return None
            return f"the model {self._run.model} was not trained for these"
        if self.drone is None:
            return (
                "this index holds no local features, which drone photos need (run `geoloc index` "
                "without --no-features)"
            )
        if self.drone.needs_network and DRONE not in self._index.card.views:
            return (
                f"on a map as large as this the network has to know them, and the model "
                f"{self._run.model} was not trained for these"
            )
        return None

    def locate(self, path: Path) -> PhotoResult:
        """What can be said of one photo; an unreadable one is a result too.

        Raises:
            CancelledError: `abandon` was called.
        """
        self._check()
        try:
            photo = read_photo(path, max_side_px=MAX_SIDE_PX)
        except (PhotoError, MemoryError) as error:
            reason = str(error) or "not enough memory to decode it"
            return no_answer(path, None, self._run, "unreadable", reason)
        metadata = self.sources.complete(path, photo.metadata)
        kind = kind_of(self._options.view, metadata, silent=self._silent)
        if (refusal := self.refusal(kind)) is not None:
            reason = f"taken for a {kind} photo{_why(metadata)}; {refusal}"
            return self._rejected(path, metadata, kind, reason)
        if kind == "drone":
            return self._locate_drone(path, photo, metadata)
        return self._locate_street(path, photo, metadata, kind)

    @property
    def _silent(self) -> PhotoKind:
        """What a photo that says nothing of itself is taken for."""
        return "street" if self.refusal("drone") and not self.refusal("street") else "drone"

    def _rejected(
        self, path: Path, metadata: PhotoMetadata, kind: PhotoKind, reason: str
    ) -> PhotoResult:
        return replace(no_answer(path, metadata, self._run, "rejected", reason), view=kind)

    def _locate_drone(self, path: Path, photo: Photo, metadata: PhotoMetadata) -> PhotoResult:
        """By local features."""
        assert self.drone is not None  # or it was refused
        height, width = photo.pixels.shape[:2]
        camera = camera_of(metadata, width, height)
        rows = self._prior_rows(metadata)
        belief = self.drone.believe(photo, metadata, camera, rows=rows, check=self._check)
        if belief is None:
            reason = "found nowhere on this map: too little in the photo to compare"
            return self._rejected(path, metadata, "drone", reason)
        frame = self.drone.features.regions[belief.best.region].frame
        return answer(path, metadata, camera, belief=belief, frame=frame, run=self._run)

    def _locate_street(
        self, path: Path, photo: Photo, metadata: PhotoMetadata, kind: PhotoKind
    ) -> PhotoResult:
        """By the network alone."""
        rows = self._prior_rows(metadata)
        belief = self.street.believe(photo, metadata, kind, rows=rows, check=self._check)
        if belief is None:
            reason = "found nowhere on this map: too few tiles to compare"
            return self._rejected(path, metadata, kind, reason)
        return street_answer(path, metadata, belief=belief, view=kind, run=self._run)

    def _check(self) -> None:
        if self._is_over.is_set():
            raise CancelledError

    def _prior_rows(self, metadata: PhotoMetadata) -> Int64Array | None:
        """Tiles near the photo's own position, only where the caller allowed it."""
        if self._options.prior != "exif" or metadata.lon is None or metadata.lat is None:
            return None
        tiles = self._index.tiles
        away = distances_m(
            metadata.lon, metadata.lat, tiles["lon"].to_numpy(), tiles["lat"].to_numpy()
        )
        reach = self._options.prior_radius_m + 0.71 * tiles["ground_size_m"].to_numpy(float)
        return np.flatnonzero(away <= reach)

    def _open_embedder(self) -> Embedder:
        with self._lock:
            return self._embedder

    @cached_property
    def _embedder(self) -> Embedder:
        embedder = Embedder(self._index.card.folder, device=self._options.device)
        self._index.check_model(embedder.fingerprint)
        return embedder


def _why(metadata: PhotoMetadata) -> str:
    """What a photo says of itself that makes it no drone photo."""
    if metadata.projection == "equirectangular":
        return " (equirectangular)"
    if metadata.rel_alt_m is not None and metadata.rel_alt_m < LOWEST_DRONE_M:
        return f" ({metadata.rel_alt_m:.1f} m above take-off)"
    return ""
