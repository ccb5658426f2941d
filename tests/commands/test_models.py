"""``geoloc models``: from a downloaded file to a model that indexes, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from geoloc.cli import cli
from geoloc.index.map_index import MapIndex
from geoloc.models.conversion.catalogue import SOURCES
from geoloc.models.conversion.checkpoint import write_checkpoint
from tests.fixtures.foreign_checkpoints import CONVNEXT, dac
from tests.fixtures.indexes import write_map, write_tiles
from tests.fixtures.statewide import ATTO, CONFIG, official_weights
from tests.fixtures.tiny_models import TINY_STATEWIDE, write_tiny_model


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_checkpoint(dac(), tmp_path / "weights.pth")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["models", *arguments])


def _import(*arguments: str) -> Result:
    named = ("weights.pth", "--as", "dac", "--name", "drone-b", "--backbone", CONVNEXT)
    return _run("import", *named, *arguments)


def test_an_import_writes_a_folder_of_that_name() -> None:
    result = _import("--dataset", "university1652")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "207,128 parameters" in result.stderr
    assert "licence: Apache-2.0" in result.stderr
    assert "geoloc index --model drone-b" in result.stderr
    assert sorted(path.name for path in Path("drone-b").iterdir()) == [
        "model.safetensors",
        "model.toml",
    ]


def test_an_import_can_go_elsewhere() -> None:
    assert _import("-o", "deep/er").exit_code == 0
    assert Path("deep/er/model.toml").exists()


def test_an_imported_model_is_listed_shown_and_verified() -> None:
    _import("--ground-size", "50")
    listed = json.loads(_run("list", "--json").stdout)
    (own,) = (card for card in listed if card["model"] == "drone-b")
    assert own["tile_ground_size_m"] == 50.0
    assert "50 m, 384 px" in _run("list").stdout
    shown = json.loads(_run("show", "drone-b", "--json").stdout)
    assert shown["facts"]["training"]["repository"] == "SummerpanKing/DAC"
    verified = json.loads(_run("verify", "drone-b", "--json").stdout)
    assert (verified["parameters"], verified["dimension"]) == (207_128, 64)
    assert "is whole" in _run("verify", "drone-b").stdout


def test_the_crops_of_a_model_are_listed() -> None:
    write_tiny_model(Path("streets"), TINY_STATEWIDE)
    assert "32, 64, 128 m around it, 64 px each" in " ".join(_run("list").stdout.split())
    shown = json.loads(_run("show", "streets", "--json").stdout)
    assert shown["facts"]["crops"]["ground_sizes_m"] == [32.0, 64.0, 128.0]


def test_a_statewide_checkpoint_is_imported_without_a_data_set() -> None:
    write_checkpoint(official_weights(ATTO), Path("last.safetensors"))
    Path("config.yaml").write_text(CONFIG, encoding="utf-8")
    result = _run("import", "last.safetensors", "--as", "statewide", "--name", "streets")
    assert result.exit_code == 0, result.output
    assert "statewide with convnext_atto, 6,923,632 parameters" in result.stderr
    assert "licence: MIT (code); none stated for the weights" in result.stderr
    Path("config.yaml").write_text(CONFIG.replace("SpatialSoftmax", "SMD"), encoding="utf-8")
    result = _run("import", "last.safetensors", "--as", "statewide", "--name", "other")
    assert result.exit_code == 4
    assert "SMD" in result.stderr


def test_an_imported_model_indexes_a_map(tmp_path: Path) -> None:
    _import()
    write_tiles(tmp_path / "tiles", write_map(tmp_path / "region.tif", columns=2, rows=1))
    arguments = ["index", "tiles", "--model", "drone-b", "--device", "cpu", "--no-features"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.stderr
    assert MapIndex.open(Path("index")).card.name == "drone-b"


def test_an_export_is_written_once() -> None:
    _import()
    assert _run("export", "drone-b", "-o", "back.pth").exit_code == 0
    assert Path("back.pth").exists()
    assert _run("export", "drone-b", "-o", "back.pth").exit_code == 2
    assert _run("export", "drone-b", "-o", "back.pth", "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("import", "weights.pth", "--as", "sample4geo", "--name", "a"), 2, "no --dataset"),
        (("import", "weights.pth", "--as", "dac", "--name", "a"), 4, "does not fit"),
        (("import", "weights.pth", "--as", "game4loc", "--name", "a"), 4, "left over model_1"),
        (("verify", "nothing"), 4, "no model 'nothing'"),
        (("show", "nothing"), 4, "no model 'nothing'"),
    ],
)
def test_a_refusal_is_one_line(arguments: tuple[str, ...], exit_code: int, message: str) -> None:
    result = _run(*arguments)
    assert result.exit_code == exit_code
    assert result.stderr.startswith("geoloc: error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert not Path("a").exists()


def test_the_sources_name_places_and_licences() -> None:
    lines = _run("sources").stdout
    for source in SOURCES.values():
        assert source.title in lines
        assert source.weights in lines
        assert source.licence in lines
    assert set(json.loads(_run("sources", "--json").stdout)) == set(SOURCES)


@pytest.mark.parametrize("name", ["list", "sources", "show", "import", "export", "verify"])
def test_the_help_of_every_part_ends_with_an_example(name: str) -> None:
    result = _run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.rstrip().splitlines()[-1].strip().startswith(f"geoloc models {name}")
