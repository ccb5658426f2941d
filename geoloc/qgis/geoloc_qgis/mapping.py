"""The algorithms *Tile and index a raster layer* and *Locate photos*."""

from __future__ import annotations

from pathlib import Path

from geoloc_qgis import layers
from geoloc_qgis.algorithm import GeolocAlgorithm, file_behaviour
from geoloc_qgis.options import INDEX, LOCATE, TILE
from geoloc_qgis.runner import run
from qgis.core import (
    QgsProcessingException,
    QgsProcessingMultiStepFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterRasterLayer,
)

_EXISTING = (("stop", None), ("replace it", "--overwrite"), ("add to it", "--resume"))


class TileAndIndex(GeolocAlgorithm):
    """``geoloc tile`` and ``geoloc index``."""

    NAME = "tileandindex"
    TITLE = "Tile and index a raster layer"
    HELP = (
        "Cuts a raster layer into tiles that are square on the ground, and builds the index that "
        "photos are located on. Done once for a map. Cancelled runs go on where they stopped, if "
        "the folders are the same."
    )

    def initAlgorithm(self, config=None):  # noqa: N802
        """Called by QGIS."""
        self.addParameter(QgsProcessingParameterRasterLayer("INPUT", "Map (orthophoto, satellite)"))
        self.add_options((*TILE, *INDEX))
        self.addParameter(QgsProcessingParameterFolderDestination("TILES", "Folder of the tiles"))
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT", "Folder of the index"))

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Called by QGIS."""
        tiles = self.parameterAsString(parameters, "TILES", context)
        index = self.parameterAsString(parameters, "OUTPUT", context)
        both = QgsProcessingMultiStepFeedback(2, feedback)
        raster = self.raster_path(parameters, "INPUT", context)
        run(["tile", raster, "-o", tiles, *self.arguments(TILE, parameters, context)], both)
        both.setCurrentStep(1)
        model = [option for option in TILE if option.name == "MODEL"]
        chosen = self.arguments((*model, *INDEX), parameters, context)
        run(["index", tiles, "-o", index, *chosen], both)
        return {"TILES": tiles, "OUTPUT": index}


class Locate(GeolocAlgorithm):
    """``geoloc locate``."""

    NAME = "locate"
    TITLE = "Locate photos"
    HELP = (
        "Finds where drone or street photos were taken, on a map that was indexed. Each photo "
        "becomes a point with its heading, its confidence and the radius within which it lies; "
        "photos that are not found keep their row, without a point."
    )

    def initAlgorithm(self, config=None):  # noqa: N802
        """Called by QGIS."""
        folder = file_behaviour(True)
        self.addParameter(QgsProcessingParameterFile("PHOTOS", "Folder of photos", folder))
        self.addParameter(QgsProcessingParameterFile("INDEX", "Folder of the index", folder))
        self.add_options(LOCATE)
        self.addParameter(
            QgsProcessingParameterEnum(
                "EXISTING",
                "If the output is there already",
                options=[label for label, _ in _EXISTING],
                defaultValue=0,
            )
        )
        self.addParameter(
            QgsProcessingParameterFolderDestination(
                "WARPS",
                "Photos as GeoTIFFs, with a mosaic",
                optional=True,
                createByDefault=False,
            )
        )
        self.addParameter(
            QgsProcessingParameterFileDestination(
                "OUTPUT", "Located photos", "GeoPackage (*.gpkg);;GeoJSON (*.geojson)"
            )
        )
        for name, label in (("LOCATED", "Photos that were located"), ("ALL", "All photos")):
            self.addOutput(QgsProcessingOutputNumber(name, label))

    def checkParameterValues(self, parameters, context):  # noqa: N802
        """Called by QGIS: also a single photo is welcome, so the folder is not checked here."""
        index = Path(self.parameterAsFile(parameters, "INDEX", context)) / "index.json"
        if not index.is_file():
            return False, f"{index.parent} is no index; make one with {TileAndIndex.TITLE}"
        return super().checkParameterValues(parameters, context)

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Called by QGIS."""
        photos = self.parameterAsFile(parameters, "PHOTOS", context)
        index = self.parameterAsFile(parameters, "INDEX", context)
        output = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        warps = self.parameterAsString(parameters, "WARPS", context)
        existing = _EXISTING[self.parameterAsEnum(parameters, "EXISTING", context)][1]
        words = ["locate", photos, "--index", index, "-o", output]
        words += self.arguments(LOCATE, parameters, context)
        words += [existing] if existing and Path(output).exists() else []
        words += ["--warp", warps] if warps else []
        run(words, feedback)
        return {"OUTPUT": output, "WARPS": warps or None, **self._load(output, warps, context)}

    def _load(self, output, warps, context):
        """Have all layers loaded, the photos on top; returns how many were located."""
        group = Path(output).stem
        mosaic = Path(warps) / "mosaic.vrt" if warps else None
        if mosaic is not None and mosaic.is_file():
            layers.load(str(mosaic), "mosaic", group, context)
        for source, name in layers.layers_of(output):
            layers.load(source, name, group, context)
        try:
            located, total = layers.count_located(output)
        except ValueError as error:
            raise QgsProcessingException(str(error)) from error
        return {"LOCATED": located, "ALL": total}
