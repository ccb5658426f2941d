"""The Processing provider: the algorithms that the toolbox lists under *geoloc*."""

from __future__ import annotations

from pathlib import Path

from geoloc_qgis.adapting import Adapt, Evaluate
from geoloc_qgis.looking import Report, Warp
from geoloc_qgis.mapping import Locate, TileAndIndex
from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

ICON = Path(__file__).with_name("icon.svg")
ALGORITHMS = (TileAndIndex, Locate, Adapt, Evaluate, Warp, Report)


class GeolocProvider(QgsProcessingProvider):
    """The provider *geoloc*."""

    def loadAlgorithms(self):  # noqa: N802
        """Called by QGIS."""
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())

    def id(self):
        """What the ids of the algorithms begin with, such as ``geoloc:locate``."""
        return "geoloc"

    def name(self):
        """What the toolbox shows."""
        return "geoloc"

    def icon(self):
        """What the toolbox shows beside it."""
        return QIcon(str(ICON))
