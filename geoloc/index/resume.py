"""Resume `geoloc index`: whether to do nothing, begin, go on, add to an index, or refuse.

Appending works on what ``parts/`` keeps of the old index, so that it too may be killed at any
time, and the old index serves until the very end.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas
import numpy as np

from geoloc.arrays import Int64Array
from geoloc.errors import OptionError, OutputExistsError, TilesError
from geoloc.index.features.keypoints import ROOT_SIFT
from geoloc.index.manifest import (
    BASE_TABLE,
    BASE_VECTORS,
    INDEX_MANIFEST,
    PARTS,
    IndexManifest,
    Recipe,
    discard_index,
    read_partial,
    tidy_index,
    write_partial,
)
from geoloc.index.map_rasters import change_between, check_tiles_unchanged, rasters_of
from geoloc.index.vector_store import FaissStore, make_index
from geoloc.models.card import ModelCard, check_describes_keypoints
from geoloc.models.embedder import Preprocessing, fingerprint
from geoloc.models.registry import bundled_models_folder, read_card
from geoloc.models.view import SATELLITE
from geoloc.options import IndexOptions
from geoloc.tiles.location import relative_location
from geoloc.tiles.tile_set import TILES_MANIFEST, TILES_TABLE, TileSet

# A tile of the same name may lie this far away, in degrees (a metre), and be the same tile.
_SAME_PLACE_DEG = 1e-5


@dataclass(frozen=True)
class Job:
    """A run that has something to do.

    Attributes:
        tiles: Tiles that it adds.
        new_rows: Rows of the tiles that it adds.
        card: Card of the model.
        recipe: Recipe of the index that it makes.
        folder: Folder of the index.
    """

    tiles: TileSet
    new_rows: Int64Array
    card: ModelCard
    recipe: Recipe
    folder: Path

    @property
    def base(self) -> geopandas.GeoDataFrame | None:
        """The table of the index that is added to."""
        path = self.folder / PARTS / BASE_TABLE
        return geopandas.read_parquet(path) if path.exists() else None


def prepare_job(tiles: TileSet, folder: Path, options: IndexOptions) -> Job | None:
    """Decide what there is to do and note it; None if the index is there already."""
    card = read_card(options.model)
    make_index(card.dimension, options.factory)  # refuses a wrong factory before the work
    if len(tiles) == 0:
        raise TilesError(f"{tiles.folder} holds no tile; cut some: geoloc tile RASTER")
    wanted = resolve_recipe(recipe_of(tiles, card, folder, options), folder, options)
    if wanted is None:
        tidy_index(folder)
        return None
    folder.mkdir(parents=True, exist_ok=True)
    if options.overwrite:
        discard_index(folder)
    if read_partial(folder) is None:
        _begin(tiles, wanted, folder)
    job = Job(tiles, np.arange(len(tiles)), card, wanted, folder)
    base = job.base
    return job if base is None else replace(job, new_rows=unknown_rows(tiles.table, base))


def recipe_of(tiles: TileSet, card: ModelCard, folder: Path, options: IndexOptions) -> Recipe:
    """What these options make of these tiles alone."""
    if options.append and options.overwrite:
        raise OptionError("--append keeps what --overwrite would replace; choose one of them")
    if (folder / TILES_MANIFEST).exists():
        raise OptionError(f"{folder} holds tiles; choose another folder for the index (-o)")
    check_tiles_unchanged(tiles)
    if not options.overwrite:
        _refuse_changed(tiles, folder)
    # A folder in the current one may have the name of its model, too.
    is_bundled = str(options.model) == card.name and card.folder.parent == bundled_models_folder()
    elsewhere = relative_location(str(card.folder.resolve()), folder)
    return Recipe(
        model=card.name,
        model_location=card.name if is_bundled else elsewhere,
        weights_sha256=card.weights_sha256,
        preprocessing=Preprocessing.of(card, SATELLITE).to_dict(),
        fingerprint=fingerprint(card),
        dimension=card.dimension,
        factory=options.factory,
        features=options.features,
        tile_digests=(tiles.digest(),),
        descriptor=_descriptor_of(options),
    )


def _refuse_changed(tiles: TileSet, folder: Path) -> None:
    """Name the raster that has changed since an index of its tiles was built."""
    if not (folder / INDEX_MANIFEST).exists():
        return
    now = rasters_of(tiles.manifest, tiles.folder, folder)
    change = change_between(IndexManifest.read(folder).rasters, now)
    if change is not None:
        raise OutputExistsError(
            f"{change} since the index in {folder} was built; replace it with --overwrite, or "
            "choose another -o",
            path=folder,
        )


def _descriptor_of(options: IndexOptions) -> str:
    """What will describe the local features, and with which weights.

    Raises:
        ModelError: There is no such model, or it describes no keypoints.
    """
    if not options.features or options.descriptor == ROOT_SIFT.name:
        return ROOT_SIFT.name
    card = read_card(options.descriptor)
    check_describes_keypoints(card)  # before the work, which may take hours
    return f"{card.name} {card.weights_sha256}"


def resolve_recipe(recipe: Recipe, folder: Path, options: IndexOptions) -> Recipe | None:
    """The recipe to follow, given what the folder holds; None if that is finished.

    Raises:
        OutputExistsError: The folder holds something else, finished or begun.
    """
    if options.overwrite:
        return recipe
    finished = IndexManifest.read(folder).recipe if (folder / INDEX_MANIFEST).exists() else None
    begun = read_partial(folder)
    if begun is not None and begun != finished:
        if options.append:
            recipe = replace(recipe, tile_digests=begun.tile_digests[:-1] + recipe.tile_digests)
        if recipe != finished:
            _refuse_other(begun, recipe, folder, "a run that was begun there")
            return recipe
    if finished is None:
        return recipe
    if options.append:
        _refuse_other(finished.without_tiles, recipe.without_tiles, folder, "the index there")
        known = set(finished.tile_digests)
        if known.issuperset(recipe.tile_digests):
            return None
        return replace(recipe, tile_digests=finished.tile_digests + recipe.tile_digests)
    _refuse_other(finished, recipe, folder, "the index there")
    return None


def _refuse_other(there: Recipe, wanted: Recipe, folder: Path, what: str) -> None:
    reason = there.difference(wanted)
    if reason is not None:
        raise OutputExistsError(
            f"{folder} cannot be gone on with: of {what}, {reason}; choose another -o, replace it "
            "with --overwrite, or add tiles to a finished index with --append",
            path=folder,
        )


def _begin(tiles: TileSet, recipe: Recipe, folder: Path) -> None:
    """Note what is to be made, and keep what it needs of the index that is added to."""
    parts = folder / PARTS
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    if len(recipe.tile_digests) > 1:
        table = geopandas.read_parquet(folder / TILES_TABLE)
        unknown_rows(tiles.table, table)  # refuses what does not fit before anything is noted
        _check_scheme(tiles, IndexManifest.read(folder))
        store = FaissStore.open(folder)
        np.save(parts / BASE_VECTORS, store.vectors(np.arange(len(store))))
        shutil.copyfile(folder / TILES_TABLE, parts / BASE_TABLE)
        shutil.copyfile(folder / INDEX_MANIFEST, parts / INDEX_MANIFEST)
    write_partial(folder, recipe)


def _check_scheme(tiles: TileSet, there: IndexManifest) -> None:
    if tiles.size_px != there.size_px:
        raise OptionError(
            f"the tiles have {tiles.size_px} pixels a side, those in the index {there.size_px}; "
            f"cut them with geoloc tile --size {there.size_px}"
        )


def unknown_rows(table: geopandas.GeoDataFrame, base: geopandas.GeoDataFrame) -> Int64Array:
    """Rows of the tiles that the index does not hold.

    Raises:
        OptionError: A tile has the name of one that lies elsewhere.
    """
    there = base.set_index("tile_id")[["lon", "lat"]].reindex(table["tile_id"]).to_numpy()
    is_known = ~np.isnan(there[:, 0])
    shift = np.abs(there - table[["lon", "lat"]].to_numpy())
    moved = np.flatnonzero(is_known & (shift.max(axis=1) > _SAME_PLACE_DEG))
    if len(moved):
        raise OptionError(
            f"tile {table['tile_id'].iloc[moved[0]]} lies elsewhere than the tile of that "
            "name in the index; rename its raster and cut it again, or index all rasters at once"
        )
    return np.flatnonzero(~is_known)
