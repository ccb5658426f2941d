"""Miniatures of the data sets, in exactly the folders and tables that their authors publish."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

CITIES = ("Chicago", "NewYork", "SanFrancisco", "Seattle")
CITY_ORIGINS = {
    "Chicago": (41.88, -87.63),
    "NewYork": (40.75, -73.98),
    "SanFrancisco": (37.77, -122.42),
    "Seattle": (47.61, -122.33),
}
SUES_ALTITUDES = ("150", "200", "250", "300")


def write_image(path: Path, seed: int = 0, *, size: tuple[int, int] = (16, 16)) -> Path:
    """A small picture of noise; the same seed gives the same pixels."""
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    kinds = {".png": "PNG", ".tif": "TIFF"}
    kind = kinds.get(path.suffix, "JPEG")
    Image.fromarray(pixels).save(buffer, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return path


def write_cvusa(root: Path, *, train: int = 4, test: int = 2, locations: bool = True) -> Path:
    """Numbers that are not in order, as in the official lists."""
    numbers = [7 * k % 97 + 1 for k in range(train + test)]
    for name, chosen in (("train", numbers[:train]), ("val", numbers[train:])):
        lines = []
        for number in chosen:
            aerial = f"bingmap/19/{number:07}.jpg"
            ground = f"streetview/panos/{number:07}.jpg"
            lines.append(f"{aerial},{ground},streetview/annotations/{number:07}.png")
            write_image(root / aerial, number)
            write_image(root / ground, number, size=(8, 32))
        (root / "splits").mkdir(exist_ok=True, parents=True)
        (root / f"splits/{name}-19zl.csv").write_text("\n".join(lines) + "\n")
    if locations:
        (root / "split_locations").mkdir()
        rows = [
            f"{40 + k / 100},{-90 - k / 100},{40 + k / 100:.2f}1,{-90 - k / 100},1"
            for k in range(1, 98)
        ]
        (root / "split_locations/all.csv").write_text("\n".join(rows) + "\n")
    return root


def write_cvact(root: Path, *, train: int = 4, val: int = 3, test: int = 2) -> Path:
    """The table as MATLAB writes it: structs of one, indices from 1 in columns."""
    ids = [f"pano_{number:02}-X" for number in range(train + val + test)]
    utm = np.array([[6_090_000.0 + 10 * k, 690_000.0 + 10 * k] for k in range(len(ids))])
    order = np.arange(len(ids))[::-1] + 1  # the sets are not in the order of the ids
    learnt, validated = order[:train, None], order[train : train + val, None]
    root.mkdir(parents=True, exist_ok=True)
    savemat(
        root / "ACT_data.mat",
        {
            "panoIds": np.array(ids),
            "utm": utm,
            "trainSet": _struct("trainNum", "trainInd", learnt),
            "valSet": _struct("valNum", "valInd", validated),
        },
    )
    for folder, numbers in (
        ("ANU_data_small", np.concatenate([learnt, validated]).ravel() - 1),
        ("ANU_data_test", order[train + val :] - 1),
    ):
        for number in numbers:
            name = ids[number]
            write_image(root / folder / "streetview" / f"{name}_grdView.jpg", number)
            write_image(root / folder / "satview_polish" / f"{name}_satView_polish.jpg", number)
    return root


def _struct(count: str, indices: str, values: np.ndarray) -> np.ndarray:
    struct = np.zeros((1, 1), dtype=[(count, object), (indices, object)])
    struct[0, 0] = (np.array([[len(values)]]), values.astype(np.uint16))
    return struct


def write_vigor(
    root: Path, *, side: int = 3, sample4geo: bool = False, corrected: bool = False
) -> Path:
    """In each city a grid of tiles, and a panorama near the middle of each inner tile and one more.

    The panoramas of even number are for training where the cities are shared.
    """
    for city in CITIES:
        tiles = _vigor_tiles(city, side)
        splits = root / ("splits__corrected" if corrected else "splits") / city
        ending = "__corrected.txt" if corrected else ".txt"
        splits.mkdir(parents=True)
        (splits / "satellite_list.txt").write_text("\n".join(tiles) + "\n")
        panoramas, satellites = (
            (root / "ground" / city, root / "satellite" / city)
            if sample4geo
            else (root / city / "panorama", root / city / "satellite")
        )
        for number, tile in enumerate(tiles):
            write_image(satellites / tile, number)
        lines = _vigor_lines(city, tiles, side)
        for number, line in enumerate(lines):
            write_image(panoramas / line.split(" ")[0], number, size=(8, 16))
        for table, chosen in (
            ("same_area_balanced_train", lines[0::2]),
            ("same_area_balanced_test", lines[1::2]),
            ("pano_label_balanced", lines),
        ):
            (splits / f"{table}{ending}").write_text("\n".join(chosen) + "\n")
    return root


def _vigor_tiles(city: str, side: int) -> list[str]:
    lat, lon = CITY_ORIGINS[city]
    return [
        f"satellite_{lat + row * 0.0003!r}_{lon + col * 0.0004!r}.png"
        for row in range(side)
        for col in range(side)
    ]


def _vigor_lines(city: str, tiles: Sequence[str], side: int) -> list[str]:
    """Two panoramas for each tile but those of the last row and column: positive and three near."""
    lines = []
    for row in range(side - 1):
        for col in range(side - 1):
            four = [tiles[(row + r) * side + col + c] for r, c in ((0, 0), (0, 1), (1, 0), (1, 1))]
            lat, lon = map(float, four[0][:-4].split("_")[1:])
            for copy in range(2):
                name = (
                    f"{city}{row}{col}{copy}-_x,{lat + 5e-5 * (copy + 1):.6f},{lon + 5e-5:.6f},.jpg"
                )
                cells = [cell for tile in four for cell in (tile, "12.5", "-30.25")]
                lines.append(" ".join([name, *cells]))
    return lines


def write_university1652(
    root: Path, *, train: int = 3, test: int = 2, distractors: int = 2, photos: int = 3
) -> Path:
    """Ids as published: tests and training interleave, distractors are in the galleries only."""
    ids = [f"{number:04}" for number in range(1, 2 * (train + test + distractors), 2)]
    learnt, tested, extra = ids[:train], ids[train : train + test], ids[train + test :]
    for place in learnt:
        _drone(root / "train/drone", place, photos)
        write_image(root / "train/satellite" / place / f"{place}.jpg", int(place))
        write_image(root / "train/street" / place / "1.jpg", int(place))
        write_image(root / "train/google" / place / "a.jpg", int(place))
    for place in tested:
        _drone(root / "test/query_drone", place, photos)
        write_image(root / "test/query_satellite" / place / f"{place}.jpg", int(place))
        write_image(root / "test/query_street" / place / "1.jpg", int(place))
    for place in (*tested, *extra):
        _drone(root / "test/gallery_drone", place, photos)
        write_image(root / "test/gallery_satellite" / place / f"{place}.jpg", int(place))
    return root


def _drone(folder: Path, place: str, photos: int) -> None:
    for number in range(1, photos + 1):
        write_image(folder / place / f"image-{number:02}.jpeg", 100 * int(place) + number)


def write_sues200(
    root: Path, *, places: Sequence[str] = ("0001", "0002", "0008", "0012"), photos: int = 3
) -> Path:
    """0001 and 0002 are for training, 0008 and 0012 for testing; names are not zero-padded."""
    for place in places:
        write_image(root / "satellite-view" / place / "0.png", int(place))
        for altitude in SUES_ALTITUDES:
            for number in range(photos):
                path = root / "drone_view_512" / place / altitude / f"{number}.jpg"
                write_image(path, 1000 * int(place) + number)
    return root
