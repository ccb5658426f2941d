"""CVUSA: aligned ground panoramas and aerial images of the United States, one to one.

The split of Zhai et al. (CVPR 2017): 35,532 pairs to learn from and 8,884 to test with. Layout::

    splits/train-19zl.csv            bingmap/19/0000001.jpg,streetview/panos/0000001.jpg,...
    splits/val-19zl.csv
    bingmap/19/*.jpg                 aerial images
    streetview/panos/*.jpg           panoramas, north in the middle
    split_locations/all.csv          a row for each number: aerial lat, lon, ground lat, lon, ...

The last one is optional; without it there are no positions.
"""

from __future__ import annotations

from pathlib import Path

from geoloc.csv_table import parse_number
from geoloc.errors import InputError
from geoloc.geometry.crs import LonLat
from geoloc.learning.datasets.crossview import CrossViewDataset, Pair, Picture, Split
from geoloc.learning.datasets.files import find_root, read_table_rows, require_files

_TRAIN, _TEST = "splits/train-19zl.csv", "splits/val-19zl.csv"
_LOCATIONS = ("split_locations/all.csv", "splits/all.csv", "all.csv")


def read_cvusa(folder: Path) -> CrossViewDataset:
    """CVUSA from its folder.

    Raises:
        InputError: Tables or images are missing.
    """
    root = find_root(folder, [_TEST], dataset="CVUSA")
    locations = _read_locations(root)
    train = _read_split(root, _TRAIN, locations) if (root / _TRAIN).is_file() else None
    return CrossViewDataset("cvusa", train, (_read_split(root, _TEST, locations),))


def _read_split(root: Path, table: str, locations: list[tuple[LonLat, LonLat]]) -> Split:
    queries, references = [], []
    for row in read_table_rows(root / table):
        if len(row) < 2:
            raise InputError(
                f"{root / table} has a line {row}; expected an aerial image, a panorama and an "
                "annotation; download it again",
                path=root / table,
            )
        place = Path(row[0]).stem
        aerial, ground = _locate(place, locations)
        references.append(Picture(root / row[0].strip(), place, aerial))
        queries.append(Picture(root / row[1].strip(), place, ground))
    paths = [picture.path for picture in (*queries, *references)]
    require_files(paths, dataset="CVUSA", root=root)
    return Split(
        name="train" if table == _TRAIN else "val",
        query_view="ground",
        reference_view="satellite",
        queries=tuple(queries),
        references=tuple(references),
        pairs=tuple(Pair(number, number) for number in range(len(queries))),
    )


def _read_locations(root: Path) -> list[tuple[LonLat, LonLat]]:
    """Aerial and ground position of each number, from 1; empty without the table."""
    found = [root / name for name in _LOCATIONS if (root / name).is_file()]
    if not found:
        return []
    try:
        rows = [[parse_number(cell) for cell in row[:4]] for row in read_table_rows(found[0])]
        return [(LonLat(row[1], row[0]), LonLat(row[3], row[2])) for row in rows]
    except (ValueError, IndexError) as error:
        raise InputError(
            f"{found[0]} has a line that is not latitude, longitude, latitude, longitude "
            f"({error}); download it again, or remove it to go without positions",
            path=found[0],
        ) from error


def _locate(
    place: str, locations: list[tuple[LonLat, LonLat]]
) -> tuple[LonLat | None, LonLat | None]:
    """Aerial and ground position of a place, whose name is the number of its row."""
    if place.isdigit() and 0 < int(place) <= len(locations):
        return locations[int(place) - 1]
    return None, None
