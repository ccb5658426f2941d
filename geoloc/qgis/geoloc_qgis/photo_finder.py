"""The tool *Where was this photo taken?*: one photo, located where the canvas looks."""

from __future__ import annotations

import math
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsProject,
    QgsSettings,
    QgsVectorLayer,
)
from qgis.gui import QgsCustomDropHandler
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QFileDialog

TITLE = "Where was this photo taken?"
_PHOTOS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".heic", ".dng")
_INDEX_SETTING = "geoloc/index"
_WGS84 = QgsCoordinateReferenceSystem("EPSG:4326")
_ROOM = 6.0  # the canvas shows so many radii of the answer
_LEAST_DEG = 0.0005
_DEGREE_M = 111_320.0
_LARGEST_M = 100_000.0  # an extent that wide says nothing


class _Drop(QgsCustomDropHandler):
    """Takes photos that are dropped on the window while the tool is active."""

    def __init__(self, take):
        super().__init__()
        self._take = take

    def handleFileDrop(self, file):  # noqa: N802
        """Called by QGIS with each dropped file; True ends its own handling."""
        if Path(file).suffix.lower() not in _PHOTOS:
            return False
        self._take(file)
        return True


class PhotoFinder(QObject):
    """Asks for a photo, or takes one that is dropped, and shows the answer with its radius."""

    def __init__(self, iface):
        super().__init__()
        self._iface = iface
        self._drop = None
        self._running = []  # tasks, contexts and feedbacks that QGIS does not keep

    def set_active(self, is_active):
        """Begin to take dropped photos, and ask for one; or stop."""
        if is_active and self._drop is None:
            self._drop = _Drop(self.find)
            self._iface.registerCustomDropHandler(self._drop)
            self._say("drop a photo on the map, or choose one")
            self._choose()
        elif not is_active and self._drop is not None:
            self._iface.unregisterCustomDropHandler(self._drop)
            self._drop = None

    def find(self, photo):
        """Locate `photo` in the background, within the extent of the canvas."""
        index = self._index()
        if index is None:
            return
        algorithm = QgsApplication.processingRegistry().createAlgorithmById("geoloc:locate")
        context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
        context.setProject(QgsProject.instance())
        parameters = {
            "PHOTOS": photo,
            "INDEX": index,
            "OUTPUT": QgsProcessingUtils.generateTempFilename(f"{Path(photo).stem}.gpkg"),
            **self._prior(),
        }
        task = QgsProcessingAlgRunnerTask(algorithm, parameters, context, feedback)
        task.executed.connect(
            lambda done, results: self._show(photo, done, results, feedback.textLog())
        )
        self._running.append((task, algorithm, context, feedback))
        QgsApplication.taskManager().addTask(task)

    def _prior(self):
        """The extent of the canvas as the place that is searched first."""
        settings = self._iface.mapCanvas().mapSettings()
        to_degrees = QgsCoordinateTransform(
            settings.destinationCrs(), _WGS84, QgsProject.instance()
        )
        return prior_of(to_degrees.transformBoundingBox(settings.visibleExtent()))

    def _show(self, photo, is_done, results, log):
        """Show the answer as a styled layer, and say it in words."""
        name = Path(photo).name
        if not is_done:
            reason = [line for line in log.splitlines() if line.strip()][-1:]
            self._say(f"{name}: {''.join(reason)}", is_bad=True)
            return
        layer = QgsVectorLayer(f"{results['OUTPUT']}|layername=photos", name, "ogr")
        row = next(layer.getFeatures(), None)
        if row is None or not row.hasGeometry():
            self._say(f"{name} was not found in this extent; zoom out or move the map", True)
            return
        QgsProject.instance().addMapLayer(layer)
        self._zoom(row)
        confidence, radius_m = row["confidence"], row["conf_radius_m"]
        self._say(f"{name}: {row['status']}, {confidence:.0%} within {radius_m:.0f} m")

    def _zoom(self, row):
        """Show the answer with room round its radius."""
        canvas = self._iface.mapCanvas()
        box = row.geometry().boundingBox()
        box.grow(max(_LEAST_DEG, _ROOM * float(row["conf_radius_m"]) / _DEGREE_M))
        crs = canvas.mapSettings().destinationCrs()
        canvas.setExtent(
            QgsCoordinateTransform(_WGS84, crs, QgsProject.instance()).transformBoundingBox(box)
        )
        canvas.refresh()

    def _choose(self):
        kinds = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in _PHOTOS)
        window = self._iface.mainWindow()
        photo, _ = QFileDialog.getOpenFileName(window, TITLE, "", f"Photos ({kinds})")
        if photo:
            self.find(photo)

    def _index(self):
        """The index of last time, or one that is asked for."""
        settings = QgsSettings()
        index = str(settings.value(_INDEX_SETTING, "") or "")
        if not (Path(index) / "index.json").is_file():
            title = "Folder of the index (made by Tile and index a raster layer)"
            index = QFileDialog.getExistingDirectory(self._iface.mainWindow(), title)
        if not index:
            return None
        settings.setValue(_INDEX_SETTING, index)
        return index

    def _say(self, text, is_bad=False):
        bar = self._iface.messageBar()
        (bar.pushWarning if is_bad else bar.pushInfo)("geoloc", text)


def prior_of(box):
    """The circle round a box in degrees as parameters of *Locate photos*; none round a country."""
    centre = box.center()
    east_m = box.width() / 2 * _DEGREE_M * math.cos(math.radians(centre.y()))
    radius_m = math.hypot(east_m, box.height() / 2 * _DEGREE_M)
    if not 0 < radius_m < _LARGEST_M:
        return {}
    return {"PRIOR": f"near:{centre.x():.7f},{centre.y():.7f},{radius_m:.0f}"}
