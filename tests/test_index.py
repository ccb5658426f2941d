"""The index: what is built, how a run goes on, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pytest

from geoloc import indexing, tile_vectors
from geoloc.embed import Embedder
from geoloc.errors import (
    GeolocError,
    IndexFolderError,
    ModelError,
    OptionError,
    OutputExistsError,
    TilesError,
)
from geoloc.index import MapIndex, build_index, plan_index
from geoloc.index_manifest import IndexManifest
from geoloc.progress import Silent
from geoloc.tileset import TileSet
from tests.indexes import folder_bytes, options_for, write_map, write_model, write_tiles


class Listener(Silent):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def kept_tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    return write_tiles(folder / "tiles", write_map(folder / "region.tif"))


@pytest.fixture
def tiles(kept_tiles: Path, tmp_path: Path) -> Path:
    """16 tiles, free to be spoilt."""
    return Path(shutil.copytree(kept_tiles, tmp_path / "tiles"))


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_vectors, "SHARD_TILES", 6)


def _spoil(tiles: Path, row: int) -> str:
    """Damage the file of one tile; its name."""
    table = geopandas.read_parquet(tiles / "tiles.parquet")
    (tiles / table["location"].iloc[row]).write_bytes(b"not a tiff")
    return str(table["tile_id"].iloc[row])


def test_every_tile_is_found_by_its_own_pixels(tiles: Path, model: Path, tmp_path: Path) -> None:
    summary = build_index(tiles, tmp_path / "index", options_for(model))
    assert (summary.tiles, summary.added, summary.left_out) == (16, 16, 0)
    index, tile_set = MapIndex.open(tmp_path / "index"), TileSet.open(tiles)
    pixels = np.stack([tile_set.read(i) for i in range(16)])
    vectors = Embedder(model, device="cpu").embed(pixels, "satellite")
    found = index.search(vectors, 2)
    np.testing.assert_array_equal(found.rows[:, 0], np.arange(16))
    assert list(index.tiles["tile_id"]) == list(tile_set.table["tile_id"])
    assert index.search(vectors[:1], 1, np.array([3, 8])).rows[0, 0] in (3, 8)


def test_the_manifest_ties_the_index_to_model_and_tiles(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    manifest = IndexManifest.read(tmp_path / "index")
    assert manifest.recipe.tile_digests == (TileSet.open(tiles).digest(),)
    assert manifest.recipe.fingerprint == Embedder(model, device="cpu").fingerprint
    assert (manifest.count, manifest.size_px, manifest.crs) == (16, 64, ("EPSG:32633",))
    assert manifest.ground_sizes_m == (64.0,)
    west, south, east, north = manifest.bounds
    assert 14.9 < west < east < 15.1
    assert 52.3 < south < north < 52.4
    assert str(tmp_path) not in (tmp_path / "index" / "index.json").read_text()


def test_the_index_is_enough_when_the_tiles_are_gone(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    shutil.rmtree(tiles)
    index = MapIndex.open(tmp_path / "index")
    assert index.search(np.ones((1, 16), np.float32), 3).rows.shape == (1, 3)
    assert index.tiles.crs.to_epsg() == 4326
    assert index.card.name == "tiny"


def test_locations_are_relative_to_the_index(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "deep" / "index", options_for(model))
    table = MapIndex.open(tmp_path / "deep" / "index").tiles
    assert all((tmp_path / "deep" / "index" / place).is_file() for place in table["location"])


def test_virtual_tiles_make_the_same_vectors(model: Path, tmp_path: Path) -> None:
    raster = write_map(tmp_path / "region.tif")
    for name, virtual in (("real", False), ("virtual", True)):
        write_tiles(tmp_path / "tiles" / name, raster, virtual=virtual)
        build_index(tmp_path / "tiles" / name, tmp_path / name, options_for(model))
    real, virtual_ = ((tmp_path / n / "vectors.faiss").read_bytes() for n in ("real", "virtual"))
    assert real == virtual_


def test_a_finished_index_is_left_as_it_is(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    before = folder_bytes(tmp_path / "index")
    stamp = (tmp_path / "index" / "vectors.faiss").stat().st_mtime_ns
    assert build_index(tiles, tmp_path / "index", options_for(model)).added == 0
    assert folder_bytes(tmp_path / "index") == before
    assert (tmp_path / "index" / "vectors.faiss").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"factory": "HNSW8"}, "factory is SQfp16, not HNSW8"),
        ({"features": True}, "without local features"),
    ],
)
def test_other_options_are_refused_with_the_reason(
    tiles: Path, model: Path, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    with pytest.raises(OutputExistsError, match=reason):
        build_index(tiles, tmp_path / "index", options_for(model, **change))


def test_another_model_or_other_tiles_are_refused_until_overwrite(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    other = write_model(tmp_path / "other", name="other", seed=3)
    with pytest.raises(OutputExistsError, match=r"its model is tiny .*, not other"):
        build_index(tiles, tmp_path / "index", options_for(other))
    elsewhere = write_tiles(tmp_path / "more", write_map(tmp_path / "b.tif", columns=2))
    with pytest.raises(OutputExistsError, match="other tiles"):
        build_index(elsewhere, tmp_path / "index", options_for(model))
    done = build_index(elsewhere, tmp_path / "index", options_for(model, overwrite=True))
    assert done.tiles == 8


def test_overwriting_leaves_other_files_alone(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    (tmp_path / "index" / "notes.txt").write_text("mine")
    (tmp_path / "index" / "calibration.json").write_text("{}")
    build_index(tiles, tmp_path / "index", options_for(model, overwrite=True))
    assert (tmp_path / "index" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "index" / "calibration.json").exists()


def test_the_folder_of_tiles_is_no_place_for_an_index(tiles: Path, model: Path) -> None:
    before = folder_bytes(tiles)
    with pytest.raises(OptionError, match="holds tiles"):
        build_index(tiles, tiles, options_for(model))
    assert folder_bytes(tiles) == before


def test_a_wrong_factory_is_told_before_anything_is_written(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="--factory"):
        build_index(tiles, tmp_path / "index", options_for(model, factory="nonsense"))
    assert not (tmp_path / "index").exists()


def test_append_and_overwrite_contradict_each_other(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="--append"):
        build_index(tiles, tmp_path / "i", options_for(model, append=True, overwrite=True))


def test_bad_tiles_are_left_out_told_and_counted(tiles: Path, model: Path, tmp_path: Path) -> None:
    bad = [_spoil(tiles, row) for row in (0, 1, 7)]
    listener = Listener()
    options = options_for(model, features=True)
    summary = build_index(tiles, tmp_path / "index", options, progress=listener)
    assert (summary.tiles, summary.left_out, summary.is_complete) == (13, 3, False)
    assert [bad_id in line for bad_id, line in zip(bad, listener.warnings, strict=True)] == [
        True
    ] * 3
    assert set(MapIndex.open(tmp_path / "index").tiles["tile_id"]).isdisjoint(bad)


def test_tiles_that_are_not_the_models_are_told(tiles: Path, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other")
    card = (other / "model.toml").read_text()
    (other / "model.toml").write_text(card.replace("size_m = 64.0", "size_m = 20.0"))
    listener = Listener()
    build_index(tiles, tmp_path / "index", options_for(other), progress=listener)
    assert listener.warnings == [
        "the tiles are 64 m on the ground, tiny learnt from tiles of 20 m and will hardly know "
        f"these; cut others: geoloc tile --model {other}"
    ]


def test_many_bad_tiles_are_told_briefly(tiles: Path, model: Path, tmp_path: Path) -> None:
    for row in range(9):
        _spoil(tiles, row)
    listener = Listener()
    build_index(tiles, tmp_path / "index", options_for(model), progress=listener)
    assert len(listener.warnings) == 6
    assert "4 more" in listener.warnings[-1]


def test_not_one_readable_tile_is_an_error(tiles: Path, model: Path, tmp_path: Path) -> None:
    for row in range(16):
        _spoil(tiles, row)
    with pytest.raises(TilesError, match="not one of 16"):
        build_index(tiles, tmp_path / "index", options_for(model))


class Killed(BaseException):
    """Ends a run as a kill would: nobody catches it."""


def _run_killed_at(step: int, run: Callable[[], object], patch: pytest.MonkeyPatch) -> bool:
    """Run until just before the rename or removal number `step`; whether it ended before that."""
    count = 0

    def counted(original: Callable[..., None]) -> Callable[..., None]:
        def call(*args: object, **more: object) -> None:
            nonlocal count
            count += 1
            if count > step:
                raise Killed
            original(*args, **more)

        return call

    with patch.context() as inner:
        for name in ("replace", "unlink", "rmdir"):
            inner.setattr(os, name, counted(getattr(os, name)))
        try:
            run()
        except Killed:
            return False
    return True


class BatchTeller:
    """Stands in for an embedder, at once; a vector tells the tile and the batch that it was in."""

    batch_size = 4
    dimension = 16

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def shrink(self, image: np.ndarray) -> np.ndarray:
        return image[:8, :8]

    def embed(self, images: np.ndarray, view: str) -> np.ndarray:
        assert view == "satellite"
        vectors = images.reshape(len(images), -1)[:, :16] + images.mean() + len(images)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("features", [False, True])
def test_a_run_killed_anywhere_goes_on_to_the_same_bytes(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, features: bool
) -> None:
    monkeypatch.setattr(indexing, "Embedder", BatchTeller)
    _spoil(tiles, 4)
    options = options_for(model, features=features)
    build_index(tiles, tmp_path / "whole", options)
    expected = folder_bytes(tmp_path / "whole")
    folder = tmp_path / "killed"
    for step in range(60):
        shutil.rmtree(folder, ignore_errors=True)
        ended = _run_killed_at(step, lambda: build_index(tiles, folder, options), monkeypatch)
        build_index(tiles, folder, options)
        assert folder_bytes(folder) == expected, step
        if ended:
            return
    pytest.fail("the run never ended")


def test_an_append_killed_anywhere_goes_on_to_the_same_bytes(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "Embedder", BatchTeller)
    more = write_tiles(tmp_path / "more", write_map(tmp_path / "b.tif", columns=2, east_m=500))
    build_index(tiles, tmp_path / "first", options_for(model))
    options = options_for(model, append=True)
    shutil.copytree(tmp_path / "first", tmp_path / "whole")
    assert build_index(more, tmp_path / "whole", options).tiles == 24
    expected = folder_bytes(tmp_path / "whole")
    folder = tmp_path / "killed"
    for step in range(60):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "first", folder)
        ended = _run_killed_at(step, lambda: build_index(more, folder, options), monkeypatch)
        build_index(more, folder, options)
        assert folder_bytes(folder) == expected, step
        if ended:
            return
    pytest.fail("the run never ended")


_SLOW_RUN = """
import sys, time
from geoloc import indexing, tile_vectors
from geoloc.index import build_index
from geoloc.options import IndexOptions
tile_vectors.SHARD_TILES = 6
write = tile_vectors._write_shard
def write_slowly(*args):
    write(*args)
    time.sleep(60)
tile_vectors._write_shard = write_slowly
build_index(sys.argv[1], sys.argv[2], IndexOptions(
    model=sys.argv[3], device="cpu", features=False, workers=1, batch_size=4))
"""


def test_a_process_that_is_killed_goes_on_to_the_same_bytes(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    build_index(tiles, tmp_path / "whole", options_for(model))
    arguments = [sys.executable, "-c", _SLOW_RUN, str(tiles), str(tmp_path / "killed"), str(model)]
    with subprocess.Popen(arguments) as process:
        part = tmp_path / "killed" / "parts" / "000000.npz"
        while not part.exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    with pytest.raises(IndexFolderError, match="unfinished; run the same"):
        MapIndex.open(tmp_path / "killed")
    build_index(tiles, tmp_path / "killed", options_for(model))
    assert folder_bytes(tmp_path / "killed") == folder_bytes(tmp_path / "whole")


def test_what_was_done_is_not_done_again(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = lambda: build_index(tiles, tmp_path / "index", options_for(model))  # noqa: E731
    assert not _run_killed_at(4, run, monkeypatch)
    kept = len(list((tmp_path / "index" / "parts").glob("0*[0-9].npz")))
    read: list[int] = []
    original = TileSet.read
    monkeypatch.setattr(TileSet, "read", lambda self, i: (read.append(i), original(self, i))[1])
    run()
    assert kept > 0
    assert sorted(read) == list(range(6 * kept, 16))


def test_an_unfinished_run_of_other_options_is_refused(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    _run_killed_at(3, lambda: build_index(tiles, folder, options_for(model)), monkeypatch)
    with pytest.raises(OutputExistsError, match=r"begun there.*factory"):
        build_index(tiles, folder, options_for(model, factory="Flat"))
    assert (
        build_index(tiles, folder, options_for(model, factory="Flat", overwrite=True)).tiles == 16
    )


def test_appending_equals_indexing_all_at_once(tiles: Path, model: Path, tmp_path: Path) -> None:
    raster, second = tmp_path / "region.tif", tmp_path / "second.tif"
    both = write_tiles(
        tmp_path / "both", write_map(raster), write_map(second, columns=3, east_m=900)
    )
    more = write_tiles(tmp_path / "more", second)
    build_index(both, tmp_path / "once", options_for(model, features=True))
    build_index(tiles, tmp_path / "index", options_for(model, features=True))
    options = options_for(model, features=True, append=True)
    assert build_index(more, tmp_path / "index", options).added == 12
    once, grown = MapIndex.open(tmp_path / "once"), MapIndex.open(tmp_path / "index")
    assert list(once.tiles["tile_id"]) == list(grown.tiles["tile_id"])
    rows = np.arange(len(once.tiles))
    cosines = (once.store.vectors(rows) * grown.store.vectors(rows)).sum(axis=1)
    assert cosines.min() > 0.999
    assert once.features_folder is not None
    assert grown.features_folder is not None
    counts = [
        json.loads((folder / "features.json").read_text())["count"]
        for folder in (once.features_folder, grown.features_folder)
    ]
    assert counts[0] == counts[1]


def test_appending_the_same_tiles_does_nothing(tiles: Path, model: Path, tmp_path: Path) -> None:
    options = options_for(model, append=True)
    assert build_index(tiles, tmp_path / "index", options).added == 16
    before = folder_bytes(tmp_path / "index")
    assert build_index(tiles, tmp_path / "index", options).added == 0
    assert folder_bytes(tmp_path / "index") == before


def test_appending_a_grown_folder_adds_only_what_is_new(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    both = write_tiles(
        tmp_path / "both",
        write_map(tmp_path / "region.tif"),
        write_map(tmp_path / "c.tif", columns=2, east_m=900),
    )
    build_index(tiles, tmp_path / "index", options_for(model))
    summary = build_index(both, tmp_path / "index", options_for(model, append=True))
    assert (summary.tiles, summary.added) == (24, 8)


def test_a_tile_of_the_same_name_elsewhere_is_refused(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    raster = write_map(tmp_path / "elsewhere" / "region.tif", east_m=700)
    other = write_tiles(tmp_path / "other", raster)
    build_index(tiles, tmp_path / "index", options_for(model))
    with pytest.raises(OptionError, match="lies elsewhere"):
        build_index(other, tmp_path / "index", options_for(model, append=True))
    assert len(MapIndex.open(tmp_path / "index").tiles) == 16


def test_appending_with_another_model_is_refused(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    other = write_model(tmp_path / "other", seed=5)
    with pytest.raises(OutputExistsError, match="its model is tiny"):
        build_index(tiles, tmp_path / "index", options_for(other, append=True))


def test_another_model_is_refused_at_search_with_the_reason(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    index = MapIndex.open(tmp_path / "index")
    index.check_model(Embedder(model, device="cpu").fingerprint)
    other = Embedder(write_model(tmp_path / "other", seed=9), device="cpu")
    with pytest.raises(IndexFolderError, match=r"tiny .*--overwrite") as caught:
        index.check_model(other.fingerprint)
    assert caught.value.exit_code == 4


def test_a_model_that_is_gone_is_told(tiles: Path, model: Path, tmp_path: Path) -> None:
    moving = Path(shutil.copytree(model, tmp_path / "moving"))
    build_index(tiles, tmp_path / "index", options_for(moving))
    shutil.rmtree(moving)
    with pytest.raises(ModelError, match="moving"):
        _ = MapIndex.open(tmp_path / "index").card


def test_no_index_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match="geoloc index TILES"):
        MapIndex.open(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text[:40], "damaged"),
        (lambda text: text.replace('"version": 1', '"version": 99'), "version 99"),
        (lambda text: "[]", "damaged"),
        (lambda text: text.replace('"count": 16', '"count": 15'), "where its manifest"),
        (lambda text: text.replace('"recipe"', '"receipt"'), "damaged"),
    ],
)
def test_a_foreign_or_damaged_manifest_is_refused(
    tiles: Path, model: Path, tmp_path: Path, spoil: Callable[[str], str], reason: str
) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    path = tmp_path / "index" / "index.json"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(IndexFolderError, match=reason):
        MapIndex.open(tmp_path / "index")


@pytest.mark.parametrize("name", ["tiles.parquet", "vectors.faiss"])
def test_a_missing_file_is_refused(tiles: Path, model: Path, tmp_path: Path, name: str) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    (tmp_path / "index" / name).unlink()
    with pytest.raises(IndexFolderError, match="--overwrite"):
        MapIndex.open(tmp_path / "index")


def test_a_plan_says_what_would_be_done_and_writes_nothing(
    tiles: Path, model: Path, tmp_path: Path
) -> None:
    plan = plan_index(tiles, tmp_path / "index", options_for(model))
    assert (plan.tiles, plan.size_bytes, plan.device) == (16, 16 * 16 * 2, "cpu")
    assert plan.seconds is not None
    assert not (tmp_path / "index").exists()
    build_index(tiles, tmp_path / "index", options_for(model))
    assert plan_index(tiles, tmp_path / "index", options_for(model)).tiles == 0


def test_a_plan_survives_bad_tiles(tiles: Path, model: Path, tmp_path: Path) -> None:
    _spoil(tiles, 0)
    assert plan_index(tiles, tmp_path / "index", options_for(model)).seconds is not None


def test_the_index_does_not_depend_on_workers(tiles: Path, model: Path, tmp_path: Path) -> None:
    for workers in (1, 3):
        options = options_for(model, workers=workers)
        build_index(tiles, tmp_path / f"index{workers}", options)
    assert folder_bytes(tmp_path / "index1") == folder_bytes(tmp_path / "index3")


def test_reading_goes_ahead_but_not_far() -> None:
    asked: list[int] = []

    def read(row: int) -> np.ndarray:
        asked.append(row)
        if row == 2:
            raise TilesError("damaged")
        return np.full((1, 1, 3), row, np.uint8)

    ahead = tile_vectors.read_ahead(read, range(50), workers=2, depth=5)
    first = [next(ahead) for _ in range(4)]
    assert [row for row, _ in first] == [0, 1, 2, 3]
    assert isinstance(first[2][1], TilesError)
    assert len(asked) <= 9
    ahead.close()


def test_errors_that_are_no_bad_tile_end_the_run() -> None:
    def fail(row: int) -> np.ndarray:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        next(tile_vectors.read_ahead(fail, [1], workers=1, depth=1))


def test_every_way_recipes_differ_has_its_words(tiles: Path, model: Path, tmp_path: Path) -> None:
    build_index(tiles, tmp_path / "index", options_for(model))
    recipe = IndexManifest.read(tmp_path / "index").recipe
    assert recipe.difference(recipe) is None
    for change in (
        {"model": "x"},
        {"weights_sha256": "0" * 64},
        {"preprocessing": {}},
        {"dimension": 3},
        {"factory": "Flat"},
        {"features": True},
        {"tile_digests": ()},
    ):
        assert recipe.difference(dataclasses.replace(recipe, **change))


def test_all_refusals_are_errors_of_ours(tmp_path: Path, model: Path) -> None:
    with pytest.raises(GeolocError):
        build_index(tmp_path / "nowhere", tmp_path / "index", options_for(model))
