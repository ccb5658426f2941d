"""The banner of the picture: a photo as it was taken, warped over the map, and all of them so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from affine import Affine
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from geoloc.arrays import Float64Array
from geoloc.errors import PhotoError
from geoloc.ortho.grid import WarpGrid, outline_in
from geoloc.ortho.resampling import Resampler
from geoloc.ortho.view import PhotoView, photo_view
from geoloc.photos.photo import read_photo
from geoloc.results.schema import PhotoResult
from geoloc.synthetic.world.world import MapPicture

HEIGHT_PX = 592
_PICTURE_PX = 540
# From this width on there is room for the picture of all photos.
_WIDE_PX = 1700
_GAP_PX = 8
_FINER = 2  # drawn finer and reduced, which smooths lines and edges
_MARGIN = 1.12
_REACH = 4.0
_SMALL_PX = 640  # enough of a photo that becomes a stamp
_DIMMED = 0.55  # the map, so that photos stand out from it
_CARD, _FAINT, _OUTLINE = "#20252d", "#a9b2bf", "#ffffff"
# A photo that was found worse than this shows nothing of what a warp is.
_NEAR_M = 10.0


def draw_banner(
    chart: MapPicture,
    results: Sequence[PhotoResult],
    errors_m: Mapping[str, float | None],
    *,
    photos: Path,
    width_px: int,
) -> Image.Image | None:
    """The banner (width_px x HEIGHT_PX); None where no photo has a camera that is near the truth.

    Args:
        chart: The map.
        results: Results of the photos.
        errors_m: Errors of the positions, by file name; None where there is no answer.
        photos: The folder where they lie.
        width_px: Its width.
    """
    views = _views(results, errors_m)
    if not views:
        return None
    path, view = views[0]
    photo = read_photo(photos / path.name)
    banner = Image.new("RGB", (width_px, HEIGHT_PX), _CARD)
    picture = Image.fromarray(photo.pixels)
    side_px = min(round(picture.width * _PICTURE_PX / picture.height), width_px // 2)
    all_px = _PICTURE_PX if width_px >= _WIDE_PX else -_GAP_PX
    one_px = width_px - side_px - all_px - 4 * _GAP_PX
    shown = picture.resize((side_px, _PICTURE_PX), Image.Resampling.LANCZOS)
    panels = [(shown, f"{path.stem}, taken {view.tilt_deg:.0f}° off straight down")]
    one = _one_warped(chart, view, photo.pixels, (one_px, _PICTURE_PX))
    panels.append((one, "the same, warped to the map"))
    if all_px > 0:
        panels.append((_all_warped(chart, views, photos, all_px), "all of them"))
    left = _GAP_PX
    draw, font = ImageDraw.Draw(banner), ImageFont.load_default(20)
    for panel, caption in panels:
        banner.paste(panel, (left, _GAP_PX))
        below = (left + 2, _PICTURE_PX + 2 * _GAP_PX + 2)
        draw.text(below, caption, fill=_FAINT, font=font)
        left += panel.width + _GAP_PX
    return banner


def _views(
    results: Sequence[PhotoResult], errors_m: Mapping[str, float | None]
) -> list[tuple[Path, PhotoView]]:
    """The photos that were found, the most oblique first."""
    found = []
    for row in results:
        error_m = errors_m.get(Path(row.photo).name)
        if row.status == "located" and error_m is not None and error_m <= _NEAR_M:
            try:
                found.append((Path(row.photo), photo_view(row, reach=_REACH)))
            except PhotoError:
                continue
    return sorted(found, key=lambda each: -each[1].tilt_deg)


def _one_warped(
    chart: MapPicture, view: PhotoView, pixels: np.ndarray, size: tuple[int, int]
) -> Image.Image:
    """A warped photo over its part of the map, dimmed."""
    ring = outline_in(view, chart.crs)
    grid = _window(chart, ring, (size[0] * _FINER, size[1] * _FINER))
    picture = ImageEnhance.Brightness(_map_of(chart, grid)).enhance(_DIMMED)
    _lay(picture, view, grid, pixels)
    line = [~grid.transform @ tuple(point) for point in [*ring.tolist(), ring[0].tolist()]]
    draw = ImageDraw.Draw(picture)
    draw.line(line, fill="#000000", width=4 * _FINER, joint="curve")
    draw.line(line, fill=_OUTLINE, width=2 * _FINER, joint="curve")
    return picture.resize(size, Image.Resampling.LANCZOS)


def _all_warped(
    chart: MapPicture, views: Sequence[tuple[Path, PhotoView]], photos: Path, side_px: int
) -> Image.Image:
    """All warped photos over the whole map, dimmed; the most nearly nadir on top."""
    height, width = chart.pixels.shape[:2]
    corners = np.array([chart.transform @ corner for corner in ((0, 0), (width, height))])
    grid = _window(chart, corners, (side_px * _FINER, side_px * _FINER), margin=1.0)
    picture = ImageEnhance.Brightness(_map_of(chart, grid)).enhance(_DIMMED)
    for path, view in views:
        _lay(picture, view, grid, read_photo(photos / path.name, max_side_px=_SMALL_PX).pixels)
    return picture.resize((side_px, side_px), Image.Resampling.LANCZOS)


def _lay(picture: Image.Image, view: PhotoView, grid: WarpGrid, pixels: np.ndarray) -> None:
    """Lay a warped photo over a picture of the grid."""
    for block in Resampler(view, grid, pixels).blocks():
        if block is not None:
            mask = Image.fromarray(block.alpha)
            picture.paste(Image.fromarray(block.rgb), (block.column, block.row), mask)


def _window(
    chart: MapPicture, ring: Float64Array, size: tuple[int, int], *, margin: float = _MARGIN
) -> WarpGrid:
    """A window of the map around an outline, as large as the picture allows, inside the map."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    step = float(((high - low) / np.array(size)).max()) * margin
    half = np.array(size) / 2 * step
    height, width = chart.pixels.shape[:2]
    corners = np.array([chart.transform @ corner for corner in ((0, 0), (width, height))])
    first, last = corners.min(axis=0), corners.max(axis=0)
    # Where the window is larger than the map, both are around one middle.
    middle = np.clip((low + high) / 2, np.minimum(first + half, (first + last) / 2),
                     np.maximum(last - half, (first + last) / 2))  # fmt: skip
    corner = middle + half * [-1, 1]
    transform = Affine(step, 0, corner[0], 0, -step, corner[1])
    return WarpGrid(chart.crs, transform, *size, step)


def _map_of(chart: MapPicture, grid: WarpGrid) -> Image.Image:
    """The map's pixels on a grid; black outside."""
    way = ~chart.transform @ grid.transform
    return Image.fromarray(chart.pixels).transform(
        (grid.width_px, grid.height_px),
        Image.Transform.AFFINE,
        (way.a, way.b, way.c, way.d, way.e, way.f),
        Image.Resampling.BICUBIC,
    )
