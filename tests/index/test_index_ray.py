"""Tiles embedded by the actors of a cluster make the index of one machine, to the byte."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from geoloc.cluster import Lost
from geoloc.index import shard_worker, tile_vectors
from geoloc.index.features import home_worker
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.options import EngineOptions
from tests.fixtures.indexes import folder_bytes, options_for, spoil_tile
from tests.fixtures.progress import RecordedProgress

RAY = EngineOptions(engine="ray", actors=2)


@pytest.fixture
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool whose actors, which are none, die over tile 8."""
    for module in (shard_worker, home_worker):
        monkeypatch.setattr(module, "ActorPool", _Mortal)
    monkeypatch.setattr("geoloc.index.job.held_cluster", nullcontext)


@pytest.mark.slow
def test_a_cluster_writes_the_same_index(tiles: Path, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    bad = spoil_tile(tiles, 7)
    options = options_for(model, features=True)
    for name, engine in (("one", EngineOptions()), ("ray", RAY)):
        listener = RecordedProgress()
        summary = build_index(tiles, tmp_path / name, options, progress=listener, engine=engine)
        assert (summary.tiles, summary.left_out) == (15, 1)
        assert any(bad in line for line in listener.warnings)
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "ray")


class _Mortal:
    """Stands in for a pool whose actors die over tile 8."""

    def __init__(self, engine: EngineOptions, make: object) -> None:
        self._answer = make()  # type: ignore[operator]
        self.asked: list[int] = []

    def __enter__(self) -> _Mortal:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def answers(self, shards: list[np.ndarray], **_: object) -> object:
        for rows in shards:
            yield Lost("killed") if 8 in rows else self._answer(rows)

    def __class_getitem__(cls, _: object) -> type[_Mortal]:
        return cls


class _Immortal(_Mortal):
    """One whose actors live."""

    def answers(self, shards: list[np.ndarray], **_: object) -> object:
        return map(self._answer, shards)


@pytest.mark.usefixtures("no_cluster")
def test_a_tile_over_which_actors_die_is_left_out(tiles: Path, model: Path, tmp_path: Path) -> None:
    listener, options = RecordedProgress(), options_for(model)
    summary = build_index(tiles, tmp_path / "ray", options, progress=listener, engine=RAY)
    assert (summary.tiles, summary.left_out) == (15, 1)
    assert [line for line in listener.warnings if "died, twice (killed)" in line]
    build_index(tiles, tmp_path / "one", options)
    one, ray = MapIndex.open(tmp_path / "one"), MapIndex.open(tmp_path / "ray")
    rows = np.delete(np.arange(16), 8)
    assert ray.tiles.frame()["tile_id"].tolist() == [
        one.tiles.frame()["tile_id"][row] for row in rows
    ]
    np.testing.assert_allclose(
        ray.store.vectors(np.arange(15)).astype(float),
        one.store.vectors(rows).astype(float),
        atol=2e-3,
    )


@pytest.mark.usefixtures("no_cluster")
def test_a_tile_whose_features_actors_die_over_has_none(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_worker, "ActorPool", _Immortal)
    listener, options = RecordedProgress(), options_for(model, features=True)
    build_index(tiles, tmp_path / "ray", options, progress=listener, engine=RAY)
    assert [line for line in listener.warnings if "tile 8 stays without local features" in line]
    build_index(tiles, tmp_path / "one", options)
    one, ray = (len(FeatureMap.open(tmp_path / name / "features")) for name in ("one", "ray"))
    assert 0 < ray < one


@pytest.mark.usefixtures("no_cluster")
def test_shards_that_are_done_are_not_asked_for_again(
    tiles: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[np.ndarray] = []
    original = shard_worker.ShardWorker.__call__

    def noted(self: object, rows: np.ndarray) -> object:
        if asked:
            raise KeyboardInterrupt
        asked.append(rows)
        return original(self, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(shard_worker.ShardWorker, "__call__", noted)
    with pytest.raises(KeyboardInterrupt):
        build_index(tiles, tmp_path / "index", options_for(model), engine=RAY)
    monkeypatch.setattr(shard_worker.ShardWorker, "__call__", original)
    build_index(tiles, tmp_path / "index", options_for(model))
    build_index(tiles, tmp_path / "once", options_for(model))
    assert asked[0].tolist() == list(range(tile_vectors.SHARD_TILES))
    assert folder_bytes(tmp_path / "index") == folder_bytes(tmp_path / "once")
