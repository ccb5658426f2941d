"""Retrieval alone: whether the right tile is proposed, and what chance would give.

A tile is right when its middle lies within 0.71 of its side of the truth: 113 m for tiles of 160 m,
which is the tile itself or a neighbour. On a map of few tiles many are right, so that the share
which a random order would reach is printed beside.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import numpy as np
from real_scores import Timer
from real_sets import UNTRAINED, Case, Ground, photos_of, true_point

from geoloc.arrays import Int64Array
from geoloc.geometry.camera import Camera
from geoloc.geometry.crs import distances_m
from geoloc.index.features.descriptor import PatchNetExtractor
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import DescriptorExtractor
from geoloc.index.features.signatures import Signatures
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.hypotheses import ViewHypothesis, hypothesis_stages
from geoloc.locate.drone.retrieval import Retriever
from geoloc.locate.drone.view import PhotoView, view_photo
from geoloc.models.embedder import Embedder
from geoloc.options import Effort
from geoloc.photos.kind import camera_of
from geoloc.photos.photo import Photo

RANKS = (1, 5, 10, 50)
HEADER = (
    f"{'retrieval by':<26}{'photos':<10}{'map':<18}{'told':<9}{'n':>3}{'tiles':>7}"
    + "".join(f"{f'R@{rank}':>8}" for rank in RANKS)
    + "".join(f"{f'chance@{rank}':>11}" for rank in RANKS)
    + Timer.HEADER
)
_REACH_SIDES = 0.71
Means = Literal["network + signatures", "network", "signatures", "untrained network"]


def rows(case: Case, ground: Ground, effort: Effort) -> Iterator[str]:
    """The lines of the network with the tiles' signatures, of each alone, and of it untrained."""
    for by in get_args(Means):
        yield _row(case, ground, by)


def _row(case: Case, ground: Ground, by: Means) -> str:
    photos = photos_of(ground, case)
    model = UNTRAINED if by == "untrained network" else ground.model
    index = MapIndex.open(ground.index(case.index, model=model))
    uses_signatures = by in ("network + signatures", "signatures")
    signatures, extractor = signatures_of(index) if uses_signatures else (None, None)
    retriever = Retriever(index, Embedder(index.card.folder), signatures=signatures)
    ranks, shares = [], []
    timer = Timer()
    for row, photo, known in photos:
        height, width = photo.pixels.shape[:2]
        hypotheses = next(hypothesis_stages(known, "low", gsd_m=0.3))
        camera = camera_of(known, width, height)
        views = views_of(photo, camera, hypotheses, extractor) if uses_signatures else []
        if by == "signatures":
            assert signatures is not None
            proposed = _most_alike(index, signatures, views)
        else:
            tiles = retriever.retrieve(
                photo.pixels, camera, hypotheses, views=views, count=max(RANKS)
            )
            proposed = [tile.row for tile in tiles]
        point = true_point(row, case)
        right = right_tiles(index, point.lon, point.lat)
        ranks.append(first_right(proposed, right))
        shares.append([chance(len(index.tiles), len(right), rank) for rank in RANKS])
    return (
        f"{by:<26}{case.photos:<10}{case.index:<18}{case.told:<9}{len(photos):>3}"
        + f"{len(index.tiles):>7}"
        + "".join(f"{sum(rank <= k for rank in ranks) / len(ranks):>8.1%}" for k in RANKS)
        + "".join(f"{share:>11.1%}" for share in np.mean(shares, axis=0))
        + timer.columns(len(photos))
    )


def _most_alike(index: MapIndex, signatures: Signatures, views: Sequence[PhotoView]) -> list[int]:
    """Rows of the tiles whose local features are most like the photo's, over the whole map."""
    if not views:
        return []
    every, radius_m = np.arange(len(index.tiles)), float(np.median(index.tiles.ground_size_m)) / 2
    alike = [signatures.likeness(view.near_middle(radius_m), every) for view in views]
    order = np.argsort(-np.max(alike, axis=0), kind="stable")
    return order[: max(RANKS)].tolist()


def signatures_of(index: MapIndex) -> tuple[Signatures | None, DescriptorExtractor]:
    assert index.features_folder is not None
    features = FeatureMap.open(index.features_folder)
    assert features.descriptor_folder is not None
    return Signatures.open(features.folder), PatchNetExtractor(features.descriptor_folder)


def views_of(
    photo: Photo,
    camera: Camera,
    hypotheses: Sequence[ViewHypothesis],
    extractor: DescriptorExtractor | None,
) -> list[PhotoView]:
    views = [
        view_photo(photo.pixels, camera, hypothesis, extractor=extractor)
        for hypothesis in hypotheses
    ]
    return [view for view in views if view is not None]


def right_tiles(index: MapIndex, lon: float, lat: float) -> Int64Array:
    """Rows of the tiles that count as right for a place."""
    tiles = index.tiles
    away = distances_m(lon, lat, tiles.lon, tiles.lat)
    return np.flatnonzero(away <= _REACH_SIDES * tiles.ground_size_m)


def first_right(proposed: Sequence[int], right: Int64Array) -> float:
    """Rank, from 1, of the first proposal that is right; infinite when none is."""
    return next((rank for rank, row in enumerate(proposed, 1) if row in right), math.inf)


def chance(tiles: int, right: int, rank: int) -> float:
    """Probability that a random order has a right tile among its first `rank`."""
    return 1 - math.comb(tiles - right, rank) / math.comb(tiles, rank)
