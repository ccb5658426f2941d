"""Rendering of photos by a pinhole camera: a ray for every pixel, down to the first thing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import ByteArray, Float32Array, Float64Array, Mask
from geoloc.geometry.camera import Camera, Pose, ground_homography
from geoloc.synthetic.world.moment import Moment
from geoloc.synthetic.world.noise import Window
from geoloc.synthetic.world.relief import Relief
from geoloc.synthetic.world.render import render_window
from geoloc.synthetic.world.shade import wall_colours
from geoloc.synthetic.world.shape import ShapeTable

_MAX_DISTANCE_M = 400.0  # ground further away drowns in haze
_MIN_GSD_M = 0.14
_MAX_HEIGHT_M = 32.0
_STEP_M = 0.6
_FRAME_STEP_PX = 8
_SPAN_STEPS = 60
_LAND_GSD_M = 0.6  # finer than the steps of terraces
_HALVINGS = 12  # of a step: to a tenth of a millimetre
_LOWEST_THING_M = 0.05
_MAX_WINDOW_PX = 12_000_000
_AIR_RGB = np.array([190.0, 204.0, 222.0], np.float32)


@dataclass(frozen=True)
class Station:
    """A camera in the world.

    Attributes:
        camera: Its pinhole.
        pose: Angles and height; the height is above the ground below it.
        at: World x, y (2,) of the ground below it, in metres.
        to_world: Turns true metres east and north into world metres (2, 2).
    """

    camera: Camera
    pose: Pose
    at: Float64Array
    to_world: Float64Array


@dataclass(frozen=True)
class _Rays:
    """Where the pixels' rays meet the ground.

    Attributes:
        offset: World metres from below the camera (height, width, 2); 0 where there is none.
        is_ground: Which pixels (height, width) see ground that is not too far.
        distance_m: Distance on the ground (height, width).
    """

    offset: Float32Array
    is_ground: Mask
    distance_m: Float32Array


@dataclass(frozen=True)
class _View:
    """A window around what a photo sees, and its pixels for rays that end at the ground."""

    window: Window
    below: tuple[float, float]  # column and row of the ground below the camera
    cols: Float32Array  # columns from there to the ray's foot (height, width)
    rows: Float32Array


def render_photo(
    table: ShapeTable,
    station: Station,
    moment: Moment,
    *,
    seed: int,
    relief: Relief | None = None,
) -> ByteArray:
    """Render the photo (height, width, 3) that a perfect sensor would take; None is flat ground."""
    rays, camera_m = _cast_to_ground(station), station.pose.height_m
    view = _frame(station, rays, _span(station, rays, relief))
    picture, heights_m, shapes = render_window(table, view.window, moment, seed=seed)
    if relief is None:
        hit_m, is_wall = _descend(view, heights_m, camera_m)
        wall_m = hit_m
    else:
        ground_m = _land(relief, view.window) - np.float32(relief.height_m(*station.at))
        hit_m, is_wall = _descend_to_land(view, heights_m, ground_m, camera_m)
        wall_m = hit_m - _seen(ground_m, view, hit_m / camera_m)
    cols, rows = _columns_and_rows(view, hit_m / camera_m)
    edge = cv2.BORDER_REPLICATE
    photo = np.asarray(cv2.remap(picture, cols, rows, cv2.INTER_LINEAR, borderMode=edge), np.uint8)
    met = np.asarray(cv2.remap(shapes, cols, rows, cv2.INTER_NEAREST, borderMode=edge), np.int32)
    is_wall &= ~table.is_crown[met]
    photo[is_wall] = wall_colours(met[is_wall], wall_m[is_wall])
    return _add_air(photo, rays)


def _cast_to_ground(station: Station) -> _Rays:
    """The feet of all rays on flat ground, by the homography of camera and pose."""
    camera = station.camera
    homography = ground_homography(camera, station.pose)
    u = np.arange(camera.width_px) + 0.5
    v = np.arange(camera.height_px)[:, None] + 0.5
    east, north, w = (row[0] * u + row[1] * v + row[2] for row in homography)
    w = np.maximum(w, 1e-6)
    offset = np.stack([east / w, north / w], -1) @ station.to_world.T
    distance_m = np.hypot(offset[..., 0], offset[..., 1])
    farthest_m = max(_MAX_DISTANCE_M, 2.5 * station.pose.height_m)
    is_ground = (w > 1e-5) & (distance_m < farthest_m)
    offset[~is_ground] = 0
    return _Rays(offset.astype(np.float32), is_ground, distance_m.astype(np.float32))


def _span(station: Station, rays: _Rays, relief: Relief | None) -> tuple[float, float]:
    """The lowest and highest ground that the rays can meet, over that below the camera."""
    if relief is None:
        return 0.0, 0.0
    # Ground below that under the camera is seen farther off than level ground would be.
    reach_m = 2 * float(rays.distance_m[rays.is_ground].max(initial=_STEP_M))
    near = np.linspace(-reach_m, reach_m, _SPAN_STEPS)
    x, y = station.at[0] + near[None], station.at[1] + near[:, None]
    heights = relief.heights_m(x, y) - relief.height_m(*station.at)
    return float(heights.min()) - _STEP_M, float(heights.max()) + _STEP_M


def _land(relief: Relief, window: Window) -> Float32Array:
    """Heights (height, width) of the ground in a window, over the world's mean."""
    times = max(1, int(_LAND_GSD_M / window.gsd_m))
    size = (-(-window.width_px // times), -(-window.height_px // times))
    wide = Window(window.left_m, window.top_m, times * window.gsd_m, *size)
    x, y = wide.xs_m().astype(np.float64), wide.ys_m().astype(np.float64)
    heights = relief.heights_m(x[None], y[:, None]).astype(np.float32)
    finer = cv2.resize(heights, (size[0] * times, size[1] * times))
    return np.asarray(finer[: window.height_px, : window.width_px], np.float32)


def _frame(station: Station, rays: _Rays, span_m: tuple[float, float]) -> _View:
    """The window that holds all the ground and all the roofs that the rays can meet."""
    sample = np.s_[::_FRAME_STEP_PX, ::_FRAME_STEP_PX]
    seen = rays.offset[sample][rays.is_ground[sample]]
    seen = np.vstack([seen, np.zeros((1, 2), np.float32)]) if not len(seen) else seen
    lifted = seen * max(0.0, 1 - (span_m[1] + _MAX_HEIGHT_M) / station.pose.height_m)
    seen = seen * (1 - span_m[0] / station.pose.height_m)
    both = np.vstack([seen.min(0), seen.max(0), lifted.min(0), lifted.max(0)])
    margin_m = 2 + 0.02 * float(np.ptp(both, axis=0).max())  # for the pixels between
    low, high = both.min(0) - margin_m, both.max(0) + margin_m
    gsd_m = _gsd_m(station, high - low)
    left_m, top_m = float(station.at[0] + low[0]), float(station.at[1] + high[1])
    width_px, height_px = (int(np.ceil(side / gsd_m)) for side in high - low)
    below = ((station.at[0] - left_m) / gsd_m - 0.5, (top_m - station.at[1]) / gsd_m - 0.5)
    cols = rays.offset[..., 0] / np.float32(gsd_m)
    rows = -rays.offset[..., 1] / np.float32(gsd_m)
    window = Window(left_m, top_m, gsd_m, width_px, height_px)
    return _View(window, (float(below[0]), float(below[1])), cols, rows)


def _gsd_m(station: Station, sides_m: Float32Array) -> float:
    """As fine as the photo's middle, within what a window may hold."""
    pitch = np.radians(min(abs(station.pose.pitch_deg), 90.0))
    slant_m = station.pose.height_m / max(float(np.sin(pitch)), 0.25)
    finest_m = float(np.sqrt(float(sides_m[0]) * float(sides_m[1]) / _MAX_WINDOW_PX))
    return max(slant_m / station.camera.focal_px, _MIN_GSD_M, finest_m)


def _columns_and_rows(
    view: _View, share: Float32Array | float
) -> tuple[Float32Array, Float32Array]:
    """Window pixels of points a share of the way up the rays, from the ground to the camera."""
    left = np.float32(1) - np.asarray(share, np.float32)
    cols = view.cols * left
    cols += np.float32(view.below[0])
    rows = view.rows * left
    rows += np.float32(view.below[1])
    return cols, rows


def _descend(view: _View, heights_m: Float32Array, camera_m: float) -> tuple[Float32Array, Mask]:
    """Height (height, width) at which each ray first meets something, and whether it is a wall.

    Rays are followed down in steps; one that is suddenly far below the surface met a wall.
    """
    hit_m = np.zeros(view.cols.shape, np.float32)
    is_wall = np.zeros(view.cols.shape, bool)
    is_open = np.ones(view.cols.shape, bool)
    top_m = min(float(heights_m.max()), 0.9 * camera_m)
    for z_m in np.arange(np.floor(top_m / _STEP_M) * _STEP_M, 0.01, -_STEP_M):
        cols, rows = _columns_and_rows(view, z_m / camera_m)
        met_m = cv2.remap(heights_m, cols, rows, cv2.INTER_NEAREST)
        is_hit = is_open & (met_m >= z_m)
        is_open &= ~is_hit
        deep = is_hit & (met_m > z_m + 1.5 * _STEP_M)
        is_wall |= deep
        np.copyto(hit_m, np.where(deep, np.float32(z_m), met_m), where=is_hit)
    return hit_m, is_wall


def _descend_to_land(
    view: _View, heights_m: Float32Array, ground_m: Float32Array, camera_m: float
) -> tuple[Float32Array, Mask]:
    """As `_descend`, over ground that is not level: heights over that below the camera."""
    hit_m = np.full(view.cols.shape, np.float32(ground_m.min()))
    is_wall = np.zeros(view.cols.shape, bool)
    is_open, is_land = np.ones((2, *view.cols.shape), bool)
    surface_m = heights_m + ground_m
    top_m = min(float(surface_m.max()), 0.97 * camera_m)
    for z_m in np.arange(top_m, float(hit_m[0, 0]) - _STEP_M, -_STEP_M):
        met_m = _seen(surface_m, view, z_m / camera_m, cv2.INTER_NEAREST)
        is_hit = is_open & (met_m >= z_m)
        if not is_hit.any():
            continue
        is_open &= ~is_hit
        is_thing = is_hit & (
            _seen(heights_m, view, z_m / camera_m, cv2.INTER_NEAREST) > _LOWEST_THING_M
        )
        is_land &= ~is_thing
        deep = is_thing & (met_m > z_m + 1.5 * _STEP_M)
        is_wall |= deep
        np.copyto(hit_m, np.float32(z_m), where=is_hit & (deep | ~is_thing))
        np.copyto(hit_m, met_m, where=is_thing & ~deep)
    return np.where(is_land, _settle(view, ground_m, hit_m, camera_m), hit_m), is_wall


def _settle(
    view: _View, ground_m: Float32Array, under_m: Float32Array, camera_m: float
) -> Float32Array:
    """Height at which each ray meets the ground, given one within a step below it."""
    low, high = under_m, under_m + np.float32(_STEP_M)
    for _ in range(_HALVINGS):
        middle = np.asarray((low + high) / 2, np.float32)
        is_under = _seen(ground_m, view, middle / camera_m) >= middle
        low, high = np.where(is_under, middle, low), np.where(is_under, high, middle)
    return low


def _seen(
    raster: Float32Array, view: _View, share: Float32Array | float, how: int = cv2.INTER_LINEAR
) -> Float32Array:
    """Values (height, width) of a raster of the window, a share of the way up the rays."""
    cols, rows = _columns_and_rows(view, share)
    return np.asarray(
        cv2.remap(raster, cols, rows, how, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _add_air(photo: ByteArray, rays: _Rays) -> ByteArray:
    """Haze that grows with distance, and the sky."""
    share = np.clip(rays.distance_m / _MAX_DISTANCE_M - 0.25, 0, 1) * 0.5
    share[~rays.is_ground] = 1
    if not share.any():
        return photo
    mixed = photo * (1 - share[..., None]) + _AIR_RGB * share[..., None]
    return np.asarray(mixed, np.uint8)
