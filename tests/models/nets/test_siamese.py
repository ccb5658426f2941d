"""Siamese is a timm backbone as Sample4Geo wraps it: same tensors, same numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from geoloc.learning.training.losses import info_nce
from geoloc.models.conversion.tensor_names import LAYOUTS
from geoloc.models.nets.siamese import Siamese, SiameseOptions, colour_scale
from tests.fixtures import goldens
from tests.fixtures.name_seeded import noise_image
from tests.fixtures.parity import (
    assert_same_tensors,
    fill,
    first_numbers,
    largest_difference,
    parity_folder,
    read_rows,
)

LOG_SCALE = torch.tensor(2.6592600369)


@pytest.fixture(scope="module")
def atto() -> Siamese:
    return goldens.seeded_atto()


def test_it_has_the_tensors_of_sample4geo_but_the_temperature(atto: Siamese) -> None:
    rows = read_rows(goldens.ATTO_TENSORS)
    official = fill(atto, LAYOUTS["sample4geo"], [row.name for row in rows])
    assert set(official) == set(atto.state_dict())
    assert {row.name for row in rows} - set(official.values()) == {"logit_scale"}
    assert_same_tensors(atto, official, rows)


def test_embeddings_are_those_of_the_official_network(atto: Siamese) -> None:
    numbers = goldens.read_numbers()
    for name, tensor in goldens.siamese_embeddings(atto).items():
        assert first_numbers(tensor) == pytest.approx(numbers[name], abs=1e-4), name


def test_an_image_alone_embeds_as_in_a_batch(atto: Siamese) -> None:
    images = noise_image(8, (3, 3, 64, 96))
    with torch.inference_mode():
        together = atto(images, "ground")
        alone = torch.cat([atto(image[None], "ground") for image in images])
    assert together.dtype == torch.float32
    assert together.shape == (3, atto.dimension)
    assert torch.allclose(together.norm(dim=1), torch.ones(3), atol=1e-6)
    assert torch.allclose(together, alone, atol=1e-5)


def test_views_share_their_weights_unless_told_otherwise(atto: Siamese) -> None:
    images = noise_image(9, (1, 3, 64, 64))
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(1)
        towers = Siamese(SiameseOptions("convnext_atto", shared=False)).eval()
        assert torch.equal(atto(images, "satellite"), atto(images, "drone"))
        assert not torch.equal(towers(images, "satellite"), towers(images, "drone"))


def test_a_vit_is_built_for_the_size_of_its_images() -> None:
    network = Siamese(SiameseOptions("vit_tiny_patch16_224", image_side_px=64)).eval()
    with torch.inference_mode():
        assert network(noise_image(1, (2, 3, 64, 64)), "drone").shape == (2, 192)
        with pytest.raises(AssertionError, match="Input height"):
            network(noise_image(1, (1, 3, 224, 224)), "drone")


def test_residual_branches_may_act_from_the_start() -> None:
    for given, scale in ((0.1, 0.1), (0.0, 1e-6)):
        network = Siamese(SiameseOptions("convnext_atto", layer_scale=given))
        gamma = network.backbone.stages[0].blocks[0].gamma.detach()
        assert torch.allclose(gamma, torch.full_like(gamma, scale))


def test_an_unknown_view_is_refused(atto: Siamese) -> None:
    with pytest.raises(ValueError, match="view 'moon'"):
        atto(noise_image(1, (1, 3, 32, 32)), "moon")  # type: ignore[arg-type]


def test_colours_are_scaled_as_the_backbone_was_pretrained() -> None:
    assert colour_scale("convnext_base").mean == (0.485, 0.456, 0.406)
    assert colour_scale("vit_base_patch16_rope_reg1_gap_256").std == (0.5, 0.5, 0.5)


def _parity(network: Siamese, size: str, wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """Embeddings of the official inputs, compared with what the official network said."""
    inputs = {
        "sat384": ("satellite", noise_image(11, (2, 3, 384, 384))),
        "pano140x768": ("ground", noise_image(12, (2, 3, 140, 768))),
    }
    found = {}
    with torch.inference_mode():
        for name, (view, images) in inputs.items():
            found[name] = network(images, view)  # type: ignore[arg-type]
            assert largest_difference(found[name], wanted[f"{size}.{name}.l2"]) < 1e-4, name
    return found


@pytest.mark.shared
def test_all_official_numbers_of_the_smallest_are_met(atto: Siamese, shared_data: Path) -> None:
    wanted = load_file(parity_folder(shared_data) / "s4g_outputs.safetensors")
    found = _parity(atto, "atto", wanted)
    loss = info_nce(found["pano140x768"], found["sat384"], LOG_SCALE)
    assert float(loss) == pytest.approx(float(wanted["atto.infonce"]), abs=1e-3)
    with torch.inference_mode():
        raw = atto.pooled(noise_image(13, (1, 3, 384, 768)), "ground")
    assert largest_difference(raw, wanted["atto.vigor384x768.raw"]) < 1e-4


@pytest.mark.shared
def test_the_size_that_is_published_is_met(shared_data: Path) -> None:
    folder = parity_folder(shared_data)
    wanted = load_file(folder / "s4g_outputs.safetensors")
    network, rows = Siamese().eval(), read_rows(folder / "s4g_base_params.csv")
    assert sum(p.numel() for p in network.parameters()) + 1 == 87_566_465
    official = fill(network, LAYOUTS["sample4geo"], [row.name for row in rows])
    assert len(official) + 1 == 343
    assert_same_tensors(network, official, rows)
    panoramas = noise_image(12, (2, 3, 140, 768))
    with torch.inference_mode():
        raw = network.pooled(panoramas, "ground")
    assert largest_difference(raw, wanted["base.pano140x768.raw"]) < 1e-4
    found = functional.normalize(raw, dim=1)
    assert largest_difference(found, wanted["base.pano140x768.l2"]) < 1e-4
    loss = info_nce(found, wanted["base.sat384.l2"], LOG_SCALE)
    assert float(loss) == pytest.approx(float(wanted["base.infonce"]), abs=1e-3)
