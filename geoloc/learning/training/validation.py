"""Validation during a run: the recall that decides which weights are kept."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from geoloc.arrays import Int64Array
from geoloc.learning.datasets.crossview import Split
from geoloc.learning.training.batch import Embed
from geoloc.learning.training.recall import Recall, ranks_of, recall_from


class Validation(Protocol):
    """Something to measure on.

    Attributes:
        protocol: What is measured, in one sentence for the card.
    """

    protocol: str

    def measure(self, embed: Embed) -> Recall:
        """Recall of the network as it is."""


class SplitValidation:
    """A test of a data set, or places that were held out of its training split."""

    def __init__(self, split: Split, *, dataset: str, most_queries: int = 0) -> None:
        self._split = split
        self._positives = _positives_of(split)
        # Queries without a right reference say nothing of a network.
        known = np.array([n for n, right in enumerate(self._positives) if len(right)], np.int64)
        if most_queries and len(known) > most_queries:
            known = known[np.linspace(0, len(known) - 1, most_queries).round().astype(int)]
        self._queries = known
        part = f" (evenly drawn from {len(split.queries)})" if most_queries else ""
        self.protocol = (
            f"{dataset}, {split.name}: {len(known)} queries{part} among {len(split.references)} "
            "references, a tie counts against the right one; the best step was chosen on the same"
        )

    def __len__(self) -> int:
        return len(self._queries)

    def measure(self, embed: Embed) -> Recall:
        """A query is found if any of its right references is; ties count against it."""
        chosen = tuple(self._split.queries[number] for number in self._queries)
        queries = embed.pictures(chosen, self._split.query_view)
        references = embed.pictures(self._split.references, self._split.reference_view)
        positives = [self._positives[number] for number in self._queries]
        return recall_from(ranks_of(queries, references, positives), references=len(references))


def _positives_of(split: Split) -> list[Int64Array]:
    """The right references of every query."""
    right: list[list[int]] = [[] for _ in split.queries]
    for pair in split.pairs:
        right[pair.query].append(pair.reference)
    return [np.array(each, np.int64) for each in right]
