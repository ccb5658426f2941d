"""How much the tiles of a map look like what stands around a street photo, under every heading."""

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
from geoloc.index.map_index import MapIndex
from geoloc.models.embedder import Embedder
from geoloc.models.view import GROUND
from geoloc.options import Effort
from geoloc.photos.kind import PhotoKind, panorama_of, street_camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo

# So many tiles, evenly taken, tell how much this photo looks like just any tile.
_BACKGROUND_TILES = 4096
# A large network on a slow processor takes a second a heading; nobody waits longer than this many.
_HEADINGS_A_TURN = 8


@dataclass(frozen=True)
class StreetMatch:
    """What the network says of one photo.

    Attributes:
        headings_deg: (N,) that were supposed.
        rows: (M,) tiles of the index, the likeliest among them.
        scores: (M, N) cosine of each of them under each heading.
        other_rows: (S,) tiles taken evenly from the map.
        other_scores: (S,) cosine of each of these under its best heading.
        seen: Share of the horizon that the photo shows.
    """

    headings_deg: Float64Array
    rows: Int64Array
    scores: Float32Array
    other_rows: Int64Array
    other_scores: Float32Array
    seen: float = 1.0


class StreetSearcher:
    """Compares street photos with a map by the network that made its index.

    Several threads may ask; they take turns at the network, which keeps its memory bounded.
    """

    def __init__(self, index: MapIndex, embedder: Embedder) -> None:
        self._index = index
        self._embedder = embedder
        self._turn = threading.Lock()
        count = len(index.tiles)
        step = max(1, -(-count // _BACKGROUND_TILES))
        self._other_rows = np.arange(0, count, step, dtype=np.int64)
        self._others = index.store.vectors(self._other_rows).astype(np.float32)

    def ring(self, photo: Photo, metadata: PhotoMetadata, kind: PhotoKind) -> RingImage:
        """What the network takes in of a photo, as if it had been taken northwards."""
        height, width = photo.pixels.shape[:2]
        size, span = self._embedder.card.input_size(GROUND), self._embedder.card.ground_span_deg
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
            ring: (h, w, 3) as of `ring`.
            headings_deg: Of the photo's middle, to suppose.
            count: How many tiles to bring for each heading.
            rows: Tiles to choose from; None is all.
            check: Called every few headings; may raise to end the work.
        """
        headings = np.array(headings_deg, np.float64)
        parts = []
        for start in range(0, len(headings), _HEADINGS_A_TURN):
            check()
            turns = headings[start : start + _HEADINGS_A_TURN].tolist()
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
            seen=float(ring.any(axis=(0, 2)).mean()),
        )


def _ring_of_panorama(
    pixels: RgbImage,
    frame: Panorama,
    *,
    size: tuple[int, int],
    span_deg: tuple[float, float] | None,
) -> RingImage:
    """The ring of a panorama; without a span, of all the rows that the image holds."""
    span_deg = span_deg or panorama_span_deg(frame, pixels.shape[0])
    return ring_from_panorama(pixels, frame, size=size, span_deg=span_deg)


# A compass is trusted to so much at first, and to more when it did not say which north it means.
_NEAR_HEADINGS_DEG = (-10.0, 0.0, 10.0)
_MAGNETIC_HEADINGS_DEG = (-20.0, -10.0, 0.0, 10.0, 20.0)
_HEADING_STEP_DEG: dict[Effort, float] = {"low": 30.0, "normal": 15.0, "high": 7.5}


def heading_stages(metadata: PhotoMetadata, effort: Effort) -> Iterator[tuple[float, ...]]:
    """Headings to try for a street photo or a panorama, likeliest first.

    Args:
        metadata: What is known; a stated heading is looked at first, since it is often right.
        effort: ``low`` stops after the first stage; more effort means finer steps.
    """
    if metadata.yaw_deg is not None:
        magnetic = metadata.yaw_ref == "magnetic"
        steps = _MAGNETIC_HEADINGS_DEG if magnetic else _NEAR_HEADINGS_DEG
        yield tuple((metadata.yaw_deg + step) % 360 for step in steps)
        if effort == "low":
            return
    step_deg = _HEADING_STEP_DEG[effort]
    yield tuple(turn * step_deg for turn in range(round(360 / step_deg)))
