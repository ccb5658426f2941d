"""Foreign checkpoints: tensors only, unwrapped, and every fault by its name."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from geoloc.errors import ModelError
from geoloc.models.conversion.checkpoint import (
    fitted,
    read_checkpoint,
    recognise_convnext,
    renamed,
    write_checkpoint,
)
from geoloc.models.conversion.tensor_names import LAYOUTS
from geoloc.models.nets.siamese import Siamese, SiameseOptions

TENSORS = {"model.a": torch.ones(2, 3), "logit_scale": torch.tensor(2.0)}


class Payload:
    """What reading a pickle carelessly would run."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, ("touched",)


def _save(path: Path, document: object) -> Path:
    torch.save(document, path)
    return path


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model"])
def test_wrappers_of_training_loops_are_taken_off(tmp_path: Path, wrapper: str) -> None:
    path = _save(tmp_path / "a.pth", {wrapper: TENSORS, "epoch": 3})
    assert set(read_checkpoint(path)) == set(TENSORS)


def test_the_prefix_of_parallel_training_is_taken_off(tmp_path: Path) -> None:
    parallel = {f"module.{name}": value for name, value in TENSORS.items()}
    assert set(read_checkpoint(_save(tmp_path / "a.pth", parallel))) == set(TENSORS)


def test_half_precision_becomes_single_and_numbers_stay(tmp_path: Path) -> None:
    halves = {"a": torch.ones(2).half(), "n": torch.tensor(3)}
    found = read_checkpoint(_save(tmp_path / "a.pth", halves))
    assert (found["a"].dtype, found["n"].dtype) == (torch.float32, torch.int64)


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a.safetensors")
    assert set(read_checkpoint(tmp_path / "a.safetensors")) == set(TENSORS)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    for name in ("a.pth", "a.safetensors"):
        write_checkpoint(TENSORS, tmp_path / name)
        found = read_checkpoint(tmp_path / name)
        assert all(torch.equal(found[key], TENSORS[key]) for key in TENSORS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pth", "a.safetensors"]


def test_a_pickle_with_code_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = _save(tmp_path / "a.pth", {"model.a": torch.ones(1), "extra": Payload()})
    with pytest.raises(ModelError, match="holds more than tensors and is not read") as caught:
        read_checkpoint(path)
    assert caught.value.path == path
    assert not (tmp_path / "touched").exists()


def test_a_whole_pickled_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds more than tensors"):
        read_checkpoint(_save(tmp_path / "a.pth", torch.nn.Linear(2, 2)))


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"a": torch.ones(1), "epoch": 3, "best": 0.5}, "epoch; best"),
        ([torch.ones(1)], "a list"),
        ({}, "a dict"),
    ],
)
def test_what_is_no_tensor_is_named(tmp_path: Path, document: object, found: str) -> None:
    with pytest.raises(ModelError, match=f"holds {found} where tensors should be"):
        read_checkpoint(_save(tmp_path / "a.pth", document))


@pytest.mark.parametrize("content", [b"", b"<html>quota exceeded</html>", b"PK\x03\x04broken"])
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_a_file_that_is_no_checkpoint_is_one_clear_error(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=r"a\.(pth|safetensors)"):
        read_checkpoint(tmp_path / name)


def test_a_plain_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps({"a": Path()}))
    with pytest.raises(ModelError):
        read_checkpoint(tmp_path / "a.pth")


def test_names_that_are_left_over_are_named() -> None:
    tensors = {**TENSORS, "optimizer.step": torch.ones(1)}
    with pytest.raises(
        ModelError, match=r"left over optimizer\.step.*names like model\."
    ) as caught:
        renamed(tensors, LAYOUTS["sample4geo"], path=Path("a.pth"))
    assert caught.value.path == Path("a.pth")


def test_a_checkpoint_without_a_backbone_is_refused() -> None:
    with pytest.raises(ModelError, match="nothing it needs"):
        renamed({"logit_scale": torch.ones(())}, LAYOUTS["sample4geo"], path=Path("a.pth"))


def test_missing_left_over_and_misshapen_tensors_are_named() -> None:
    network = torch.nn.Linear(3, 2)
    tensors = {"x.weight": torch.ones(3, 3), "x.more": torch.ones(1)}
    with pytest.raises(ModelError, match="does not fit the network") as caught:
        fitted(network, tensors, {"weight": "x.weight", "more": "x.more"}, path=Path("a.pth"))
    message = str(caught.value)
    assert "missing bias" in message
    assert "left over x.more" in message
    assert "x.weight is (3, 3), not (2, 3)" in message


def test_a_linear_layer_fits_a_pointwise_convolution_and_the_other_way() -> None:
    linear, convolution = torch.nn.Linear(3, 2), torch.nn.Conv2d(3, 2, 1)
    names = {"weight": "weight", "bias": "bias"}
    for giver, taker in ((linear, convolution), (convolution, linear)):
        found = fitted(taker, giver.state_dict(), names, path=Path())
        assert found["weight"].shape == taker.weight.shape


@pytest.mark.parametrize("name", ["convnext_atto", "convnext_zepto_rms"])
def test_a_convnext_is_known_by_its_shapes(name: str) -> None:
    network = Siamese(SiameseOptions(name))
    shapes = {key: value.shape for key, value in network.state_dict().items()}
    assert recognise_convnext(shapes) == name


def test_an_unknown_backbone_is_not_guessed() -> None:
    assert recognise_convnext({"backbone.blocks.0.norm.weight": torch.Size([3])}) is None
    assert recognise_convnext({"backbone.stem.0.weight": torch.Size([7, 3, 4, 4])}) is None
