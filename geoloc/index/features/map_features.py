"""Features of a map as they are compared: in the frame of their region, wherever they are kept."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from geoloc.arrays import AnyArray, ByteArray, Float32Array, Float64Array, Int64Array
from geoloc.index.features.block_file import angles_deg, places_m
from geoloc.index.features.block_grid import BlockId
from geoloc.index.features.features_manifest import Region

# Side of the squares that vote each as if it were the map. Blocks at rest have nothing to do with
# it: a square is centred on its region.
_SQUARE_M = 1000.0
_KEY_BITS = 21
_KEY_BIAS = 1 << (_KEY_BITS - 1)
# Half of the base line over which a block is laid into its region.
_STEP_M = 400.0


@dataclass(frozen=True)
class MapFeatures:
    """Some features of a map.

    Attributes:
        region: (N,) number of the region.
        xy_m: (N, 2) float32, metres east and north of the region's origin.
        size_m: (N,) float32, diameters on the ground.
        angle_deg: (N,) float32, clockwise from the region's east.
        descriptors: (N, size) uint8.
        lists: (N,) uint16, number of the vocabulary's list.
    """

    region: NDArray[np.int16]
    xy_m: Float32Array
    size_m: Float32Array
    angle_deg: Float32Array
    descriptors: ByteArray
    lists: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.region)

    @classmethod
    def empty(cls, count: int, descriptor_bytes: int) -> MapFeatures:
        """Room for so many."""
        return cls(
            np.zeros(count, np.int16),
            np.zeros((count, 2), np.float32),
            np.zeros(count, np.float32),
            np.zeros(count, np.float32),
            np.zeros((count, descriptor_bytes), np.uint8),
            np.zeros(count, np.uint16),
        )

    def select(self, which: NDArray[np.bool_] | Int64Array) -> MapFeatures:
        """Those at some positions, or where a mask (N,) says so."""
        return MapFeatures(
            self.region[which],
            self.xy_m[which],
            self.size_m[which],
            self.angle_deg[which],
            self.descriptors[which],
            self.lists[which],
        )

    def put(self, where: Int64Array | slice, features: MapFeatures) -> None:
        """Write some features to some positions."""
        for column in fields(self):
            getattr(self, column.name)[where] = getattr(features, column.name)

    @property
    def square(self) -> Int64Array:
        """A number (N,) for the square kilometre (and region) that each lies in."""
        # A square is centred on the origin: a small region is one of them, not corners of four.
        where = np.floor(self.xy_m / _SQUARE_M + 0.5).astype(np.int64) + _KEY_BIAS
        region = self.region.astype(np.int64)
        return np.asarray((((region << _KEY_BITS) + where[:, 0]) << _KEY_BITS) + where[:, 1])


@dataclass(frozen=True)
class Placement:
    """How a block lies in a region: ``region = origin + matrix @ block``."""

    origin_m: Float64Array
    matrix: Float64Array

    @classmethod
    def of(cls, block: BlockId, region: Region) -> Placement:
        """How a block lies in a region, exact to a millimetre within the block."""
        ends = np.array([[_STEP_M, 0], [-_STEP_M, 0], [0, _STEP_M], [0, -_STEP_M]])
        east, west, north, south = region.frame.from_lonlat(*block.frame.to_lonlat(ends).T)
        matrix = np.stack([east - west, north - south], axis=1) / (2 * _STEP_M)
        return cls((east + west + north + south) / 4, matrix)

    @property
    def scale(self) -> float:
        """Metres of the region a metre of the block."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    @property
    def turn_deg(self) -> float:
        """How far the block's east is turned clockwise from the region's."""
        return float(np.degrees(np.arctan2(-self.matrix[1, 0], self.matrix[0, 0])))

    def placed(self, records: AnyArray, region: int) -> MapFeatures:
        """Records (N,) of the block as features of the region of that number."""
        return MapFeatures(
            np.full(len(records), region, np.int16),
            (self.origin_m + places_m(records) @ self.matrix.T).astype(np.float32),
            (records["size"].astype(np.float32) * self.scale).astype(np.float32),
            ((angles_deg(records) + self.turn_deg) % 360).astype(np.float32),
            records["descriptor"],
            records["list"],
        )

    def in_block(self, low: Float64Array, high: Float64Array) -> Float64Array:
        """Lower and upper corner (2, 2) in the block of a box of the region."""
        corners = np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])])
        inside = np.linalg.solve(self.matrix, (corners - self.origin_m).T).T
        return np.stack([inside.min(axis=0), inside.max(axis=0)])
