"""VIGOR: panoramas anywhere on satellite tiles that overlap by half, in four American cities.

Zhu et al. (CVPR 2021): each of 105,214 panoramas lies in the middle of one of 90,618 tiles
(positive) and off the middle of three others (semi-positive). Layout, as published or as the code
of Sample4Geo has it::

    splits/<City>/satellite_list.txt                file names
    splits/<City>/same_area_balanced_train.txt      panorama, then four times: tile, dy, dx
    splits/<City>/same_area_balanced_test.txt
    splits/<City>/pano_label_balanced.txt           for the split by cities
    <City>/satellite, <City>/panorama               or satellite/<City> and ground/<City>

In place of these tables those of SliceMatch (``splits__corrected``, names ending in
``__corrected.txt``) are read where the original ones are not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geoloc.errors import InputError
from geoloc.geometry.crs import LonLat
from geoloc.learning.datasets.crossview import CrossViewDataset, Pair, Picture, Split
from geoloc.learning.datasets.files import find_root, read_table_rows, require_files

_ALL = ("Chicago", "NewYork", "SanFrancisco", "Seattle")
_CROSS_TRAIN, _CROSS_TEST = ("NewYork", "Seattle"), ("Chicago", "SanFrancisco")
_SEMI_POSITIVES = 3

_Table = Literal["same_area_balanced_train", "same_area_balanced_test", "pano_label_balanced"]


def read_vigor_same(folder: Path) -> CrossViewDataset:
    """VIGOR with all four cities in both splits.

    Raises:
        InputError: Tables or images are missing.
    """
    root = _root(folder)
    train = _train(root, _labels(root, _ALL, "same_area_balanced_train"))
    test = _test(root, _ALL, _labels(root, _ALL, "same_area_balanced_test"))
    return CrossViewDataset("vigor-same", train, (test,))


def read_vigor_cross(folder: Path) -> CrossViewDataset:
    """VIGOR with two cities to learn from, if they were unpacked, and two others to test with.

    Raises:
        InputError: Tables or images are missing.
    """
    root = _root(folder)
    is_learnt = any(_folder(root, city, "panorama").is_dir() for city in _CROSS_TRAIN)
    labels = _labels(root, _CROSS_TRAIN, "pano_label_balanced") if is_learnt else []
    train = _train(root, labels) if labels else None
    test = _test(root, _CROSS_TEST, _labels(root, _CROSS_TEST, "pano_label_balanced"))
    return CrossViewDataset("vigor-cross", train, (test,))


@dataclass(frozen=True)
class _Label:
    """A panorama and its four tiles, the positive one first, as pictures and file names."""

    panorama: Picture
    city: str
    tiles: tuple[str, ...]


def _root(folder: Path) -> Path:
    """The folder that holds the tables of the cities."""
    corrected = folder / "splits__corrected"
    marker = "splits__corrected" if corrected.is_dir() else "splits"
    return find_root(folder, [marker], dataset="VIGOR")


def _table(root: Path, city: str, name: str) -> Path:
    """A table of one city, the original one before the corrected one."""
    ways = (
        root / "splits" / city / f"{name}.txt",
        root / "splits__corrected" / city / f"{name}__corrected.txt",
        root / "splits__corrected" / city / f"{name}.txt",
        root / "splits" / city / f"{name}__corrected.txt",
    )
    for path in ways:
        if path.is_file():
            return path
    raise InputError(
        f"{ways[0]} is missing; expected the tables of VIGOR's four cities; unpack its splits "
        "there (examples/datasets.md shows the tree of folders)",
        path=ways[0],
    )


def _folder(root: Path, city: str, kind: Literal["panorama", "satellite"]) -> Path:
    """The images of one city, as published or as in Sample4Geo's tree."""
    other = "ground" if kind == "panorama" else "satellite"
    ways = (root / city / kind, root / other / city)
    return next((path for path in ways if path.is_dir()), ways[0])


def _labels(root: Path, cities: Sequence[str], table: _Table) -> list[_Label]:
    """All panoramas of some cities with their tiles."""
    labels = []
    for city in cities:
        path, folder = _table(root, city, table), _folder(root, city, "panorama")
        for row in read_table_rows(path, delimiter=" "):
            cells = [cell for cell in row if cell]
            tiles = tuple(cells[1 : 2 + 3 * _SEMI_POSITIVES : 3])
            if len(tiles) != 1 + _SEMI_POSITIVES:
                raise InputError(
                    f"{path} has a line {' '.join(row)!r}; expected a panorama and four tiles, "
                    "each with two offsets; download it again",
                    path=path,
                )
            labels.append(_Label(_panorama(folder / cells[0], tiles[0]), city, tiles))
    return labels


def _panorama(path: Path, place: str) -> Picture:
    """A panorama ``<id>,<lat>,<lon>,.jpg``; its place is its positive tile."""
    return Picture(path, place, _lonlat(path, path.stem.split(",")[1:3]))


def _tile(path: Path) -> Picture:
    """A tile ``satellite_<lat>_<lon>.png``, which is a place."""
    return Picture(path, path.name, _lonlat(path, path.stem.split("_")[1:3]))


def _lonlat(path: Path, texts: Sequence[str]) -> LonLat:
    try:
        lat, lon = map(float, texts)
    except ValueError as error:
        raise InputError(
            f"{path.name} holds no latitude and longitude, as the files of VIGOR do; "
            "keep their names when you unpack them",
            path=path,
        ) from error
    return LonLat(lon, lat)


def _train(root: Path, labels: Sequence[_Label]) -> Split:
    """To learn from: only tiles that are some panorama's own, as Sample4Geo embeds them."""
    own = dict.fromkeys((label.city, label.tiles[0]) for label in labels)
    paths = [_folder(root, city, "satellite") / name for city, name in own]
    return _split("train", root, labels, paths)


def _test(root: Path, cities: Sequence[str], labels: Sequence[_Label]) -> Split:
    """To test with: all tiles of the cities are references."""
    paths = [
        _folder(root, city, "satellite") / row[0].strip()
        for city in cities
        for row in read_table_rows(_table(root, city, "satellite_list"), delimiter="\t")
    ]
    return _split("test", root, labels, paths)


def _split(name: str, root: Path, labels: Sequence[_Label], tiles: Sequence[Path]) -> Split:
    numbers = {path.name: number for number, path in enumerate(tiles)}
    queries = tuple(label.panorama for label in labels)
    require_files([*(query.path for query in queries), *tiles], dataset="VIGOR", root=root)
    pairs, near = [], []
    for query, label in enumerate(labels):
        if label.tiles[0] not in numbers:
            raise InputError(
                f"{label.tiles[0]}, the tile of {label.panorama.path.name}, is in no "
                "satellite_list.txt; download the splits of VIGOR again",
                path=root,
            )
        pairs.append(Pair(query, numbers[label.tiles[0]]))
        near += [Pair(query, numbers[tile], 0.0) for tile in label.tiles[1:] if tile in numbers]
    return Split(
        name=name,
        query_view="ground",
        reference_view="satellite",
        queries=queries,
        references=tuple(map(_tile, tiles)),
        pairs=tuple(pairs),
        near_misses=tuple(near),
    )
