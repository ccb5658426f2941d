"""The script that draws the pictures of the README: what it draws, what it says without QGIS."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from examples import draw_pictures as pictures
from geoloc.geometry.crs import to_lonlat
from geoloc.results.files import write_results
from geoloc.results.schema import PhotoResult

_CORNER = (500_000.0, 5_500_000.0)  # UTM 32N
_SIDE_M, _GSD_M = 400.0, 2.0
_YELLOW = (240, 228, 66)


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """What a demo leaves: a grey map, and six photos in two columns, each 3 m off to the east."""
    side_px = int(_SIDE_M / _GSD_M)
    profile = {"driver": "GTiff", "width": side_px, "height": side_px, "count": 3}
    transform = rasterio.Affine(_GSD_M, 0, _CORNER[0], 0, -_GSD_M, _CORNER[1])
    with rasterio.open(
        tmp_path / "region.tif",
        "w",
        dtype="uint8",
        crs="EPSG:32632",
        transform=transform,
        **profile,
    ) as dataset:
        dataset.write(np.full((3, side_px, side_px), 128, np.uint8))
    rows, results = ["photo,camera_lon,camera_lat"], []
    for number in range(6):
        x = _CORNER[0] + (100 if number < 3 else 300)
        y = _CORNER[1] - (60 + 130 * (number % 3))
        square = [(x + 40 * dx, y + 40 * dy) for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        places = to_lonlat(32632, *zip((x, y), (x + 3, y), *square, strict=True)).tolist()
        (lon, lat), (true_lon, true_lat), *ring = places
        photo = tmp_path / "photos" / f"p{number}.jpg"
        photo.parent.mkdir(exist_ok=True)
        Image.new("RGB", (80, 60), (0, 40 * number, 0)).save(photo)
        rows.append(f"{photo.name},{true_lon},{true_lat}")
        outline = ", ".join(f"{lon} {lat}" for lon, lat in [*ring, ring[0]])
        results.append(
            PhotoResult(
                str(photo),
                "located",
                longitude=lon,
                latitude=lat,
                footprint=f"POLYGON (({outline}))",
                timestamp="2023-10-17T14:00:00",
            )
        )
    (tmp_path / "truth.csv").write_text("\n".join(rows) + "\n")
    write_results(results, tmp_path / "out.geojson")
    return tmp_path


def test_every_photo_is_read_with_its_footprint_on_the_map_and_its_error(demo: Path) -> None:
    ground, answers = pictures.read_demo(demo)
    assert len(answers) == 6
    per_m = ground.width / _SIDE_M
    assert answers[4].middle == pytest.approx([300 * per_m, 190 * per_m], abs=1)
    assert np.ptp(answers[4].outline, axis=0) == pytest.approx([80 * per_m, 80 * per_m], abs=1)
    assert all(math.isclose(each.error_m, 3, abs_tol=0.05) for each in answers)
    assert answers[0].caption == "p0, autumn: 3.0 m off"


def test_six_photos_stand_beside_the_map_from_top_to_bottom(demo: Path) -> None:
    _, answers = pictures.read_demo(demo)
    chosen = pictures.choose(answers)
    assert [each.result.filename for each in chosen] == ["p0", "p1", "p2", "p3", "p4", "p5"]
    sheet = pictures.draw_photos_on_map(demo)
    assert sheet.size == (1200, 700)
    left = np.asarray(sheet)[:, :280]
    assert (np.abs(left.astype(int) - _YELLOW).sum(axis=2) < 12).any(), "the second photo's frame"


def test_without_qgis_it_says_what_to_install(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(demo))
    assert "install QGIS" in pictures.photograph_qgis(demo, demo / "qgis.png")
