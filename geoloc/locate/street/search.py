"""Search for a street photo: cosines of its pictures with the tiles of a map."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float32Array, Float64Array, Int64Array
from geoloc.index.map_index import MapIndex
from geoloc.locate.estimate import SURE
from geoloc.locate.street.queries import Query
from geoloc.models.embedder import Embedder
from geoloc.models.view import GROUND

# Standard deviations of cosines over a map that count as none.
_LEAST_SD = 1e-6


@dataclass(frozen=True)
class StreetSearchParameters:
    """With how many tiles a street photo is compared, and which stage of headings is kept."""

    # So many tiles, evenly taken, tell how much this photo looks like just any tile.
    background_tiles: int = 4096
    # A large network on a slow processor takes a second a picture; nobody waits longer than for so
    # many.
    pictures_per_batch: int = 8
    # A photo without headings is one query. The tiles around its best places come with it, and
    # have to leave room for the places that compete.
    tiles_without_headings: int = 1000
    # An estimate this probable ends the search.
    sure: float = SURE
    # A stated heading has odds of so much to one: it leaves less to chance, so that what fits best
    # under all headings is oftener wrong than it looks. Measured with panoramas of two fabricated
    # towns whose heading was known: to keep the surer of both lost 4 and 8 right answers of 100.
    stated_odds: float = 10.0


STREET_SEARCH = StreetSearchParameters()


@dataclass(frozen=True)
class StreetMatch:
    """Cosines of one street photo with tiles of the map, heading by heading.

    Attributes:
        headings_deg: (N,) headings of the photo's middle that were tried; None where the network
            knows none, and N is 1.
        rows: (M,) tiles of the index, the likeliest among them.
        scores: (M, N) cosine of each of these tiles under each heading.
        other_rows: (S,) tiles taken evenly from the map.
        other_scores: (S,) cosine of each of these under its best heading.
        horizon_share: Share of what the network wants to see that the photo shows.
        searched: Number of tiles that were searched.
    """

    headings_deg: Float64Array | None
    rows: Int64Array
    scores: Float32Array
    other_rows: Int64Array
    other_scores: Float32Array
    horizon_share: float = 1.0
    searched: int = 0


class StreetSearcher:
    """Compares street photos with a map by the network that made its index.

    Several threads may ask; they take turns at the network, which keeps its memory bounded.
    """

    def __init__(
        self,
        index: MapIndex,
        embedder: Embedder,
        *,
        parameters: StreetSearchParameters = STREET_SEARCH,
    ) -> None:
        self._parameters = parameters
        self._index = index
        self._embedder = embedder
        self._turn = threading.Lock()
        count = len(index.tiles)
        step = max(1, -(-count // parameters.background_tiles))
        self._other_rows = np.arange(0, count, step, dtype=np.int64)
        self._others = index.store.vectors(self._other_rows).astype(np.float32)

    def match(
        self,
        query: Query,
        vectors: Float32Array,
        *,
        count: int,
        rows: Int64Array | None = None,
    ) -> StreetMatch:
        """Compare the pictures of a query with the map.

        Args:
            query: The pictures, with their headings if the network knows any.
            vectors: Their vectors, as `embed` makes them.
            count: How many tiles to bring for each heading.
            rows: Tiles to choose from; None is all.
        """
        if query.headings_deg is None:
            vectors = together(vectors, self._others)
            count = max(count, self._parameters.tiles_without_headings)
        searched = len(self._index.tiles) if rows is None else len(rows)
        found = self._index.search(vectors, min(count, searched), rows)
        near = np.unique(found.rows[found.rows >= 0])
        tiles = self._index.store.vectors(near).astype(np.float32)
        headings = query.headings_deg
        return StreetMatch(
            headings_deg=None if headings is None else np.array(headings, np.float64),
            rows=near,
            scores=tiles @ vectors.T,
            other_rows=self._other_rows,
            other_scores=(self._others @ vectors.T).max(axis=1),
            horizon_share=query.horizon_share,
            searched=searched,
        )

    def embed(self, query: Query, *, check: Callable[[], None] = lambda: None) -> Float32Array:
        """Unit vectors (N, D) of the pictures of a query.

        Args:
            query: The pictures.
            check: Called every few pictures; may raise to end the work.
        """
        parts = []
        for pictures in query.batches(self._parameters.pictures_per_batch):
            check()
            with self._turn:
                parts.append(self._embedder.embed(pictures, GROUND))
        return np.concatenate(parts)


def together(vectors: Float32Array, others: Float32Array) -> Float32Array:
    """One unit vector (1, D) whose cosines rank tiles by what several pictures say together.

    The evidence of a picture for a tile is how far its cosine stands above those with just any
    tile, in their standard deviations; the sum over the pictures is, but for a constant, the
    cosine with this vector. How much of that sum the pictures have in common shows in its own
    spread over the map, against which it is judged afterwards: nothing is counted twice.

    Args:
        vectors: (P, D) of the pictures, of unit length.
        others: (S, D) of tiles taken evenly from the map.
    """
    if len(vectors) == 1:
        return vectors
    sd = np.maximum(_LEAST_SD, (others @ vectors.T).std(axis=0)) if len(others) else np.ones(1)
    total = (vectors / sd.reshape(-1, 1)).sum(axis=0, keepdims=True)
    return np.asarray(total / max(float(np.linalg.norm(total)), _LEAST_SD), np.float32)
