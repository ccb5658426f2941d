"""Results become layers: styled, and together in one group."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingLayerPostProcessorInterface,
    QgsProviderRegistry,
    QgsVectorLayer,
)

# QGIS keeps no reference to them, and calls them after the algorithm has ended.
_KEPT = []
# From the top to the bottom of a group; others lie beside the second.
_ORDER = ("photos", "candidates", "tracks", "footprints", "mosaic")
_RANK = "geoloc/rank"


class _IntoGroup(QgsProcessingLayerPostProcessorInterface):
    """Gives a layer the style that its file holds, and moves it into a group."""

    def __init__(self, group, rank):
        super().__init__()
        self._group, self._rank = group, rank

    def postProcessLayer(self, layer, context, feedback):  # noqa: N802  # QGIS's name
        """Called by QGIS when the layer is in the project."""
        if hasattr(layer, "loadDefaultStyle"):
            layer.loadDefaultStyle()
        root = context.project().layerTreeRoot()
        node = root.findLayer(layer.id())
        if node is None:
            return
        group = root.findGroup(self._group) or root.insertGroup(0, self._group)
        layer.setCustomProperty(_RANK, self._rank)
        ranks = [each.layer().customProperty(_RANK, 0) for each in group.findLayers()]
        above = sum(int(rank) <= self._rank for rank in ranks)
        group.insertChildNode(above, node.clone())
        node.parent().removeChildNode(node)


def load(source, name, group, context):
    """Have QGIS load `source` as `name` into `group` once the algorithm has ended."""
    details = QgsProcessingContext.LayerDetails(name, context.project(), name)
    details.forceName = True
    keeper = _IntoGroup(group, _ORDER.index(name) if name in _ORDER else 1)
    _KEPT.append(keeper)
    details.setPostProcessor(keeper)
    context.addLayerToLoadOnCompletion(source, details)


def layers_of(path):
    """The layers with geometries of a results file: (source, name) pairs, points last."""
    found = QgsProviderRegistry.instance().querySublayers(path)
    named = [(each.uri(), each.name()) for each in found if each.name() != "layer_styles"]
    return sorted(named, key=lambda pair: pair[1] == "photos")


def count_located(path):
    """How many photos of a results file are located, and how many there are.

    Raises:
        ValueError: There is no layer of photos in the file.
    """
    source = next((uri for uri, name in reversed(layers_of(path))), None)
    layer = QgsVectorLayer(source or "", "photos", "ogr")
    if not layer.isValid():
        raise ValueError(f"{path} holds no layer of photos")
    statuses = [feature["status"] for feature in layer.getFeatures()]
    return statuses.count("located"), len(statuses)
