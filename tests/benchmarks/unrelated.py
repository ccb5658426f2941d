"""A folder of photos that have nothing to do with each other, located alone and with --track auto.

    python tests/benchmarks/unrelated.py --index index/ --photos photos/ --truth truth.csv
        --foreign elsewhere/ --count 20 --work DIR --shuffles 5 --told nothing

Truth is a table with the columns photo, camera_lon and camera_lat, and rel_alt_m with
``--told heights``. The photos and the foreign ones are numbered at random as if they were one
series, without their metadata; with ``--told heights`` a table says that they were taken in that
order, so many seconds apart (``--apart``). Tracks must change nothing: no photo that is right alone
may be lost, none may become wrong, and no foreign one may be located.

DIR keeps what each photo is alone, so that only the tracks are measured again.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from PIL import Image
from tracks import BEGIN, RIGHT_M, Timer, options_alone, photos_in

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.index.map_index import MapIndex
from geoloc.locate.file_job import locate_to_file
from geoloc.locate.locator import Locator
from geoloc.locate.track.job import locate_tracks
from geoloc.options import LocateOptions, OutputOptions
from geoloc.progress import Silent
from geoloc.results.files import read_results
from geoloc.results.journal import row_key
from geoloc.results.schema import PhotoResult


@dataclass(frozen=True)
class Shot:
    """One photo without its metadata; `place` is None of a foreign one."""

    copy: Path
    place: LonLat | None
    height_m: float | None


def main() -> None:
    """Locate each photo alone, or read what it was, then the folder in several orders."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="keeps what photos are")
    parser.add_argument("--foreign", type=Path, nargs="*", default=[], help="folders of others")
    parser.add_argument("--count", type=int, default=20, help="so many of each")
    parser.add_argument("--first", type=int, help="only so many of the photos")
    parser.add_argument("--shuffles", type=int, default=5, help="so many orders")
    parser.add_argument("--told", default="nothing", choices=("nothing", "heights"))
    parser.add_argument("--apart", type=float, default=30.0, help="seconds from one to the next")
    parser.add_argument("--effort", choices=("low", "normal", "high"), default="normal")
    args = parser.parse_args()
    shots = bare_copies(args)
    table = None
    if args.told == "heights":
        table = write_table(args.work / "heights.csv", [(shot.copy, shot) for shot in shots])
    singles = options_alone(table, args.effort)
    kept = args.work / f"alone-{args.told}-{args.effort}.geojsonl"
    copies = [shot.copy for shot in shots]
    locate_to_file(copies, args.index, kept, singles, writing=OutputOptions(resume=True))
    known = {row_key(row.photo): row for row in read_results(kept)}
    rows = [known[row_key(copy)] for copy in copies]
    print("alone:", counts(shots, rows))
    index = MapIndex.open(args.index)
    for seed in range(args.shuffles):
        order = random.Random(seed).sample(range(len(shots)), len(shots))
        print(f"order {seed}:", in_order(order, shots, rows, index, singles, args), flush=True)


def bare_copies(args: argparse.Namespace) -> list[Shot]:
    """The photos and the foreign ones without metadata, all as large as the first photo."""
    with args.truth.open(encoding="utf-8", newline="") as stream:
        truth = {row["photo"]: row for row in csv.DictReader(stream)}
    own = [path for path in photos_in(args.photos) if path.name in truth][: args.first]
    foreign = [path for folder in args.foreign for path in evenly(photos_in(folder), args.count)]
    heights = [float(truth[path.name]["rel_alt_m"]) for path in own if args.told == "heights"]
    with Image.open(own[0]) as image:
        size = image.size
    shots = []
    for number, source in enumerate([*own, *foreign]):
        copy = args.work / "photos" / f"{source.parent.parent.name}-{source.stem}.jpg"
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            Image.open(source).convert("RGB").resize(size).save(copy, quality=95)
        row = truth[source.name] if number < len(own) else None
        place = row and LonLat(float(row["camera_lon"]), float(row["camera_lat"]))
        height_m = heights[number % len(heights)] if heights else None
        shots.append(Shot(copy, place, height_m))
    return shots


def evenly(photos: Sequence[Path], count: int) -> list[Path]:
    """So many of a folder's photos, evenly from its first to its last."""
    step = max(1.0, len(photos) / count)
    return [photos[int(at * step)] for at in range(min(count, len(photos)))]


def write_table(path: Path, named: Sequence[tuple[Path, Shot]], *, apart_s: float = 0.0) -> str:
    """A table of heights, and of times where photos are told to be so far apart."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["photo", "rel_alt_m", *(["timestamp"] if apart_s else [])])
        for number, (photo, shot) in enumerate(named):
            taken = (BEGIN + timedelta(seconds=apart_s * number)).isoformat()
            writer.writerow([photo.name, shot.height_m, *([taken] if apart_s else [])])
    return str(path)


def in_order(
    order: Sequence[int],
    shots: Sequence[Shot],
    rows: Sequence[PhotoResult],
    index: MapIndex,
    singles: LocateOptions,
    args: argparse.Namespace,
) -> str:
    """What tracks make of the photos in an order."""
    folder = args.work / "series"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    named = [(folder / f"photo_{number:04}.jpg", shots[at]) for number, at in enumerate(order, 1)]
    for name, shot in named:
        os.link(shot.copy, name)
    photos = [name for name, _ in named]
    alone = {
        row_key(name): replace(rows[at], photo=str(name))
        for name, at in zip(photos, order, strict=True)
    }
    options = replace(singles, track="auto")
    if args.told == "heights":
        table = write_table(args.work / "series.csv", named, apart_s=args.apart)
        options = replace(options, metadata=table)
    locator = Locator(index, options, run_id="benchmark")
    locator.sources.settle(photos)
    with Timer(len(photos)) as timer:
        decided = locate_tracks(locator, photos, alone, options, progress=Silent())
    return f"{changes(named, alone, decided)}; {timer} more"


def is_right(shot: Shot, row: PhotoResult) -> bool:
    """Whether a photo is located near the truth."""
    if row.status != "located" or shot.place is None:
        return False
    assert row.longitude is not None
    assert row.latitude is not None
    return distance_m(LonLat(row.longitude, row.latitude), shot.place) <= RIGHT_M


def counts(shots: Sequence[Shot], rows: Sequence[PhotoResult]) -> str:
    """How many are right and wrong, and how many foreign photos are located."""
    right = sum(is_right(shot, row) for shot, row in zip(shots, rows, strict=True))
    located = [shot for shot, row in zip(shots, rows, strict=True) if row.status == "located"]
    foreign = sum(shot.place is None for shot in located)
    own = sum(shot.place is not None for shot in shots)
    return (
        f"{own} photos, {right} right, {len(located) - foreign - right} wrong; "
        f"{len(shots) - own} foreign, {foreign} located"
    )


def changes(
    named: Sequence[tuple[Path, Shot]],
    alone: Mapping[str, PhotoResult],
    decided: Mapping[str, PhotoResult],
) -> str:
    """The counts with tracks, and how many photos that are right alone are so no longer."""
    shots = [shot for _, shot in named]
    before = [alone[row_key(name)] for name, _ in named]
    after = [decided[row_key(name)] for name, _ in named]
    lost = [
        name.stem
        for (name, shot), one, other in zip(named, before, after, strict=True)
        if is_right(shot, one) and not is_right(shot, other)
    ]
    by_track = sum(row.from_track == 1 for row in after)
    return f"{counts(shots, after)}; {len(lost)} lost, {by_track} decided by a track"


if __name__ == "__main__":
    main()
