"""Run by QGIS's own Python: the map tool finds a photo, and a cancelled run ends its child.

Arguments: the folder of plugins, an index, a photo. Writes one JSON object to stdout.
"""

import json
import os
import sys
import time

os.environ["QT_QPA_PLATFORM"] = "offscreen"
plugins, index, photo = sys.argv[1:4]
sys.path.insert(0, plugins)

from qgis.core import (  # noqa: E402
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRectangle,
    QgsSettings,
)
from qgis.gui import QgsMapCanvas  # noqa: E402

PATIENCE_S = 240


class Bar:
    """A message bar that remembers."""

    def __init__(self):
        self.said = []

    def pushInfo(self, _, text):  # noqa: N802
        self.said.append(["info", text])

    def pushWarning(self, _, text):  # noqa: N802
        self.said.append(["warning", text])


class Window:
    """What the plugin asks of QGIS's window."""

    def __init__(self):
        self.canvas, self.bar = QgsMapCanvas(), Bar()

    def mapCanvas(self):  # noqa: N802
        return self.canvas

    def messageBar(self):  # noqa: N802
        return self.bar

    def mainWindow(self):  # noqa: N802
        return None


class CancelledAtOnce(QgsProcessingFeedback):
    """A person who changes their mind when the child has begun."""

    def pushCommandInfo(self, text):  # noqa: N802
        self.cancel()


def found_by_the_tool(window):
    """Where the tool says that the photo was taken."""
    from geoloc_qgis.photo_finder import PhotoFinder

    QgsSettings().setValue("geoloc/index", index)
    window.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    west, south, east, north = map(float, sys.argv[4].split(","))
    window.canvas.setExtent(QgsRectangle(west, south, east, north))
    finder = PhotoFinder(window)
    finder.find(photo)
    until = time.time() + PATIENCE_S
    while not window.bar.said and time.time() < until:
        QgsApplication.processEvents()
        time.sleep(0.05)
    layers = [layer.featureCount() for layer in QgsProject.instance().mapLayers().values()]
    centre = window.canvas.extent().center()
    return {"said": window.bar.said, "layers": layers, "centre": [centre.x(), centre.y()]}


def cancelled():
    """What a run that is cancelled says, and how long it goes on."""
    from geoloc_qgis.runner import run

    began = time.time()
    try:
        run(["locate", photo, "--index", index, "-o", photo + ".gpkg"], CancelledAtOnce())
    except QgsProcessingException as error:
        return {"said": str(error), "seconds": time.time() - began}
    return {"said": "it went on", "seconds": time.time() - began}


def main():
    """Both, in one QGIS."""
    application = QgsApplication([], True)
    application.initQgis()
    from geoloc_qgis.provider import GeolocProvider

    provider = GeolocProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    print(json.dumps({"tool": found_by_the_tool(Window()), "cancelled": cancelled()}))
    sys.stdout.flush()
    os._exit(0)  # QGIS may crash while it takes itself down


main()
