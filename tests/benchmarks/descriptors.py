"""How well a photo's keypoints are found again on a map of another date: RootSIFT or learned.

    python tests/benchmarks/descriptors.py TRAINING_DATA [--model NAME]

TRAINING_DATA is the folder that the recipe ``local-aerial`` learns from; only its held-out places
are used. Each photo's keypoint is looked for among those of all the maps. RootSIFT is computed in
the innermost channel of the same patches, which is the window that SIFT itself uses.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from geoloc.arrays import Float32Array, RgbImage
from geoloc.index.features.descriptor import PatchNetExtractor
from geoloc.index.features.keypoints import ROOT_SIFT, root_sift
from geoloc.index.features.patches import SIDE_PX, WIDTHS
from geoloc.learning.training.data.keypoint_source import found_pairs
from geoloc.learning.training.data.places import Place, read_places
from geoloc.learning.training.recall import Recall, recall_of_partners
from geoloc.learning.training.recipe_file import read_recipe
from geoloc.options import DEFAULT_DESCRIPTOR

Vectors = Float32Array


def main() -> None:
    """Print a line for each descriptor and kind of place."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default=DEFAULT_DESCRIPTOR)
    given = parser.parse_args()
    recipe = read_recipe("local-aerial")
    places = [place for place in read_places(given.data, recipe.data) if place.is_held_out]
    extractor = PatchNetExtractor(given.model)
    print(f"{'descriptor':<16}{'places':<28}{'n':>6}{'R@1':>8}{'R@5':>8}{'R@10':>8}")
    for name, some in kinds(places).items():
        pairs = found_pairs(some, recipe.keypoints)
        for label, describe in (("rootsift", of_sift), (extractor.kind.name, extractor.vectors)):
            recall = recall_of_partners(describe(pairs.photo), describe(pairs.tile))
            print(line(label, name, recall))


def kinds(places: list[Place]) -> dict[str, list[Place]]:
    """Held-out places by how many dates they have."""
    return {
        "several dates": [place for place in places if len(place.dates) > 1],
        "one date": [place for place in places if len(place.dates) == 1],
    }


def of_sift(patches: RgbImage) -> Vectors:
    """RootSIFT (N, 128) of patches, as unit vectors."""
    sift = cv2.SIFT_create()  # type: ignore[attr-defined]
    size = SIDE_PX / WIDTHS[0]
    middle = SIDE_PX / 2 - 0.5
    raw = [
        sift.compute(patch[:, :, 0].copy(), [cv2.KeyPoint(middle, middle, size, 0.0)])[1][0]
        for patch in patches
    ]
    return ROOT_SIFT.unit(root_sift(np.array(raw, np.float32)))


def line(name: str, places: str, recall: Recall) -> str:
    """One row of the table."""
    shares = (recall.at_1, recall.at_5, recall.at_10)
    return f"{name:<16}{places:<28}{recall.queries:>6}" + "".join(f"{s:>8.1%}" for s in shares)


if __name__ == "__main__":
    main()
