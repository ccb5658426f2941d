"""What an index costs as the map grows, and what photos are worth on it: 10, 100, 1,000 km².

    python tests/benchmarks/scale.py DATA --work DIR [--sizes KM2 ...] [--only PART ...] [--keep]

DATA is that of `real.py`. Made-up ground is put together from the foreign maps and the maps of the
photos are hidden in it (`scale_maps`). DIR holds the indexes, up to 20 MB a km², each removed once
it is measured, unless --keep; those of the real maps stay. Everything is measured in processes of
their own (`scale_run`). The parts:

    bytes       of each part of the index, a km²
    locate      seconds a photo, peak memory, share located and right
    retrieve    recall of the right tile among the 50 that vote
    append      seconds and peak memory of adding a map of 0.4 km²
    index       the same of indexing real maps of 0.4, 2 and 11 km²
    grow        the same of indexing made-up tiles (`scale_growth`), and of adding 16 to them

At the end it prints what 100,000 km² would take, by arithmetic.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from real_sets import ALL_MAPS, Ground
from scale_maps import make_index
from scale_process import Usage, run
from scale_run import RETRIEVED

SIZES_KM2 = (10, 100, 1000)
TILES_A_KM2 = 144
# Photos, what is told of them, and each n-th that is taken.
CASES = (("fengyuan", "all", 1), ("fengyuan", "nothing", 4), ("ariel", "table", 4))
RUN = Path(__file__).with_name("scale_run.py")
GROWTH = Path(__file__).with_name("scale_growth.py")
# A tiny map that no index of these holds yet: features of it must be computed.
APPENDED = "distractors/c_kazakhstan.tif"
_PLAN_KM2 = 100_000


@dataclass
class Bench:
    """Where things lie, and what was measured so far, by name and size of the map.

    Attributes:
        data: Photos and maps.
        work: Folder of the indexes.
        every: Of the photos that `CASES` takes, each n-th only.
        measured: Numbers, by what they are of and the size of the map.
    """

    data: Path
    work: Path
    every: int = 1
    measured: dict[tuple[str, float], float] = field(default_factory=dict)

    def note(self, name: str, size_km2: float, value: float) -> float:
        """Keep a number."""
        self.measured[name, size_km2] = value
        return value

    def ratio(self, name: str, sizes: Sequence[float]) -> float | None:
        """A number on the largest map over that on the smallest; None if it was not measured."""
        first, last = (self.measured.get((name, size)) for size in (min(sizes), max(sizes)))
        return last / first if first and last else None


def measure_bytes(bench: Bench, index: Path, size_km2: int) -> None:
    """Print the size of each part of an index."""
    parts = {
        "blocks": index / "features" / "blocks",
        "signatures": index / "features" / "signatures.npy",
        "vectors": index / "vectors.faiss",
        "table": index / "tiles.parquet",
        "features.json": index / "features" / "features.json",
    }
    sizes = {name: _size(path) for name, path in parts.items()}
    sizes["fixed"] = _size(index) - sum(sizes.values())
    for name, size in sizes.items():
        bench.note(name, size_km2, size)
    tiles = json.loads((index / "index.json").read_text())["count"]
    bench.note("tiles", size_km2, tiles)
    each = ", ".join(f"{name} {size / size_km2 / 1e3:.1f}" for name, size in sizes.items())
    print(f"bytes     {size_km2:>5} km²  {tiles} tiles; kB a km²: {each}", flush=True)


def _size(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def measure_locate(bench: Bench, index: Path, size_km2: int) -> None:
    """Print seconds a photo, memory and answers, for each set of photos."""
    for photos, told, every in CASES:
        _locate(bench, index, size_km2, (photos, told, every))


def _locate(bench: Bench, index: Path, size_km2: float, case: tuple[str, str, int]) -> None:
    photos, told, every = case
    used = run(RUN, "locate", index, bench.data, bench.work, photos, told, str(every * bench.every))
    found = json.loads(used.output)
    wall, cpu = (statistics.mean(column) for column in zip(*found["photos"], strict=True))
    median = statistics.median(cpu for _, cpu in found["photos"])
    name = f"{photos} {told}"
    bench.note(f"seconds {name}", size_km2, cpu)
    bench.note(f"peak {name}", size_km2, used.peak_mb)
    bench.note(f"own {name}", size_km2, used.own_mb)
    share = bench.note(f"located {name}", size_km2, found["located"] / found["n"])
    print(
        f"locate    {size_km2:>5g} km²  {photos:<9}{told:<8} n {found['n']:>2}"
        f"  located {share:>6.1%}  right {found['right']:>2}"
        f"  s/photo {wall:.2f}  cpu {cpu:.2f} (median {median:.2f})  open {found['open'][1]:.2f}"
        f"  peak {used.peak_mb:.0f} MB, own {used.own_mb:.0f} MB",
        flush=True,
    )


def measure_retrieve(bench: Bench, index: Path, size_km2: int) -> None:
    """Print the recall of the right tile, for each set of photos."""
    for photos, told, every in CASES:
        used = run(
            RUN, "retrieve", index, bench.data, bench.work, photos, told, str(every * bench.every)
        )
        ranks = json.loads(used.output)["ranks"]
        shares = [sum(0 < rank <= k for rank in ranks) / len(ranks) for k in (1, 10, RETRIEVED)]
        print(
            f"retrieve  {size_km2:>5} km²  {photos:<9}{told:<8} n {len(ranks):>2}  "
            + "  ".join(f"R@{k} {s:.1%}" for k, s in zip((1, 10, RETRIEVED), shares, strict=True)),
            flush=True,
        )


def measure_append(bench: Bench, index: Path, size_km2: int) -> None:
    """Print what it takes to add a small map."""
    tiles = _tiles(bench, "kazakhstan", bench.data / APPENDED)
    used = run(RUN, "index", tiles, index, "--append")
    bench.note("append", size_km2, used.cpu_s)
    _print_used("append", size_km2, used)


def _print_used(what: str, size_km2: float, used: Usage) -> None:
    added = json.loads(used.output)["added"]
    print(
        f"{what:<9} {size_km2:>5g} km²  {added} tiles  {used.wall_s:.1f} s, cpu {used.cpu_s:.1f} s"
        f"  peak {used.peak_mb:.0f} MB, own {used.own_mb:.0f} MB",
        flush=True,
    )


def _tiles(bench: Bench, name: str, *rasters: Path) -> Path:
    from geoloc.tiles.job import cut_tiles

    folder = bench.work / name / "tiles"
    cut_tiles([str(raster) for raster in rasters], folder)
    return folder


def measure_index(bench: Bench) -> None:
    """Print what indexing of real maps takes, and locating on each photos' own."""
    ground = Ground(bench.data, bench.work)
    for name, size_km2 in (("fengyuan", 0.4), ("ariel", 2.2), (ALL_MAPS, 11)):
        tiles = ground.index(name).with_name("tiles")
        fresh = bench.work / name / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        used = run(RUN, "index", tiles, fresh)
        _print_used("index", size_km2, used)
        shutil.rmtree(fresh)


def measure_growth(bench: Bench, size_km2: int) -> None:
    """Print what indexing of made-up tiles takes, and adding a few."""
    folder = bench.work / f"grow-{size_km2}-km2"
    shutil.rmtree(folder, ignore_errors=True)
    side = round(math.sqrt(TILES_A_KM2 * size_km2))
    run(GROWTH, "cut", folder / "tiles", str(side), "0")
    run(GROWTH, "cut", folder / "more", "4", "60")
    for what, tiles, more in (("index", "tiles", ()), ("append", "more", ("--append",))):
        used = run(GROWTH, "index", folder / tiles, folder / "index", *more)
        for name, value in (("seconds", used.cpu_s), ("peak", used.peak_mb), ("own", used.own_mb)):
            bench.note(f"{name} grow {what}", size_km2, value)
        _print_used(what, size_km2, used)
    shutil.rmtree(folder)


def measure_own(bench: Bench) -> None:
    """Print how photos are located on their own map, to compare with."""
    ground = Ground(bench.data, bench.work)
    for case, size_km2 in zip(CASES, (0.4, 0.4, 2.2), strict=True):
        _locate(bench, ground.index(case[0]), size_km2, case)


PARTS: dict[str, Callable[[Bench, Path, int], None]] = {
    "bytes": measure_bytes,
    "locate": measure_locate,
    "retrieve": measure_retrieve,
    "append": measure_append,
}


def print_ratios(bench: Bench, sizes: Sequence[int]) -> None:
    """Print how what was measured grows from the smallest to the largest map."""
    names = sorted({name for name, _ in bench.measured})
    for name in (n for n in names if n.startswith(("seconds", "peak", "own", "append"))):
        ratio = bench.ratio(name, sizes)
        if ratio is not None:
            print(f"{name}: {min(sizes)} to {max(sizes)} km² times {ratio:.2f}")
    for name in (n for n in names if n.startswith("located")):
        own = max(
            (v for (n, size), v in bench.measured.items() if n == name and size < 5), default=0
        )
        there = bench.measured.get((name, max(sizes)))
        if own and there is not None:
            print(f"{name}: own map to {max(sizes)} km² {100 * (there - own):+.1f} points")


def print_plan(bench: Bench, size_km2: int) -> None:
    """Print what a country takes, in proportion to the largest map that was measured."""
    times = _PLAN_KM2 / size_km2
    if ("blocks", size_km2) not in bench.measured:
        return
    print(
        f"plan of {_PLAN_KM2} km², {bench.measured['tiles', size_km2] * times / 1e6:.1f} M tiles:"
    )
    for name in ("blocks", "signatures", "vectors", "table", "features.json"):
        print(f"  {name:<14}{bench.measured[name, size_km2] * times / 1e9:>10.1f} GB on disk")


def main() -> None:
    """Measure what was asked for; all figures go to stdout."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder of the indexes")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES_KM2, metavar="KM2")
    parser.add_argument("--only", nargs="+", choices=(*PARTS, "own", "index", "grow"))
    parser.add_argument("--every", type=int, default=1, help="take each n-th of these photos only")
    parser.add_argument("--keep", action="store_true", help="keep the made-up indexes")
    given = parser.parse_args()
    parts = given.only or (*PARTS, "own", "index", "grow")
    bench = Bench(given.data.resolve(), given.work.resolve(), given.every)
    for name, measure in (("own", measure_own), ("index", measure_index)):
        if name in parts:
            measure(bench)
    for size_km2 in given.sizes if "grow" in parts else ():
        measure_growth(bench, size_km2)
    for size_km2 in given.sizes if set(parts) & set(PARTS) else ():
        folder = bench.work / f"{size_km2}-km2" / "index"
        make_index(Ground(bench.data, bench.work).index(ALL_MAPS), folder, size_km2)
        for name in (part for part in PARTS if part in parts):
            PARTS[name](bench, folder, size_km2)
        if not given.keep:
            shutil.rmtree(folder.parent)
    print_ratios(bench, given.sizes)
    print_plan(bench, max(given.sizes))


if __name__ == "__main__":
    main()
