"""A folder of fabricated aerial images, as a recipe's data."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

RECIPE = """
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


@pytest.fixture
def recipe_path(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two places of two dates, one of one date, and one that is held out; 320 m a side."""
    folder = tmp_path / "data"
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
    with (folder / "aerial" / "images.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "gsd_m", "place", "group_id"])
        writer.writeheader()
        writer.writerows(rows)
    return folder
