"""Hard negatives by heading: a ring that is turned to a wrong heading, beside its own tile.

Batches hold other places, so a network learns where a ring belongs from whatever tells places
apart, colours among them, and its heading comes along as far as it helps. A copy of the ring at a
wrong heading differs from the right one in nothing but the heading.
"""

from __future__ import annotations

import torch
from torch import Tensor


def draw_rolls(count: int, copies: int, *, width_px: int, least_deg: float) -> Tensor:
    """Columns (count, copies) int64 by which rings are rolled, each a wrong heading.

    All headings that are `least_deg` or more off, either way, are equally likely. Torch's global
    generator draws them, which a run seeds at every step.

    Args:
        count: Number of rings.
        copies: Wrong headings of each.
        width_px: Columns of a ring.
        least_deg: Least angle from the right heading, in (0, 180].
    """
    # The half turn is the farthest there is; a ring of odd width comes near it.
    least = min(max(1, round(least_deg / 360 * width_px)), width_px // 2)
    return torch.randint(least, width_px - least + 1, (count, copies))


def roll_rings(rings: Tensor, rolls: Tensor) -> Tensor:
    """Copies (B * K, 3, H, W) of rings (B, 3, H, W), those of a ring one after the other.

    Args:
        rings: Their columns go once around.
        rolls: (B, K), columns to the right that each copy is rolled by.
    """
    width = rings.shape[3]
    columns = torch.arange(width, device=rings.device)
    sources = (columns - rolls.to(rings.device).reshape(-1, 1)) % width
    copies = rings.repeat_interleave(rolls.shape[1], dim=0)
    return copies.gather(3, sources[:, None, None, :].expand_as(copies))
