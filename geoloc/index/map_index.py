"""A map index at rest: what a search for photos opens, with ``index/`` alone on the disk.

index.json       the manifest: model, weights, preprocessing, factory, tiles, counts
vectors.faiss    one vector a tile (and ``vectors.npy``, see `geoloc.index.vector_store`)
tiles.parquet    one row a vector: the table of tiles, with locations relative to the index
features/        local features of the map, unless left out (see `geoloc.index.features`)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import geopandas

from geoloc.arrays import Float32Array, Int64Array
from geoloc.errors import IndexFolderError
from geoloc.index.exact_search import SearchResult
from geoloc.index.manifest import FEATURES, INDEX_MANIFEST, IndexManifest
from geoloc.index.map_rasters import check_pixels_unchanged
from geoloc.index.vector_store import FaissStore
from geoloc.models.card import ModelCard
from geoloc.models.registry import list_models, read_card
from geoloc.tiles.tile_set import TILES_TABLE, TileManifest, TileScheme, TileSet


class MapIndex:
    """An index, opened.

    Attributes:
        folder: Folder of the index.
        manifest: Record of how it was built.
        tiles: Table of tiles; row i belongs to vector i.
        store: Vectors of the tiles.
    """

    def __init__(
        self,
        folder: Path,
        manifest: IndexManifest,
        *,
        tiles: geopandas.GeoDataFrame,
        store: FaissStore,
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.tiles = tiles
        self.store = store

    @classmethod
    def open(cls, folder: str | Path) -> MapIndex:
        """The index in `folder`.

        Raises:
            IndexFolderError: It is missing, unfinished, damaged, or of another version.
        """
        folder = Path(folder)
        manifest = IndexManifest.read(folder)
        try:
            tiles = geopandas.read_parquet(folder / TILES_TABLE)
        except (OSError, ValueError) as error:
            raise IndexFolderError(
                f"cannot read {folder / TILES_TABLE} ({error}); "
                "build the index again with --overwrite",
                path=folder,
            ) from error
        store = FaissStore.open(folder)
        if not len(tiles) == len(store) == manifest.count:
            raise IndexFolderError(
                f"{folder} holds {len(tiles)} tiles and {len(store)} vectors where its manifest "
                f"says {manifest.count}; build the index again with --overwrite",
                path=folder,
            )
        return cls(folder, manifest, tiles=tiles, store=store)

    @cached_property
    def card(self) -> ModelCard:
        """The card of the model that it was built with.

        Raises:
            ModelError: The model is not there any more.
        """
        location = self.manifest.recipe.model_location
        is_bundled = location == self.manifest.recipe.model and location in list_models()
        return read_card(location if is_bundled else self.folder / location)

    @cached_property
    def index_id(self) -> str:
        """A short name that no other index has: of its manifest."""
        return hashlib.sha256((self.folder / INDEX_MANIFEST).read_bytes()).hexdigest()[:12]

    @property
    def features_folder(self) -> Path | None:
        """Where the local features are; None if it was built without."""
        return self.folder / FEATURES if self.manifest.recipe.features else None

    def open_tiles(self, rows: Sequence[int] | None = None) -> TileSet:
        """The pixels of the tiles, where they were when the index was built; to be closed.

        Args:
            rows: Rows of `tiles`, in the order in which the set is to have them; None is all.

        Raises:
            TilesError: They were cut again from a raster that has changed since.
        """
        manifest = self.manifest
        scheme = TileScheme(manifest.ground_sizes_m, manifest.overlap, manifest.size_px, 0.0)
        table = self.tiles if rows is None else self.tiles.iloc[list(rows)]
        check_pixels_unchanged(table, manifest.rasters, self.folder)
        return TileSet(self.folder, TileManifest(scheme, manifest.rasters), table)

    def check_model(self, fingerprint: str) -> None:
        """Make sure that vectors of a model can be compared with these.

        Args:
            fingerprint: Checksum of the model: ``Embedder.fingerprint``.

        Raises:
            IndexFolderError: They cannot: other weights, or another preprocessing.
        """
        recipe = self.manifest.recipe
        if fingerprint != recipe.fingerprint:
            raise IndexFolderError(
                f"{self.folder} was built by the model {recipe.model} with weights "
                f"{recipe.weights_sha256[:8]}, and the model here has other weights or another "
                "preprocessing; put that model back, or build the index again: "
                "geoloc index TILES --overwrite",
                path=self.folder,
            )

    def search(self, vectors: Float32Array, k: int, rows: Int64Array | None = None) -> SearchResult:
        """The `k` tiles most like each query.

        Args:
            vectors: (N, D) of unit length.
            k: Number of tiles a query.
            rows: Tiles to choose from, searched exactly; None is all.
        """
        return self.store.search(vectors, k, rows=rows)
