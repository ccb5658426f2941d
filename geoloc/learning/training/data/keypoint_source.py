"""Batches of patch pairs, for a local descriptor: self-supervised, from aerial images of places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.errors import InputError
from geoloc.learning.training.batch import WHOLE, Batch, Embed, Share, SyntheticSource
from geoloc.learning.training.data.aerial_pairs import batch_of
from geoloc.learning.training.data.keypoint_pairs import MIN_KEYPOINTS, PatchPairs, draw_pairs
from geoloc.learning.training.data.places import Place
from geoloc.learning.training.recall import Recall, recall_of_partners
from geoloc.learning.training.recipe import KeypointChoice, Schedule
from geoloc.models.view import View

_VALIDATION_SEED = 7
_VALIDATION_VIEWS = 60
_BATCHES_PER_EPOCH = 100
# After so many views without enough keypoints, one after the other, there will be none.
_MAX_BARREN = 500
PROTOCOL = (
    "keypoints that SIFT found in a synthetic photo and on the map, of places held out from "
    "training (another date where there is one), each photo's keypoint among those of all the "
    "maps; the best step was chosen on the same keypoints"
)


class KeypointSource(SyntheticSource):
    """Pairs of patches that are made while they are learnt from.

    A batch holds many keypoints of few views: what lies next to a keypoint is what it is most
    easily taken for.

    Args:
        places: Places that patches are cut from.
        choice: Options of pairs of patches.
        schedule: Size of a batch and the seed.
    """

    query_view: View = "drone"
    reference_view: View = "satellite"
    places = 0
    batches_per_epoch = _BATCHES_PER_EPOCH

    def __init__(self, places: Sequence[Place], choice: KeypointChoice, schedule: Schedule) -> None:
        self._places, self._choice, self._schedule = places, choice, schedule
        self._weights = _weights(places)
        self.identity = f"keypoints of {len(places)} places"

    def batch(self, step: int, share: Share = WHOLE) -> Batch:
        """A share of batch number `step`; all of it is made, since its chances are one row.

        Raises:
            InputError: if the places show no keypoints.
        """
        rng = np.random.default_rng((self._schedule.seed, step))
        size = self._schedule.batch_size
        photos, tiles = _gather(_draws(self._places, self._weights, self._choice, rng), size)
        return batch_of(photos, tiles).part(share)


class KeypointValidation:
    """Keypoints that were found in both pictures of places that training never saw.

    Raises:
        InputError: if the places show no keypoints.
    """

    protocol = PROTOCOL

    def __init__(self, places: Sequence[Place], choice: KeypointChoice) -> None:
        self._pairs = found_pairs(places, choice)

    def measure(self, embed: Embed) -> Recall:
        """Recall of the photos' keypoints among the maps'; a tie counts against the right one."""
        photos = embed.images(self._pairs.photo, "drone")
        return recall_of_partners(photos, embed.images(self._pairs.tile, "satellite"))


def found_pairs(places: Sequence[Place], choice: KeypointChoice) -> PatchPairs:
    """Pairs to measure on: of sixty views, those keypoints that were found in both pictures."""
    rng = np.random.default_rng(_VALIDATION_SEED)
    drawn = islice(_draws(places, _weights(places), choice, rng), _VALIDATION_VIEWS)
    views = [view.select(view.is_found) for view in drawn]
    return PatchPairs(
        np.concatenate([view.photo for view in views]),
        np.concatenate([view.tile for view in views]),
        np.concatenate([view.is_found for view in views]),
    )


def _weights(places: Sequence[Place]) -> Float64Array:
    """Probabilities: a large image holds many views, and another date is worth a place."""
    sides = [place.dates[0].shape[0] * place.dates[0].shape[1] for place in places]
    weights = np.sqrt(sides) * [len(place.dates) for place in places]
    return np.asarray(weights / weights.sum(), np.float64)


def _draws(
    places: Sequence[Place],
    weights: Float64Array,
    choice: KeypointChoice,
    rng: np.random.Generator,
) -> Iterator[PatchPairs]:
    """View after view that shows enough keypoints.

    Raises:
        InputError: if no view does.
    """
    barren = 0
    while barren < _MAX_BARREN:
        pairs = draw_pairs(places[int(rng.choice(len(places), p=weights))], choice, rng)
        barren = barren + 1 if pairs is None else 0
        if pairs is not None:
            yield pairs
    raise InputError(
        f"{barren} views of {len(places)} places, one after the other, show fewer than "
        f"{MIN_KEYPOINTS} keypoints that a map and a photo share; expected images of built or "
        "grown-over ground; check [data] and [keypoints] of the recipe"
    )


def _gather(drawn: Iterator[PatchPairs], size: int) -> tuple[list[Any], list[Any]]:
    """The first `size` patches of as many views as it takes."""
    photos: list[Any] = []
    tiles: list[Any] = []
    while len(photos) < size:
        pairs = next(drawn)
        photos += list(pairs.photo)
        tiles += list(pairs.tile)
    return photos[:size], tiles[:size]
