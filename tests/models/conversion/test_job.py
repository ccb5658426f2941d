"""An imported checkpoint embeds as its own project's code would, and says where it came from."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor
from torch.nn import functional

from geoloc.errors import ModelError, OptionError, OutputExistsError
from geoloc.models import registry
from geoloc.models.conversion.catalogue import DATA_SETS, SOURCES
from geoloc.models.conversion.checkpoint import read_checkpoint, write_checkpoint
from geoloc.models.conversion.job import export_model, import_model
from geoloc.models.nets.clnet import CLNet, CLNetOptions
from geoloc.models.nets.mean import MEAN
from geoloc.models.nets.neural_map import LatentGrid
from geoloc.options import ImportOptions, Project
from tests.fixtures import foreign_checkpoints as foreign
from tests.fixtures.name_seeded import noise_image

CONVNEXT = foreign.CONVNEXT


def _import(
    tmp_path: Path, tensors: dict[str, Tensor], project: Project, **options: Any
) -> registry.LoadedModel:
    """Write a checkpoint, import it, load the model."""
    write_checkpoint(tensors, tmp_path / "weights.pth")
    chosen = ImportOptions(project, "it", **{"backbone": CONVNEXT, **options})
    import_model(tmp_path / "weights.pth", tmp_path / "it", chosen)
    return registry.load_model(tmp_path / "it")


def _official(tensors: dict[str, Tensor], prefix: str, images: Tensor) -> Tensor:
    """What a project's own wrapper computes: timm reads the names, Meta's ones as well."""
    weights = {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix) and name.removeprefix(prefix) not in ("head.weight", "head.bias")
    }
    network = timm.create_model(CONVNEXT, pretrained=False, num_classes=0).eval()
    if "norm.weight" in weights:
        weights = timm.models.convnext.checkpoint_filter_fn(weights, network)
    network.load_state_dict(weights)
    with torch.inference_mode():
        return functional.normalize(network(images), dim=1)


@pytest.mark.parametrize(
    ("project", "make", "prefix", "data_set"),
    [
        ("sample4geo", foreign.sample4geo, "model.", "vigor"),
        ("mean", foreign.mean, "model_1.convnext.", "university1652"),
        ("dac", foreign.dac, "model_1.convnext.", "sues200"),
        ("camp", foreign.camp, "model_1.convnext.", None),
    ],
)
def test_it_embeds_as_the_projects_own_code(
    tmp_path: Path,
    project: Project,
    make: Callable[[], dict[str, Tensor]],
    prefix: str,
    data_set: Any,
) -> None:
    tensors, images = make(), noise_image(5, (2, 3, 64, 96))
    model = _import(tmp_path, tensors, project, data_set=data_set)
    wanted = _official(tensors, prefix, images)
    with torch.inference_mode():
        for view in model.card.views:
            assert torch.allclose(model(images, view), wanted, atol=1e-5)


def test_two_towers_embed_a_view_each(tmp_path: Path) -> None:
    tensors, images = foreign.game4loc_towers(), noise_image(5, (2, 3, 64, 64))
    model = _import(tmp_path, tensors, "game4loc")
    with torch.inference_mode():
        drone, satellite = model(images, "drone"), model(images, "satellite")
    assert torch.allclose(drone, _official(tensors, "model1.", images), atol=1e-5)
    assert torch.allclose(satellite, _official(tensors, "model2.", images), atol=1e-5)


def test_a_vit_takes_the_size_that_it_was_trained_for(tmp_path: Path) -> None:
    model = _import(tmp_path, foreign.game4loc_vit(), "game4loc", backbone="test_vit")
    assert model.card.options["image_side_px"] == model.card.input_size("drone").height_px == 384
    assert model.card.mean == (0.5, 0.5, 0.5)
    with torch.inference_mode():
        assert model(noise_image(1, (1, 3, 384, 384)), "satellite").shape == (1, 64)


def test_all_of_mean_is_kept_where_it_is_wanted(tmp_path: Path) -> None:
    tensors, images = foreign.mean(), noise_image(5, (2, 3, 64, 64))
    model = _import(tmp_path, tensors, "mean", whole=True)
    assert isinstance(model, MEAN)
    assert model.options.classes == foreign.CLASSES
    wanted = tensors["model_1.MSF.conv_fusion.weight"]
    assert torch.equal(model.align.fuse.mix.weight, wanted)
    with torch.inference_mode():
        embeddings = model(images, "drone")
    assert torch.allclose(embeddings, _official(tensors, "model_1.convnext.", images), atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        CLNetOptions(CONVNEXT, LatentGrid(2, 3), LatentGrid(3, 3), (2, 3), converter_width=4),
        CLNetOptions(CONVNEXT, LatentGrid(2, 3), LatentGrid(2, 3), dimension=8),
        CLNetOptions(CONVNEXT, head="grid", grid_side=2, grid_width=4, dimension=16),
        CLNetOptions(CONVNEXT, LatentGrid(2, 3), LatentGrid(4, 5), (3,), converter="separate"),
        CLNetOptions(CONVNEXT, levels=()),
    ],
)
def test_a_clnet_is_understood_from_its_tensors(tmp_path: Path, options: CLNetOptions) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = CLNet(options).eval()
    model = _import(tmp_path, network.state_dict(), "clnet", data_set="university1652")
    images = noise_image(5, (2, 3, 64, 64))
    with torch.inference_mode():
        for view in ("satellite", "drone"):
            assert torch.allclose(model(images, view), network(images, view), atol=1e-5)


def test_a_clnet_without_a_known_backbone_asks_for_it(tmp_path: Path) -> None:
    tensors = CLNet(CLNetOptions(CONVNEXT, levels=())).state_dict()
    with pytest.raises(OptionError, match="--backbone"):
        _import(tmp_path, tensors, "clnet", data_set="vigor", backbone=None)


def test_the_card_says_where_a_model_came_from(tmp_path: Path) -> None:
    card = _import(tmp_path, foreign.sample4geo(), "sample4geo", data_set="vigor").card
    assert (card.name, card.architecture, card.backbone) == ("it", "siamese", CONVNEXT)
    assert card.input_size("ground") == (384, 768)
    assert card.input_size("satellite") == (384, 384)
    assert card.tile_ground_size_m == DATA_SETS["vigor"].ground_size_m
    assert card.training["licence"] == SOURCES["sample4geo"].licence
    assert card.training["repository"] == "Skyy93/Sample4Geo"
    assert card.training["imported_from"] == "weights.pth"
    assert card.training["log_scale"] == 2.5


def test_the_ground_size_can_be_said(tmp_path: Path) -> None:
    card = _import(tmp_path, foreign.dac(), "dac", ground_size_m=55.0).card
    assert card.tile_ground_size_m == 55.0
    assert card.training["ground_size"] == "given at the import"


@pytest.mark.parametrize("data_set", [None, "sues200"])
def test_a_data_set_is_asked_for_where_sizes_depend_on_it(tmp_path: Path, data_set: Any) -> None:
    with pytest.raises(OptionError, match="expected one of cvusa, cvact, vigor"):
        _import(tmp_path, foreign.sample4geo(), "sample4geo", data_set=data_set)


@pytest.mark.parametrize("name", ["a/b", "..", "", *registry.list_models()])
def test_a_name_is_no_path_and_not_taken(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="expected a new name"):
        import_model(tmp_path / "no.pth", tmp_path / "it", ImportOptions("dac", name))


def test_another_backbone_is_refused_by_the_shapes(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is \(24, 3, 4, 4\), not \(40, 3, 4, 4\)") as caught:
        _import(tmp_path, foreign.dac(), "dac", backbone="convnext_atto")
    assert "--backbone" in str(caught.value)
    assert not (tmp_path / "it").exists()


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    tensors = foreign.sample4geo()
    del tensors["model.head.norm.bias"]
    with pytest.raises(ModelError, match=r"missing backbone\.head\.norm\.bias"):
        _import(tmp_path, tensors, "sample4geo", data_set="vigor")


def test_a_foreign_tensor_is_named(tmp_path: Path) -> None:
    tensors = {**foreign.camp(), "model_1.surprise": torch.ones(1)}
    with pytest.raises(ModelError, match=r"left over model_1\.surprise"):
        _import(tmp_path, tensors, "camp")


def test_a_model_that_is_there_is_not_overwritten_unasked(tmp_path: Path) -> None:
    _import(tmp_path, foreign.dac(), "dac")
    with pytest.raises(OutputExistsError):
        _import(tmp_path, foreign.camp(), "camp")
    options = ImportOptions("dac", "other", backbone=CONVNEXT)
    write_checkpoint(foreign.dac(), tmp_path / "weights.pth")
    import_model(tmp_path / "weights.pth", tmp_path / "it", options, overwrite=True)
    assert registry.read_card(tmp_path / "it").name == "other"


@pytest.mark.parametrize(
    ("project", "make"),
    [("sample4geo", foreign.sample4geo), ("game4loc", foreign.game4loc_towers)],
)
def test_an_export_is_the_checkpoint_again(
    tmp_path: Path, project: Project, make: Callable[[], dict[str, Tensor]]
) -> None:
    tensors = make()
    data_set = SOURCES[project].data_sets[0]
    _import(tmp_path, tensors, project, data_set=data_set)
    export_model(tmp_path / "it", tmp_path / "back.pth")
    _assert_same(read_checkpoint(tmp_path / "back.pth"), tensors, without=("MLP.",))


def test_all_of_mean_is_exported_again(tmp_path: Path) -> None:
    tensors = foreign.mean()
    _import(tmp_path, tensors, "mean", whole=True)
    export_model(tmp_path / "it", tmp_path / "back.safetensors")
    _assert_same(read_checkpoint(tmp_path / "back.safetensors"), tensors)


def test_a_backbone_can_be_exported_to_another_project(tmp_path: Path) -> None:
    tensors = foreign.sample4geo()
    _import(tmp_path, tensors, "sample4geo", data_set="vigor")
    export_model(tmp_path / "it", tmp_path / "dac.pth", project="dac")
    found = read_checkpoint(tmp_path / "dac.pth")
    wanted = tensors["model.stages.1.downsample.1.weight"]
    assert torch.equal(found["model_1.convnext.downsample_layers.1.1.weight"], wanted)


def test_towers_do_not_fit_a_project_with_one(tmp_path: Path) -> None:
    _import(tmp_path, foreign.game4loc_towers(), "game4loc")
    with pytest.raises(ModelError, match="no name for satellite_backbone"):
        export_model(tmp_path / "it", tmp_path / "a.pth", project="sample4geo")


def test_an_export_keeps_what_is_there_and_knows_two_endings(tmp_path: Path) -> None:
    _import(tmp_path, foreign.dac(), "dac")
    with pytest.raises(OutputExistsError):
        export_model(tmp_path / "it", tmp_path / "weights.pth")
    with pytest.raises(OptionError, match="neither"):
        export_model(tmp_path / "it", tmp_path / "weights.onnx")


def _assert_same(
    found: dict[str, Tensor], wanted: dict[str, Tensor], without: tuple[str, ...] = ()
) -> None:
    kept = {name: value for name, value in wanted.items() if not name.startswith(without or "//")}
    assert set(found) == set(kept)
    for name, value in kept.items():
        assert torch.equal(found[name], value), name


def test_no_card_is_left_where_an_import_fails(tmp_path: Path) -> None:
    tensors = foreign.dac()
    del tensors["model_1.convnext.norm.weight"]
    with pytest.raises(ModelError):
        _import(tmp_path, tensors, "dac")
    assert not (tmp_path / "it" / "model.toml").exists()


def test_a_card_is_toml_that_any_reader_reads(tmp_path: Path) -> None:
    _import(tmp_path, foreign.dac(), "dac")
    document = tomllib.loads((tmp_path / "it" / "model.toml").read_text(encoding="utf-8"))
    assert document["training"]["project"] == "dac"
