"""What all algorithms share: options become parameters, and parameters become arguments."""

from __future__ import annotations

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterCrs,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

_WGS84 = "EPSG:4326"
_LOCAL_RASTERS = "gdal"
_ADVANCED = getattr(Qgis, "ProcessingParameterFlag", None)


class GeolocAlgorithm(QgsProcessingAlgorithm):
    """One command of geoloc; subclasses state `NAME`, `TITLE`, `HELP` and what is run."""

    NAME = TITLE = HELP = ""

    def name(self):
        """The name in the id, such as ``locate``."""
        return self.NAME

    def displayName(self):  # noqa: N802
        """The name in the toolbox."""
        return self.TITLE

    def shortHelpString(self):  # noqa: N802
        """What stands beside the dialog."""
        return self.HELP

    def createInstance(self):  # noqa: N802
        """A fresh one for each run."""
        return type(self)()

    def add_options(self, options):
        """Add a parameter for each option."""
        for option in options:
            parameter = _parameter(option)
            if option.is_advanced:
                parameter.setFlags(parameter.flags() | _advanced_flag(parameter))
            self.addParameter(parameter)

    def arguments(self, options, parameters, context):
        """The words of the command line for what was chosen; defaults are left to geoloc."""
        words = []
        for option in options:
            value = self._value(option, parameters, context)
            if value is True:
                words.append(option.flag)
            elif value is not None and value is not False and value not in ("", option.default):
                words += [option.flag, str(value)]
        return words

    def raster_path(self, parameters, name, context):
        """What GDAL opens for a raster layer of the project.

        Raises:
            QgsProcessingException: The layer does not come from a file that GDAL reads.
        """
        layer = self.parameterAsRasterLayer(parameters, name, context)
        if layer is None:
            raise QgsProcessingException(self.invalidRasterError(parameters, name))
        if layer.providerType() != _LOCAL_RASTERS:
            raise QgsProcessingException(
                f"{layer.name()} comes from {layer.providerType()}; expected a raster that GDAL "
                "reads; export it as a GeoTIFF (Export > Save As), or call geoloc tile with the "
                "address of the service"
            )
        return layer.source()

    def _value(self, option, parameters, context):
        name, kind = option.name, option.kind
        if parameters.get(name) is None:
            return None
        if kind == "extent":
            return self._bounds(name, parameters, context)
        if kind == "raster":
            return self.raster_path(parameters, name, context)
        if kind == "enum":
            return option.choices[self.parameterAsEnum(parameters, name, context)]
        if kind == "crs":
            return self.parameterAsCrs(parameters, name, context).authid()
        read = {
            "flag": self.parameterAsBool,
            "number": self.parameterAsDouble,
            "integer": self.parameterAsInt,
            "file": self.parameterAsFile,
            "folder": self.parameterAsFile,
        }.get(kind, self.parameterAsString)
        return read(parameters, name, context)

    def _bounds(self, name, parameters, context):
        box = self.parameterAsExtent(
            parameters, name, context, QgsCoordinateReferenceSystem(_WGS84)
        )
        if box.isNull():
            return None
        sides = (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
        return ",".join(f"{side:.7f}" for side in sides)


def _advanced_flag(parameter):
    """The flag that folds a parameter away, as QGIS 3 and QGIS 4 call it."""
    if _ADVANCED is not None and hasattr(_ADVANCED, "Advanced"):
        return _ADVANCED.Advanced
    return parameter.FlagAdvanced


def _parameter(option):
    """The parameter that shows one option."""
    given = (option.name, option.label)
    is_optional = option.kind != "flag" and option.default is None
    if option.kind == "flag":
        return QgsProcessingParameterBoolean(*given, defaultValue=bool(option.default))
    if option.kind == "enum":
        return QgsProcessingParameterEnum(
            *given,
            options=list(option.choices),
            defaultValue=option.choices.index(option.default),
        )
    if option.kind in ("number", "integer"):
        return _number(option, is_optional)
    if option.kind in ("file", "folder"):
        folder = option.kind == "folder"
        return QgsProcessingParameterFile(
            *given, behavior=file_behaviour(folder), optional=is_optional
        )
    kinds = {
        "extent": QgsProcessingParameterExtent,
        "raster": QgsProcessingParameterRasterLayer,
        "crs": QgsProcessingParameterCrs,
        "text": QgsProcessingParameterString,
    }
    return kinds[option.kind](*given, defaultValue=option.default, optional=is_optional)


def _number(option, is_optional):
    scoped = getattr(Qgis, "ProcessingNumberParameterType", None)
    kinds = scoped if scoped is not None else QgsProcessingParameterNumber
    kind = kinds.Integer if option.kind == "integer" else kinds.Double
    return QgsProcessingParameterNumber(
        option.name,
        option.label,
        type=kind,
        defaultValue=option.default,
        optional=is_optional,
        minValue=0,
    )


def file_behaviour(is_folder):
    """Whether a parameter wants a folder or a file, as QGIS 3 and QGIS 4 call it."""
    scoped = getattr(Qgis, "ProcessingFileParameterBehavior", None)
    kinds = scoped if scoped is not None else QgsProcessingParameterFile
    return kinds.Folder if is_folder else kinds.File
