"""How well the whole camera is solved on a fabricated world, and how well it knows that.

    python tests/benchmarks/camera.py [--photos N] [--tilts 0 15 30 45 60] [--slopes 0 0.1 0.25]
                                      [--told all no-lens nothing] [--seed N] [--work DIR]

Photos all over a fabricated town, tilted by 0 to 60 degrees from straight down, each with a lens of
its own. They carry no metadata; a table states some of it:

    all         height, yaw, pitch and field of view, with the errors of a drone's instruments
    no-lens     height, yaw and pitch
    nothing     nothing

On ground with relief they are located without and with its elevation model. The map lies exactly,
and geoloc is told so (`map_sd_m`): what is left in `ce90_m` is what it says of the camera alone.

The columns, by slope, elevation model, what is stated, and tilt:

    located     photos with the status ``located``; the others count nowhere
    camera      distance of the camera from the truth, median (metres)
    scene       the same of the ground point in the photo's middle
    height      height above the ground over the true one, median
    pitch       distance from the true pitch, median (degrees)
    footprint   intersection over union of the footprint with the true one, median
    ce90        share of cameras within their own `ce90_m`; 0.85 to 0.95 is asked
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely
from PIL import Image

from geoloc.geometry.camera import Camera, GroundCamera, GroundPoint, Pose, attitude
from geoloc.geometry.crs import LocalFrame, LonLat, distance_m
from geoloc.geometry.ground import footprint_on_ground
from geoloc.index.job import build_index
from geoloc.locate.job import locate_photos
from geoloc.options import LocateOptions
from geoloc.results.schema import PhotoResult
from geoloc.synthetic.world import Shot, World, WorldPoint, typical_moment, write_map
from geoloc.synthetic.world.elevation_file import write_dem
from geoloc.synthetic.world.flight import aim
from geoloc.tiles.job import cut_tiles

SIZE_M = 700.0
MAP_GSD_M = 0.3
PHOTO_PX = (1280, 960)
HFOV_DEG = (60.0, 84.0)
HEIGHT_M = (75.0, 120.0)
# Of what a drone states, standard deviations: the yaw in degrees, the height as a share, the pitch
# in degrees, the field of view as a share.
YAW_SD_DEG, HEIGHT_SD, PITCH_SD_DEG, HFOV_SD = 3.0, 0.05, 1.0, 0.03
# Footprints end so many heights away, as geoloc's do.
REACH_HEIGHTS = 5.0
TOLD = ("all", "no-lens", "nothing")


def main() -> None:
    """Make the world, locate its photos under each telling, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--tilts", type=float, nargs="+", default=[0, 15, 30, 45, 60])
    parser.add_argument("--slopes", type=float, nargs="+", default=[0.0, 0.1, 0.25])
    parser.add_argument("--told", choices=TOLD, nargs="+", default=list(TOLD))
    parser.add_argument("--dem", choices=("no", "yes"), nargs="+", default=["no", "yes"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="keep the world, its tiles and index here")
    args = parser.parse_args()
    print("| slope | dem | told | tilt | n | located | camera | scene | height | pitch", end="")
    print(" | footprint | ce90 |\n|---|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for slope in args.slopes:
            work = (args.work or Path(scratch)) / f"slope{slope:g}"
            measure(work, slope, args)


def measure(work: Path, slope: float, args: argparse.Namespace) -> None:
    """Print the rows of one slope."""
    world = World(size_m=SIZE_M, seed=args.seed, slope=slope)
    shots = plan(world, args.photos, args.tilts, args.seed)
    index = prepare(world, shots, work)
    photos = [work / "photos" / shot.name for shot in shots]
    for given in args.dem if slope else ("no",):
        dem = (str(work / "dem.tif"),) if given == "yes" else ()
        for telling in args.told:
            table = write_table(shots, telling, work / f"{telling}.csv", args.seed)
            options = LocateOptions(
                view="drone",
                metadata=str(table) if table else None,
                dem=dem,
                map_sd_m=MAP_GSD_M,
                track="none",
            )
            results = []
            for result in locate_photos(photos, index, options):
                results.append(result)
                print(f"\r{telling}: {len(results)}", end="", file=sys.stderr, flush=True)
            case = f"{slope:.0%} | {'yes' if dem else 'no'} | {telling}"
            for number, tilt in enumerate(args.tilts):
                print(row(world, case, tilt, shots, results, number, len(args.tilts)), flush=True)


def plan(world: World, count: int, tilts_deg: Sequence[float], seed: int) -> list[Shot]:
    """Photos whose tilts take turns."""
    rng = np.random.default_rng([seed, 77])
    shots = []
    for number in range(count):
        tilt = tilts_deg[number % len(tilts_deg)]
        pitch = -90 + tilt + rng.normal(0, 1.5)
        pose = Pose(rng.uniform(0, 360), pitch, rng.normal(0, 1.0), rng.uniform(*HEIGHT_M))
        scene = WorldPoint(*rng.uniform(0.25 * SIZE_M, 0.75 * SIZE_M, 2))
        lens = Camera.from_hfov(*PHOTO_PX, rng.uniform(*HFOV_DEG))
        moment = typical_moment(("autumn", "spring")[number % 2])
        shot = aim(world, scene, pose, camera=lens, number=number, moment=moment, rng=rng)
        shots.append(replace(shot, name=f"{number:04d}.jpg"))
    return shots


def prepare(world: World, shots: Sequence[Shot], work: Path) -> Path:
    """Write the map and the photos, which carry no metadata, and build the index."""
    (work / "photos").mkdir(parents=True, exist_ok=True)
    if not (work / "region.tif").exists():
        write_map(world, work / "region.tif", gsd_m=MAP_GSD_M)
    if world.relief and not (work / "dem.tif").exists():
        write_dem(world, work / "dem.tif")
    for number, shot in enumerate(shots):
        path = work / "photos" / shot.name
        if not path.exists():
            picture = world.take_photo(
                shot.camera,
                shot.pose,
                at=shot.at,
                when=shot.moment,
                sensor=shot.sensor,
                noise_seed=number,
            )
            Image.fromarray(picture).save(path, quality=92)
    cut_tiles([str(work / "region.tif")], work / "tiles")
    build_index(work / "tiles", work / "index")
    return work / "index"


def write_table(shots: Sequence[Shot], telling: str, path: Path, seed: int) -> Path | None:
    """The table of what is stated of each photo; None for nothing."""
    if telling == "nothing":
        return None
    rng = np.random.default_rng([seed, 78])
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        names = ["photo", "rel_alt_m", "yaw_deg", "pitch_deg"]
        writer.writerow(names + ["hfov_deg"] * (telling == "all"))
        for shot in shots:
            heading, pitch, _ = attitude(shot.pose)
            noise = rng.normal(0, 1, 4) * [HEIGHT_SD, YAW_SD_DEG, PITCH_SD_DEG, HFOV_SD]
            stated = [shot.pose.height_m * (1 + noise[0]), (heading + noise[1]) % 360]
            stated += [pitch + noise[2], shot.camera.hfov_deg * (1 + noise[3])]
            writer.writerow([shot.name, *stated[: len(names) - 1 + (telling == "all")]])
    return path


def row(
    world: World,
    case: str,
    tilt_deg: float,
    shots: Sequence[Shot],
    results: Sequence[PhotoResult],
    first: int,
    step: int,
) -> str:
    """The row of the photos of one tilt."""
    mine = list(zip(shots[first::step], results[first::step], strict=True))
    figures = np.array([errors(world, *pair) for pair in mine if pair[1].status == "located"])
    if len(figures) == 0:
        return f"| {case} | {tilt_deg:g}° | {len(mine)} | 0 | | | | | | |"
    camera, scene, height, pitch, overlap = np.nanmedian(figures[:, :5], axis=0)
    return (
        f"| {case} | {tilt_deg:g}° | {len(mine)} | {len(figures)} | {camera:.1f} m"
        f" | {scene:.1f} m | {height:.3f} | {pitch:.1f}° | {overlap:.2f}"
        f" | {figures[:, 5].mean():.2f} |"
    )


def errors(world: World, shot: Shot, result: PhotoResult) -> list[float]:
    """Distances of camera and scene, height, pitch, overlap, and whether `ce90_m` held."""
    true = world.lonlat(shot.at)
    middle = world.scene_of(shot.camera, shot.pose, shot.at)
    assert middle is not None
    assert result.longitude is not None
    assert result.latitude is not None
    away_m = distance_m(true, LonLat(result.longitude, result.latitude))
    scene_m = np.nan
    if result.scene_longitude is not None and result.scene_latitude is not None:
        scene = LonLat(result.scene_longitude, result.scene_latitude)
        scene_m = distance_m(world.lonlat(middle), scene)
    return [
        away_m,
        scene_m,
        (result.height_m or np.nan) / shot.pose.height_m,
        abs((result.pitch_deg or np.nan) - attitude(shot.pose).pitch_deg),
        overlap_of(world, true, shot, result),
        float(away_m <= (result.ce90_m or 0.0)),
    ]


def overlap_of(world: World, true: LonLat, shot: Shot, result: PhotoResult) -> float:
    """Intersection over union of the footprint with the true one."""
    if result.footprint is None:
        return 0.0
    frame = LocalFrame(true)
    ring = np.array(shapely.from_wkt(result.footprint).exterior.coords)
    found = shapely.Polygon(frame.from_lonlat(*ring.T)).buffer(0)
    placed = GroundCamera(shot.pose, GroundPoint(0.0, 0.0))
    reach_m = REACH_HEIGHTS * shot.pose.height_m
    ground = world.ground_around(shot.at)
    outline = footprint_on_ground(shot.camera, placed, ground, reach_m=reach_m)
    expected = shapely.Polygon(outline).buffer(0)
    return float(found.intersection(expected).area / found.union(expected).area)


if __name__ == "__main__":
    main()
