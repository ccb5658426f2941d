"""SUES-200: drone photos of 200 places at four altitudes, and a satellite image of each.

Zhu et al. (TCSVT 2023): 120 places to learn from and 80 to test with, 50 photos at each of 150,
200, 250 and 300 m. Layout::

    drone_view_512/<id>/<altitude>/*.jpg
    satellite-view/<id>/0.png

The benchmark's own script fills the galleries of the tests with all 200 places; so do we, and the
120 are distractors. The split is that of its list of training places, not the first 120.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from geoloc.errors import InputError
from geoloc.learning.datasets.crossview import CrossViewDataset, Picture, Split
from geoloc.learning.datasets.drone import join_by_place, pictures_by_place
from geoloc.learning.datasets.files import find_root, folders_in, images_in

ALTITUDES_M = (150, 200, 250, 300)
_DRONE, _SATELLITE = "drone_view_512", "satellite-view"

# Reza-Zhu/SUES-200-Benchmark, script/indexs.yaml.
TRAIN_PLACES = frozenset(
    f"{number:04}"
    for number in (
        1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13, 15, 16, 20, 21, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33,
        34, 36, 37, 39, 43, 44, 45, 51, 55, 56, 57, 58, 60, 64, 66, 67, 69, 70, 73, 74, 76, 77, 80,
        81, 82, 84, 85, 86, 87, 88, 89, 90, 91, 94, 96, 97, 100, 101, 102, 103, 104, 105, 106, 113,
        116, 118, 119, 120, 123, 125, 126, 127, 129, 132, 134, 137, 139, 141, 142, 145, 146, 147,
        148, 149, 151, 152, 155, 156, 157, 158, 159, 160, 163, 166, 167, 168, 169, 171, 174, 179,
        180, 182, 183, 184, 185, 186, 187, 191, 192, 193, 196, 197, 198, 199, 200,
    )
)  # fmt: skip


def read_sues200(folder: Path) -> CrossViewDataset:
    """SUES-200 from its folder: eight tests, four altitudes in both directions.

    Raises:
        InputError: Folders are missing, or a place lacks an altitude or its satellite image.
    """
    root = find_root(folder, [_DRONE, _SATELLITE], dataset="SUES-200")
    satellite = pictures_by_place(root / _SATELLITE)
    at = {altitude_m: _drone_pictures(root, altitude_m) for altitude_m in ALTITUDES_M}
    everywhere = [picture for pictures in at.values() for picture in pictures]
    learnt = _learnt(everywhere)
    train = (
        join_by_place("train", learnt, _learnt(satellite), query_view="drone") if learnt else None
    )
    tests = [
        test for altitude_m in ALTITUDES_M for test in _tests(altitude_m, at[altitude_m], satellite)
    ]
    return CrossViewDataset("sues200", train, tuple(tests))


def _tests(altitude_m: int, drone: list[Picture], satellite: list[Picture]) -> tuple[Split, Split]:
    """Both directions at one altitude."""
    return (
        join_by_place(
            f"drone -> satellite, {altitude_m} m", _tested(drone), satellite, query_view="drone"
        ),
        join_by_place(
            f"satellite -> drone, {altitude_m} m", _tested(satellite), drone, query_view="satellite"
        ),
    )


def _drone_pictures(root: Path, altitude_m: int) -> list[Picture]:
    """The photos of all places at one altitude."""
    pictures = []
    for place in folders_in(root / _DRONE):
        folder = place / str(altitude_m)
        if not folder.is_dir():
            raise InputError(
                f"{folder} is missing; expected the altitudes {ALTITUDES_M} of each place; unpack "
                "the archive of SUES-200 again",
                path=folder,
            )
        pictures += [Picture(path, place.name) for path in images_in(folder)]
    return [replace(picture, altitude_m=float(altitude_m)) for picture in pictures]


def _learnt(pictures: Iterable[Picture]) -> list[Picture]:
    return [picture for picture in pictures if picture.place in TRAIN_PLACES]


def _tested(pictures: Iterable[Picture]) -> list[Picture]:
    return [picture for picture in pictures if picture.place not in TRAIN_PLACES]
