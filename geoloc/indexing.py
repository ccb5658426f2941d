"""Building an index: from a folder of tiles to a folder that photos are searched in.

A run keeps its recipe in ``index.partial.json`` and its vectors in ``parts/`` until the index is
whole; ``index.json`` is written last. A run that was killed goes on where it stopped and ends with
the same bytes. Appending works on what ``parts/`` keeps of the old index, so that it too may be
killed at any time, and the old index serves until the very end.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas
import numpy as np
import pandas
from numpy.typing import NDArray

from geoloc.embed import SATELLITE, Embedder, Preprocessing, fingerprint
from geoloc.errors import InputError, OptionError, OutputExistsError, TilesError
from geoloc.feature_building import build_features
from geoloc.index_manifest import (
    MANIFEST,
    PARTIAL_MANIFEST,
    IndexManifest,
    Recipe,
    read_partial,
    write_partial,
)
from geoloc.keypoints import ROOT_SIFT
from geoloc.options import IndexOptions
from geoloc.progress import Progress, Silent
from geoloc.store import FaissStore, make_index, write_store
from geoloc.tile_vectors import TileVectors, embed_tiles, quickest_shrink, read_ahead
from geoloc.tileset import MANIFEST as TILES_MANIFEST
from geoloc.tileset import TABLE as TILE_TABLE
from geoloc.tileset import TileSet, write_table
from geoloc.zoo import ModelCard, find_model, read_card, shelf

FEATURES = "features"
CALIBRATION = "calibration.json"
_PARTS = "parts"
_BASE_TABLE = "base.parquet"
_BASE_VECTORS = "base.npy"
# A tile of the same name may lie this far away, in degrees (a metre), and be the same tile.
_SAME_PLACE_DEG = 1e-5
# Training varies the scale by about so much.
_SAME_SCALE = 1.6


@dataclass(frozen=True)
class IndexSummary:
    """What a run did.

    Attributes:
        folder: The index.
        tiles: Tiles in it.
        added: Tiles that this run put there; 0 if there was nothing to do.
        left_out: Tiles that are not in it because they could not be read.
        size_bytes: Of all its files.
        elapsed_s: How long the run took.
    """

    folder: Path
    tiles: int
    added: int
    left_out: int
    size_bytes: int
    elapsed_s: float

    @property
    def is_complete(self) -> bool:
        """Whether every tile is in it."""
        return self.left_out == 0


@dataclass(frozen=True)
class IndexPlan:
    """What a run would do.

    Attributes:
        tiles: Tiles that it would embed.
        size_bytes: Of the vectors; local features come on top.
        seconds: For the network and for reading, from timing one batch; None where none
            can be read.
        device: Where the network would run.
    """

    tiles: int
    size_bytes: int
    seconds: float | None
    device: str


def build_index(
    tiles: str | Path,
    folder: str | Path,
    options: IndexOptions | None = None,
    *,
    progress: Progress | None = None,
) -> IndexSummary:
    """Embed tiles and write the index that photos are searched in.

    An interrupted run goes on where it stopped; a finished one does nothing. Tiles that cannot be
    read are left out and counted.

    Args:
        tiles: The folder that `cut_tiles` wrote.
        folder: Where the index goes.
        options: How to build it. With ``append``, tiles that the index does not hold yet (by
            ``tile_id``) come after those that it holds; factories that learn, learn again from
            all. The result equals an index of all tiles at once, up to rounding of the network.
        progress: Who listens.

    Raises:
        TilesError: There are no tiles, or not one can be read.
        ModelError: The model is missing or damaged.
        OptionError: The factory is unknown, or options contradict each other.
        OutputExistsError: The folder holds an index that was built otherwise.
        DependencyError: The device is not there.
    """
    options, progress, began = options or IndexOptions(), progress or Silent(), time.monotonic()
    folder = Path(folder)
    with TileSet.open(tiles) as tile_set:
        job = _prepare(tile_set, folder, options)
        if job is None:
            return _summary(folder, 0, began)
        _warn_of_scale(tile_set, job.card, options.model, progress)
        embedder = Embedder(job.card.folder, device=options.device, batch_size=options.batch_size)
        found = embed_tiles(
            tile_set,
            job.new_rows,
            embedder,
            folder / _PARTS,
            workers=options.workers,
            progress=progress,
        )
    _finish(job, found, options, progress)
    return _summary(folder, len(found.rows), began)


def _warn_of_scale(tiles: TileSet, card: ModelCard, model: str, progress: Progress) -> None:
    """A network that learnt from other tiles finds little, and nothing else would say so."""
    learnt_m, sides_m = card.tile_ground_size_m, sorted(set(tiles.table["ground_size_m"]))
    if any(1 / _SAME_SCALE <= side_m / learnt_m <= _SAME_SCALE for side_m in sides_m):
        return
    found = " and ".join(f"{side_m:g}" for side_m in sides_m)
    progress.warn(
        f"the tiles are {found} m on the ground, {card.name} learnt from tiles of {learnt_m:g} m "
        f"and will hardly know these; cut others: geoloc tile --model {model}"
    )


def plan_index(
    tiles: str | Path, folder: str | Path, options: IndexOptions | None = None
) -> IndexPlan:
    """What `build_index` would do, without writing anything; times one batch.

    Raises:
        GeolocError: As `build_index`.
    """
    options, folder = options or IndexOptions(), Path(folder)
    with TileSet.open(tiles) as tile_set:
        card = read_card(options.model)
        recipe = _recipe(tile_set, card, folder, options)
        wanted = _resolve(recipe, folder, options)
        rows = np.arange(len(tile_set)) if wanted else np.zeros(0, np.int64)
        if wanted and len(wanted.tile_digests) > 1 and (folder / MANIFEST).exists():
            rows = _unknown_rows(tile_set.table, geopandas.read_parquet(folder / TILE_TABLE))
        embedder = Embedder(card.folder, device=options.device, batch_size=options.batch_size)
        seconds = _time_batch(tile_set, rows, embedder) if len(rows) else None
    copies = 1 if options.factory == IndexOptions.factory else 2
    return IndexPlan(
        tiles=len(rows),
        size_bytes=len(rows) * card.dimension * 2 * copies,
        seconds=None if seconds is None else seconds * len(rows),
        device=str(embedder.device),
    )


def _time_batch(tiles: TileSet, rows: NDArray[np.int64], embedder: Embedder) -> float | None:
    """Seconds a tile, with reading; the first batch only warms up. None if no tile can be read."""
    seconds = None
    for _ in range(2):
        began = time.monotonic()
        read = read_ahead(
            lambda i: embedder.shrink(tiles.read(i, shrink=quickest_shrink(tiles, embedder))),
            rows[: embedder.batch_size].tolist(),
            workers=1,
            depth=embedder.batch_size,
        )
        pixels = [result for _, result in read if not isinstance(result, InputError)]
        if pixels:
            embedder.embed(np.stack(pixels), SATELLITE)
            seconds = (time.monotonic() - began) / len(pixels)
    return seconds


@dataclass(frozen=True)
class _Job:
    """A run that has something to do.

    Attributes:
        tiles: The tiles that it adds.
        new_rows: Which of them.
        card: Of the model.
        recipe: What it makes.
        folder: Where.
    """

    tiles: TileSet
    new_rows: NDArray[np.int64]
    card: ModelCard
    recipe: Recipe
    folder: Path

    @property
    def base(self) -> geopandas.GeoDataFrame | None:
        """The table of the index that is added to."""
        path = self.folder / _PARTS / _BASE_TABLE
        return geopandas.read_parquet(path) if path.exists() else None


def _prepare(tiles: TileSet, folder: Path, options: IndexOptions) -> _Job | None:
    """Decide what there is to do and note it; None if the index is there already."""
    card = read_card(options.model)
    make_index(card.dimension, options.factory)  # a wrong factory is told before the work
    if len(tiles) == 0:
        raise TilesError(f"{tiles.folder} holds no tile; cut some: geoloc tile RASTER")
    wanted = _resolve(_recipe(tiles, card, folder, options), folder, options)
    if wanted is None:
        _tidy(folder)
        return None
    folder.mkdir(parents=True, exist_ok=True)
    if options.overwrite:
        _discard(folder)
    if read_partial(folder) is None:
        _begin(tiles, wanted, folder)
    job = _Job(tiles, np.arange(len(tiles)), card, wanted, folder)
    base = job.base
    return job if base is None else replace(job, new_rows=_unknown_rows(tiles.table, base))


def _recipe(tiles: TileSet, card: ModelCard, folder: Path, options: IndexOptions) -> Recipe:
    """What these options make of these tiles alone."""
    if options.append and options.overwrite:
        raise OptionError("--append keeps what --overwrite would replace; choose one of them")
    if (folder / TILES_MANIFEST).exists():
        raise OptionError(f"{folder} holds tiles; choose another folder for the index (-o)")
    # A folder in the current one may have the name of its model, too.
    on_shelf = str(options.model) == card.name and card.folder.parent == shelf()
    return Recipe(
        model=card.name,
        model_location=card.name if on_shelf else _relative(str(card.folder.resolve()), folder),
        weights_sha256=card.weights_sha256,
        preprocessing=Preprocessing.of(card, SATELLITE).to_dict(),
        fingerprint=fingerprint(card),
        dimension=card.dimension,
        factory=options.factory,
        features=options.features,
        tile_digests=(tiles.digest(),),
        descriptor=_descriptor_of(options),
    )


def _descriptor_of(options: IndexOptions) -> str:
    """What will describe the local features, and with which weights.

    Raises:
        ModelError: There is no such model.
    """
    if not options.features or options.descriptor == ROOT_SIFT.name:
        return ROOT_SIFT.name
    card = read_card(options.descriptor)
    return f"{card.name} {card.weights_sha256}"


def _resolve(recipe: Recipe, folder: Path, options: IndexOptions) -> Recipe | None:
    """The recipe to follow, given what the folder holds; None if that is finished.

    Raises:
        OutputExistsError: The folder holds something else, finished or begun.
    """
    if options.overwrite:
        return recipe
    finished = IndexManifest.read(folder).recipe if (folder / MANIFEST).exists() else None
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
    parts = folder / _PARTS
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    if len(recipe.tile_digests) > 1:
        table = geopandas.read_parquet(folder / TILE_TABLE)
        _unknown_rows(tiles.table, table)  # refuses what does not fit before anything is noted
        _check_scheme(tiles, IndexManifest.read(folder))
        store = FaissStore.open(folder)
        np.save(parts / _BASE_VECTORS, store.vectors(np.arange(len(store))))
        shutil.copyfile(folder / TILE_TABLE, parts / _BASE_TABLE)
        shutil.copyfile(folder / MANIFEST, parts / MANIFEST)
    write_partial(folder, recipe)


def _check_scheme(tiles: TileSet, there: IndexManifest) -> None:
    if tiles.size_px != there.size_px:
        raise OptionError(
            f"the tiles have {tiles.size_px} pixels a side, those in the index {there.size_px}; "
            f"cut them with geoloc tile --size {there.size_px}"
        )


def _unknown_rows(table: geopandas.GeoDataFrame, base: geopandas.GeoDataFrame) -> NDArray[np.int64]:
    """Rows of the tiles that the index does not hold.

    Raises:
        OptionError: A tile has the name of one that lies elsewhere.
    """
    there = base.set_index("tile_id")[["lon", "lat"]].reindex(table["tile_id"]).to_numpy()
    is_known = ~np.isnan(there[:, 0])
    shift = np.abs(there - table[["lon", "lat"]].to_numpy())
    strangers = np.flatnonzero(is_known & (shift.max(axis=1) > _SAME_PLACE_DEG))
    if len(strangers):
        raise OptionError(
            f"tile {table['tile_id'].iloc[strangers[0]]} lies elsewhere than the tile of that "
            "name in the index; rename its raster and cut it again, or index all rasters at once"
        )
    return np.flatnonzero(~is_known)


def _finish(job: _Job, found: TileVectors, options: IndexOptions, progress: Progress) -> None:
    """Write everything, ``index.json`` last."""
    folder, parts, base = job.folder, job.folder / _PARTS, job.base
    table = _relocate(job.tiles.table.iloc[found.rows], job.tiles.folder, folder)
    vectors, left_out = found.vectors, found.left_out
    if base is not None:
        table = pandas.concat([base, table], ignore_index=True)
        vectors = _stack(np.load(parts / _BASE_VECTORS, mmap_mode="r"), vectors, parts)
        left_out += IndexManifest.read(parts).left_out
    if len(table) == 0:
        raise TilesError(
            f"not one of {found.left_out} tiles could be read; cut them again: geoloc tile RASTER "
            "--overwrite",
            path=job.tiles.folder,
        )
    # From here until the new manifest is written there is no index, only the run's own parts.
    (folder / MANIFEST).unlink(missing_ok=True)
    (folder / CALIBRATION).unlink(missing_ok=True)
    write_store(folder, vectors, job.recipe.factory)
    write_table(folder, table)
    _write_features(job, table, options, progress)
    _manifest(job, table, left_out).write(folder)
    _tidy(folder)


def _stack(
    first: NDArray[np.float16], second: NDArray[np.float16], parts: Path
) -> NDArray[np.float16]:
    """Both, one after the other, memory-mapped."""
    shape = (len(first) + len(second), first.shape[1])
    out = np.lib.format.open_memmap(parts / "all.npy", "w+", np.float16, shape)
    out[: len(first)] = first
    out[len(first) :] = second
    return out


def _write_features(
    job: _Job, table: geopandas.GeoDataFrame, options: IndexOptions, progress: Progress
) -> None:
    """The local features of the tiles that are in the index."""
    if not job.recipe.features:
        shutil.rmtree(job.folder / FEATURES, ignore_errors=True)
        return
    ids = "\n".join((*job.recipe.tile_digests, *table["tile_id"]))
    manifest = replace(job.tiles.manifest, digest=hashlib.sha256(ids.encode()).hexdigest())
    is_root_sift = job.recipe.descriptor == ROOT_SIFT.name
    with TileSet(job.folder, manifest, table) as tiles:
        build_features(
            tiles,
            job.folder / FEATURES,
            workers=options.workers,
            descriptor=None if is_root_sift else find_model(options.descriptor),
            progress=progress,
        )


def _manifest(job: _Job, table: geopandas.GeoDataFrame, left_out: int) -> IndexManifest:
    west, south, east, north = (round(float(edge), 7) for edge in table.total_bounds)
    return IndexManifest(
        recipe=job.recipe,
        count=len(table),
        left_out=left_out,
        ground_sizes_m=tuple(sorted(float(side) for side in set(table["ground_size_m"]))),
        overlap=job.tiles.manifest.scheme.overlap,
        size_px=job.tiles.size_px,
        crs=tuple(sorted(set(table["crs"]))),
        bounds=(west, south, east, north),
    )


def _relocate(table: geopandas.GeoDataFrame, source: Path, folder: Path) -> geopandas.GeoDataFrame:
    """The table with locations relative to the index instead of the tiles' folder."""
    return table.assign(
        **{
            name: [_relative(str(location), folder, start=source) for location in table[name]]
            for name in ("location", "raster")
        }
    ).reset_index(drop=True)


def _relative(location: str, folder: Path, *, start: Path | None = None) -> str:
    """A location relative to `folder`; addresses and other drives stay as they are."""
    if location.startswith("/vsi") or "://" in location:
        return location
    path = os.path.join(start, location) if start else location  # noqa: PTH118 - keeps ".."
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return str(path)


def _discard(folder: Path) -> None:
    """Remove what an index consists of, and nothing else that may lie there."""
    (folder / MANIFEST).unlink(missing_ok=True)
    (folder / CALIBRATION).unlink(missing_ok=True)
    (folder / PARTIAL_MANIFEST).unlink(missing_ok=True)
    for name in (_PARTS, FEATURES, f"{FEATURES}.parts"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _tidy(folder: Path) -> None:
    """Remove what a finished run leaves behind, unless it belongs to another one."""
    begun = read_partial(folder)
    if begun is None or begun == IndexManifest.read(folder).recipe:
        (folder / PARTIAL_MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder / _PARTS, ignore_errors=True)


def _summary(folder: Path, added: int, began: float) -> IndexSummary:
    manifest = IndexManifest.read(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    elapsed_s = time.monotonic() - began
    return IndexSummary(folder, manifest.count, added, manifest.left_out, size, elapsed_s)
