"""Bundled models: cards are read without torch, weights are verified, errors say what is wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from geoloc.errors import ModelError
from geoloc.image_size import ImageSize
from geoloc.models import registry, weights
from geoloc.models.card import TileCrops
from geoloc.models.weights import load_strictly, read_tensors, sha256_of, write_tensors

CARD = """
name = "tiny"
architecture = "clnet"
views = ["satellite", "drone"]
dimension = 16
[tile]
ground_size_m = 100.0
size_px = 64
[input]
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
[input.size]
satellite = [64, 64]
drone = [64, 96]
[options]
backbone = "convnext_zepto_rms"
ground_grid = [2, 3]
satellite_grid = [2, 2]
converter_width = 8
dimension = 16
[weights]
sha256 = "{sha256}"
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model folder with random weights; read it, never change it."""
    return write_model(tmp_path_factory.mktemp("kept") / "tiny")


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """Its copy, free to be spoilt."""
    return Path(shutil.copytree(kept, tmp_path / "tiny"))


def write_model(folder: Path) -> Path:
    folder.mkdir()
    (folder / "model.toml").write_text(CARD.format(sha256=""))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = registry.build_network(registry.read_card(folder))
    checksum = write_tensors(network, folder / "model.safetensors")
    (folder / "model.toml").write_text(CARD.format(sha256=checksum))
    return folder


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "model.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_card_says_what_its_file_says(folder: Path) -> None:
    card = registry.read_card(folder)
    assert (card.name, card.dimension, card.backbone) == ("tiny", 16, "convnext_zepto_rms")
    assert (card.tile_ground_size_m, card.tile_size_px) == (100.0, 64)
    assert card.input_size("drone") == ImageSize(height_px=64, width_px=96)


def test_the_span_of_ground_views_is_read_where_it_is_stated(folder: Path) -> None:
    assert registry.read_card(folder).ground_span_deg is None
    edit(folder, "[input]", "[input]\nground_span_deg = [-60, 30]")
    assert registry.read_card(folder).ground_span_deg == (-60.0, 30.0)


def test_the_crops_of_a_tile_are_read_where_they_are_stated(folder: Path) -> None:
    card = registry.read_card(folder)
    assert card.crops is None
    assert card.ground_fit == "ring"
    crops = "[tile.crops]\nground_sizes_m = [76.8, 153.6]\nsize_px = 384\nbearing_deg = 180\n"
    edit(folder, "[input]", crops + '[input]\nground_fit = "letterbox"')
    card = registry.read_card(folder)
    assert card.crops == TileCrops((76.8, 153.6), 384, bearing_deg=180.0, fill=255)
    assert card.crops.gsds_m == pytest.approx((0.2, 0.4))
    assert card.ground_fit == "letterbox"


@pytest.mark.parametrize("sides", ["[2, 1]", "[1, 1]", "[]", "[0, 1]"])
def test_crops_that_do_not_ascend_are_refused(folder: Path, sides: str) -> None:
    edit(folder, "[input]", f"[tile.crops]\nground_sizes_m = {sides}\nsize_px = 384\n[input]")
    with pytest.raises(ModelError, match="does not ascend"):
        registry.read_card(folder)


def test_a_fit_that_is_unknown_is_refused(folder: Path) -> None:
    edit(folder, "[input]", '[input]\nground_fit = "stretch"')
    with pytest.raises(ModelError, match="none of ring, letterbox"):
        registry.read_card(folder)


@pytest.mark.parametrize("span", ["[30, -60]", "[-60, 91]", "[0, 0]", "[1]", "7"])
def test_a_span_that_is_none_is_refused(folder: Path, span: str) -> None:
    edit(folder, "[input]", f"[input]\nground_span_deg = {span}")
    with pytest.raises(ModelError, match=str(folder)):
        registry.read_card(folder)


def test_a_view_that_the_model_does_not_know_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="ground"):
        registry.read_card(folder).input_size("ground")


def test_a_saved_model_gives_the_same_answer_again(folder: Path) -> None:
    first, second = registry.load_model(folder), registry.load_model(str(folder))
    pictures = torch.ones(2, 3, 64, 64)
    with torch.no_grad():
        vectors = first(pictures, "satellite")
        assert torch.equal(vectors, second(pictures, "satellite"))
    assert vectors.shape == (2, 16)
    assert first.card == registry.read_card(folder)


def test_weights_stored_in_half_precision_give_nearly_the_same_answer(folder: Path) -> None:
    whole = registry.load_model(folder)
    halved = registry.build_network(whole.card)
    path = folder / "model.safetensors"
    tensors = {key: value.half() for key, value in read_tensors(path).items()}
    load_strictly(halved, tensors, path=path)
    pictures = torch.linspace(-1, 1, 2 * 3 * 64 * 64).view(2, 3, 64, 64)
    with torch.no_grad():
        cosines = (whole(pictures, "drone") * halved.eval()(pictures, "drone")).sum(dim=1)
    assert cosines.min() > 0.9999


def test_the_models_on_the_shelf_are_whole() -> None:
    for name in registry.list_models():
        card = registry.read_card(name)
        assert card.name == name
        registry.verify_weights(card)
        assert card.weights_path.stat().st_size < 20e6


def test_reading_a_card_loads_no_torch() -> None:
    code = (
        "import sys, geoloc.models.registry as z; z.list_models(); z.bundled_models_folder();"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_model_that_is_nowhere_is_refused_with_the_names_that_exist(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no model .*--model") as caught:
        registry.read_card(tmp_path / "absent")
    assert caught.value.path == tmp_path / "absent"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dimension = 16\n[tile]", "[tile]", "dimension is missing"),
        ("size_px = 64", "size_px = 'wide'", "invalid literal"),
        ("[0.5, 0.5, 0.5]", "[0.5]", "values to unpack"),
        ("drone = [64, 96]", "", "no input size for drone"),
        ("[tile]", "[tile", "cannot|not a card"),
    ],
)
def test_a_broken_card_is_refused(folder: Path, old: str, new: str, said: str) -> None:
    edit(folder, old, new)
    with pytest.raises(ModelError, match=said):
        registry.read_card(folder)


def test_an_unknown_architecture_is_refused(folder: Path) -> None:
    edit(folder, '"clnet"', '"oracle"')
    with pytest.raises(ModelError, match="oracle"):
        registry.load_model(folder)


@pytest.mark.parametrize(
    ("old", "new"), [("converter_width", "converter_wit"), ("convnext_zepto_rms", "no_such_net")]
)
def test_options_that_do_not_fit_are_refused(folder: Path, old: str, new: str) -> None:
    edit(folder, old, new)
    with pytest.raises(ModelError, match=new):
        registry.load_model(folder)


def test_other_weights_than_the_cards_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    with pytest.raises(ModelError, match="checksum") as caught:
        registry.load_model(folder)
    assert caught.value.path == path


def test_missing_weights_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no weights"):
        registry.load_model(folder)


def test_cut_off_weights_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    edit(folder, registry.read_card(folder).weights_sha256, sha256_of(path))
    with pytest.raises(ModelError, match="safetensors"):
        registry.load_model(folder)


def test_weights_of_another_network_are_refused_by_name_and_shape(folder: Path) -> None:
    edit(folder, "satellite_grid = [2, 2]", "satellite_grid = [3, 2]")
    with pytest.raises(ModelError, match=r"narrow\.weight is \(4, 8\), not \(6, 8\)"):
        registry.load_model(folder)
    edit(folder, "satellite_grid = [3, 2]", 'satellite_grid = [2, 2]\nconverter = "separate"')
    with pytest.raises(ModelError, match=r"missing satellite_maps.*and \d+ more"):
        registry.load_model(folder)


def test_a_model_that_cannot_be_replaced_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = torch.nn.Linear(2, 1)
    weights.write_model(network, tmp_path, lambda checksum: f"first {checksum}")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert before["model.toml"].decode() == f"first {sha256_of(tmp_path / 'model.safetensors')}"

    def fail(_: str) -> str:
        raise KeyboardInterrupt

    torch.nn.init.zeros_(network.weight)
    with pytest.raises(KeyboardInterrupt):
        weights.write_model(network, tmp_path, fail)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
