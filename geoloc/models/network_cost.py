"""What a network costs: its multiply-adds."""

from __future__ import annotations

import numpy as np
from torch.utils.flop_counter import FlopCounterMode

from geoloc.models.embedder import Embedder
from geoloc.models.view import SATELLITE


def macs_per_pixel(embedder: Embedder) -> float:
    """Multiply-adds of a network that looks around its tiles, for each pixel of the map it sees.

    Convolutions and matrix products are counted while it computes one crop.

    Raises:
        ModelError: The network sees a tile whole.
    """
    side_px = embedder.card.input_size(SATELLITE).height_px
    with FlopCounterMode(display=False) as counter:
        embedder.embed_positions(np.zeros((side_px, side_px, 3), np.uint8))
    return float(counter.get_total_flops()) / 2 / side_px**2
