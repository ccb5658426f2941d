"""Batch sampling with hard negatives (GPS and DSS of Sample4Geo), no positives among them.

After Sample4Geo (Deuser et al., ICCV 2023, section 3): batches of unique places, filled with
hard negatives, first by position (GPS), then by similarity (DSS).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import Int32Array, Mask
from geoloc.errors import OptionError
from geoloc.learning.datasets.crossview import Split
from geoloc.learning.training.data.neighbours import (
    Neighbours,
    has_positions,
    neighbours_by_position,
)
from geoloc.learning.training.recipe import SamplingChoice


class Sampler:
    """Batches of pair numbers, a pure function of the seed, the epoch and the neighbours.

    Raises:
        OptionError: Neighbours by position are asked for, and the split has no positions.

    Attributes:
        neighbours: The table of neighbours in use (see `neighbours.py`); None for none.
    """

    def __init__(self, split: Split, choice: SamplingChoice, *, batch_size: int, seed: int) -> None:
        if batch_size < 1:
            raise OptionError(f"a batch of {batch_size} pairs; expected 1 or more")
        self._split, self._choice = split, choice
        self._batch_size, self._seed = batch_size, seed
        self._conflicts = _Conflicts(split, unique_places=choice.unique_places)
        self._of_reference: dict[int, list[int]] = defaultdict(list)
        for number, pair in enumerate(split.pairs):
            self._of_reference[pair.reference].append(number)
        self.neighbours: Neighbours | None = None
        wants_nearest = choice.neighbours == "similarity" and has_positions(split)
        if choice.neighbours == "position" or wants_nearest:
            self.neighbours = neighbours_by_position(
                split, choice.range, degrees_quirk=choice.degrees_quirk
            )

    @property
    def choice(self) -> SamplingChoice:
        """How batches are filled."""
        return self._choice

    def wants_similarities(self, epoch: int) -> bool:
        """Whether the caller should measure similarities and `use` them before this epoch."""
        is_due = epoch > 0 and epoch % self._choice.refresh_every_epochs == 0
        return self._choice.neighbours == "similarity" and is_due

    def use(self, neighbours: Neighbours) -> None:
        """Take another table of neighbours from the next epoch on.

        Raises:
            OptionError: It has not one row for each query of the split.
        """
        if neighbours.ndim != 2 or len(neighbours) != len(self._split.queries):
            raise OptionError(
                f"a table of neighbours of shape {neighbours.shape}; expected a row for each of "
                f"the {len(self._split.queries)} queries"
            )
        self.neighbours = np.asarray(neighbours, np.int32)

    def state(self) -> dict[str, NDArray[Any]]:
        """What a resumed run needs to draw the same batches."""
        table = self.neighbours
        return {"neighbours": np.zeros((0, 0), np.int32) if table is None else table}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` gave."""
        table = np.asarray(state["neighbours"], np.int32)
        if table.size:
            self.use(table)
        else:
            self.neighbours = None

    def epoch(self, number: int) -> list[list[int]]:
        """All full batches of one epoch: numbers of pairs of the split, each at most once.

        A pair that does not fit goes to the end of the queue; an incomplete last batch is dropped.
        So do the official codes: Sample4Geo's gives up after 1024 misfits in a row and takes in 64
        of the 128 nearest references (the first 32 always, 32 at random); MEAN's gives up after
        512 and only keeps every place to once a batch.
        """
        rng = np.random.default_rng((self._seed, number))
        queue = deque(rng.permutation(len(self._split.pairs)).tolist())
        used = np.zeros(len(self._split.pairs), np.bool_)
        batches: list[list[int]] = []
        batch, misfits = _Batch(self._conflicts, self._batch_size), 0
        while queue and misfits < self._choice.misfits:
            pair = queue.popleft()
            if used[pair]:
                continue
            if not batch.take(pair):
                queue.append(pair)
                misfits += 1
                continue
            misfits, used[pair] = 0, True
            self._take_neighbours(pair, batch, used, rng)
            if batch.is_full:
                batches.append(batch.pairs)
                batch = _Batch(self._conflicts, self._batch_size)
        return batches

    def _take_neighbours(
        self, pair: int, batch: _Batch, used: Mask, rng: np.random.Generator
    ) -> None:
        """Fill the batch with pairs of neighbouring references, one of each."""
        if self.neighbours is None:
            return
        for reference in self._draw(self.neighbours[self._split.pairs[pair].query], rng):
            if batch.is_full:
                return
            unused = [each for each in self._of_reference[reference] if not used[each]]
            if unused:
                chosen = unused[int(rng.integers(len(unused)))]
                used[chosen] = batch.take(chosen)

    def _draw(self, row: Int32Array, rng: np.random.Generator) -> list[int]:
        """The nearest neighbours, and some of the others in random order."""
        choice = self._choice
        known = row[row >= 0][: choice.range]
        others = rng.permutation(known[choice.always :])[: choice.select - choice.always]
        return [*known[: choice.always].tolist(), *others.tolist()]


@dataclass
class _Conflicts:
    """Which pairs may not be each other's negatives."""

    split: Split
    unique_places: bool
    near: dict[int, set[int]] = field(init=False)

    def __post_init__(self) -> None:
        """Collect the references of each query that are neither right nor wrong."""
        self.near = defaultdict(set)
        for pair in (*self.split.near_misses, *self.split.pairs):
            self.near[pair.query].add(pair.reference)

    def names(self, pair: int) -> set[str]:
        """What no other pair of a batch may share: places, or the pictures themselves."""
        query, reference, _ = self.split.pairs[pair]
        if self.unique_places:
            return {self.split.queries[query].place, self.split.references[reference].place}
        return {f"query {query}", f"reference {reference}"}


class _Batch:
    """One batch as it fills."""

    def __init__(self, conflicts: _Conflicts, size: int) -> None:
        self.pairs: list[int] = []
        self._conflicts, self._size = conflicts, size
        self._names: set[str] = set()
        self._references: set[int] = set()
        self._avoided: set[int] = set()

    @property
    def is_full(self) -> bool:
        """Whether there is no room left."""
        return len(self.pairs) >= self._size

    def take(self, pair: int) -> bool:
        """Add a pair if it is a negative of all others; whether it was added."""
        query, reference, _ = self._conflicts.split.pairs[pair]
        names, near = self._conflicts.names(pair), self._conflicts.near[query]
        if names & self._names or reference in self._avoided or near & self._references:
            return False
        self.pairs.append(pair)
        self._names |= names
        self._references.add(reference)
        self._avoided |= near
        return True
