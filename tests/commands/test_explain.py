"""``geoloc explain``: a picture that opens, its numbers as JSON, and nothing overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from geoloc.cli import cli
from geoloc.index.job import build_index
from tests.fixtures.indexes import options_for, write_map, write_tiles
from tests.fixtures.photos import write_photo
from tests.fixtures.tiny_models import TINY, write_tiny_model


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo and an index."""
    folder = tmp_path_factory.mktemp("place")
    tiles = write_tiles(folder / "tiles", write_map(folder / "region.tif"))
    model = write_tiny_model(folder / "model", TINY["clnet-grid"])
    build_index(tiles, folder / "index", options_for(model))
    rng = np.random.default_rng(3)
    write_photo(folder / "photo.jpg", pixels=rng.integers(0, 255, (60, 80, 3), np.uint8))
    return folder


def _run(place: Path, output: Path, *arguments: str) -> Result:
    named = (str(place / "photo.jpg"), "--index", str(place / "index"), "-o", str(output))
    return CliRunner().invoke(cli, ["explain", *named, "--device", "cpu", *arguments])


@pytest.mark.slow
def test_a_picture_is_written_and_its_numbers_are_json(place: Path, tmp_path: Path) -> None:
    result = _run(place, tmp_path / "why.png", "--json", "--rank", "2")
    assert result.exit_code == 0, result.output
    assert f"wrote {tmp_path / 'why.png'}" in result.stderr
    with Image.open(tmp_path / "why.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > picture.height
    facts = json.loads(result.stdout)
    assert facts["rank"] == 2
    assert "pixels" not in facts["photo"]
    evidence = facts["tile"]["evidence"]
    total = float(np.sum(evidence["parts"])) + evidence["rest"]
    assert total == pytest.approx(facts["cosine"], abs=1e-5)


def test_a_picture_is_not_overwritten_unasked(place: Path, tmp_path: Path) -> None:
    output = tmp_path / "why.jpg"
    output.write_text("kept")
    refused = _run(place, output)
    assert refused.exit_code == 2
    assert "pass --overwrite" in refused.stderr
    assert output.read_text() == "kept"
    assert _run(place, output, "--overwrite").exit_code == 0
    with Image.open(output) as picture:
        assert picture.format == "JPEG"


def test_an_ending_that_is_no_picture_is_refused(place: Path, tmp_path: Path) -> None:
    refused = _run(place, tmp_path / "why.pdf")
    assert refused.exit_code == 2
    assert ".png" in refused.stderr


def test_a_link_to_a_device_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "why.png").symlink_to("/dev/null")
    refused = _run(tmp_path, tmp_path / "why.png", "--overwrite")
    assert refused.exit_code == 2
    assert "a device" in refused.stderr


def test_a_missing_index_exits_with_4(place: Path, tmp_path: Path) -> None:
    arguments = ["explain", str(place / "photo.jpg"), "--index", str(tmp_path), "-o", "why.png"]
    assert CliRunner().invoke(cli, arguments).exit_code == 4


def test_a_photo_that_is_none_exits_with_3(place: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("words")
    arguments = ["explain", str(tmp_path / "photo.jpg"), "--index", str(place / "index")]
    result = CliRunner().invoke(cli, [*arguments, "-o", str(tmp_path / "why.png")])
    assert result.exit_code == 3
    assert not (tmp_path / "why.png").exists()
