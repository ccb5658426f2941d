"""A fabricated flight, over half of which the map shows nothing: data for `tracks.py`.

    python tests/benchmarks/tracks_flight.py flight/
    python tests/benchmarks/tracks.py --index flight/index --photos flight/photos
        --truth flight/truth.csv --work flight/work --told heights

The drone flies three lines there and back, straight down, a photo every 45 m and 4.5 s from 80 m.
In the east of the map lies one field instead of all that the photos show there, as where a crop was
sown, a forest felled or water let in since: what they show lies nowhere on the map, but what one
shows the next one shows, too.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from geoloc.geometry.camera import Pose
from geoloc.index.job import build_index
from geoloc.synthetic.world.files import write_map, write_photos
from geoloc.synthetic.world.flight import Shot, aim, drone_camera
from geoloc.synthetic.world.moment import typical_moment
from geoloc.synthetic.world.world import World, WorldPoint
from geoloc.tiles.job import cut_tiles

SIZE_M = 450.0
HEIGHT_M = 80.0
STEP_M = 45.0
SPEED = 10.0
LINES_M = (110.0, 225.0, 340.0)
# What lies farther east than this is a field.
FIELD_FROM_M = 200.0
_FIELD_RGB = (104, 118, 70)


def main() -> None:
    """Fabricate the map with its index, the photos and their truth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    world = World(size_m=SIZE_M, seed=args.seed)
    folder: Path = args.folder
    write_map(world, folder / "region.tif", gsd_m=0.3, overwrite=True)
    sow(folder / "region.tif", seed=args.seed)
    shots = flight(world, seed=args.seed)
    write_photos(world, shots, folder / "photos", keep=True)
    write_times(world, shots, folder / "truth.csv")
    cut_tiles([str(folder / "region.tif")], folder / "tiles")
    build_index(folder / "tiles", folder / "index")
    unknown = sum(shot.at.x_m > FIELD_FROM_M for shot in shots)
    print(f"{len(shots)} photos, {unknown} of them over the field")


def sow(path: Path, *, seed: int) -> None:
    """Turn the east of a map into a field with a little grain."""
    random = np.random.default_rng(seed)
    with rasterio.open(path, "r+") as dataset:
        begin = round(FIELD_FROM_M / SIZE_M * dataset.width)
        window = Window(begin, 0, dataset.width - begin, dataset.height)
        grain = random.normal(0, 4, (window.height, window.width))
        field = np.clip(np.array(_FIELD_RGB)[:, None, None] + grain, 0, 255)
        dataset.write(field.astype(np.uint8), window=window)


def flight(world: World, *, seed: int) -> list[Shot]:
    """The photos along the lines, there and back."""
    random = np.random.default_rng([seed, 5])
    shots: list[Shot] = []
    for number, north_m in enumerate(LINES_M):
        places = np.arange(70.0, SIZE_M - 65.0, STEP_M)
        yaw_deg = 90.0 if number % 2 == 0 else 270.0
        for east_m in places if number % 2 == 0 else places[::-1]:
            pose = Pose(yaw_deg + float(random.normal(0, 3)), -90.0, 0.0, HEIGHT_M)
            shots.append(
                aim(
                    world,
                    WorldPoint(float(east_m), north_m),
                    pose,
                    camera=drone_camera(800),
                    number=len(shots),
                    moment=typical_moment("autumn"),
                    rng=random,
                )
            )
    return shots


def write_times(world: World, shots: list[Shot], path: Path) -> None:
    """The truth as `tracks.py` reads it."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["photo", "camera_lon", "camera_lat", "rel_alt_m", "t_s"])
        for number, shot in enumerate(shots):
            lon, lat = world.lonlat(shot.at)
            seconds = number * STEP_M / SPEED
            writer.writerow([shot.name, lon, lat, HEIGHT_M, seconds])


if __name__ == "__main__":
    main()
