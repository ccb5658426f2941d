"""What a learned matcher's matches are worth: its curve, fitted on right and wrong places.

    python tests/benchmarks/matcher_evidence.py DATA --work DIR [--matcher xfeat]
                                                [--weights FILE ...] [--every N] [--first N]
                                                [--right N] [--wrong N]

DATA and DIR are those of `real.py`. Each photo is compared with the map where it was taken, from a
camera that is off as votes for a place are, and elsewhere: on its own map, and on the other set's.
The last lines are the constants of `geoloc.locate.drone.matcher_evidence`; ``--rows FILE ...`` fits
again what earlier runs printed. Photos that fitted them should measure nothing: take others there,
by ``--first``.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args, get_type_hints

import numpy as np
from real_sets import SETS, Case, Ground, photos_of
from sklearn.linear_model import LogisticRegression

from geoloc.geometry.camera import GroundCamera, GroundPoint, Pose, scene_point
from geoloc.geometry.crs import LocalFrame
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.map_index import MapIndex
from geoloc.index.map_pixels import MapPixels
from geoloc.locate.drone.learned_verification import LearnedVerification, PlaceInDoubt
from geoloc.locate.drone.matcher_evidence import Hints, excess_of
from geoloc.locate.drone.matchers import Matcher, open_matcher
from geoloc.locate.drone.verification import CandidatePose
from geoloc.locate.drone.voting import Peak
from geoloc.options import LearnedMatcher
from geoloc.photos.kind import camera_of
from geoloc.photos.photo import Photo
from geoloc.results.evaluation import Truth

# Standard deviations of a vote's camera from the true one; votes allow for twice as much.
OFF_M, OFF_YAW_DEG, OFF_PITCH_DEG, OFF_HEIGHT = 10.0, 6.0, 5.0, 0.1
# Elsewhere is where neither the camera nor the scene is as near as this.
ELSEWHERE_M = 250.0
PITCH_DEG = {"fengyuan": -90.0, "ariel": -45.0}
TENTHS = np.linspace(0, 1, 11)


class Row(NamedTuple):
    """What the matcher says of one place."""

    photo: str
    index: str
    right: int
    hints: int
    by_chance: int
    cpu_s: float


@dataclass
class MapToAsk:
    """A map, and the matcher that compares photos with it."""

    name: str
    features: FeatureMap
    asked: LearnedVerification

    @property
    def frame(self) -> LocalFrame:
        """The frame of its one region."""
        return self.features.regions[0].frame

    def anywhere(self, rng: np.random.Generator) -> np.ndarray:
        """A point (2,) that the map shows."""
        chosen = self.features.read(rng.integers(len(self.features), size=1))
        return chosen.xy_m[0].astype(float)

    def row(self, photo: Photo, truth: Truth, placed: GroundCamera, *, right: bool) -> Row | None:
        """What the matcher says of a photo at a place; None where it would show the sky."""
        height_px, width_px = photo.pixels.shape[:2]
        camera = camera_of(photo.metadata, width_px, height_px)
        scene = scene_point(camera, placed.pose)
        if scene is None:
            return None
        middle = np.add(placed.position, scene)
        peak = Peak(0, *middle.tolist(), placed.pose.heading_deg, self.features.gsd_m, 100.0)
        began = time.process_time()
        place = PlaceInDoubt(CandidatePose(peak, placed), None)
        found = self.asked.compare(photo.pixels, camera, place)
        cpu_s = round(time.process_time() - began, 2)
        return found and Row(truth.photo, self.name, int(right), *found.hints, cpu_s)


def main() -> None:
    """Ask, print a line a place, and fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, help="as real.py has it")
    parser.add_argument("--matcher", choices=get_args(LearnedMatcher), default="xfeat")
    parser.add_argument("--weights", nargs="+", default=(), help="its files, if it needs any")
    parser.add_argument("--photos", choices=SETS, help="only the photos of this set")
    parser.add_argument("--every", type=int, default=1, help="take each n-th photo only")
    parser.add_argument("--first", type=int, default=0, help="from this one on")
    parser.add_argument("--right", type=int, default=2, help="right places of a photo")
    parser.add_argument("--wrong", type=int, default=1, help="wrong places of a photo, on each map")
    parser.add_argument("--rows", type=Path, nargs="+", help="fit these, as printed before")
    given = parser.parse_args()
    if given.rows:
        fit([row for path in given.rows for row in read_rows(path)])
        return
    ground = Ground(given.data, given.work, given.every, first=given.first)
    matcher = open_matcher(given.matcher, given.weights, device="cpu")
    maps = {name: opened(name, ground, matcher, given.matcher) for name in SETS}
    found: list[Row] = []
    writer = csv.writer(sys.stdout)
    writer.writerow(Row._fields)
    for name in SETS:
        if given.photos in (None, name):
            for row in rows_of(name, ground, maps, given.right, given.wrong):
                found.append(row)
                writer.writerow(row)
                sys.stdout.flush()
    if {row.right for row in found} == {0, 1}:
        fit(found)


def opened(name: str, ground: Ground, matcher: Matcher, called: LearnedMatcher) -> MapToAsk:
    """A set's map."""
    index = MapIndex.open(ground.index(name))
    features = index.open_features()
    assert features is not None, "real.py keeps them"
    pixels = MapPixels(index)
    return MapToAsk(
        name, features, LearnedVerification(matcher, called, pixels=pixels, features=features)
    )


def rows_of(
    name: str, ground: Ground, maps: dict[str, MapToAsk], right: int, wrong: int
) -> Iterator[Row]:
    """What the matcher says of some right places of each photo, and wrong ones on each map."""
    rng = np.random.default_rng(0)
    home = maps[name]
    for truth, photo, metadata in photos_of(ground, Case(name, name, "table")):
        assert truth.camera is not None
        at = home.frame.from_lonlat(truth.camera.lon, truth.camera.lat)[0]
        pose = Pose(metadata.yaw_deg or 0.0, PITCH_DEG[name], 0.0, metadata.rel_alt_m or 0.0)
        for _ in range(right):
            yield from answered(home.row(photo, truth, off(pose, at, rng), right=True))
        for there in maps.values():
            for _ in range(wrong):
                elsewhere = there.anywhere(rng)
                while there is home and math.dist(elsewhere, at) < ELSEWHERE_M:
                    elsewhere = there.anywhere(rng)
                yield from answered(there.row(photo, truth, off(pose, elsewhere, rng), right=False))


def answered(row: Row | None) -> tuple[Row, ...]:
    """A row, where there is one."""
    return () if row is None else (row,)


def off(pose: Pose, at: np.ndarray, rng: np.random.Generator) -> GroundCamera:
    """A camera, off as a vote for a place is."""
    east_m, north_m = at + rng.normal(0, OFF_M, 2)
    turned = Pose(
        (pose.yaw_deg + rng.normal(0, OFF_YAW_DEG)) % 360,
        max(-90.0, pose.pitch_deg + rng.normal(0, OFF_PITCH_DEG)),
        0.0,
        pose.height_m * math.exp(rng.normal(0, OFF_HEIGHT)),
    )
    return GroundCamera(turned, GroundPoint(float(east_m), float(north_m)))


def read_rows(path: Path) -> list[Row]:
    """The rows that an earlier run printed."""
    with path.open(newline="") as stream:
        lines = [line for line in csv.DictReader(stream) if line["cpu_s"]]
    kinds = get_type_hints(Row)
    return [Row(*(kinds[name](line[name]) for name in Row._fields)) for line in lines]


def fit(rows: Sequence[Row]) -> None:
    """Print the curve that right and wrong places give, each kind of equal weight."""
    right = np.array([row.right for row in rows], bool)
    hints = np.array([row.hints for row in rows])
    excess = np.array([[excess_of(Hints(row.hints, row.by_chance))] for row in rows])
    cpu_s = np.mean([row.cpu_s for row in rows])
    print(f"# {right.sum()} right and {(~right).sum()} wrong places, {cpu_s:.1f} CPU s each")
    for name, kind in (("right", right), ("wrong", ~right)):
        print(f"# hints at {name} places, by tenths: {np.quantile(hints[kind], TENTHS).round()}")
    curve = LogisticRegression(C=1.0, class_weight="balanced").fit(excess, right)
    most = math.log(float((~right).sum()))
    print(f"# silent={curve.intercept_[0]:.2f}, slope={curve.coef_[0][0]:.2f}, most={most:.1f}")


if __name__ == "__main__":
    main()
