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
from geoloc.index import lance_writing
from geoloc.index.job import build_index
from geoloc.index.lance_store import LanceRows, LanceStore
from geoloc.index.map_index import MapIndex
from geoloc.index.removal import remove_rasters
from geoloc.progress import Silent
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import options_for, write_map, write_tiles
from tests.fixtures.object_store import object_store
from tests.fixtures.progress import RecordedProgress
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
    version = lance_writing.write_dataset(address, tiles, vectors)
    version = lance_writing.write_dataset(address, tiles, vectors, behind=version)
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
    served = lance_writing.write_dataset(address, rows_of(frame[:50]), vectors[:50])
    lance_writing.write_dataset(address, rows_of(frame[50:60]), vectors[50:60], behind=served)
    again = lance_writing.write_dataset(address, rows_of(frame[50:]), vectors[50:], behind=served)
    rows = LanceRows(address, again)
    assert rows.read(np.arange(120), ["tile_id"])["tile_id"].to_pylist() == list(frame["tile_id"])
    assert len(LanceRows(address, served)) == 50


def test_rows_that_are_taken_out_leave_the_others_in_their_order(tmp_path: Path) -> None:
    frame, address = frame_at(14.2, 52.4), str(tmp_path / "map.lance")
    frame["raster"] = ["o'hara.tif"] * 5 + ["b.tif"] * 60 + ["c.tif"] * 55
    vectors = np.random.default_rng(0).normal(size=(120, 8)).astype(np.float16)
    first = lance_writing.write_dataset(address, rows_of(frame[:50]), vectors[:50])
    served = lance_writing.write_dataset(address, rows_of(frame[50:]), vectors[50:], behind=first)
    lance_writing.remove_from_dataset(address, ["c.tif"], version=served)  # by a run that is killed
    version = lance_writing.remove_from_dataset(address, ["o'hara.tif"], version=served)
    rows = LanceRows(address, version)
    left = frame[5:]
    assert rows.read(np.arange(115), ["tile_id"])["tile_id"].to_pylist() == list(left["tile_id"])
    np.testing.assert_array_equal(LanceStore(rows).vectors(np.arange(115)), vectors[5:])
    box = shapely.box(14.199, 52.3995, 14.2015, 52.4005)
    expected = np.flatnonzero(shapely.intersects(left.geometry.to_numpy(), box))
    assert rows.touching([box]).tolist() == expected.tolist() != []
    assert len(LanceRows(address, served)) == 120


def test_old_versions_are_removed_but_for_the_last_and_those_with_a_tag(tmp_path: Path) -> None:
    frame, address = frame_at(14.2, 52.4), str(tmp_path / "map.lance")
    vectors, versions = np.eye(120, 8, dtype=np.float16), list[int]()
    for start in range(0, 120, 30):
        some = slice(start, start + 30)
        behind = versions[-1] if versions else None
        version = lance_writing.write_dataset(
            address, rows_of(frame[some]), vectors[some], behind=behind
        )
        versions.append(version)
    lance.dataset(address).tags.create("mine", versions[0])
    size = folder_size(tmp_path)
    lance_writing.drop_versions(address, but=versions[2:])
    assert {each["version"] for each in lance.dataset(address).versions()} == {
        versions[0],
        *versions[2:],
    }
    assert folder_size(tmp_path) < size
    assert [len(LanceRows(address, version)) for version in versions[2:]] == [90, 120]
    with pytest.raises(IndexFolderError):
        LanceRows(address, versions[1])


def folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_each_change_leaves_two_versions_and_the_reader_of_the_last_one_its_own(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    folder, options = tmp_path / "index", options_for(model, store="lance")
    east = write_tiles(
        tmp_path / "east", write_map(tmp_path / "east.tif", columns=2, rows=2, east_m=500)
    )
    build_index(tiles, folder, options)
    build_index(east, folder, replace(options, append=True))
    opened = MapIndex.open(folder)
    assert remove_rasters(folder, ["east.tif"], options, Silent()) == 4
    manifest = MapIndex.open(folder).manifest
    there = {each["version"] for each in lance.dataset(str(folder / "tiles.lance")).versions()}
    assert there == {opened.manifest.store_version, manifest.store_version}
    assert len(opened.store.vectors(np.arange(20))) == len(list(opened.tiles.column("crs"))) == 20
    build_index(tiles, folder, replace(options, overwrite=True))
    assert len(lance.dataset(str(folder / "tiles.lance")).versions()) == 2
    assert len(MapIndex.open(folder).store) == 16


def test_versions_that_cannot_be_removed_are_a_warning(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(13, "not allowed")

    monkeypatch.setattr(lance_writing, "drop_versions", refuse)
    progress = RecordedProgress()
    options = options_for(model, store="lance")
    assert build_index(tiles, tmp_path / "index", options, progress=progress).added == 16
    assert [text for text in progress.warnings if "old versions of" in text]


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
        for _ in range(2):
            build_index(tiles, tmp_path / "index", replace(options, overwrite=True))
        assert len(lance.dataset(options.store).versions()) == 2
        assert len(MapIndex.open(tmp_path / "index").store) == 16
    with pytest.raises(IndexFolderError, match=r"s3://maps/region\.lance"):
        MapIndex.open(tmp_path / "index")
