"""A learned descriptor that tells patches apart without having been trained: random, whitened.

write_describer(folder)  # a model folder for IndexOptions.descriptor
"""

from __future__ import annotations

from pathlib import Path

import torch

from geoloc.checkpoints import write_tensors
from geoloc.keypoints import find_keypoints, to_grey
from geoloc.patches import Pyramid, cut_patches
from geoloc.zoo import build_network, read_card
from tests.search_fixtures import speckled
from tests.tiny_models import TINY_PATCHNET, write_tiny_model


def write_describer(folder: Path, *, seed: int = 0) -> Path:
    """A model folder; its batch norms have seen patches, so that its vectors point everywhere."""
    write_tiny_model(folder, TINY_PATCHNET, seed=seed)
    card = read_card(folder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network, patches = build_network(card).train(), _patches()
        with torch.no_grad():
            for _ in range(30):
                network(patches)
    checksum = write_tensors(network, card.weights_path)
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(text.replace(card.weights_sha256, checksum))
    return folder


def _patches() -> torch.Tensor:
    """Normalised as the tiny model's card asks."""
    grey = to_grey(speckled(256))
    found = find_keypoints(grey, limit=250)
    patches = cut_patches(Pyramid.of(grey), found.xy_px, found.size_px, found.angle_deg)
    pixels = torch.from_numpy(patches).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.4, 0.5, 0.6], [0.2, 0.25, 0.3]))
    return (pixels - mean) / std
