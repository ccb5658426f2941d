"""Locate one street photo or panorama: headings, embeddings, posterior, estimate."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import tee

from geoloc.arrays import Float32Array, Int64Array
from geoloc.index.map_index import MapIndex
from geoloc.locate.calibration import Calibration
from geoloc.locate.estimate import Estimate
from geoloc.locate.radii import ASSUMED_RADII
from geoloc.locate.street.judging import judge
from geoloc.locate.street.posterior import (
    STREET_POSTERIOR,
    StreetPosteriorParameters,
    estimate_place,
)
from geoloc.locate.street.queries import QUERY, Query, QueryParameters, queries_of
from geoloc.locate.street.search import STREET_SEARCH, StreetSearcher, StreetSearchParameters
from geoloc.locate.street.tile_map import TileMap
from geoloc.models.embedder import Embedder
from geoloc.options import LocateOptions
from geoloc.photos.kind import PhotoKind
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo


@dataclass(frozen=True, kw_only=True)
class StreetParameters:
    """All that tunes the locating of street photos and panoramas, step by step."""

    queries: QueryParameters = QUERY
    search: StreetSearchParameters = STREET_SEARCH
    posterior: StreetPosteriorParameters = STREET_POSTERIOR


STREET_PARAMETERS = StreetParameters()


class StreetLocator:
    """Searches a map for street photos and panoramas; safe to use from several threads.

    Args:
        index: An opened index whose model knows ground views.
        options: How to search.
        open_embedder: Gives the network of the index; called when the first photo needs it.
        calibration: What the evidence is worth; None is the posterior's own curve.
        parameters: What tunes each step.
    """

    def __init__(
        self,
        index: MapIndex,
        options: LocateOptions,
        *,
        open_embedder: Callable[[], Embedder],
        calibration: Calibration | None = None,
        parameters: StreetParameters = STREET_PARAMETERS,
    ) -> None:
        map_sd_m = ASSUMED_RADII.with_map_sd(options.map_sd_m).map_sd_m
        self._parameters = replace(
            parameters, posterior=replace(parameters.posterior, map_sd_m=map_sd_m)
        )
        self._index = index
        self._options = options
        self.calibration = calibration
        self._open_embedder = open_embedder
        self._searcher: StreetSearcher | None = None
        self._lock = threading.Lock()

    def begin(
        self,
        photo: Photo,
        metadata: PhotoMetadata,
        kind: PhotoKind,
        *,
        check: Callable[[], None],
    ) -> StreetSearch:
        """Begin to search for a photo.

        Args:
            photo: The photo, upright.
            metadata: What is known of it.
            kind: ``street`` or ``panorama``.
            check: Called every few headings; may raise to end the work.
        """
        searcher = self.open_searcher()
        queries = queries_of(
            photo,
            metadata,
            kind,
            card=self._index.card,
            effort=self._options.effort,
            parameters=self._parameters.queries,
        )
        stages = ((query, searcher.embed(query, check=check)) for query in queries)
        return StreetSearch(self, stages)

    def estimate(
        self, stages: Iterable[tuple[Query, Float32Array]], rows: Int64Array | None
    ) -> Estimate | None:
        """Try stage after stage until one is sure, and keep the best; None on a tiny map.

        Args:
            stages: Queries with their vectors.
            rows: Tiles to search; None is all.
        """
        parameters, searcher = self._parameters.search, self.open_searcher()
        best = None
        for query, vectors in stages:
            match = searcher.match(query, vectors, count=self._options.top_k, rows=rows)
            found = estimate_place(match, self._tiles, parameters=self._parameters.posterior)
            if found is not None and (best is None or outweighs(found, best, parameters)):
                best = found
            if best is not None and best.probability >= parameters.sure:
                break
        return None if best is None else judge(best, self.calibration)

    def open_searcher(self) -> StreetSearcher:
        """The searcher, made when the first photo needs it."""
        with self._lock:
            if self._searcher is None:
                self._searcher = StreetSearcher(
                    self._index, self._open_embedder(), parameters=self._parameters.search
                )
            return self._searcher

    @cached_property
    def _tiles(self) -> TileMap:
        return TileMap.of(self._index.tiles, self._index.card)


class StreetSearch:
    """The search for one photo: however often it is asked, a picture is embedded once.

    Args:
        locator: What searches.
        stages: Queries with their vectors, made when they are asked for.
    """

    def __init__(
        self, locator: StreetLocator, stages: Iterator[tuple[Query, Float32Array]]
    ) -> None:
        self._locator = locator
        self._stages = stages

    def __call__(self, rows: Int64Array | None) -> Estimate | None:
        """The best place among some tiles; None is all. Nothing on a tiny map."""
        self._stages, stages = tee(self._stages)
        return self._locator.estimate(stages, rows)


def outweighs(
    later: Estimate, first: Estimate, parameters: StreetSearchParameters = STREET_SEARCH
) -> bool:
    """Whether the estimate under any heading replaces the one under the stated heading."""
    p, q = later.probability, first.probability
    return p * (1 - q) > parameters.stated_odds * q * (1 - p)
