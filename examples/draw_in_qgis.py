"""Photograph QGIS's own window with the demo's map and results in it.

Run by ``draw_pictures.py``, inside QGIS (``qgis --code``); the environment says which folder and
which picture. Nothing is styled here: the layer gets its look from ``out.qml``, as when a person
drags ``out.geojson`` into QGIS.
"""

import os

from qgis.core import QgsCoordinateTransform, QgsProject, QgsRectangle
from qgis.gui import QgsMapTip
from qgis.PyQt.QtCore import QPoint, QTimer
from qgis.PyQt.QtWidgets import QDockWidget, QToolBar
from qgis.utils import iface

DEMO, PICTURE = os.environ["GEOLOC_DEMO"], os.environ["GEOLOC_PICTURE"]
WIDTH_PX, HEIGHT_PX = 1200, 700
VIEW_M = 450.0  # width of the ground that is shown
TIP_OF = "DJI_0014"  # the photo whose map tip is open
TIP_AT = (0.56, 0.38)  # where it is on the canvas, so that its tip has room
_SHOWN_BARS = {"mMapNavToolBar", "mAttributesToolBar"}
_LAYERS_PX = 245
_STEP_MS = 4000  # what QGIS needs to start, to render, to open the tip


class Sitting:
    """Steps that QGIS's own event loop runs one after the other."""

    def begin(self):
        """Load both layers as a person would, and make the window plain."""
        window = iface.mainWindow()
        for dock in window.findChildren(QDockWidget):
            dock.setVisible(dock.objectName() == "Layers")
        for bar in window.findChildren(QToolBar):
            if bar.objectName().endswith("ToolBar"):
                bar.setVisible(bar.objectName() in _SHOWN_BARS)
        window.showNormal()
        window.resize(WIDTH_PX, HEIGHT_PX)
        layers = window.findChild(QDockWidget, "Layers")
        window.resizeDocks([layers], [_LAYERS_PX], 1)  # 1: horizontally
        self.ground = iface.addRasterLayer(f"{DEMO}/region.tif", "region")
        self.photos = iface.addVectorLayer(f"{DEMO}/out.geojson", "out", "ogr")
        QTimer.singleShot(_STEP_MS, self.look)

    def look(self):
        """Show the ground round one photo, once QGIS has set itself up for the first layers."""
        canvas, project = iface.mapCanvas(), QgsProject.instance()
        project.setCrs(self.ground.crs())
        tree, root = iface.layerTreeView(), project.layerTreeRoot()
        tree.expandAll()
        tree.collapse(tree.node2index(root.findLayer(self.ground)))
        place, height_m = self.place(), VIEW_M * canvas.height() / canvas.width()
        west, north = place.x() - TIP_AT[0] * VIEW_M, place.y() + TIP_AT[1] * height_m
        canvas.setExtent(QgsRectangle(west, north - height_m, west + VIEW_M, north))
        canvas.refresh()
        QTimer.singleShot(_STEP_MS, self.point)

    def point(self):
        """Open the map tip of this photo."""
        canvas, place = iface.mapCanvas(), self.place()
        pixel = canvas.getCoordinateTransform().transform(place)
        iface.setActiveLayer(self.photos)
        self.tip = QgsMapTip()
        at = QPoint(round(pixel.x()), round(pixel.y()))
        self.tip.showMapTip(self.photos, place, at, canvas)
        QTimer.singleShot(_STEP_MS, self.grab)

    def place(self):
        """The photo's point in the CRS of the map."""
        project = QgsProject.instance()
        to_map = QgsCoordinateTransform(self.photos.crs(), self.ground.crs(), project)
        features = {feature["filename"]: feature for feature in self.photos.getFeatures()}
        return to_map.transform(features[TIP_OF].geometry().asPoint())

    def grab(self):
        """Write the picture, and leave without being asked to save."""
        iface.mainWindow().grab().save(PICTURE)
        os._exit(0)


sitting = Sitting()
iface.initializationCompleted.connect(lambda: QTimer.singleShot(_STEP_MS, sitting.begin))
