"""The statewide checkpoint: Flax's names and axes go in and out, and its settings are obeyed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from geoloc.errors import ModelError
from geoloc.image_size import ImageSize
from geoloc.models.card import TileCrops
from geoloc.models.check import check_model
from geoloc.models.conversion.checkpoint import read_checkpoint, write_checkpoint
from geoloc.models.conversion.job import ImportSummary, export_model, import_model
from geoloc.models.conversion.statewide import from_flax
from geoloc.models.conversion.tensor_names import LAYOUTS, original_name, rename
from geoloc.models.embedder import Embedder
from geoloc.models.nets.statewide import Statewide
from geoloc.models.registry import load_model
from geoloc.options import ImportOptions
from tests.fixtures import statewide as official

# As wide as it is high: no check of shapes would notice a matrix that nobody turned.
SQUARE = official.Size((2, 2, 6, 2), (40, 80, 160, 320), 320, 16)


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return official.official_weights(official.ATTO)


def _import(
    folder: Path,
    weights: dict[str, Tensor],
    *,
    config: str = "",
    ground_size_m: float | None = None,
) -> ImportSummary:
    write_checkpoint(weights, folder / "last.safetensors")
    if config:
        (folder / "config.yaml").write_text(config, encoding="utf-8")
    options = ImportOptions("statewide", "it", ground_size_m=ground_size_m)
    return import_model(folder / "last.safetensors", folder / "it", options)


def test_all_names_of_the_published_size_are_renamed_and_back() -> None:
    names = [name for name, _ in official.shapes(official.BASE)]
    renaming = rename(names, LAYOUTS["statewide"])
    assert len(renaming.kept) == len(names) == 690
    for ours, theirs in renaming.kept.items():
        assert original_name(ours, LAYOUTS["statewide"]) == theirs


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("pv_encoder//Stem_0//_Norm_0//scale", "backbone.stem.1.weight"),
        ("aerial_encoder//Stage_2//Block_8//scale", "satellite_backbone.stages.2.blocks.8.gamma"),
        (
            "pv_encoder//Stage_0//Block_1//_Norm_0//scale",
            "backbone.stages.0.blocks.1.norm.weight",
        ),
        ("pv_encoder//Downsample_0//Conv_0//bias", "backbone.stages.1.downsample.1.bias"),
        ("aerial_decoder//_Norm_0//scale", "satellite_pool.norm.weight"),
    ],
)
def test_a_scale_is_a_norms_weight_or_a_layer_scale(theirs: str, ours: str) -> None:
    assert list(rename([f"params//{theirs}"], LAYOUTS["statewide"]).kept) == [ours]


def test_an_imported_network_embeds_as_the_official_one(
    tmp_path: Path, weights: dict[str, Tensor]
) -> None:
    summary = _import(tmp_path, weights)
    assert (summary.architecture, summary.backbone) == ("statewide", "convnext_atto")
    goldens = load_file(official.GOLDENS)
    embedder = Embedder(summary.folder, device="cpu")
    embedder.precision = None
    for found, name in (
        (embedder.embed_crops(official.crops_small()), "aerial_small"),
        (_embed_photos(embedder, official.photos_small()), "photo_small"),
        (_embed_photos(embedder, official.portrait()[None]), "photo_padded"),
    ):
        wanted = goldens[f"{name}.embedding"].numpy()
        assert np.abs(6 * found - wanted).max() < 2e-5, name


def _embed_photos(embedder: Embedder, photos: np.ndarray) -> np.ndarray:
    """Of photos that the network sees at 128 x 160, a portrait between black."""
    sizes = embedder.card.input_sizes
    assert isinstance(sizes, dict)
    sizes["ground"] = ImageSize(128, 160)
    return embedder.embed(photos, "ground")


def test_black_beside_a_photo_is_black_before_it_is_normalised(
    tmp_path: Path, weights: dict[str, Tensor]
) -> None:
    """Mean grey instead would move embeddings by 0.8."""
    network = load_model(_import(tmp_path, weights).folder)
    grey = torch.zeros(1, 3, 128, 160)
    grey[..., 32:128] = official.normalised(official.portrait())
    with torch.inference_mode():
        found = 6 * network(grey, "ground")
    wanted = load_file(official.GOLDENS)["photo_padded.embedding"]
    assert float((found - wanted).abs().max()) > 0.3


def test_a_square_matrix_is_turned(tmp_path: Path) -> None:
    tensors = official.official_weights(SQUARE)
    network = load_model(_import(tmp_path, tensors).folder)
    assert isinstance(network, Statewide)
    wanted = tensors["params//pv_decoder//_Linear_1//weight"]
    assert torch.equal(network.pool.value.weight, wanted.T)
    assert not torch.equal(network.pool.value.weight, wanted)


def test_names_without_an_underscore_and_a_learnt_scale_are_taken(
    tmp_path: Path, weights: dict[str, Tensor]
) -> None:
    other = {
        name.replace("_Norm_0", "Norm_0").replace("_Linear_", "Linear_"): value
        for name, value in weights.items()
    }
    assert set(other) != set(weights)
    assert set(from_flax(other)) == set(weights)
    summary = _import(tmp_path, {**other, "params//scale": torch.tensor(1.79)})
    assert summary.training_only == ("params//scale",)
    assert check_model(summary.folder).dimension == 256


def test_a_foreign_or_missing_tensor_is_named(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    with pytest.raises(ModelError, match="left over params//surprise"):
        _import(tmp_path, {**weights, "params//surprise": torch.ones(1)})
    fewer = dict(weights)
    del fewer["params//pv_decoder//_Linear_0//weight"]
    with pytest.raises(ModelError, match=r"missing pool\.attend\.weight"):
        _import(tmp_path, fewer)
    assert not (tmp_path / "it").exists()


def test_the_card_says_what_the_network_sees(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    card = load_model(_import(tmp_path, weights, config=official.CONFIG).folder).card
    assert card.crops == TileCrops((76.8, 153.6, 307.2, 614.4), 384, bearing_deg=180.0, fill=255)
    assert (card.ground_fit, card.input_size("ground")) == ("letterbox", (480, 640))
    assert card.input_shape("satellite") == (4, 3, 384, 384)
    assert card.input_shape("ground") == (3, 480, 640)
    assert (card.tile_ground_size_m, card.tile_size_px) == (30.0, 150)
    assert card.options["scale"] == 6.0
    assert "none stated for the weights" in str(card.training["licence"])
    assert card.training["weights"] == (
        "Hugging Face fferflo/statewide-geoloc-nomassgis: weights/last.safetensors, and "
        "config.yaml, which belongs beside it"
    )


def test_the_settings_beside_the_weights_are_obeyed(
    tmp_path: Path, weights: dict[str, Tensor]
) -> None:
    config = (
        official.CONFIG.replace("[0.2, 0.4, 0.8, 1.6]", "[0.5, 0.25]")
        .replace("[384, 384]", "[256, 256]")
        .replace("[480, 640]", "[240, 320]")
        .replace("meters: 30.0", "meters: 20")
    )
    card = load_model(_import(tmp_path, weights, config=config).folder).card
    assert card.crops == TileCrops((64.0, 128.0), 256, bearing_deg=180.0)
    assert card.input_size("ground") == (240, 320)
    assert (card.tile_ground_size_m, card.tile_size_px) == (20.0, 80)


def test_the_side_of_a_cell_can_be_said(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    card = load_model(_import(tmp_path, weights, ground_size_m=15.0).folder).card
    assert (card.tile_ground_size_m, card.tile_size_px) == (15.0, 75)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("geoloc.model.SpatialSoftmax", "geoloc.model.SAFA", "model.pv-decoder is .*SAFA"),
        ("convnext.ConvNeXt.base", "vit.FromVit", "model.pv-encoder is .*FromVit"),
        ("shared-encoder: false", "shared-encoder: true", "shared-encoder is true"),
        ("heads: 16", "heads: 64", "model.heads is 64, the weights have 16"),
        ("channels: 256", "channels: 1024", "channels is 1024, the weights have 256"),
        ("[384, 384]", "[384, 192]", "384 x 192"),
        ("[0.2, 0.4, 0.8, 1.6]", "[]", "meters-per-pixel is"),
        ("cell-size-meters", "cell-size-feet", "cell-size-meters is missing"),
        ("init: 6.0", "init: six", "six"),
        ("data:", "data: [", "while parsing"),
        (official.CONFIG, "just a word", "string indices"),
    ],
)
def test_settings_of_another_network_are_refused(
    tmp_path: Path, weights: dict[str, Tensor], old: str, new: str, message: str
) -> None:
    assert old in official.CONFIG
    with pytest.raises(ModelError, match=message) as caught:
        _import(tmp_path, weights, config=official.CONFIG.replace(old, new))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "it").exists()


def test_an_export_is_the_checkpoint_again(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    _import(tmp_path, weights)
    export_model(tmp_path / "it", tmp_path / "back.safetensors")
    found = read_checkpoint(tmp_path / "back.safetensors")
    assert set(found) == set(weights)
    for name, value in weights.items():
        assert torch.equal(found[name], value), name
