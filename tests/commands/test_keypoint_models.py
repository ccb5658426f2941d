"""A model that describes keypoints, as every command that takes a model meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from geoloc.cli import cli
from tests.fixtures.indexes import options_for, write_map, write_model, write_tiles
from tests.fixtures.search import speckled
from tests.fixtures.tiny_models import TINY_PATCHNET, write_tiny_model
from tests.fixtures.training_data import write_pairs


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with models, tiles, an index and pairs; read it, never change it."""
    from geoloc.index.job import build_index

    folder = tmp_path_factory.mktemp("kept")
    write_tiny_model(folder / "patches", TINY_PATCHNET)
    write_tiles(folder / "tiles", write_map(folder / "region.tif", columns=2, rows=2))
    build_index(folder / "tiles", folder / "index", options_for(write_model(folder / "eye")))
    write_pairs(folder / "pairs")
    return folder


@pytest.fixture(autouse=True)
def here(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(kept)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_it_is_listed_shown_and_verified() -> None:
    listed = run("models", "list")
    assert listed.exit_code == 0, listed.output
    assert "patchnet\n" in listed.stdout
    shown = run("models", "show", "patches")
    assert (shown.exit_code, "patchnet" in shown.stdout) == (0, True)
    verified = run("models", "verify", "patches", "--json")
    assert verified.exit_code == 0, verified.output
    assert json.loads(verified.stdout)["dimension"] == 32
    told = run("info", "patches", "--json")
    assert json.loads(told.stdout)["facts"]["architecture"] == "patchnet"


def test_a_vocabulary_is_learnt_and_said(tmp_path: Path) -> None:
    Image.fromarray(speckled(96)).save(tmp_path / "image.png")
    write_tiny_model(tmp_path / "model", TINY_PATCHNET)
    words = ("models", "vocabulary", str(tmp_path / "model"), str(tmp_path / "image.png"))
    learnt = run(*words, "--source", "made up")
    assert learnt.exit_code == 0, learnt.output
    assert learnt.stdout == ""
    assert "of 1 images" in learnt.stderr
    refused = run(*words)
    assert (refused.exit_code, "--overwrite" in refused.stderr) == (2, True)
    again = run(*words, "--overwrite", "--json")
    assert json.loads(again.stdout)["images"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("index", "tiles", "-o", "new", "--model", "patches"),
        ("index", "tiles", "-o", "new", "--model", "patches", "--dry-run"),
        ("adapt", "tiles", "-o", "new", "--model", "patches", "--minutes", "1"),
        ("benchmark", "pairs", "pairs", "--model", "patches"),
        ("explain", "pairs/photo1.png", "--model", "patches", "-o", "new.png"),
        ("models", "onnx", "patches", "-o", "new"),
        ("train", "clnet-pairs", "--data", "pairs", "--evaluate", "patches"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_where_images_are_embedded_it_is_refused_in_one_line(
    kept: Path, arguments: tuple[str, ...]
) -> None:
    result = run(*arguments)
    assert result.exit_code == 4, result.output
    line = result.stderr.splitlines()[-1]
    assert "patches describes keypoints and embeds no images" in line
    assert "geoloc index --descriptor patches" in line
    assert "Traceback" not in result.stderr
    assert not (kept / "new").exists()


def test_another_project_has_no_names_for_its_weights() -> None:
    result = run("models", "export", "patches", "-o", "new.pth")
    assert result.exit_code == 4
    assert "Traceback" not in result.stderr


def test_it_describes_an_index(tmp_path: Path) -> None:
    start = ("index", "tiles", "-o", str(tmp_path / "index"), "--model", "eye", "--device", "cpu")
    done = run(*start, "--descriptor", "patches", "-q")
    assert done.exit_code == 0, done.output
    told = run("info", str(tmp_path / "index"))
    assert any(
        line.split() == ["local_features.described_by", "patches"]
        for line in told.stdout.splitlines()
    )
    refused = run(*start, "--append")
    assert refused.exit_code == 2
    assert "described by patches" in refused.stderr


@pytest.mark.parametrize(
    ("descriptor", "words"), [("eye", "describes no keypoints"), ("no-such", "no-such")]
)
def test_a_wrong_descriptor_is_one_line_before_any_work(
    tmp_path: Path, descriptor: str, words: str
) -> None:
    result = run(
        *("index", "tiles", "-o", str(tmp_path / "index"), "--model", "eye", "--device", "cpu"),
        *("--descriptor", descriptor),
    )
    assert result.exit_code == 4
    assert words in result.stderr.splitlines()[-1]
    assert not (tmp_path / "index").exists()
