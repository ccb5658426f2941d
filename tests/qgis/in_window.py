"""Run by QGIS's own Python: the map tool, a cancelled run, and results that become layers.

Arguments: the folder of plugins, an index, a photo, the extent that the canvas shows (west, south,
east, north), a GeoPackage of results, and a folder with a mosaic. Writes one JSON object to stdout.
"""

import json
import os
import sys
import time

os.environ["QT_QPA_PLATFORM"] = "offscreen"
plugins, index, photo, seen, results, warps = sys.argv[1:]
sys.path[:0] = [plugins, "/usr/share/qgis/python/plugins"]

from qgis.core import (  # noqa: E402
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
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


class CancelledAtWork(QgsProcessingFeedback):
    """A person who changes their mind once the child says what it does."""

    def setProgressText(self, text):  # noqa: N802
        self.cancel()


def found_by_the_tool(window):
    """Where the tool says that the photo was taken."""
    from geoloc_qgis.photo_finder import PhotoFinder

    QgsSettings().setValue("geoloc/index", index)
    window.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    west, south, east, north = map(float, seen.split(","))
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
    """What a run that is cancelled says, and whether its child has ended."""
    from geoloc_qgis import runner

    children, open_child = [], runner.subprocess.Popen

    def remembering(*words, **options):
        children.append(open_child(*words, **options))
        return children[-1]

    runner.subprocess.Popen = remembering
    feedback, said = CancelledAtWork(), "it went on"
    try:
        runner.run(["locate", photo, "--index", index, "-o", photo + ".gpkg"], feedback)
    except QgsProcessingException as error:
        said = str(error)
    runner.subprocess.Popen = open_child
    return {"said": said, "codes": [child.poll() for child in children]}


def loaded():
    """The group that located photos become, by QGIS's own code that loads results."""
    from geoloc_qgis.mapping import Locate
    from processing.core.Processing import Processing
    from processing.gui.Postprocessing import handleAlgorithmResults

    Processing.initialize()
    project, context = QgsProject.instance(), QgsProcessingContext()
    project.clear()
    context.setProject(project)
    algorithm = Locate()
    counted = algorithm._load(results, warps, context)
    is_whole = handleAlgorithmResults(algorithm, context, QgsProcessingFeedback())
    (group,) = project.layerTreeRoot().children()
    nodes = {node.name(): node.layer() for node in group.findLayers()}
    vectors = {name: layer for name, layer in nodes.items() if name != "mosaic"}
    return {
        "whole": is_whole,
        "counted": counted,
        "group": group.name(),
        "layers": list(nodes),
        "valid": all(layer.isValid() for layer in nodes.values()),
        "renderers": {name: layer.renderer().type() for name, layer in vectors.items()},
        "labelled": [name for name, layer in vectors.items() if layer.labelsEnabled()],
        "tips": [name for name, layer in vectors.items() if layer.mapTipTemplate()],
        "actions": [each.name() for each in nodes["photos"].actions().actions()],
    }


def main():
    """All, in one QGIS."""
    application = QgsApplication([], True)
    application.initQgis()
    from geoloc_qgis.provider import GeolocProvider

    provider = GeolocProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    tool = found_by_the_tool(Window())
    print(json.dumps({"tool": tool, "cancelled": cancelled(), "loaded": loaded()}))
    sys.stdout.flush()
    os._exit(0)  # QGIS may crash while it takes itself down


main()
