"""Photos of a flight located alone and in tracks: how many right, how many wrong or foreign.

    python tests/benchmarks/tracks.py --index index/ --photos flight/ --truth truth.csv
        --step 5 --foreign elsewhere/ --spoil 0.5

Truth is a table with the columns photo, camera_lon, camera_lat, rel_alt_m and t_s (seconds), as
`ariel-track` has it. What is told of a photo: its time and, unless ``--told nothing``, its height.
Foreign photos are mixed in evenly, as large as the flight's, with the heights of their neighbours.
``--spoil`` leaves of every second photo of the flight only a window of that share of its sides.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.locate.job import locate_photos
from geoloc.options import LocateOptions
from geoloc.photo_name import SUFFIXES
from geoloc.results.schema import PhotoResult

RIGHT_M = 50.0
_BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Shot:
    """One photo of the mixture; `place` is None of a foreign one."""

    source: Path
    seconds: float
    height_m: float
    place: LonLat | None
    is_spoilt: bool = False


def main() -> None:
    """Locate the mixture once, in tracks; rows keep what each photo alone would have been."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--step", type=int, default=1, help="take every so manieth photo")
    parser.add_argument("--foreign", type=Path, help="folder of photos of other ground")
    parser.add_argument("--spoil", type=float, default=1.0, help="share of the sides that is left")
    parser.add_argument("--told", choices=("heights", "nothing"), default="heights")
    args = parser.parse_args()
    flight = read_flight(args.photos, args.truth, step=args.step, spoil=args.spoil < 1)
    shots = mix(flight, [] if args.foreign is None else photos_in(args.foreign))
    with tempfile.TemporaryDirectory() as folder:
        table = write_mixture(shots, Path(folder), told=args.told, share=args.spoil)
        photos = sorted(Path(folder).glob("*.jpg"))
        options = LocateOptions(view="drone", metadata=str(table), track="auto")
        began, cpu = time.perf_counter(), time.process_time()
        rows = list(locate_photos(photos, args.index, options))
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(f"{len(flight)} photos of the flight, {len(shots) - len(flight)} foreign")
    print(f"{wall / len(rows):.1f} s a photo, {cpu / len(rows):.1f} s of CPU")
    print(report("alone", shots, [alone(row) for row in rows]))
    print(report("in tracks", shots, rows))


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
    """The flight with foreign photos between its own, in order of time."""
    mixed = list(flight)
    for number, path in enumerate(foreign):
        before = flight[(number + 1) * len(flight) // (len(foreign) + 1) - 1]
        mixed.append(Shot(path, before.seconds + 1.0, before.height_m, None))
    return sorted(mixed, key=lambda shot: shot.seconds)


def write_mixture(shots: Sequence[Shot], folder: Path, *, told: str, share: float) -> Path:
    """The photos under names of one series, and the table of what is told of them."""
    table = folder / "told.csv"
    with Image.open(next(shot for shot in shots if shot.place).source) as image:
        size = image.size
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["photo", "timestamp", *(["rel_alt_m"] if told == "heights" else [])])
        for number, shot in enumerate(shots):
            name = f"frame_{number:04}.jpg"
            picture = Image.open(shot.source).convert("RGB").resize(size)
            (window(picture, share) if shot.is_spoilt else picture).save(folder / name, quality=95)
            taken = (_BEGIN + timedelta(seconds=shot.seconds)).isoformat()
            writer.writerow([name, taken, *([shot.height_m] if told == "heights" else [])])
    return table


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


def alone(row: PhotoResult) -> PhotoResult:
    """A row as it was before its track decided."""
    if not row.from_track:
        return row
    return PhotoResult(
        row.photo,
        row.single_status,  # type: ignore[arg-type]  # a status, where the track decided
        longitude=row.single_longitude,
        latitude=row.single_latitude,
    )


def report(name: str, shots: Iterable[Shot], rows: Iterable[PhotoResult]) -> str:
    """A line of counts: right and wrong among the flight's, and the foreign that were located."""
    right = wrong = without = foreign = 0
    for shot, row in zip(shots, rows, strict=True):
        if shot.place is None:
            foreign += row.status == "located"
        elif row.status != "located" or row.longitude is None or row.latitude is None:
            without += 1
        elif distance_m(LonLat(row.longitude, row.latitude), shot.place) <= RIGHT_M:
            right += 1
        else:
            wrong += 1
    return f"{name}: {right} right, {wrong} wrong, {without} without; {foreign} foreign located"


if __name__ == "__main__":
    main()
