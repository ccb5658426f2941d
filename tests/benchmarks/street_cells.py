"""Street photos among the cells of an index, by the network alone: recall within metres.

    geoloc fabricate ... and geoloc train statewide-town ...    (see its head in models/recipes/)
    geoloc tile streets/map_test.tif --model my-streets
    geoloc index tiles/ --model my-streets --cells exact
    python tests/benchmarks/street_cells.py streets --index index/

Photos are those of photos/test, their places those of truth.csv. Chance is a cell drawn blindly.
With --together, all photos of a place are one query: the mean of their vectors.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from geoloc.arrays import Float64Array
from geoloc.geometry.crs import distances_m
from geoloc.index.map_index import MapIndex
from geoloc.models.embedder import Embedder
from geoloc.photos.photo import read_photo

RANKS = (1, 5, 10)
_MOST_PX = 2000


def main() -> None:
    """Print how often one of the first cells lies near the camera."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("town", type=Path, help="folder of geoloc fabricate crossview")
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--metres", type=float, nargs="+", default=[25.0, 50.0, 100.0])
    parser.add_argument("--together", action="store_true", help="join the photos of a place")
    args = parser.parse_args()
    index = MapIndex.open(args.index)
    embedder = Embedder(index.folder / index.manifest.recipe.model_location)
    index.check_model(embedder.fingerprint)
    names, truth = read_truth(args.town / "truth.csv")
    vectors = _embed(embedder, [args.town / "photos/test" / each for each in names])
    if args.together:
        vectors, truth = join_places(vectors, truth)
    ranked = index.search(vectors, k=max(RANKS)).rows
    print(
        f"{len(vectors)} queries, {len(index.tiles)} cells of {index.card.tile_ground_size_m:g} m"
    )
    for radius_m in args.metres:
        near = np.stack(
            [
                distances_m(lon, lat, index.tiles.lon, index.tiles.lat) <= radius_m
                for lon, lat in truth
            ]
        )
        found = np.take_along_axis(near, ranked, axis=1)
        shares = [f"R@{k} {100 * found[:, :k].any(axis=1).mean():5.1f} %" for k in RANKS]
        print(f"within {radius_m:g} m: {'  '.join(shares)}  (chance {100 * near.mean():.1f} %)")


def read_truth(path: Path) -> tuple[list[str], Float64Array]:
    """Names of the photos, and lon and lat (N, 2) of their cameras."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    places = [(float(row["camera_lon"]), float(row["camera_lat"])) for row in rows]
    return [row["photo"] for row in rows], np.array(places)


def join_places(vectors: np.ndarray, truth: Float64Array) -> tuple[np.ndarray, Float64Array]:
    """One vector of unit length for each place, and the places."""
    of_place: dict[tuple[float, ...], list[np.ndarray]] = defaultdict(list)
    for vector, place in zip(vectors, truth, strict=True):
        of_place[tuple(place)].append(vector)
    means = np.stack([np.mean(each, axis=0) for each in of_place.values()])
    joined = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
    return joined, np.array(list(of_place))


def _embed(embedder: Embedder, paths: list[Path]) -> np.ndarray:
    photos = [read_photo(path, max_side_px=_MOST_PX).pixels for path in paths]
    return embedder.embed(np.stack([embedder.shrink(each, "ground") for each in photos]), "ground")


if __name__ == "__main__":
    main()
