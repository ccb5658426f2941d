"""Actors of a Ray cluster that hold something heavy and are asked one question at a time each.

Ray's core rather than Ray Data: few big questions, a bounded number of them under way, and no
scheduler of streams that starves on two cores. A cluster that is started here reports nothing to
anyone, and ends with the job.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from geoloc.errors import DependencyError, GeolocError, first_line
from geoloc.options import EngineOptions

Question = TypeVar("Question")
Answer = TypeVar("Answer")

# Questions and small answers only: pixels stay where they are read.
_STORE_BYTES = 256 << 20
_AHEAD = 8
# Actors start within seconds where there is room, some more where Ray is started first.
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Lost:
    """In place of an answer: the actor died over the question, twice.

    Attributes:
        reason: Why, as far as is known.
    """

    reason: str


@contextmanager
def held_cluster(engine: EngineOptions) -> Iterator[None]:
    """Hold the cluster for several pools, since it takes seconds to start; or none, here.

    Raises:
        DependencyError: Ray is not installed, or there is no such cluster.
    """
    if not engine.is_cluster:
        yield
        return
    ray = _import_ray()
    began = _connect(ray, engine)
    try:
        yield
    finally:
        if began:
            ray.shutdown()


class ActorPool(Generic[Question, Answer]):
    """Actors that answer questions; a context in which the cluster is held.

    Args:
        engine: Which cluster, and how many actors.
        make: Makes what answers, in each actor; it and the questions can be pickled.

    Raises:
        DependencyError: Ray is not installed, or there is no such cluster, or no room on it.
    """

    def __init__(
        self, engine: EngineOptions, make: Callable[[], Callable[[Question], Answer]]
    ) -> None:
        self._ray = _import_ray()
        self._began = _connect(self._ray, engine)
        try:
            count = _count_actors(self._ray, engine)
            host = self._ray.remote(
                num_cpus=1, num_gpus=engine.gpus, max_restarts=-1, max_task_retries=1
            )(_Host)
            # Once, however many actors; and kept, for those that start again.
            self._made = self._ray.put(make)
            hosts = [host.remote(self._made, str(Path.cwd())) for _ in range(count)]
            self._actors = _those_that_start(self._ray, hosts)
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> ActorPool[Question, Answer]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for actor in self._actors:
            self._ray.kill(actor)
        self._end()

    def _end(self) -> None:
        if self._began:
            self._ray.shutdown()

    @property
    def size(self) -> int:
        """Number of actors."""
        return len(self._actors)

    def answers(
        self, questions: Iterable[Question], *, ahead: int = _AHEAD
    ) -> Iterator[Answer | Lost]:
        """The answers, in the order of the questions.

        Args:
            questions: The questions.
            ahead: So many, for each actor, may be under way or wait for one that comes late.

        Raises:
            GeolocError: An actor cannot answer any question: its index is gone, say.
        """
        coming = enumerate(questions)
        idle, running = list(self._actors), dict[Any, tuple[int, Any]]()
        done, wanted = dict[int, Answer | Lost](), 0
        while True:
            while idle and len(done) + len(running) < ahead * self.size:
                following = next(coming, None)
                if following is None:
                    break
                number, question = following
                actor = idle.pop()
                running[actor.ask.remote(question)] = (number, actor)
            if not running:
                return
            (ready,), _ = self._ray.wait(list(running), num_returns=1)
            number, actor = running.pop(ready)
            idle.append(actor)
            done[number] = self._answer(ready)
            while wanted in done:
                yield done.pop(wanted)
                wanted += 1

    def _answer(self, reference: Any) -> Answer | Lost:
        try:
            answer: Answer | GeolocError = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError:
            raise  # an error of ours that nobody expected
        except self._ray.exceptions.RayError as error:
            return Lost(first_line(error))
        if isinstance(answer, GeolocError):
            raise answer
        return answer


class _Host:
    """What runs in an actor."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]], folder: str) -> None:
        with suppress(OSError):  # another machine may not have it; absolute paths do without
            os.chdir(folder)
        self._make = make
        self._answer: Callable[[Any], Any] | None = None

    def ask(self, question: Any) -> Any:
        """The answer, or the error that every question would meet."""
        try:
            if self._answer is None:  # here, where an error is an answer, and not the actor's end
                self._answer = self._make()
            return self._answer(question)
        except GeolocError as error:
            return error


def _connect(ray: Any, engine: EngineOptions) -> bool:
    """Join the cluster; whether it was joined here, and is to be left."""
    if ray.is_initialized():
        return False
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if engine.address is not None:
            ray.init(address=engine.address, **quiet)
            return True
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            num_cpus=engine.actors or os.cpu_count() or 1,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            **quiet,
        )
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        where = engine.address or "on this machine"
        raise DependencyError(
            f"no Ray cluster {where} ({first_line(error)}); expected one that runs, of the same "
            "versions of Ray and Python; start it with ray start --head, or leave --address out"
        ) from error
    return True


def _count_actors(ray: Any, engine: EngineOptions) -> int:
    """As many as were asked for and have room, else one for each CPU, or share of a GPU."""
    room = ray.cluster_resources()
    most = int(room.get("CPU", 0))
    if engine.gpus:
        most = min(most, int(room.get("GPU", 0) / engine.gpus + 1e-6))
    if most < 1:
        raise DependencyError(
            f"the Ray cluster has {room.get('CPU', 0):g} CPUs and {room.get('GPU', 0):g} GPUs; "
            f"expected one CPU and {engine.gpus:g} GPUs for an actor; "
            "ask for a smaller --gpus-per-actor, or for another cluster"
        )
    return min(most, engine.actors or most)


def _those_that_start(ray: Any, actors: list[Any]) -> list[Any]:
    """The actors that find room: a cluster may have other things to do, and would never say so."""
    signs = {actor.__ray_ready__.remote(): actor for actor in actors}
    ready, waiting = ray.wait(list(signs), num_returns=len(signs), timeout=_PATIENCE_S)
    for sign in waiting:
        ray.kill(signs[sign])
    if not ready:
        raise DependencyError(
            f"the Ray cluster started none of {len(actors)} actors in {_PATIENCE_S:.0f} s; "
            "expected room on it; wait until it has done its other jobs, or take another --address"
        )
    return [signs[sign] for sign in ready]


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise DependencyError(
            "Ray is not installed; expected it for --engine ray; pip install 'geoloc-cli[ray]', "
            "or use --engine local"
        ) from error
    return ray
