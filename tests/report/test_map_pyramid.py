"""The map of a report: its tiles show the ground where web maps have it."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.index.map_pixels import MapWindow
from geoloc.progress import Silent
from geoloc.report import map_pyramid
from geoloc.report.mercator import Disc, lonlat_of, nearest_zoom, position, tiles_over

_AT = LonLat(9.0, 49.6)
_SPAN_DEG = 0.004  # over which colours grow


class _Coloured:
    """Pixels that say where they lie: red grows with longitude, green with latitude."""

    def __init__(self, index: object) -> None:
        pass

    def around(
        self, frame: LocalFrame, low: np.ndarray, high: np.ndarray, *, gsd_m: float
    ) -> MapWindow:
        width, height = (max(16, round(float(side) / gsd_m)) for side in high - low)
        x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        ground = np.column_stack([low[0] + x.ravel() * gsd_m, high[1] - y.ravel() * gsd_m])
        share = (frame.to_lonlat(ground) - _AT) / _SPAN_DEG + 0.5
        rgb = np.zeros((height * width, 3), np.uint8)
        rgb[:, :2] = np.clip(share * 255, 0, 255)
        valid = np.ones((height, width), bool)
        return MapWindow(rgb.reshape(height, width, 3), valid, np.array([low[0], high[1]]), gsd_m)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[int, int, int], np.ndarray]:
    monkeypatch.setattr(map_pyramid, "MapPixels", _Coloured)
    index = SimpleNamespace(
        tiles=SimpleNamespace(gsd_m=np.array([3.0])),
        manifest=SimpleNamespace(ground_sizes_m=(300.0,)),
    )
    tiles = map_pyramid.build_pyramid(
        index,  # type: ignore[arg-type]  # what of an index it asks for
        [Disc(*_AT, 1_500.0)],
        coarsest_gsd_m=0.0,
        progress=Silent(),
    )
    return {key: np.asarray(Image.open(io.BytesIO(tile))) for key, tile in tiles.items()}


def test_a_pixel_shows_the_place_that_web_maps_have_there(
    drawn: dict[tuple[int, int, int], np.ndarray],
) -> None:
    finest = max(zoom for zoom, _, _ in drawn)
    assert finest == nearest_zoom(3.0, _AT.lat) == 15
    for zoom in (finest, finest - 1):
        x, y = position(*_AT, zoom)
        tile = drawn[zoom, int(x), int(y)]
        row, column = int(y % 1 * 256), int(x % 1 * 256)
        place = lonlat_of(
            np.array([int(x) + (column + 0.5) / 256]), np.array([int(y) + (row + 0.5) / 256]), zoom
        )[0]
        expected = ((place - _AT) / _SPAN_DEG + 0.5) * 255
        assert tile[row, column, :2] == pytest.approx(expected, abs=5)  # WebP; a pixel is 2.7


def test_tiles_over_a_place_are_those_that_it_touches() -> None:
    x, y = position(*_AT, 15)
    assert tiles_over([Disc(*_AT, 0.0)], 15) == {(int(x), int(y))}
    assert len(tiles_over([Disc(*_AT, 1_000.0)], 15)) in (9, 12, 16)
