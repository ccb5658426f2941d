"""Where the time of `geoloc index` goes: CPU seconds a step, added up over all threads.

    python tests/benchmarks/indexing.py RASTER ... [--workers 2] [--device cpu] [--model NAME]

Time of a step is that of the threads which ran it, without the steps inside it, so that other work
on the machine hardly matters; threads that an operation of PyTorch or FAISS starts by itself are
in the last row but one. Run two checkouts in turns to compare them.
"""

from __future__ import annotations

import time

_BEGAN_S = time.process_time()

import argparse  # noqa: E402 - the clock starts first
import functools  # noqa: E402
import importlib  # noqa: E402
import tempfile  # noqa: E402
import threading  # noqa: E402
from collections import Counter  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

# Label, module, and what is called there; what a checkout lacks is passed over.
STEPS = (
    ("load the models", "geoloc.models.embedder", "Embedder.__init__"),
    ("load the models", "geoloc.index.features.descriptor", "PatchNetExtractor.__init__"),
    ("read tiles", "geoloc.tiles.tile_set", "TileSet.read"),
    ("shrink tiles", "geoloc.models.embedder", "Embedder.shrink"),
    ("network", "geoloc.models.embedder", "Embedder.embed"),
    ("plan", "geoloc.index.features.plan", "Plan.of"),
    ("SIFT detector", "geoloc.index.features.keypoints", "find_keypoints"),
    ("SIFT detector", "geoloc.index.features.tile_features", "find_keypoints"),
    ("SIFT detector", "geoloc.index.features.building", "find_keypoints"),
    ("whose ground", "geoloc.index.features.plan", "Plan.owned"),
    ("cut patches", "geoloc.index.features.descriptor", "cut_patches"),
    ("describe patches", "geoloc.index.features.descriptor", "PatchNetExtractor.vectors"),
    ("rest of the features", "geoloc.index.features.tile_features", "describe_tile"),
    ("rest of the features", "geoloc.index.features.building", "describe_tile"),
    ("rest of the features", "geoloc.index.features.building", "_tile_features"),
    ("seal blocks", "geoloc.index.features.sealing", "Sealing.add"),
    ("merge the map", "geoloc.index.features.building", "_merge"),
    ("signatures", "geoloc.index.writing", "write_signatures"),
    ("vectors, table", "geoloc.index.writing", "write_store"),
    ("vectors, table", "geoloc.index.writing", "write_rows"),
)


class StepClock:
    """CPU seconds of each step, of all threads, without those of the steps inside it."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._inside = threading.local()

    def timed(self, label: str, step: Callable[..., Any]) -> Callable[..., Any]:
        """The step, which is timed from now on."""

        @functools.wraps(step)
        def run(*args: Any, **kwargs: Any) -> Any:
            outer, self._inside.s = getattr(self._inside, "s", 0.0), 0.0
            began_s = time.thread_time()
            try:
                return step(*args, **kwargs)
            finally:
                whole_s = time.thread_time() - began_s
                with self._lock:
                    self.seconds[label] += whole_s - self._inside.s
                self._inside.s = outer + whole_s

        return run

    def watch(self, label: str, module: str, name: str) -> None:
        """Time a function or a method wherever it is called from."""
        try:
            owner: Any = importlib.import_module(module)
            *classes, last = name.split(".")
            for each in classes:
                owner = getattr(owner, each)
            step = owner.__dict__[last]
        except (ImportError, AttributeError, KeyError):
            return
        if isinstance(step, classmethod):
            setattr(owner, last, classmethod(self.timed(label, step.__func__)))
        elif not hasattr(step, "__wrapped__"):  # what another module has imported by name
            setattr(owner, last, self.timed(label, step))


def main() -> None:
    """Cut the rasters, build the index, print a row a step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rasters", nargs="+")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model")
    given = parser.parse_args()
    from geoloc.index.job import build_index
    from geoloc.options import DEFAULT_MODEL, IndexOptions, TileOptions
    from geoloc.tiles.job import cut_tiles

    clock = StepClock()
    options = IndexOptions(
        model=given.model or DEFAULT_MODEL, device=given.device, workers=given.workers
    )
    start_s = time.process_time() - _BEGAN_S
    with tempfile.TemporaryDirectory() as name:
        cut_tiles(given.rasters, Path(name) / "tiles", TileOptions(workers=given.workers))
        began_s, began_wall_s = time.process_time(), time.perf_counter()
        for step in STEPS:
            clock.watch(*step)
        start_s += time.process_time() - began_s  # what is imported only where it is used
        began_s = time.process_time()
        tiles = build_index(Path(name) / "tiles", Path(name) / "index", options).tiles
        whole_s = time.process_time() - began_s + start_s
        wall_s = time.perf_counter() - began_wall_s
    show(clock.seconds, start_s, whole_s, wall_s, tiles)


def show(seconds: Counter[str], start_s: float, whole_s: float, wall_s: float, tiles: int) -> None:
    """Print the table."""
    rows = {"start, imports": start_s, **seconds}
    rows["everything else"] = whole_s - sum(rows.values())
    for label, step_s in rows.items():
        print(f"{label:<24}{step_s:9.2f} s {step_s / whole_s:7.1%}")
    print(f"{'all':<24}{whole_s:9.2f} s CPU, {wall_s:.1f} s of the clock, {tiles} tiles")


if __name__ == "__main__":
    main()
