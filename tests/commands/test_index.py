"""``geoloc index`` as typed: what it says, what it leaves, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.index.map_index import MapIndex
from tests.fixtures.indexes import write_map, write_model, write_tiles


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with tiles/."""
    write_tiles(tmp_path / "tiles", write_map(tmp_path / "region.tif", columns=2, rows=2))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _index(model: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        cli, ["index", "tiles/", "--model", str(model), "--device", "cpu", *arguments]
    )


def test_it_writes_index_unless_told_otherwise(model: Path, here: Path) -> None:
    result = _index(model)
    assert result.exit_code == 0, result.stderr
    assert "index: 4 tiles" in result.stderr
    assert result.stdout == ""
    index = MapIndex.open(here / "index")
    assert index.features_folder is not None
    assert (index.features_folder / "features.json").exists()


def test_doing_it_twice_is_one_line(model: Path) -> None:
    _index(model, "--no-features")
    result = _index(model, "--no-features")
    assert result.exit_code == 0
    assert result.stderr.count("\n") == 1
    assert "holds these tiles already" in result.stderr


def test_quiet_is_quiet_and_json_is_data(model: Path) -> None:
    result = _index(model, "--no-features", "-q", "--json")
    assert result.stderr == ""
    assert json.loads(result.stdout)["tiles"] == 4


def test_a_bad_tile_ends_with_6_and_a_warning(model: Path, here: Path) -> None:
    next((here / "tiles" / "pixels").rglob("*.tif")).write_bytes(b"")
    result = _index(model)
    assert result.exit_code == 6
    assert "warning: tile" in result.stderr
    assert "3 tiles" in result.stderr
    assert "1 left out" in result.stderr


def test_a_dry_run_writes_nothing(model: Path, here: Path) -> None:
    result = _index(model, "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["tiles"] == 4
    assert not (here / "index").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--device", "cuda:77"), 5, "no device cuda:77"),
        (("--factory", "nonsense"), 2, "--factory"),
        (("--append", "--overwrite"), 2, "choose one"),
        (("--model", "no-such-model"), 4, "no-such-model"),
        (("--batch-size", "0"), 2, "batch-size"),
        (("-o", "tiles"), 2, "holds tiles"),
    ],
)
def test_what_is_wrong_is_one_line_and_its_code(
    model: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    result = _index(model, *arguments)
    assert result.exit_code == code
    assert words in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_other_options_are_refused_until_overwrite(model: Path) -> None:
    _index(model, "--no-features")
    refused = _index(model, "--no-features", "--factory", "Flat")
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert _index(model, "--no-features", "--factory", "Flat", "--overwrite").exit_code == 0
