"""Evaluation protocols: which metrics each data set is measured by.

| protocol | whose rules | figures |
|---|---|---|
| one-right | SAFA, VIGOR, Sample4Geo: one right reference, ties in favour | R@K, R@1 %, hit rate |
| official | University-1652's evaluator: distractors are ranked | R@K, R@top1 %, AP |
| sample4geo | Sample4Geo, MEAN, DAC, CAMP, MFRGN: distractors are dropped | the same |
| game4loc | any paired tile is right | R@K, AP by steps, SDM@K and Dis@K in metres |
| denseuav | positions alone | SDM@K in degrees, MA@m |
| metres | where the middle of the first reference lies | L@m, median distance |
| anyvisloc | the same in widths of a tile | PDM@K |

A distractor is a reference whose place has no query. The last four need positions (R@K and AP do
not), and anyvisloc the width of a tile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from geoloc.arrays import Float32Array, Float64Array, Mask
from geoloc.geometry.crs import LonLat, distances_m
from geoloc.learning.benchmark import metrics
from geoloc.learning.benchmark.ranking import (
    AllRight,
    Best,
    Count,
    Groups,
    OneRight,
    RightRanks,
    count_all,
)
from geoloc.learning.datasets.crossview import Picture, Split
from geoloc.learning.options import BenchmarkProtocol
from geoloc.progress import Progress, Silent

Unit = Literal["%", "m", "queries"]

_KS = (1, 5, 10)
_DISTANCE_KS = (1, 3, 5)
_RADII_M = (5, 10, 25, 50, 100)
_ONE_TO_ONE = ("cvusa", "cvact", "vigor-same", "vigor-cross")
_DRONE_SETS = ("university1652", "sues200")


class SplitVectors(NamedTuple):
    """What a model makes of a test: queries (Q, D) and references (R, D), of unit length."""

    queries: Float32Array
    references: Float32Array


@dataclass(frozen=True)
class Figure:
    """One number that was measured.

    Attributes:
        protocol: Protocol that it is counted by.
        metric: Name of the metric there.
        value: In the unit beside it; shares are percentages.
        unit: ``%``, ``m`` or ``queries``.
        queries: Number of queries that it is a mean of.
        references: Number of references that were ranked.
    """

    protocol: BenchmarkProtocol
    metric: str
    value: float
    unit: Unit
    queries: int
    references: int


def protocols_of(
    dataset: str, split: Split, *, tile_width_m: float | None = None
) -> tuple[BenchmarkProtocol, ...]:
    """The protocols by which a test can be measured.

    Args:
        dataset: One of the names of `geoloc.learning.datasets`.
        split: The test.
        tile_width_m: Side of a reference on the ground; without it there is no anyvisloc.
    """
    if dataset in _DRONE_SETS:
        chosen: list[BenchmarkProtocol] = ["official", "sample4geo"]
    elif dataset in _ONE_TO_ONE:
        chosen = ["one-right"]
    else:
        sizes = Groups.of(split.pairs, len(split.queries)).sizes
        chosen = ["one-right", "game4loc"] if (sizes == 1).all() else ["game4loc"]
    if has_positions(split):
        chosen.append("metres")
        chosen += [] if dataset in _ONE_TO_ONE else ["denseuav"]
        chosen += [] if tile_width_m is None else ["anyvisloc"]
    return tuple(chosen)


def has_positions(split: Split) -> bool:
    """Whether it is known where every query and reference lies."""
    return all(picture.position for picture in (*split.queries, *split.references))


@dataclass(frozen=True)
class Rules:
    """How one test of a data set is measured.

    Attributes:
        dataset: One of the names of `geoloc.learning.datasets`.
        protocols: Those that are wanted, of `protocols_of`.
        tile_width_m: Side of a reference on the ground; anyvisloc needs it.
    """

    dataset: str
    protocols: tuple[BenchmarkProtocol, ...]
    tile_width_m: float | None = None


def measure_test(
    split: Split, vectors: SplitVectors, rules: Rules, *, progress: Progress | None = None
) -> list[Figure]:
    """All figures of one test.

    Args:
        split: The test.
        vectors: Vectors of its queries and references, in their order.
        rules: Protocols to measure by.
        progress: Listener for the queries that are compared.
    """
    listener = progress or Silent()
    right = Groups.of(split.pairs, len(split.queries))
    measures = [_MEASURES[protocol](split, right, rules) for protocol in rules.protocols]
    counts = [count for measure in measures for count in measure.counts]
    listener.start("comparing vectors", len(split.queries), "queries")
    for done in count_all(vectors.queries, vectors.references, counts):
        listener.advance(done)
    return [
        Figure(protocol, name, value, unit, len(split.queries), measure.references)
        for protocol, measure in zip(rules.protocols, measures, strict=True)
        for name, value, unit in measure.finish()
    ]


_Named = tuple[str, float, Unit]


class _Measure(NamedTuple):
    """One protocol at work: what it counts, what it makes of it, and how many it ranks."""

    counts: Sequence[Count]
    finish: Callable[[], list[_Named]]
    references: int


def _percent(name: str, share: float) -> _Named:
    return name, 100 * share, "%"


# --- by rank ---------------------------------------------------------------------------------


def _one_right(split: Split, right: Groups, rules: Rules) -> _Measure:
    count = OneRight(right, Groups.of(split.near_misses, len(split.queries)))
    references = len(split.references)

    def finish() -> list[_Named]:
        figures = [_percent(f"R@{k}", metrics.recall_at(count.higher, k)) for k in _KS]
        k = metrics.one_percent_sample4geo(references)
        if k:  # under a hundred references Sample4Geo's reading looks at none
            share = metrics.recall_at(count.higher, k)
            figures.append(_percent("R@1% (Sample4Geo)", share))
        k = metrics.one_percent_safa(references)
        figures.append(_percent("R@1% (SAFA)", metrics.recall_at(count.higher, k)))
        if split.near_misses:
            figures.append(_percent("hit rate", metrics.recall_at(count.higher_far, 1)))
        return [*figures, ("tied", float(count.is_tied.sum()), "queries")]

    return _Measure([count], finish, references)


def _official(split: Split, right: Groups, rules: Rules) -> _Measure:
    return _university(split, right, None)


def _sample4geo(split: Split, right: Groups, rules: Rules) -> _Measure:
    asked = {query.place for query in split.queries}
    is_ranked = np.array([each.place in asked for each in split.references], np.bool_)
    is_ranked[right.members] = True
    return _university(split, right, is_ranked)


def _university(split: Split, right: Groups, is_ranked: Mask | None) -> _Measure:
    count = AllRight(right, is_ranked)
    gallery = len(split.references)

    def finish() -> list[_Named]:
        ranks = count.result()
        k = metrics.top_one_percent(gallery)
        precision = metrics.trapezoid_precision(ranks)
        return [
            *_recalls(ranks),
            _percent("R@top1%", metrics.recall_at(ranks.best, k)),
            _percent("AP", float(np.mean(precision))),
        ]

    ranked = gallery if is_ranked is None else int(is_ranked.sum())
    return _Measure([count], finish, ranked)


def _recalls(ranks: RightRanks) -> list[_Named]:
    return [_percent(f"R@{k}", metrics.recall_at(ranks.best, k)) for k in _KS]


def _game4loc(split: Split, right: Groups, rules: Rules) -> _Measure:
    count = AllRight(right)
    near = _Nearest(split, rules) if has_positions(split) else None

    def finish() -> list[_Named]:
        ranks = count.result()
        precision = metrics.step_precision(ranks)
        known = precision[~np.isnan(precision)]
        figures = [*_recalls(ranks), _percent("AP", float(known.mean()) if len(known) else 0.0)]
        return figures if near is None else [*figures, *_game4loc_distances(near)]

    counts: list[Count] = [count] if near is None else [count, near.best]
    return _Measure(counts, finish, len(split.references))


def _game4loc_distances(near: _Nearest) -> list[_Named]:
    distances = near.geodesic_m()
    decay = metrics.GAME4LOC_DECAY_PER_METRE
    scores = [
        _percent(f"SDM@{k}", metrics.distance_score(distances, k, decay=decay)) for k in near.ks
    ]
    means: list[_Named] = [
        (f"Dis@{k}", metrics.mean_distance_m(distances, k), "m") for k in near.ks
    ]
    return [*scores, *means]


# --- by position -----------------------------------------------------------------------------


class _Nearest:
    """The best references of each query, and how far from it they lie."""

    def __init__(self, split: Split, rules: Rules) -> None:
        self.ks = [k for k in _DISTANCE_KS if k <= len(split.references)]
        self.best = Best(len(split.queries), self.ks[-1])
        self._queries = _positions(split.queries)
        self._references = _positions(split.references)
        self._is_vigor = rules.dataset.startswith("vigor")

    def _both(self) -> tuple[Float64Array, Float64Array]:
        """Positions (Q, K, 2) in degrees, of the query and of its answers."""
        found = self._references[self.best.references]
        return np.broadcast_to(self._queries[:, None], found.shape), found

    def geodesic_m(self) -> Float64Array:
        """Distances (Q, K) on the ellipsoid; on VIGOR's own sphere for VIGOR."""
        asked, found = self._both()
        if self._is_vigor:
            return metrics.great_circle_m(asked, found, radius_m=metrics.VIGOR_RADIUS_M)
        flat = [values.reshape(-1, 2) for values in (asked, found)]
        lengths = distances_m(flat[0][:, 0], flat[0][:, 1], flat[1][:, 0], flat[1][:, 1])
        return lengths.reshape(found.shape[:2])

    def denseuav_m(self) -> Float64Array:
        """Distances (Q, K) on DenseUAV's sphere."""
        return metrics.great_circle_m(*self._both(), radius_m=metrics.DENSEUAV_RADIUS_M)

    def degrees(self) -> Float64Array:
        """Distances (Q, K) as DenseUAV's SDM has them: Euclidean in degrees."""
        asked, found = self._both()
        return np.asarray(np.linalg.norm(asked - found, axis=2), np.float64)


def _positions(pictures: Sequence[Picture]) -> Float64Array:
    """(N, 2) lon, lat in degrees."""
    nowhere = LonLat(np.nan, np.nan)
    return np.array([picture.position or nowhere for picture in pictures], np.float64)


def _metres(split: Split, right: Groups, rules: Rules) -> _Measure:
    near = _Nearest(split, rules)

    def finish() -> list[_Named]:
        distances = near.geodesic_m()
        shares = [_percent(f"L@{m}m", metrics.share_within(distances, m)) for m in _RADII_M]
        return [*shares, ("median distance", float(np.median(distances[:, 0])), "m")]

    return _Measure([near.best], finish, len(split.references))


def _denseuav(split: Split, right: Groups, rules: Rules) -> _Measure:
    near = _Nearest(split, rules)

    def finish() -> list[_Named]:
        degrees, sphere_m = near.degrees(), near.denseuav_m()
        decay = metrics.DENSEUAV_DECAY_PER_DEGREE
        scores = [
            _percent(f"SDM@{k}", metrics.distance_score(degrees, k, decay=decay)) for k in near.ks
        ]
        shares = [_percent(f"MA@{m}m", metrics.share_below(sphere_m, m)) for m in _RADII_M]
        return [*scores, *shares]

    return _Measure([near.best], finish, len(split.references))


def _anyvisloc(split: Split, right: Groups, rules: Rules) -> _Measure:
    near = _Nearest(split, rules)
    width_m = rules.tile_width_m
    assert width_m is not None, "protocols_of offers it only with a width"

    def finish() -> list[_Named]:
        distances = near.geodesic_m()
        return [
            _percent(f"PDM@{k}", metrics.window_score(distances, k, tile_width_m=width_m))
            for k in near.ks
        ]

    return _Measure([near.best], finish, len(split.references))


_MEASURES: dict[BenchmarkProtocol, Callable[[Split, Groups, Rules], _Measure]] = {
    "one-right": _one_right,
    "official": _official,
    "sample4geo": _sample4geo,
    "game4loc": _game4loc,
    "denseuav": _denseuav,
    "metres": _metres,
    "anyvisloc": _anyvisloc,
}
