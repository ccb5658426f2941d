"""The job `geoloc index`: from a folder of tiles to an index that photos are searched in.

A run that was killed goes on where it stopped and ends with the same bytes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from geoloc.cluster import held_cluster
from geoloc.index.features.building import repair_features
from geoloc.index.features.sparse import sparse_regions
from geoloc.index.kept_terrain import keep_terrain
from geoloc.index.manifest import IndexManifest
from geoloc.index.map_index import MapIndex
from geoloc.index.resume import Job, prepare_job
from geoloc.index.shard_worker import EmbeddingRun, embed_on_cluster
from geoloc.index.tile_vectors import embed_tiles
from geoloc.index.tile_watch import TileWatch
from geoloc.index.writing import check_tiles, write_index
from geoloc.models.card import ModelCard
from geoloc.models.embedder import Embedder
from geoloc.options import ONE_MACHINE, EngineOptions, IndexOptions
from geoloc.progress import Progress, Silent
from geoloc.storage.lock import locked_folder
from geoloc.terrain.terrain import open_terrain
from geoloc.tiles.tile_set import TileSet

# Training varies the scale by about so much.
_SAME_SCALE = 1.6


@dataclass(frozen=True)
class IndexSummary:
    """What a run did.

    Attributes:
        folder: Folder of the index.
        tiles: Number of tiles in it.
        added: Number of tiles that this run put there; 0 if there was nothing to do.
        left_out: Number of tiles that are not in it because they could not be read.
        size_bytes: Size of all its files.
        elapsed_s: Duration of the run.
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


def build_index(
    tiles: str | Path,
    folder: str | Path,
    options: IndexOptions | None = None,
    *,
    progress: Progress | None = None,
    engine: EngineOptions = ONE_MACHINE,
) -> IndexSummary:
    """Embed tiles and write the index that photos are searched in.

    An interrupted run goes on where it stopped; a finished one does nothing, unless a block of
    local features is damaged, which it builds anew. Tiles that cannot be
    read are left out and counted. An index that is there serves until its successor is whole.

    Args:
        tiles: The folder that `cut_tiles` wrote.
        folder: Folder of the index.
        options: Options of the index. With ``append``, tiles that the index does not hold yet (by
            ``tile_id``) come after those that it holds, whose pixels are not asked for;
            factories that learn, learn again from all. The result equals an index of all tiles
            at once, up to rounding of the network and what
            `geoloc.index.features.known.KnownFeatures` says of features. With ``dem``, heights are
            kept beside; without, those that are there stay, unless the index is replaced.
        progress: Listener to the progress.
        engine: What embeds the tiles and finds their local features.

    Raises:
        TilesError: There are no tiles, or not one can be read.
        ModelError: The model is missing or damaged.
        OptionError: The factory is unknown, or options contradict each other.
        OutputExistsError: The folder holds an index that was built otherwise.
        OutputBusyError: Another run writes there.
        DependencyError: The device or the cluster is not there.
        RasterError: An elevation model cannot be read, or covers nothing of the map.
    """
    options, progress, began = options or IndexOptions(), progress or Silent(), time.monotonic()
    folder = Path(folder)
    if options.dem:
        open_terrain(options.dem)  # refused before the work, which may take hours
    with TileSet.open(tiles) as tile_set, locked_folder(folder), held_cluster(engine):
        watch = TileWatch(tile_set)
        job = prepare_job(tile_set, folder, options, progress)
        if job is None:
            _repair(folder, options, progress)
            keep_terrain(folder, options.dem, progress)
            return _summary(folder, 0, began)
        if job.card.crops is None:  # which are of the right scale, whatever the tiles are
            _warn_of_scale(tile_set, job.card, options.model, progress)
        embedder = Embedder(job.card.folder, device=options.device, batch_size=options.batch_size)
        if engine.is_cluster:
            _embed_on_cluster(job, embedder, options, engine, progress)
        found = embed_tiles(
            tile_set,
            job.new_rows,
            embedder,
            job.parts,
            workers=options.workers,
            progress=progress,
            cells=options.cells,
        )
        check_tiles(job, watch)
        write_index(job, found, options, progress, watch, engine=engine)
        keep_terrain(folder, options.dem, progress)
        _warn_of_sparse_map(folder, progress)
        return _summary(folder, len(found.rows), began)


def _repair(folder: Path, options: IndexOptions, progress: Progress) -> None:
    """Build anew what is damaged of a finished index: nothing else would find it but a photo."""
    index = MapIndex.open(folder)
    features = index.open_features()
    damaged = [] if features is None else features.damaged()
    if features is None or not damaged:
        return
    for entry in damaged:
        progress.warn(f"{entry.path(features.folder)} is damaged; it is built anew")
    with index.open_tiles() as tiles:
        repair_features(tiles, features, damaged, workers=options.workers, device=options.device)


def _embed_on_cluster(
    job: Job,
    embedder: Embedder,
    options: IndexOptions,
    engine: EngineOptions,
    progress: Progress,
) -> None:
    run = EmbeddingRun(job.tiles.folder, job.tiles.digest(), job.card.folder, options)
    embed_on_cluster(
        run, job.tiles, job.new_rows, embedder, job.parts, engine=engine, progress=progress
    )


def _warn_of_scale(tiles: TileSet, card: ModelCard, model: str, progress: Progress) -> None:
    """A network that learnt from other tiles finds little, and nothing else would say so."""
    learnt_m, sides_m = card.tile_ground_size_m, tiles.rows.ground_sizes_m
    if any(1 / _SAME_SCALE <= side_m / learnt_m <= _SAME_SCALE for side_m in sides_m):
        return
    found = " and ".join(f"{side_m:g}" for side_m in sides_m)
    progress.warn(
        f"the tiles are {found} m on the ground, {card.name} learnt from tiles of {learnt_m:g} m "
        f"and will hardly know these; cut others: geoloc tile --model {model}"
    )


def _warn_of_sparse_map(folder: Path, progress: Progress) -> None:
    """A picture of one grey has nothing to find photos by: the map is to blame, not they."""
    index = MapIndex.open(folder)
    features = index.open_features()
    for region in [] if features is None else sparse_regions(features, index.tiles):
        names = ", ".join(Path(raster).name for raster in region.rasters[:3])
        progress.warn(
            f"{names}: {region.features} local features on {region.tiles} tiles, too few to find "
            "drone photos by; look at the tiles in QGIS: if they are of one grey, the map holds a "
            "fill value that is not declared as nodata"
        )


def _summary(folder: Path, added: int, began: float) -> IndexSummary:
    manifest = IndexManifest.read(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    elapsed_s = time.monotonic() - began
    return IndexSummary(folder, manifest.count, added, manifest.left_out, size, elapsed_s)
