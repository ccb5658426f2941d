"""Recipes for a network of a few pixels, and the data of both kinds that they learn from."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

CARD = """
[card]
name = "tiny"
architecture = "clnet"
views = ["satellite", "drone"]
dimension = 16
[card.tile]
ground_size_m = 160.0
size_px = 512
[card.input]
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
[card.input.size]
satellite = [32, 32]
drone = [32, 32]
[card.options]
backbone = "convnext_zepto_rms"
ground_grid = [2, 2]
satellite_grid = [2, 2]
converter_width = 8
head = "grid"
grid_side = 2
grid_width = 8
dimension = 16
layer_scale = 0.1
[card.training]
summary = "made up"
"""

RECIPE = (
    CARD
    + """
[data]
tables = ["aerial/images.csv"]
held_out_places = ["Kept"]
[schedule]
steps = 4
batch_size = 4
size_px = 32
warmup_steps = 1
validate_every = 2
"""
)

PAIRS_RECIPE = (
    CARD
    + """
[data]
dataset = "pairs"
[schedule]
epochs = 2
batch_size = 4
warmup_epochs = 0.5
validate_epochs = 1
log_every = 1
precision = "fp32"
"""
)


def write_aerial(folder: Path) -> None:
    """Two places of two dates, one of one date, and one that is held out; 320 m a side."""
    (folder / "aerial" / "images").mkdir(parents=True)
    rng = np.random.default_rng(5)
    rows = []
    for town, dates in (("Alder, X", 2), ("Birch, X", 2), ("Cedar, X", 1), ("Kept, Y", 1)):
        texture = cv2.resize(rng.integers(0, 255, (20, 20, 3), np.uint8), (320, 320))
        for date in range(dates):
            name = f"{town[:4]}{date}.png"
            cv2.imwrite(str(folder / "aerial" / "images" / name), texture // (date + 1))
            rows.append(
                {"file": name, "gsd_m": "1.0 (nominal)", "place": town, "group_id": town[:4]}
            )
    rows.append({"file": "speck.png", "gsd_m": "0.1", "place": "Speck", "group_id": ""})
    cv2.imwrite(str(folder / "aerial" / "images" / "speck.png"), np.zeros((50, 50, 3), np.uint8))
    _write_table(folder / "aerial" / "images.csv", rows)


def write_pairs(folder: Path) -> None:
    """Twelve pairs to learn from and six to be tested on, 48 pixels a side; a texture each."""
    folder.mkdir()
    rng = np.random.default_rng(8)
    rows = []
    for number in range(18):
        tile = cv2.resize(rng.integers(0, 255, (6, 6, 3), np.uint8), (48, 48))
        names = (f"photo{number}.png", f"tile{number}.png")
        for name, image in zip(names, (tile // 2 + 60, tile), strict=True):
            cv2.imwrite(str(folder / name), image)
        rows.append(
            {
                "query": names[0],
                "reference": names[1],
                "split": "train" if number < 12 else "test",
                "lon": str(10 + number / 1000),
                "lat": "50.0",
                "overlap": str(0.5 + number % 3 / 4),
            }
        )
    _write_table(folder / "pairs.csv", rows)


def _write_table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
