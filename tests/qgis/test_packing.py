"""The plugin goes into a profile or an archive, whole and able to call this environment."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from geoloc import __version__
from geoloc.cli import cli
from geoloc.qgis.packing import profile_homes


def test_profiles_are_looked_for_where_each_package_of_qgis_keeps_them() -> None:
    home = Path("here")
    linux = [path.as_posix() for path in profile_homes(home, "linux")]
    assert linux == [
        f"here/{root}/QGIS/{generation}"
        for root in (
            ".local/share",
            ".var/app/org.qgis.qgis/data",
            "snap/qgis/current/.local/share",
        )
        for generation in ("QGIS3", "QGIS4")
    ]
    assert profile_homes(home, "darwin")[0] == home / "Library/Application Support/QGIS/QGIS3"
    assert profile_homes(home, "win32", "roaming")[1] == Path("roaming/QGIS/QGIS4")


def test_installing_replaces_an_older_plugin_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geoloc.qgis.packing.sys.platform", "linux")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    plugins = tmp_path / ".local/share/QGIS/QGIS3/profiles/default/python/plugins"
    (plugins / "geoloc_qgis").mkdir(parents=True)
    (plugins / "geoloc_qgis/old.py").touch()
    run = CliRunner().invoke(cli, ["qgis", "install"])
    assert run.exit_code == 0, run.output
    assert run.stdout == f"{plugins / 'geoloc_qgis'}\n"
    names = {path.name for path in (plugins / "geoloc_qgis").iterdir()}
    assert {"__init__.py", "metadata.txt", "LICENSE", "icon.svg"} <= names
    assert not names & {"old.py", "__pycache__"}
    stated = json.loads((plugins / "geoloc_qgis/environment.json").read_text(encoding="utf-8"))
    assert stated == {"python": sys.executable, "geoloc": __version__}


@pytest.mark.parametrize("generation", ["QGIS3", "QGIS4"])
@pytest.mark.parametrize(
    "data", [".var/app/org.qgis.qgis/data", "snap/qgis/current/.local/share", ".local/share"]
)
def test_the_plugin_goes_into_the_profile_of_each_package_of_qgis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str, generation: str
) -> None:
    monkeypatch.setattr("geoloc.qgis.packing.sys.platform", "linux")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    profile = tmp_path / data / "QGIS" / generation / "profiles/default"
    profile.mkdir(parents=True)
    (profile.parent / "other").mkdir()
    run = CliRunner().invoke(cli, ["qgis", "install"])
    assert run.exit_code == 0, run.output
    assert run.stdout == f"{profile / 'python/plugins/geoloc_qgis'}\n"
    assert (profile / "python/plugins/geoloc_qgis/metadata.txt").is_file()
    assert not (profile.parent / "other/python").exists()


def test_no_profile_is_an_error_that_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    run = CliRunner().invoke(cli, ["qgis", "install", "--profile", "odd"])
    assert run.exit_code == 3
    assert "'odd'" in run.stderr
    assert "--into" in run.stderr


def test_the_archive_holds_one_folder_that_runs_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "plugin.zip"
    call = ["qgis", "zip", "-o", str(path), "--email", "a@b.org"]
    assert CliRunner().invoke(cli, call).exit_code == 0
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        metadata = archive.read("geoloc_qgis/metadata.txt").decode()
    assert {name.split("/")[0] for name in names} == {"geoloc_qgis"}
    assert "geoloc_qgis/LICENSE" in names
    assert "geoloc_qgis/environment.json" not in names
    assert "email=a@b.org" in metadata
    assert f"version={__version__}" in metadata
    again = CliRunner().invoke(cli, call)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
