"""Search for a street photo: cosines of its ring with the tiles of a map, heading by heading."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from geoloc.arrays import Float32Array, Float64Array, Int64Array, RgbImage
from geoloc.geometry.panorama import (
    Panorama,
    RingImage,
    panorama_span_deg,
    ring_from_panorama,
    ring_from_photo,
    roll_ring,
)
from geoloc.image_size import ImageSize
from geoloc.index.map_index import MapIndex
from geoloc.locate.estimate import SURE
from geoloc.models.card import ModelCard
from geoloc.models.embedder import Embedder
from geoloc.models.view import GROUND
from geoloc.options import Effort
from geoloc.photos.kind import PhotoKind, panorama_of, street_camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo


@dataclass(frozen=True)
class StreetSearchParameters:
    """Which headings of a street photo are tried, and with how many tiles they are compared."""

    # So many tiles, evenly taken, tell how much this photo looks like just any tile.
    background_tiles: int = 4096
    # A large network on a slow processor takes a second a heading; nobody waits longer than for so
    # many.
    headings_per_batch: int = 8
    # Offsets from a stated heading: a compass is trusted to so much at first, and to more when it
    # did not say which north it means.
    near_headings_deg: tuple[float, ...] = (-10.0, 0.0, 10.0)
    magnetic_headings_deg: tuple[float, ...] = (-20.0, -10.0, 0.0, 10.0, 20.0)
    # Steps between the headings of a full turn.
    step_low_deg: float = 30.0
    step_normal_deg: float = 15.0
    step_high_deg: float = 7.5
    # An estimate this probable ends the search.
    sure: float = SURE
    # A stated heading has odds of so much to one: it leaves less to chance, so that what fits best
    # under all headings is oftener wrong than it looks. Measured with panoramas of two fabricated
    # towns whose heading was known: to keep the surer of both lost 4 and 8 right answers of 100.
    stated_odds: float = 10.0

    def step_deg(self, effort: Effort) -> float:
        """The step between headings, degrees."""
        steps = {"low": self.step_low_deg, "normal": self.step_normal_deg}
        return steps.get(effort, self.step_high_deg)


STREET_SEARCH = StreetSearchParameters()


@dataclass(frozen=True)
class StreetMatch:
    """Cosines of one street photo with tiles of the map, heading by heading.

    Attributes:
        headings_deg: (N,) headings of the photo's middle that were tried.
        rows: (M,) tiles of the index, the likeliest among them.
        scores: (M, N) cosine of each of these tiles under each heading.
        other_rows: (S,) tiles taken evenly from the map.
        other_scores: (S,) cosine of each of these under its best heading.
        horizon_share: Share of the horizon that the photo shows.
    """

    headings_deg: Float64Array
    rows: Int64Array
    scores: Float32Array
    other_rows: Int64Array
    other_scores: Float32Array
    horizon_share: float = 1.0


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
        ring: RingImage,
        headings_deg: Sequence[float],
        *,
        count: int,
        rows: Int64Array | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> StreetMatch:
        """Compare a ring, turned to each of the headings, with the map.

        Args:
            ring: (h, w, 3) uint8, as `ring_of` gives it.
            headings_deg: Headings of the photo's middle to try.
            count: How many tiles to bring for each heading.
            rows: Tiles to choose from; None is all.
            check: Called every few headings; may raise to end the work.
        """
        headings = np.array(headings_deg, np.float64)
        parts = []
        count_at_once = self._parameters.headings_per_batch
        for start in range(0, len(headings), count_at_once):
            check()
            turns = headings[start : start + count_at_once].tolist()
            rings = np.stack([roll_ring(ring, turn) for turn in turns])
            with self._turn:
                parts.append(self._embedder.embed(rings, GROUND))
        vectors = np.concatenate(parts)
        found = self._index.search(vectors, min(count, len(self._index.tiles)), rows)
        near = np.unique(found.rows[found.rows >= 0])
        tiles = self._index.store.vectors(near).astype(np.float32)
        return StreetMatch(
            headings_deg=headings,
            rows=near,
            scores=tiles @ vectors.T,
            other_rows=self._other_rows,
            other_scores=(self._others @ vectors.T).max(axis=1),
            horizon_share=float(ring.any(axis=(0, 2)).mean()),
        )


def ring_of(
    photo: Photo, metadata: PhotoMetadata, kind: PhotoKind, *, card: ModelCard
) -> RingImage:
    """The ring of a photo that a network takes in, as if the photo had been taken northwards.

    Args:
        photo: The photo, upright.
        metadata: What is known of it.
        kind: ``street`` or ``panorama``.
        card: Card of the network, which states the ring's size and elevations.

    Raises:
        ModelError: The network knows no ground views.
    """
    height, width = photo.pixels.shape[:2]
    size, span = card.input_size(GROUND), card.ground_span_deg
    if kind == "panorama":
        frame = panorama_of(metadata, width, height, full_width_px=photo.full_width_px)
        return _ring_of_panorama(photo.pixels, frame, size=size, span_deg=span)
    camera = street_camera_of(metadata, width, height)
    pitch_deg = metadata.pitch_deg or 0.0
    if span is None:
        # Upright, a photo fills the whole height, as the strips of the benchmarks do.
        span = (
            max(-90.0, pitch_deg - camera.vfov_deg / 2),
            min(90.0, pitch_deg + camera.vfov_deg / 2),
        )
    return ring_from_photo(
        photo.pixels,
        camera,
        azimuth_deg=0.0,
        pitch_deg=pitch_deg,
        roll_deg=metadata.roll_deg or 0.0,
        size=size,
        span_deg=span,
    )


def _ring_of_panorama(
    pixels: RgbImage,
    frame: Panorama,
    *,
    size: ImageSize,
    span_deg: tuple[float, float] | None,
) -> RingImage:
    """The ring of a panorama; without a span, of all the rows that the image holds."""
    span_deg = span_deg or panorama_span_deg(frame, pixels.shape[0])
    return ring_from_panorama(pixels, frame, size=size, span_deg=span_deg)


def heading_stages(
    metadata: PhotoMetadata,
    effort: Effort,
    *,
    parameters: StreetSearchParameters = STREET_SEARCH,
) -> Iterator[tuple[float, ...]]:
    """Headings to try for a street photo or a panorama, likeliest first.

    Args:
        metadata: What is known; a stated heading is looked at first, since it is often right.
        effort: ``low`` stops after the first stage; more effort means finer steps.
        parameters: The offsets and steps.
    """
    if metadata.yaw_deg is not None:
        magnetic = metadata.yaw_ref == "magnetic"
        near = parameters.magnetic_headings_deg if magnetic else parameters.near_headings_deg
        yield tuple((metadata.yaw_deg + offset) % 360 for offset in near)
        if effort == "low":
            return
    step_deg = parameters.step_deg(effort)
    yield tuple(turn * step_deg for turn in range(round(360 / step_deg)))
