"""Explain a match: from a photo and an index to the evidence for a tile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from geoloc.arrays import RgbImage
from geoloc.errors import OptionError, PhotoError
from geoloc.geometry.crs import LonLat, distance_m, distances_m
from geoloc.index.cell_vectors import CropReader
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.retrieval import TileRanking, rank_tiles
from geoloc.locate.explain.evidence import find_evidence, level_maps, network_vectors, without_maps
from geoloc.locate.explain.explanation import Ablation, Explanation, Mark, Side
from geoloc.locate.explain.tile_ground import TileGround
from geoloc.locate.explain.views import NetworkInput, network_inputs
from geoloc.locate.job import locate_photos
from geoloc.locate.locator import MAX_SIDE_PX
from geoloc.models.embedder import Embedder, Preprocessing
from geoloc.models.registry import load_model
from geoloc.models.view import DRONE, GROUND, SATELLITE, View
from geoloc.options import ExplainOptions, LocateOptions
from geoloc.photos.kind import PhotoKind, kind_of, network_view
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.metadata_sources import MetadataSources
from geoloc.photos.photo import Photo, read_photo

# The best tiles, among which the rank without neural maps is counted.
_RIVALS = 10
# So far down is the tile at the photo's own position looked for.
_LOWEST_RANK = 1000


def explain_photo(
    photo: str | Path, index: str | Path, options: ExplainOptions | None = None
) -> Explanation:
    """The explanation of a photo's best tile: the cosine of both, attributed to what they show.

    The photo's own position is never used to find the tile.

    Raises:
        DependencyError: There is no such device.
        IndexFolderError: The index is missing, or of another model.
        MetadataError: ``options.metadata`` cannot be read.
        ModelError: The model was not trained for such photos.
        OptionError: There is no tile of that rank.
        PhotoError: The photo cannot be read.
        TilesError: The tile's pixels are gone.
    """
    options = options or ExplainOptions()
    opened = MapIndex.open(index)
    if options.rank > len(opened.tiles):
        raise OptionError(
            f"--rank {options.rank}, but the index holds {len(opened.tiles)} tiles; "
            "expected a smaller rank"
        )
    return _Job(opened, options).run(read_photo(photo, max_side_px=MAX_SIDE_PX))


class _Job:
    """One explanation in the making; holds the index and the network."""

    def __init__(self, index: MapIndex, options: ExplainOptions) -> None:
        self._index, self._options = index, options
        loaded = load_model(options.model or index.card.folder)
        self._embedder = Embedder(loaded, device=options.device)
        index.check_model(self._embedder.fingerprint)
        self._network = loaded.eval()

    def run(self, photo: Photo) -> Explanation:
        sources = MetadataSources(
            self._options.metadata or None, frame_rate_hz=self._options.frame_rate_hz
        )
        metadata = sources.complete(photo.path, photo.metadata)
        kind = kind_of(self._options.view, metadata, default=self._default_kind)
        tried = network_inputs(photo, metadata, kind, index=self._index, embedder=self._embedder)
        view = network_view(kind)
        ranking = self._rank(tried, view)
        place = self._options.rank - 1
        row, best = ranking.rows[place], tried[ranking.queries[place]]
        tile_pixels = self._read_tile(row)
        seen, tile = self._ready(best.pixels, view), self._ready_tile(tile_pixels)
        vectors = [self._vector(seen, view), self._vector(tile, SATELLITE)]
        return Explanation(
            photo_name=photo.path.name,
            model=self._embedder.card.name,
            kind=kind,
            is_whole=view == GROUND and self._embedder.card.ground_fit == "letterbox",
            supposed=best.supposed,
            photo=self._side(best.pixels, seen, view, toward=vectors[1]),
            tile=self._side(_beside(tile_pixels), tile, SATELLITE, toward=vectors[0]),
            tile_id=self._index.tiles.records([row], ["tile_id"])[0]["tile_id"],
            tile_size_m=float(self._index.tiles.ground_size_m[row]),
            tile_shown=self._ground_of(row).shown,
            cosine=float(vectors[0] @ vectors[1]),
            rank=self._options.rank,
            tiles=len(self._index.tiles),
            next_cosine=_next(ranking.scores, place),
            own_rank=self._own_rank(metadata, ranking),
            marks=self._marks(photo, metadata, row),
            ablation=self._ablate(seen, view, ranking, place),
        )

    @property
    def _default_kind(self) -> PhotoKind:
        """The kind of a photo whose metadata tell nothing: one that the network was trained for."""
        return "drone" if DRONE in self._embedder.card.views else "street"

    def _rank(self, tried: list[NetworkInput], view: View) -> TileRanking:
        """The tiles most like any of the inputs."""
        vectors = self._embedder.embed(np.stack([each.pixels for each in tried]), view)
        count = min(max(self._options.rank + 1, _LOWEST_RANK), len(self._index.tiles))
        found = self._index.search(vectors, count)
        return rank_tiles(found.rows, found.scores, count=count)

    def _own_rank(self, metadata: PhotoMetadata, ranking: TileRanking) -> int | None:
        if metadata.lon is None or metadata.lat is None:
            return None
        tiles = self._index.tiles
        away = distances_m(metadata.lon, metadata.lat, tiles.lon, tiles.lat)
        nearest = int(away.argmin())
        return ranking.rows.index(nearest) + 1 if nearest in ranking.rows else None

    def _read_tile(self, row: int) -> RgbImage:
        """A tile's pixels, of the size that the network takes: (H, W, 3), or crops (L, S, S, 3)."""
        crops = self._embedder.card.crops
        with self._index.open_tiles([row]) as tiles:
            if crops is not None:
                return np.asarray(CropReader(tiles, crops)(np.array([0]))[0], np.uint8)
            return self._embedder.shrink(tiles.read(0), SATELLITE)

    def _ground_of(self, row: int) -> TileGround:
        tiles = self._index.tiles
        centre = LonLat(float(tiles.lon[row]), float(tiles.lat[row]))
        return TileGround(centre, float(tiles.ground_size_m[row]), self._embedder.card.crops)

    def _ready_tile(self, pixels: RgbImage) -> Tensor:
        """A tile as the network takes it: (1, 3, H, W), or (1, L, 3, S, S) of crops."""
        if pixels.ndim == 3:
            return self._ready(pixels, SATELLITE)
        steps = Preprocessing.of(self._embedder.card, SATELLITE)
        return steps.normalise(pixels, self._embedder.device)[None]

    def _ready(self, pixels: RgbImage, view: View) -> Tensor:
        """(1, 3, H, W), normalised, on the device."""
        steps = Preprocessing.of(self._embedder.card, view)
        return steps.normalise(pixels[None], self._embedder.device)

    def _vector(self, images: Tensor, view: View, network: nn.Module | None = None) -> Tensor:
        return network_vectors(network or self._network, images, view)[0].clone()

    def _side(self, pixels: RgbImage, images: Tensor, view: View, *, toward: Tensor) -> Side:
        evidence = find_evidence(self._network, images, view, toward=toward)
        levels = level_maps(self._network, images, view)
        return Side(pixels, evidence, levels)

    def _ablate(
        self, seen: Tensor, view: View, ranking: TileRanking, place: int
    ) -> Ablation | None:
        """The best tiles compared again with the same input, with and without neural maps."""
        bare = without_maps(self._network)
        if bare is None:
            return None
        rows = ranking.rows[: max(_RIVALS, place + 1)]
        tiles = torch.cat([self._ready_tile(self._read_tile(row)) for row in rows])
        cosines, ranks = [], []
        for network in (bare, self._network):
            vectors = network_vectors(network, tiles, SATELLITE)
            against = vectors @ self._vector(seen, view, network)
            cosines.append(float(against[place]))
            ranks.append(1 + int((against > against[place]).sum()))
        return Ablation(cosines[0], ranks[0], ranks[1], len(rows))

    def _marks(self, photo: Photo, metadata: PhotoMetadata, row: int) -> tuple[Mark, ...]:
        """The photo's own position, and the estimate if it was asked for."""
        positions = []
        if metadata.lon is not None and metadata.lat is not None:
            positions.append(("own GPS", LonLat(metadata.lon, metadata.lat)))
        if self._options.locate:
            options = LocateOptions(
                view=self._options.view,
                metadata=self._options.metadata,
                frame_rate_hz=self._options.frame_rate_hz,
                device=self._options.device,
                workers=1,
            )
            (result,) = locate_photos([photo.path], self._index.folder, options)
            if result.status == "unreadable":
                raise PhotoError(str(result.error), path=photo.path)
            if result.longitude is not None and result.latitude is not None:
                positions.append((result.status, LonLat(result.longitude, result.latitude)))
        return tuple(self._mark(meaning, at, row) for meaning, at in positions)

    def _mark(self, meaning: str, at: LonLat, row: int) -> Mark:
        ground = self._ground_of(row)
        x, y = ground.place_of(at)
        return Mark(meaning, x, y, distance_m(ground.centre, at))


def _beside(pixels: RgbImage) -> RgbImage:
    """One picture (H, W, 3), of crops (L, S, S, 3) side by side."""
    return pixels if pixels.ndim == 3 else np.concatenate(list(pixels), axis=1)


def _next(scores: list[float], place: int) -> float | None:
    """The next best cosine; for a tile that is not the best, the best."""
    others = [score for number, score in enumerate(scores) if number != place]
    return others[0] if others else None
