"""The QGIS styles of the results, as QML: what a person sees on opening them.

A point is coloured by its status and fades with doubt; an arrow shows the heading, a circle where
the truth lies 95 % of the time, an outline the ground that the photo shows (these two from 1:20 000
and closer). The photo is in the map tip and in the form. Written for QGIS 3.16 and later.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

# Okabe and Ito's colours, which the colour-blind can tell apart.
_STATUS_COLOURS = {
    "located": (0, 158, 115),
    "ambiguous": (230, 159, 0),
    "rejected": (213, 94, 0),
    "unreadable": (102, 102, 102),
}
_WHITE = (255, 255, 255)

# Fully sure is opaque; no confidence at all still shows.
_FADED = "set_color_part(@symbol_color, 'alpha', 90 + 165 * coalesce(\"confidence\", 0))"
# An ellipse in degrees that is a circle on the ground (a degree of latitude is 110.57 to
# 111.69 km); geometry generators work in the layer's CRS, which is WGS84.
_CIRCLE = (
    'if("acc95_m" is null, null, make_ellipse($geometry, "acc95_m" / 111132.0, '
    '"acc95_m" / (111320.0 * cos(radians("latitude"))), 0, 72))'
)
_FOOTPRINT = 'geom_from_wkt("footprint")'
# Outlines of a whole flight hide the map when it is seen from afar.
_IS_NEAR = "@map_scale <= 20000"

_MAP_TIP = """<b>[% "filename" %]</b>: [% "status" %]
[% if("confidence" is null, '', ', ' || round("confidence" * 100) || ' % within ' ||
 round("conf_radius_m") || ' m (' || coalesce("conf_kind", '') || ')') %]<br>
[% if("acc95_m" is null, '', '95 % within ' || round("acc95_m", 1) || ' m<br>') %]
[% coalesce("error" || '<br>', '') %]
<img src="file:///[% "photo" %]" width="350">"""

_CATEGORIES = "Symbology|Labeling|Fields|Forms|MapTips"


def photo_style() -> str:
    """The QML of a layer of photos, drawn by the columns of `geoloc.results.files`."""
    root = ET.Element("qgis", version="3.22.0", styleCategories=_CATEGORIES, labelsEnabled="1")
    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr="status")
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for i, (status, colour) in enumerate(_STATUS_COLOURS.items()):
        ET.SubElement(
            categories, "category", symbol=str(i), value=status, label=status, render="true"
        )
        symbols.append(_photo_symbol(str(i), colour))
    root.append(_labelling("filename"))
    root.append(_photo_fields())
    ET.SubElement(root, "mapTip").text = _MAP_TIP
    ET.SubElement(root, "previewExpression").text = '"filename"'
    ET.SubElement(root, "layerGeometryType").text = "0"
    return _document(root)


def footprint_style() -> str:
    """The QML of a layer of footprints: outlines coloured by status."""
    root = ET.Element("qgis", version="3.22.0", styleCategories="Symbology")
    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr="status")
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for i, (status, colour) in enumerate(_STATUS_COLOURS.items()):
        ET.SubElement(
            categories, "category", symbol=str(i), value=status, label=status, render="true"
        )
        symbol = ET.SubElement(symbols, "symbol", type="fill", name=str(i), alpha="1")
        symbol.append(_fill(colour, fill_alpha=25))
    ET.SubElement(root, "layerGeometryType").text = "2"
    return _document(root)


def _document(root: ET.Element) -> str:
    """`root` as the text of a QML file."""
    ET.indent(root, space=" ")
    body = ET.tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{body}\n"


def _photo_symbol(name: str, colour: tuple[int, int, int]) -> ET.Element:
    """The marker of one status: footprint, circle, arrow and dot, from below to above."""
    symbol = ET.Element("symbol", type="marker", name=name, alpha="1", clip_to_extent="1")
    symbol.append(_generated(_FOOTPRINT, _fill(colour, fill_alpha=0), name=f"@{name}@0"))
    outline = _fill(colour, fill_alpha=0, line_style="dash")
    symbol.append(_generated(_CIRCLE, outline, name=f"@{name}@1"))
    symbol.append(_arrow(colour))
    symbol.append(_dot(colour))
    return symbol


def _generated(expression: str, fill: ET.Element, *, name: str) -> ET.Element:
    """A symbol layer that draws the polygon which `expression` makes of a feature."""
    layer = _layer(
        "GeometryGenerator",
        {"SymbolType": "Fill", "geometryModifier": expression, "units": "MapUnit"},
        enabled=_IS_NEAR,
    )
    symbol = ET.SubElement(layer, "symbol", type="fill", name=name, alpha="1")
    symbol.append(fill)
    return layer


def _fill(
    colour: tuple[int, int, int], *, fill_alpha: int, line_style: str = "solid"
) -> ET.Element:
    """An outline with a faint filling."""
    return _layer(
        "SimpleFill",
        {
            "color": _colour(colour, fill_alpha),
            "style": "solid" if fill_alpha else "no",
            "outline_color": _colour(colour, 200),
            "outline_style": line_style,
            "outline_width": "0.3",
            "outline_width_unit": "MM",
        },
    )


def _arrow(colour: tuple[int, int, int]) -> ET.Element:
    """An arrow ahead of the dot, turned to the heading; absent where there is none."""
    return _layer(
        "SimpleMarker",
        {
            "name": "arrow",
            "color": _colour(colour),
            "outline_color": _colour(_WHITE),
            "outline_width": "0.2",
            "size": "6",
            "size_unit": "MM",
            "offset": "0,-4.2",  # ahead of the dot; the offset turns with the angle
            "offset_unit": "MM",
        },
        angle='coalesce("heading", 0)',
        enabled='"heading" is not null',
        fillColor=_FADED,
    )


def _dot(colour: tuple[int, int, int]) -> ET.Element:
    """The position."""
    return _layer(
        "SimpleMarker",
        {
            "name": "circle",
            "color": _colour(colour),
            "outline_color": _colour(_WHITE),
            "outline_width": "0.3",
            "size": "3.4",
            "size_unit": "MM",
        },
        fillColor=_FADED,
    )


def _layer(kind: str, options: Mapping[str, str], **expressions: str) -> ET.Element:
    """A symbol layer with fixed `options` and data-defined properties by `expressions`."""
    layer = ET.Element("layer", {"class": kind}, enabled="1", locked="0")
    layer.append(_options(options))
    if expressions:
        properties = ET.SubElement(layer, "data_defined_properties")
        properties.append(_data_defined(expressions))
    return layer


def _data_defined(expressions: Mapping[str, str]) -> ET.Element:
    """QGIS's collection of properties that follow an expression."""
    root = ET.Element("Option", type="Map")
    ET.SubElement(root, "Option", name="name", value="", type="QString")
    properties = ET.SubElement(root, "Option", name="properties", type="Map")
    for name, expression in expressions.items():
        entry = ET.SubElement(properties, "Option", name=name, type="Map")
        ET.SubElement(entry, "Option", name="active", value="true", type="bool")
        ET.SubElement(entry, "Option", name="expression", value=expression, type="QString")
        ET.SubElement(entry, "Option", name="type", value="3", type="int")
    ET.SubElement(root, "Option", name="type", value="collection", type="QString")
    return root


def _options(values: Mapping[str, str]) -> ET.Element:
    """QGIS's map of named texts."""
    root = ET.Element("Option", type="Map")
    for name, value in values.items():
        ET.SubElement(root, "Option", name=name, value=value, type="QString")
    return root


def _colour(rgb: tuple[int, int, int], alpha: int = 255) -> str:
    """A colour as QML has it."""
    return ",".join(str(part) for part in (*rgb, alpha))


def _labelling(field: str) -> ET.Element:
    """Small labels with a white halo; QGIS drops those that would collide."""
    labelling = ET.Element("labeling", type="simple")
    settings = ET.SubElement(labelling, "settings")
    style = ET.SubElement(
        settings, "text-style", fieldName=field, fontSize="8", fontSizeUnit="Point"
    )
    style.set("textColor", "40,40,40,255")
    ET.SubElement(
        style,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.8",
        bufferSizeUnits="MM",
        bufferColor="255,255,255,220",
    )
    ET.SubElement(settings, "placement", placement="6", dist="4", distUnits="MM")
    return labelling


def _photo_fields() -> ET.Element:
    """The form's picture of the photo, as QGIS's own photo import sets it up."""
    fields = ET.Element("fieldConfiguration")
    fields.append(
        _resource("photo", {"DocumentViewer": "1", "FileWidget": "true", "UseLink": "true"})
    )
    fields.append(_resource("directory", {"StorageMode": "1", "UseLink": "true"}))
    return fields


def _resource(field: str, config: Mapping[str, str]) -> ET.Element:
    """A field whose text is a file or folder."""
    entry = ET.Element("field", name=field, configurationFlags="None")
    widget = ET.SubElement(entry, "editWidget", type="ExternalResource")
    options = {**config, "FullUrl": "true", "FileWidgetButton": "true", "RelativeStorage": "0"}
    ET.SubElement(widget, "config").append(_options(options))
    return entry
