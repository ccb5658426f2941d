"""Adapt a model to a map: go on training it on the map's own pixels, without labels."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoloc.errors import InputError, ModelError, OptionError
from geoloc.learning.options import AdaptOptions, TrainOptions
from geoloc.learning.training.data.aerial_source import AerialSource
from geoloc.learning.training.data.map_places import MapScale, read_map, scale_of
from geoloc.learning.training.data.map_validation import (
    MapValidation,
    hold_out_parts,
    least_area_m2,
    without,
)
from geoloc.learning.training.data.places import Place
from geoloc.learning.training.data.sources import TrainingData
from geoloc.learning.training.job import claimed_folder
from geoloc.learning.training.processes import open_processes
from geoloc.learning.training.recall import Recall
from geoloc.learning.training.recipe import DataChoice, PairChoice, Recipe, Schedule
from geoloc.learning.training.run import Refinement, Run, RunConfig
from geoloc.models.card import CARD_NAME, ModelCard, check_embeds_images
from geoloc.models.registry import read_card
from geoloc.models.view import DRONE, SATELLITE
from geoloc.progress import Progress, Silent
from geoloc.tiles.tile_set import TileSet

_MAX_BATCH = 64
_MIN_BATCH = 8
# On maps of fewer tiles, ground that is turned otherwise counts as other ground. With so many
# pairs for each tile no two of a batch overlap; with 4, some do.
_FEW_TILES = 200
_PAIRS_PER_TILE = 2.7
_LEARNING_RATE = 5e-4
_WARMUP_STEPS = 20
_MAX_STEPS = 6000
_PAIRS_PER_VALIDATION = 1920
_PATIENCE = 8


@dataclass(frozen=True)
class AdaptSummary:
    """What came of it.

    Attributes:
        folder: The model folder.
        before: Recall of the model that it began with, on held-out parts of the map.
        after: Recall of the weights in the folder, on the same.
        best_step: After how many batches these were found; 0 if they are those of the beginning.
    """

    folder: Path
    before: Recall
    after: Recall
    best_step: int

    @property
    def is_better(self) -> bool:
        """Whether anything that was learnt beats the model that it began with."""
        return self.best_step > 0


@dataclass(frozen=True)
class _Map:
    """A map as it is learnt from.

    Attributes:
        name: Name of its folder of tiles.
        digest: Digest of the tiles.
        rasters: Names of the files that they were cut from.
        scale: Scale at which they are read.
        learnt: Blocks of the map to learn from.
        validation: Validation on the parts that are held out.
    """

    name: str
    digest: str
    rasters: tuple[str, ...]
    scale: MapScale
    learnt: Sequence[Place]
    validation: MapValidation

    @property
    def tiles(self) -> float:
        """How many tiles stand beside each other on the ground that is learnt from."""
        side_px = self.scale.ground_size_m / self.scale.gsd_m
        return sum(float(place.dates[0].any(axis=2).sum()) for place in self.learnt) / side_px**2


def adapt_model(
    tiles: str | Path,
    folder: str | Path,
    options: AdaptOptions | None = None,
    *,
    progress: Progress | None = None,
) -> AdaptSummary:
    """Go on training a model on a map and write the best weights, their card and the log.

    Pairs to learn from are made of the map: a tile, and a photo as a drone could have taken it
    there on another day. Parts of the map are held out; weights are better if more photos of
    these parts find their tile among those of the whole map. If none are, the folder holds the
    weights that it began with.

    Args:
        tiles: Folder of tiles, as `cut_tiles` writes it.
        folder: Model folder to write; unless a run is resumed it must not exist yet or be empty.
        options: Model to begin with, time limit and the like.
        progress: Listener for every batch.

    Raises:
        OptionError: if there is no time.
        OutputExistsError: if `folder` holds something.
        OutputBusyError: if another run writes there.
        InputError: if the tiles cannot be read, or the map is too small to hold a part out.
        ModelError: if the model is missing or is not for drone photos, or there is no checkpoint
            to resume.
        DependencyError: if the device is not there.
        KeyboardInterrupt: after Ctrl-C or `kill`, when the checkpoint is written.
    """
    options, folder = options or AdaptOptions(), Path(folder)
    if options.minutes <= 0:
        raise OptionError(f"{options.minutes:g} minutes; expected more than 0; pass --minutes 20")
    card = read_card(options.model)
    side_px = _side_px(card)
    processes = open_processes(options.device)
    listener = progress if progress is not None and processes.is_main else Silent()
    with claimed_folder(folder, _how(options), processes):
        with TileSet.open(tiles) as opened:
            ground = _read(opened, card, side_px=side_px, seed=options.seed, progress=listener)
        recipe = _recipe(card, ground, folder, options)
        source = _source(ground, recipe, side_px=side_px)
        command = (
            f"geoloc adapt {ground.name} -o {folder.resolve().name} --model {card.name} "
            f"--minutes {options.minutes:g}{' --whole' * options.whole}"
        )
        refinement = Refinement(command, _PATIENCE, keeps_backbone=not options.whole)
        config = RunConfig(recipe, folder, _how(options), processes, listener, refinement)
        run = Run(config, TrainingData(source, ground.validation))
        run.train()
        done = run.summary()
    return AdaptSummary(done.folder, done.untrained, done.recall, done.best_step)


def _how(options: AdaptOptions) -> TrainOptions:
    return TrainOptions(device=options.device, workers=options.workers, resume=options.resume)


def _source(ground: _Map, recipe: Recipe, *, side_px: int) -> AerialSource:
    """What pairs are made of; known by its map, so that a run goes on with the same one only."""
    source = AerialSource(
        ground.learnt,
        recipe.pairs,
        recipe.schedule,
        size_px=side_px,
        turns_apart=ground.tiles < _FEW_TILES,
    )
    source.identity = f"tiles {ground.digest}, {source.identity}"
    return source


def _side_px(card: ModelCard) -> int:
    """The side of the images that a model takes of tiles and of photos.

    Raises:
        ModelError: if it is not for both, or not for squares of one size.
    """
    check_embeds_images(card)
    satellite, drone = card.input_size(SATELLITE), card.input_size(DRONE)
    if satellite != drone or satellite.height_px != satellite.width_px:
        raise ModelError(
            f"model {card.name} takes tiles of {satellite.height_px} x {satellite.width_px} and "
            f"photos of {drone.height_px} x {drone.width_px} pixels; expected squares of one "
            "size, as pairs of a map are made; choose another --model",
            path=card.folder,
        )
    return satellite.height_px


def _read(tiles: TileSet, card: ModelCard, *, side_px: int, seed: int, progress: Progress) -> _Map:
    """The map in blocks, parts of them held out.

    Raises:
        InputError: if it is too small.
    """
    scale = scale_of(tiles, wanted_m=card.tile_ground_size_m, side_px=side_px)
    blocks = read_map(tiles, scale, seed=seed, progress=progress)
    parts = hold_out_parts(blocks, scale.ground_size_m, seed=seed)
    if not parts:
        shown_m2 = sum(float(each.dates[0].any(axis=2).sum()) for each in blocks) * scale.gsd_m**2
        side_m = least_area_m2(scale.ground_size_m) ** 0.5
        raise InputError(
            f"{tiles.folder} shows {shown_m2 / 1e6:.2g} km2, too little to hold a part out; "
            f"expected {side_m:.0f} x {side_m:.0f} m in one piece at least for tiles of "
            f"{scale.ground_size_m:g} m; cut a larger map, or keep to the model as it is",
            path=tiles.folder,
        )
    rasters = tuple(Path(each.location).name for each in tiles.manifest.rasters)
    choice = PairChoice(tile_ground_size_m=scale.ground_size_m)
    validation = MapValidation(blocks, parts, choice, size_px=side_px)
    folder, digest = tiles.folder.resolve().name, tiles.digest()
    return _Map(folder, digest, rasters, scale, without(blocks, parts), validation)


def _recipe(card: ModelCard, ground: _Map, folder: Path, options: AdaptOptions) -> Recipe:
    """What is trained and how, as a recipe that no file holds."""
    size = int(_PAIRS_PER_TILE * ground.tiles) // _MIN_BATCH * _MIN_BATCH
    size = min(_MAX_BATCH, max(_MIN_BATCH, size))
    schedule = Schedule(
        steps=_MAX_STEPS,
        batch_size=size,
        learning_rate=_LEARNING_RATE,
        warmup_steps=_WARMUP_STEPS,
        validate_every=max(1, _PAIRS_PER_VALIDATION // size),
        minutes=options.minutes,
        initial_weights=str(card.folder.resolve()),
        seed=options.seed,
    )
    return Recipe(
        card=_document(card, ground, folder, options),
        data=DataChoice(dataset="map"),
        schedule=schedule,
        pairs=PairChoice(tile_ground_size_m=ground.scale.ground_size_m),
    )


def _document(card: ModelCard, ground: _Map, folder: Path, options: AdaptOptions) -> dict[str, Any]:
    """The card of the model that comes of it; what it was trained on before is kept."""
    document = tomllib.loads((card.folder / CARD_NAME).read_text(encoding="utf-8"))
    del document["weights"]
    document.pop("accuracy", None)
    before = dict(document.get("training", {}))
    before.pop("recipe", None)
    earlier = before.get("summary", "")
    own = f"Map of the user: {', '.join(ground.rasters)}"
    document["name"] = folder.resolve().name
    document["training"] = {
        **before,
        "summary": f"{card.name} adapted to a map by itself. Before that: {earlier}".strip(),
        "adapted_from": card.name,
        "adapted_from_sha256": card.weights_sha256,
        "adapted_parts": "all" if options.whole else "all but the backbone",
        "minutes": options.minutes,
        "tiles_digest": ground.digest,
        "tiles_ground_size_m": ground.scale.ground_size_m,
        "data": [*before.get("data", []), {"name": own, "licence": "that of the map"}],
    }
    return document
