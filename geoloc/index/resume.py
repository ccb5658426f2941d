"""Resume `geoloc index`: whether to do nothing, begin, go on, add to an index, or refuse.

An index that is added to or replaced serves until its successor is whole, and is read only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.errors import OptionError, OutputExistsError, TilesError
from geoloc.index.cell_vectors import check_crops
from geoloc.index.features.features_manifest import FeaturesManifest
from geoloc.index.features.keypoints import ROOT_SIFT
from geoloc.index.generation import (
    PARTS,
    IndexFiles,
    files_that_serve,
    next_generation,
    sweep,
    sweep_finished,
)
from geoloc.index.manifest import (
    INDEX_MANIFEST,
    INDEX_PARTIAL_MANIFEST,
    BegunRun,
    IndexManifest,
    Recipe,
    read_partial,
)
from geoloc.index.map_rasters import change_between, check_tiles_unchanged, rasters_of
from geoloc.index.stores import check_store, open_tile_table
from geoloc.index.vector_store import StoredVectors
from geoloc.models.card import ModelCard, check_describes_keypoints
from geoloc.models.embedder import Preprocessing, fingerprint
from geoloc.models.registry import bundled_models_folder, read_card
from geoloc.models.view import SATELLITE
from geoloc.options import IndexOptions
from geoloc.progress import Progress
from geoloc.tiles.location import relative_location
from geoloc.tiles.manifest import TILES_MANIFEST
from geoloc.tiles.tile_set import TileSet
from geoloc.tiles.tile_table import TileTable

# A tile of the same name may lie this far away, in degrees (a metre), and be the same tile.
_SAME_PLACE_DEG = 1e-5


@dataclass(frozen=True)
class Base:
    """The index that tiles are added to; it serves until the new one is whole.

    Attributes:
        manifest: Its manifest.
        files: Its files.
        tiles: Its table of tiles.
    """

    manifest: IndexManifest
    files: IndexFiles
    tiles: TileTable

    @classmethod
    def open(cls, folder: Path) -> Base:
        """The index that serves in a folder.

        Raises:
            IndexFolderError: It cannot be read.
        """
        manifest = IndexManifest.read(folder)
        files = IndexFiles(folder, manifest.generation)
        tiles = open_tile_table(manifest.recipe.store, files, manifest.store_version)
        return cls(manifest, files, tiles)

    def vectors(self, rows: Int64Array) -> StoredVectors:
        """Vectors of some rows, which are read when they are needed."""
        dimension = self.manifest.recipe.dimension
        return StoredVectors(self.files.folder, self.files.store, rows, dimension)


@dataclass(frozen=True)
class Job:
    """A run that has something to do.

    Attributes:
        tiles: Tiles that it adds.
        new_rows: Rows of the tiles that it adds.
        card: Card of the model.
        recipe: Recipe of the index that it makes.
        files: Files of the index that it makes.
        base: The index that it adds to; None if it makes one of these tiles alone.
    """

    tiles: TileSet
    new_rows: Int64Array
    card: ModelCard
    recipe: Recipe
    files: IndexFiles
    base: Base | None

    @property
    def parts(self) -> Path:
        """The folder of what is done."""
        return self.files.folder / PARTS


def prepare_job(
    tiles: TileSet, folder: Path, options: IndexOptions, progress: Progress
) -> Job | None:
    """Decide what there is to do and note it; None if the index is there already."""
    card = read_card(options.model)
    check_store(options, card.dimension)
    if len(tiles) == 0:
        raise TilesError(f"{tiles.folder} holds no tile; cut some: geoloc tile RASTER")
    wanted = resolve_recipe(recipe_of(tiles, card, folder, options), folder, options)
    begun = read_partial(folder)
    if wanted is None or (options.overwrite and _is_replaced(begun, wanted, folder)):
        sweep_finished(folder)
        return None
    base = Base.open(folder) if len(wanted.tile_digests) > 1 else None
    if base is not None:
        _check_scheme(tiles, base.manifest)
        if wanted.features:
            FeaturesManifest.read(base.files.features)  # refuses an older format before the work
    new_rows = np.arange(len(tiles)) if base is None else unknown_rows(tiles.rows, base.tiles)
    if not _is_begun(begun, wanted, options):
        if base is not None and begun is not None and not begun.is_finished_in(base.manifest):
            progress.warn(f"what an unfinished run of other tiles left in {folder} is dropped")
        begun = _begin(wanted, folder, options)
    assert begun is not None
    files = IndexFiles(folder, begun.generation or next_generation(folder))
    return Job(tiles, new_rows, card, wanted, files, base)


def _is_begun(begun: BegunRun | None, wanted: Recipe, options: IndexOptions) -> bool:
    """Whether a run is to go on; one that was not told to overwrite begins where it is told."""
    if begun is None or (options.overwrite and not begun.overwrites):
        return False
    return begun.recipe.difference(wanted) is None


def _is_replaced(begun: BegunRun | None, wanted: Recipe, folder: Path) -> bool:
    """Whether a run that was told to overwrite was killed when only sweeping was left."""
    if begun is None or not begun.overwrites or begun.recipe.difference(wanted) is not None:
        return False
    serving = files_that_serve(folder)
    return serving is not None and serving.generation == begun.generation


def recipe_of(tiles: TileSet, card: ModelCard, folder: Path, options: IndexOptions) -> Recipe:
    """What these options make of these tiles alone."""
    if options.append and options.overwrite:
        raise OptionError("--append keeps what --overwrite would replace; choose one of them")
    if options.append and options.lazy_features:
        raise OptionError(
            "--append cannot add to an index with --features lazy; build it again from all tiles "
            "with --overwrite"
        )
    if (folder / TILES_MANIFEST).exists():
        raise OptionError(f"{folder} holds tiles; choose another folder for the index (-o)")
    check_crops(tiles.manifest.scheme, card, tiles.folder, model=str(options.model))
    check_tiles_unchanged(tiles)
    if not options.overwrite:
        _refuse_changed(tiles, folder)
    # A folder in the current one may have the name of its model, too.
    is_bundled = str(options.model) == card.name and card.folder.parent == bundled_models_folder()
    elsewhere = relative_location(str(card.folder.resolve()), folder)
    # A network that looks around its tiles answers by their vectors alone.
    has_features = options.features and card.crops is None
    return Recipe(
        model=card.name,
        model_location=card.name if is_bundled else elsewhere,
        weights_sha256=card.weights_sha256,
        preprocessing=_preprocessing_of(card),
        fingerprint=fingerprint(card),
        dimension=card.dimension,
        factory=options.factory,
        store=options.store,
        features=has_features,
        lazy_features=has_features and options.lazy_features,
        tile_digests=(tiles.digest(),),
        descriptor=_descriptor_of(options, has_features=has_features),
        cells="" if card.crops is None else options.cells,
    )


def _preprocessing_of(card: ModelCard) -> dict[str, object]:
    """What decides what the network sees of a tile, as JSON keeps it."""
    steps = Preprocessing.of(card, SATELLITE).to_dict()
    if card.crops is None:
        return steps
    crops = asdict(card.crops) | {"ground_sizes_m": list(card.crops.ground_sizes_m)}
    return {**steps, "crops": crops}


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


def _descriptor_of(options: IndexOptions, *, has_features: bool) -> str:
    """What will describe the local features, and with which weights.

    Raises:
        ModelError: There is no such model, or it describes no keypoints.
    """
    if not has_features or options.descriptor == ROOT_SIFT.name:
        return ROOT_SIFT.name
    card = read_card(options.descriptor)
    check_describes_keypoints(card)  # before the work, which may take hours
    return f"{card.name} {card.weights_sha256}"


def resolve_recipe(recipe: Recipe, folder: Path, options: IndexOptions) -> Recipe | None:
    """The recipe to follow, given what the folder holds; None if that is finished.

    Raises:
        IndexFolderError: What it holds is damaged.
        OutputExistsError: It holds something else, finished or begun.
    """
    if options.overwrite:
        return recipe
    finished = IndexManifest.read(folder).recipe if (folder / INDEX_MANIFEST).exists() else None
    begun = read_partial(folder)
    if finished is not None and options.append:
        _refuse_other(finished.without_tiles, recipe.without_tiles, folder, "the index there")
        if set(finished.tile_digests).issuperset(recipe.tile_digests):
            return None
        return replace(recipe, tile_digests=finished.tile_digests + recipe.tile_digests)
    if begun is not None and recipe != finished and begun.recipe != finished:
        _refuse_other(begun.recipe, recipe, folder, "a run that was begun there")
        return recipe
    if finished is None:
        return recipe
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


def _begin(recipe: Recipe, folder: Path, options: IndexOptions) -> BegunRun:
    """Note what is to be made, and make room for it."""
    (folder / INDEX_PARTIAL_MANIFEST).unlink(missing_ok=True)
    sweep(folder)
    (folder / PARTS).mkdir()
    begun = BegunRun(recipe, next_generation(folder), options.overwrite)
    begun.write(folder)
    return begun


def _check_scheme(tiles: TileSet, there: IndexManifest) -> None:
    if tiles.size_px != there.size_px:
        raise OptionError(
            f"the tiles have {tiles.size_px} pixels a side, those in the index {there.size_px}; "
            f"cut them with geoloc tile --size {there.size_px}"
        )


def unknown_rows(tiles: TileTable, base: TileTable) -> Int64Array:
    """Rows of the tiles that the index does not hold.

    Raises:
        OptionError: A tile has the name of one that lies elsewhere.
    """
    # Names of all tiles would be the most of what is in memory; eight bytes of each are not.
    marks = np.fromiter(map(hash, base.column("tile_id")), np.int64, len(base))
    order = np.argsort(marks)
    marks = marks[order]
    is_known = np.zeros(len(tiles), bool)
    for rows, part in tiles.parts(["tile_id"]):
        names = part["tile_id"].to_pylist()
        asked = np.fromiter(map(hash, names), np.int64, len(names))
        at = np.minimum(np.searchsorted(marks, asked), len(marks) - 1)
        alike = np.flatnonzero(marks[at] == asked)
        there = order[at[alike]]
        pairs = zip(alike.tolist(), base.records(there, ["tile_id"]), strict=True)
        same = [names[i] == record["tile_id"] for i, record in pairs]
        alike, there = alike[same], there[same]
        _check_not_moved(tiles, rows[alike], base, there)
        is_known[rows[alike]] = True
    return np.flatnonzero(~is_known)


def _check_not_moved(
    tiles: TileTable, rows: Int64Array, base: TileTable, there: Int64Array
) -> None:
    shift = np.abs([tiles.lon[rows] - base.lon[there], tiles.lat[rows] - base.lat[there]])
    for row in rows[(shift > _SAME_PLACE_DEG).any(axis=0)].tolist():
        (record,) = tiles.records([row], ["tile_id"])
        raise OptionError(
            f"tile {record['tile_id']} lies elsewhere than the tile of that "
            "name in the index; rename its raster and cut it again, or index all rasters at once"
        )
