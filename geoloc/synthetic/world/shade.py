"""Colours of a scanned window at a moment: materials, texture, sun, shadows, snow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from geoloc.arrays import ByteArray, Float32Array, Int32Array, Mask
from geoloc.synthetic.world.moment import Moment
from geoloc.synthetic.world.noise import Window, smooth_noise
from geoloc.synthetic.world.palette import MATERIALS
from geoloc.synthetic.world.scan import Scan
from geoloc.synthetic.world.shape import ShapeTable

_SKY_RGB = np.array([0.92, 0.98, 1.10], np.float32)  # colour of shade
_SUN_RGB = np.array([1.03, 1.0, 0.95], np.float32)
_SNOW_RGB = np.array([226.0, 230.0, 236.0], np.float32)
_MAX_HEIGHT_M = 32.0


@dataclass(frozen=True)
class Appearance:
    """Appearance of every shape of a table at a moment: colours, texture, light, opacity.

    Attributes:
        first: Colour (N, 3) at one end of the material.
        step: Colour (N, 3) from there to the other end.
        blend: Share (N,) of the way between them.
        texture: Strength (N, 3) of fine, mid and broad texture.
        patchy: Amount (N,) by which texture moves the blend.
        light: Sunlight (N,) on the surface against level ground, by its slope.
        opacity: Share of the ground that a crown hides (N,).
        is_alive: Whether the fine texture is that of the date (N,).
    """

    first: Float32Array
    step: Float32Array
    blend: Float32Array
    texture: Float32Array
    patchy: Float32Array
    light: Float32Array
    opacity: Float32Array
    is_alive: Mask


def appearance_at(table: ShapeTable, moment: Moment) -> Appearance:
    """Appearance of every shape at a moment."""
    materials = list(MATERIALS.values())
    ends = np.array([m.colours[moment.season] for m in materials], np.float32)
    texture = np.array([(m.fine, m.mid, m.broad) for m in materials], np.float32)
    patchy = np.array([m.patchy for m in materials], np.float32)
    alive = np.array([m.is_alive for m in materials])
    opacity = np.array([m.opacity_in(moment.season) for m in materials], np.float32)
    kind, tone = table.material, table.looks[:, 1].astype(np.float32)[:, None]
    return Appearance(
        first=ends[kind, 0] * tone,
        step=(ends[kind, 1] - ends[kind, 0]) * tone,
        blend=table.looks[:, 0].astype(np.float32),
        texture=texture[kind],
        patchy=patchy[kind],
        light=_slope_light(table.relief[:, 3], table.relief[:, 4], moment),
        opacity=opacity[kind],
        is_alive=alive[kind],
    )


@dataclass(frozen=True)
class Sunlight:
    """The share of sunlight that reaches a window, against level ground without shadows.

    Attributes:
        solid: On ground and roofs (height, width).
        crown: On trees and hedges (height, width).
    """

    solid: Float32Array
    crown: Float32Array

    def part(self, pixels: tuple[slice, slice]) -> Sunlight:
        """The sunlight of some of the pixels."""
        return Sunlight(self.solid[pixels], self.crown[pixels])


def sunlight(scan: Scan, appearance: Appearance, moment: Moment) -> Sunlight:
    """Where the sun reaches; right up to a shadow's length from the window's edge."""
    solid = 1 - _shadow(scan.solid_m, 0.0, scan.window.gsd_m, moment)
    if scan.crown.any():
        thickness = 0.4 if moment.season == "winter" else 0.75
        solid *= 1 - thickness * _shadow(scan.crown_m, 0.3, scan.window.gsd_m, moment)
    solid *= appearance.light[scan.solid]
    return Sunlight(np.asarray(solid, np.float32), _crown_light(scan, moment))


def shade_scan(
    scan: Scan,
    sun: Sunlight,
    *,
    table: ShapeTable,
    appearance: Appearance,
    moment: Moment,
    seed: int,
) -> ByteArray:
    """The picture (height, width, 3) of a scanned window, as a perfect sensor would see it."""
    noises = _noises(scan.window, moment, seed)
    picture = _surface(scan.solid, appearance, noises)
    _add_stripes(picture, scan, table)
    if moment.snow > 0:
        _add_snow(picture, noises, moment.snow)
    _light(picture, sun.solid, moment)
    _add_crowns(picture, scan, appearance=appearance, noises=noises, sun=sun.crown, moment=moment)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


@dataclass(frozen=True)
class _Noises:
    """Texture of a window: two fine ones (what stays, what lives), mid, broad, patches."""

    fine: Float32Array
    alive: Float32Array
    mid: Float32Array
    broad: Float32Array
    patches: Float32Array


def _noises(window: Window, moment: Moment, seed: int) -> _Noises:
    def make(spacing_m: float, number: int) -> Float32Array:
        return smooth_noise(window, spacing_m, seed * 1000 + number)

    fine, alive = make(0.5, 1), make(0.45, 100 + moment.date)
    if window.gsd_m < 0.2:
        fine = 0.75 * fine + 0.6 * make(0.17, 2)
        alive = 0.75 * alive + 0.6 * make(0.15, 300 + moment.date)
    patches = 0.6 * make(7.0, 5) + 0.35 * make(6.0, 500 + moment.date)
    return _Noises(fine, alive, make(2.6, 3), make(19.0, 4), patches)


def _surface(rows: Int32Array, appearance: Appearance, noises: _Noises) -> Float32Array:
    """Colours (height, width, 3) of shapes with their texture, in even light."""
    blend = appearance.blend[rows] + appearance.patchy[rows] * 0.5 * noises.patches
    np.clip(blend, -0.3, 1.3, out=blend)
    texture = appearance.texture[rows]
    fine = np.where(appearance.is_alive[rows], noises.alive, noises.fine)
    gain = 1 + texture[..., 0] * fine + texture[..., 1] * noises.mid
    gain += texture[..., 2] * noises.broad
    picture = appearance.step[rows]
    picture *= blend[..., None]
    picture += appearance.first[rows]
    picture *= gain[..., None]
    return picture


def _add_stripes(picture: Float32Array, scan: Scan, table: ShapeTable) -> None:
    """Darken and lighten what is striped; stripes too fine for the pixels fade away."""
    looks = table.looks.astype(np.float32)
    at = np.flatnonzero((looks[:, 3] > 0)[scan.solid])
    if not len(at):
        return
    _, _, angle, period, depth = looks[scan.solid.ravel()[at]].T
    x = scan.window.xs_m()[at % scan.window.width_px]
    y = scan.window.ys_m()[at // scan.window.width_px]
    phase = (y * np.cos(angle) - x * np.sin(angle)) / period
    fade = np.clip(period / scan.window.gsd_m / 2 - 1, 0, 1)
    gain = 1 + depth * fade * np.sin(2 * np.pi * phase)
    picture.reshape(-1, 3)[at] *= gain[:, None]


def _add_snow(picture: Float32Array, noises: _Noises, snow: float) -> None:
    """Lay patches of snow, thin at their edges."""
    cover = 0.5 * noises.broad + 0.5 * noises.patches + 0.25 * noises.mid
    limit = 1.6 - 3.2 * snow
    share = np.clip((cover - limit) / 0.5, 0, 1)[..., None] * 0.9
    picture *= 1 - share
    picture += share * _SNOW_RGB


def _sun_direction(moment: Moment) -> tuple[float, float, float]:
    """Unit vector to the sun: east, north, up."""
    azimuth, elevation = (
        math.radians(a) for a in (moment.sun_azimuth_deg, moment.sun_elevation_deg)
    )
    flat = math.cos(elevation)
    return flat * math.sin(azimuth), flat * math.cos(azimuth), math.sin(elevation)


def _slope_light(slope_x: Float32Array, slope_y: Float32Array, moment: Moment) -> Float32Array:
    """Sunlight on slopes against that on level ground, at most 1.7."""
    east, north, up = _sun_direction(moment)
    facing = (up - slope_x * east - slope_y * north) / np.sqrt(1 + slope_x**2 + slope_y**2)
    return np.asarray(np.clip(facing / up, 0, 1.7), np.float32)


def _shadow(heights_m: Float32Array, spare_m: float, gsd_m: float, moment: Moment) -> Float32Array:
    """How far each pixel is in shadow, in [0, 1], by the highest thing between it and the sun.

    The running maximum towards the sun is found in steps that double (Hillis and Steele's scan).
    """
    east, north, up = _sun_direction(moment)
    flat = math.hypot(east, north)
    rise = up / flat
    reach_px = min(_MAX_HEIGHT_M, float(heights_m.max(initial=0))) / rise / gsd_m
    step_x, step_y = east / flat, -north / flat
    block = _towards(heights_m, step_x, step_y, rise * gsd_m, 1.0)
    length = 1.0
    while length < reach_px:
        further = _towards(block, step_x, step_y, rise * gsd_m, length)
        np.maximum(block, further, out=block)
        length *= 2
    block -= heights_m
    block -= spare_m
    return np.asarray(np.clip(block / (1.5 * rise * gsd_m + 0.1), 0, 1), np.float32)


def _towards(
    heights_m: Float32Array, step_x: float, step_y: float, drop_m: float, length_px: float
) -> Float32Array:
    """The heights `length_px` towards the sun, less what its rays rise till there."""
    matrix = np.array([[1, 0, step_x * length_px], [0, 1, step_y * length_px]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (heights_m.shape[1], heights_m.shape[0])
    moved = cv2.warpAffine(heights_m, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved - drop_m * length_px, np.float32)


def _light(picture: Float32Array, sun: Float32Array, moment: Moment) -> None:
    """Multiply by the light of the sky and of the sun, so that level ground in the sun is at 1."""
    ambient = _ambient(moment)
    picture *= ambient * _SKY_RGB + (1 - ambient) * sun[..., None] * _SUN_RGB


def _ambient(moment: Moment) -> float:
    """The sky's share of the light on level ground."""
    return 0.34 + 0.5 * moment.overcast


def _add_crowns(
    picture: Float32Array,
    scan: Scan,
    *,
    appearance: Appearance,
    noises: _Noises,
    sun: Float32Array,
    moment: Moment,
) -> None:
    """Lay trees and hedges over what is below them, in their own sunlight."""
    at = np.flatnonzero(scan.crown)
    if not len(at):
        return
    rows = scan.crown.ravel()[at]
    blend = appearance.blend[rows] + appearance.patchy[rows] * noises.patches.ravel()[at]
    gain = 1 + appearance.texture[rows, 0] * noises.alive.ravel()[at]
    gain += appearance.texture[rows, 1] * noises.mid.ravel()[at]
    colour = (appearance.first[rows] + appearance.step[rows] * blend[:, None]) * gain[:, None]
    _light(colour, sun.ravel()[at], moment)
    opacity = appearance.opacity[rows]
    # Bare crowns are twigs with gaps between them rather than a veil.
    twigs = np.clip(0.5 + 0.9 * noises.alive.ravel()[at] + 2 * (opacity - 0.5), 0, 1)
    share = np.where(opacity > 0.95, 1, twigs)[:, None]
    flat = picture.reshape(-1, 3)
    flat[at] = flat[at] * (1 - share) + colour * share


def _crown_light(scan: Scan, moment: Moment) -> Float32Array:
    """Sunlight on crowns by the slope of their bumpy surface."""
    top_m = cv2.GaussianBlur(scan.crown_m, (0, 0), max(0.22 / scan.window.gsd_m, 0.5))
    step = 1 / (8 * scan.window.gsd_m)
    rise_east = np.asarray(cv2.Sobel(top_m, cv2.CV_32F, 1, 0, scale=step), np.float32)
    rise_south = np.asarray(cv2.Sobel(top_m, cv2.CV_32F, 0, 1, scale=step), np.float32)
    slope_x, slope_y = np.clip(rise_east, -1.6, 1.6), np.clip(-rise_south, -1.6, 1.6)
    return np.minimum(_slope_light(slope_x, slope_y, moment), np.float32(1.45))


_PLASTER_RGB = np.array([206.0, 194.0, 180.0])
_STOREY_M = 3.0
_GLASS = 0.72


def wall_colours(
    met: Int32Array, hit_m: Float32Array, along_m: Float32Array | None = None
) -> ByteArray:
    """Colours (N, 3) of points on walls.

    Args:
        met: Row of the shape table (N,) whose wall it is.
        hit_m: Height of the points (N,).
        along_m: Position of the points along the wall (N,); None for a band instead of single
            windows.
    """
    building = met.astype(np.int64)
    tone = 0.55 + 0.3 * ((building * 7919) % 97) / 97
    level_m = hit_m % _STOREY_M
    is_glass = (level_m > 1.0) & (level_m < 2.2)
    if along_m is not None:
        is_glass &= along_m % 2.8 < 1.3
    colour = _PLASTER_RGB * (tone * np.where(is_glass, _GLASS, 1.0))[:, None]
    return np.asarray(colour, np.uint8)
