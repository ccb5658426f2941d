"""One photo on one index: from pixels to an answer."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoloc.answer import Atlas, Run, answer, no_answer
from geoloc.camera import Camera
from geoloc.crs import distances_m
from geoloc.embed import Embedder
from geoloc.errors import IndexFolderError, PhotoError
from geoloc.features import FeatureMap
from geoloc.index import MapIndex
from geoloc.mapsearch import search
from geoloc.metadata import PhotoMetadata, merge
from geoloc.metadata_table import MetadataTable, open_table
from geoloc.options import LocateOptions
from geoloc.photo import Photo, read_photo
from geoloc.posterior import Belief, believe
from geoloc.retrieval import Retriever
from geoloc.schema import PhotoResult
from geoloc.search_plan import LOWEST_DRONE_M, Stage, camera_of, kind_of, stages
from geoloc.verify import Verified

# More detail than this is lost on any map: at 300 m height a pixel shows 0.2 m.
MAX_SIDE_PX = 2000
# Up to this many features the whole map votes; beyond, the tiles that retrieval proposes.
WHOLE_MAP_FEATURES = 3_000_000
# A stage that ends this sure ends the search.
_SURE = 0.97


class Locator:
    """Locates photos on one index; safe to use from several threads.

    Args:
        index: An opened index.
        options: How to search.

    Raises:
        IndexFolderError: The index keeps no local features.
        MetadataError: The table of metadata cannot be read.
    """

    def __init__(self, index: MapIndex, options: LocateOptions, *, run_id: str) -> None:
        if index.features_folder is None:
            raise IndexFolderError(
                f"{index.folder} was built without local features, which locating needs; "
                "run `geoloc index` without --no-features",
                path=index.folder,
            )
        self._index = index
        self._options = options
        self._features = FeatureMap.open(index.features_folder)
        self._run = Run(
            model=index.card.name,
            index_id=index.index_id,
            run_id=run_id,
            atlas=Atlas(index.tiles),
            min_confidence=options.min_confidence,
        )
        self.table: MetadataTable | None = (
            open_table(options.metadata) if options.metadata else None
        )
        self._retriever: Retriever | None = None
        self._lock = threading.Lock()

    def locate(self, path: Path) -> PhotoResult:
        """What can be said of one photo; an unreadable one is a result too."""
        try:
            photo = read_photo(path, max_side_px=MAX_SIDE_PX)
        except (PhotoError, MemoryError) as error:
            reason = str(error) or "not enough memory to decode it"
            return no_answer(path, None, self._run, "unreadable", reason)
        metadata = self._told(path, photo.metadata)
        kind = kind_of(self._options.view, metadata)
        if kind != "drone":
            reason = f"taken for a {kind} photo{_why(metadata)}; "
            reason += f"the model {self._run.model} was not trained for these"
            refused = no_answer(path, metadata, self._run, "rejected", reason)
            return replace(refused, view=kind)
        height, width = photo.pixels.shape[:2]
        camera = camera_of(metadata, width, height)
        belief = self._search(photo, metadata, camera)
        if belief is None:
            reason = "found nowhere on this map: too little in the photo to compare"
            return replace(no_answer(path, metadata, self._run, "rejected", reason), view="drone")
        return answer(
            path,
            metadata,
            camera,
            belief=belief,
            frame=self._features.regions[belief.best.region].frame,
            run=self._run,
        )

    def _told(self, path: Path, metadata: PhotoMetadata) -> PhotoMetadata:
        row = self.table.match(path) if self.table else None
        return metadata if row is None else merge(metadata, row)

    def _search(self, photo: Photo, metadata: PhotoMetadata, camera: Camera) -> Belief | None:
        """Try stage after stage until one is sure."""
        belief = None
        verified: list[Verified] = []
        for stage in stages(metadata, self._options.effort, gsd_m=self._features.gsd_m):
            among = self._where_to_look(photo, metadata, camera, stage)
            for sight in stage:
                verified += search(self._features, photo.pixels, camera, sight=sight, among=among)
                belief = believe(verified)
                if belief is not None and belief.probability >= _SURE:
                    return belief
        return belief

    def _where_to_look(
        self, photo: Photo, metadata: PhotoMetadata, camera: Camera, stage: Stage
    ) -> NDArray[np.int64] | None:
        """Ids of the features to vote with; None is the whole map."""
        rows = self._prior_rows(metadata)
        if len(self._features) <= WHOLE_MAP_FEATURES:
            return None if rows is None else self._features_of(rows)
        retriever = self._open_retriever()
        proposals = retriever.propose(
            photo.pixels, camera, stage, count=self._options.top_k, rows=rows
        )
        return self._features_of(np.array([p.row for p in proposals], np.int64))

    def _prior_rows(self, metadata: PhotoMetadata) -> NDArray[np.int64] | None:
        """Tiles near the photo's own position, only where the caller allowed it."""
        if self._options.prior != "exif" or metadata.lon is None or metadata.lat is None:
            return None
        tiles = self._index.tiles
        away = distances_m(
            metadata.lon, metadata.lat, tiles["lon"].to_numpy(), tiles["lat"].to_numpy()
        )
        reach = self._options.prior_radius_m + 0.71 * tiles["ground_size_m"].to_numpy(float)
        return np.flatnonzero(away <= reach)

    def _features_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ids of the features on the ground of some tiles."""
        tiles = self._index.tiles
        lon, lat = tiles["lon"].to_numpy(float)[rows], tiles["lat"].to_numpy(float)[rows]
        half = tiles["ground_size_m"].to_numpy(float)[rows] / 2
        ids = [np.zeros(0, np.int64)]
        for number, region in enumerate(self._features.regions):
            near = distances_m(region.origin.lon, region.origin.lat, lon, lat) < region.reach_m
            centres = region.frame.from_lonlat(lon[near], lat[near])
            ids += [
                self._features.in_box(number, centre - side, centre + side)
                for centre, side in zip(centres, half[near], strict=True)
            ]
        return np.unique(np.concatenate(ids))

    def _open_retriever(self) -> Retriever:
        """The network, loaded when the first photo needs it."""
        with self._lock:
            if self._retriever is None:
                embedder = Embedder(self._index.card.folder, device=self._options.device)
                self._index.check_model(embedder.fingerprint)
                self._retriever = Retriever(self._index, embedder)
            return self._retriever


def _why(metadata: PhotoMetadata) -> str:
    """What a photo says of itself that makes it no drone photo."""
    if metadata.projection == "equirectangular":
        return " (equirectangular)"
    if metadata.rel_alt_m is not None and metadata.rel_alt_m < LOWEST_DRONE_M:
        return f" ({metadata.rel_alt_m:.1f} m above take-off)"
    return ""
