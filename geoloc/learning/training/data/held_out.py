"""Keeping a share of the training places for validation."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

import numpy as np

from geoloc.learning.datasets.crossview import Pair, Split


def hold_out(split: Split, share: float, *, seed: int) -> tuple[Split, Split]:
    """A split to learn from and one to validate on, which have no place in common.

    A reference without a place of its own to any query stays in both: as a distraction.

    Args:
        split: Training split of the data set.
        share: Share of the queries' places, in (0, 1), that validate; at least one, if there are
            two.
        seed: Seed of the choice of places.
    """
    names = list(dict.fromkeys(query.place for query in split.queries))
    count = min(max(1, round(share * len(names))), len(names) - 1)
    order = np.random.default_rng(seed).permutation(len(names))
    kept = {names[number] for number in order[:count]}
    learnt = set(names) - kept
    validating = _part(split, kept, without=learnt)
    return _part(split, learnt, without=kept), replace(validating, name="held-out places")


def _part(split: Split, places: Set[str], *, without: Set[str]) -> Split:
    """The images of some places and of no place, renumbered, and the pairs between them."""
    queries = [n for n, query in enumerate(split.queries) if query.place in places]
    foreign = {pair.reference for pair in split.pairs if split.queries[pair.query].place in without}
    references = [
        n
        for n, reference in enumerate(split.references)
        if n not in foreign and reference.place not in without
    ]
    new_query = {old: new for new, old in enumerate(queries)}
    new_reference = {old: new for new, old in enumerate(references)}

    def renumbered(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
        return tuple(
            Pair(new_query[query], new_reference[reference], overlap)
            for query, reference, overlap in pairs
            if query in new_query and reference in new_reference
        )

    return replace(
        split,
        queries=tuple(split.queries[n] for n in queries),
        references=tuple(split.references[n] for n in references),
        pairs=renumbered(split.pairs),
        near_misses=renumbered(split.near_misses),
    )
