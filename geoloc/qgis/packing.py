"""The QGIS plugin as a folder in a profile of QGIS, or as an archive for the plugin repository."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator, Mapping
from importlib.resources import as_file, files
from pathlib import Path

from geoloc import __version__
from geoloc.errors import InputError, OptionError
from geoloc.storage.atomic import replacing, replacing_folder

PLUGIN = "geoloc_qgis"
_GENERATIONS = ("QGIS3", "QGIS4")
_LEFT_OUT = ("__pycache__", "*.pyc")


def profile_homes(home: Path, platform: str, appdata: str | None = None) -> list[Path]:
    """The folders below which QGIS 3 and 4 may keep profiles, whether they are there or not.

    Args:
        home: The user's home.
        platform: As `sys.platform` names it.
        appdata: What Windows calls APPDATA.
    """
    if platform == "win32":
        roots = [Path(appdata) if appdata else home / "AppData" / "Roaming"]
    elif platform == "darwin":
        roots = [home / "Library" / "Application Support"]
    else:
        data = Path(".local") / "share"
        flatpak = home / ".var" / "app" / "org.qgis.qgis" / "data"
        roots = [home / data, flatpak, home / "snap" / "qgis" / "current" / data]
    return [root / "QGIS" / generation for root in roots for generation in _GENERATIONS]


def find_profiles(name: str) -> list[Path]:
    """The profiles of this name that QGIS has made for the user.

    Raises:
        InputError: There is none.
    """
    homes = profile_homes(Path.home(), sys.platform, os.environ.get("APPDATA"))
    found = [home / "profiles" / name for home in homes if (home / "profiles" / name).is_dir()]
    if not found:
        looked = ", ".join(str(home / "profiles") for home in homes)
        raise InputError(
            f"QGIS has no profile {name!r} here (looked in {looked}); start QGIS once, or name the "
            "folder of a profile with --into (Settings > User Profiles > Open Active Profile "
            "Folder)"
        )
    return found


def install_plugin(profile: Path) -> Path:
    """Put the plugin into a profile, in place of an older one; returns its folder.

    Raises:
        InputError: `profile` is no folder.
    """
    if not profile.is_dir():
        raise InputError(f"{profile} is no folder; expected the folder of a profile of QGIS")
    target = profile / "python" / "plugins" / PLUGIN
    environment = json.dumps({"python": sys.executable, "geoloc": __version__})
    with replacing_folder(target) as draft:
        with as_file(files("geoloc.qgis").joinpath(PLUGIN)) as source:
            ignored = shutil.ignore_patterns(*_LEFT_OUT)
            shutil.copytree(source, draft, ignore=ignored, dirs_exist_ok=True)
        (draft / "metadata.txt").write_text(_metadata({}), encoding="utf-8")
        (draft / "environment.json").write_text(environment, encoding="utf-8")
    return target


def write_archive(path: Path, stated: Mapping[str, str], *, overwrite: bool = False) -> None:
    """Write the plugin as the archive that QGIS installs and that its repository takes.

    Args:
        path: File to write.
        stated: What replaces lines of ``metadata.txt``, such as ``email``.
        overwrite: Replace a file that is there.

    Raises:
        OptionError: The file is there.
    """
    if path.exists() and not overwrite:
        raise OptionError(f"{path} is there already; choose another -o, or pass --overwrite")
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _contents(stated):
            archive.writestr(zipfile.ZipInfo(f"{PLUGIN}/{name}"), content)


def _contents(stated: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of the plugin."""
    with as_file(files("geoloc.qgis").joinpath(PLUGIN)) as folder:
        for path in sorted(folder.iterdir()):
            if path.name == "metadata.txt":
                yield path.name, _metadata(stated).encode()
            elif path.is_file():
                yield path.name, path.read_bytes()


def _metadata(stated: Mapping[str, str]) -> str:
    """``metadata.txt`` with geoloc's version and what is stated."""
    text = files("geoloc.qgis").joinpath(PLUGIN).joinpath("metadata.txt").read_text("utf-8")
    lines = [*text.splitlines(), f"version={__version__}"]
    lines = [
        f"{key}={stated[key]}" if (key := line.split("=")[0]) in stated else line for line in lines
    ]
    return "\n".join(lines) + "\n"
