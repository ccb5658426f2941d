"""ONNX files: the same vectors in ONNX Runtime, for every network, view and number of images."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from geoloc.cli import cli
from geoloc.errors import DependencyError, ModelError, OptionError, OutputExistsError
from geoloc.models import onnx_export
from geoloc.models.embedder import Embedder
from geoloc.models.onnx_export import Branch, export_onnx, open_session
from geoloc.models.registry import load_model
from geoloc.options import OnnxOptions
from tests.fixtures.backbones import (
    SHALLOW_CONVNEXT,
    SHALLOW_CONVNEXT_TINY,
    SHALLOW_VIT,
    SHALLOW_WIDTH,
)
from tests.fixtures.tiny_models import TINY, TINY_STATEWIDE, TinyModel, write_tiny_model

# One block in place of up to ten: the exporter takes its time by the operator.
_SHALLOW = {"test_convnext": (SHALLOW_CONVNEXT, SHALLOW_WIDTH), "test_vit": (SHALLOW_VIT, 64)}
# The sizes, grids and widths of the paper.
_PAPER = TinyModel(
    "clnet",
    768,
    {"satellite": (384, 384), "ground": (140, 768)},
    {"backbone": SHALLOW_CONVNEXT_TINY, "ground_grid": [4, 16], "satellite_grid": [8, 8]},
)
# A unit vector of noise; ONNX Runtime and torch differ by rounding only.
_TOLERANCE = 1e-4


def _shallow(name: str) -> TinyModel:
    """The tiny model with fewer blocks."""
    model = TINY[name]
    backbone, width = _SHALLOW.get(str(model.options["backbone"]), (None, 0))
    if backbone is None:
        return model
    is_reduced = "dimension" in model.options
    dimension = model.dimension if is_reduced else width
    return replace(model, dimension=dimension, options={**model.options, "backbone": backbone})


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and its two branches, once for the tests that only look at them."""
    folder = tmp_path_factory.mktemp("exported")
    tiny = _shallow("clnet-ring")
    summary = export_onnx(write_tiny_model(folder / "model", tiny), folder / "onnx")
    assert [branch.view for branch in summary.branches] == ["satellite", "ground"]
    for branch in summary.branches:
        _assert_compared(branch, tiny)
    return folder


def _assert_compared(branch: Branch, tiny: TinyModel) -> None:
    assert branch.difference < 1e-4
    assert branch.batches == (1, 3)
    assert (branch.height_px, branch.width_px) == tiny.sizes[branch.view]


def _noise(session: Any, count: int) -> np.ndarray[Any, Any]:
    """Images other than those of the export's own comparison."""
    _, channels, height, width = session.get_inputs()[0].shape
    rng = np.random.default_rng(count)
    return rng.standard_normal((count, channels, height, width)).astype(np.float32)


def _assert_same(model: Path, file: Path, view: str, counts: tuple[int, ...]) -> None:
    session, network = open_session(file), load_model(model)
    for count in counts:
        images = _noise(session, count)
        (found,) = session.run(None, {"images": images})
        with torch.inference_mode():
            expected = network(torch.from_numpy(images), view).numpy()
        np.testing.assert_allclose(found, expected, atol=_TOLERANCE)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def _assert_exported(folder: Path, tiny: TinyModel, view: str) -> None:
    model = write_tiny_model(folder / "model", tiny)
    summary = export_onnx(model, folder / "onnx", OnnxOptions(views=(view,)))
    (branch,) = summary.branches
    _assert_compared(branch, tiny)
    _assert_same(model, folder / "onnx" / branch.file, view, (1, 4))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("mean", "drone"),
        ("siamese-vit", "satellite"),
    ],
)
def test_other_networks_give_their_vectors_in_onnx(tmp_path: Path, name: str, view: str) -> None:
    _assert_exported(tmp_path, _shallow(name), view)


@pytest.mark.slow
@pytest.mark.parametrize("view", _PAPER.sizes)
def test_a_clnet_of_the_papers_sizes_gives_its_vectors_in_onnx(tmp_path: Path, view: str) -> None:
    _assert_exported(tmp_path, _PAPER, view)


@pytest.mark.slow
def test_both_branches_of_a_model_give_its_vectors_in_onnx(exported: Path) -> None:
    for view in ("satellite", "ground"):
        _assert_same(exported / "model", exported / "onnx" / f"{view}.onnx", view, (1, 2, 4))


@pytest.mark.slow
def test_a_file_is_valid_and_holds_no_converter(exported: Path) -> None:
    for view in ("satellite", "ground"):
        program = onnx.load(exported / "onnx" / f"{view}.onnx")
        onnx.checker.check_model(program, full_check=True)
        assert program.opset_import[0].version == 18
        names = {initializer.name for initializer in program.graph.initializer}
        assert any("backbone.stages.3" in name for name in names)
        assert not any("converters" in name for name in names)


@pytest.mark.slow
def test_a_file_says_what_has_to_be_done_to_pixels(exported: Path) -> None:
    session = open_session(exported / "onnx" / "ground.onnx")
    facts = session.get_modelmeta().custom_metadata_map
    card = load_model(exported / "model").card
    assert facts["geoloc.view"] == "ground"
    assert facts["geoloc.weights_sha256"] == card.weights_sha256
    assert json.loads(facts["geoloc.mean"]) == [0.4, 0.5, 0.6]
    assert json.loads(facts["geoloc.std"]) == [0.2, 0.25, 0.3]
    assert (facts["geoloc.height_px"], facts["geoloc.width_px"]) == ("32", "128")


@pytest.mark.slow
def test_the_readmes_lines_give_the_embedders_vector(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (exported / "onnx" / "README.md").read_text()
    lines = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert lines is not None
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (48, 48, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    (tmp_path / "satellite.onnx").write_bytes((exported / "onnx/satellite.onnx").read_bytes())
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(lines[1], names)
    expected = Embedder(exported / "model", device="cpu").embed(pixels[None], "satellite")
    # The embedder may compute in half precision.
    assert float(names["vectors"][0] @ expected[0]) > 0.999


@pytest.mark.slow
def test_a_fixed_batch_takes_one_image(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model", _shallow("siamese-convnext"))
    options = OnnxOptions(views=("drone",), dynamic_batch=False, opset=20)
    (branch,) = export_onnx(model, tmp_path / "onnx", options).branches
    assert branch.batches == (1,)
    session = open_session(tmp_path / "onnx" / "drone.onnx")
    assert session.get_inputs()[0].shape == [1, 3, 64, 64]
    assert onnx.load(tmp_path / "onnx" / "drone.onnx").opset_import[0].version == 20
    with pytest.raises(Exception, match="dimension"):  # ONNX Runtime's own
        session.run(None, {"images": np.zeros((3, 3, 64, 64), np.float32)})


@pytest.mark.slow
def test_the_command_gives_the_networks_vectors_and_reports_what_it_measured(
    tmp_path: Path,
) -> None:
    tiny = _shallow("siamese-convnext")
    model = write_tiny_model(tmp_path / "model", tiny)
    arguments = ["models", "onnx", str(model), "-o", str(tmp_path / "onnx"), "--view", "drone"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert "drone.onnx" in result.stdout
    assert "difference" in result.stdout
    document = json.loads((tmp_path / "onnx" / "onnx.json").read_text())
    (branch,) = document["branches"]
    assert branch["sha256"] == onnx_export.sha256_of(tmp_path / "onnx" / "drone.onnx")
    _assert_compared(Branch(**{**branch, "batches": tuple(branch["batches"])}), tiny)
    _assert_same(model, tmp_path / "onnx" / "drone.onnx", "drone", (1, 4))
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize("off", [0.01, float("nan")])
def test_what_differs_is_not_kept(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: float
) -> None:
    runtime = onnx_export.open_session

    class _Program:
        """What torch made of the branch before."""

        model = SimpleNamespace(metadata_props={})

        def save(self, path: str, **_: bool) -> None:
            shutil.copy(exported / "onnx" / "ground.onnx", path)

    class _Wrong:
        """A runtime that computes something else."""

        def __init__(self, path: Path) -> None:
            self._session = runtime(path)

        def run(self, *arguments: Any) -> list[Any]:
            return [vectors + np.float32(off) for vectors in self._session.run(*arguments)]

    monkeypatch.setattr(torch.onnx, "export", lambda *a, **k: _Program())
    monkeypatch.setattr(onnx_export, "open_session", _Wrong)
    with pytest.raises(ModelError, match="differs by"):
        export_onnx(exported / "model", tmp_path / "onnx", OnnxOptions(views=("ground",)))
    assert not (tmp_path / "onnx").exists()


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "find_spec", lambda name: None if "script" in name else 1)
    with pytest.raises(DependencyError, match=r'onnxscript not .*pip install "geoloc-cli\[onnx\]"'):
        export_onnx("clnet-aerial", tmp_path / "onnx")


@pytest.mark.slow
def test_what_exists_or_cannot_be_is_refused_before_any_work(exported: Path) -> None:
    model, folder = exported / "model", exported / "onnx"
    with pytest.raises(OutputExistsError, match="--overwrite"):
        export_onnx(model, folder)
    with pytest.raises(ModelError, match="no view 'drone'"):
        export_onnx(model, folder, OnnxOptions(views=("drone",), overwrite=True))
    with pytest.raises(OptionError, match="--opset 11 is too old"):
        export_onnx(model, folder, OnnxOptions(opset=11, overwrite=True))


def test_a_network_of_several_crops_is_refused(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model", TINY_STATEWIDE)
    with pytest.raises(ModelError, match="sees a tile in several crops"):
        export_onnx(model, tmp_path / "onnx")
    assert not list((tmp_path / "onnx").glob("*.onnx"))


@pytest.mark.slow
def test_the_model_on_the_shelf_is_exported(tmp_path: Path) -> None:
    (branch,) = export_onnx("clnet-aerial", tmp_path, OnnxOptions(views=("drone",))).branches
    assert branch.difference < 1e-4
