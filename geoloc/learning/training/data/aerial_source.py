"""Batches of synthetic drone photos of aerial images: self-supervised, no pairs needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geoloc.learning.training.batch import WHOLE, Batch, Embed, Share, SyntheticSource
from geoloc.learning.training.data.aerial_pairs import (
    Crop,
    PairMaker,
    batch_of,
    cut_tile,
    take_photo,
)
from geoloc.learning.training.data.photometric import disturb
from geoloc.learning.training.data.places import Place
from geoloc.learning.training.recall import Recall, recall_of_partners
from geoloc.learning.training.recipe import PairChoice, Schedule
from geoloc.models.view import View

_VALIDATION_SEED = 7
PROTOCOL = (
    "one synthetic photo of each tile of places held out from training (another date where there "
    "is one; wrong turn, scale, middle and tilt as in [pairs] of the recipe), among all those "
    "tiles; the best step was chosen on the same tiles"
)


class AerialSource(SyntheticSource):
    """Pairs that are made while they are learnt from.

    Args:
        places: Places that pairs are cut from.
        choice: Options of synthetic photos.
        schedule: For the size of a batch and of its first images, and the seed.
        size_px: Side of the images.
        turns_apart: Whether turned ground counts as other ground, as in `PairMaker`.
    """

    query_view: View = "drone"
    reference_view: View = "satellite"
    places = 0

    def __init__(
        self,
        places: Sequence[Place],
        choice: PairChoice,
        schedule: Schedule,
        *,
        size_px: int,
        turns_apart: bool = False,
    ) -> None:
        self._maker = PairMaker(places, choice, seed=schedule.seed, turns_apart=turns_apart)
        self._schedule, self._size_px = schedule, size_px
        tiles = sum(len(_tiles_of(place, choice.tile_ground_size_m)) for place in places)
        self.batches_per_epoch = max(1, tiles // schedule.batch_size)
        self.identity = f"{len(places)} places, {tiles} tiles"

    def batch(self, step: int, share: Share = WHOLE) -> Batch:
        """A share of batch number `step`; all of it is made, since its chances are one row."""
        schedule = self._schedule
        size_px = schedule.small_size_px if step < schedule.small_steps else self._size_px
        return self._maker.batch(step, schedule.batch_size, size_px).part(share)


class AerialValidation:
    """Synthetic photos of every tile of the places that training never saw."""

    protocol = PROTOCOL

    def __init__(self, places: Sequence[Place], choice: PairChoice, *, size_px: int) -> None:
        self._pairs = held_out_pairs(places, choice, size_px=size_px, seed=_VALIDATION_SEED)

    def measure(self, embed: Embed) -> Recall:
        """Recall of photos among all tiles; a tie counts against the right tile."""
        photos = embed.images(self._pairs.queries, "drone")
        tiles = embed.images(self._pairs.references, "satellite")
        return recall_of_partners(photos, tiles)


def held_out_pairs(
    places: Sequence[Place], choice: PairChoice, *, size_px: int, seed: int
) -> Batch:
    """Every tile of the places, each with one photo; of another date where there is one.

    Tiles stand edge to edge; the first date is the map's.
    """
    photos, tiles = [], []
    for number, place in enumerate(places):
        for count, crop in enumerate(_tiles_of(place, choice.tile_ground_size_m)):
            rng = np.random.default_rng((seed, number, count))
            date = int(rng.integers(min(1, len(place.dates) - 1), len(place.dates)))
            photo = take_photo(place.dates[date], crop, size_px, choice=choice, rng=rng)
            covered = photo.any(axis=2, keepdims=True)
            photos.append(disturb(photo, rng, strength=1.0) * covered)
            tiles.append(cut_tile(place.dates[0], crop, size_px))
    return batch_of(photos, tiles)


def _tiles_of(place: Place, ground_size_m: float) -> list[Crop]:
    side = place.tile_px(ground_size_m)
    rows, cols = place.tiles_along(ground_size_m)
    return [
        Crop((col + 0.5) * side, (row + 0.5) * side, side)
        for row in range(rows)
        for col in range(cols)
    ]
