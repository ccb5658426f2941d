"""How often the right tile is found among all tiles of places that training never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from geoloc.training.appearance import disturb
from geoloc.training.pairs import Batch, Crop, cut_tile, take_photo
from geoloc.training.places import Image, Place
from geoloc.training.recipe import PairChoice

_CHUNK = 32


@dataclass(frozen=True)
class Recall:
    """Shares of photos whose tile is among the first 1, 5 and 10 of `tiles` tiles."""

    at_1: float
    at_5: float
    at_10: float
    photos: int
    tiles: int


@dataclass(frozen=True)
class Normalisation:
    """What the card says of a channel's mean and scale, and where to compute."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    device: torch.device

    def __call__(self, images: Image) -> Tensor:
        """Bytes (B, H, W, 3) as a normalised (B, 3, H, W), channels last."""
        pixels = torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2).float() / 255
        mean = torch.tensor(self.mean, device=self.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=self.device).view(1, 3, 1, 1)
        return (pixels - mean) / std


def held_out_pairs(
    places: Sequence[Place], choice: PairChoice, *, size_px: int, seed: int
) -> Batch:
    """Every tile of the places, each with one photo; of another date where there is one.

    Tiles stand edge to edge; the first date is the map's.
    """
    photos, tiles = [], []
    for number, place in enumerate(places):
        for count, crop in enumerate(_tiles_of(place, choice.tile_ground_size_m)):
            rng = np.random.default_rng((seed, number, count))
            date = int(rng.integers(min(1, len(place.dates) - 1), len(place.dates)))
            photo = take_photo(place.dates[date], crop, size_px, choice=choice, rng=rng)
            covered = photo.any(axis=2, keepdims=True)
            photos.append(disturb(photo, rng, strength=1.0) * covered)
            tiles.append(cut_tile(place.dates[0], crop, size_px))
    return Batch(np.stack(photos), np.stack(tiles))


def _tiles_of(place: Place, ground_size_m: float) -> list[Crop]:
    side = place.tile_px(ground_size_m)
    rows, cols = place.tiles_along(ground_size_m)
    return [
        Crop((col + 0.5) * side, (row + 0.5) * side, side)
        for row in range(rows)
        for col in range(cols)
    ]


def measure_recall(network: nn.Module, pairs: Batch, normalise: Normalisation) -> Recall:
    """Recall of photos among all tiles; a tie counts against the right tile."""
    photos = _embed(network, pairs.photos, "drone", normalise)
    tiles = _embed(network, pairs.tiles, "satellite", normalise)
    scores = photos @ tiles.T
    own = np.diag(scores)[:, None]
    ranks = (scores >= own).sum(axis=1)
    at_1, at_5, at_10 = (float(np.mean(ranks <= k)) for k in (1, 5, 10))
    return Recall(at_1, at_5, at_10, photos=len(photos), tiles=len(tiles))


def _embed(
    network: nn.Module, images: Image, view: str, normalise: Normalisation
) -> NDArray[np.float32]:
    was_training = network.training
    network.eval()
    with torch.inference_mode():
        chunks = [
            network(normalise(images[start : start + _CHUNK]), view).float().cpu().numpy()
            for start in range(0, len(images), _CHUNK)
        ]
    network.train(was_training)
    return np.concatenate(chunks)
