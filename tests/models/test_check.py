"""A model is whole when its card, its weights and its vectors agree."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from geoloc.errors import ModelError
from geoloc.models import check
from geoloc.models.check import check_model
from geoloc.models.conversion.checkpoint import write_checkpoint
from geoloc.models.conversion.job import import_model
from geoloc.options import ImportOptions
from tests.fixtures.foreign_checkpoints import CONVNEXT, dac
from tests.fixtures.tiny_models import TINY_STATEWIDE, write_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_checkpoint(dac(), tmp_path / "weights.pth")
    options = ImportOptions("dac", "small", backbone=CONVNEXT)
    return import_model(tmp_path / "weights.pth", tmp_path / "small", options).folder


def test_a_whole_model_passes(folder: Path) -> None:
    check = check_model(folder)
    assert (check.name, check.views, check.dimension) == ("small", ("satellite", "drone"), 64)
    assert check.parameters == 207_128


def test_a_model_that_sees_several_crops_passes(tmp_path: Path) -> None:
    check = check_model(write_tiny_model(tmp_path / "crops", TINY_STATEWIDE))
    assert (check.views, check.dimension) == (("satellite", "ground"), 16)


def test_other_weights_are_found_out(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ModelError, match="checksum"):
        check_model(folder)


def test_a_card_that_promises_another_dimension_is_found_out(folder: Path) -> None:
    card = folder / "model.toml"
    card.write_text(card.read_text().replace("dimension = 64", "dimension = 65"))
    with pytest.raises(ModelError, match="64 numbers, the card says 65"):
        check_model(folder)


class _Strange(nn.Module):
    """A network whose vectors are not what they should be."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def forward(self, images: Tensor, view: str) -> Tensor:
        vectors = torch.full((len(images), 64), 1 / 8.0)
        if self.fault == "length":
            return 2 * vectors
        if self.fault == "finite":
            return vectors * float("nan")
        return vectors if len(images) > 1 else -vectors


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("length", "not of unit length"),
        ("finite", "not finite"),
        ("batch", "another vector alone than in a batch"),
    ],
)
def test_strange_vectors_are_found_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str, message: str
) -> None:
    network = _Strange(fault)
    network.card = check.load_model(folder).card  # type: ignore[assignment]
    monkeypatch.setattr(check, "load_model", lambda _: network)
    with pytest.raises(ModelError, match=message):
        check_model(folder)
