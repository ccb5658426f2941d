"""Statewide computes what the official code does, and every known mistake would show."""

from __future__ import annotations

import copy
import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from geoloc.models.conversion.checkpoint import fitted, renamed
from geoloc.models.conversion.statewide import from_flax
from geoloc.models.conversion.tensor_names import LAYOUTS
from geoloc.models.nets.statewide import Statewide, StatewideOptions, pool_positions
from geoloc.models.view import View
from tests.fixtures import statewide as official
from tests.fixtures.parity import largest_difference, parity_folder

SMALL = StatewideOptions("convnext_atto", heads=16, dimension=256)
# In float32. Autocast to bfloat16 moves embeddings by 1e-2, the exact GELU by 1e-4 only.
_EMBEDDING, _FEATURES = 2e-5, 5e-5
_LENGTH = StatewideOptions.scale


class _Case(NamedTuple):
    """Images of one view, by the name that the official numbers have."""

    name: str
    view: View
    images: np.ndarray

    @property
    def pixels(self) -> Tensor:
        return official.normalised(self.images)


_PHOTOS = _Case("photo_small", "ground", official.photos_small())
_CELLS = _Case("aerial_small", "satellite", official.crops_small())
_FULL = (
    _Case("photo_full", "ground", official.photo_full()),
    _Case("aerial_full", "satellite", official.crops_full()),
)


def _seeded(options: StatewideOptions, weights: dict[str, Tensor]) -> Statewide:
    network, path = Statewide(options), Path("weights.safetensors")
    tensors = from_flax(weights)
    names = renamed(tensors, LAYOUTS["statewide"], path=path).kept
    network.load_state_dict(fitted(network, tensors, names, path=path))
    return network.eval()


@pytest.fixture(scope="module")
def network() -> Statewide:
    return _seeded(SMALL, official.official_weights(official.ATTO))


@pytest.fixture(scope="module")
def goldens() -> dict[str, Tensor]:
    return load_file(official.GOLDENS)


def _deviation(network: Statewide, case: _Case, goldens: dict[str, Tensor]) -> float:
    """The largest of the embeddings, which have the official length for it."""
    with torch.inference_mode():
        found = _LENGTH * network(case.pixels, case.view)
    return largest_difference(found, goldens[f"{case.name}.embedding"])


def _features(network: Statewide, case: _Case) -> Tensor:
    """Last stage, channels last; the crops of cells one by one."""
    tower: Any = network.backbone if case.view == "ground" else network.satellite_backbone
    pixels = case.pixels
    with torch.inference_mode():
        features = tower.forward_features(pixels.reshape(-1, *pixels.shape[-3:])).movedim(1, -1)
    return features.reshape(*pixels.shape[:-3], *features.shape[1:])


def _pool_of_the_faint(network: Statewide) -> Tensor:
    with torch.inference_mode():
        logits, values = network.pool(official.faint_features(network.backbone.num_features))
        return pool_positions(logits.flatten(1, 2), values.flatten(1, 2))


def _assert_official(network: Statewide, goldens: dict[str, Tensor]) -> None:
    for case in (_PHOTOS, _CELLS):
        features = _features(network, case)
        assert largest_difference(features, goldens[f"{case.name}.features"]) < _FEATURES
        with torch.inference_mode():
            pooled = network.pooled(case.pixels, case.view)
        assert largest_difference(pooled, goldens[f"{case.name}.pooled"]) < _EMBEDDING
        assert _deviation(network, case, goldens) < _EMBEDDING
    faint = _pool_of_the_faint(network)
    assert largest_difference(faint, goldens["faint.pooled"]) < _EMBEDDING


def test_it_computes_what_the_official_code_does(
    network: Statewide, goldens: dict[str, Tensor]
) -> None:
    _assert_official(network, goldens)


@pytest.mark.shared
@pytest.mark.slow
def test_the_published_size_computes_what_the_official_code_does(shared_data: Path) -> None:
    folder = parity_folder(shared_data)
    weights = official.official_weights(official.BASE)
    with (folder / "statewide_params.csv").open(newline="", encoding="utf-8") as file:
        published = {row["name"]: row for row in csv.DictReader(file)}
    assert weights.keys() == published.keys()
    for name, value in weights.items():
        assert "x".join(map(str, value.shape)) == published[name]["shape"], name
        total = float(published[name]["sum"])
        assert float(value.double().sum()) == pytest.approx(total, rel=1e-6, abs=1e-5), name
    network = _seeded(StatewideOptions(), weights)
    assert sum(parameter.numel() for parameter in network.parameters()) == 177_363_200
    goldens = {
        name.removeprefix("base."): value
        for name, value in load_file(folder / "statewide_outputs.safetensors").items()
        if name.startswith("base.")
    }
    _assert_official(network, goldens)
    for case in _FULL:
        assert _deviation(network, case, goldens) < _EMBEDDING


def _take_the_exact_gelu(network: Statewide) -> None:
    for module in network.modules():
        for name, child in module.named_children():
            if "gelu" in type(child).__name__.lower():
                setattr(module, name, nn.GELU())


def _swap_the_towers(network: Statewide) -> None:
    network.backbone, network.satellite_backbone = network.satellite_backbone, network.backbone
    network.pool, network.satellite_pool = network.satellite_pool, network.pool


def _count_channels_before_heads(network: Statewide) -> None:
    order = torch.arange(SMALL.dimension).reshape(SMALL.heads, -1).T.flatten()
    for pool in (network.pool, network.satellite_pool):
        pool.value.weight.data = pool.value.weight.data[order]
        pool.value.bias.data = pool.value.bias.data[order]


def _scale_the_logits(network: Statewide) -> None:
    for pool in (network.pool, network.satellite_pool):
        pool.attend.weight.data /= (SMALL.dimension / SMALL.heads) ** 0.5


def _average_positions(network: Statewide) -> None:
    for pool in (network.pool, network.satellite_pool):
        pool.attend.weight.data.zero_()


@pytest.mark.parametrize(
    ("mistake", "least"),
    [
        (_take_the_exact_gelu, 1e-4),
        (_swap_the_towers, 0.5),
        (_count_channels_before_heads, 0.3),
        (_scale_the_logits, 0.2),
        (_average_positions, 0.2),
    ],
)
def test_a_network_that_is_built_otherwise_is_noticed(
    network: Statewide,
    goldens: dict[str, Tensor],
    mistake: Callable[[Statewide], None],
    least: float,
) -> None:
    wrong = copy.deepcopy(network)
    mistake(wrong)
    for case in (_PHOTOS, _CELLS):
        assert _deviation(wrong, case, goldens) > least


def test_the_epsilon_of_another_norm_is_noticed(
    network: Statewide, goldens: dict[str, Tensor]
) -> None:
    wrong = copy.deepcopy(network)
    wrong.pool.norm.eps = 1e-6
    assert largest_difference(_pool_of_the_faint(wrong), goldens["faint.pooled"]) > 0.1


def test_half_precision_keeps_directions_and_no_parity(
    network: Statewide, goldens: dict[str, Tensor]
) -> None:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        vectors = network(_PHOTOS.pixels, "ground")
    wanted = goldens["photo_small.embedding"]
    assert largest_difference(_LENGTH * vectors, wanted) > 50 * _EMBEDDING
    assert torch.cosine_similarity(vectors, wanted).min() > 0.999


def _pooled_alone(network: Statewide) -> tuple[Tensor, Tensor]:
    """Of each crop by itself: the logarithm of its heads' mass, and its pooled values."""
    crops = _CELLS.pixels
    with torch.inference_mode():
        logits, values = network.satellite_positions(crops.flatten(0, 1))
    logits, values = logits.flatten(1, 2), values.flatten(1, 2)
    shape = crops.shape[:2]
    mass = logits.logsumexp(dim=1)
    return (
        mass.reshape(*shape, -1),
        pool_positions(logits, values).reshape(*shape, -1),
    )


def test_crops_are_pooled_jointly(network: Statewide, goldens: dict[str, Tensor]) -> None:
    _, pooled = _pooled_alone(network)
    mean = _LENGTH * torch.nn.functional.normalize(pooled.mean(dim=1), dim=1)
    assert largest_difference(mean, goldens["aerial_small.embedding"]) > 0.1


def test_crops_pooled_one_by_one_are_joined_by_their_mass(
    network: Statewide, goldens: dict[str, Tensor]
) -> None:
    mass, pooled = _pooled_alone(network)
    joined = pool_positions(mass, pooled)
    assert largest_difference(joined, goldens["aerial_small.pooled"]) < _EMBEDDING


def test_shared_features_of_crops_make_the_vectors_of_their_cells(network: Statewide) -> None:
    crops = _CELLS.pixels
    with torch.inference_mode():
        features = network.shared_features(crops.flatten(0, 1))
        found = network.embed_shared(features.reshape(*crops.shape[:2], *features.shape[1:]))
        expected = network(crops, "satellite")
    assert features.shape[-2:] == (crops.shape[-2] // 16, crops.shape[-1] // 16)
    assert torch.allclose(found, expected, atol=1e-6)


def test_the_order_of_crops_does_not_matter(network: Statewide) -> None:
    with torch.inference_mode():
        one = network(_CELLS.pixels, "satellite")
        other = network(_CELLS.pixels.flip(1), "satellite")
        fewer = network(_CELLS.pixels[:, :3], "satellite")
    assert torch.allclose(one, other, atol=1e-6)
    assert not torch.allclose(one, fewer, atol=1e-2)


def test_images_of_no_known_view_or_shape_are_refused(network: Statewide) -> None:
    with pytest.raises(ValueError, match="view 'drone'"):
        network(_PHOTOS.pixels, "drone")
    with pytest.raises(ValueError, match="expected crops"):
        network(_PHOTOS.pixels, "satellite")


def test_heads_must_share_the_dimension() -> None:
    with pytest.raises(ValueError, match="no multiple of heads"):
        StatewideOptions("convnext_atto", heads=7, dimension=256)


def test_every_parameter_learns_with_and_without_checkpoints() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        options = StatewideOptions("test_convnext", heads=4, dimension=16, layer_scale=0.1)
        network = Statewide(options).train()
    gradients = []
    for enable in (False, True):
        network.set_grad_checkpointing(enable)
        network.zero_grad()
        photos, cells = (network(case.pixels, case.view) for case in (_PHOTOS, _CELLS))
        (photos * cells).sum().backward()
        assert [name for name, each in network.named_parameters() if each.grad is None] == []
        gradients.append([each.grad.clone() for each in network.parameters()])  # type: ignore[union-attr]
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)
