"""Batches of a data set's pairs: drawn by the sampler, read from files, varied together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import RgbImage
from geoloc.errors import InputError
from geoloc.learning.datasets.crossview import Split
from geoloc.learning.training.batch import WHOLE, Batch, Embed, Share
from geoloc.learning.training.data.augmentation import augment
from geoloc.learning.training.data.image_reader import PictureReader
from geoloc.learning.training.data.neighbours import neighbours_by_similarity
from geoloc.learning.training.data.sampling import Sampler
from geoloc.learning.training.recipe import Recipe
from geoloc.models.view import View

_DRAWS = 64
_FAR = 1 << 32  # an epoch that is drawn again is none of a later one's


class SplitSource:
    """The training split of a data set.

    An epoch of the sampler may fall a few batches short of another. So that a step always means
    the same batch, every epoch has as many batches as the first: a longer one is cut off, and a
    shorter one begins again.
    """

    def __init__(self, split: Split, recipe: Recipe, reader: PictureReader) -> None:
        schedule = recipe.schedule
        self.query_view: View = split.query_view
        self.reference_view: View = split.reference_view
        self._split, self._reader, self._augmentation = split, reader, recipe.augmentation
        self._seed, self._batch_size = schedule.seed, schedule.batch_size
        self._sampler = Sampler(
            split, recipe.sampling, batch_size=schedule.batch_size, seed=schedule.seed
        )
        names = dict.fromkeys(query.place for query in split.queries)
        self._number_of = {name: number for number, name in enumerate(names)}
        self.places = len(names)
        self.identity = (
            f"{len(split.pairs)} pairs of {len(split.queries)} queries and "
            f"{len(split.references)} references"
        )
        self._epoch: tuple[int, list[list[int]]] = (-1, [])
        self.batches_per_epoch = len(self._batches(0))

    def batch(self, step: int, share: Share = WHOLE) -> Batch:
        """A share of batch number `step`; what happens to a row does not depend on the others."""
        epoch, position = divmod(step, self.batches_per_epoch)
        batches = self._batches(epoch)
        numbers = batches[position % len(batches)]
        rows = range(len(numbers))[share.rows(len(numbers))]
        images = [self._pair(numbers[row], (self._seed, step, row)) for row in rows]
        queries, references = zip(*images, strict=True)
        pairs = [self._split.pairs[numbers[row]] for row in rows]
        places = [self._number_of[self._split.queries[pair.query].place] for pair in pairs]
        overlaps = [pair.overlap for pair in pairs]
        return Batch(
            np.stack(queries),
            np.stack(references),
            np.array(places, np.int64),
            np.array(overlaps, np.float32),
        )

    def _batches(self, epoch: int) -> list[list[int]]:
        if self._epoch[0] != epoch:
            self._epoch = (epoch, self._draw(epoch))
        return self._epoch[1]

    def _draw(self, epoch: int) -> list[list[int]]:
        """An epoch's batches; one that chance left empty is drawn again.

        Few photos that stand close together fill a batch only if they come in a lucky order.
        """
        for attempt in range(_DRAWS):
            if batches := self._sampler.epoch(epoch + attempt * _FAR):
                return batches
        raise InputError(
            f"{self._split.name}: {self.identity} give no batch of {self._batch_size} pairs whose "
            "tiles do not show each other's places; expected one at least; copy the recipe and "
            f"make its batch_size smaller ({self._largest_batch()} would do), or make pairs of "
            "smaller tiles or of photos farther apart"
        )

    def _largest_batch(self) -> int:
        """The largest one that an epoch in a few gives."""
        for size in range(min(self._batch_size - 1, len(self._split.pairs)), 2, -1):
            sampler = Sampler(self._split, self._sampler.choice, batch_size=size, seed=self._seed)
            if any(sampler.epoch(number) for number in range(_DRAWS // 8)):
                return size
        return 2

    def _pair(self, number: int, seed: tuple[int, ...]) -> tuple[RgbImage, RgbImage]:
        pair = self._split.pairs[number]
        query = self._reader.read(self._split.queries[pair.query], self.query_view)
        reference = self._reader.read(self._split.references[pair.reference], self.reference_view)
        rng = np.random.default_rng(seed)
        return augment(query, reference, rng, self._augmentation, query_view=self.query_view)

    def wants_mining(self, epoch: int) -> bool:
        """Whether the sampler's similarities are due."""
        return self._sampler.wants_similarities(epoch)

    def mine(self, embed: Embed) -> None:
        """Measure which references are most similar to each query (DSS)."""
        queries = embed.pictures(self._split.queries, self.query_view)
        references = embed.pictures(self._split.references, self.reference_view)
        count = self._sampler.choice.range
        self._sampler.use(neighbours_by_similarity(queries, references, self._split, count))
        self._epoch = (-1, [])

    def state(self) -> dict[str, NDArray[Any]]:
        """The sampler's neighbours."""
        return self._sampler.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over the sampler's neighbours."""
        self._sampler.restore(state)
        self._epoch = (-1, [])
