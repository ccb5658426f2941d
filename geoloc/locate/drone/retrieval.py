"""Retrieval of the tiles of a large map whose embedding and signature are like the photo's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import Float32Array, Float64Array, FloatArray, Int64Array, RgbImage
from geoloc.geometry.camera import Camera
from geoloc.geometry.rectification import RectifiedPhoto, rectify
from geoloc.index.features.signatures import Signatures
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.hypotheses import ViewHypothesis
from geoloc.locate.drone.view import PhotoView
from geoloc.models.embedder import Embedder
from geoloc.models.view import DRONE


@dataclass(frozen=True)
class RetrievalParameters:
    """How tiles are retrieved for a drone photo."""

    # The network bears this much wrong turn (it was trained with it), so that turns so far apart
    # cover all.
    turn_step_deg: float = 30.0
    # Signatures are asked about so many tiles, or such a share of all: those that the network
    # ranks first.
    depth_tiles: int = 2000
    depth_share: float = 0.05


RETRIEVAL = RetrievalParameters()


@dataclass(frozen=True)
class RetrievedTile:
    """A tile that may show the photo's place.

    Attributes:
        row: Row of the tile in the index's table.
        score: Cosine of the embeddings, the best over the turns and scales tried; with signatures,
            that and the likeness of the local features, each in standard deviations, added.
    """

    row: int
    score: float


class Retriever:
    """Retrieves tiles for photos, by the network that made the index and by local features.

    The network sees the whole and needs north and scale; signatures
    (`geoloc.index.features.signatures`) see the details and need neither. Each ranks photos high
    that the other has low, so that both are put on one scale, tile by tile, and added.

    Args:
        index: An opened index.
        embedder: The network of its model.
        signatures: Signatures of its tiles; without them the network decides alone.
        parameters: How to retrieve.
    """

    def __init__(
        self,
        index: MapIndex,
        embedder: Embedder,
        *,
        signatures: Signatures | None = None,
        parameters: RetrievalParameters = RETRIEVAL,
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._signatures = signatures
        self._parameters = parameters
        self._ground_sizes_m = index.tiles.ground_sizes_m

    def retrieve(
        self,
        photo: RgbImage,
        camera: Camera,
        hypotheses: Sequence[ViewHypothesis],
        *,
        count: int,
        views: Sequence[PhotoView] = (),
        rows: Int64Array | None = None,
    ) -> list[RetrievedTile]:
        """The `count` tiles most like the photo under any of the hypotheses, best first.

        Args:
            photo: (H, W, 3) uint8, upright.
            camera: Camera of the photo.
            hypotheses: Heights, pitches and turns to try.
            count: How many tiles.
            views: The photo's features under the hypotheses, for the signatures.
            rows: Tiles to choose from; None is all.
        """
        crops = self._crops(photo, camera, hypotheses)
        if not crops:
            return []
        vectors = self._embedder.embed(np.stack(crops), DRONE)
        uses_signatures = self._signatures is not None and len(views) > 0
        depth = self._depth(count) if uses_signatures else count
        found = self._index.search(vectors, depth, rows)
        ranking = rank_tiles(found.rows, found.scores, count=depth)
        best = dict(zip(ranking.rows, ranking.scores, strict=True))
        if self._signatures is not None and uses_signatures and best:
            best = self._with_signatures(best, self._signatures, views)
        return [RetrievedTile(row, score) for row, score in _ranked(best)[:count]]

    def _depth(self, count: int) -> int:
        """How many tiles of the network's order the signatures are asked about."""
        tiles = len(self._index.tiles)
        p = self._parameters
        return min(tiles, max(count, p.depth_tiles, round(p.depth_share * tiles)))

    def _with_signatures(
        self, scores: dict[int, float], signatures: Signatures, views: Sequence[PhotoView]
    ) -> dict[int, float]:
        """The scores of tiles, standardised, plus their likeness to the best of the hypotheses."""
        rows = np.array(list(scores), np.int64)
        sides_m = self._index.tiles.ground_size_m[rows]
        radius_m = float(np.median(sides_m)) / 2
        alike = [signatures.likeness(view.near_middle(radius_m), rows) for view in views]
        both = _standardised(np.array(list(scores.values())))
        both = both + _standardised(np.max(alike, axis=0))
        return dict(zip(rows.tolist(), both.tolist(), strict=True))

    def _crops(
        self, photo: RgbImage, camera: Camera, hypotheses: Sequence[ViewHypothesis]
    ) -> list[RgbImage]:
        crops = north_up_crops(
            photo,
            camera,
            hypotheses,
            ground_sizes_m=self._ground_sizes_m,
            side_px=self._embedder.card.input_size(DRONE).height_px,
            parameters=self._parameters,
        )
        return [crop.pixels for crop in crops]


@dataclass(frozen=True)
class TileRanking:
    """The tiles that a search found for several queries, best first.

    Attributes:
        rows: Rows of the tiles in the index's table.
        scores: Cosine of each tile with the query that it is most like.
        queries: Number of that query.
    """

    rows: list[int]
    scores: list[float]
    queries: list[int]


def rank_tiles(rows: Int64Array, scores: Float32Array, *, count: int) -> TileRanking:
    """The best `count` tiles, each ranked by the query that it is most like.

    Args:
        rows: (N, k) rows of the tiles that were found for each of N queries; -1 is none.
        scores: (N, k) their cosines.
        count: How many tiles to keep.
    """
    best: dict[int, tuple[float, int]] = {}
    for query, (found, cosines) in enumerate(zip(rows.tolist(), scores.tolist(), strict=True)):
        for row, cosine in zip(found, cosines, strict=True):
            if row >= 0 and (row not in best or cosine > best[row][0]):
                best[row] = (cosine, query)
    order = sorted(best, key=lambda row: (-best[row][0], row))[:count]
    return TileRanking(order, [best[row][0] for row in order], [best[row][1] for row in order])


def _ranked(scores: dict[int, float]) -> list[tuple[int, float]]:
    """Rows and their scores, the best first."""
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _standardised(values: FloatArray) -> Float64Array:
    """Values with a mean of 0 and a spread of 1; zeros where they are all alike."""
    spread = float(values.std())
    away = np.asarray(values, np.float64) - float(values.mean())
    return away / spread if spread > 0 else away


def north_up(rectified: RectifiedPhoto, yaw_deg: float, size_px: int) -> RgbImage:
    """A square (size, size, 3) around the photo's middle, north up; black where it shows nothing.

    Args:
        rectified: The photo from above.
        yaw_deg: Azimuth of its up direction.
        size_px: Side of the square, at the rectified photo's ground sampling distance.
    """
    # Turning the picture clockwise by the yaw brings north up; OpenCV counts the other way.
    matrix = cv2.getRotationMatrix2D(tuple(rectified.centre_px - 0.5), -yaw_deg, 1.0)
    matrix[:, 2] = matrix[:, 2] + (size_px - 1) / 2 - (rectified.centre_px - 0.5)
    pixels = (
        rectified.pixels
        if rectified.valid is None
        else rectified.pixels * rectified.valid[..., None]
    )
    turned = cv2.warpAffine(
        np.ascontiguousarray(pixels), matrix, (size_px, size_px), flags=cv2.INTER_LINEAR
    )
    return np.asarray(turned, np.uint8)


@dataclass(frozen=True)
class NorthUpCrop:
    """What the network takes in of a photo under one hypothesis, yaw and ground size.

    Attributes:
        pixels: (side, side, 3) uint8, north up.
        hypothesis: Height and tilt of the photo.
        yaw_deg: Azimuth of its up direction.
        ground_m: Width on the ground, metres.
    """

    pixels: RgbImage
    hypothesis: ViewHypothesis
    yaw_deg: float
    ground_m: float


def north_up_crops(
    photo: RgbImage,
    camera: Camera,
    hypotheses: Sequence[ViewHypothesis],
    *,
    ground_sizes_m: Sequence[float],
    side_px: int,
    parameters: RetrievalParameters = RETRIEVAL,
) -> Iterator[NorthUpCrop]:
    """The photo north up and as wide on the ground as a tile, under each of the hypotheses.

    Args:
        photo: (H, W, 3) uint8, upright.
        camera: Camera of the photo.
        hypotheses: Heights, pitches and yaws to try.
        ground_sizes_m: Widths of the tiles on the ground, metres.
        side_px: Side of a crop.
        parameters: Which yaws are tried.
    """
    for hypothesis in hypotheses:
        for ground_m in ground_sizes_m:
            rectified = rectify(photo, camera, hypothesis.pose, gsd_m=ground_m / side_px)
            if rectified is not None:
                for yaw_deg in network_yaws(hypothesis, parameters):
                    crop = north_up(rectified, yaw_deg, side_px)
                    yield NorthUpCrop(crop, hypothesis, yaw_deg, ground_m)


def network_yaws(
    hypothesis: ViewHypothesis, parameters: RetrievalParameters = RETRIEVAL
) -> list[float]:
    """The yaws under which the network sees a hypothesis: its middle one, or turns all around."""
    if not hypothesis.is_full_circle:
        return [hypothesis.yaws_deg[len(hypothesis.yaws_deg) // 2]]
    step_deg = parameters.turn_step_deg
    return [turn * step_deg for turn in range(math.ceil(360 / step_deg))]
