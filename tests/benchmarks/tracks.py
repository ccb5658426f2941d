"""Photos of a flight located alone and in tracks: how many right, how many wrong or foreign.

    python tests/benchmarks/tracks.py --index index/ --photos flight/ --truth truth.csv --work DIR
        --step 5 --told heights --foreign elsewhere/ --count 20

Truth is a table with the columns photo, camera_lon, camera_lat, rel_alt_m and t_s (seconds), as
`ariel-track` has it. What is told of a photo: ``heights`` and times; ``nothing`` but numbers in the
names; or what an ``.SRT`` says of the frame that a name's number counts. Foreign photos are mixed
in evenly, as large as the flight's, with their neighbours' heights or the log of their moment.
``--spoil`` leaves of every second photo of the flight only a window of that share of its sides.

DIR keeps what each photo is alone, so that only the tracks are measured again.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.index.map_index import MapIndex
from geoloc.locate.file_job import locate_to_file
from geoloc.locate.locator import Locator
from geoloc.locate.track.carrying import Carrier
from geoloc.locate.track.job import locate_tracks
from geoloc.options import Effort, LocateOptions, OutputOptions
from geoloc.photo_name import SUFFIXES
from geoloc.progress import Silent
from geoloc.results.files import read_results
from geoloc.results.journal import row_key
from geoloc.results.schema import PhotoResult

RIGHT_M = 50.0
BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
_FRAMES_A_SECOND = 30000 / 1001


@dataclass(frozen=True)
class Shot:
    """One photo of the mixture; `place` is None of a foreign one."""

    source: Path
    seconds: float
    height_m: float
    place: LonLat | None
    is_spoilt: bool = False

    @property
    def name(self) -> str:
        """Its name in the mixture, by the number of its frame: all are of one series."""
        return f"frame_{round(self.seconds * _FRAMES_A_SECOND):06}.jpg"


def options_alone(table: str | None, effort: Effort) -> LocateOptions:
    """Options that locate each photo alone, by features."""
    return LocateOptions(
        view="drone", metadata=table, workers=1, effort=effort, matcher="none", track="none"
    )


def main() -> None:
    """Locate each photo alone, or read what it was, then the mixture in tracks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="keeps what photos are")
    parser.add_argument("--step", type=int, default=1, help="take every so manieth photo")
    parser.add_argument("--first", type=int, help="only so many of these")
    parser.add_argument("--foreign", type=Path, help="folder of photos of other ground")
    parser.add_argument("--count", type=int, default=20, help="so many of them")
    parser.add_argument("--spoil", type=float, default=1.0, help="share of the sides that is left")
    parser.add_argument("--told", default="heights", metavar="heights|nothing|FILE.SRT")
    parser.add_argument("--effort", choices=("low", "normal", "high"), default="normal")
    parser.add_argument("--without-overlap", action="store_true", help="by the map alone")
    parser.add_argument("--each", action="store_true", help="a line for each photo")
    args = parser.parse_args()
    if args.without_overlap:
        Carrier.carry = lambda *_: None  # type: ignore[method-assign]
    flight = read_flight(args.photos, args.truth, step=args.step, spoil=args.spoil < 1)
    foreign = [] if args.foreign is None else photos_in(args.foreign)[: args.count]
    whole = mix(read_flight(args.photos, args.truth, step=1, spoil=False), foreign)
    flight = flight[: args.first]
    shots = sorted(
        [*flight, *(shot for shot in whole if shot.place is None)], key=lambda shot: shot.seconds
    )
    work = args.work if args.spoil == 1 else args.work / f"spoil-{args.spoil}"
    photos = write_photos(shots, work / "photos", share=args.spoil)
    table = table_of(whole, work, told=args.told)  # of all, so that it stays the same
    singles = options_alone(table, args.effort)
    kept = work / f"alone-{Path(args.told).stem}-{args.effort}.geojsonl"
    with Timer(len(photos)) as alone_time:
        locate_to_file(photos, args.index, kept, singles, writing=OutputOptions(resume=True))
    known = {row_key(row.photo): row for row in read_results(kept)}
    rows = {row_key(photo): known[row_key(photo)] for photo in photos}
    options = replace(singles, track="auto")
    locator = Locator(MapIndex.open(args.index), options, run_id="benchmark")
    locator.sources.settle(photos)
    with Timer(len(photos)) as track_time:
        decided = locate_tracks(locator, photos, rows, options, progress=Silent())
    print(f"{len(flight)} photos of the flight, {len(shots) - len(flight)} foreign")
    print(f"alone {alone_time} (what was kept took none), tracks {track_time} more")
    for name, answers in (("alone", rows), ("in tracks", decided)):
        print(report(name, shots, [answers[row_key(photo)] for photo in photos]))
    for shot, photo in zip(shots, photos, strict=True) if args.each else ():
        print(line(shot, rows[row_key(photo)], decided[row_key(photo)]))


class Timer:
    """Seconds a photo, on the clock and of CPU."""

    def __init__(self, photos: int) -> None:
        self._photos = photos

    def __enter__(self) -> Timer:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = (time.perf_counter() - self._began[0]) / self._photos
        self.cpu_s = (time.process_time() - self._began[1]) / self._photos

    def __str__(self) -> str:
        return f"{self.wall_s:.1f} s a photo, {self.cpu_s:.1f} s of CPU"


def photos_in(folder: Path) -> list[Path]:
    """The photos of a folder."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def read_flight(photos: Path, truth: Path, *, step: int, spoil: bool) -> list[Shot]:
    """Every so manieth photo of a flight."""
    with truth.open(encoding="utf-8", newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: float(row["t_s"]))[::step]
    return [
        Shot(
            photos / row["photo"],
            float(row["t_s"]),
            float(row["rel_alt_m"]),
            LonLat(float(row["camera_lon"]), float(row["camera_lat"])),
            is_spoilt=spoil and number % 2 == 1,
        )
        for number, row in enumerate(rows)
    ]


def mix(flight: Sequence[Shot], foreign: Sequence[Path]) -> list[Shot]:
    """The flight with foreign photos between its own, at the same times whatever its step."""
    mixed = list(flight)
    begin, end = flight[0].seconds, flight[-1].seconds
    for number, path in enumerate(foreign):
        seconds = begin + (number + 0.47) * (end - begin) / len(foreign)
        nearest = min(flight, key=lambda shot: abs(shot.seconds - seconds))
        mixed.append(Shot(path, seconds, nearest.height_m, None))
    assert len({shot.name for shot in mixed}) == len(mixed), "two photos of one moment"
    return sorted(mixed, key=lambda shot: shot.seconds)


def write_photos(shots: Sequence[Shot], folder: Path, *, share: float) -> list[Path]:
    """The photos under names of one series; those that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(next(shot for shot in shots if shot.place).source) as image:
        size = image.size
    for shot in shots:
        if not (folder / shot.name).exists():
            picture = Image.open(shot.source).convert("RGB").resize(size)
            picture = window(picture, share) if shot.is_spoilt else picture
            picture.save(folder / shot.name, quality=95)
    return [folder / shot.name for shot in shots]


def table_of(shots: Sequence[Shot], work: Path, *, told: str) -> str | None:
    """What is told of the photos: a table or a log."""
    if told == "nothing":
        return None
    if told != "heights":
        return told
    table = work / "heights.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["photo", "timestamp", "rel_alt_m"])
        for shot in shots:
            taken = (BEGIN + timedelta(seconds=shot.seconds)).isoformat()
            writer.writerow([shot.name, taken, shot.height_m])
    return str(table)


def window(picture: Image.Image, share: float) -> Image.Image:
    """A photo of which only the middle is left, on grey."""
    width, height = picture.size
    box = (
        round(width * (1 - share) / 2),
        round(height * (1 - share) / 2),
        round(width * (1 + share) / 2),
        round(height * (1 + share) / 2),
    )
    grey = Image.new("RGB", picture.size, (110, 110, 110))
    grey.paste(picture.crop(box), box[:2])
    return grey


def off_m(shot: Shot, row: PhotoResult) -> float | None:
    """Distance between an answer and the truth, metres; None without one of them."""
    if shot.place is None or row.longitude is None or row.latitude is None:
        return None
    return distance_m(LonLat(row.longitude, row.latitude), shot.place)


def report(name: str, shots: Sequence[Shot], rows: Sequence[PhotoResult]) -> str:
    """A line of counts: right and wrong among the flight's, and the foreign that were located."""
    right = wrong = without = foreign = 0
    for shot, row in zip(shots, rows, strict=True):
        away_m = off_m(shot, row)
        if shot.place is None:
            foreign += row.status == "located"
        elif row.status != "located" or away_m is None:
            without += 1
        elif away_m <= RIGHT_M:
            right += 1
        else:
            wrong += 1
    return f"{name}: {right} right, {wrong} wrong, {without} without; {foreign} foreign located"


def line(shot: Shot, alone: PhotoResult, decided: PhotoResult) -> str:
    """One photo: its answer alone and in its track, with confidence and metres off."""
    parts = [shot.name, "flight" if shot.place else "foreign"]
    for row in (alone, decided):
        away_m = off_m(shot, row)
        sure = "" if row.confidence is None else f"{row.confidence:.3f}"
        parts += [row.status, sure, "" if away_m is None else f"{away_m:.0f} m"]
    return "\t".join(parts)


if __name__ == "__main__":
    main()
