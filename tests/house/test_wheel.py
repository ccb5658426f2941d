"""The wheel: the package, the bundled models, the licence, and nothing else."""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files of a wheel that is built here."""
    build = pytest.importorskip("hatchling.build", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPOSITORY)
        wheel = build.build_wheel(str(folder))
    with zipfile.ZipFile(folder / wheel) as archive:
        return archive.namelist()


def test_every_module_is_in_the_wheel(names: list[str]) -> None:
    modules = {
        path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("geoloc/**/*.py")
    }
    assert modules <= set(names)
    assert "geoloc/py.typed" in names


def test_the_styles_of_qgis_are_in_the_wheel(names: list[str]) -> None:
    styles = {path.name for path in REPOSITORY.glob("geoloc/results/*.qml")}
    assert styles == {"photos.qml", "footprints.qml", "candidates.qml", "tracks.qml"}
    assert {f"geoloc/results/{name}" for name in styles} <= set(names)


def test_the_schema_of_progress_is_in_the_wheel(names: list[str]) -> None:
    assert "geoloc/commands/progress.schema.json" in names


def test_the_page_of_reports_and_the_licence_of_its_library_are_in_the_wheel(
    names: list[str],
) -> None:
    assets = {
        path.relative_to(REPOSITORY).as_posix()
        for folder in ("page", "leaflet")
        for path in (REPOSITORY / "geoloc" / "report" / folder).iterdir()
    }
    assert "geoloc/report/leaflet/LICENSE" in assets
    assert assets <= set(names)


def test_the_plugin_for_qgis_is_in_the_wheel_with_its_licence(names: list[str]) -> None:
    folder = REPOSITORY / "geoloc" / "qgis" / "geoloc_qgis"
    files = {path.name for path in folder.iterdir() if path.is_file()}
    assert {"metadata.txt", "LICENSE", "icon.svg", "__init__.py"} <= files
    assert {f"geoloc/qgis/geoloc_qgis/{name}" for name in files} <= set(names)


def test_every_model_of_the_shelf_is_in_the_wheel(names: list[str]) -> None:
    cards = sorted(REPOSITORY.glob("models/*/model.toml"))
    for folder in (card.parent.name for card in cards):
        assert f"geoloc/_models/{folder}/model.toml" in names
        assert f"geoloc/_models/{folder}/model.safetensors" in names


def test_a_vocabulary_that_a_card_names_is_in_the_wheel(names: list[str]) -> None:
    named = [
        path.parent.name
        for path in REPOSITORY.glob("models/*/model.toml")
        if "vocabulary" in tomllib.loads(path.read_text(encoding="utf-8"))
    ]
    assert {f"geoloc/_models/{name}/vocabulary.safetensors" for name in [*named, "rootsift"]} == {
        name for name in names if name.endswith("vocabulary.safetensors")
    }


def test_the_licence_is_in_the_wheel(names: list[str]) -> None:
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_nothing_else_is_in_the_wheel(names: list[str]) -> None:
    roots = {name.split("/")[0] for name in names}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"geoloc"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".tmp")]
