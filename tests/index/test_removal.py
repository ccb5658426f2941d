"""Rasters are taken out of an index: what is left is the index that was built without them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.index import job, removal
from geoloc.index.features import signatures
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.tiles import tile_table
from tests.fixtures.indexes import (
    BatchTeller,
    folder_bytes,
    options_for,
    write_map,
    write_tiles,
)

FAR_M = 30_000.0


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "Embedder", BatchTeller)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """Indexes of two sheets that overlap and a third far off, and of all but the second."""
    folder = tmp_path_factory.mktemp("sheets")
    west = write_map(folder / "west.tif", columns=2, rows=2)
    east = write_map(folder / "east.tif", columns=2, rows=2, east_m=60)
    far = write_map(folder / "far.tif", columns=2, rows=1, east_m=FAR_M)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "Embedder", BatchTeller)
        for name, sheets in (("all", (west, east, far)), ("rest", (west, far))):
            write_tiles(folder / "tiles" / name, *sheets)
            build_index(folder / "tiles" / name, folder / name, options_for(model, features=True))
    return folder


@pytest.fixture
def index(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built / "all", built / tmp_path.name))


def remove(index: Path, *rasters: str | Path) -> Result:
    named = [part for raster in rasters for part in ("--remove", str(raster))]
    return CliRunner().invoke(cli, ["index", "-o", str(index), *named])


def features_of(folder: Path) -> FeatureMap:
    features = MapIndex.open(folder).open_features()
    assert features is not None
    return features


def test_what_is_left_is_the_index_of_the_rest(built: Path, index: Path) -> None:
    done = remove(index, built / "east.tif")
    assert (done.exit_code, done.output) == (0, f"{index}: 4 tiles removed\n")
    left, rest = MapIndex.open(index), MapIndex.open(built / "rest")
    assert len(left.tiles) == len(rest.tiles) == 6
    rows = np.arange(6)
    assert list(left.tiles.column("tile_id")) == list(rest.tiles.column("tile_id"))
    np.testing.assert_array_equal(left.store.vectors(rows), rest.store.vectors(rows))
    a, b = features_of(index), features_of(built / "rest")
    assert a.regions == b.regions
    assert [e.seal for e in a.manifest.blocks] == [e.seal for e in b.manifest.blocks]
    assert left.manifest.bounds == rest.manifest.bounds
    assert [entry.location for entry in left.manifest.rasters] == [
        entry.location for entry in rest.manifest.rasters
    ]
    assert len(list(index.iterdir())) == 4


def test_no_pixels_are_asked_for_and_blocks_that_it_did_not_touch_stay(
    built: Path, index: Path
) -> None:
    before = features_of(index)
    far, *_ = [e for e in before.manifest.blocks if "far.tif" in e.parts[0].raster]
    inode = far.path(before.folder).stat().st_ino
    assert remove(index, "east.tif").exit_code == 0
    assert far.path(features_of(index).folder).stat().st_ino == inode


def test_only_tiles_on_ground_that_changed_are_signed_again(
    built: Path, index: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed: list[int] = []
    whole = signatures.sign
    monkeypatch.setattr(signatures, "sign", lambda vectors: signed.append(1) or whole(vectors))
    assert remove(index, "east.tif").exit_code == 0
    assert len(signed) == 4  # of west.tif, beside which it lay, and not those far off
    after = np.load(features_of(index).folder / "signatures.npy")
    np.testing.assert_array_equal(
        after, np.load(features_of(built / "rest").folder / "signatures.npy")
    )
    signed.clear()
    options = options_for(model, features=True, append=True)
    assert build_index(built / "tiles" / "all", index, options).added == 4
    assert len(signed) == 8


def test_a_raster_that_was_removed_can_be_added_again(
    built: Path, index: Path, model: Path
) -> None:
    assert remove(index, "far.tif").exit_code == 0
    options = options_for(model, features=True, append=True)
    assert build_index(built / "tiles" / "all", index, options).added == 2
    assert len(features_of(index)) == len(features_of(built / "all"))


@pytest.mark.parametrize(
    ("rasters", "reason"),
    [
        (("north.tif",), "holds no raster 'north.tif'"),
        (("east.tif", "west.tif", "far.tif"), "holds nothing but"),
    ],
)
def test_what_cannot_be_removed_is_refused_in_one_line(
    index: Path, rasters: tuple[str, ...], reason: str
) -> None:
    before = folder_bytes(index)
    done = remove(index, *rasters)
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert reason in done.output
    assert folder_bytes(index) == before


def test_removing_works_on_an_index_alone(built: Path, index: Path) -> None:
    done = CliRunner().invoke(
        cli, ["index", str(built / "tiles" / "all"), "-o", str(index), "--remove", "far.tif"]
    )
    assert done.exit_code == 2
    assert "leave out TILES" in done.output


def test_what_is_left_of_a_dataset_is_the_index_of_the_rest(built: Path, model: Path) -> None:
    pytest.importorskip("lance", reason="the extra lance is not installed")
    index = built / "dataset"
    build_index(built / "tiles" / "all", index, options_for(model, features=True, store="lance"))
    vectors = MapIndex.open(index).store.vectors(np.array([0, 1, 2, 3, 8, 9]))
    done = remove(index, built / "east.tif")
    assert (done.exit_code, done.output) == (0, f"{index}: 4 tiles removed\n")
    left, rest = MapIndex.open(index), MapIndex.open(built / "rest")
    assert list(left.tiles.column("tile_id")) == list(rest.tiles.column("tile_id"))
    np.testing.assert_array_equal(left.store.vectors(np.arange(6)), vectors)
    folders = [features_of(folder).folder for folder in (index, built / "rest")]
    np.testing.assert_array_equal(*(np.load(folder / "signatures.npy") for folder in folders))
    assert left.manifest.bounds == rest.manifest.bounds
    options = options_for(model, features=True, store="lance", append=True)
    assert build_index(built / "tiles" / "all", index, options).added == 4
    assert len(MapIndex.open(index).store) == 10


def test_a_removal_that_fails_leaves_the_index_and_goes_through_the_next_time(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(index))

    before = folder_bytes(index)
    for name in ("write_store", "write_rows", "write_signatures"):
        with monkeypatch.context() as patch:
            patch.setattr(removal, name, fail)
            assert remove(index, "east.tif").exit_code == 2
        assert len(MapIndex.open(index).tiles) == 10
        assert before.items() <= folder_bytes(index).items()
    assert remove(index, "east.tif").exit_code == 0
    assert len(MapIndex.open(index).tiles) == 6
    assert len(list(index.iterdir())) == 4


def test_the_table_of_tiles_is_never_in_memory_as_a_whole(
    built: Path, index: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = features_of(index)
    monkeypatch.setattr(tile_table, "_frame", None)
    monkeypatch.setattr(tile_table, "_BLOCK_ROWS", 3)
    assert remove(index, "far.tif").exit_code == 0
    options = options_for(model, features=True, append=True)
    assert build_index(built / "tiles" / "all", index, options).added == 2
    after = features_of(index)
    assert [e.seal for e in after.manifest.blocks] == [e.seal for e in before.manifest.blocks]
    assert after.regions == before.regions
