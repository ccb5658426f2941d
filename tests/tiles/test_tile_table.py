"""The table of tiles at rest: which rows it finds by place, and how little of it is read."""

from __future__ import annotations

import pickle
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from pyarrow import parquet

from geoloc.errors import ShortWriteError, TilesError
from geoloc.geometry.crs import LocalFrame, LonLat, distances_m
from geoloc.geometry.longitude import bounds_of
from geoloc.tiles import parquet_rows
from geoloc.tiles.parquet_rows import ParquetRows
from geoloc.tiles.table_files import write_rows, write_table
from geoloc.tiles.tile_set import TILE_COLUMNS
from geoloc.tiles.tile_table import TileRecords, TileTable
from tests.fixtures.tile_tables import table_of

SIDE_M = 160.0


def frame_at(
    lon: float, lat: float, *, columns: int = 12, rows: int = 10
) -> geopandas.GeoDataFrame:
    """A grid of half-overlapping tiles around a place, every third of another raster and size."""
    local = LocalFrame(LonLat(lon, lat))
    xs, ys = np.meshgrid(np.arange(columns) - columns / 2, np.arange(rows) - rows / 2)
    middles_m = np.stack([xs.ravel(), ys.ravel()], axis=1) * SIDE_M / 2
    count = len(middles_m)
    sides_m = np.where(np.arange(count) % 3 == 0, 2 * SIDE_M, SIDE_M)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    outlines = []
    for middle, side_m in zip(middles_m, sides_m, strict=True):
        ring = local.to_lonlat(middle + corners * side_m)
        ring[:, 0] = ring[0, 0] + (ring[:, 0] - ring[0, 0] + 180) % 360 - 180
        outlines.append(shapely.Polygon(ring))
    centres = local.to_lonlat(middles_m)
    values: dict[str, object] = {name: [0.0] * count for name in TILE_COLUMNS}
    values |= {name: [0] * count for name in ("row", "col")}
    values |= {
        "tile_id": [f"tile_{i}" for i in range(count)],
        "location": [f"pixels/{i}.tif" for i in range(count)],
        "crs": ["EPSG:4326"] * count,
        "transform": [[1.0, 0.0, float(i), 0.0, -1.0, 0.0] for i in range(count)],
        "raster": [f"{'ab'[i % 2]}.tif" for i in range(count)],
        "ground_size_m": sides_m,
        "gsd_m": sides_m / 320,
        "lon": centres[:, 0],
        "lat": centres[:, 1],
        "stretch": [""] * count,
    }
    return geopandas.GeoDataFrame(values, geometry=outlines, crs="EPSG:4326")


@pytest.fixture
def frame() -> geopandas.GeoDataFrame:
    return frame_at(14.2, 52.4)


@pytest.fixture
def at_rest(
    frame: geopandas.GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ParquetRows:
    """Its rows, in many small row groups."""
    monkeypatch.setattr("geoloc.tiles.table_files.GROUP_ROWS", 7)
    monkeypatch.setattr("geoloc.tiles.tile_table._BLOCK_ROWS", 11)
    write_table(tmp_path, frame)
    return ParquetRows(tmp_path / "tiles.parquet")


def test_rows_are_read_in_the_order_that_is_asked_for(
    frame: geopandas.GeoDataFrame, at_rest: ParquetRows
) -> None:
    table, rows = TileTable(at_rest), [100, 3, 3, 119, 0, 57]
    taken = table.take(rows)
    assert taken["tile_id"].tolist() == frame["tile_id"].iloc[rows].tolist()
    assert taken.geometry.to_numpy().tolist() == frame.geometry.to_numpy()[rows].tolist()
    assert [list(each) for each in taken["transform"]] == frame["transform"].iloc[rows].tolist()
    assert table.frame()["tile_id"].tolist() == frame["tile_id"].tolist()
    assert list(table.column("location")) == frame["location"].tolist()
    assert len(table.take([])) == 0


def test_a_file_of_one_row_group_is_read_the_same(
    frame: geopandas.GeoDataFrame, tmp_path: Path
) -> None:
    frame.to_parquet(tmp_path / "old.parquet", write_covering_bbox=True, schema_version="1.1.0")
    table = TileTable(ParquetRows(tmp_path / "old.parquet"))
    assert table.take([9, 2])["tile_id"].tolist() == ["tile_9", "tile_2"]
    assert table.ground_sizes_m == [SIDE_M, 2 * SIDE_M]


def test_places_are_at_hand_without_reading_footprints(
    frame: geopandas.GeoDataFrame, at_rest: ParquetRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = parquet.ParquetFile.read_row_group

    def noted(self: object, group: int, columns: list[str]) -> object:
        read.extend(columns)
        return original(self, group, columns=columns)

    monkeypatch.setattr(parquet.ParquetFile, "read_row_group", noted)
    table = TileTable(at_rest)
    assert set(read) == {"lon", "lat", "ground_size_m", "gsd_m", "raster"}
    np.testing.assert_array_equal(table.lon, frame["lon"])
    np.testing.assert_array_equal(table.gsd_m, frame["gsd_m"])
    assert table.count_of(["b.tif"]) == 60
    assert table.rows_of("b.tif").tolist() == list(range(1, 120, 2))
    assert table.finest_rows().tolist() == np.flatnonzero(np.arange(120) % 3 > 0).tolist()
    assert table.finest_rows(4).tolist() == [1, 2]


def test_one_place_reads_few_row_groups(
    at_rest: ParquetRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, read = TileTable(at_rest), []
    original = parquet.ParquetFile.read_row_group

    def noted(self: object, group: int, columns: list[str]) -> object:
        read.append(group)
        return original(self, group, columns=columns)

    monkeypatch.setattr(parquet.ParquetFile, "read_row_group", noted)
    assert len(table.rows_at(float(table.lon[0]), float(table.lat[0])))
    assert len(set(read)) < 8 < len(at_rest) / 7


@pytest.mark.parametrize("lonlat", [(14.2, 52.4), (180.0, -16.8), (-179.999, 71.0), (3.0, 0.0)])
def test_rows_near_a_place_are_those_that_footprints_and_distances_tell(
    lonlat: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geoloc.tiles.tile_table._BLOCK_ROWS", 11)
    frame = frame_at(*lonlat)
    table = table_of(frame)
    tree = shapely.STRtree(frame.geometry.to_numpy())
    for number in (0, 31, 66, 119):
        lon, lat = frame["lon"][number] + 2e-4, frame["lat"][number] - 1e-4
        away = distances_m(lon, lat, frame["lon"], frame["lat"])
        for distance_m in (10.0, 300.0):
            expected = np.flatnonzero(away <= distance_m + 0.71 * frame["ground_size_m"])
            found = table.rows_within(lon, lat, distance_m, sides=0.71)
            assert found.tolist() == expected.tolist()
        points = shapely.points([lon, lon + 360, lon - 360], lat)
        expected = np.unique(tree.query(points, predicate="intersects")[1])
        assert table.rows_at(lon, lat).tolist() == expected.tolist()
        assert len(expected)


def test_nothing_is_found_away_from_the_map(frame: geopandas.GeoDataFrame) -> None:
    table = table_of(frame)
    assert len(table.rows_at(15.0, 52.4)) == len(table.rows_within(14.2, -52.4, 1000.0)) == 0
    assert len(table.rows_within(0.0, 89.999, 1e7)) == len(frame)


def test_row_groups_are_bounded(frame: geopandas.GeoDataFrame, at_rest: ParquetRows) -> None:
    assert parquet_rows.GROUP_ROWS <= 8192
    assert at_rest._file.metadata.num_row_groups == -(-len(frame) // 7)


def test_rows_are_the_same_in_memory_and_at_rest(
    frame: geopandas.GeoDataFrame, at_rest: ParquetRows
) -> None:
    ours = TileRecords(table_of(frame), TILE_COLUMNS)
    theirs = TileRecords(TileTable(at_rest), TILE_COLUMNS)
    for i in (0, 7, 119):
        assert ours[i] == theirs[i]
        assert ours[i]["tile_id"] == f"tile_{i}"
        assert not any(isinstance(value, np.generic) for value in theirs[i].values())
    assert [row["tile_id"] for row in theirs.of("b.tif")] == [f"tile_{i}" for i in range(1, 120, 2)]


def test_rasters_of_windows_are_those_that_tiles_lie_at(frame: geopandas.GeoDataFrame) -> None:
    frame["location"] = frame["location"].where(frame["raster"] == "a.tif", frame["raster"])
    assert TileRecords(table_of(frame), TILE_COLUMNS).rasters_of_windows() == {"b.tif"}


def test_some_rows_are_a_table_of_their_own(at_rest: ParquetRows) -> None:
    some = TileTable(at_rest).subset([50, 3])
    assert list(some.column("tile_id")) == ["tile_50", "tile_3"]
    assert some.rasters == ("a.tif", "b.tif")
    assert [str(shape) for shape in some.footprints([1])] == [
        str(shape) for shape in TileTable(at_rest).footprints([3])
    ]


def test_a_part_of_the_rows_comes_at_a_time(at_rest: ParquetRows) -> None:
    table, wanted = TileTable(at_rest), np.arange(1, 118, 3)
    for rows, expected in ((None, np.arange(120)), (wanted, wanted)):
        parts = list(table.parts(["tile_id"], rows))
        assert max(len(some) for some, _ in parts) <= 11
        assert np.concatenate([some for some, _ in parts]).tolist() == expected.tolist()
        names = [name for _, part in parts for name in part["tile_id"].to_pylist()]
        assert names == [f"tile_{row}" for row in expected]


@pytest.mark.parametrize(("west", "bounds"), [(14.2, "14"), (180.0, "179.99"), (-180.0, "179.99")])
def test_bounds_are_those_of_all_footprints_at_once(
    west: float, bounds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geoloc.tiles.tile_table._BLOCK_ROWS", 7)
    frame = frame_at(west, 52.4)
    expected = bounds_of(frame.geometry.to_numpy())
    assert table_of(frame).bounds() == pytest.approx(expected, abs=1e-9)
    assert str(expected.west).startswith(bounds)


def test_a_table_at_rest_is_written_as_one_in_memory(
    frame: geopandas.GeoDataFrame, at_rest: ParquetRows, tmp_path: Path
) -> None:
    write_rows(tmp_path, at_rest, name="again.parquet")
    whole = (tmp_path / "tiles.parquet").read_bytes()
    assert (tmp_path / "again.parquet").read_bytes() == whole
    # Tables of before, whose columns were of other kinds.
    frame.to_parquet(tmp_path / "old.parquet", write_covering_bbox=True, schema_version="1.1.0")
    write_rows(tmp_path, ParquetRows(tmp_path / "old.parquet"), name="again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == whole
    assert len(geopandas.read_parquet(tmp_path / "again.parquet")) == len(frame)


def test_rows_that_were_written_short_are_no_success(
    at_rest: ParquetRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = parquet.ParquetWriter.write_table
    monkeypatch.setattr(parquet.ParquetWriter, "write_table", lambda w, t: write(w, t[1:]))
    with pytest.raises(ShortWriteError, match="102 of 120 tiles"):
        write_rows(tmp_path, at_rest, name="again.parquet")
    assert not (tmp_path / "again.parquet").exists()


def test_rows_can_be_read_in_another_process(at_rest: ParquetRows) -> None:
    there = pickle.loads(pickle.dumps(TileTable(at_rest)))
    assert there.records([5], ["tile_id"]) == [{"tile_id": "tile_5"}]


def test_a_table_that_is_damaged_in_the_middle_is_one_line(
    at_rest: ParquetRows, tmp_path: Path
) -> None:
    table, path = TileTable(at_rest), tmp_path / "tiles.parquet"
    data = bytearray(path.read_bytes())
    data[100 : len(data) // 2] = bytes(len(data) // 2 - 100)
    path.write_bytes(data)
    with pytest.raises(TilesError, match=r"tiles\.parquet is damaged .*--overwrite"):
        list(table.column("location"))
