"""The job: whole, interrupted, repeated, refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from geoloc.errors import CrsError, OptionError, OutputExistsError, RasterError
from geoloc.geometry.crs import as_crs, to_lonlat
from geoloc.options import TileOptions
from geoloc.tiles import run
from geoloc.tiles.fingerprint import legacy_fingerprint
from geoloc.tiles.job import cut_tiles, plan_tiles
from geoloc.tiles.manifest import RasterEntry
from geoloc.tiles.tile_set import TileSet
from tests.fixtures import mosaics, rasters
from tests.fixtures.progress import RecordedProgress

OPTIONS = TileOptions(ground_sizes_m=(160.0,), size_px=64)


@pytest.fixture
def source(tmp_path: Path) -> str:
    return str(rasters.utm(tmp_path / "region.tif").path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tiles"


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.suffix != ".gpkg"  # holds the time of writing
    }


def test_a_second_run_does_nothing(source: str, folder: Path) -> None:
    first = cut_tiles([source], folder, OPTIONS)
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    second = cut_tiles([source], folder, OPTIONS)
    assert (first.unchanged, second.unchanged) == (False, True)
    assert second.tiles == first.tiles > 0
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"overlap": 0.25}, "overlap was 0.5, now 0.25"),
        ({"size_px": 128}, "size_px was 64, now 128"),
        ({"virtual": True}, "virtual"),
        ({"bounds": (0.0, 0.0, 1.0, 1.0)}, "bounds was none"),
    ],
)
def test_other_options_are_refused_with_the_reason(
    source: str, folder: Path, change: dict[str, object], reason: str
) -> None:
    cut_tiles([source], folder, OPTIONS)
    with pytest.raises(OutputExistsError, match=reason) as caught:
        cut_tiles([source], folder, replace(OPTIONS, **change))
    assert "--overwrite" in str(caught.value)


def test_a_raster_that_has_changed_is_refused(source: str, folder: Path) -> None:
    cut_tiles([source], folder, OPTIONS)
    with rasterio.open(source, "r+") as dataset:
        dataset.write(np.zeros((3, 10, 10), dtype=np.uint8), window=((0, 10), (0, 10)))
    with pytest.raises(OutputExistsError, match="has changed"):
        cut_tiles([source], folder, OPTIONS)


def test_overwrite_replaces_what_is_there(source: str, folder: Path) -> None:
    cut_tiles([source], folder, OPTIONS)
    cut_tiles([source], folder, replace(OPTIONS, size_px=32, virtual=True, overwrite=True))
    assert TileSet.open(folder).size_px == 32
    assert not (folder / "pixels").exists()


def test_a_folder_of_something_else_is_never_touched(source: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputExistsError, match="no tiles of geoloc"):
        cut_tiles([source], folder, replace(OPTIONS, overwrite=True))
    assert (folder / "thesis.txt").exists()


@pytest.mark.parametrize("virtual", [False, True])
def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(
    source: str, tmp_path: Path, virtual: bool
) -> None:
    options = replace(OPTIONS, virtual=virtual, workers=1)
    cut_tiles([source], tmp_path / "whole", options)
    with pytest.raises(KeyboardInterrupt):
        cut_tiles([source], tmp_path / "tiles", options, progress=RecordedProgress(stop_after=3))
    assert not (tmp_path / "tiles" / "tiles.json").exists()
    progress = RecordedProgress()
    cut_tiles([source], tmp_path / "tiles", options, progress=progress)
    assert files(tmp_path / "tiles") == files(tmp_path / "whole")


def test_done_tiles_are_not_cut_again(
    source: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        cut_tiles(
            [source], folder, replace(OPTIONS, workers=1), progress=RecordedProgress(stop_after=1)
        )
    lines = (folder / "tiles.partial.jsonl").read_text().splitlines()
    seen: list[int] = []
    original = run.make_chunks

    def spy(raster: object, specs: list[object], *, workers: int) -> object:
        seen.append(len(specs))
        return original(raster, specs, workers=workers)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "make_chunks", spy)
    summary = cut_tiles([source], folder, OPTIONS)
    assert len(lines) > 0
    assert sum(seen) == summary.tiles + summary.skipped - len(lines)


def test_a_line_cut_off_by_a_crash_is_forgotten(source: str, folder: Path, tmp_path: Path) -> None:
    cut_tiles([source], tmp_path / "whole", OPTIONS)
    with pytest.raises(KeyboardInterrupt):
        cut_tiles([source], folder, OPTIONS, progress=RecordedProgress(stop_after=1))
    with (folder / "tiles.partial.jsonl").open("a") as journal:
        journal.write('{"id": "region_160_')
    cut_tiles([source], folder, OPTIONS)
    assert files(folder) == files(tmp_path / "whole")


def test_resume_adds_rasters_and_keeps_the_names_of_the_others(
    source: str, folder: Path, tmp_path: Path
) -> None:
    other = str(rasters.mercator(tmp_path / "elsewhere" / "region.tif").path)
    cut_tiles([source], folder, OPTIONS)
    ids = set(TileSet.open(folder).table["tile_id"])
    with pytest.raises(OutputExistsError, match="--resume"):
        cut_tiles([source, other], folder, OPTIONS)
    cut_tiles([other, source], folder, replace(OPTIONS, resume=True))
    table = TileSet.open(folder).table
    assert ids < set(table["tile_id"])
    assert table["tile_id"].is_unique
    assert set(table["crs"]) == {"EPSG:32633", "EPSG:3857"}


def test_the_number_of_workers_changes_nothing(source: str, tmp_path: Path) -> None:
    cut_tiles([source], tmp_path / "one", replace(OPTIONS, workers=1))
    cut_tiles([source], tmp_path / "four", replace(OPTIONS, workers=4))
    assert files(tmp_path / "one") == files(tmp_path / "four")


def test_striped_and_blocked_files_give_the_same_pixels(tmp_path: Path) -> None:
    striped = rasters.utm(tmp_path / "a" / "r.tif")
    blocked = rasters.write_raster(
        tmp_path / "b" / "r.tif", rasters.coded_bands(), crs=striped.crs,
        transform=striped.transform, tiled=True, blockxsize=16, blockysize=16,
    )  # fmt: skip
    sets = []
    for path, name in ((striped.path, "striped"), (blocked, "blocked")):
        cut_tiles([str(path)], tmp_path / name, OPTIONS)
        sets.append(TileSet.open(tmp_path / name))
    assert len(sets[0]) == len(sets[1])
    assert all(np.array_equal(sets[0].read(i), sets[1].read(i)) for i in range(len(sets[0])))


def test_several_ground_sizes_make_a_pyramid(source: str, folder: Path) -> None:
    cut_tiles([source], folder, replace(OPTIONS, ground_sizes_m=(320.0, 160.0)))
    sizes = TileSet.open(folder).table["ground_size_m"]
    assert sizes.value_counts().to_dict() == {160.0: 25, 320.0: 4}


def test_a_bad_raster_among_good_ones_is_named(source: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.tif").write_text("hello")
    progress = RecordedProgress()
    summary = cut_tiles([str(tmp_path / "bad.tif"), source], folder, OPTIONS, progress=progress)
    assert [Path(entry.location).name for entry in summary.failures] == ["bad.tif"]
    assert not summary.is_complete
    assert summary.tiles > 0
    assert "bad.tif" in progress.warnings[0]


def test_a_bad_raster_alone_is_the_error_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    rasters.write_raster(
        tmp_path / "a.tif", rasters.coded_bands(), transform=rasters.Affine(2, 0, 0, 0, -2, 0)
    )
    with pytest.raises(CrsError, match="has no CRS"):
        cut_tiles([str(tmp_path / "a.tif")], folder, OPTIONS)
    assert not folder.exists()


def test_a_raster_in_a_local_crs_alone_is_an_error_of_the_crs(folder: Path, tmp_path: Path) -> None:
    local = 'LOCAL_CS["site grid",UNIT["metre",1],AXIS["X",EAST],AXIS["Y",NORTH]]'
    place = {"crs": local, "transform": rasters.Affine(2, 0, 0, 0, -2, 0)}
    path = rasters.write_raster(tmp_path / "a.tif", rasters.coded_bands(), **place)
    for start in (cut_tiles, plan_tiles):
        with pytest.raises(CrsError, match=r"a\.tif.*without a place on the Earth") as caught:
            start([str(path)], folder, OPTIONS)
        assert isinstance(caught.value.__cause__, CrsError)


def test_damaged_parts_cost_only_their_tiles(tmp_path: Path, folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 240, 240), dtype=np.uint8)
    place = {"crs": "EPSG:32633", "transform": rasters.Affine(2, 0, 390000, 0, -2, 5820000)}
    path = rasters.write_raster(
        tmp_path / "r.tif", noise, compress="deflate", tiled=True, blockxsize=16,
        blockysize=16, **place,
    )  # fmt: skip
    data = bytearray(path.read_bytes())
    middle = int(len(data) * 0.95)
    data[middle : middle + 4000] = bytes(4000)
    path.write_bytes(data)
    progress = RecordedProgress()
    summary = cut_tiles([str(path)], folder, replace(OPTIONS, overlap=0.0), progress=progress)
    assert summary.unreadable > 0
    assert summary.tiles > 0
    assert "lost" in progress.warnings[0]


def test_mostly_invalid_tiles_are_skipped(tmp_path: Path, folder: Path) -> None:
    bands = rasters.coded_bands()
    bands[:, :, 100:] = 255
    source = rasters.utm(tmp_path / "r.tif")
    rasters.write_raster(source.path, bands, crs=source.crs, transform=source.transform, nodata=255)
    summary = cut_tiles([str(source.path)], folder, OPTIONS)
    table = TileSet.open(folder).table
    assert summary.skipped > 0
    assert table["valid_fraction"].min() >= 0.5
    with rasterio.open(folder / table[table["valid_fraction"] < 1]["location"].iloc[0]) as tile:
        assert 0.5 <= (tile.dataset_mask() > 0).mean() < 1


def test_a_set_without_a_tile_is_an_error(source: str, folder: Path) -> None:
    with pytest.raises(RasterError, match="--bounds"):
        cut_tiles([source], folder, replace(OPTIONS, bounds=(0.0, 0.0, 1.0, 1.0)))


def test_bounds_and_areas_keep_only_the_tiles_that_touch_them(source: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    cut_tiles([source], whole, OPTIONS)
    table = TileSet.open(whole).table
    corner = table.geometry.iloc[0]
    small = shapely.box(*corner.centroid.buffer(1e-5).bounds)
    geopandas.GeoDataFrame(geometry=[small], crs="EPSG:4326").to_file(tmp_path / "a.geojson")
    expected = set(table["tile_id"][table.intersects(small)])
    for name, change in {
        "b": {"bounds": small.bounds},
        "a": {"aoi": str(tmp_path / "a.geojson")},
    }.items():
        cut_tiles([source], tmp_path / name, replace(OPTIONS, **change))
        assert set(TileSet.open(tmp_path / name).table["tile_id"]) == expected


def test_a_large_grid_is_planned_with_a_stage_of_its_own(tmp_path: Path, folder: Path) -> None:
    high = np.full((1, 10000, 40), 90, dtype=np.uint8)
    transform = Affine(1, 0, 390000, 0, -1, 5820000)
    path = rasters.write_raster(tmp_path / "high.tif", high, crs="EPSG:32633", transform=transform)
    stages: list[tuple[str, int, str]] = []
    progress = RecordedProgress()
    progress.start = lambda *stage: stages.append(stage)  # type: ignore[assignment]
    options = TileOptions(ground_sizes_m=(20,), size_px=16, overlap=0, virtual=True)
    plan_tiles([str(path)], folder, options, progress=progress)
    ((label, rows, unit),) = stages
    assert (label, unit) == ("planning high.tif", "rows")
    assert progress.done == rows == pytest.approx(500, abs=1)


def filled_map(path: Path, kind: str, fill: float, **more: object) -> Path:
    """Noise of 240 m with a border of 80 m of one value in the west."""
    bands = np.random.default_rng(2).integers(300, 3000, (1, 240, 240)).astype(kind)
    bands[:, :, :80] = fill
    transform = Affine(1, 0, 390000, 0, -1, 5820000)
    return rasters.write_raster(path, bands, crs="EPSG:32633", transform=transform, **more)


@pytest.mark.parametrize("virtual", [False, True])
@pytest.mark.parametrize(("kind", "fill"), [("float32", -9999), ("uint16", 0), ("int16", -32768)])
def test_a_fill_that_nobody_declared_is_left_out_and_named(
    kind: str, fill: float, virtual: bool, tmp_path: Path, folder: Path
) -> None:
    path = filled_map(tmp_path / "map.tif", kind, fill)
    progress = RecordedProgress()
    options = TileOptions(
        ground_sizes_m=(80.0,), size_px=32, overlap=0.0, min_valid=0.5, virtual=virtual
    )
    summary = cut_tiles([str(path)], folder, options, progress=progress)
    (warning,) = progress.warnings
    assert f"gdal_edit.py -a_nodata {fill} map.tif" in warning
    assert (summary.tiles, summary.skipped) == (6, 3)
    with TileSet.open(folder) as tiles:
        assert 80 < tiles.read(0).mean() < 170
        assert tiles.read(0).std() > 20


def test_a_declared_value_says_that_another_is_data(tmp_path: Path, folder: Path) -> None:
    path = filled_map(tmp_path / "map.tif", "float32", -9999, nodata=-1)
    progress = RecordedProgress()
    options = TileOptions(ground_sizes_m=(80.0,), size_px=32, overlap=0.0)
    assert cut_tiles([str(path)], folder, options, progress=progress).skipped == 0
    assert not progress.warnings


def test_the_plan_counts_what_is_cut(source: str, folder: Path) -> None:
    plan = plan_tiles([source], folder, OPTIONS)
    assert not folder.exists()
    summary = cut_tiles([source], folder, OPTIONS)
    written = sum(p.stat().st_size for p in folder.rglob("pixels/**/*.tif"))
    assert plan.tiles == summary.tiles + summary.skipped
    assert plan.bytes == pytest.approx(written, rel=0.3)
    assert plan.seconds > 0


def test_virtual_plans_take_no_space(source: str, folder: Path) -> None:
    assert plan_tiles([source], folder, replace(OPTIONS, virtual=True)).bytes == 0


def test_creation_options_are_passed_on(source: str, folder: Path) -> None:
    cut_tiles([source], folder, replace(OPTIONS, creation_options=("COMPRESS=LZW",)))
    with rasterio.open(folder / TileSet.open(folder).table["location"][0]) as tile:
        assert tile.compression.name == "lzw"


@pytest.mark.parametrize(
    "change",
    [
        {"overlap": 1.0},
        {"size_px": 3},
        {"ground_sizes_m": (-5.0,)},
        {"min_valid": 2.0},
        {"creation_options": ("COMPRESS",)},
        {"creation_options": ("COMPRES=JPEG",)},
        {"resume": True, "overwrite": True},
        {"bounds": (1.0, 2.0, 3.0, 1.0)},
    ],
)
def test_options_out_of_range_are_refused(
    source: str, folder: Path, change: dict[str, object]
) -> None:
    with pytest.raises(OptionError):
        cut_tiles([source], folder, replace(OPTIONS, **change))
    assert not folder.exists()


def test_the_manifest_names_rasters_relative_to_the_folder(source: str, folder: Path) -> None:
    cut_tiles([source], folder, OPTIONS)
    manifest = json.loads((folder / "tiles.json").read_text())
    assert manifest["rasters"][0]["location"] == "../region.tif"
    assert str(folder.parent) not in (folder / "tiles.json").read_text()
    assert TileSet.open(folder).manifest.rasters[0] == RasterEntry.from_json(manifest["rasters"][0])


def test_the_set_can_be_moved_with_its_rasters(tmp_path: Path) -> None:
    source = rasters.utm(tmp_path / "a" / "r.tif").path
    cut_tiles([str(source)], tmp_path / "a" / "tiles", replace(OPTIONS, virtual=True))
    (tmp_path / "a").rename(tmp_path / "b")
    with TileSet.open(tmp_path / "b" / "tiles") as tiles:
        assert tiles.read(0).any()


@pytest.mark.parametrize("make", mosaics.MOSAICS.values(), ids=mosaics.MOSAICS)
def test_a_mosaic_with_a_hole_is_not_cut_and_others_are(
    make: Callable[[Path], Path], source: str, folder: Path, tmp_path: Path
) -> None:
    mosaic = make(tmp_path)
    (tmp_path / "parts" / "east.tif").unlink()
    summary = cut_tiles([str(mosaic), source], folder, OPTIONS)
    assert [entry.tiles > 0 for entry in summary.rasters] == [False, True]
    assert "east.tif is missing" in str(summary.failures[0].error)
    assert set(TileSet.open(folder).table["raster"]) == {"../region.tif"}


def test_the_file_that_has_changed_is_named(folder: Path, tmp_path: Path) -> None:
    plain = rasters.picture(tmp_path)
    first = cut_tiles([str(plain)], folder, OPTIONS)
    place = rasters.WORLD_FILE.replace("390001", "390101")
    (tmp_path / "pic.pgw").write_text(place)
    with pytest.raises(OutputExistsError, match=r"pic\.pgw of \.\./pic\.png has changed"):
        cut_tiles([str(plain)], folder, OPTIONS)
    before = TileSet.open(folder)
    cut_tiles([str(plain)], folder, replace(OPTIONS, overwrite=True))
    after = TileSet.open(folder)
    shift = after.transform(0).c - before.transform(0).c
    assert (shift, first.tiles) == (100, len(after))
    assert after.digest() != before.digest()


def test_a_raster_that_changes_while_it_is_cut_is_not_trusted(
    source: str, folder: Path, tmp_path: Path
) -> None:
    mosaic = mosaics.vrt(tmp_path)
    east = tmp_path / "parts" / "east.tif"
    data = east.read_bytes()

    class Vanishing(RecordedProgress):
        def advance(self, count: int = 1) -> None:
            east.unlink(missing_ok=True)

    options = TileOptions(ground_sizes_m=(40.0,), size_px=16)
    summary = cut_tiles([str(mosaic), source], folder, options, progress=Vanishing())
    assert "east.tif of ../mosaic.vrt is gone while it was cut" in str(summary.failures[0].error)
    assert set(TileSet.open(folder).table["raster"]) == {"../region.tif"}
    east.write_bytes(data)


def test_marks_of_the_old_kind_are_compared_by_the_old_rule(source: str, folder: Path) -> None:
    cut_tiles([source], folder, OPTIONS)
    manifest = json.loads((folder / "tiles.json").read_text())
    for entry in manifest["rasters"]:
        del entry["files"]
        entry["fingerprint"] = legacy_fingerprint(source)
    (folder / "tiles.json").write_text(json.dumps(manifest))
    assert cut_tiles([source], folder, OPTIONS).unchanged
    with rasterio.open(source, "r+") as dataset:
        dataset.write(np.zeros((3, 10, 10), dtype=np.uint8), window=((0, 10), (0, 10)))
    with pytest.raises(OutputExistsError, match=r"region\.tif has changed"):
        cut_tiles([source], folder, OPTIONS)


@pytest.mark.parametrize("virtual", [False, True])
def test_of_a_mosaic_only_the_area_has_to_be_there(
    tmp_path: Path, folder: Path, virtual: bool
) -> None:
    mosaic = mosaics.vrt(tmp_path)
    (tmp_path / "parts" / "east.tif").unlink()
    at = to_lonlat(as_crs("EPSG:32633"), [390010, 390080, 390200], [5819990, 5819920, 5819920])
    options = TileOptions(ground_sizes_m=(36.0,), size_px=16, virtual=virtual)
    inside = (at[0][0], at[1][1], at[1][0], at[0][1])
    cut_tiles([str(mosaic)], folder, replace(options, bounds=inside))
    with TileSet.open(folder) as tiles:
        assert len(tiles) > 4
        assert all((tiles.read(i) == 60).all() for i in range(len(tiles)))
    across = (at[0][0], at[1][1], at[2][0], at[0][1])
    with pytest.raises(RasterError, match=r"east\.tif is missing"):
        cut_tiles([str(mosaic)], tmp_path / "more", replace(options, bounds=across))
