"""Disks that fill up and limits of file size: one clear line, and the same command goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.index import job
from geoloc.index.map_index import MapIndex
from tests.fixtures.full_disk import enlarge, mount_small_disk, unmount
from tests.fixtures.indexes import BatchTeller, write_map, write_tiles

resource = pytest.importorskip("resource")  # not on Windows

WAYS = {"": 2, "--append": 6, "--overwrite": 2}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "Embedder", BatchTeller)


def index(tiles: Path, folder: Path, model: Path, way: str = "") -> Result:
    options = ["--model", str(model), "--descriptor", "rootsift", "--device", "cpu", "--quiet"]
    ways = [way] if way else []
    return CliRunner().invoke(cli, ["index", str(tiles), "-o", str(folder), *options, *ways])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """Tiles ``north`` and, beside them, ``south``; and an index of the first."""
    folder = tmp_path_factory.mktemp("town")
    write_tiles(folder / "north", write_map(folder / "n.tif", columns=2, rows=2))
    write_tiles(folder / "south", write_map(folder / "s.tif", columns=2, rows=1, east_m=90))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "Embedder", BatchTeller)
        assert index(folder / "north", folder / "index", model).exit_code == 0
    return folder


def _fails_and_goes_on(town: Path, disk: Path, model: Path, way: str) -> bool:
    """Whether there was too little room; if so the old index serves, and the command goes on."""
    done = index(town / "south", disk / "index", model, way)
    if done.exit_code == 0:
        return False
    assert done.exit_code == 2
    assert done.output.count("\n") == 1
    assert "No space left on device; make room" in done.output or "no room for" in done.output
    assert f"error: {disk}" in done.output
    assert ".tmp" not in done.output
    if way:
        opened = MapIndex.open(disk / "index")
        assert len(opened.tiles) == 4
        assert opened.open_features() is not None
    enlarge(disk)
    again = index(town / "south", disk / "index", model, way)
    assert (again.exit_code, again.output) == (0, "")
    opened = MapIndex.open(disk / "index")
    assert len(opened.tiles) == WAYS[way]
    assert opened.open_features() is not None
    assert len(list((disk / "index").iterdir())) == 4
    return True


def _try(town: Path, disk: Path, model: Path, way: str, size: int) -> bool:
    disk.mkdir(exist_ok=True)
    if not mount_small_disk(disk, size):
        pytest.skip("only root may mount a small disk")
    try:
        if way:
            shutil.copytree(town / "index", disk / "index")
        return _fails_and_goes_on(town, disk, model, way)
    finally:
        unmount(disk)


@pytest.mark.parametrize("way", ["", "--append"])
def test_a_full_disk_ends_in_one_line_and_the_command_goes_on(
    town: Path, tmp_path: Path, model: Path, way: str
) -> None:
    assert _try(town, tmp_path / "disk", model, way, _least(town, way) + (40 << 10))


def _least(town: Path, way: str) -> int:
    """Bytes of a disk that has room for what is there before the run, and for nothing more."""
    if not way:
        return 4 << 10
    files = [path for path in (town / "index").rglob("*") if path.is_file()]
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in files) + (4 << 10)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_disk_of_any_size_may_fill_up(town: Path, tmp_path: Path, model: Path, way: str) -> None:
    least = _least(town, way)
    sizes = range(least + (24 << 10 if way else 0), least + (3 << 20), 12 << 10)
    count = next(
        n for n, size in enumerate(sizes) if not _try(town, tmp_path / "d", model, way, size)
    )
    assert count > 5


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [100, 1200, 2000, 15_000, 25_000, 33_000])
def test_a_limit_of_file_size_ends_in_one_line_and_the_command_goes_on(
    town: Path, tmp_path: Path, model: Path, size: int
) -> None:
    folder = tmp_path / "index"
    with _largest_file(size):
        done = index(town / "north", folder, model)
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "File too large; its disk" in done.output
    again = index(town / "north", folder, model)
    assert (again.exit_code, again.output) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == [
        "features",
        "index.json",
        "tiles.parquet",
        "vectors.faiss",
    ]
