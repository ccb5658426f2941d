"""What a network costs: its multiply-adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from torch.utils.flop_counter import FlopCounterMode

from geoloc.models.embedder import Embedder
from geoloc.models.view import SATELLITE


class PixelCost(NamedTuple):
    """Multiply-adds for each pixel that a network sees of the map.

    Attributes:
        shared: Of its first part, which neighbouring tiles can share.
        own: Of the rest, which each tile wants for its own crops.
    """

    shared: float
    own: float


def macs_per_pixel(embedder: Embedder) -> PixelCost:
    """Multiply-adds of a network that looks around its tiles.

    Convolutions and matrix products are counted while it computes one crop.

    Raises:
        ModelError: The network sees a tile whole.
    """
    side_px = embedder.card.input_size(SATELLITE).height_px
    image = np.zeros((side_px, side_px, 3), np.uint8)
    features = embedder.shared_features(image)
    shared, own = (
        _macs(part)
        for part in (
            lambda: embedder.shared_features(image),
            lambda: embedder.embed_shared(features[None, None]),
        )
    )
    return PixelCost(shared / side_px**2, own / side_px**2)


def _macs(compute: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        compute()
    return float(counter.get_total_flops()) / 2
