"""How honest confidences are, on photos that no calibration has seen.

    python tests/benchmarks/calibration.py [--photos N] [--fitted-on N] [--fit photos map FILE]
        [--work DIR]
    python tests/benchmarks/calibration.py --real DATA [--every K] [--fit photos map FILE]

N photos of a town in spring and autumn are searched for on its map in summer, and N of two other
towns, which lie nowhere on it. They are located once, and judged by each calibration in turn:

    uncalibrated   the curve that was set by hand
    photos         fitted to photos of *another* town, and their mirror images, on that town's map
    map            fitted to simulated photos of the map that is searched, and as many mirrored
    FILE           any that was fitted before, as one that comes with a model

With ``--real`` the photos are those of DATA (see `real_sets`), each set on its own map beside the
photos of the other set. There is no other map of the same kind whose photos could fit, so that
``photos`` are every second one of the set then, and the line judges the others.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from real_sets import SETS, Case, Ground, photos_of

from geoloc.geometry.crs import LonLat, offsets_m
from geoloc.index.job import build_index
from geoloc.learning.calibration.job import calibrate_on_photos, drone_of, open_locator
from geoloc.learning.calibration.map_job import calibrate_on_map
from geoloc.locate.calibration import Calibration, read_calibration
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.posterior import Posterior
from geoloc.locate.estimate import Estimate
from geoloc.options import LocateOptions
from geoloc.photos.kind import camera_of
from geoloc.photos.photo import Photo, read_photo
from geoloc.results.reliability import Answer, auroc, reliability
from geoloc.synthetic.world.files import write_map, write_photos, write_truth
from geoloc.synthetic.world.flight import drone_camera, plan_flight
from geoloc.synthetic.world.world import World
from geoloc.tiles.job import cut_tiles

SIZE_M, GSD_M, PHOTO_PX = 600.0, 0.5, 1280
FITTING, TESTED, FOREIGN = 11, 12, (13, 14)
OPTIONS = LocateOptions(view="drone")
HEADER = (
    "| calibration | located | right | foreign located | ce90 | calibration error | AUROC |\n"
    "|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Town:
    """Photos of a fabricated town, their truth, and where its map and index would be."""

    world: World
    folder: Path
    photos: tuple[Path, ...]
    places: tuple[LonLat, ...]

    @property
    def truth(self) -> Path:
        """The table of the truth."""
        return self.folder / "truth.csv"

    def index(self) -> Path:
        """The index of its map; what is there already stays."""
        region, index = self.folder / "region.tif", self.folder / "index"
        if not (index / "index.json").exists():
            write_map(self.world, region, gsd_m=GSD_M)
            cut_tiles([str(region)], self.folder / "tiles")
            build_index(self.folder / "tiles", index)
        return index


@dataclass(frozen=True)
class Found:
    """What the search found for a photo: all but the judgement of it.

    Attributes:
        photo: The photo.
        posterior: The places that compete; None where there are none.
        true: Where it was taken; None for a photo of another town.
    """

    photo: Photo
    posterior: Posterior | None
    true: LonLat | None


def main() -> None:
    """Fabricate, locate, judge, print a table; what is going on goes to stderr."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=60, help="of each kind")
    parser.add_argument("--fitted-on", type=int, metavar="N", help="photos a fit sees; as --photos")
    parser.add_argument("--fit", nargs="*", default=("photos", "map"), metavar="photos|map|FILE")
    parser.add_argument("--real", type=Path, metavar="DATA", help="real photos, in place of towns")
    parser.add_argument("--every", type=int, default=1, help="take each k-th real photo only")
    parser.add_argument("--work", type=Path, help="keep towns and indexes here, and reuse them")
    given = parser.parse_args()
    fitted_on = given.fitted_on or given.photos
    with tempfile.TemporaryDirectory() as scratch:
        work = given.work or Path(scratch)
        print(HEADER)
        if given.real is not None:
            real(Ground(given.real, work, given.every), fitted_on, given.fit)
            return
        tested = town(TESTED, work, given.photos)
        share = given.photos // len(FOREIGN)
        foreign = [town(seed, work, share) for seed in FOREIGN]
        drone = drone_of(open_locator(tested.index(), OPTIONS))
        found = list(located(drone, tested, foreign))
        fits: dict[str, Callable[[], Calibration]] = {
            "photos": lambda: photo_fit(town(FITTING, work, fitted_on)),
            "map": lambda: (
                calibrate_on_map(
                    tested.index(), OPTIONS, photos=fitted_on, overwrite=True
                ).calibration
            ),
        }
        print(row("uncalibrated", judged(drone, found, None)), flush=True)
        for name in given.fit:
            print(f"... fitting: {name}", file=sys.stderr, flush=True)
            fit = fits[name]() if name in fits else read_calibration(Path(name))
            print(row(name, judged(drone, found, fit)), flush=True)


def real(ground: Ground, photos: int, fits: Sequence[str]) -> None:
    """Print the lines of both sets of real photos, each on its own map."""
    for own, other in ((SETS[0], SETS[1]), (SETS[1], SETS[0])):
        index, found = _copy(ground.index(own)), list[Found]()
        drone = drone_of(open_locator(index, OPTIONS))
        for name in (own, other):
            for truth, photo, metadata in photos_of(ground, _case(name, own)):
                taken = replace(photo, metadata=metadata)
                found.append(search(drone, taken, truth.camera if name == own else None))
                print(f"\r{own}: {len(found)} located", end="", file=sys.stderr, flush=True)
        print(row(f"{own}, uncalibrated", judged(drone, found, None)), flush=True)
        for name in fits:
            tested = found
            if name == "photos":
                fit = half_fit(ground, own, index)
                is_fitted = {path.name for path in ground.paths(_case(own, own))[::2]}
                tested = [one for one in found if one.photo.path.name not in is_fitted]
            elif name == "map":
                fit = calibrate_on_map(index, OPTIONS, photos=photos, overwrite=True).calibration
            else:
                fit = read_calibration(Path(name))
            print(row(f"{own}, {name}", judged(drone, tested, fit)), flush=True)


def half_fit(ground: Ground, own: str, index: Path) -> Calibration:
    """The calibration that every second photo of a set gives."""
    case = _case(own, own)
    options = replace(OPTIONS, metadata=ground.table(case))
    truth = ground.data / own / "truth.csv"
    return calibrate_on_photos(ground.paths(case)[::2], index, truth, options).calibration


def _case(photos: str, index: str) -> Case:
    return Case(photos, index, "table" if photos == "ariel" else "all")


def _copy(index: Path) -> Path:
    """A copy of an index, beside it, to calibrate: others measure with the one that is there."""
    copy = index.with_name(f"{index.name}-calibrated")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(index, copy)
    return copy


def town(seed: int, work: Path, count: int) -> Town:
    """A town and photos of it; files that are there already stay."""
    world, folder = World(size_m=SIZE_M, seed=seed), work / f"town-{seed}"
    shots = plan_flight(world, count, camera=drone_camera(PHOTO_PX))
    photos = tuple(folder / "photos" / shot.name for shot in shots)
    if not all(photo.exists() for photo in photos):
        print(f"... photos of town {seed}", file=sys.stderr, flush=True)
        write_photos(world, shots, folder / "photos")
    write_truth(world, shots, folder / "truth.csv")
    return Town(world, folder, photos, tuple(LonLat(*world.lonlat(shot.at)) for shot in shots))


def photo_fit(other: Town) -> Calibration:
    """The calibration that another town's photos give on that town's map."""
    return calibrate_on_photos(other.photos, other.index(), other.truth, OPTIONS).calibration


def located(drone: DroneLocator, tested: Town, foreign: Sequence[Town]) -> Iterator[Found]:
    """What is found on the map of a town for its own photos, and for those of others."""
    own = list(zip(tested.photos, tested.places, strict=True))
    others = [(photo, None) for other in foreign for photo in other.photos]
    for number, (path, true) in enumerate([*own, *others], 1):
        yield search(drone, read_photo(path), true)
        print(f"\r{number} located", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def search(drone: DroneLocator, photo: Photo, true: LonLat | None) -> Found:
    """What is found for a photo, however it may be judged."""
    height_px, width_px = photo.pixels.shape[:2]
    camera = camera_of(photo.metadata, width_px, height_px)
    posterior = drone.posterior(photo, photo.metadata, camera, rows=None, check=lambda: None)
    return Found(photo, posterior, true)


class Judge(DroneLocator):
    """A locator that remembers what was found, and judges it anew."""

    found: Posterior

    def posterior(self, *_: object, **__: object) -> Posterior:
        """What was found before."""
        return self.found


def judged(
    drone: DroneLocator, found: Sequence[Found], calibration: Calibration | None
) -> list[tuple[Found, Estimate | None]]:
    """Each photo's estimate, with the confidence that a calibration gives it."""
    judge = Judge.__new__(Judge)
    judge.__dict__.update(drone.__dict__)
    judge.calibration = calibration
    estimates: list[tuple[Found, Estimate | None]] = []
    for one in found:
        estimate = None
        if one.posterior is not None:
            judge.found = one.posterior
            estimate = judge.estimate(one.photo, one.photo.metadata, rows=None, check=lambda: None)
        estimates.append((one, estimate))
    return estimates


def row(name: str, estimates: Sequence[tuple[Found, Estimate | None]]) -> str:
    """One line of the table."""
    answers = [answer(one, estimate) for one, estimate in estimates if estimate is not None]
    own = [
        answer(one, estimate)
        for one, estimate in estimates
        if one.true is not None and estimate is not None
    ]
    confidence = np.array([each.probability if each else 0.0 for _, each in estimates])
    is_own = np.array([one.true is not None for one, _ in estimates], bool)
    sure = confidence >= LocateOptions.min_confidence
    right = sum(
        each.error_m <= (each.radius_m or 0) for each in own if (each.confidence or 0) >= 0.8
    )
    all_of, of_own = reliability(answers), reliability(own)
    figures = (of_own.ce90_coverage, all_of.calibration_error, auroc(confidence, is_own))
    shown = " | ".join("-" if value is None else f"{value:.3f}" for value in figures)
    located_own, located_foreign = int(sure[is_own].sum()), int(sure[~is_own].sum())
    return (
        f"| {name} | {located_own} of {is_own.sum()} | {right} "
        f"| {located_foreign} of {(~is_own).sum()} | {shown} |"
    )


def answer(one: Found, estimate: Estimate) -> Answer:
    """An answer and its error; that for a photo of another town is off by more than any radius."""
    east_m, north_m = np.inf, np.inf
    if one.true is not None:
        ((east_m, north_m),) = offsets_m(*one.true, *estimate.position).tolist()
    return Answer(
        estimate.probability,
        estimate.radius_m,
        estimate.ce90_m,
        estimate.acc95_m,
        east_m,
        north_m,
    )


if __name__ == "__main__":
    main()
