"""The job `geoloc report`: what the page holds, what it keeps back, what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from geoloc.errors import InputError, OptionError, OutputExistsError
from geoloc.geometry.camera import Pose
from geoloc.geometry.crs import LonLat
from geoloc.options import ReportOptions
from geoloc.ortho.view import photo_view
from geoloc.report.entry import doubt, photo_entry
from geoloc.report.job import write_report
from geoloc.results.evaluation import Truth
from geoloc.results.schema import PhotoResult
from geoloc.terrain.terrain import Terrain, open_terrain
from tests.fixtures.elevations import ORIGIN, write_elevation
from tests.fixtures.located import HEIGHT_PX, WIDTH_PX, located

_SQUARE = "POLYGON ((9.0 49.6, 9.001 49.6, 9.001 49.601, 9.0 49.601, 9.0 49.6))"


def _row(photo: Path | str, **columns: Any) -> PhotoResult:
    facts: dict[str, Any] = {
        "status": "located",
        "longitude": 9.1234567,
        "latitude": 49.7654321,
        "confidence": 0.9,
        "conf_radius_m": 25.0,
        "position_kind": "camera",
        "footprint": _SQUARE,
        "control_points": "[[10.0,20.0,9.1234,49.7654,null,0.5]]",
    }
    return PhotoResult(str(photo), **{**facts, **columns})


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (64, 48), "green").save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
    return path


def _data(page: Path, name: str) -> Any:
    text = page.read_text(encoding="utf-8")
    block = re.search(rf'id="report-{name}">(.*?)</script>', text, re.DOTALL)
    assert block is not None
    return json.loads(block[1])


def _mesh(row: PhotoResult, terrain: Terrain | None = None) -> tuple[float, list[Any]]:
    entry = photo_entry(row, about_lon=0.0, truth=None, redact="none", terrain=terrain)
    return entry["warp"]["top"], entry["warp"]["mesh"]


def test_a_photo_lies_on_the_page_where_its_lens_and_the_ground_have_it(tmp_path: Path) -> None:
    terrain = open_terrain(write_elevation(tmp_path / "dem.tif"))
    bent = '{"model": "brown", "k1": -0.1}'
    pose = Pose(40, -60, 3, 100)
    row = located(pose=pose, longitude=ORIGIN.lon, latitude=ORIGIN.lat, distortion=bent)
    view = photo_view(row, reach=4.0, terrain=terrain)
    top, mesh = _mesh(row, terrain)
    assert top == 0
    pixels = np.array([[0.0, 0.0], [WIDTH_PX / 3, HEIGHT_PX * 0.4], [WIDTH_PX, HEIGHT_PX]])
    expected = view.solved.frame.to_lonlat(view.ground_at(pixels)[:, :2])
    np.testing.assert_allclose([mesh[0][0], mesh[2][2], mesh[5][6]], expected, atol=1e-7)
    assert np.abs(np.array(mesh) - np.array(_mesh(row)[1])).max() > 1e-5, "hills move it"


def test_hills_are_followed_by_a_finer_mesh(tmp_path: Path) -> None:
    def waves(heights: np.ndarray) -> np.ndarray:
        along = np.sin(np.arange(heights.shape[1]) / 2.4)  # a hill every 150 m
        return np.asarray(heights + 10 * along)

    level = open_terrain(write_elevation(tmp_path / "level.tif"))
    hills = open_terrain(write_elevation(tmp_path / "hills.tif", change=waves))
    row = located(pose=Pose(40, -70, 3, 100), longitude=ORIGIN.lon, latitude=ORIGIN.lat)
    assert np.shape(_mesh(row, level)[1]) == (6, 7, 2), "a slope is as flat as a plain"
    _, mesh = _mesh(row, hills)
    assert np.shape(mesh) == (16, 19, 2)
    view = photo_view(row, reach=4.0, terrain=hills)
    middle = view.ground_at(np.array([[WIDTH_PX / 2, HEIGHT_PX / 3]]))
    np.testing.assert_allclose([mesh[5][9]], view.solved.frame.to_lonlat(middle[:, :2]), atol=1e-7)


@pytest.mark.parametrize(
    ("stated", "has_place", "shown"),
    [
        ("[[9.1,49.7,0.9,20.0]]", True, 0),
        ("[[9.1,49.7,0.6,20.0],[9.2,49.8,0.3,25.0]]", True, 2),
        ("[[9.1,49.7,0.05,20.0]]", False, 1),
    ],
)
def test_an_answer_without_rivals_does_not_compete(
    stated: str, has_place: bool, shown: int
) -> None:
    row = _row("a.jpg", candidates=stated)
    if not has_place:
        row = replace(row, status="rejected", longitude=None, latitude=None)
    entry = photo_entry(row, about_lon=9.0, truth=None, redact="none")
    assert len(entry.get("candidates", ())) == shown


def test_a_mesh_has_holes_where_no_ground_is_in_reach() -> None:
    top, mesh = _mesh(located(pose=Pose(0, -25, 0, 100)))
    assert top > 0
    assert all(at is not None for at in mesh[-1])
    _, tilted = _mesh(located(pose=Pose(0, -25, 35, 100)))
    assert None in [at for line in tilted for at in line]


def test_the_page_holds_rows_pictures_and_errors(photo: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    truth = [Truth("a.jpg", camera=LonLat(9.1234567, 49.7655321))]
    summary = write_report([_row(photo)], page, truth=truth)
    (entry,) = _data(page, "photos")
    assert entry["at"] == [9.1234567, 49.7654321]
    assert entry["columns"]["confidence"] == 0.9
    assert entry["rings"][0][0] == [9.0, 49.6]
    assert entry["points"] == [[10.0, 20.0, 9.1234, 49.7654, 0.5]]
    assert entry["error_m"] == pytest.approx(11.12, abs=0.02)
    assert _data(page, "pictures")["0"].startswith("data:image/webp;base64,")
    assert (summary.pictures, summary.folder) == (1, None)
    assert _data(page, "about")["plot"].startswith("data:image/svg+xml;base64,")
    assert "metres" in _data(page, "about")["described"]["ce90_m"]


def test_a_large_page_has_its_pictures_beside_it(photo: Path, tmp_path: Path) -> None:
    page = tmp_path / "my report.html"
    write_report([_row(photo)], page, ReportOptions(max_mb=1e-6))
    assert _data(page, "pictures") == {"0": "my%20report_files/photos/0.webp"}
    with Image.open(tmp_path / "my report_files/photos/0.webp") as picture:
        assert picture.size == (64, 48)


@pytest.mark.parametrize("redact", ["drop", "fuzz"])
def test_a_redacted_page_tells_no_place_and_no_path(
    photo: Path, tmp_path: Path, redact: Any
) -> None:
    page = tmp_path / "report.html"
    row = _row(photo, exif_lon=9.1234567, exif_lat=49.7654321, error=f"{photo} is odd")
    write_report([row], page, ReportOptions(redact=redact, thumbnail_px=0))
    text = page.read_text(encoding="utf-8")
    assert "9.1234" not in text
    assert "49.7654" not in text
    assert str(tmp_path) not in text
    (entry,) = _data(page, "photos")
    assert entry.get("at") == (None if redact == "drop" else [9.12, 49.77])
    assert entry["columns"]["filename"] == "a"


def test_the_most_doubtful_comes_first() -> None:
    rows = [
        _row("a", confidence=0.99),
        _row("b", status="ambiguous", confidence=0.3),
        _row("c", confidence=0.6),
        PhotoResult("d", "rejected"),
        PhotoResult("e", "unreadable"),
    ]
    assert [row.photo for row in sorted(rows, key=doubt, reverse=True)] == ["b", "d", "c", "a", "e"]


def test_longitudes_are_counted_on_across_the_antimeridian() -> None:
    entry = photo_entry(_row("a", longitude=-179.999), about_lon=179.9, truth=None, redact="none")
    assert entry["at"][0] == pytest.approx(180.001)


def test_a_damaged_row_is_shown_without_what_cannot_be_drawn() -> None:
    row = _row("a", footprint="POLYGON ((", control_points="[[1]]")
    entry = photo_entry(row, about_lon=9.0, truth=None, redact="none")
    assert "rings" not in entry
    assert "points" not in entry


def test_what_is_there_is_not_replaced_unasked(photo: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    (tmp_path / "report_files").mkdir()
    with pytest.raises(OutputExistsError, match="report_files exists"):
        write_report([_row(photo)], page)
    assert not page.exists()


def test_a_page_is_named_html_and_has_photos(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"ends in \.html"):
        write_report([_row("a")], tmp_path / "report.txt")
    with pytest.raises(InputError, match="no results"):
        write_report([], tmp_path / "report.html")
