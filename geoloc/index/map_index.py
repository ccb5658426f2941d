"""A map index at rest: what a search for photos opens, with ``index/`` alone on the disk.

index.json       the manifest: model, weights, preprocessing, factory, tiles, counts
vectors.faiss    one vector a tile (and ``vectors.npy``, see `geoloc.index.vector_store`)
tiles.parquet    one row a vector: the table of tiles, with locations relative to the index
tiles.lance      both in place of these, with --store lance
features/        local features of the map, unless left out (see `geoloc.index.features`)
terrain.tif      heights of its ground, with --dem

An index that took another's place has a number in these names (see `geoloc.index.generation`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from geoloc.arrays import Float32Array, Int64Array
from geoloc.errors import IndexFolderError
from geoloc.index.exact_search import SearchResult
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.generation import IndexFiles
from geoloc.index.manifest import INDEX_MANIFEST, IndexManifest
from geoloc.index.map_rasters import check_pixels_unchanged
from geoloc.index.stores import VectorStore, open_stores
from geoloc.models.card import ModelCard
from geoloc.models.registry import list_models, read_card
from geoloc.terrain.terrain import Terrain, open_terrain
from geoloc.tiles.manifest import TileManifest, TileScheme
from geoloc.tiles.sources.cache import geoloc_cache
from geoloc.tiles.tile_set import TileSet
from geoloc.tiles.tile_table import TileTable


class MapIndex:
    """An index, opened.

    Attributes:
        folder: Folder of the index.
        manifest: Record of how it was built.
        index_id: A short name that no other index has.
        tiles: The tiles; row i belongs to vector i.
        store: Vectors of the tiles.
    """

    def __init__(
        self,
        folder: Path,
        manifest: IndexManifest,
        *,
        index_id: str,
        tiles: TileTable,
        store: VectorStore,
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.index_id = index_id
        self.tiles = tiles
        self.store = store

    @classmethod
    def open(cls, folder: str | Path) -> MapIndex:
        """The index in `folder`.

        Raises:
            IndexFolderError: It is missing, unfinished, damaged, or of another version.
        """
        folder = Path(folder)
        while True:
            index_id = _index_id(folder)
            try:
                opened = cls._open(folder, index_id)
            except IndexFolderError:
                if _index_id(folder) == index_id:
                    raise
            else:
                if _index_id(folder) == index_id:
                    return opened
            # A run has just put another index in its place.

    @classmethod
    def _open(cls, folder: Path, index_id: str) -> MapIndex:
        manifest = IndexManifest.read(folder)
        files = IndexFiles(folder, manifest.generation)
        tiles, store = open_stores(manifest, files)
        if not len(tiles) == len(store) == manifest.count:
            raise IndexFolderError(
                f"{folder} holds {len(tiles)} tiles and {len(store)} vectors where its manifest "
                f"says {manifest.count}; build the index again with --overwrite",
                path=folder,
            )
        return cls(folder, manifest, index_id=index_id, tiles=tiles, store=store)

    @cached_property
    def card(self) -> ModelCard:
        """The card of the model that it was built with.

        Raises:
            ModelError: The model is not there any more.
        """
        location = self.manifest.recipe.model_location
        is_bundled = location == self.manifest.recipe.model and location in list_models()
        return read_card(location if is_bundled else self.folder / location)

    @property
    def features_folder(self) -> Path | None:
        """Where the local features are; None if it was built without."""
        files = IndexFiles(self.folder, self.manifest.generation)
        return files.features if self.manifest.recipe.features else None

    def open_features(self) -> FeatureMap | None:
        """The local features; None if it was built without.

        Raises:
            IndexFolderError: They are damaged, or another index has taken the place of this one.
        """
        if self.features_folder is None:
            return None
        try:
            if self.manifest.recipe.lazy_features:
                return self._open_lazy(self.features_folder)
            return FeatureMap.open(self.features_folder)
        except IndexFolderError as error:
            if _index_id(self.folder) == self.index_id:
                raise
            raise IndexFolderError(
                f"{self.folder} was replaced while it was being opened; run the same command again",
                path=self.folder,
            ) from error

    def _open_lazy(self, folder: Path) -> FeatureMap:
        # Only who needs it loads what finds features.
        from geoloc.index.features.lazy_map import LazyFeatureMap

        return LazyFeatureMap.open_with(
            folder,
            tiles=self.tiles,
            open_tiles=self.open_tiles,
            cache=geoloc_cache() / "features",
        )

    def open_terrain(self) -> Terrain | None:
        """The heights that it keeps; None if it keeps none.

        Raises:
            RasterError: Their file is damaged or missing.
        """
        entry = self.manifest.terrain
        if entry is None:
            return None
        return open_terrain(self.folder / entry.file, above=(entry.reference, entry.vertical))

    def open_tiles(self, rows: Sequence[int] | None = None) -> TileSet:
        """The pixels of the tiles, where they were when the index was built; to be closed.

        Args:
            rows: Rows of `tiles`, in the order in which the set is to have them; None is all.

        Raises:
            TilesError: They were cut again from a raster that has changed since.
        """
        manifest = self.manifest
        scheme = TileScheme(manifest.ground_sizes_m, manifest.overlap, manifest.size_px, 0.0)
        tiles = TileManifest(scheme, manifest.rasters)
        if rows is None:
            check_pixels_unchanged(self.tiles.column("location"), manifest.rasters, self.folder)
            return TileSet(self.folder, tiles, self.tiles)
        table = self.tiles.subset(rows)
        check_pixels_unchanged(table.column("location"), manifest.rasters, self.folder)
        return TileSet(self.folder, tiles, table)

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


def _index_id(folder: Path) -> str:
    """A short name that no other index has: of its manifest; nothing where there is none."""
    try:
        return hashlib.sha256((folder / INDEX_MANIFEST).read_bytes()).hexdigest()[:12]
    except OSError:
        return ""
