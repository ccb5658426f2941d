"""How much memory `geoloc tile` takes as its raster grows; run it as a script.

    python tests/benchmarks/tile_memory.py [--side 40000] [--more RASTER...]

It fabricates two rasters, one four times as wide and high as the other, cuts both in processes of
their own, and prints the peak of each. A raster given with --more is cut, or refused, likewise.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window


def write_large(path: Path, side_px: int) -> None:
    """A tiled RGB GeoTIFF of 0.5 m pixels: one textured block, repeated."""
    profile = {"driver": "GTiff", "width": side_px, "height": side_px, "count": 3, "dtype": "uint8",
               "tiled": True, "compress": "deflate", "zlevel": 1, "crs": "EPSG:32633",
               "transform": from_origin(400_000, 5_800_000, 0.5, 0.5)}  # fmt: skip
    texture = np.random.default_rng(1).integers(0, 8, (3, 256, 4096), dtype=np.uint8) * 30
    with rasterio.open(path, "w", **profile) as out:
        for row in range(0, side_px, 256):
            for col in range(0, side_px, 4096):
                height, width = min(256, side_px - row), min(4096, side_px - col)
                out.write(texture[:, :height, :width], window=Window(col, row, width, height))


def cut_and_measure(raster: str, folder: Path, workers: int) -> tuple[str, float, float]:
    """What the command said last, seconds, and the peak of its memory in MiB."""
    script = (
        "import resource, sys\n"
        "from geoloc.cli import cli\n"
        "try:\n    cli(sys.argv[1:])\n"
        "finally:\n    print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    command = [sys.executable, "-c", script, "tile", raster, "-o", str(folder), "-j", str(workers),
               "--ground-size", "160", "--size", "256", "--overlap", "0"]  # fmt: skip
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    peak = next(line for line in done.stdout.splitlines() if line.startswith("PEAK"))
    said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
    return said, time.monotonic() - started, int(peak.split()[1]) / 1024


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=40_000, help="side of the larger, in pixels")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--more", nargs="*", default=[], metavar="RASTER")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, rasters = Path(name), []
        for side_px in (options.side // 4, options.side):
            path = folder / f"{side_px}.tif"
            write_large(path, side_px)
            rasters.append(str(path))
        for i, raster in enumerate([*rasters, *options.more]):
            said, seconds, peak_mib = cut_and_measure(raster, folder / str(i), options.workers)
            print(f"{Path(raster).name}: {seconds:.1f} s, peak {peak_mib:.0f} MiB; {said}")


if __name__ == "__main__":
    main()
