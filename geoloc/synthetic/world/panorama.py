"""Photos from the ground: all the horizon around a camera, every column one direction.

A ray for every pixel would be followed past hundreds of heights. Instead each column takes one
profile of the heights along its direction; where the highest elevation angle so far passes that of
a row, the row's ray meets what stands there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import ByteArray, Float32Array, Float64Array, Int64Array, Mask
from geoloc.synthetic.world.shade import wall_colours
from geoloc.synthetic.world.survey import COARSE, Survey
from geoloc.synthetic.world.tree import TreeCanvas, paint_trees

MAX_DISTANCE_M = 160.0
_MIN_DISTANCE_M = 0.4
_STEPS = 320
_COARSE_FROM_M = 32.0
_WALL_M = 0.7  # a rise within one step that is a wall rather than a slope
_BUILDING_M = 2.0
_AIR_RGB = np.array([196.0, 208.0, 224.0], np.float32)
_BLUE_RGB = np.array([96.0, 140.0, 200.0], np.float32)
_CLOUD_RGB = np.array([196.0, 200.0, 206.0], np.float32)


@dataclass(frozen=True)
class RingFrame:
    """The grid of a panorama: columns linear in azimuth, rows linear in elevation.

    Attributes:
        height_px: Rows.
        width_px: Columns; they span 360 degrees.
        bottom_deg: Elevation of the lower edge; -90 is straight down.
        top_deg: Elevation of the upper edge.
        heading_deg: Azimuth of the middle, clockwise from true north.
    """

    height_px: int = 512
    width_px: int = 1024
    bottom_deg: float = -90.0
    top_deg: float = 90.0
    heading_deg: float = 0.0

    def elevations_rad(self) -> Float64Array:
        """Elevation (height,) of the middles of the rows, from the top."""
        step_deg = (self.top_deg - self.bottom_deg) / self.height_px
        elevations_deg = self.top_deg - (np.arange(self.height_px) + 0.5) * step_deg
        return np.asarray(np.radians(elevations_deg), np.float64)

    def azimuths_rad(self) -> Float64Array:
        """Azimuth (width,) of the middles of the columns, clockwise from true north."""
        share = (np.arange(self.width_px) + 0.5) / self.width_px - 0.5
        return np.asarray(math.radians(self.heading_deg) + 2 * math.pi * share, np.float64)


@dataclass(frozen=True)
class Eye:
    """Where a camera stands.

    Attributes:
        at: World x, y (2,) of its feet, in metres.
        height_m: Above the ground.
        to_world: Turns true metres east and north into world metres (2, 2).
    """

    at: Float64Array
    height_m: float
    to_world: Float64Array

    def ways(self, azimuths_rad: Float64Array) -> Float32Array:
        """World metres (N, 2) for one true metre in each direction."""
        east_north = np.stack([np.sin(azimuths_rad), np.cos(azimuths_rad)], -1)
        return np.asarray(east_north @ self.to_world.T, np.float32)


@dataclass(frozen=True)
class _Hits:
    """What the pixels' rays meet, (height, width) each.

    Attributes:
        distance_m: Along the ground; of the sky more than the farthest.
        height_m: Above the ground.
        is_wall: Whether it is upright.
    """

    distance_m: Float32Array
    height_m: Float32Array
    is_wall: Mask


def look_around(survey: Survey, eye: Eye, ring: RingFrame) -> ByteArray:
    """The panorama (height, width, 3) that a perfect sensor would take."""
    ways = eye.ways(ring.azimuths_rad())
    hits = _follow(survey, eye, ring, ways)
    x_m = np.float32(eye.at[0]) + hits.distance_m * ways[:, 0]
    y_m = np.float32(eye.at[1]) + hits.distance_m * ways[:, 1]
    photo = _ground(survey, hits, x_m, y_m)
    _paint_walls(photo, survey, hits, x_m, y_m)
    tangents = np.tan(ring.elevations_rad())
    canvas = TreeCanvas(photo, hits.distance_m, ring.azimuths_rad(), tangents, eye.height_m)
    paint_trees(canvas, survey, eye.at, np.asarray(np.linalg.inv(eye.to_world), np.float64))
    _add_air(photo, hits)
    _paint_sky(photo, survey, ring, hits.distance_m > MAX_DISTANCE_M)
    return np.asarray(np.clip(photo, 0, 255), np.uint8)


def _follow(survey: Survey, eye: Eye, ring: RingFrame, ways: Float32Array) -> _Hits:
    """Where the ray of each pixel ends."""
    distance_m = np.geomspace(_MIN_DISTANCE_M, MAX_DISTANCE_M, _STEPS).astype(np.float32)
    heights_m = _profiles(survey, eye, ways, distance_m)
    rise = np.maximum.accumulate((heights_m - np.float32(eye.height_m)) / distance_m, axis=1)
    tangents = np.tan(ring.elevations_rad())
    step = _first_at_least(rise, tangents)
    is_sky = step == _STEPS
    step = np.minimum(step, _STEPS - 1)
    col = np.arange(ring.width_px)
    before = np.maximum(step - 1, 0)
    met_m, left_m = heights_m[col, step], heights_m[col, before]
    near_m, far_m = distance_m[before], distance_m[step]
    slope = tangents.astype(np.float32)[:, None]
    is_wall = met_m - left_m > _WALL_M + (far_m - near_m)
    is_wall &= eye.height_m + far_m * slope < met_m - 0.3
    is_wall &= ~is_sky
    with np.errstate(divide="ignore", invalid="ignore"):
        exact_m = (met_m - np.float32(eye.height_m)) / slope
    exact_m = np.where(np.isfinite(exact_m), exact_m, far_m)
    # Right below the camera the ground is nearer than the first step.
    low_m = np.where(step == 0, np.float32(0), near_m)
    reach_m = np.where(is_wall, far_m, np.clip(exact_m, low_m, far_m))
    reach_m[is_sky] = 2 * MAX_DISTANCE_M
    height_m = np.where(is_wall, eye.height_m + reach_m * slope, met_m)
    return _Hits(reach_m, np.asarray(height_m, np.float32), is_wall)


def _profiles(
    survey: Survey, eye: Eye, ways: Float32Array, distance_m: Float32Array
) -> Float32Array:
    """Heights (width, steps) along the direction of each column; 0 beyond the window."""
    x_m = np.float32(eye.at[0]) + ways[:, :1] * distance_m
    y_m = np.float32(eye.at[1]) + ways[:, 1:] * distance_m
    heights_m = cv2.remap(survey.heights_m, *survey.column_row(x_m, y_m), cv2.INTER_NEAREST)
    return np.asarray(heights_m, np.float32)


def _first_at_least(rise: Float32Array, tangents: Float64Array) -> Int64Array:
    """For rows and columns (height, width) the first step that is as high; their number if none.

    All columns are searched at once, as one ascending list with a gap between columns.
    """
    width_px, steps = rise.shape
    gap, limit = 4000.0, 1000.0
    shift = gap * np.arange(width_px)
    ascending = np.clip(rise.astype(np.float64), -limit, limit) + shift[:, None]
    # From the lowest row up, so that neighbours in the search are neighbours in the list.
    wanted = np.clip(tangents[::-1], -limit, limit)[None] + shift[:, None]
    found = np.searchsorted(ascending.ravel(), wanted.ravel()).reshape(width_px, -1)
    found -= steps * np.arange(width_px)[:, None]
    return found.T[::-1]


def _ground(survey: Survey, hits: _Hits, x_m: Float32Array, y_m: Float32Array) -> Float32Array:
    """Colours (height, width, 3) of ground and roofs; coarser ones far away, where they shrink."""
    col, row = survey.column_row(x_m, y_m)
    edge = cv2.BORDER_REPLICATE
    near = cv2.remap(survey.picture, col, row, cv2.INTER_LINEAR, borderMode=edge)
    small = ((col + 0.5) / COARSE - 0.5, (row + 0.5) / COARSE - 0.5)
    far = cv2.remap(survey.coarse, *small, cv2.INTER_LINEAR, borderMode=edge)
    is_far = (hits.distance_m > _COARSE_FROM_M)[..., None]
    return np.where(is_far, far, near).astype(np.float32)


def _paint_walls(
    photo: Float32Array, survey: Survey, hits: _Hits, x_m: Float32Array, y_m: Float32Array
) -> None:
    """Give buildings their walls; what is low (cars, hedges, walls) is as its top, darker."""
    at = np.nonzero(hits.is_wall)
    if not len(at[0]):
        return
    col, row = survey.column_row(x_m[at], y_m[at])
    shapes = survey.shapes[_pixels(survey, col, row)]
    top_m = survey.heights_m[_pixels(survey, col, row)]
    is_building = (top_m > _BUILDING_M) & ~survey.table.is_crown[shapes]
    photo[at] *= np.float32(0.75)
    plaster = wall_colours(shapes, hits.height_m[at], x_m[at] + y_m[at])
    walls = tuple(each[is_building] for each in at)
    photo[walls] = plaster[is_building]


def _pixels(survey: Survey, col: Float32Array, row: Float32Array) -> tuple[Int64Array, Int64Array]:
    """The nearest rows and columns (N,) inside the window."""
    height_px, width_px = survey.shapes.shape
    rows = np.clip(np.rint(row), 0, height_px - 1).astype(np.int64)
    cols = np.clip(np.rint(col), 0, width_px - 1).astype(np.int64)
    return rows, cols


def _add_air(photo: Float32Array, hits: _Hits) -> None:
    """Haze that grows with distance."""
    share = np.clip(hits.distance_m / MAX_DISTANCE_M - 0.2, 0, 1)[..., None] * np.float32(0.5)
    photo *= 1 - share
    photo += share * _AIR_RGB


def _paint_sky(photo: Float32Array, survey: Survey, ring: RingFrame, is_sky: Mask) -> None:
    """Pale at the horizon, blue or grey above, brighter towards the sun."""
    moment = survey.moment
    up = np.clip(np.sin(ring.elevations_rad()), 0, 1)[:, None, None].astype(np.float32)
    zenith = _BLUE_RGB * (1 - moment.overcast) + _CLOUD_RGB * moment.overcast
    colour = _AIR_RGB + (zenith - _AIR_RGB) * np.sqrt(up)
    turn = np.cos(ring.azimuths_rad() - math.radians(moment.sun_azimuth_deg))
    glare = 1 + 0.12 * (1 - moment.overcast) * np.clip(turn, 0, 1) ** 4
    sky = colour * glare.astype(np.float32)[None, :, None]
    photo[is_sky] = sky[is_sky]
