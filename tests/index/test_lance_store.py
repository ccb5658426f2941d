"""The Lance store: the same answers as FAISS's files, filtered by place, in versions."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely

from geoloc.errors import DependencyError, IndexFolderError, OptionError, OutputExistsError
from geoloc.index import lance_store
from geoloc.index.job import build_index
from geoloc.index.lance_store import LanceRows
from geoloc.index.map_index import MapIndex
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import options_for, write_map, write_tiles
from tests.fixtures.object_store import object_store
from tests.fixtures.tile_tables import rows_of
from tests.tiles.test_tile_table import frame_at

lance = pytest.importorskip("lance", reason="the extra lance is not installed")


@pytest.fixture
def both(tiles: Path, model: Path, tmp_path: Path) -> tuple[MapIndex, MapIndex]:
    """One map in both stores."""
    for store in ("faiss", "lance"):
        build_index(tiles, tmp_path / store, options_for(model, store=store))
    return MapIndex.open(tmp_path / "faiss"), MapIndex.open(tmp_path / "lance")


def queries(index: MapIndex) -> np.ndarray:
    drawn = np.random.default_rng(3).normal(size=(5, index.store.dimension)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_answers_are_those_of_the_faiss_store(both: tuple[MapIndex, MapIndex]) -> None:
    files, dataset = both
    lon, lat = float(files.tiles.lon[5]), float(files.tiles.lat[5])
    near = [index.tiles.rows_within(lon, lat, 40.0, sides=0.71) for index in both]
    assert 0 < len(near[0]) < len(files.tiles) == len(dataset.tiles) == len(dataset.store)
    assert near[0].tolist() == near[1].tolist()
    for rows in (None, near[0]):
        found = [index.search(queries(index), 7, rows) for index in both]
        np.testing.assert_array_equal(found[0].rows, found[1].rows)
        np.testing.assert_array_equal(found[0].scores, found[1].scores)
    at = [index.tiles.rows_at(lon, lat).tolist() for index in both]
    assert at[0] == at[1] != []
    assert dataset.tiles.frame().equals(files.tiles.frame())
    rows = np.array([9, 2])
    np.testing.assert_array_equal(files.store.vectors(rows), dataset.store.vectors(rows))


def test_the_folder_holds_the_dataset_alone(both: tuple[MapIndex, MapIndex]) -> None:
    names = {path.name for path in both[1].folder.iterdir()}
    assert names >= {"index.json", "tiles.lance"}
    assert not names & {"vectors.faiss", "tiles.parquet", "parts"}
    assert '"store"' not in (both[0].folder / "index.json").read_text()


def test_an_area_is_filtered_by_the_rtree(tmp_path: Path) -> None:
    frame, address = frame_at(179.999, -16.8), str(tmp_path / "map.lance")
    tiles = rows_of(frame)
    vectors = np.eye(len(frame), 8, dtype=np.float16)
    version = lance_store.write_dataset(address, tiles, vectors)
    version = lance_store.write_dataset(address, tiles, vectors, behind=version)
    rows = LanceRows(address, version)
    box = shapely.box(179.9985, -16.801, 180.001, -16.7995)
    expected = np.flatnonzero(shapely.intersects(frame.geometry.to_numpy(), box))
    found = rows.touching([box])
    assert found.tolist() == [*expected, *(expected + len(frame))]
    assert 0 < len(expected) < len(frame)
    plan = rows._dataset.scanner(
        columns=[], filter=f"ST_Intersects(geometry, ST_GeomFromText('{box.wkt}'))"
    ).explain_plan()
    assert "RTree" in plan


def test_appending_adds_a_version_and_what_is_open_stays(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    options = options_for(model, store="lance")
    east = write_tiles(
        tmp_path / "east", write_map(tmp_path / "east.tif", columns=2, rows=2, east_m=500)
    )
    build_index(tiles, tmp_path / "index", options)
    before = MapIndex.open(tmp_path / "index")
    summary = build_index(east, tmp_path / "index", replace(options, append=True))
    after = MapIndex.open(tmp_path / "index")
    assert (summary.tiles, summary.added) == (20, 4)
    assert (len(before.store), len(after.store), len(after.tiles)) == (16, 20, 20)
    assert after.manifest.store_version > before.manifest.store_version
    ids = after.tiles.frame()["tile_id"].tolist()
    assert (
        ids
        == before.tiles.frame()["tile_id"].tolist() + TileSet.open(east).table["tile_id"].tolist()
    )
    rows = np.arange(16)
    np.testing.assert_array_equal(before.store.vectors(rows), after.store.vectors(rows))


def test_what_a_killed_run_has_appended_is_left_aside(tmp_path: Path) -> None:
    frame, address = frame_at(14.0, 52.0), str(tmp_path / "map.lance")
    vectors = np.random.default_rng(0).normal(size=(len(frame), 8)).astype(np.float16)
    served = lance_store.write_dataset(address, rows_of(frame[:50]), vectors[:50])
    lance_store.write_dataset(address, rows_of(frame[50:60]), vectors[50:60], behind=served)
    again = lance_store.write_dataset(address, rows_of(frame[50:]), vectors[50:], behind=served)
    rows = LanceRows(address, again)
    assert rows.read(np.arange(120), ["tile_id"])["tile_id"].to_pylist() == list(frame["tile_id"])
    assert len(LanceRows(address, served)) == 50


def test_another_store_is_another_index(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "index", options_for(model, store="lance"))
    with pytest.raises(OutputExistsError, match="its store is lance, not faiss"):
        build_index(tiles, tmp_path / "index", options_for(model))
    build_index(tiles, tmp_path / "index", options_for(model, overwrite=True))
    assert len(MapIndex.open(tmp_path / "index").store) == 16
    assert not (tmp_path / "index" / "tiles.lance").exists()
    build_index(tiles, tmp_path / "index", options_for(model, store="lance", overwrite=True))
    assert len(MapIndex.open(tmp_path / "index").store) == 16
    assert not list((tmp_path / "index").glob("vectors*"))


def test_a_dataset_that_is_gone_is_told(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "index", options_for(model, store="lance"))
    shutil.rmtree(tmp_path / "index" / "tiles.lance")
    with pytest.raises(IndexFolderError, match=r"tiles\.lance .*--overwrite"):
        MapIndex.open(tmp_path / "index")


def test_a_missing_package_is_one_line(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lance", None)
    with pytest.raises(DependencyError, match=r"pip install 'geoloc-cli\[lance\]'"):
        build_index(tiles, tmp_path / "index", options_for(model, store="lance"))
    assert not (tmp_path / "index" / "index.partial.json").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"store": "milvus"}, "expected faiss, lance, or the address"),
        ({"store": "lance", "factory": "HNSW32"}, "searches exactly"),
    ],
)
def test_a_wrong_store_is_refused_before_the_work(
    tiles: Path, model: Path, tmp_path: Path, changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(OptionError, match=reason):
        build_index(tiles, tmp_path / "index", options_for(model, **changes))


@pytest.mark.slow
def test_a_dataset_lies_on_an_object_store(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bucket").mkdir()
    build_index(tiles, tmp_path / "faiss", options_for(model))
    with object_store(tmp_path / "bucket", monkeypatch) as bucket:
        options = options_for(model, store=f"{bucket}/region.lance")
        build_index(tiles, tmp_path / "index", options)
        files, dataset = MapIndex.open(tmp_path / "faiss"), MapIndex.open(tmp_path / "index")
        rows = dataset.tiles.rows_within(float(files.tiles.lon[5]), float(files.tiles.lat[5]), 40.0)
        for among in (None, rows):
            found = [index.search(queries(index), 4, among) for index in (files, dataset)]
            np.testing.assert_array_equal(found[0].rows, found[1].rows)
        assert not (tmp_path / "index" / "tiles.lance").exists()
    with pytest.raises(IndexFolderError, match=r"s3://maps/region\.lance"):
        MapIndex.open(tmp_path / "index")
