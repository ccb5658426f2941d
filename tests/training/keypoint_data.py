"""Places full of keypoints, and a recipe for a descriptor of them that is learnt in seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from geoloc.training.places import Place
from tests.search_fixtures import speckled

RECIPE = """
[card]
name = "tiny"
architecture = "patchnet"
views = ["satellite", "drone"]
dimension = 16
[card.tile]
ground_size_m = 160.0
size_px = 512
[card.input]
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
[card.input.size]
satellite = [32, 32]
drone = [32, 32]
[card.options]
dimension = 16
width = 8
[card.training]
summary = "made up"
[data]
dataset = "keypoints"
tables = ["images.csv"]
gsd_m = 0.3
held_out_places = ["Kept"]
[keypoints]
per_view = 48
side_px = 160
[loss]
label_smoothing = 0.0
temperature = 0.06
[schedule]
steps = 24
batch_size = 96
learning_rate = 5e-3
warmup_steps = 2
precision = "fp32"
validate_every = 12
log_every = 1
checkpoint_every = 5
"""


def ground(seed: int, side_px: int = 520) -> np.ndarray:
    """A picture (side, side, 3) with a keypoint every few pixels."""
    return speckled(side_px, seed=seed, count=side_px * side_px // 150)


def place(*dates: np.ndarray) -> Place:
    """A place of these dates, 0.3 m a pixel."""
    return Place("place", "town", dates, gsd_m=0.3, is_held_out=False)


def write_images(folder: Path) -> Path:
    """Two places of two dates and one that is held out."""
    (folder / "images").mkdir(parents=True)
    rows = ["file,gsd_m,place,group_id"]
    for number, (town, dates) in enumerate((("Alder", 2), ("Birch", 2), ("Kept", 1))):
        picture = ground(number)
        for date in range(dates):
            name = f"{town}{date}.png"
            seen = np.clip(picture * (1 - 0.3 * date) + 20 * date, 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / "images" / name), seen)
            rows.append(f"{name},0.3,{town},{town}")
    (folder / "images.csv").write_text("\n".join(rows) + "\n")
    return folder
