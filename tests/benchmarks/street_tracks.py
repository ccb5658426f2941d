"""Street photos of walks, located alone and with --track auto: how many come near.

    geoloc fabricate crossview -o streets --kind street ... and an index of map_test.tif
    python tests/benchmarks/street_tracks.py streets --index index/ --work DIR

The places of truth.csv are put into a path, from each to the nearest that is left, and that is cut
into walks. Each walk passes its places once for each photo that they have. Times are those of
somebody who goes straight from place to place. The photos look in any direction.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.locate.file_job import locate_to_file
from geoloc.options import LocateOptions, OutputOptions
from geoloc.results.files import read_results
from geoloc.results.journal import row_key
from geoloc.results.schema import PhotoResult

RADII_M = (25.0, 50.0, 100.0)
_BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Shot(NamedTuple):
    """One photo of a walk."""

    source: Path
    place: LonLat
    copy: Path
    taken: datetime


def main() -> None:
    """Locate the photos of all walks alone and in tracks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("town", type=Path, help="folder of geoloc fabricate crossview")
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="copies of the photos go here")
    parser.add_argument("--length", type=int, default=20, help="photos of a walk")
    parser.add_argument("--speed", type=float, default=1.4, help="metres per second")
    args = parser.parse_args()
    photos = read_photos(args.town)
    walks = list(make_walks(photos, args.work, length=args.length, speed=args.speed))
    shots = [shot for walk in walks for shot in walk]
    table = write_walks(shots, args.work / "walks.csv")
    ways = [distance_m(one.place, two.place) for walk in walks for one, two in pairwise(walk)]
    print(f"{len(walks)} walks of {args.length} photos, {sum(ways) / len(ways):.0f} m apart")
    for track in ("none", "auto"):
        options = LocateOptions(view="street", metadata=str(table), track=track)
        output = args.work / f"{track}.geojsonl"
        paths = [shot.copy for shot in shots]
        locate_to_file(paths, args.index, output, options, writing=OutputOptions(overwrite=True))
        rows = {row_key(row.photo): row for row in read_results(output)}
        print(report(f"--track {track}", shots, [rows[row_key(shot.copy)] for shot in shots]))


def read_photos(town: Path) -> dict[LonLat, list[Path]]:
    """The test photos of each place, in the order of the table."""
    of_place: dict[LonLat, list[Path]] = defaultdict(list)
    with (town / "truth.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            place = LonLat(float(row["camera_lon"]), float(row["camera_lat"]))
            of_place[place].append(town / "photos/test" / row["photo"])
    return of_place


def make_walks(
    photos: dict[LonLat, list[Path]], work: Path, *, length: int, speed: float
) -> Iterator[list[Shot]]:
    """Walks past `length` places each, once for each photo that all of their places have."""
    path = nearest_path(list(photos))
    for start in range(0, len(path) - length + 1, length):
        places = path[start : start + length]
        for which in range(min(len(photos[place]) for place in places)):
            folder, taken = work / f"walk_{start // length + 1}_{which + 1}", _BEGIN
            walk: list[Shot] = []
            for number, place in enumerate(places, 1):
                if walk:
                    taken += timedelta(seconds=distance_m(walk[-1].place, place) / speed)
                source = photos[place][which]
                copy = folder / f"photo_{number:03}{source.suffix}"
                walk.append(Shot(source, place, copy, taken))
            yield walk


def nearest_path(places: Sequence[LonLat]) -> list[LonLat]:
    """All places, from the most western one always on to the nearest that is left."""
    left = sorted(places)
    path = [left.pop(0)]
    while left:
        path.append(left.pop(min(range(len(left)), key=lambda at: distance_m(path[-1], left[at]))))
    return path


def write_walks(shots: Sequence[Shot], table: Path) -> Path:
    """Copies of the photos, and the table of their times."""
    for shot in shots:
        shot.copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shot.source, shot.copy)
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["photo", "timestamp"])
        for shot in shots:
            name = shot.copy.relative_to(table.parent)
            writer.writerow([name.as_posix(), shot.taken.isoformat(timespec="seconds")])
    return table


def report(name: str, shots: Sequence[Shot], rows: Sequence[PhotoResult]) -> str:
    """Shares of the photos that come near, and how many are located, near and not."""
    away_m = [
        float("inf")
        if row.longitude is None or row.latitude is None
        else distance_m(LonLat(row.longitude, row.latitude), shot.place)
        for shot, row in zip(shots, rows, strict=True)
    ]
    shares = [f"{100 * sum(a <= r for a in away_m) / len(shots):.1f} %" for r in RADII_M]
    within = ", ".join(f"{s} within {r:g} m" for s, r in zip(shares, RADII_M, strict=True))
    sure = [a <= 50 for a, row in zip(away_m, rows, strict=True) if row.status == "located"]
    return f"{name}: {within}; {len(sure)} located, {sum(sure)} of them within 50 m"


if __name__ == "__main__":
    main()
