"""Claims about warping a folder of photos."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely

from geoloc.errors import CrsError, InputError, OptionError, OutputExistsError
from geoloc.geometry.camera import footprint
from geoloc.options import WarpOptions
from geoloc.ortho import job
from geoloc.ortho.job import warp_photos
from geoloc.ortho.naming import photo_file, warp_names
from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import solved_camera
from geoloc.terrain.terrain import open_terrain
from tests.fixtures.coordinate_photos import located_photo
from tests.fixtures.elevations import ORIGIN, write_elevation


@pytest.fixture
def row(tmp_path: Path) -> PhotoResult:
    return located_photo(tmp_path / "photos")


def test_a_photo_becomes_a_geotiff_and_all_a_mosaic(tmp_path: Path, row: PhotoResult) -> None:
    summary = warp_photos([replace(row, confidence=0.9)], tmp_path / "warps")
    assert [path.name for path in summary.written] == ["a.tif"]
    assert {path.name for path in summary.mosaics} == {"mosaic.vrt", "warps.gti.gpkg"}
    with rasterio.open(tmp_path / "warps" / "a.tif") as dataset:
        tags = dataset.tags()
        assert dataset.crs.to_epsg() == 32651
    assert tags["photo"] == row.photo
    assert (tags["ce90_m"], tags["confidence"], tags["terrain"]) == (
        "4.291932",
        "0.9",
        "level ground",
    )
    layer = geopandas.read_file(tmp_path / "warps" / "warps.gti.gpkg")
    assert layer["ce90_m"].tolist() == [4.291932]
    solved = solved_camera(row)
    assert solved is not None
    seen = shapely.Polygon(footprint(solved.camera, solved.pose))
    assert layer.geometry[0].area == pytest.approx(seen.area, rel=0.01)


def test_the_same_call_has_nothing_to_do(tmp_path: Path, row: PhotoResult) -> None:
    warp_photos([row], tmp_path / "warps")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "warps").glob("[!.]*")}
    again = warp_photos([row], tmp_path / "warps")
    assert (again.written, again.passed_over, again.mosaics) == ([], 1, [])
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_only_what_is_missing_is_warped(tmp_path: Path, row: PhotoResult) -> None:
    other = located_photo(tmp_path / "photos", "b.png")
    warp_photos([row], tmp_path / "warps")
    summary = warp_photos([row, other], tmp_path / "warps")
    assert [path.name for path in summary.written] == ["b.tif"]
    assert "a.tif" in (tmp_path / "warps" / "mosaic.vrt").read_text()


def test_photos_of_several_runs_make_one_mosaic(tmp_path: Path, row: PhotoResult) -> None:
    other = located_photo(tmp_path / "photos", "b.png")
    warp_photos([row], tmp_path / "warps")
    warp_photos([other], tmp_path / "warps")
    assert _shown(tmp_path / "warps") == {"a.tif", "b.tif"}
    warp_photos([replace(row, status="rejected"), other], tmp_path / "warps")
    assert _shown(tmp_path / "warps") == {"b.tif"}


def test_a_mosaic_that_an_interrupt_left_behind_is_made_whole(
    tmp_path: Path, row: PhotoResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    warp_photos([row], tmp_path / "warps")
    other = located_photo(tmp_path / "photos", "b.png")
    with monkeypatch.context() as patch:
        patch.setattr(job, "_whole", lambda *_: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            warp_photos([row, other], tmp_path / "warps")
    assert _shown(tmp_path / "warps") == {"a.tif"}
    assert warp_photos([row, other], tmp_path / "warps").written == []
    assert _shown(tmp_path / "warps") == {"a.tif", "b.tif"}


def _shown(folder: Path) -> set[str]:
    """What both the mosaic and the index are made of."""
    text = (folder / "mosaic.vrt").read_text()
    names = set(re.findall(r">([^<>]*\.tif)<", text))
    assert set(geopandas.read_file(folder / "warps.gti.gpkg")["location"]) == names
    return names


def test_what_a_killed_run_has_left_is_removed(tmp_path: Path, row: PhotoResult) -> None:
    left = tmp_path / "warps" / ".warp.4711.0123abcd.tmp.tif"
    left.parent.mkdir()
    left.write_text("half")
    warp_photos([row], left.parent)
    assert not left.exists()
    assert not [path for path in left.parent.iterdir() if ".tmp" in path.name]


def test_another_answer_is_refused_resumed_or_overwritten(tmp_path: Path, row: PhotoResult) -> None:
    warp_photos([row], tmp_path / "warps")
    changed = replace(row, height_m=90.0)
    with pytest.raises(OutputExistsError, match="another camera or other options; use --overwrite"):
        warp_photos([changed], tmp_path / "warps")
    assert len(warp_photos([changed], tmp_path / "warps", WarpOptions(resume=True)).written) == 1
    assert len(warp_photos([row], tmp_path / "warps", WarpOptions(overwrite=True)).written) == 1


def test_what_is_no_warp_is_not_replaced(tmp_path: Path, row: PhotoResult) -> None:
    (tmp_path / "warps").mkdir()
    (tmp_path / "warps" / "a.tif").write_text("mine")
    with pytest.raises(OutputExistsError, match="is no warp"):
        warp_photos([row], tmp_path / "warps", WarpOptions(resume=True))
    assert (tmp_path / "warps" / "a.tif").read_text() == "mine"


def test_a_bad_photo_ends_nothing(tmp_path: Path, row: PhotoResult) -> None:
    gone = replace(row, photo=str(tmp_path / "photos" / "gone.png"))
    sky = replace(located_photo(tmp_path / "photos", "sky.png"), pitch_deg=40.0)
    small = replace(
        located_photo(tmp_path / "photos", "small.png"), photo_width=800, photo_height=600
    )
    odd = replace(located_photo(tmp_path / "photos", "odd.png"), distortion='{"model": "x"}')
    street = replace(located_photo(tmp_path / "photos", "street.png"), pitch_deg=None)
    summary = warp_photos([gone, sky, small, odd, street, row], tmp_path / "warps")
    assert [path.name for path in summary.written] == ["a.tif"]
    assert summary.without_camera == 1
    reasons = {Path(photo).stem: reason for photo, reason in summary.failed.items()}
    assert "does not exist" in reasons["gone"]
    assert "shows no ground" in reasons["sky"]
    assert "locate it again" in reasons["small"]
    assert "model 'x'" in reasons["odd"]
    assert len(reasons) == 4


def test_only_located_photos_are_taken(tmp_path: Path, row: PhotoResult) -> None:
    doubtful = replace(row, status="ambiguous")
    with pytest.raises(InputError, match="none of 1 photos is located"):
        warp_photos([doubtful], tmp_path / "warps")
    summary = warp_photos([doubtful], tmp_path / "warps", statuses=("located", "ambiguous"))
    assert len(summary.written) == 1


def test_results_without_cameras_are_refused(tmp_path: Path, row: PhotoResult) -> None:
    with pytest.raises(InputError, match="states its camera"):
        warp_photos([replace(row, height_m=None)], tmp_path / "warps")


@pytest.mark.parametrize(("crs", "code"), [("utm", 32651), ("map", 3857), ("EPSG:4490", 4490)])
def test_the_crs_is_chosen(tmp_path: Path, row: PhotoResult, crs: str, code: int) -> None:
    on_map = replace(row, tile_crs="EPSG:3857")
    warp_photos([on_map], tmp_path / "warps", WarpOptions(crs=crs, gsd_m=2.0))
    with rasterio.open(tmp_path / "warps" / "a.tif") as dataset:
        assert dataset.crs.to_epsg() == code


def test_photos_on_both_sides_of_a_zone_make_one_mosaic(tmp_path: Path) -> None:
    rows = [
        located_photo(tmp_path / "photos", f"{name}.png", longitude=lon)
        for name, lon in (("a", 125.9), ("b", 125.95), ("c", 126.05), ("far", 10.0))
    ]
    summary = warp_photos(rows, tmp_path / "warps", WarpOptions(gsd_m=5.0))
    names = [path.name for path in summary.mosaics]
    assert names == ["mosaic.vrt", "mosaic-epsg-32632.vrt", "warps.gti.gpkg"]


@pytest.mark.parametrize(
    ("options", "error"),
    [({"crs": "EPSG:1"}, CrsError), ({"creation_options": ("COMPRESS=NO",)}, OptionError)],
)
def test_options_are_refused_before_work(
    tmp_path: Path, row: PhotoResult, options: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        warp_photos([row], tmp_path / "warps", WarpOptions(**options))  # type: ignore[arg-type]
    assert not (tmp_path / "warps").exists()


@pytest.mark.parametrize("options", [{"gsd_m": 0.0}, {"reach": 0.0}, {"reach": float("nan")}])
def test_a_size_out_of_range_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="out of range"):
        WarpOptions(**options)  # type: ignore[arg-type]


def test_the_terrain_is_named_and_decides(tmp_path: Path) -> None:
    row = located_photo(tmp_path / "photos", longitude=ORIGIN.lon, latitude=ORIGIN.lat)
    terrain = open_terrain(write_elevation(tmp_path / "dem.tif"))
    warp_photos([row], tmp_path / "warps", terrain=terrain)
    with rasterio.open(tmp_path / "warps" / "a.tif") as dataset:
        assert dataset.tags()["terrain"] == "dem.tif"
        sloped = dataset.read()
    with pytest.raises(OutputExistsError):
        warp_photos([row], tmp_path / "warps")
    warp_photos([row], tmp_path / "flat")
    with rasterio.open(tmp_path / "flat" / "a.tif") as dataset:
        assert not np.array_equal(dataset.read(), sloped)


def test_photos_of_one_name_have_files_of_their_own() -> None:
    first, second, third = warp_names(["/x/a.jpg", "/y/A.JPG", "/y/b.jpg"])
    assert third == "b.tif"
    assert first.lower() != second.lower()
    assert first.startswith("a-")
    assert warp_names(["/y/A.JPG", "/x/a.jpg"])[0] == second


def test_a_photo_that_was_moved_with_its_results_is_found(tmp_path: Path, row: PhotoResult) -> None:
    moved = replace(row, photo="/gone/a.png", photo_rel="photos/a.png")
    assert photo_file(moved, tmp_path) == tmp_path / "photos" / "a.png"
    assert photo_file(moved, None) == Path("/gone/a.png")
    summary = warp_photos([moved], tmp_path / "warps", beside=tmp_path)
    assert len(summary.written) == 1
