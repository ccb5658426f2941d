"""An index that is added to or replaced serves until its successor is whole, whatever happens."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import geopandas
import numpy as np
import pytest
from scipy.spatial import cKDTree

from geoloc.errors import IndexFolderError, OutputExistsError, TilesError
from geoloc.geometry.crs import transformer
from geoloc.index import job, stores, writing
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from tests.fixtures.indexes import (
    BatchTeller,
    folder_bytes,
    options_for,
    write_map,
    write_tiles,
)
from tests.fixtures.killing import STEPS, run_killed_at
from tests.fixtures.progress import RecordedProgress

FAR_M = 3000.0
# Where the second of four columns of tiles ends.
SEAM_M = 500_096.0


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "Embedder", BatchTeller)


@pytest.fixture
def town(tmp_path: Path, model: Path) -> Path:
    """Tiles ``north`` and, far from them, ``south``; and an index of the first."""
    write_tiles(tmp_path / "north", write_map(tmp_path / "n.tif", columns=2, rows=2))
    write_tiles(tmp_path / "south", write_map(tmp_path / "s.tif", columns=2, rows=1, east_m=FAR_M))
    build_index(tmp_path / "north", tmp_path / "index", options_for(model))
    return tmp_path


def found_by_itself(folder: Path) -> list[str]:
    """The tiles of an index, each of which its own vector finds."""
    index = MapIndex.open(folder)
    rows = np.arange(len(index.tiles))
    found = index.search(index.store.vectors(rows).astype(np.float32), 1)
    np.testing.assert_allclose(found.scores[:, 0], 1, atol=1e-2)
    assert len(rows) == len(index.tiles)
    return list(index.tiles.frame()["tile_id"])


def features_of(folder: Path) -> FeatureMap:
    features = MapIndex.open(folder).open_features()
    assert features is not None
    return features


def feature_files(folder: Path) -> dict[str, bytes]:
    """What an index holds of features, but for the digest of its tiles."""
    files = folder_bytes(features_of(folder).folder)
    return {name: data for name, data in files.items() if name != "features.json"}


def test_tiles_are_added_where_the_old_ones_are_gone(model: Path, tmp_path: Path) -> None:
    north = write_map(tmp_path / "n.tif", columns=2, rows=2)
    south = write_map(tmp_path / "s.tif", columns=2, rows=1, east_m=FAR_M)
    build_index(
        write_tiles(tmp_path / "all", north, south),
        tmp_path / "once",
        options_for(model, features=True),
    )
    build_index(
        write_tiles(tmp_path / "north", north),
        tmp_path / "here",
        options_for(model, features=True),
    )
    shutil.rmtree(tmp_path / "north")
    grown = Path(shutil.copytree(tmp_path / "here", tmp_path / "elsewhere" / "index"))
    more = write_tiles(tmp_path / "south", south)
    assert build_index(more, grown, options_for(model, features=True, append=True)).added == 2
    assert found_by_itself(grown) == found_by_itself(tmp_path / "once")
    assert feature_files(grown) == feature_files(tmp_path / "once")
    assert sorted(path.name for path in grown.iterdir()) == [
        "features.2",
        "index.json",
        "tiles.2.parquet",
        "vectors.2.faiss",
    ]


def test_features_move_into_the_frame_of_the_larger_region(model: Path, tmp_path: Path) -> None:
    west = write_map(tmp_path / "w.tif", columns=2, rows=2)
    east = write_map(tmp_path / "e.tif", columns=2, rows=2, east_m=90)
    for name, rasters in (("once", (west, east)), ("index", (west,)), ("more", (east,))):
        write_tiles(tmp_path / "tiles" / name, *rasters)
    for name in ("once", "index"):
        build_index(tmp_path / "tiles" / name, tmp_path / name, options_for(model, features=True))
    options = options_for(model, features=True, append=True)
    build_index(tmp_path / "tiles" / "more", tmp_path / "index", options)
    once, grown = features_of(tmp_path / "once"), features_of(tmp_path / "index")
    assert once.regions == grown.regions
    assert len(once) == len(grown) > 100
    _, partner = cKDTree(_facts(grown)).query(_facts(once))
    assert len(set(partner.tolist())) == len(once)
    np.testing.assert_allclose(_facts(once), _facts(grown)[partner], atol=0.01)
    np.testing.assert_array_equal(once.read().descriptors, grown.descriptors(partner))


def _facts(features: FeatureMap) -> np.ndarray:
    """Place, size and direction of every feature; a hundredth of a degree is about 0.01."""
    found = features.read()
    turn = np.radians(found.angle_deg)
    place = np.column_stack([found.xy_m, found.size_m])
    return np.column_stack([place, 50 * np.cos(turn), 50 * np.sin(turn)])


def test_a_raster_that_grew_has_each_ground_once(model: Path, tmp_path: Path) -> None:
    raster = write_map(tmp_path / "r.tif", columns=4, rows=2)
    for name, columns in (("once", range(4)), ("index", range(2)), ("more", range(2, 4))):
        _keep_columns(write_tiles(tmp_path / "tiles" / name, raster), columns)
    for name in ("once", "index"):
        build_index(tmp_path / "tiles" / name, tmp_path / name, options_for(model, features=True))
    before = len(features_of(tmp_path / "index"))
    options = options_for(model, features=True, append=True)
    build_index(tmp_path / "tiles" / "more", tmp_path / "index", options)
    once, grown = features_of(tmp_path / "once"), features_of(tmp_path / "index")
    a, b = _easting_m(once), _easting_m(grown)
    # What the old tiles see stays theirs, and the new ones have the rest, as from the beginning.
    assert (b < SEAM_M).sum() == before
    assert (b > SEAM_M + 0.01).sum() == (a > SEAM_M + 0.01).sum() > 50
    assert cKDTree(_facts(grown)).query(_facts(grown), 2)[0][:, 1].min() > 0.01


def _easting_m(features: FeatureMap) -> np.ndarray:
    lonlat = features.regions[0].frame.to_lonlat(features.read().xy_m)
    return np.asarray(transformer(4326, 32633).transform(*lonlat.T)[0])


def _keep_columns(tiles: Path, columns: range) -> None:
    """Leave some columns of the tiles, under a digest of their own."""
    path, manifest = tiles / "tiles.parquet", tiles / "tiles.json"
    table = geopandas.read_parquet(path)
    table[table["col"].isin(columns)].reset_index(drop=True).to_parquet(path)
    digest = f'"digest": "{columns.start}{columns.stop}'
    manifest.write_text(manifest.read_text().replace('"digest": "', digest))


def test_a_failed_append_leaves_the_index_as_it_was(
    town: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = options_for(model, append=True)

    def fail(*_: object, **__: object) -> None:
        raise TilesError("gone")

    for name in ("write_store", "write_rows", "_manifest"):
        monkeypatch.setattr(writing, name, fail)
        with pytest.raises(TilesError, match="gone"):
            build_index(town / "south", town / "index", options)
        monkeypatch.undo()
        monkeypatch.setattr(job, "Embedder", BatchTeller)
        assert len(found_by_itself(town / "index")) == 4
    assert build_index(town / "south", town / "index", options).tiles == 6
    assert len(found_by_itself(town / "index")) == 6


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"append": True}, {"overwrite": True}])
def test_the_old_index_serves_until_the_new_one_is_whole(
    town: Path, model: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, bool]
) -> None:
    options, folder = options_for(model, **change), town / "killed"
    shutil.copytree(town / "index", town / "whole")
    build_index(town / "south", town / "whole", options)
    old, new = found_by_itself(town / "index"), found_by_itself(town / "whole")
    for step in STEPS:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(town / "index", folder)
        run = lambda: build_index(town / "south", folder, options)  # noqa: E731
        ended = run_killed_at(step, run, monkeypatch)
        assert found_by_itself(folder) in (old, new), step
        if not (folder / "index.partial.json").exists() and found_by_itself(folder) == new:
            return  # but for its lock, it had ended
        run()
        assert folder_bytes(folder) == folder_bytes(town / "whole"), step
        assert not ended
    pytest.fail("the run never ended")


def test_a_reader_keeps_the_index_that_it_opened(town: Path, model: Path) -> None:
    opened = MapIndex.open(town / "index")
    before = opened.store.vectors(np.arange(4)).copy()
    build_index(town / "south", town / "index", options_for(model, overwrite=True))
    assert len(MapIndex.open(town / "index").tiles) == 2
    assert len(opened.tiles) == 4
    np.testing.assert_array_equal(opened.store.vectors(np.arange(4)), before)


def test_an_index_that_is_replaced_while_it_is_opened_is_opened_anew(
    town: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stores.FaissStore

    class Late:
        """Opens the vectors when another run has just swept them."""

        @staticmethod
        def open(folder: Path, *, name: str) -> object:
            monkeypatch.setattr(stores, "FaissStore", store)
            build_index(town / "south", town / "index", options_for(model, append=True))
            return store.open(folder, name=name)

    monkeypatch.setattr(stores, "FaissStore", Late)
    index = MapIndex.open(town / "index")
    assert (len(index.tiles), len(index.store), index.manifest.count) == (6, 6, 6)


def test_features_of_an_index_that_was_replaced_meanwhile_are_told(model: Path, town: Path) -> None:
    options = options_for(model, features=True, overwrite=True)
    build_index(town / "south", town / "index", options)
    opened = MapIndex.open(town / "index")
    build_index(town / "north", town / "index", options)
    with pytest.raises(IndexFolderError, match="replaced while it was being opened; run the same"):
        opened.open_features()


def test_other_tiles_may_be_added_when_an_append_was_given_up(
    town: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, listener = options_for(model, append=True), RecordedProgress()
    run = lambda: build_index(town / "south", town / "index", options)  # noqa: E731
    assert not run_killed_at(4, run, monkeypatch)
    shutil.rmtree(town / "south")
    other = write_tiles(town / "other", write_map(town / "o.tif", columns=1, rows=1, east_m=900))
    assert build_index(other, town / "index", options, progress=listener).tiles == 5
    assert [line.split(" left in")[0] for line in listener.warnings[:1]] == [
        "what an unfinished run of other tiles"
    ]


def test_a_replacement_that_was_begun_goes_on_with_the_same_command_only(
    town: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = options_for(model, overwrite=True)
    run = lambda: build_index(town / "south", town / "index", options)  # noqa: E731
    assert not run_killed_at(4, run, monkeypatch)
    stamp = (town / "index" / "parts" / "000000.npz").stat().st_mtime_ns
    assert build_index(town / "north", town / "index", options_for(model)).added == 0
    assert (town / "index" / "parts" / "000000.npz").stat().st_mtime_ns == stamp
    with pytest.raises(OutputExistsError, match="other tiles"):
        build_index(
            write_tiles(town / "x", write_map(town / "x.tif", columns=1, rows=1)),
            town / "index",
            options_for(model),
        )
    assert run().tiles == 2


_RUN = """
import sys
from geoloc.index import job
from geoloc.index.job import build_index
from tests.fixtures.indexes import BatchTeller, options_for
job.Embedder = BatchTeller
print("ready", flush=True)
sys.stdin.readline()
build_index(sys.argv[1], sys.argv[2], options_for(sys.argv[3], features=True, append=True))
"""


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_an_index_that_serves(
    model: Path, tmp_path: Path
) -> None:
    write_tiles(tmp_path / "north", write_map(tmp_path / "n.tif", columns=2, rows=2))
    write_tiles(tmp_path / "south", write_map(tmp_path / "s.tif", columns=2, rows=1, east_m=90))
    build_index(tmp_path / "north", tmp_path / "index", options_for(model, features=True))
    old, moments = found_by_itself(tmp_path / "index"), np.random.default_rng(5)
    arguments = [sys.executable, "-c", _RUN, tmp_path / "south", tmp_path / "index", model]
    for _ in range(2):
        with subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            process.stdout.readline()
            process.stdin.write("go\n")
            process.stdin.flush()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=moments.uniform(0, 0.6))
            process.kill()
        features = features_of(tmp_path / "index")
        assert len(found_by_itself(tmp_path / "index")) in (len(old), 6)
        assert len(features) > 0
    options = options_for(model, features=True, append=True)
    build_index(tmp_path / "south", tmp_path / "index", options)
    assert len(found_by_itself(tmp_path / "index")) == 6
    assert len(list((tmp_path / "index").iterdir())) == 4
