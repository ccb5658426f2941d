"""The algorithms *Warp photos* and *Report*: results to look at."""

from __future__ import annotations

from pathlib import Path

from geoloc_qgis import layers
from geoloc_qgis.algorithm import GeolocAlgorithm
from geoloc_qgis.options import REPORT, WARP
from geoloc_qgis.runner import run
from qgis.core import (
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
)


class Warp(GeolocAlgorithm):
    """``geoloc warp``."""

    NAME = "warp"
    TITLE = "Warp photos"
    HELP = "Lays located photos on the ground that they show: a GeoTIFF each, and a mosaic of all."

    def initAlgorithm(self, config=None):  # noqa: N802
        """Called by QGIS."""
        self.addParameter(QgsProcessingParameterFile("RESULTS", "Located photos"))
        self.add_options(WARP)
        self.addParameter(
            QgsProcessingParameterBoolean("AMBIGUOUS", "Also ambiguous photos", False)
        )
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT", "Folder"))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Called by QGIS."""
        results = self.parameterAsFile(parameters, "RESULTS", context)
        output = self.parameterAsString(parameters, "OUTPUT", context)
        words = ["warp", results, "-o", output, *self.arguments(WARP, parameters, context)]
        if self.parameterAsBool(parameters, "AMBIGUOUS", context):
            words += ["--status", "located", "--status", "ambiguous"]
        run(words, feedback)
        mosaic = Path(output) / "mosaic.vrt"
        if mosaic.is_file():
            layers.load(str(mosaic), "mosaic", Path(results).stem, context)
        return {"OUTPUT": output}


class Report(GeolocAlgorithm):
    """``geoloc report``."""

    NAME = "report"
    TITLE = "Report"
    HELP = (
        "Makes a page to look at results in a browser, and to put them right: a map, and the "
        "photos, the most doubtful first."
    )

    def initAlgorithm(self, config=None):  # noqa: N802
        """Called by QGIS."""
        self.addParameter(QgsProcessingParameterFile("RESULTS", "Located photos"))
        self.add_options(REPORT)
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", "Page", "HTML (*.html)"))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Called by QGIS."""
        results = self.parameterAsFile(parameters, "RESULTS", context)
        output = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        words = ["report", results, "-o", output, "--overwrite"]
        run([*words, *self.arguments(REPORT, parameters, context)], feedback)
        return {"OUTPUT": output}
