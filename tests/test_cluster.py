"""Actors of a cluster: in order, whatever dies among them; and what is said where there is none."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from geoloc import cluster
from geoloc.cluster import ActorPool, Lost
from geoloc.errors import DependencyError, IndexFolderError, OptionError
from geoloc.options import EngineOptions

RAY = EngineOptions(engine="ray", actors=2)


def make() -> Callable[[int], int]:
    return answer


def answer(question: int) -> int:
    if question == 5:
        os._exit(1)
    time.sleep(0.002 * (question % 3))
    return question * question


def make_nothing() -> Callable[[int], int]:
    raise IndexFolderError("no index", path="here")


@pytest.fixture(scope="module")
def ray() -> Iterator[object]:
    """A cluster on this machine, started once: that takes seconds."""
    module = pytest.importorskip("ray", reason="the extra ray is not installed")
    assert cluster._connect(module, RAY)
    yield module
    module.shutdown()


@pytest.mark.slow
def test_answers_come_in_the_order_of_the_questions_and_one_death_costs_one(ray: object) -> None:
    with ActorPool[int, int](RAY, make) as pool:
        assert pool.size == 2
        answers = list(pool.answers(range(60)))
    lost = answers.pop(5)
    assert isinstance(lost, Lost)
    assert lost.reason
    assert answers == [n * n for n in range(60) if n != 5]


@pytest.mark.slow
def test_what_no_actor_can_answer_is_raised_here(ray: object) -> None:
    with (
        ActorPool[int, int](RAY, make_nothing) as pool,
        pytest.raises(IndexFolderError, match="no index") as caught,
    ):
        list(pool.answers([1]))
    assert str(caught.value.path) == "here"


@pytest.mark.slow
def test_a_cluster_that_is_busy_is_told(ray: object, monkeypatch: pytest.MonkeyPatch) -> None:
    with ActorPool[int, int](RAY, make):
        monkeypatch.setattr(cluster, "_PATIENCE_S", 0.5)
        with pytest.raises(DependencyError, match="started none of 2 actors"):
            ActorPool[int, int](RAY, make)


@pytest.mark.slow
def test_no_room_is_told(ray: object) -> None:
    with pytest.raises(DependencyError, match=r"0 GPUs; expected one CPU and 0\.5 GPUs"):
        ActorPool[int, int](EngineOptions(engine="ray", gpus=0.5), make)


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DependencyError, match=r"pip install 'geoloc-cli\[ray\]'"):
        ActorPool[int, int](RAY, make)


@pytest.mark.parametrize("given", [{"address": "here:1"}, {"actors": 2}, {"gpus": 0.5}])
def test_options_of_a_cluster_want_one(given: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="add --engine ray"):
        EngineOptions(**given)  # type: ignore[arg-type]
