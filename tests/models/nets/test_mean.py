"""MEAN is the published network: its tensors, its outputs, and what it keeps after training."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from geoloc.learning.training.losses import MeanLoss
from geoloc.models.conversion.tensor_names import WHOLE_MEAN, rename
from geoloc.models.nets.mean import MEAN, DiversifiedEmbeddings, MeanOptions
from tests.fixtures import goldens
from tests.fixtures.name_seeded import block_image, noise_image
from tests.fixtures.parity import (
    assert_same_tensors,
    first_numbers,
    largest_difference,
    parity_folder,
    read_rows,
)

_ROUNDING = 1e-4  # a gradient norm below it is zero


@pytest.fixture(scope="module")
def mean() -> MEAN:
    """The published size takes seconds to make: who trains it, copies it."""
    return goldens.seeded_mean()


@pytest.fixture(scope="module")
def small() -> MEAN:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return MEAN(MeanOptions("convnext_atto", classes=7))


def test_it_has_the_published_tensors(mean: MEAN) -> None:
    rows = read_rows(goldens.MEAN_TENSORS)
    official = rename([row.name for row in rows], WHOLE_MEAN).kept
    assert len(official) == 257
    assert set(official) == set(mean.state_dict())
    assert_same_tensors(mean, official, rows)


def test_it_has_the_published_number_of_parameters(mean: MEAN) -> None:
    assert sum(p.numel() for p in mean.parameters()) == 36_498_820
    assert sum(p.numel() for p in mean.test_network().parameters()) == 27_820_128


def test_embeddings_are_those_of_the_official_network(mean: MEAN) -> None:
    numbers = goldens.read_numbers()
    for name, tensor in goldens.mean_embeddings(mean).items():
        assert first_numbers(tensor) == pytest.approx(numbers[name], abs=1e-4), name


@pytest.mark.slow
def test_a_training_step_is_that_of_the_official_network(mean: MEAN) -> None:
    numbers = goldens.read_numbers()
    for name, tensor in goldens.mean_training(copy.deepcopy(mean)).items():
        assert first_numbers(tensor) == pytest.approx(numbers[name], abs=2e-3), name


def test_the_test_network_embeds_as_the_whole_one(mean: MEAN) -> None:
    images = noise_image(7, (2, 3, 64, 64))
    with torch.inference_mode():
        whole, bare = mean(images, "drone"), mean.test_network()(images, "drone")
    assert torch.equal(whole, bare)
    assert not mean.test_network().training


def test_an_image_alone_embeds_as_in_a_batch(mean: MEAN) -> None:
    images = noise_image(8, (3, 3, 64, 64))
    with torch.inference_mode():
        together = mean(images, "satellite")
        alone = torch.cat([mean(image[None], "satellite") for image in images])
    assert together.dtype == torch.float32
    assert torch.allclose(together.norm(dim=1), torch.ones(3), atol=1e-6)
    assert torch.allclose(together, alone, atol=1e-5)


def test_an_unknown_view_is_refused(small: MEAN) -> None:
    with pytest.raises(ValueError, match="view 'moon'"):
        small(noise_image(1, (1, 3, 32, 32)), "moon")  # type: ignore[arg-type]


def test_only_dropout_tells_the_diversified_maps_apart() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        diversify = DiversifiedEmbeddings(16, dropout=0.5)
        one, other = diversify(torch.randn(2, 16, 4, 4))
        assert not torch.equal(one, other)
        one, other = diversify.eval()(torch.randn(2, 16, 4, 4))
        assert torch.equal(one, other)


def test_without_the_unused_weights_every_parameter_learns() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = MEAN(MeanOptions("convnext_atto", classes=7, unused_weights=False))
        views = [network.forward_training(torch.randn(4, 3, 64, 64)) for _ in range(2)]
    places = torch.arange(4)
    MeanLoss()(views[0], views[1], places, network.log_scale).total.backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_the_unused_weights_learn_nothing(small: MEAN) -> None:
    outputs = small.forward_training(noise_image(9, (4, 3, 32, 32)))
    MeanLoss()(outputs, outputs, torch.arange(4), small.log_scale).total.backward()
    idle = {name for name, p in small.named_parameters() if p.grad is None}
    head = {"backbone.head.fc.weight", "backbone.head.fc.bias"}
    assert idle == head | {name for name, _ in small.named_parameters() if "unused" in name}


@pytest.mark.slow
def test_a_small_one_learns_from_random_weights_within_twenty_steps() -> None:
    """Dropout on, two noisy views of six places: what a training on a CPU begins with."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        options = MeanOptions("test_convnext2", classes=6, unused_weights=False, layer_scale=0.1)
        network, loss, places = MEAN(options).train(), MeanLoss(), torch.arange(6)
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
        scenes, history = block_image(41, (6, 3, 64, 64), 16), []
        for _ in range(20):
            views = [
                network.forward_training(scenes + 0.3 * torch.randn_like(scenes)) for _ in range(2)
            ]
            terms = loss(views[0], views[1], places, network.log_scale)
            optimiser.zero_grad()
            terms.total.backward()
            optimiser.step()
            history.append(torch.stack(terms).detach())
    before, after = torch.stack(history[:3]).mean(dim=0), torch.stack(history[-3:]).mean(dim=0)
    assert (after < before).all(), (before, after)
    assert after[0] < 0.7 * before[0]


@pytest.mark.shared
def test_all_official_numbers_of_evaluation_are_met(mean: MEAN, shared_data: Path) -> None:
    wanted = load_file(parity_folder(shared_data) / "mean_outputs.safetensors")
    cases = {
        "eval.gap_feature": noise_image(1, (2, 3, 384, 384)),
        "eval256.gap_feature": noise_image(3, (1, 3, 256, 256)),
        "eval224x320.gap_feature": noise_image(4, (1, 3, 224, 320)),
    }
    with torch.inference_mode():
        for name, images in cases.items():
            pooled = mean.backbone.forward_head(
                mean.backbone.forward_features(images), pre_logits=True
            )
            assert largest_difference(pooled, wanted[name]) < 1e-4, name
            embeddings = torch.nn.functional.normalize(pooled, dim=1)
            assert largest_difference(mean(images[:1], "drone"), embeddings[:1]) < 1e-5
            if name == "eval.gap_feature":
                assert largest_difference(embeddings, wanted["eval.embedding_l2"]) < 1e-4


@pytest.mark.shared
def test_all_official_numbers_of_training_are_met(mean: MEAN, shared_data: Path) -> None:
    folder = parity_folder(shared_data)
    wanted = load_file(folder / "mean_train_outputs.safetensors")
    network = copy.deepcopy(mean).train()
    queries = network.forward_training(block_image(31, (6, 3, 128, 128), 16))
    references = network.forward_training(block_image(32, (6, 3, 128, 128), 16))
    found = {"bn.MSF.running_mean": network.align.fuse.norm.running_mean}
    found["bn.classifier1.running_var"] = network.classifiers[2].norm.running_var
    for letter, view in (("q", queries), ("r", references)):
        found[f"{letter}.pfeat_align"] = view.aligned
        found[f"{letter}.gap_feature"] = view.pooled
        found[f"{letter}.part_features"] = view.features
        for i in range(3):
            found[f"{letter}.cls{i}"] = view.logits[i]
            found[f"{letter}.feat{i}"] = view.embeddings[i]
    assert set(found) == {n for n in wanted if not n.startswith(("loss.", "eval_blocks."))}
    for name, tensor in found.items():
        assert largest_difference(tensor, wanted[name]) < 2e-3, name

    places = torch.tensor([5, 17, 3, 700, 0, 42])
    terms = MeanLoss()(queries, references, places, network.log_scale)
    for name, term in zip(("total", "infonce", "cls", "cda"), terms, strict=True):
        assert float(term.detach()) == pytest.approx(float(wanted[f"loss.{name}"]), abs=1e-3)
    terms.total.backward()
    norms = json.loads((folder / "mean_train_gradnorms.json").read_text(encoding="utf-8"))
    assert_gradient_norms(network, norms)


def assert_gradient_norms(network: MEAN, norms: dict[str, float]) -> None:
    """Gradients are sums of many roundings: one part in a hundred, and what is zero is tiny.

    A bias before a batch norm has none: its 3e-5 are roundings, and another processor rounds
    otherwise (1e-5 was seen). The least gradient that is no rounding has a norm of 5e-4.
    """
    names = rename([row.name for row in read_rows(goldens.MEAN_TENSORS)], WHOLE_MEAN).kept
    gradients = {names[name]: p.grad for name, p in network.named_parameters()}
    assert {name for name, gradient in gradients.items() if gradient is not None} == set(norms)
    for name, norm in norms.items():
        gradient = gradients[name]
        assert gradient is not None
        if norm < _ROUNDING:
            assert float(gradient.norm()) < _ROUNDING, name
        else:
            assert float(gradient.norm()) == pytest.approx(norm, rel=1e-2), name


@pytest.mark.shared
def test_blocks_of_colour_embed_as_in_the_official_network(mean: MEAN, shared_data: Path) -> None:
    wanted = load_file(parity_folder(shared_data) / "mean_train_outputs.safetensors")
    with torch.inference_mode():
        found = mean(block_image(21, (2, 3, 384, 384), 32)[:1], "satellite")
    assert largest_difference(found, wanted["eval_blocks.embedding_l2"][:1]) < 1e-4
