"""University-1652: synthetic drone views, satellite images and street views of buildings.

Zheng et al. (ACM MM 2020): 701 buildings to learn from, 701 others to test with, and 250 more as
distractors. Layout::

    train/{satellite,drone,street,google}/<id>/*.jpg
    test/{query_drone,gallery_satellite,query_satellite,gallery_drone}/<id>/*.jpg

All galleries keep their distractors; what a protocol makes of them is not the data set's matter.
Street views are not read.
"""

from __future__ import annotations

from pathlib import Path

from geoloc.errors import InputError
from geoloc.learning.datasets.crossview import CrossViewDataset, Split
from geoloc.learning.datasets.drone import join_by_place, pictures_by_place
from geoloc.learning.datasets.files import find_root
from geoloc.models.view import View

# What a test is called, its folders of queries and references, and the view of its queries.
_TESTS: tuple[tuple[str, str, str, View], ...] = (
    ("drone -> satellite", "query_drone", "gallery_satellite", "drone"),
    ("satellite -> drone", "query_satellite", "gallery_drone", "satellite"),
)


def read_university1652(folder: Path) -> CrossViewDataset:
    """University-1652 from its folder, both directions as tests.

    Raises:
        InputError: Folders are missing, or a test query has no reference.
    """
    root = find_root(folder, ["test"], dataset="University-1652")
    train = _read_train(root) if (root / "train").is_dir() else None
    return CrossViewDataset("university1652", train, tuple(_read_tests(root / "test")))


def _read_train(root: Path) -> Split:
    """Drone photos and satellite images of the places that have both."""
    drone, satellite = (
        pictures_by_place(_folder(root / "train", n)) for n in ("drone", "satellite")
    )
    both = {picture.place for picture in drone} & {picture.place for picture in satellite}
    return join_by_place(
        "train",
        [picture for picture in drone if picture.place in both],
        [picture for picture in satellite if picture.place in both],
        query_view="drone",
    )


def _read_tests(folder: Path) -> list[Split]:
    return [
        join_by_place(
            name,
            pictures_by_place(_folder(folder, queries)),
            pictures_by_place(_folder(folder, references)),
            query_view=view,
        )
        for name, queries, references, view in _TESTS
    ]


def _folder(parent: Path, name: str) -> Path:
    if not (parent / name).is_dir():
        raise InputError(
            f"{parent / name} is missing; expected a folder for each place in it; unpack "
            "University-Release.zip there (examples/datasets.md shows the tree of folders)",
            path=parent / name,
        )
    return parent / name
