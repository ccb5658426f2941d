"""Photos located by the actors of a cluster have the rows of one machine, to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from geoloc.cluster import ActorPool, Lost
from geoloc.locate import photo_worker
from geoloc.locate.file_job import locate_to_file
from geoloc.locate.job import locate_photos
from geoloc.options import EngineOptions, LocateOptions
from tests.fixtures.photos import write_photo
from tests.fixtures.search import SearchWorld

RAY = EngineOptions(engine="ray", actors=2)


@pytest.fixture
def photos(search_world: SearchWorld, tmp_path: Path) -> list[Path]:
    """Three good photos around a broken and an empty one."""
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no jpeg")
    first, *others = search_world.photos
    return [first, broken, write_photo(tmp_path / "small.png"), *others]


@pytest.mark.slow
def test_a_cluster_writes_the_same_file(
    search_world: SearchWorld, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    monkeypatch.setattr("uuid.uuid4", lambda: type("U", (), {"hex": "0" * 32}))
    options = LocateOptions(device="cpu", workers=1)
    for name, engine in (("one", None), ("ray", RAY)):
        summary = locate_to_file(
            photos, search_world.index, tmp_path / f"{name}.geojsonl", options, engine=engine
        )
        assert summary.statuses["located"] == 3
        assert summary.statuses["unreadable"] == 1
    one, ray = ((tmp_path / f"{name}.geojsonl").read_bytes() for name in ("one", "ray"))
    assert one == ray


class _Mortal:
    """Stands in for a pool whose actors die over the second photo."""

    def __init__(self, engine: EngineOptions, make: object) -> None:
        self._answer = make()  # type: ignore[operator]

    def __enter__(self) -> _Mortal:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def answers(self, photos: list[Path]) -> object:
        for number, photo in enumerate(photos):
            yield Lost("out of memory") if number == 1 else self._answer(photo)

    def __class_getitem__(cls, _: object) -> type[_Mortal]:
        return cls


def test_a_photo_over_which_actors_die_is_a_row(
    search_world: SearchWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_worker, "ActorPool", _Mortal)
    assert ActorPool is not _Mortal
    options = LocateOptions(device="cpu", workers=1)
    photos = search_world.photos[:2]
    here = list(locate_photos(photos[:1], search_world.index, options))
    rows = list(locate_photos(photos, search_world.index, options, engine=RAY))
    assert replace(rows[0], run_id=None) == replace(here[0], run_id=None)
    assert rows[1].status == "unreadable"
    assert "died, twice (out of memory)" in str(rows[1].error)
    assert rows[1].photo_size == photos[1].stat().st_size
