"""Build the local features of a map, block by block, into the folder that `FeatureMap` opens.

Tiles are read once, at the block of their middle; a block is sealed as soon as all tiles that touch
it are read, so that memory does not grow with the map. What is sealed, and what waits for another
block, lies beside the folder until all of it is there: an interrupted run goes on where it stopped
and ends with the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from geoloc.arrays import Int64Array
from geoloc.errors import GeolocError
from geoloc.index.features.block_plan import BlockPlan
from geoloc.index.features.feature_map import DESCRIPTOR, FeatureMap
from geoloc.index.features.features_manifest import BLOCKS, BlockEntry, FeaturesManifest
from geoloc.index.features.home_worker import FeatureRun, describe_on_cluster
from geoloc.index.features.keypoints import ROOT_SIFT, DescriptorExtractor, DescriptorKind
from geoloc.index.features.known import KnownFeatures
from geoloc.index.features.plan import Plan
from geoloc.index.features.repair import Describe, rebuild_blocks
from geoloc.index.features.sealing import Sealing, clear
from geoloc.index.features.tile_features import BlockRecords, describe_tile
from geoloc.index.features.vocabulary_choice import VOCABULARY_MARK, choose_vocabulary
from geoloc.models.card import CARD_NAME, WEIGHTS_NAME
from geoloc.options import ONE_MACHINE, EngineOptions
from geoloc.progress import Progress, Silent
from geoloc.storage.atomic import place_folder, remove_drafts, write_text
from geoloc.tiles.tile_set import TileSet

if TYPE_CHECKING:
    from geoloc.index.features.descriptor import PatchNetExtractor

# Gives the records of the tiles of each home, in their order.
DescribeHomes = Callable[[Sequence[Int64Array]], Generator[list[BlockRecords], None, None]]

# What tells whether a folder is of these tiles.
_STAMP = "digest"


def build_features(
    tiles: TileSet,
    folder: Path,
    *,
    workers: int = 2,
    descriptor: Path | None = None,
    device: str = "cpu",
    known: KnownFeatures | None = None,
    engine: EngineOptions = ONE_MACHINE,
    progress: Progress | None = None,
) -> int:
    """Detect the features of every tile's own ground and write them to `folder`.

    An interrupted run goes on where it stopped and ends with the same bytes. Only the finest
    ground size of a raster is read: SIFT brings its own scales.

    Args:
        tiles: Tiles of the map.
        folder: Folder to write.
        workers: Number of threads.
        descriptor: Folder of the model that describes the features, which is copied into
            `folder`; None is RootSIFT.
        device: Device of that model, as of `geoloc.models.embedder.resolve_device`.
        known: Features of the first tiles, which are taken as they are.
        engine: What finds the features of tiles; blocks are sealed here.
        progress: Hears of each tile.

    Returns:
        The number of features.

    Raises:
        IndexFolderError: The known features are damaged, or described otherwise.
    """
    progress = progress or Silent()
    work = folder.with_name(folder.name + ".parts")
    extractor = None if descriptor is None else _open_extractor(descriptor, device)
    kind = ROOT_SIFT if extractor is None else extractor.kind
    if (finished := _finished(folder, tiles, kind)) is not None:
        shutil.rmtree(work, ignore_errors=True)
        return finished
    if (finished := _finished(work, tiles, kind)) is not None:
        _give_name(work, folder)
        return finished
    if known is not None:
        known.check(kind)
    plan = Plan.of(tiles, known=known.tiles if known else 0)
    _begin(work, f"{tiles.digest()} {kind.name} {kind.checksum}")
    progress.start("computing local features", len(plan.tiles), "tiles")
    with describing(tiles, extractor, workers) as describe:
        vocabulary = choose_vocabulary(
            work, kind, partial(describe, plan), plan, descriptor=descriptor, known=known
        )
        layout = BlockPlan.of(tiles, plan.tiles)
        sealing = Sealing(work, plan, layout, tiles.rows, vocabulary, known)
        describe_homes = partial(_describe_here, describe, plan)
        if engine.is_cluster:
            run = FeatureRun(tiles.folder, tiles.manifest, tiles.rows, plan, descriptor, device)
            describe_homes = partial(describe_on_cluster, run, engine=engine, progress=progress)
        _seal_all(sealing, describe_homes, progress)
    manifest = FeaturesManifest(
        gsd_m=plan.gsd_m,
        tiles=tiles.digest(),
        kind=kind,
        vocabulary=vocabulary.digest,
        regions=plan.regions,
        blocks=sealing.finish(),
    )
    _place(work, folder, manifest, descriptor)
    return manifest.count


def repair_features(
    tiles: TileSet,
    features: FeatureMap,
    damaged: Sequence[BlockEntry],
    *,
    workers: int = 2,
    device: str = "cpu",
) -> None:
    """Build some blocks of a map anew, as all were built.

    Args:
        tiles: All tiles of the map, whose pixels are read where they touch the blocks.
        features: Features of the map.
        damaged: The blocks.
        workers: Number of threads.
        device: Device of the model that describes.

    Raises:
        TilesError: The pixels are not there any more.
    """
    model = features.descriptor_folder
    extractor = None if model is None else _open_extractor(model, device)
    with describing(tiles, extractor, workers) as describe:
        rebuild_blocks(tiles, features, {entry.block for entry in damaged}, describe)


def drop_blocks(features: FeatureMap) -> None:
    """Leave of a folder of features only what proposes tiles; the manifest says so first."""
    replace(features.manifest, lazy=True).write(features.folder)
    shutil.rmtree(features.folder / BLOCKS, ignore_errors=True)


def _describe_here(
    describe: Describe, plan: Plan, homes: Sequence[Int64Array]
) -> Generator[list[BlockRecords], None, None]:
    """The records of the tiles of each home."""
    for some in homes:
        yield describe(plan, some.tolist())


def _seal_all(sealing: Sealing, describe: DescribeHomes, progress: Progress) -> None:
    """Read the tiles of every home that is not done, and seal every block."""
    plan, tiles_of = sealing.plan, sealing.layout.tiles_of
    sealing.take_up()
    homes = sealing.homes_to_do()
    progress.advance(len(plan.tiles) - sum(len(tiles_of[home]) for home in homes))
    with closing(describe([tiles_of[home] for home in homes])) as coming:
        for home, found in zip(homes, coming, strict=True):
            sealing.add(home, found)
            progress.advance(len(tiles_of[home]))


@contextmanager
def describing(
    tiles: TileSet, extractor: DescriptorExtractor | None, workers: int
) -> Iterator[Describe]:
    """What finds the features of tiles, in threads that end with it."""
    with ThreadPoolExecutor(workers) as pool:

        def describe(plan: Plan, some: Iterable[int]) -> list[BlockRecords]:
            return list(pool.map(lambda tile: describe_tile(tiles, plan, extractor, tile), some))

        yield describe


def _open_extractor(folder: Path, device: str) -> PatchNetExtractor:
    from geoloc.index.features.descriptor import PatchNetExtractor  # brings torch

    return PatchNetExtractor(folder, device=device)


def _finished(folder: Path, tiles: TileSet, kind: DescriptorKind) -> int | None:
    """How many features of these tiles the folder holds already; None if it does not, or not all.

    What comes after the features takes minutes on a large map, and may be interrupted, too.
    """
    try:
        manifest = FeaturesManifest.read(folder)
    except (GeolocError, OSError, ValueError, KeyError, TypeError):
        return None
    is_same = manifest.tiles == tiles.digest() and manifest.kind == kind
    return manifest.count if is_same else None


def _begin(work: Path, digest: str) -> None:
    """Make the folder of what is done, without what an earlier run made of other tiles."""
    stamp = work / _STAMP
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        write_text(stamp, digest)


def _place(work: Path, folder: Path, manifest: FeaturesManifest, descriptor: Path | None) -> None:
    """Complete the folder of what is done, and give it its name."""
    if descriptor is not None:
        _copy_model(descriptor, work / DESCRIPTOR)
    manifest.write(work)
    FeatureMap.open(work)  # whether all of it is there: libraries write short without a word
    _give_name(work, folder)


def _give_name(work: Path, folder: Path) -> None:
    clear(work)
    for name in (_STAMP, VOCABULARY_MARK):
        (work / name).unlink(missing_ok=True)
    remove_drafts(work)
    place_folder(work, folder)


def _copy_model(source: Path, target: Path) -> None:
    """Copy what photos will be described with, so that the index is whole wherever it goes."""
    target.mkdir(exist_ok=True)
    for name in (CARD_NAME, WEIGHTS_NAME):
        shutil.copyfile(source / name, target / name)
