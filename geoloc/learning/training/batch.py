"""Training batches, and the interface of the sources that make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from geoloc.arrays import Float32Array, Int64Array, RgbBatch
from geoloc.learning.datasets.crossview import Picture
from geoloc.models.view import View


@dataclass(frozen=True)
class Share:
    """Which part of every batch one process of several works on."""

    index: int = 0
    count: int = 1

    def rows(self, size: int) -> slice:
        """Its rows in a batch of `size`, which the number of processes divides."""
        each = size // self.count
        return slice(self.index * each, (self.index + 1) * each)


@dataclass(frozen=True)
class Batch:
    """B pairs; what stands in one row shows one place.

    Attributes:
        queries: (B, h, w, 3) uint8 RGB.
        references: (B, H, W, 3) uint8 RGB, or (B, L, S, S, 3) crops of L ground sizes.
        places: (B,) int64, the number of each pair's place among the training places; no number
            twice.
        overlaps: (B,) float32, the share of ground that both images of a pair show.
    """

    queries: RgbBatch
    references: RgbBatch
    places: Int64Array
    overlaps: Float32Array

    def part(self, share: Share) -> Batch:
        """The rows that one process works on."""
        rows = share.rows(len(self.places))
        return Batch(
            self.queries[rows], self.references[rows], self.places[rows], self.overlaps[rows]
        )


WHOLE = Share()


class Embed(Protocol):
    """A network that is being trained, as validation and mining see it."""

    def images(self, images: RgbBatch, view: View) -> Float32Array:
        """Unit vectors (N, D) of images of the network's input size.

        They are (N, H, W, 3), or (N, L, S, S, 3) crops of tiles.
        """

    def pictures(self, pictures: tuple[Picture, ...], view: View) -> Float32Array:
        """Unit vectors (N, D) of image files."""


class Source(Protocol):
    """Where batches come from: the same step always gives the same batch.

    What may change that are neighbours by similarity, which depend on the network; `state` holds
    them, so that a resumed run draws what an unbroken one would have drawn.

    Attributes:
        query_view: The branch of the network that the queries pass.
        reference_view: The branch that the references pass.
        batches_per_epoch: Batches until every pair was offered once, about.
        places: Number of places that `Batch.places` counts; 0 where every pair is its own place.
        identity: What the data are, so that a checkpoint is not resumed on others.
    """

    query_view: View
    reference_view: View
    batches_per_epoch: int
    places: int
    identity: str

    def batch(self, step: int, share: Share = WHOLE) -> Batch:
        """One process's share of batch number `step`.

        Raises:
            InputError: if an image cannot be read.
        """

    def wants_mining(self, epoch: int) -> bool:
        """Whether neighbours should be measured anew before this epoch."""

    def mine(self, embed: Embed) -> None:
        """Measure with the network as it is which pairs are hard negatives."""

    def state(self) -> dict[str, NDArray[Any]]:
        """What a resumed run needs besides the step."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` gave."""


class SyntheticSource:
    """What sources have in common whose batches follow from the step alone: nothing is mined."""

    def wants_mining(self, epoch: int) -> bool:
        """Never: pairs are drawn, not listed."""
        del epoch
        return False

    def mine(self, embed: Embed) -> None:
        """Nothing to do."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing but the step decides a batch."""
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Nothing to take over."""
