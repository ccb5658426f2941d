"""Where the command line is: in the settings, or in the environment that installed the plugin."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from qgis.core import QgsSettings

SETTING = "geoloc/python"
# Written by `geoloc qgis install`; absent in an archive.
_INSTALLED_FROM = Path(__file__).with_name("environment.json")


class NoEnvironmentError(Exception):
    """There is no geoloc that could be called."""


def command_line():
    """The words that call geoloc.

    Raises:
        NoEnvironmentError: No interpreter or program is known, or it is not there any more.
    """
    stated = str(QgsSettings().value(SETTING, "") or "") or _installed_from()
    if not stated:
        found = shutil.which("geoloc")
        if found:
            return [found]
        raise NoEnvironmentError(
            "no geoloc is known; install it with pip and run `geoloc qgis install` there, or name "
            "its Python under Plugins > geoloc > Environment"
        )
    if not Path(stated).is_file():
        raise NoEnvironmentError(
            f"{stated} is not there any more; expected the Python that geoloc is installed in; run "
            "`geoloc qgis install` again, or name it under Plugins > geoloc > Environment"
        )
    if Path(stated).stem.lower().startswith("geoloc"):
        return [stated]
    return [stated, "-m", "geoloc.cli"]


def clean_environment():
    """The variables for the subprocess: without those that make QGIS's Python and GDAL its own."""
    ours = ("PYTHONHOME", "PYTHONPATH", "GDAL_DATA", "GDAL_DRIVER_PATH", "PROJ_LIB", "PROJ_DATA")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "PYTHONUTF8": "1"}


def _installed_from():
    try:
        return str(json.loads(_INSTALLED_FROM.read_text(encoding="utf-8"))["python"])
    except (OSError, ValueError, KeyError):
        return ""
