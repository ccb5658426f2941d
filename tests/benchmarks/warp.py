"""What a warped photo costs as photos grow: seconds, memory and bytes; run it as a script.

    python tests/benchmarks/warp.py [--megapixels 12 48] [--co COMPRESS=WEBP]

It fabricates JPEG photos, warps each with `geoloc warp` in a process of its own, straight down over
level ground, straight down over an elevation model, and at 45 degrees, and prints the seconds of
processor and clock, the peak of the memory, and the size of the GeoTIFF. The first photo is tiny:
that is what Python and the libraries take. Needs Linux.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from geoloc.geometry.camera import Pose, attitude
from geoloc.results.files import write_results
from geoloc.results.schema import PhotoResult

LON, LAT = 13.4, 52.5
HEIGHT_M = 120.0
_CASES = (("nadir", -90.0, False), ("nadir, DEM", -90.0, True), ("45 degrees", -45.0, False))
# Of the memory the process's own mark (Linux): getrusage tells that of its large parent.
_SCRIPT = (
    "import os, re, sys\n"
    "from geoloc.cli import cli\n"
    "try:\n    cli(sys.argv[1:])\n"
    "finally:\n    used, status = os.times(), open('/proc/self/status').read()\n"
    "    peak = re.search(r'VmHWM:\\s+(\\d+)', status)[1]\n"
    "    print('USED', used.user + used.system, peak)\n"
)


def write_photo(path: Path, megapixels: float) -> tuple[int, int]:
    """A JPEG of 4:3 with detail at every scale; its width and height."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(height * 4 / 3)
    rng = np.random.default_rng(1)
    photo = np.zeros((height, width, 3), np.float32)
    for side in (8, 64, 512, 2048):
        noise = rng.uniform(0, 64, (side * 3 // 4, side, 3)).astype(np.float32)
        photo += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(path, quality=92)
    return width, height


def write_dem(path: Path) -> None:
    """Hills of 20 m around the place, a node every 5 m."""
    east, north = np.meshgrid(np.arange(400) * 5.0, np.arange(400) * 5.0)
    heights = 50 + 10 * np.sin(east / 90) + 10 * np.cos(north / 70)
    transform = from_origin(390_337, 5_818_970, 5, 5)
    with rasterio.open(
        path, "w", driver="GTiff", width=400, height=400, count=1, dtype="float32",
        crs="EPSG:32633", transform=transform,
    ) as out:  # fmt: skip
        out.write(heights.astype(np.float32), 1)


def warp_and_measure(row: PhotoResult, folder: Path, more: list[str]) -> str:
    """The line of a table for one photo."""
    folder.mkdir()
    write_results([row], folder / "out.csv")
    command = [sys.executable, "-c", _SCRIPT, "warp", str(folder / "out.csv"), "-o",
               str(folder / "warps"), "-q", *more]  # fmt: skip
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall_s = time.monotonic() - started
    used = next((line for line in done.stdout.splitlines() if line.startswith("USED")), None)
    files = list((folder / "warps").glob("*.tif"))
    if used is None or not files:
        return f"failed: {done.stderr.strip()}"
    _, cpu_s, peak_kib = used.split()
    with rasterio.open(files[0]) as dataset:
        pixels = dataset.width * dataset.height / 1e6
    size_mb = files[0].stat().st_size / 1e6
    return (
        f"{pixels:.0f} | {float(cpu_s):.1f} | {wall_s:.1f} | "
        f"{int(peak_kib) / 1024:.0f} | {size_mb:.0f}"
    )


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.1, 12, 48])
    parser.add_argument("--co", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    print("| photo, Mpx | view | result, Mpx | CPU s | wall s | peak MiB | MB |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_dem(folder / "dem.tif")
        for megapixels in options.megapixels:
            photo = folder / f"{megapixels:g}.jpg"
            width, height = write_photo(photo, megapixels)
            for number, (view, pitch_deg, has_dem) in enumerate(_CASES):
                angles = attitude(Pose(30.0, pitch_deg, 0.0, HEIGHT_M))
                row = PhotoResult(
                    str(photo), "located", longitude=LON, latitude=LAT, ce90_m=5.0,
                    heading=angles.heading_deg, pitch_deg=angles.pitch_deg,
                    roll_deg=angles.roll_deg, height_m=HEIGHT_M, hfov_deg=72.0,
                    photo_width=width, photo_height=height,
                )  # fmt: skip
                more = [word for option in options.co for word in ("--co", option)]
                more += ["--dem", str(folder / "dem.tif")] if has_dem else []
                line = warp_and_measure(row, folder / f"{megapixels:g}-{number}", more)
                print(f"| {megapixels:g} | {view} | {line} |", flush=True)


if __name__ == "__main__":
    main()
