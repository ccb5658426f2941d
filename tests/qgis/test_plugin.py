"""The plugin without QGIS: its imports, its metadata, and options as the command line has them."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import click
import pytest

from geoloc.cli import cli

FOLDER = Path(str(files("geoloc.qgis").joinpath("geoloc_qgis")))
SOURCES = sorted(FOLDER.glob("*.py"))


@pytest.fixture(autouse=True)
def _as_in_qgis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER.parent))


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_only_qgis_and_the_standard_library_are_loaded_into_qgis(path: Path) -> None:
    known = {"qgis", "geoloc_qgis", *sys.stdlib_module_names}
    assert {name.split(".")[0] for name in _imports(path)} <= known
    assert not {name for name in _imports(path) if name.startswith(("qgis.PyQt.Qt5", "PyQt"))}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_module_is_read_by_the_python_of_old_installers_of_qgis(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 9))
    assert "from __future__ import annotations" in source


def test_only_the_installer_knows_of_the_plugin() -> None:
    package = FOLDER.parents[1]
    users = [
        path
        for path in package.rglob("*.py")
        if FOLDER not in path.parents
        and any(name.startswith("geoloc_qgis") for name in _imports(path))
    ]
    assert not users


def test_every_option_is_one_of_the_command_with_its_default_and_choices() -> None:
    from geoloc_qgis.options import COMMANDS

    for name, options in COMMANDS.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        known = {flag: each for each in command.params for flag in each.opts}
        for option in options:
            parameter = known[option.flag]
            choices = tuple(getattr(parameter.type, "choices", None) or ())
            assert option.choices == choices, option
            if option.kind not in ("flag", "crs") and option.default is not None:
                assert option.default == parameter.default, option
            assert getattr(parameter, "is_flag", False) == (option.kind == "flag"), option


def test_metadata_has_what_the_repository_of_plugins_asks_for() -> None:
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(FOLDER / "metadata.txt", encoding="utf-8")
    stated = metadata["general"]
    asked = "name description about author email repository tracker qgisMinimumVersion license"
    assert all(stated[key] for key in asked.split())
    assert (stated["qgisMinimumVersion"], stated["supportsQt6"]) == ("3.22", "True")
    assert stated["hasProcessingProvider"] == "yes"
    assert (FOLDER / stated["icon"]).is_file()
    licence = (FOLDER / "LICENSE").read_text(encoding="utf-8")
    assert stated["license"] == "GPL-2.0-or-later"
    assert "GNU GENERAL PUBLIC LICENSE" in licence


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("PyQt6") is None, reason="PyQt6 is not installed")
def test_it_runs_on_qt_6_where_enums_are_scoped() -> None:
    script = Path(__file__).with_name("under_qt6.py")
    ran = subprocess.run(
        [sys.executable, str(script), str(FOLDER)],
        env={**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["qt"].startswith("6.")
    assert set(said["folded"]) == {
        "tileandindex", "locate", "adapt", "evaluate", "warp", "report",
    }  # fmt: skip
    assert all(said["folded"].values()), "each has advanced parameters"
    assert said["icon"]
    assert said["handlers"] == [1, 0], "photos are dropped while the tool is on"
    assert said["left"] == [0, 0]
    assert not any(said["unknown"].values()), said["unknown"]


class _Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    def __getattr__(self, name: str) -> object:
        return lambda value: self.heard.append((name, value))


def test_events_become_shares_notes_and_the_one_error() -> None:
    from geoloc_qgis.events import EventReader

    listener = _Listener()
    reader = EventReader(listener)
    for line in (
        '{"event": "start", "label": "cutting", "total": 4, "unit": "tiles", "done": 0}\n',
        '{"event": "progress", "label": "cutting", "total": 4, "unit": "tiles", "done": 1}\n',
        '{"event": "warning", "message": "dark"}\n',
        "a library speaks\n",
        "\n",
        '{"event": "of another day"}\n',
        '{"event": "error", "message": "no photos", "exit_code": 3}\n',
    ):
        reader.read(line)
    assert listener.heard == [
        ("stage", "cutting: 4 tiles"),
        ("share", 0.0),
        ("share", 0.25),
        ("warn", "dark"),
        ("note", "a library speaks"),
    ]
    assert reader.error == "no photos"
