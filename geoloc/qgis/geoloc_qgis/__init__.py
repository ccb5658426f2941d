"""The plugin *geoloc* for QGIS: Processing algorithms and a map tool that call the command line.

This package is copied out of geoloc and runs inside QGIS, by QGIS's Python (3.9 and later). It
imports the standard library, ``qgis`` and itself, and nothing of geoloc: that one stays in an
environment of its own and is called in a subprocess.

SPDX-License-Identifier: GPL-2.0-or-later
"""

from __future__ import annotations


def classFactory(iface):  # noqa: N802  # QGIS's name
    """The plugin, for the window `iface` (None in qgis_process)."""
    from geoloc_qgis.plugin import GeolocPlugin

    return GeolocPlugin(iface)
