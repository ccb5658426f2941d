"""One picture of all photos, each beside the piece of map where it was found, and one warped.

A white outline is the ground that the photo really shows, a coloured one what was answered; the
white ring is where the camera really was, the coloured dot where it was said to be.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from PIL import Image, ImageDraw, ImageFont

from geoloc.arrays import Float64Array
from geoloc.geometry.camera import footprint
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.photos.photo import read_photo
from geoloc.results.schema import PhotoResult
from geoloc.synthetic.demo.warped import draw_banner
from geoloc.synthetic.world.flight import Shot
from geoloc.synthetic.world.world import MapPicture, World

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_CARD_PX = (584, 292)
_PICTURE_PX = 240  # height of photo and map window on a card
_GAP_PX = 8
_HEAD_PX = 96
_COLUMNS = 4
_FINER = 2  # lines are drawn finer and reduced, which smooths them
_WINDOW_MARGIN = 1.25
_BACKGROUND, _CARD, _INK, _FAINT = "#14171c", "#20252d", "#f2f4f7", "#a9b2bf"
_COLOURS = {
    "located": "#3ddc84",
    "ambiguous": "#ffb020",
    "rejected": "#ff5a5f",
    "unreadable": "#ff5a5f",
}


def draw_sheet(
    world: World,
    chart: MapPicture,
    shots: Sequence[Shot],
    *,
    photos: Path,
    results: Sequence[PhotoResult],
    errors_m: Mapping[str, float | None],
) -> Image.Image:
    """The picture.

    Args:
        world: The world that was photographed.
        chart: Its map.
        shots: The photos as they were taken.
        photos: The folder where they lie.
        results: Results of the photos.
        errors_m: Errors of the positions, by file name; None where there is no answer.
    """
    answers = {Path(result.photo).name: result for result in results}
    columns = min(_COLUMNS, len(shots))
    rows = math.ceil(len(shots) / columns)
    width, height = _CARD_PX
    across_px = columns * (width + _GAP_PX) - _GAP_PX
    banner = draw_banner(chart, results, errors_m, photos=photos, width_px=across_px)
    top_px = _HEAD_PX + (0 if banner is None else banner.height + _GAP_PX)
    size = (across_px + 2 * _GAP_PX, rows * (height + _GAP_PX) + top_px)
    sheet = Image.new("RGB", size, _BACKGROUND)
    _write_head(sheet, errors_m)
    if banner is not None:
        sheet.paste(banner, (_GAP_PX, _HEAD_PX))
    for number, shot in enumerate(shots):
        card = Image.new("RGB", _CARD_PX, _CARD)
        answer = answers.get(shot.name)
        card.paste(_fit_photo(photos / shot.name), (_GAP_PX, _GAP_PX))
        window = _map_window(world, chart, shot, answer)
        card.paste(window, (width - _GAP_PX - _PICTURE_PX, _GAP_PX))
        _write_caption(card, shot, answer, errors_m.get(shot.name))
        row, column = divmod(number, columns)
        corner = (_GAP_PX + column * (width + _GAP_PX), top_px + row * (height + _GAP_PX))
        sheet.paste(card, corner)
    return sheet


def _font(size_px: int) -> _Font:
    return ImageFont.load_default(size_px)


def _write_head(sheet: Image.Image, errors_m: Mapping[str, float | None]) -> None:
    """What was reached, and what the lines mean."""
    draw = ImageDraw.Draw(sheet)
    known = [error for error in errors_m.values() if error is not None]
    near = sum(error <= 10 for error in known)
    title = f"geoloc demo: {near} of {len(errors_m)} photos within 10 m"
    if known:
        title += f", median error {statistics.median(known):.1f} m"
    draw.text((_GAP_PX + 4, 14), title, fill=_INK, font=_font(30))
    legend = "white: the truth   colour: the answer   ring and dot: camera   outline: what it saw"
    draw.text((_GAP_PX + 4, 58), legend, fill=_FAINT, font=_font(19))


def _fit_photo(path: Path) -> Image.Image:
    """The photo at the height of a card."""
    image = Image.fromarray(read_photo(path, max_side_px=1024).pixels)
    width = min(round(image.width * _PICTURE_PX / image.height), _CARD_PX[0] // 2 + 30)
    return image.resize((width, _PICTURE_PX), Image.Resampling.LANCZOS)


def _write_caption(
    card: Image.Image, shot: Shot, answer: PhotoResult | None, error_m: float | None
) -> None:
    """Name, season and tilt; error and status."""
    draw = ImageDraw.Draw(card)
    tilt_deg = abs(90 + shot.pose.pitch_deg)
    text = f"{Path(shot.name).stem}   {shot.moment.season}, tilt {tilt_deg:.0f}°"
    baseline = _PICTURE_PX + 2 * _GAP_PX + 2
    draw.text((_GAP_PX + 2, baseline), text, fill=_FAINT, font=_font(20))
    status = answer.status if answer else "no result"
    verdict = f"{status}   {'-' if error_m is None else f'{error_m:.1f} m'}"
    colour = _COLOURS.get(status, _COLOURS["rejected"])
    right = (_CARD_PX[0] - _GAP_PX - 2, baseline)
    draw.text(right, verdict, fill=colour, font=_font(22), anchor="ra")


def _map_window(
    world: World, chart: MapPicture, shot: Shot, answer: PhotoResult | None
) -> Image.Image:
    """The map round what the photo shows, with the truth and the answer drawn in."""
    outline = _true_outline(world, shot)
    low, high = outline.min(0), outline.max(0)
    side_m = float((high - low).max()) * _WINDOW_MARGIN
    side_px = _PICTURE_PX * _FINER
    left_m, top_m = (low[0] + high[0] - side_m) / 2, (low[1] + high[1] + side_m) / 2
    scale = side_px / side_m

    def pixels(points: Float64Array) -> list[tuple[float, float]]:
        return [((x - left_m) * scale, (top_m - y) * scale) for x, y in points.tolist()]

    window = _cut(world, chart, (left_m, top_m), side_m / side_px, side_px)
    draw = ImageDraw.Draw(window)
    _draw_polygon(draw, pixels(outline), "#ffffff", 4)
    if answer is not None:
        _draw_answer(draw, world, answer, pixels)
    (x, y), *_ = pixels(np.array([shot.at]))
    draw.ellipse((x - 13, y - 13, x + 13, y + 13), outline="#ffffff", width=4)
    return window.resize((_PICTURE_PX, _PICTURE_PX), Image.Resampling.LANCZOS)


def _draw_answer(draw: ImageDraw.ImageDraw, world: World, answer: PhotoResult, pixels: Any) -> None:
    """The outline and the camera that were answered, if they were."""
    colour = _COLOURS[answer.status]
    if answer.footprint:
        ring = shapely.get_coordinates(shapely.from_wkt(answer.footprint))
        points = [world.point_at(LonLat(lon, lat)) for lon, lat in ring.tolist()]
        _draw_polygon(draw, pixels(np.array(points)), colour, 4)
    if answer.longitude is not None and answer.latitude is not None:
        at = world.point_at(LonLat(answer.longitude, answer.latitude))
        (x, y), *_ = pixels(np.array([at]))
        draw.ellipse((x - 8, y - 8, x + 8, y + 8), fill=colour, outline="#000000", width=2)


def _draw_polygon(
    draw: ImageDraw.ImageDraw, points: list[tuple[float, float]], colour: str, width_px: int
) -> None:
    """A closed line over a dark seam, so that it shows on any ground."""
    closed = [*points, points[0]]
    draw.line(closed, fill="#000000", width=width_px + 3, joint="curve")
    draw.line(closed, fill=colour, width=width_px, joint="curve")


def _true_outline(world: World, shot: Shot) -> Float64Array:
    """The ground (N, 2) that the photo shows, in metres of the world."""
    reach_m = 4 * shot.pose.height_m
    ground = footprint(shot.camera, shot.pose, max_distance_m=reach_m)
    lonlat = LocalFrame(world.lonlat(shot.at)).to_lonlat(ground)
    return np.array([world.point_at(LonLat(lon, lat)) for lon, lat in lonlat.tolist()])


def _cut(
    world: World, chart: MapPicture, corner_m: tuple[float, float], step_m: float, side_px: int
) -> Image.Image:
    """A square of the map from its upper left corner in metres of the world; black outside."""
    step = chart.transform.a
    column = (world.corner.x + corner_m[0] - chart.transform.c) / step
    row = (chart.transform.f - world.corner.y - corner_m[1]) / step
    share = step_m / step
    affine = (share, 0.0, column, 0.0, share, row)
    image = Image.fromarray(chart.pixels)
    return image.transform(
        (side_px, side_px), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC
    )
