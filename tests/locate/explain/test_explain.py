"""What an explanation says of a match, checked against other ways to compute the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from geoloc.errors import IndexFolderError, ModelError, OptionError
from geoloc.geometry.crs import to_lonlat
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.locate.explain.evidence import find_evidence, level_maps, without_maps
from geoloc.locate.explain.explanation import Explanation
from geoloc.locate.explain.job import explain_photo
from geoloc.locate.explain.picture import draw_explanation
from geoloc.models.nets.clnet import CLNet
from geoloc.models.nets.neural_map import recalibrate
from geoloc.models.registry import load_model
from geoloc.options import ExplainOptions
from tests.fixtures.indexes import TILE_M, options_for, write_map, write_tiles
from tests.fixtures.photos import write_photo
from tests.fixtures.tiny_models import TINY, write_tiny_model

_INDEXED = ("clnet-grid", "clnet-ring", "siamese-convnext", "siamese-vit")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiles of a fabricated map, and an index by each model; a photo of the third tile."""
    folder = tmp_path_factory.mktemp("place")
    tiles = write_tiles(folder / "tiles", write_map(folder / "region.tif", columns=4, rows=3))
    for name in _INDEXED:
        model = write_tiny_model(folder / name, TINY[name])
        build_index(tiles, folder / f"index-{name}", options_for(model))
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 255, (12, 16, 3), np.uint8).repeat(20, 0).repeat(20, 1)
    write_photo(folder / "photo.jpg", pixels=pixels)
    (lon, lat) = to_lonlat("EPSG:32633", [500_000 + 2 * TILE_M / 2 + 32], [5_800_000 - 32])[0]
    (folder / "told.csv").write_text(
        f"photo,lon,lat,rel_alt_m,yaw_deg,pitch_deg\nphoto.jpg,{lon},{lat},50,30,-90\n"
    )
    return folder


def _explain(place: Path, name: str, **options: object) -> Explanation:
    choice = ExplainOptions(metadata=str(place / "told.csv"), device="cpu", **options)  # type: ignore[arg-type]
    return explain_photo(place / "photo.jpg", place / f"index-{name}", choice)


def _loaded(tmp_path: Path, name: str) -> torch.nn.Module:
    return load_model(write_tiny_model(tmp_path / name, TINY[name])).eval()


def _images(name: str, view: str) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(1, 3, *TINY[name].sizes[view], generator=generator)


def _toward(name: str) -> Tensor:
    generator = torch.Generator().manual_seed(6)
    return functional.normalize(torch.randn(TINY[name].dimension, generator=generator), dim=0)


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("clnet-grid", "drone"),
        ("clnet-grid", "satellite"),
        ("clnet-pool", "satellite"),
        ("clnet-rms", "drone"),
        ("clnet-gated", "drone"),
        ("clnet-ring", "ground"),
        ("clnet-ring", "satellite"),
        ("mean", "drone"),
        ("siamese-convnext", "drone"),
        ("siamese-towers", "satellite"),
    ],
)
def test_parts_and_rest_add_up_to_the_cosine(tmp_path: Path, name: str, view: str) -> None:
    network = _loaded(tmp_path, name)
    images, toward = _images(name, view), _toward(name)
    evidence = find_evidence(network, images, view, toward=toward)
    with torch.inference_mode():
        cosine = float((network(images, view) @ toward).squeeze())
    assert evidence.is_exact
    assert evidence.total == pytest.approx(cosine, abs=1e-5)
    rows, columns = (side // 32 for side in TINY[name].sizes[view])
    assert evidence.parts.shape == (rows, columns)
    assert evidence.parts.std() > 1e-4, "the positions of noise do not all say the same"


def test_a_part_of_a_grid_head_is_what_its_cell_brings(tmp_path: Path) -> None:
    """The head written out: a cell's channels by its columns of the projection."""
    network = _loaded(tmp_path, "clnet-grid")
    assert isinstance(network, CLNet)
    images, toward = _images("clnet-grid", "drone"), _toward("clnet-grid")
    head = network.embed
    with torch.no_grad():
        normed = network.backbone.head.norm(network.forward_features(images, "drone")[-1])
        mixed = functional.gelu(head.squeeze(normed))
        length = head(normed).norm()
        # Three positions share two cells along a side: the corner lies in the first cell alone.
        columns = head.project.weight.view(16, 8, 2, 2)[:, :, 0, 0]
        corner = toward @ columns @ mixed[0, :, 0, 0] / 4 / length
        constant = toward @ head.project.bias / length
    evidence = find_evidence(network, images, "drone", toward=toward)
    assert evidence.parts[0, 0] == pytest.approx(float(corner), abs=1e-6)
    assert evidence.rest == pytest.approx(float(constant), abs=1e-6)


def test_a_part_of_a_pooled_head_is_its_share_of_the_mean(tmp_path: Path) -> None:
    """The mean's normalisation written out, its standard deviation a constant."""
    network = _loaded(tmp_path, "siamese-convnext")
    images, toward = _images("siamese-convnext", "drone"), _toward("siamese-convnext")
    norm = network.backbone.head.norm
    with torch.inference_mode():
        features = network.backbone.forward_features(images)[0].flatten(1)
        mean = features.mean(1)
        deviation = (mean.var(unbiased=False) + norm.eps).sqrt()
        shares = (
            (features - features.mean(0)) / deviation / features.shape[1] * norm.weight[:, None]
        )
        length = network.pooled(images, "drone").norm()
        expected = (toward @ shares / length).reshape(2, 2)
    evidence = find_evidence(network, images, "drone", toward=toward)
    np.testing.assert_allclose(evidence.parts, expected.numpy(), atol=1e-6)


def test_explaining_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    network = _loaded(tmp_path, "clnet-grid")
    images, toward = _images("clnet-grid", "drone"), _toward("clnet-grid")
    before = network(images, "drone").detach()
    find_evidence(network, images, "drone", toward=toward)
    without_maps(network)
    torch.testing.assert_close(network(images, "drone").detach(), before, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_network_that_mixes_positions_is_covered_cell_by_cell(tmp_path: Path) -> None:
    network = _loaded(tmp_path, "siamese-vit")
    images, toward = _images("siamese-vit", "drone"), _toward("siamese-vit")
    evidence = find_evidence(network, images, "drone", toward=toward)
    assert not evidence.is_exact
    assert evidence.parts.shape == (8, 8)
    covered = images.clone()
    covered[..., 16:24, 40:48] = 0
    with torch.inference_mode():
        lost = (network(images, "drone") - network(covered, "drone")) @ toward
    assert evidence.parts[2, 5] == pytest.approx(float(lost), abs=1e-6)


@pytest.mark.parametrize("view", ["satellite", "ground"])
def test_maps_weigh_as_recalibration_does(tmp_path: Path, view: str) -> None:
    network = _loaded(tmp_path, "clnet-ring")
    assert isinstance(network, CLNet)
    images = _images("clnet-ring", view)
    maps = level_maps(network, images, view)  # type: ignore[arg-type]
    assert [each.level for each in maps] == [0, 1, 2, 3]
    first = maps[0]
    with torch.inference_mode():
        plain = network.backbone.stages[0](network.backbone.stem(images))
        if view == "satellite":
            steered = recalibrate(plain, network.neural_map(0, "satellite"), "softmax")
            added = (steered - plain).abs().sum(1) / plain.abs().sum(1)
            np.testing.assert_allclose(first.emphasis, added[0].numpy(), rtol=1e-3)
    assert first.weights.mean() == pytest.approx(1.0, abs=1e-4), "a softmax has the mean one"
    assert first.spread > 1e-3


def test_without_maps_every_weight_is_one(tmp_path: Path) -> None:
    network = _loaded(tmp_path, "clnet-grid")
    bare = without_maps(network)
    assert isinstance(bare, CLNet)
    for view in ("satellite", "drone"):
        for level in level_maps(bare, _images("clnet-grid", view), view):  # type: ignore[arg-type]
            np.testing.assert_allclose(level.weights, 1.0, atol=1e-5)
            np.testing.assert_allclose(level.emphasis, 1.0, atol=1e-4)


@pytest.mark.parametrize("name", ["clnet-bare", "mean", "siamese-vit"])
def test_networks_without_maps_have_none_to_set_to_zero(tmp_path: Path, name: str) -> None:
    network = _loaded(tmp_path, name)
    assert without_maps(network) is None
    assert level_maps(network, _images(name, "drone"), "drone") == ()


@pytest.mark.parametrize("name", ["clnet-grid", "siamese-convnext", "siamese-vit"])
def test_the_best_tile_is_that_of_the_index(place: Path, name: str) -> None:
    found = _explain(place, name)
    assert (found.rank, found.tiles, found.kind) == (1, 12, "drone")
    assert found.next_cosine is not None
    assert found.next_cosine <= found.cosine + 1e-3
    assert found.supposed == "from 50 m, heading 30°, 64 m wide"
    index = MapIndex.open(place / f"index-{name}")
    number = index.tiles.frame()["tile_id"].tolist().index(found.tile_id)
    vectors = index.store.vectors(np.arange(12)).astype(np.float32)
    assert found.photo.pixels.shape[:2] == TINY[name].sizes["drone"]
    network = load_model(place / name).eval()
    ready = torch.from_numpy(found.photo.pixels).permute(2, 0, 1)[None].float() / 255
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in ([0.4, 0.5, 0.6], [0.2, 0.25, 0.3]))
    with torch.inference_mode():
        cosines = vectors @ network((ready - mean) / std, "drone")[0].numpy()
    assert int(cosines.argmax()) == number
    assert found.cosine == pytest.approx(float(cosines.max()), abs=5e-3)  # stored in half precision


@pytest.mark.slow
def test_ranks_go_down_the_list_and_own_position_is_ranked(place: Path) -> None:
    best, last = _explain(place, "clnet-grid"), _explain(place, "clnet-grid", rank=12)
    assert best.cosine > last.cosine
    assert last.next_cosine == pytest.approx(best.cosine, abs=5e-3), "beside others: the best"
    assert best.own_rank is not None
    own = _explain(place, "clnet-grid", rank=best.own_rank)
    (mark,) = own.marks
    assert (mark.x, mark.y) == pytest.approx((0.5, 0.5), abs=0.01), "the photo is of its middle"
    assert mark.away_m == pytest.approx(0, abs=0.5)
    assert mark.is_inside


def test_ablation_compares_the_same_photo_and_tile(place: Path) -> None:
    found = _explain(place, "clnet-grid")
    assert found.ablation is not None
    assert found.ablation.rivals == 10
    assert found.ablation.rank_with_maps == 1
    assert 1 <= found.ablation.rank <= 10
    assert abs(found.ablation.cosine - found.cosine) > 1e-5, "these maps are far from neutral"
    assert _explain(place, "siamese-vit").ablation is None


def test_a_street_photo_is_seen_as_a_ring(place: Path) -> None:
    found = _explain(place, "clnet-ring", view="street")
    assert found.kind == "street"
    assert found.photo.pixels.shape == (32, 128, 3)
    assert found.supposed.startswith("looking to ")
    assert found.photo.levels[0].weights.shape == (8, 32)
    assert found.photo.evidence.total == pytest.approx(found.cosine, abs=1e-5)


@pytest.mark.parametrize(("name", "kind"), [("clnet-ring", "street"), ("clnet-grid", "drone")])
def test_a_photo_that_states_nothing_is_of_a_kind_that_the_model_knows(
    place: Path, name: str, kind: str
) -> None:
    found = explain_photo(
        place / "photo.jpg", place / f"index-{name}", ExplainOptions(device="cpu")
    )
    assert found.kind == kind


@pytest.mark.slow
@pytest.mark.parametrize("name", _INDEXED)
def test_every_kind_of_network_is_drawn(place: Path, name: str) -> None:
    view = "street" if name == "clnet-ring" else "drone"
    picture = draw_explanation(_explain(place, name, view=view))
    pixels = np.asarray(picture)
    assert picture.width > 700
    assert picture.height > 700
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1000, "not an empty sheet"


def test_a_view_that_the_model_does_not_know_is_refused(place: Path) -> None:
    with pytest.raises(ModelError, match="knows no view 'ground'"):
        _explain(place, "clnet-grid", view="street")


def test_a_rank_beyond_the_map_is_refused(place: Path) -> None:
    with pytest.raises(OptionError, match="--rank 13, but the index holds 12 tiles"):
        _explain(place, "clnet-grid", rank=13)


def test_another_model_than_the_indexs_is_refused(place: Path) -> None:
    with pytest.raises(IndexFolderError, match="other weights"):
        _explain(place, "clnet-grid", model=str(place / "siamese-vit"))


def test_virtual_tiles_are_read_from_their_raster(place: Path, tmp_path: Path) -> None:
    tiles = write_tiles(tmp_path / "tiles", place / "region.tif", virtual=True)
    build_index(tiles, tmp_path / "index", options_for(place / "clnet-grid"))
    virtual = explain_photo(place / "photo.jpg", tmp_path / "index", ExplainOptions(device="cpu"))
    assert virtual.tile.pixels.std() > 10
