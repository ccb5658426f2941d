"""Cutting: the chunks that threads get, and what they report."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoloc.errors import RasterError
from geoloc.tiles import cutting
from geoloc.tiles.cutting import (
    Outcome,
    RasterJob,
    TileSpec,
    cut_raster,
    make_chunks,
    specs_of,
)
from geoloc.tiles.grid import GridOptions, grid_rows
from geoloc.tiles.manifest import TileScheme
from geoloc.tiles.raster import open_raster
from tests.fixtures import rasters


def _job(tmp_path: Path) -> tuple[RasterJob, list[TileSpec]]:
    path = str(rasters.utm(tmp_path / "region.tif").path)
    scheme = TileScheme((160.0,), 0.0, 64, 0.5)
    with open_raster(path) as raster:
        job = RasterJob(path, tmp_path, tmp_path, "region", scheme, raster.frame, "EPSG:32633")
    windows = [w for row in grid_rows(job.frame, GridOptions(160.0, 64, 0.0)) for w in row]
    return job, specs_of(job, 160.0, windows)


@pytest.mark.parametrize("trait", ["utm", "striped"])
@pytest.mark.parametrize("cache_columns", [1, 3, 100])
def test_threads_get_chunks_of_one_size_that_the_cache_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trait: str, cache_columns: int
) -> None:
    monkeypatch.setattr(cutting, "_columns_in_cache", lambda *_, **__: cache_columns)
    _, specs = _job(tmp_path)
    with open_raster(str(tmp_path / "region.tif")) as raster:
        columns = 1 + max(spec.window.col for spec in specs)
        rows = 1 + max(spec.window.row for spec in specs)
        assert columns * rows == len(specs) > 6
        if trait == "striped":
            assert raster.has_stripes
        else:
            monkeypatch.setattr(type(raster), "has_stripes", False)
        chunks = make_chunks(raster, specs[::-1], workers=3)
    assert sorted(spec.tile_id for chunk in chunks for spec in chunk) == sorted(
        spec.tile_id for spec in specs
    )
    assert max(map(len, chunks)) - min(map(len, chunks)) <= 1
    for chunk in chunks:
        places = [(spec.window.row, spec.window.col) for spec in chunk]
        assert places == sorted(places)
        if trait == "utm":
            assert len({col for _, col in places}) <= max(2, cache_columns)


def test_no_tiles_are_no_chunks(tmp_path: Path) -> None:
    _job(tmp_path)
    with open_raster(str(tmp_path / "region.tif")) as raster:
        assert make_chunks(raster, [], workers=2) == []


@pytest.mark.parametrize("workers", [1, 4])
def test_every_tile_is_reported_once(tmp_path: Path, workers: int) -> None:
    job, specs = _job(tmp_path)
    batches = list(cut_raster(job, [[spec] for spec in specs], workers=workers))
    found = sorted(outcome.tile_id for batch in batches for outcome in batch)
    assert found == sorted(spec.tile_id for spec in specs)
    assert len(found) > 4


def test_nothing_to_cut_is_nothing_reported(tmp_path: Path) -> None:
    assert list(cut_raster(_job(tmp_path)[0], [], workers=2)) == []


def test_an_error_is_raised_after_what_was_done_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, specs = _job(tmp_path)

    def fail_at_the_third(job: RasterJob, spec: TileSpec, *_: object) -> Outcome:
        if spec is specs[2]:
            raise RasterError("the disk is full")
        return Outcome(spec.tile_id)

    monkeypatch.setattr(cutting, "_cut_tile", fail_at_the_third)
    done: list[str] = []
    outcomes = (each for batch in cut_raster(job, [specs], workers=1) for each in batch)
    with pytest.raises(RasterError, match="the disk is full"):
        done.extend(outcome.tile_id for outcome in outcomes)
    assert done == [spec.tile_id for spec in specs[:2]]


def test_threads_stop_when_nobody_listens_any_more(tmp_path: Path) -> None:
    job, specs = _job(tmp_path)
    batches = cut_raster(job, [[spec] for spec in specs], workers=1)
    next(batches)
    batches.close()
    assert job.stop.is_set()
