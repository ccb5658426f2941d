"""How well what two photos share tells the way between them, beside the truth.

    python tests/benchmarks/overlap.py --results alone.geojsonl --photos flight/ --truth truth.csv
        --apart 1 2 5

Each photo of the flight that the results have located is taken for known, and the photo so many
behind it is placed by it. Truth is a table as `tracks.py` reads it, whose photos are told from each
other by the numbers in their names. The way is compared, not the place: an error of the known
camera's place is not that of the overlap.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from tracks import Shot, read_flight

from geoloc.geometry.crs import offsets_m
from geoloc.index.features.keypoints import Keypoints, detect_keypoints
from geoloc.locate.track.overlap import OVERLAP, find_overlap, solve_by_overlap
from geoloc.photos.photo import read_photo
from geoloc.results.files import read_results
from geoloc.results.solved_camera import solved_camera


def main() -> None:
    """A line for each distance in the flight: how many overlap, and how far ways are off."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--apart", type=int, nargs="+", default=[1])
    args = parser.parse_args()
    flight = read_flight(args.photos, args.truth, step=1, spoil=False)
    at_number = {number_in(shot.name): at for at, shot in enumerate(flight)}
    known = [(row, at_number.get(number_in(row.photo))) for row in read_results(args.results)]
    seen: dict[int, Keypoints] = {}
    for apart in args.apart:
        tried, lines = 0, []
        for row, at in known:
            camera = solved_camera(row) if row.status == "located" else None
            if camera is None or at is None or at + apart >= len(flight):
                continue
            tried += 1
            for each in {at, at + apart} - seen.keys():
                seen[each] = keypoints_of(flight[each].source)
            overlap = find_overlap(seen[at], seen[at + apart])
            found = None if overlap is None else solve_by_overlap(camera, overlap, camera.camera)
            if found is not None:
                true_m = way_m(flight[at], flight[at + apart])
                off_m = np.hypot(*(np.array(found.placed.position) - true_m))
                lines.append((float(np.hypot(*true_m)), float(off_m)))
        ways, off = np.array(lines).reshape(-1, 2).T
        print(
            f"{apart} apart: {len(off)} of {tried} overlap, ways of {np.median(ways):.0f} m, "
            f"off by {np.median(off):.1f} m (90 %: {np.quantile(off, 0.9):.1f} m)"
        )


def number_in(name: str) -> int:
    """The number in the name of a photo."""
    return int(re.findall(r"\d+", Path(name).stem)[-1])


def keypoints_of(path: Path) -> Keypoints:
    """Keypoints of a photo in its full pixels."""
    photo = read_photo(path, max_side_px=OVERLAP.side_px)
    found = detect_keypoints(photo.pixels, limit=OVERLAP.keypoints)
    factor = np.float32(photo.full_width_px / photo.pixels.shape[1])
    return replace(found, xy_px=found.xy_px * factor)


def way_m(one: Shot, other: Shot) -> np.ndarray:
    """Metres (2,) to the east and north from one photo to another."""
    assert one.place is not None
    assert other.place is not None
    return np.asarray(offsets_m(*one.place, *other.place)[0])


if __name__ == "__main__":
    main()
