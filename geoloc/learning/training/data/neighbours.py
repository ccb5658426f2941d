"""Hard negatives of each query: the nearest references by position, or by similarity.

A table of neighbours is (Q, K) int32: for each query of a split the numbers of references, nearest
first, -1 where there are no more. References that are right or nearly right for the query are
never in its row, nor are references without a pair, which cannot be learnt from.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from geoloc.arrays import Float32Array, Float64Array, Int32Array, Int64Array
from geoloc.errors import OptionError
from geoloc.learning.datasets.crossview import Picture, Split

Neighbours = Int32Array

_CHUNK = 1024


def has_positions(split: Split) -> bool:
    """Whether every pair has a place on the Earth, by its reference or its query."""
    return bool(split.pairs) and all(
        (split.references[pair.reference].position or split.queries[pair.query].position)
        is not None
        for pair in split.pairs
    )


def neighbours_by_position(split: Split, count: int, *, degrees_quirk: bool = False) -> Neighbours:
    """The references nearest to each query's own on the ground, by great circle.

    The positions are the references'; where a data set has none, their queries'.

    Args:
        split: With positions.
        count: Neighbours of each query.
        degrees_quirk: Hand degrees to a haversine that expects radians, as Sample4Geo's scripts
            do: the order is then only approximately right.

    Raises:
        OptionError: The split has no positions.
    """
    if not has_positions(split):
        raise OptionError(
            f"the pictures of {split.name} have no positions to find neighbours by; "
            'choose neighbours = "similarity" or "none" in [sampling] of the recipe'
        )
    numbers, points = _points(split, degrees_quirk=degrees_quirk)
    avoided, anchors = _avoided(split), _best_references(split)
    most = max((len(each) for each in avoided), default=0)
    wanted = min(len(numbers), count + most)
    row_of = {int(number): row for row, number in enumerate(numbers)}
    known = [query for query in range(len(split.queries)) if anchors[query] >= 0]
    table = np.full((len(split.queries), count), -1, np.int32)
    origins = points[[row_of[anchors[query]] for query in known]]
    _, found = cKDTree(points).query(origins, k=np.arange(1, wanted + 1))
    for query, row in zip(known, numbers[found], strict=True):
        _fill(table[query], row, avoided[query])
    return table


def neighbours_by_similarity(
    query_vectors: Float32Array,
    reference_vectors: Float32Array,
    split: Split,
    count: int,
) -> Neighbours:
    """The references most similar to each query that are not its own (DSS).

    Args:
        query_vectors: (Q, D), L2-normalised.
        reference_vectors: (R, D), likewise.
        split: Queries and references.
        count: Neighbours of each query.

    Raises:
        OptionError: The vectors are not one for each picture.
    """
    if (len(query_vectors), len(reference_vectors)) != (len(split.queries), len(split.references)):
        raise OptionError(
            f"{len(query_vectors)} and {len(reference_vectors)} vectors; expected one for each of "
            f"{len(split.queries)} queries and {len(split.references)} references"
        )
    numbers = _learnt_references(split)
    candidates, avoided = reference_vectors[numbers], _avoided(split)
    most = max((len(each) for each in avoided), default=0)
    wanted = min(len(numbers), count + most)
    table = np.full((len(split.queries), count), -1, np.int32)
    for start in range(0, len(query_vectors), _CHUNK):
        scores = query_vectors[start : start + _CHUNK] @ candidates.T
        for query, row in enumerate(_highest(scores, wanted), start):
            _fill(table[query], numbers[row], avoided[query])
    return table


def _points(split: Split, *, degrees_quirk: bool) -> tuple[Int32Array, Float64Array]:
    """The references to learn from and their points on the unit sphere (N, 3).

    The square of a chord is four times the haversine's argument, whatever numbers are taken for
    radians; so a tree of chords has the haversine's order exactly, its quirk included.
    """
    of_query: dict[int, Picture] = {}
    for pair in split.pairs:
        of_query.setdefault(pair.reference, split.queries[pair.query])
    numbers = _learnt_references(split)
    positions = [split.references[n].position or of_query[int(n)].position for n in numbers]
    angles = np.array(positions, np.float64)
    lon, lat = (angles if degrees_quirk else np.radians(angles)).T
    points = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return numbers, points


def _learnt_references(split: Split) -> Int32Array:
    """The numbers of the references that have a pair, ascending."""
    return np.array(sorted({pair.reference for pair in split.pairs}), np.int32)


def _best_references(split: Split) -> list[int]:
    """The first right reference of each query; -1 for none."""
    best = [-1] * len(split.queries)
    for pair in reversed(split.pairs):
        best[pair.query] = pair.reference
    return best


def _avoided(split: Split) -> list[set[int]]:
    """For each query the references that may not be its negatives."""
    of_place: dict[str, set[int]] = {}
    for number in _learnt_references(split).tolist():
        of_place.setdefault(split.references[number].place, set()).add(number)
    avoided = [set(of_place.get(query.place, ())) for query in split.queries]
    for pair in (*split.pairs, *split.near_misses):
        avoided[pair.query].add(pair.reference)
    return avoided


def _highest(scores: Float32Array, count: int) -> Int64Array:
    """The columns (Q, count) of the highest scores of each row, best first."""
    columns = np.arange(scores.shape[1])[None].repeat(len(scores), 0)
    if count < scores.shape[1]:
        columns = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    best = np.argsort(-np.take_along_axis(scores, columns, 1), axis=1, kind="stable")
    return np.take_along_axis(columns, best, 1)


def _fill(row: Neighbours, candidates: Int32Array, avoided: set[int]) -> None:
    """Write the candidates that are not avoided into a row of the table, in their order."""
    allowed = candidates[~np.isin(candidates, list(avoided))][: len(row)]
    row[: len(allowed)] = allowed
