"""What the official networks computed from name-seeded weights, where that is at hand."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from geoloc.layouts import Layout, rename
from tests.nets.name_seeded import seeded_tensor


class Row(NamedTuple):
    """One tensor of an official network: its name, shape and checksums."""

    name: str
    shape: tuple[int, ...]
    total: float
    squares: float


def parity_folder(shared_data: Path) -> Path:
    """The folder of official numbers; skips where it is absent."""
    folder = shared_data.parent / "reference" / "parity"
    if not folder.is_dir():
        pytest.skip("no numbers of the official networks here")
    return folder


def read_rows(path: Path) -> list[Row]:
    """The table of all tensors of an official network."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(row["key"], _shape(row["shape"]), float(row["sum"]), float(row["sumsq"]))
            for row in csv.DictReader(file)
        ]


def _shape(text: str) -> tuple[int, ...]:
    return () if text == "scalar" else tuple(map(int, text.split("x")))


def fill(network: nn.Module, layout: Layout, names: list[str]) -> Mapping[str, str]:
    """Give a network the weights that belong to its tensors' official names.

    Returns:
        The official name by ours.
    """
    renaming = rename(names, layout)
    assert not renaming.left_over
    tensors = network.state_dict()
    network.load_state_dict(
        {ours: seeded_tensor(theirs, tensors[ours]) for ours, theirs in renaming.kept.items()}
    )
    return renaming.kept


def assert_same_tensors(network: nn.Module, official: Mapping[str, str], rows: list[Row]) -> None:
    """Every tensor of the table has its shape and its checksums in `network`."""
    tensors, by_name = network.state_dict(), {row.name: row for row in rows}
    for ours, theirs in official.items():
        tensor, row = tensors[ours].double(), by_name[theirs]
        assert tuple(tensor.shape) == row.shape, theirs
        assert float(tensor.sum()) == pytest.approx(row.total, rel=1e-5, abs=1e-4), theirs
        assert float(tensor.square().sum()) == pytest.approx(row.squares, rel=1e-5), theirs


def largest_difference(one: Tensor, other: Tensor) -> float:
    """Over all elements of two tensors of the same shape."""
    assert one.shape == other.shape
    return float((one.detach() - other).abs().max())


def first_numbers(tensor: Tensor, count: int = 6) -> list[float]:
    """A few numbers that stand for a tensor: the first ones, the mean and the spread."""
    flat = tensor.detach().double().flatten()
    summary = torch.stack([flat.mean(), flat.std()])
    return [round(float(each), 6) for each in torch.cat([flat[:count], summary])]
