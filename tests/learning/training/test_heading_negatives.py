"""Rings at wrong headings: where they are rolled to, what they cost, and what a network learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from geoloc.errors import OptionError
from geoloc.geometry.panorama import roll_ring
from geoloc.learning.training.data.augmentation import NO_AUGMENTATION, augment
from geoloc.learning.training.data.sources import TrainingData, open_training_data
from geoloc.learning.training.heading_negatives import draw_rolls, roll_rings
from geoloc.learning.training.model_folder import draft_card
from geoloc.learning.training.objective import Objective, Sample, build_loss
from geoloc.learning.training.processes import OneProcess
from geoloc.learning.training.recipe import LossChoice
from geoloc.learning.training.recipe_file import read_recipe

WIDTH, COUNT = 24, 6


@given(
    least_deg=st.floats(0.1, 180.0),
    width_px=st.integers(4, 400),
    seed=st.integers(0, 1000),
)
def test_every_copy_is_at_least_so_far_off(least_deg: float, width_px: int, seed: int) -> None:
    torch.manual_seed(seed)
    rolls = draw_rolls(5, 3, width_px=width_px, least_deg=least_deg)
    assert rolls.shape == (5, 3)
    off = torch.minimum(rolls % width_px, -rolls % width_px)
    assert bool((off >= 1).all())
    assert float(off.min()) * 360 / width_px >= least_deg - 360 / width_px


def test_all_wrong_headings_come_and_no_other() -> None:
    torch.manual_seed(0)
    rolls = draw_rolls(2000, 1, width_px=12, least_deg=60.0)
    assert set(rolls.flatten().tolist()) == set(range(2, 11))


def test_a_copy_is_the_ring_of_a_camera_that_was_turned() -> None:
    rings = torch.randn(2, 3, 4, WIDTH)
    copies = roll_rings(rings, torch.tensor([[1, 5], [12, 23]]))
    for copy, (ring, roll) in zip(copies, [(0, 1), (0, 5), (1, 12), (1, 23)], strict=True):
        turned = roll_ring(rings[ring].permute(1, 2, 0).numpy(), roll * 360 / WIDTH)
        assert np.array_equal(copy.permute(1, 2, 0).numpy(), turned)


def test_a_sector_stays_with_its_quarter_turn_and_is_elsewhere_in_every_copy() -> None:
    """What a photo did not show is black in a copy too; the rest no longer fits the tile."""
    choice = replace(NO_AUGMENTATION, sector=1.0, sector_deg=(90.0, 90.0), quarter_turns=1.0)
    rng = np.random.default_rng(4)
    azimuth_of_columns = np.arange(1, WIDTH + 1, dtype=np.uint8)
    pixels = np.broadcast_to(azimuth_of_columns[None, :, None], (4, WIDTH, 3))
    tile = np.zeros((8, 8, 3), np.uint8)
    tile[0, 3:5] = 255  # north
    ring, turned = augment(pixels, tile, rng, choice, query_view="ground")
    quarter = next(turns for turns in range(4) if np.array_equal(np.rot90(tile, turns), turned))
    expected = np.roll(azimuth_of_columns, -quarter * WIDTH // 4)
    columns = np.asarray(ring)[0, :, 0]
    seen = columns > 0
    assert int(seen.sum()) == WIDTH // 4
    assert np.array_equal(columns[seen], expected[seen])
    rings = torch.from_numpy(np.ascontiguousarray(ring)).permute(2, 0, 1)[None]
    for copy in roll_rings(rings, torch.tensor([[4, 12]]))[:, 0, 0].numpy():
        shown = copy > 0
        assert sorted(copy[shown]) == sorted(expected[seen])
        assert not (copy[shown] == expected[shown]).any()


class _Ring(nn.Module):
    """Embeds a ring by two layers over all its pixels, and a tile by its own two."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.of = nn.ModuleDict(
            {
                view: nn.Sequential(
                    nn.Flatten(), nn.Linear(3 * WIDTH, 32), nn.GELU(), nn.Linear(32, 16)
                )
                for view in ("ground", "satellite")
            }
        )
        self.seen: list[int] = []

    def forward(self, images: Tensor, view: str) -> Tensor:
        self.seen.append(len(images))
        return functional.normalize(self.of[view](images), dim=1)


def sample() -> Sample:
    """Rings whose tiles are what stands around them, each place in a colour of its own."""
    draw = torch.Generator().manual_seed(2)
    colours = torch.randn(COUNT, 3, 1, 1, generator=draw)
    rings = colours + 0.5 * torch.randn(COUNT, 3, 1, WIDTH, generator=draw)
    return Sample(rings, rings.clone(), torch.arange(COUNT), torch.ones(COUNT))


def trained(copies: int, *, precision: torch.dtype | None = None) -> tuple[_Ring, list[float]]:
    """A network after 150 steps, and its losses."""
    network, losses = _Ring(), []
    choice = LossChoice(heading_negatives=copies)
    objective = Objective(
        network,
        build_loss(choice, network),
        OneProcess(torch.device("cpu")),
        views=("ground", "satellite"),
        precision=precision,
        heading_negatives=copies,
    )
    optimiser = torch.optim.Adam(objective.parameters(), 3e-3)
    for step in range(150):
        torch.manual_seed(step)
        loss = objective(sample())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return network, losses


@torch.no_grad()
def heading_margin(network: _Ring) -> float:
    """How much more similar a tile is to its ring than to the ring at its best wrong heading."""
    batch = sample()
    tiles = network(batch.references, "satellite")
    rolls = torch.arange(2, WIDTH - 1).repeat(COUNT, 1)
    wrong = network(roll_rings(batch.queries, rolls), "ground").reshape(COUNT, -1, 16)
    right = (network(batch.queries, "ground") * tiles).sum(dim=1)
    return float((right - (wrong * tiles[:, None]).sum(dim=2).amax(dim=1)).mean())


def test_a_network_learns_to_tell_headings_apart_with_them() -> None:
    without, with_copies = (heading_margin(trained(copies)[0]) for copies in (0, 2))
    assert with_copies > without + 0.1


def test_each_copy_passes_the_ground_branch_once_and_tiles_none() -> None:
    network, _ = trained(2)
    assert network.seen[:2] == [3 * COUNT, COUNT]


def test_half_precision_stays_inside_the_network_with_copies_too() -> None:
    (_, full), (_, half) = trained(1), trained(1, precision=torch.bfloat16)
    assert half[0] == pytest.approx(full[0], rel=0.02)
    assert half[0] != full[0]
    assert half[-1] < 0.8 * half[0]


@pytest.mark.parametrize(
    ("photos", "more", "said"),
    [
        ("drone", "", "of the view drone"),
        ("ground", "roll = 0.5", r"roll = 0.5 in \[augmentation\] hides their headings"),
        ("ground", 'turned = "satellite"', "turns tiles without their rings"),
    ],
)
def test_rings_of_unknown_heading_are_refused(
    photos: str, more: str, said: str, tmp_path: Path, pairs_recipe: Path, pairs: Path
) -> None:
    text = pairs_recipe.read_text().replace("drone", photos) + f"[augmentation]\n{more}\n"
    table = pairs / "pairs.csv"
    head, *rows = table.read_text().splitlines()
    table.write_text("\n".join([f"{head},view", *(f"{row},{photos}" for row in rows)]) + "\n")
    _open(text, pairs, tmp_path)
    text += "[loss]\nheading_negatives = 2\n"
    with pytest.raises(OptionError, match=f"{said}; expected rings of known heading"):
        _open(text, pairs, tmp_path)
    if photos == "ground":
        _open(text.replace(more, ""), pairs, tmp_path)


def _open(recipe: str, pairs: Path, folder: Path) -> TrainingData:
    path = folder / "rings.toml"
    path.write_text(recipe)
    read = read_recipe(path)
    return open_training_data(read, draft_card(read.card, folder), pairs)
