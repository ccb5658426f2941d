"""How well real drone photos are located: accuracy, precision and seconds a photo, set by set.

The sets are folders with ``region.tif``, ``photos/`` and ``truth.csv``; they are not part of the
project. Each is located on its own map, on its map among foreign maps, with all metadata hidden,
and on the other set's map, where nothing may be ``located``.

    python tests/benchmarks/real.py DATA [--photos SET] [--every N] [--effort low|normal|high]

DATA holds ``fengyuan/``, ``ariel/`` and ``distractors/*.tif``. Frames of ``ariel`` carry no
metadata: their height and yaw come from the truth, their pitch is -45 degrees.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from geoloc.evaluate import evaluate_results, read_truth
from geoloc.index import build_index
from geoloc.locate import locate_photos
from geoloc.options import Effort, LocateOptions
from geoloc.tiling import cut_tiles

HEADER = (
    f"{'photos':<10}{'map':<22}{'told':<10}{'n':>4}{'<=25 m':>8}{'<=40 m':>8}{'<=50 m':>8}"
    f"{'located':>9}{'right in 40 m':>15}{'median':>9}{'s/photo':>9}"
)


@dataclass(frozen=True)
class Trial:
    """Photos of one set on the index of some maps."""

    photos: str
    index: str
    told: str  # all, nothing, table
    point: str = "camera"


TRIALS = (
    Trial("fengyuan", "fengyuan", "all"),
    Trial("fengyuan", "with-distractors", "all"),
    Trial("fengyuan", "fengyuan", "nothing"),
    Trial("fengyuan", "with-distractors", "nothing"),
    Trial("ariel", "ariel", "table", "scene"),
    Trial("ariel", "with-distractors", "table", "scene"),
    Trial("fengyuan", "ariel", "all"),
    Trial("ariel", "fengyuan", "table", "scene"),
)


def main() -> None:
    """Build the indexes, run the trials, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", help="only the trials with the photos of this set")
    parser.add_argument("--every", type=int, default=1, help="take each n-th photo only")
    parser.add_argument("--effort", choices=("low", "normal", "high"), default="normal")
    parser.add_argument("--work", type=Path, help="keep the indexes here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = given.work or Path(scratch)
        indexes = build_indexes(given.data, work)
        print(HEADER, flush=True)
        for trial in TRIALS:
            if given.photos in (None, trial.photos):
                line = run(trial, given.data, indexes, work, every=given.every, effort=given.effort)
                print(line, flush=True)


def build_indexes(data: Path, work: Path) -> dict[str, Path]:
    """An index of each set's map, and one of all maps; what is there already stays."""
    own = {name: [str(data / name / "region.tif")] for name in ("fengyuan", "ariel")}
    foreign = [str(path) for path in sorted((data / "distractors").glob("*.tif"))]
    own["with-distractors"] = own["fengyuan"] + own["ariel"] + foreign
    indexes = {}
    for name, rasters in own.items():
        tiles, index = work / name / "tiles", work / name / "index"
        if not (index / "index.json").exists():
            cut_tiles(rasters, tiles)
            build_index(tiles, index)
        indexes[name] = index
    return indexes


def run(
    trial: Trial, data: Path, indexes: dict[str, Path], work: Path, *, every: int, effort: Effort
) -> str:
    """One line of the table."""
    folder = data / trial.photos
    truth = read_truth(folder / "truth.csv")[::every]
    photos = [folder / "photos" / row.photo for row in truth]
    options = LocateOptions(effort=effort)
    if trial.told == "nothing":
        photos = [without_metadata(photo, work / "bare" / trial.photos) for photo in photos]
    if trial.told == "table":
        options = LocateOptions(effort=effort, metadata=str(table_of(folder, work)))
    began = time.perf_counter()
    results = list(locate_photos(photos, indexes[trial.index], options))
    seconds = (time.perf_counter() - began) / len(photos)
    found = evaluate_results(results, truth, point=trial.point)  # type: ignore[arg-type]
    share, right = found.overall.share_within, found.precision_within
    located = sum(result.status == "located" for result in results)
    median = found.overall.median_error_m
    return (
        f"{trial.photos:<10}{trial.index:<22}{trial.told:<10}{len(photos):>4}"
        f"{share[25]:>8.1%}{share_within(found.errors_m.values(), 40):>8.1%}{share[50]:>8.1%}"
        f"{located:>9}{f'{right[40]:.1%}' if right else '-':>15}"
        f"{f'{median:.1f} m' if median is not None else '-':>9}{seconds:>9.2f}"
    )


def share_within(errors_m: Iterable[float | None], limit_m: float) -> float:
    """Share of all photos with an answer within so many metres."""
    errors = list(errors_m)
    return sum(e is not None and e <= limit_m for e in errors) / len(errors)


def without_metadata(photo: Path, folder: Path) -> Path:
    """A copy of a JPEG without its application segments: no EXIF, no XMP, the same pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    data, kept, at = photo.read_bytes(), bytearray(b"\xff\xd8"), 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        size = int.from_bytes(data[at + 2 : at + 4], "big") + 2
        if not 0xE0 <= data[at + 1] <= 0xEF:
            kept += data[at : at + size]
        at += size
    copy = folder / photo.name
    copy.write_bytes(bytes(kept) + data[at:])
    return copy


def table_of(folder: Path, work: Path) -> Path:
    """A table for ``--metadata``: height and yaw as the truth has them, pitch -45 degrees."""
    path = work / f"{folder.name}.csv"
    with (folder / "truth.csv").open(newline="") as source, path.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["photo", "rel_alt_m", "yaw_deg", "pitch_deg"])
        for row in csv.DictReader(source):
            writer.writerow([row["photo"], row["rel_alt_m"], row["yaw_deg"], -45])
    return path


if __name__ == "__main__":
    main()
