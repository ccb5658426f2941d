"""Tiles cut by the actors of a cluster are those of one machine, to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from geoloc.cluster import Lost
from geoloc.options import EngineOptions, TileOptions
from geoloc.tiles import chunk_worker
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet
from tests.fixtures.indexes import folder_bytes, write_map

RAY = EngineOptions(engine="ray", actors=2)
OPTIONS = TileOptions(ground_sizes_m=(64.0,), size_px=64, workers=2)


def contents(folder: Path) -> dict[str, bytes]:
    """All but the mosaic, which holds the time at which it was written."""
    return {name: data for name, data in folder_bytes(folder).items() if ".gpkg" not in name}


@pytest.mark.slow
def test_a_cluster_cuts_the_same_tiles(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    maps = [write_map(tmp_path / "a.tif"), write_map(tmp_path / "b.tif", columns=2, east_m=900)]
    for name, engine in (("one", EngineOptions()), ("ray", RAY)):
        cut_tiles([str(path) for path in maps], tmp_path / name, OPTIONS, engine=engine)
    one = contents(tmp_path / "one")
    assert sum(name.endswith(".tif") for name in one) == 24
    assert one == contents(tmp_path / "ray")


class _Mortal:
    """Stands in for a pool whose actors die over one tile."""

    def __init__(self, engine: EngineOptions, make: object) -> None:
        self._answer = make()  # type: ignore[operator]

    def __enter__(self) -> _Mortal:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def answers(self, questions: Iterable[tuple[object, list[object]]]) -> Iterator[object]:
        for job, chunk in questions:
            dies = any(spec.tile_id == "map_64_2_2" for spec in chunk)  # type: ignore[attr-defined]
            yield Lost("killed") if dies else self._answer((job, chunk))

    def __class_getitem__(cls, _: object) -> type[_Mortal]:
        return cls


def test_a_tile_over_which_actors_die_is_unreadable_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = str(write_map(tmp_path / "map.tif"))
    with monkeypatch.context() as mortal:
        mortal.setattr(chunk_worker, "ActorPool", _Mortal)
        summary = cut_tiles([region], tmp_path / "tiles", OPTIONS, engine=RAY)
    assert (summary.tiles, summary.unreadable) == (15, 1)
    assert "map_64_2_2" not in set(TileSet.open(tmp_path / "tiles").table["tile_id"])
    cut_tiles([region], tmp_path / "tiles", OPTIONS)
    cut_tiles([region], tmp_path / "once", OPTIONS)
    assert contents(tmp_path / "tiles") == contents(tmp_path / "once")
