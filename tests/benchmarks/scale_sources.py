"""Real ground that made-up maps are put together from: features, vectors and signatures of tiles.

A patch of made-up ground is a square of a real map, shifted, turned and half the time mirrored, and
never the same twice: the bytes of its descriptors are jittered, the vectors and signatures of its
tiles are mixed with those of other tiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from geoloc.arrays import AnyArray, Float32Array, Float64Array, Int64Array
from geoloc.index.features.map_features import MapFeatures
from geoloc.index.map_index import MapIndex

# Two descriptions of one keypoint differ by more than this a byte; two made-up ones by about it.
_JITTER = 14
_JITTER_ROWS = 1 << 18
# A share of a signature's words comes from another tile: overlapping tiles differ as much.
_OTHER_WORDS = 0.25


@dataclass(frozen=True)
class Source:
    """A real map.

    Attributes:
        features: Its features, in the frame of its region, from west to east.
        rows: (T,) rows of its tiles in the index.
        xy_m: (T, 2) their middles, in the same frame.
        whole: (M,) those of `rows`, by position, around which a patch lies on the map.
    """

    features: MapFeatures
    rows: Int64Array
    xy_m: Float64Array
    whole: Int64Array

    def between(self, middle_m: Float64Array, half_m: float) -> MapFeatures:
        """Its features in a square."""
        east = self.features.xy_m[:, 0]
        first, last = np.searchsorted(east, [middle_m[0] - half_m, middle_m[0] + half_m])
        north = self.features.xy_m[first:last, 1]
        return self.features.select(first + np.flatnonzero(np.abs(north - middle_m[1]) <= half_m))

    @cached_property
    def tree(self) -> cKDTree:
        """The middles of its tiles."""
        return cKDTree(self.xy_m)


@dataclass(frozen=True)
class Patch:
    """A square of a source, laid on made-up ground: ``there = middle + turn @ (here - centre)``.

    Attributes:
        source: The source.
        centre_m: (2,) middle of the square on the source.
        turn: (2, 2) turned, and maybe mirrored.
        middle_m: (2,) middle of the square on the made-up ground.
    """

    source: Source
    centre_m: Float64Array
    turn: Float64Array
    middle_m: Float64Array

    def features(self, half_m: float) -> tuple[MapFeatures, Float64Array, Float64Array]:
        """Its features, their places (N, 2) on the made-up ground, and their angles (N,)."""
        found = self.source.between(self.centre_m, 1.5 * half_m)
        local = (found.xy_m - self.centre_m) @ self.turn.T
        inside = np.flatnonzero((np.abs(local) < half_m).all(axis=1))
        found, local = found.select(inside), local[inside]
        angle = np.radians(found.angle_deg)  # clockwise from east
        ahead = np.stack([np.cos(angle), -np.sin(angle)], axis=1) @ self.turn.T
        turned = np.degrees(np.arctan2(-ahead[:, 1], ahead[:, 0])) % 360
        return found, self.middle_m + local, turned

    def nearest_tiles(self, xy_m: Float64Array) -> Int64Array:
        """Rows of the source's tiles that lie nearest to places (N, 2) of the made-up ground."""
        there = self.centre_m + (xy_m - self.middle_m) @ self.turn
        return np.asarray(self.source.rows[self.source.tree.query(there)[1]])


class Sources:
    """Real maps to draw patches from.

    Args:
        index: Index of them.
        rasters: Locations of those rasters in it that are drawn from.
        patch_m: Side of a patch.
        rng: Decides what is drawn.
    """

    def __init__(
        self, index: MapIndex, rasters: set[str], patch_m: float, rng: np.random.Generator
    ) -> None:
        self._rng = rng
        self._half_m = patch_m / 2
        self.sources = _sources(index, rasters, patch_m)
        self.vectors = index.store.vectors(np.arange(len(index.store))).astype(np.float32)
        folder = index.features_folder
        assert folder is not None
        self.signatures: AnyArray = np.load(folder / "signatures.npy")
        sizes = np.array([len(source.whole) for source in self.sources], float)
        self._shares = sizes / sizes.sum()
        size = self.sources[0].features.descriptors.shape[1]
        self._jitter = rng.integers(-_JITTER, _JITTER + 1, (_JITTER_ROWS, size), np.int8)
        self._steps = np.concatenate([_overlapping(source) for source in self.sources])

    def patch(self, middle_m: Float64Array) -> Patch:
        """A patch drawn at random."""
        rng = self._rng
        source = self.sources[rng.choice(len(self.sources), p=self._shares)]
        at = source.xy_m[rng.choice(source.whole)] + rng.uniform(-20, 20, 2)
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turn[:, 0] *= rng.choice([-1, 1])
        return Patch(source, at, turn, middle_m)

    def jittered(self, descriptors: AnyArray) -> AnyArray:
        """Descriptors (N, size) that differ from these a little, each byte on its own."""
        begin = int(self._rng.integers(_JITTER_ROWS))
        rows = np.arange(begin, begin + len(descriptors)) % _JITTER_ROWS
        changed = descriptors.astype(np.int16) + self._jitter[rows]
        return np.asarray(changed.clip(0, 255), np.uint8)

    def mixed_vectors(self, rows: Int64Array) -> Float32Array:
        """Unit vectors (N, D): those of tiles, moved as one overlapping tile differs from another.

        So they scatter as those of real tiles do.
        """
        steps = self._steps[self._rng.integers(len(self._steps), size=len(rows))]
        moved = self.vectors[rows] + self.vectors[steps[:, 0]] - self.vectors[steps[:, 1]]
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)

    def mixed_signatures(self, rows: Int64Array) -> AnyArray:
        """Signatures (N, W, ...) of tiles, a share of their words from tiles drawn at random."""
        others = self._steps[self._rng.integers(len(self._steps), size=len(rows)), 0]
        found = self.signatures[rows]
        replaced = self._rng.random(found.shape[:2]) < _OTHER_WORDS
        found[replaced] = self.signatures[others][replaced]
        return found


def _sources(index: MapIndex, rasters: set[str], patch_m: float) -> list[Source]:
    """Those regions of a map that hold nothing but some rasters, and are wide enough."""
    features = index.open_features()
    assert features is not None
    everything = features.read()
    found = []
    for number, region in enumerate(features.regions):
        if not rasters.issuperset(region.rasters):
            continue
        rows = np.concatenate([index.tiles.rows_of(raster) for raster in region.rasters])
        xy_m = region.frame.from_lonlat(index.tiles.lon[rows], index.tiles.lat[rows])
        reach_m = patch_m / np.sqrt(2)  # of the corners of a patch
        step_m = float(np.median(cKDTree(xy_m).query(xy_m, k=2)[0][:, 1]))
        around = cKDTree(xy_m).query_ball_point(xy_m, reach_m, return_length=True)
        whole = np.flatnonzero(around >= 0.8 * np.pi * (reach_m / step_m) ** 2)
        if len(whole):
            mine = np.flatnonzero(everything.region == number)
            mine = mine[np.argsort(everything.xy_m[mine, 0], kind="stable")]
            found.append(Source(everything.select(mine), rows, xy_m, whole))
    return found


def _overlapping(source: Source) -> Int64Array:
    """Rows (N, 2) of pairs of tiles next to each other, both ways."""
    near = source.tree.query(source.xy_m, k=2)[1]
    pairs = source.rows[near]
    return np.concatenate([pairs, pairs[:, ::-1]])


def foreign_rasters(index: MapIndex) -> set[str]:
    """Locations of the rasters that no real photos were taken over."""
    named = (entry.location for entry in index.manifest.rasters)
    return {name for name in named if Path(name).parent.name == "distractors"}
