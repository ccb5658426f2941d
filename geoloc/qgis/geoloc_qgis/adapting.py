"""The algorithms *Adapt a model to the map* and *Evaluate located photos*."""

from __future__ import annotations

from geoloc_qgis.algorithm import GeolocAlgorithm, file_behaviour
from geoloc_qgis.options import ADAPT, EVALUATE
from geoloc_qgis.runner import run
from qgis.core import (
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
)

_TRUTHS = "Table, or corrections of a report (*.csv *.geojson)"


class Adapt(GeolocAlgorithm):
    """``geoloc adapt``."""

    NAME = "adapt"
    TITLE = "Adapt a model to the map"
    HELP = (
        "Trains a model on photos that are made of the map's own tiles, without labels. Tile and "
        "index the map again with the model that comes out."
    )

    def initAlgorithm(self, config=None):  # noqa: N802
        """Called by QGIS."""
        folder = file_behaviour(True)
        self.addParameter(QgsProcessingParameterFile("TILES", "Folder of the tiles", folder))
        self.add_options(ADAPT)
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT", "Folder of the model"))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Called by QGIS."""
        tiles = self.parameterAsFile(parameters, "TILES", context)
        output = self.parameterAsString(parameters, "OUTPUT", context)
        words = ["adapt", tiles, "-o", output, *self.arguments(ADAPT, parameters, context)]
        feedback.pushInfo(run(words, feedback))
        return {"OUTPUT": output}


class Evaluate(GeolocAlgorithm):
    """``geoloc evaluate``."""

    NAME = "evaluate"
    TITLE = "Evaluate located photos"
    HELP = (
        "Compares located photos with a table of true positions (photo, lon, lat, in degrees), or "
        "with the corrections that were saved from a report's page: errors in metres by status, "
        "and whether confidences and radii hold."
    )

    def initAlgorithm(self, config=None):  # noqa: N802
        """Called by QGIS."""
        self.addParameter(QgsProcessingParameterFile("RESULTS", "Located photos"))
        self.addParameter(QgsProcessingParameterFile("TRUTH", "True positions", fileFilter=_TRUTHS))
        self.add_options(EVALUATE)
        self.addParameter(
            QgsProcessingParameterFileDestination(
                "PLOT", "Reliability plot", "SVG (*.svg)", optional=True, createByDefault=False
            )
        )
        self.addOutput(QgsProcessingOutputString("TEXT", "What was found"))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Called by QGIS."""
        results = self.parameterAsFile(parameters, "RESULTS", context)
        truth = self.parameterAsFile(parameters, "TRUTH", context)
        plot = self.parameterAsFileOutput(parameters, "PLOT", context)
        words = ["evaluate", results, "--truth", truth]
        words += ["--plot", plot] if plot else []
        text = run([*words, *self.arguments(EVALUATE, parameters, context)], feedback)
        feedback.pushInfo(text)
        return {"TEXT": text, "PLOT": plot or None}
