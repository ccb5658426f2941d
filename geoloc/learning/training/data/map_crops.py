"""Crops of maps in memory: of several ground sizes around one place, at any bearing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from affine import Affine

from geoloc.arrays import Float64Array, RgbBatch, RgbImage
from geoloc.errors import InputError
from geoloc.geometry.crs import LocalFrame, LonLat, from_lonlat
from geoloc.models.card import TileCrops
from geoloc.tiles.raster import PixelWindow, open_raster

# Halved so often, a map has pixels of 2^k times its own.
_LEVELS = 5
# Metres over which the pixels of a map are laid on the ground.
_BASE_M = 50.0


@dataclass(frozen=True)
class LoadedMap:
    """A map in memory, at its own resolution and coarser ones.

    Attributes:
        levels: (H, W, 3) RGB bytes each; every one has half the pixels a side of the one before.
        transform: From pixel corners of the first level to the CRS.
        crs: CRS of the map.
    """

    levels: tuple[RgbImage, ...]
    transform: Affine
    crs: object

    def place(self, at: LonLat) -> Float64Array:
        """(2, 3) from metres east and north of a place, and 1, to pixel corners of the map."""
        ground_m = np.array([[0.0, 0.0], [_BASE_M, 0.0], [0.0, _BASE_M]])
        native = from_lonlat(self.crs, LocalFrame(at).to_lonlat(ground_m))
        to_px = np.array(~self.transform, np.float64).reshape(3, 3)[:2]
        origin, east, north = native @ to_px[:, :2].T + to_px[:, 2]
        return np.stack([(east - origin) / _BASE_M, (north - origin) / _BASE_M, origin], axis=1)

    def shows(self, at: LonLat) -> bool:
        """Whether a place lies on it."""
        height_px, width_px = self.levels[0].shape[:2]
        column, row = self.place(at)[:, 2]
        return bool(0 <= column < width_px and 0 <= row < height_px)


class MapCrops:
    """Cuts what a network sees of a tile, anywhere on maps that are held in memory."""

    def __init__(self, maps: Sequence[LoadedMap], crops: TileCrops) -> None:
        self.maps = tuple(maps)
        self.crops = crops

    def showing(self, at: LonLat) -> list[LoadedMap]:
        """The maps that show a place.

        Raises:
            InputError: None does.
        """
        found = [each for each in self.maps if each.shows(at)]
        if not found:
            raise InputError(
                f"no map shows {at.lat:.5f}, {at.lon:.5f}, where a photo was taken; expected one; "
                "check maps in [data] of the recipe"
            )
        return found

    def cut(
        self, on: LoadedMap, at: LonLat, *, bearing_deg: float, aside_m: tuple[float, float]
    ) -> RgbBatch:
        """All crops (L, S, S, 3) around one place, from the smallest to the largest.

        Args:
            on: Map that they are cut from.
            at: The place.
            bearing_deg: What is up in the crops, degrees clockwise from true north.
            aside_m: Metres east and north from the place to the middle of the crops.
        """
        to_px = on.place(at)
        middle_px = to_px @ np.array([*aside_m, 1.0])
        turn = math.radians(bearing_deg)
        # A step to the right and a step down in the crop, in metres east and north.
        steps = np.array([[math.cos(turn), -math.sin(turn)], [-math.sin(turn), -math.cos(turn)]])
        return np.stack(
            [self._crop(on, middle_px, to_px[:, :2] @ steps * gsd_m) for gsd_m in self.crops.gsds_m]
        )

    def _crop(self, on: LoadedMap, middle_px: Float64Array, steps_px: Float64Array) -> RgbImage:
        """One crop (S, S, 3) whose pixels are `steps_px` (2, 2) apart in pixels of the map.

        It is cut from the coarsest level that is no coarser than the crop.
        """
        ratio = math.sqrt(abs(float(np.linalg.det(steps_px))))
        level = min(max(0, math.floor(math.log2(ratio) + 1e-6)), len(on.levels) - 1)
        steps = steps_px / 2**level
        side_px = self.crops.size_px
        # Pixel centres are whole numbers in OpenCV, and the middle of a crop lies between two.
        first = middle_px / 2**level - 0.5 - steps @ np.full(2, side_px / 2 - 0.5)
        crop = cv2.warpAffine(
            on.levels[level],
            np.column_stack([steps, first]),
            (side_px, side_px),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(self.crops.fill,) * 3,
        )
        return np.asarray(crop, np.uint8)


def open_map_crops(folder: Path, patterns: Sequence[str], crops: TileCrops) -> MapCrops:
    """All maps of a folder whose names fit one of the patterns, read into memory.

    Raises:
        InputError: There is none, or one cannot be read.
    """
    paths = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    if not paths:
        raise InputError(
            f"{folder} holds no map {' or '.join(patterns) or '(none is named)'}; expected the "
            "maps that the crops of this network are cut from; name them as maps in [data] of the "
            "recipe",
            path=folder,
        )
    return MapCrops([_load(path, fill=crops.fill) for path in paths], crops)


def _load(path: Path, *, fill: int) -> LoadedMap:
    with open_raster(path) as raster:
        frame = raster.frame
        tile = raster.read_native(PixelWindow(0, 0, frame.width_px, frame.height_px))
        crs, transform = raster.crs, raster.transform
    levels = [np.where(tile.valid[..., None], tile.pixels, np.uint8(fill))]
    for _ in range(_LEVELS):
        height_px, width_px = (side // 2 for side in levels[-1].shape[:2])
        if min(height_px, width_px) < 1:
            break
        even = np.ascontiguousarray(levels[-1][: 2 * height_px, : 2 * width_px])
        halved = cv2.resize(even, (width_px, height_px), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(halved, np.uint8))
    return LoadedMap(tuple(levels), transform, crs)
