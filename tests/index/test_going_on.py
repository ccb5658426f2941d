"""A folder that holds an index already, whole or begun: left, refused, replaced, gone on with."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import IndexFolderError, OutputExistsError
from geoloc.index import job, tile_vectors
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import (
    BatchTeller,
    folder_bytes,
    options_for,
    spoil_tile,
    write_map,
    write_model,
    write_tiles,
)
from tests.fixtures.killing import STEPS, run_killed_at
from tests.fixtures.progress import RecordedProgress


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
    (tmp_path / "index" / "own.json").write_text("{}")
    build_index(tiles, tmp_path / "index", options_for(model, overwrite=True))
    assert (tmp_path / "index" / "notes.txt").read_text() == "mine"
    assert (tmp_path / "index" / "own.json").read_text() == "{}"


@pytest.fixture
def few_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """8 tiles in three parts, the last of them shorter; in batches of two, none fits a part."""
    monkeypatch.setattr(job, "Embedder", BatchTeller)
    monkeypatch.setattr(BatchTeller, "batch_size", 2)
    monkeypatch.setattr(tile_vectors, "SHARD_TILES", 3)
    return write_tiles(tmp_path / "few", write_map(tmp_path / "few.tif", rows=2))


@pytest.mark.slow
@pytest.mark.parametrize("features", [False, True])
def test_a_run_killed_anywhere_goes_on_to_the_same_bytes(
    few_tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, features: bool
) -> None:
    spoil_tile(few_tiles, 4)
    options = options_for(model, features=features, batch_size=2)
    build_index(few_tiles, tmp_path / "whole", options)
    expected = folder_bytes(tmp_path / "whole")
    folder = tmp_path / "killed"
    for step in STEPS:
        shutil.rmtree(folder, ignore_errors=True)
        ended = run_killed_at(step, lambda: build_index(few_tiles, folder, options), monkeypatch)
        build_index(few_tiles, folder, options)
        assert folder_bytes(folder) == expected, step
        if ended:
            return
    pytest.fail("the run never ended")


@pytest.mark.slow
def test_an_append_killed_anywhere_goes_on_to_the_same_bytes(
    few_tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raster = write_map(tmp_path / "b.tif", columns=2, rows=2, east_m=500)
    more = write_tiles(tmp_path / "more", raster)
    build_index(few_tiles, tmp_path / "first", options_for(model, batch_size=2))
    options = options_for(model, append=True, batch_size=2)
    shutil.copytree(tmp_path / "first", tmp_path / "whole")
    assert build_index(more, tmp_path / "whole", options).tiles == 12
    expected = folder_bytes(tmp_path / "whole")
    folder = tmp_path / "killed"
    for step in STEPS:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "first", folder)
        ended = run_killed_at(step, lambda: build_index(more, folder, options), monkeypatch)
        build_index(more, folder, options)
        assert folder_bytes(folder) == expected, step
        if ended:
            return
    pytest.fail("the run never ended")


_SLOW_RUN = """
import sys, time
from geoloc.index import job, tile_vectors
from geoloc.options import IndexOptions
from tests.index.test_going_on import BatchTeller
job.Embedder = BatchTeller
tile_vectors.SHARD_TILES = 6
write = tile_vectors._write_shard
def write_slowly(*args):
    write(*args)
    time.sleep(60)
tile_vectors._write_shard = write_slowly
job.build_index(sys.argv[1], sys.argv[2], IndexOptions(
    model=sys.argv[3], device="cpu", features=False, workers=1, batch_size=4))
"""


@pytest.mark.slow
def test_a_process_that_is_killed_goes_on_to_the_same_bytes(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "Embedder", BatchTeller)
    build_index(tiles, tmp_path / "whole", options_for(model))
    arguments = [sys.executable, "-c", _SLOW_RUN, str(tiles), str(tmp_path / "killed"), str(model)]
    with subprocess.Popen(arguments, cwd=Path(__file__).parents[2]) as process:
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
    assert not run_killed_at(4, run, monkeypatch)
    kept = len(list((tmp_path / "index" / "parts").glob("0*[0-9].npz")))
    read: list[int] = []
    original = TileSet.read

    def read_and_note(self: TileSet, i: int, **more: int) -> np.ndarray:
        read.append(i)
        return original(self, i, **more)

    monkeypatch.setattr(TileSet, "read", read_and_note)
    run()
    assert kept > 0
    assert sorted(read) == list(range(6 * kept, 16))


@pytest.mark.parametrize("filled", [False, True])
def test_a_part_that_a_full_disk_spoilt_is_made_again(
    tiles: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    filled: bool,
) -> None:
    monkeypatch.setattr(job, "Embedder", BatchTeller)
    options, folder = options_for(model, features=True), tmp_path / "index"
    build_index(tiles, tmp_path / "whole", options)
    stopped = RecordedProgress(stop_after=32)  # all tiles through the network, and for features
    with pytest.raises(KeyboardInterrupt):
        build_index(tiles, folder, options, progress=stopped)
    part = folder / "parts" / "000001.npz"
    whole = part.read_bytes()
    half = whole[: len(whole) // 2]
    part.write_bytes(half + bytes(len(whole) - len(half)) * filled)
    build_index(tiles, folder, options)
    assert folder_bytes(folder) == folder_bytes(tmp_path / "whole")


def test_a_damaged_record_of_an_unfinished_run_is_no_record(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "Embedder", BatchTeller)
    folder = tmp_path / "index"
    assert not run_killed_at(4, lambda: build_index(tiles, folder, options_for(model)), monkeypatch)
    (folder / "index.partial.json").write_bytes(bytes(100))
    assert build_index(tiles, folder, options_for(model)).tiles == 16
    assert {path.name for path in folder.iterdir()} == {
        "index.json",
        "tiles.parquet",
        "vectors.faiss",
    }


def test_an_unfinished_run_of_other_options_is_refused(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    run_killed_at(3, lambda: build_index(tiles, folder, options_for(model)), monkeypatch)
    with pytest.raises(OutputExistsError, match=r"begun there.*factory"):
        build_index(tiles, folder, options_for(model, factory="Flat"))
    assert (
        build_index(tiles, folder, options_for(model, factory="Flat", overwrite=True)).tiles == 16
    )
