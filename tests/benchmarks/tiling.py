"""How fast `geoloc tile` cuts a map against `gdal_retile`: the same ground, the same overlap.

    python tests/benchmarks/tiling.py MAP... [--rounds 5] [--ground-size 160] [--overlap 0.5]

Both are started as a person starts them, one after the other, round after round, so that whatever
else the computer does meets both; a ratio is worth more than the seconds. gdal_retile copies the
pixels of the map as they are, plain as it does by default and in two lossless compressions; geoloc
resamples them to its own number of pixels, in the last of these. Then its tiles are read again, as
`geoloc index` does. Prints figures, asserts none.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from geoloc.options import TileOptions
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import OVERVIEW, TileSet

_COMPRESSIONS = {
    "plain": (),
    "DEFLATE 1": ("COMPRESS=DEFLATE", "PREDICTOR=2", "ZLEVEL=1"),
    "ZSTD 2": ("COMPRESS=ZSTD", "PREDICTOR=2", "ZSTD_LEVEL=2"),
}
_GEOLOC = "from geoloc.cli import main; main()"


class _Cost(NamedTuple):
    """What one run took: seconds on the clock, and seconds of all its threads."""

    wall_s: float
    cpu_s: float


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("maps", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ground-size", type=float, default=160.0, help="metres")
    parser.add_argument("--size", type=int, default=512, help="pixels a side of geoloc's tiles")
    parser.add_argument("--overlap", type=float, default=0.5)
    parser.add_argument("--workers", type=int, default=TileOptions.workers)
    chosen = parser.parse_args()
    for path in chosen.maps:
        _compare(path.resolve(), chosen)
        for virtual in (False, True):
            _read_again(path.resolve(), chosen, virtual=virtual)


def _compare(path: Path, chosen: argparse.Namespace) -> None:
    """Print what cutting one map takes each of the ways."""
    ways = {"geoloc": _geoloc_command(path, chosen)} | _retile_commands(path, chosen)
    if len(ways) == 1:
        print("gdal_retile is not installed (Debian: gdal-bin python3-gdal): skipped")
    costs: dict[str, list[_Cost]] = {name: [] for name in ways}
    sizes = {}
    for turn in range(chosen.rounds + 1):
        for name, command in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                cost = _run([*command, folder])
                tiles = list(Path(folder).rglob("*.tif"))
                sizes[name] = (len(tiles), sum(tile.stat().st_size for tile in tiles))
            if turn:  # the first time files are not in memory yet
                costs[name].append(cost)
    print(f"{path.parent.name}/{path.name}, n={chosen.rounds}")
    ours = _median(costs["geoloc"])
    for name, each in costs.items():
        wall_s, cpu_s = _median(each)
        count, size = sizes[name]
        print(
            f"  {name:<22} {wall_s:6.2f} s, {cpu_s:6.2f} s of processors (median), {count} tiles, "
            f"{size / 1e6:.0f} MB; geoloc is {wall_s / ours.wall_s:.2f} times as fast, by "
            f"processors {cpu_s / ours.cpu_s:.2f}"
        )


def _read_again(path: Path, chosen: argparse.Namespace, *, virtual: bool) -> None:
    """Print what reading a tile takes, one thread at work."""
    options = _options_of(chosen, virtual=virtual)
    with tempfile.TemporaryDirectory() as folder:
        cut_tiles([str(path)], folder, options)
        with TileSet.open(folder) as tiles:
            for shrink in (1, OVERVIEW) if chosen.size % OVERVIEW == 0 else (1,):
                costs_ms = []
                for _ in range(chosen.rounds + 1):
                    began = time.process_time()
                    for i in range(len(tiles)):
                        tiles.read(i, shrink=shrink)
                    costs_ms.append(1000 * (time.process_time() - began) / len(tiles))
                print(
                    f"  read {'a window' if virtual else 'a file'}, shrink {shrink}: "
                    f"{statistics.median(costs_ms[1:]):.2f} ms of a processor a tile (median)"
                )


def _options_of(chosen: argparse.Namespace, *, virtual: bool) -> TileOptions:
    return TileOptions((chosen.ground_size,), chosen.overlap, chosen.size, virtual=virtual)


def _geoloc_command(path: Path, chosen: argparse.Namespace) -> list[str]:
    options = [f"--ground-size={chosen.ground_size}", f"--size={chosen.size}", "-q"]
    options += [f"--overlap={chosen.overlap}", f"--workers={chosen.workers}"]
    return [sys.executable, "-c", _GEOLOC, "tile", str(path), *options, "-o"]


def _retile_commands(path: Path, chosen: argparse.Namespace) -> dict[str, list[str]]:
    """The commands of gdal_retile by name, for tiles of the same ground and overlap."""
    program = shutil.which("gdal_retile.py") or shutil.which("gdal_retile")
    if program is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        cut_tiles([str(path)], folder, _options_of(chosen, virtual=True))
        with TileSet.open(folder) as tiles:
            sides = [round(tiles.table[side].median()) for side in ("width", "height")]
    overlap_px = round(chosen.overlap * sum(sides) / 2)
    common = [program, "-q", "-ps", *map(str, sides), "-overlap", str(overlap_px), str(path)]
    return {
        f"gdal_retile, {name}": [*common, *_words(co), "-targetDir"]
        for name, co in _COMPRESSIONS.items()
    }


def _words(creation: Sequence[str]) -> list[str]:
    return [word for option in creation for word in ("-co", option)]


def _run(command: Sequence[str]) -> _Cost:
    """Run a command to its end.

    Raises:
        SystemExit: It failed.
    """
    began = time.perf_counter()
    process = os.posix_spawnp(command[0], list(command), os.environ)
    _, status, usage = os.wait4(process, 0)
    wall_s = time.perf_counter() - began
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return _Cost(wall_s, usage.ru_utime + usage.ru_stime)


def _median(costs: Sequence[_Cost]) -> _Cost:
    return _Cost(*(statistics.median(values) for values in zip(*costs, strict=True)))


if __name__ == "__main__":
    main()
