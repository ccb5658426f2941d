"""Locate one drone photo: hypotheses, retrieval, voting, verification, posterior, estimate."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.errors import IndexFolderError
from geoloc.geometry.camera import Camera
from geoloc.geometry.rectification import MAX_REACH
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import DescriptorExtractor
from geoloc.index.features.signatures import Signatures
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.georeferencing import georeference
from geoloc.locate.drone.hypotheses import HypothesisStage, hypothesis_stages, other_tilts
from geoloc.locate.drone.learned_verification import Proposed, open_learned_verification
from geoloc.locate.drone.posterior import Posterior, posterior
from geoloc.locate.drone.retrieval import Retriever
from geoloc.locate.drone.search import propose, verify
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.drone.view import PhotoView, view_photo
from geoloc.locate.estimate import SURE, Estimate
from geoloc.models.embedder import Embedder
from geoloc.options import LocateOptions
from geoloc.photos.kind import camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo

# Up to this many features the whole map votes; beyond, the tiles that retrieval proposes.
WHOLE_MAP_FEATURES = 3_000_000
# Oblique frames that were found as if taken straight down scored 435 and less, and four times as
# much under their own pitch; most nadir photos score more than this.
_RIGHT_PITCH_SCORE = 1500.0
_TILT_MARGIN_M = 100.0


class DroneLocator:
    """Searches a map for drone photos; safe to use from several threads.

    Args:
        index: An opened index that keeps local features.
        features: These.
        options: How to search.
        open_embedder: Gives the network of the index; called when the first photo needs it.
    """

    def __init__(
        self,
        index: MapIndex,
        features: FeatureMap,
        options: LocateOptions,
        *,
        open_embedder: Callable[[], Embedder],
    ) -> None:
        self.features = features
        self._index = index
        self._options = options
        self._open_embedder = open_embedder
        self._extractor = _open_describer(features, options.device)
        self._second_look = open_learned_verification(index, features, options)
        self._retriever: Retriever | None = None
        self._lock = threading.Lock()

    @property
    def needs_network(self) -> bool:
        """Whether the map is too large for all of it to vote."""
        return len(self.features) > WHOLE_MAP_FEATURES

    def estimate(
        self,
        photo: Photo,
        metadata: PhotoMetadata,
        *,
        rows: Int64Array | None,
        check: Callable[[], None],
    ) -> Estimate | None:
        """The estimate of the best place; None when nothing on the map is like the photo.

        Args:
            photo: The photo, upright.
            metadata: What is known of it.
            rows: Tiles to search; None is all.
            check: Called between the hypotheses of a stage; may raise to end the work.
        """
        height_px, width_px = photo.pixels.shape[:2]
        camera = camera_of(metadata, width_px, height_px)
        found = self.posterior(photo, metadata, camera, rows=rows, check=check)
        if found is None:
            return None
        return georeference(found, camera, self.features.regions[found.best.region].frame)

    def posterior(
        self,
        photo: Photo,
        metadata: PhotoMetadata,
        camera: Camera,
        *,
        rows: Int64Array | None,
        check: Callable[[], None],
    ) -> Posterior | None:
        """The posterior after as many stages of hypotheses as it takes for one to be sure."""
        verified, proposed = self._search(photo, metadata, camera, rows=rows, check=check)
        if metadata.pitch_deg is None:
            verified += self._under_other_tilts(photo, camera, verified, check=check)
        if self._second_look is not None:
            verified += self._second_look.over(
                photo.pixels, camera, verified=verified, proposed=proposed, check=check
            )
        return posterior(verified)

    def _search(
        self,
        photo: Photo,
        metadata: PhotoMetadata,
        camera: Camera,
        *,
        rows: Int64Array | None,
        check: Callable[[], None],
    ) -> tuple[list[VerifiedPose], list[Proposed]]:
        """The places with evidence, and those that votes propose, of as many stages as it takes."""
        verified: list[VerifiedPose] = []
        proposed: list[Proposed] = []
        for stage in hypothesis_stages(metadata, self._options.effort, gsd_m=self.features.gsd_m):
            seen: Iterable[PhotoView] = self._see(photo, camera, stage, check=check)
            if self.needs_network:
                seen = list(seen)
            among = self._where_to_look(photo, camera, stage, seen=seen, rows=rows)
            for each in seen:
                check()
                proposals = propose(self.features, each, among=among)
                proposed += proposals.cameras()
                verified += verify(self.features, proposals)
                found = posterior(verified)
                if found is not None and found.probability >= SURE:
                    return verified, proposed
        return verified, proposed

    def _see(
        self, photo: Photo, camera: Camera, stage: HypothesisStage, *, check: Callable[[], None]
    ) -> Iterator[PhotoView]:
        """The photo under each hypothesis in turn, until one is sure enough."""
        for hypothesis in stage:
            check()
            view = view_photo(photo.pixels, camera, hypothesis, extractor=self._extractor)
            if view is not None:
                yield view

    def _under_other_tilts(
        self,
        photo: Photo,
        camera: Camera,
        verified: Sequence[VerifiedPose],
        *,
        check: Callable[[], None],
    ) -> list[VerifiedPose]:
        """The evidence for the best place under other pitches, unless it is beyond doubt."""
        places = posterior(verified)
        if places is None or places.best.score >= _RIGHT_PITCH_SCORE:
            return []
        place, found = places.best, places.best.resection.camera.pose
        middle = np.array([place.peak.x_m, place.peak.y_m])
        reach_m = MAX_REACH * found.height_m + _TILT_MARGIN_M
        around = self.features.in_box(place.region, middle - reach_m, middle + reach_m)
        evidence: list[VerifiedPose] = []
        for hypothesis in other_tilts(found, gsd_m=self.features.gsd_m):
            check()
            seen = view_photo(photo.pixels, camera, hypothesis, extractor=self._extractor)
            if seen is not None:
                evidence += verify(self.features, propose(self.features, seen, among=around))
        return evidence

    def _where_to_look(
        self,
        photo: Photo,
        camera: Camera,
        stage: HypothesisStage,
        *,
        seen: Iterable[PhotoView],
        rows: Int64Array | None,
    ) -> Int64Array | None:
        """Ids of the features to vote with; None is the whole map."""
        if not self.needs_network:
            return None if rows is None else self._features_of(rows)
        tiles = self._open_retriever().retrieve(
            photo.pixels, camera, stage, views=tuple(seen), count=self._options.top_k, rows=rows
        )
        return self._features_of(np.array([tile.row for tile in tiles], np.int64))

    def _features_of(self, rows: Int64Array) -> Int64Array:
        """Ids of the features on the ground of some tiles."""
        tiles = self._index.tiles
        lon, lat = tiles["lon"].to_numpy(float)[rows], tiles["lat"].to_numpy(float)[rows]
        half_m = tiles["ground_size_m"].to_numpy(float)[rows] / 2
        return self.features.in_squares(lon, lat, half_m)

    def _open_retriever(self) -> Retriever:
        with self._lock:
            if self._retriever is None:
                signatures = Signatures.open(self.features.folder)
                self._retriever = Retriever(
                    self._index, self._open_embedder(), signatures=signatures
                )
            return self._retriever


def _open_describer(features: FeatureMap, device: str) -> DescriptorExtractor | None:
    """What describes photos as the map's features are described; None is RootSIFT."""
    if features.descriptor_folder is None:
        return None
    from geoloc.index.features.descriptor import PatchNetExtractor  # brings torch

    extractor = PatchNetExtractor(features.descriptor_folder, device=device)
    if extractor.kind.checksum != features.kind.checksum:
        raise IndexFolderError(
            f"{features.descriptor_folder} is not the model that described the map; expected the "
            f"weights {features.kind.checksum[:12]}...; build the index again with --overwrite",
            path=features.descriptor_folder,
        )
    return extractor
