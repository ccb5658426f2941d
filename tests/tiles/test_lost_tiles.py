"""What could not be read is tried again, and the reason is told as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.errors import RasterioIOError

from geoloc.errors import RasterError
from geoloc.options import TileOptions
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.read_failure import read_failure
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.rasters import write_raster
from tests.fixtures.servers import FileServer, file_server

# 36 tiles, the last of each row and column partly beyond the map.
OPTIONS = TileOptions(ground_sizes_m=(80.0,), size_px=40, overlap=0.0, workers=1)
_PLACE = Affine(2, 0, 390000, 0, -2, 5820000)


def noise_map(path: Path) -> Path:
    """A map that no compression makes small, in tiles."""
    noise = np.random.default_rng(0).integers(1, 255, (3, 200, 200), dtype=np.uint8)
    tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16}
    return write_raster(path, noise, crs="EPSG:32633", transform=_PLACE, **tiled)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.01")
    noise_map(tmp_path / "web" / "map.tif")
    with file_server(tmp_path / "web") as running:
        yield running


def whole(tmp_path: Path) -> dict[str, bytes]:
    """The tiles of the map when all goes well."""
    cut_tiles([str(tmp_path / "web" / "map.tif")], tmp_path / "whole", OPTIONS)
    return pixels(tmp_path / "whole")


def pixels(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("pixels/**/*.tif"))}


def test_a_server_that_is_busy_for_a_moment_costs_no_tile(
    server: FileServer, tmp_path: Path
) -> None:
    server.refuse(503, every=3)
    summary = cut_tiles([f"{server.url}/map.tif"], tmp_path / "tiles", OPTIONS)
    assert (summary.tiles, summary.unreadable) == (36, 0)
    assert pixels(tmp_path / "tiles") == whole(tmp_path)


def test_lost_tiles_of_a_server_are_tried_again(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    monkeypatch.setenv("CPL_VSIL_CURL_NON_CACHED", "/vsicurl/")
    address, folder, progress = f"{server.url}/map.tif", tmp_path / "tiles", RecordedProgress()
    server.refuse(503, beyond=60_000)
    first = cut_tiles([address], folder, OPTIONS, progress=progress)
    assert first.tiles > 0
    assert first.unreadable > 0
    assert "lost (the same command tries again)" in progress.warnings[0]
    assert "the server answered with 503 (Service Unavailable)" in progress.warnings[0]
    assert "damaged" not in progress.warnings[0]
    good = pixels(folder)
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("pixels/**/*.tif")}
    # The server is wholly down: what is there stays.
    server.refuse(503)
    second = cut_tiles([address], folder, OPTIONS)
    assert (second.tiles, second.is_complete) == (first.tiles, False)
    assert pixels(folder) == good
    server.recover()
    third = cut_tiles([address], folder, replace(OPTIONS, resume=True))
    assert (third.tiles, third.is_complete) == (36, True)
    assert pixels(folder) == whole(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert cut_tiles([address], folder, OPTIONS).unchanged
    assert len(TileSet.open(folder)) == 36


def test_lost_tiles_of_a_killed_run_are_tried_again(tmp_path: Path) -> None:
    path, folder = noise_map(tmp_path / "map.tif"), tmp_path / "tiles"
    with pytest.raises(KeyboardInterrupt):
        cut_tiles([str(path)], folder, OPTIONS, progress=RecordedProgress(stop_after=3))
    journal = folder / "tiles.partial.jsonl"
    lines = journal.read_text().splitlines()
    lines[0] = '{"id": "map_80_0_0", "row": null, "unreadable": "a loose cable"}'
    journal.write_text("\n".join(lines) + "\n")
    summary = cut_tiles([str(path)], folder, OPTIONS)
    assert (summary.tiles, summary.unreadable) == (36, 0)


def test_a_raster_that_was_not_there_is_tried_again(tmp_path: Path) -> None:
    paths = [noise_map(tmp_path / name) for name in ("a.tif", "b.tif")]
    data = paths[1].read_bytes()
    paths[1].write_bytes(b"")
    folder, inputs = tmp_path / "tiles", list(map(str, paths))
    first = cut_tiles(inputs, folder, OPTIONS)
    assert [entry.tiles for entry in first.rasters] == [36, 0]
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("pixels/**/*.tif")}
    paths[1].write_bytes(data)
    second = cut_tiles(inputs, folder, OPTIONS)
    assert [entry.tiles for entry in second.rasters] == [36, 36]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert cut_tiles(inputs, folder, OPTIONS).unchanged


def test_a_map_that_ends_early_is_not_called_busy(tmp_path: Path) -> None:
    path, progress = noise_map(tmp_path / "map.tif"), RecordedProgress()
    path.write_bytes(path.read_bytes()[:60_000])
    summary = cut_tiles([str(path)], tmp_path / "tiles", OPTIONS, progress=progress)
    assert summary.unreadable > 0
    (warning,) = progress.warnings
    assert "the file ends early; copy or download it again" in warning
    assert "previous exception" not in warning


def test_a_source_that_ends_early_is_named(tmp_path: Path) -> None:
    from tests.fixtures import mosaics

    mosaic = mosaics.vrt(tmp_path)
    east = tmp_path / "parts" / "east.tif"
    east.write_bytes(east.read_bytes()[:-6000])
    progress = RecordedProgress()
    options = TileOptions(ground_sizes_m=(40.0,), size_px=20, overlap=0.0)
    summary = cut_tiles([str(mosaic)], tmp_path / "tiles", options, progress=progress)
    assert summary.unreadable > 0
    assert "east.tif, which it is made of: " in progress.warnings[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bounds": (0.0, 0.0, 1.0, 1.0)}, r"no tiles: the rasters lie outside the area; .*bounds"),
        ({"nodata": 5}, r"no tiles: of \d+ that lie in the rasters, not one has .*--min-valid"),
        ({"cut": 400}, r"no tiles: 36 could not be read: .*the file ends early"),
    ],
)
def test_no_tiles_has_three_reasons(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    path, options = noise_map(tmp_path / "map.tif"), OPTIONS
    if "bounds" in change:
        options = replace(OPTIONS, **change)
    if "nodata" in change:
        fives = np.full((3, 200, 200), 5, np.uint8)
        write_raster(path, fives, crs="EPSG:32633", transform=_PLACE, nodata=5)
    if "cut" in change:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) - 200 * 200 * 3])
    progress = RecordedProgress()
    with pytest.raises(RasterError, match=reason) as caught:
        cut_tiles([str(path)], tmp_path / "tiles", options, progress=progress)
    assert ("--min-valid" in str(caught.value)) == ("nodata" in change)
    assert not (tmp_path / "tiles").exists()


def test_a_single_raster_that_is_refused_is_told_once(tmp_path: Path) -> None:
    progress = RecordedProgress()
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    with pytest.raises(RasterError) as caught:
        cut_tiles([str(tmp_path / "a.tif")], tmp_path / "tiles", OPTIONS, progress=progress)
    assert progress.warnings == []
    assert str(caught.value).count("a.tif") == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("/maps/b.tif: No such file or directory", "put it back where it was"),
        ("HTTP response code: 404", "the server answered with 404 (Not Found); check the address"),
        ("HTTP response code: 403", "another user or key"),
        ("HTTP error code : 429", "run the same command again when it is well"),
        ("b.tif: Permission denied", "give this user the right to read it"),
        ("b.tif: No space left on device", "make room on the disk"),
        ("ZIPDecode:Decoding error at scanline 576", "is it damaged?"),
        ("CURL error: Could not resolve host: example.invalid", "check the network"),
    ],
)
def test_the_deepest_cause_is_told_with_its_advice(said: str, expected: str) -> None:
    error = RasterioIOError("Read failed. See previous exception for details.")
    error.__cause__ = RasterioIOError("IReadBlock failed at X offset 0, Y offset 0")
    error.__cause__.__cause__ = RasterioIOError(said)
    told = read_failure("map.tif", error)
    assert expected in told
    assert "previous exception" not in told
