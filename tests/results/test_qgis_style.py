"""The QML: well-formed, about our columns only, and understood by the real QGIS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

import pytest

from geoloc.results.files import write_results
from geoloc.results.qgis_style import (
    candidate_style,
    footprint_style,
    photo_style,
    track_style,
)
from geoloc.results.schema import RESULT_COLUMNS, PhotoResult, Status

_QGIS_PYTHON = "/usr/bin/python3"  # where distributions put QGIS's bindings

# Loads a layer as a person would, says what QGIS made of its style, and draws it.
_LOOK = """
import json, os, sys
from qgis.core import (QgsApplication, QgsProject, QgsVectorLayer, QgsMapSettings,
    QgsMapRendererParallelJob, QgsExpressionContext, QgsExpressionContextUtils, QgsExpression)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
app = QgsApplication([], False)
app.initQgis()
layer = QgsVectorLayer(sys.argv[1], "photos", "ogr")
_, is_styled = layer.loadDefaultStyle()
QgsProject.instance().addMapLayer(layer)
renderer = layer.renderer()
categories = renderer.categories()
symbol = categories[0].symbol().clone()
layers = [symbol.symbolLayer(i) for i in range(symbol.symbolLayerCount())]
context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
tips = []
for feature in layer.getFeatures():
    context.setFeature(feature)
    tips.append(QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context))
settings = QgsMapSettings()
settings.setLayers([layer])
settings.setBackgroundColor(QColor(255, 255, 255))
settings.setOutputSize(QSize(300, 300))
extent = layer.extent()
extent.grow(0.001)
settings.setExtent(extent)
settings.setDestinationCrs(layer.crs())
job = QgsMapRendererParallelJob(settings)
job.start()
job.waitForFinished()
image = job.renderedImage()
colours = {image.pixelColor(x, y).name() for x in range(300) for y in range(300)}
print(json.dumps({
    "valid": layer.isValid(), "features": layer.featureCount(), "crs": layer.crs().authid(),
    "styled": is_styled, "renderer": renderer.type(), "attribute": renderer.classAttribute(),
    "categories": [c.value() for c in categories],
    "symbol_layers": [each.layerType() for each in layers],
    "angle": layers[2].dataDefinedProperties().property(1).expressionString(),
    "label": layer.labeling().settings().fieldName,
    "widget": layer.editorWidgetSetup(layer.fields().indexOf("photo")).type(),
    "shapes": [each.symbol().symbolLayer(3).properties()["name"] for each in renderer.categories()],
    "smallest_scale_of_labels": layer.labeling().settings().minimumScale,
    "alias": layer.attributeAlias(layer.fields().indexOf("acc95_m")),
    "actions": [each.name() for each in layer.actions().actions("Canvas")],
    "tabs": [each.name() for each in layer.editFormConfig().tabs()],
    "tips": tips, "colours": sorted(colours), "errors": [e.message for e in job.errors()],
}))
sys.stdout.flush()
os._exit(0)  # QGIS may crash while it takes itself down
"""


_STYLED = """
import json, os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qgis.core import QgsApplication, QgsVectorLayer
app = QgsApplication([], False)
app.initQgis()
styled = {}
for name in ("photos", "footprints", "candidates", "tracks"):
    layer = QgsVectorLayer(f"{sys.argv[1]}|layername={name}", name, "ogr")
    _, is_styled = layer.loadDefaultStyle()
    styled[name] = [is_styled, layer.labelsEnabled(), layer.minimumScale()]
    opened = [each.name() for each in layer.actions().actions("Canvas")]
    styled[name] += [bool(layer.mapTipTemplate()), opened]
print(json.dumps(styled))
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.parametrize("style", [photo_style(), footprint_style()], ids=["photos", "footprints"])
def test_a_style_is_well_formed_and_has_every_status(style: str) -> None:
    root = ET.fromstring(style)
    categories = [category.get("value") for category in root.iter("category")]
    symbols = [symbol.get("name") for symbol in root.findall("renderer-v2/symbols/symbol")]
    assert not [each for each in root.iter() if each.get("fontFamily")], "a font of one machine"
    assert not re.search(r"(?i)(?<=[\">])(/home|/tmp|/usr|/data|[a-z]:[\\/])", style)
    assert categories == list(get_args(Status))
    assert symbols == [category.get("symbol") for category in root.iter("category")]


@pytest.mark.parametrize(
    ("style", "columns"),
    [
        (candidate_style(), {"photo_fid", "photo", "rank", "probability", "ce90_m"}),
        (track_style(), {"track", "photos", "from_track", "begin", "end"}),
        (
            footprint_style(),
            {"photo_fid", "photo", "filename", "status", "confidence", "heading"},
        ),
    ],
    ids=["candidates", "tracks", "footprints"],
)
def test_the_other_styles_name_each_column_of_their_layer(style: str, columns: set[str]) -> None:
    root = ET.fromstring(style)
    aliases = {each.get("field", ""): each.get("name") for each in root.iter("alias")}
    assert {name for name, alias in aliases.items() if alias} == columns
    quoted = set(re.findall(r'"(\w+)"', root.findtext("mapTip", "")))
    assert quoted
    assert quoted <= columns
    assert not [each for each in root.iter() if each.get("fontFamily")], "a font of one machine"
    assert not re.search(r"(?i)(?<=[\">])(/home|/tmp|/usr|/data|[a-z]:[\\/])", style)


def test_the_style_speaks_of_our_columns_only() -> None:
    root = ET.fromstring(photo_style())
    expressions = [option.get("value", "") for option in root.iter("Option")]
    expressions.append(root.findtext("mapTip", ""))
    expressions += [each.get("action", "") for each in root.iter("actionsetting")]
    expressions += [f'"{each.get("field")}"' for each in root.iter("alias")]
    quoted = {name for text in expressions for name in re.findall(r'"(\w+)"', text)} - {"350"}
    assert quoted
    assert quoted <= {column.name for column in RESULT_COLUMNS}


def test_each_column_of_a_photo_has_an_alias_and_a_place_in_the_form() -> None:
    root = ET.fromstring(photo_style())
    columns = {column.name for column in RESULT_COLUMNS}
    aliases = [each.get("field") for each in root.iter("alias")]
    shown = [each.get("name") for each in root.iter("attributeEditorField")]
    assert (set(aliases), len(aliases)) == (columns, len(columns))
    assert (set(shown), len(shown)) == (columns, len(columns))
    assert len({each.get("name") for each in root.iter("alias")}) == len(columns)


@pytest.fixture(scope="module")
def _qgis() -> None:
    """Skips where QGIS and its Python bindings are not installed."""
    if not Path(_QGIS_PYTHON).exists():
        pytest.skip("no system Python that QGIS could be in")
    probe = subprocess.run([_QGIS_PYTHON, "-c", "import qgis.core"], capture_output=True)
    if probe.returncode:
        pytest.skip("QGIS is not installed")


def _look(source: str, home: Path, program: str = _LOOK) -> dict[str, object]:
    """What QGIS says of one layer, or what another program says of a file."""
    settings = {
        "PATH": os.environ.get("PATH", ""),
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
    }
    run = subprocess.run(
        [_QGIS_PYTHON, "-c", program, source], env=settings, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    said: dict[str, object] = json.loads(run.stdout.splitlines()[-1])
    return said


@pytest.mark.usefixtures("_qgis")
@pytest.mark.parametrize("fmt", ["geojson", "gpkg"])
def test_qgis_opens_the_result_styled(tmp_path: Path, fmt: str) -> None:
    square = "POLYGON ((13.399 52.499, 13.401 52.499, 13.401 52.501, 13.399 52.501, 13.399 52.499))"
    located = PhotoResult(
        str(tmp_path / "a.jpg"),
        "located",
        longitude=13.4,
        latitude=52.5,
        confidence=1.0,
        conf_radius_m=25.0,
        acc95_m=30.0,
        heading=45.0,
        footprint=square,
    )
    nowhere = PhotoResult(str(tmp_path / "b.jpg"), "unreadable", error="truncated")
    path = tmp_path / f"out.{fmt}"
    write_results([located, nowhere], path)
    said = _look(f"{path}|layername=photos" if fmt == "gpkg" else str(path), tmp_path)
    tips, colours = said.pop("tips"), said.pop("colours")
    assert said == {
        "valid": True,
        "features": 2,
        "crs": "EPSG:4326",
        "styled": True,
        "renderer": "categorizedSymbol",
        "attribute": "status",
        "categories": list(get_args(Status)),
        "symbol_layers": ["GeometryGenerator", "GeometryGenerator", "SimpleMarker", "SimpleMarker"],
        "angle": 'coalesce("heading", 0)',
        "label": "filename",
        "widget": "ExternalResource",
        "shapes": ["circle", "diamond", "square", "cross_fill", "star"],
        "smallest_scale_of_labels": 10_000,
        "alias": "95 % within, m",
        "actions": ["Open photo"],
        "tabs": ["Answer", "Camera", "Photo", "Evidence", "Track", "Run"],
        "errors": [],
    }
    assert isinstance(tips, list)
    assert "located, 100 % within 25 m (almost certain, " in tips[0]
    assert f'<img src="file://{tmp_path / "a.jpg"}" width="350">' in tips[0]
    assert "truncated" in tips[1]
    assert isinstance(colours, list)
    assert "#009e73" in colours  # the dot of a located photo, fully sure


@pytest.mark.slow
@pytest.mark.usefixtures("_qgis")
def test_the_map_tip_finds_a_photo_whatever_its_name_and_wherever_it_was_moved(
    tmp_path: Path,
) -> None:
    names = ["Flight #3/100% & more?.jpg", "a \\ <b> 'c' \"d\".jpg", "Höhe/ü.jpg", "%41.jpg"]
    there, moved = tmp_path / "there", tmp_path / "moved"
    for name in names:
        (there / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (there / "photos" / name).write_bytes(b"1")
    results = [PhotoResult(str(there / "photos" / name), "rejected") for name in names]
    network = [r"\\server\share\Flight #3\a b.jpg", r"C:\photos\100%.jpg"]
    results += [PhotoResult(name, "rejected") for name in network]
    (there / "results").mkdir()
    write_results(results, there / "results" / "out.gpkg")

    for folder in (there, moved):
        tips = _look(f"{folder / 'results' / 'out.gpkg'}|layername=photos", tmp_path)["tips"]
        urls = re.findall('<img src="([^"]*)" width="350">', "".join(map(str, tips)))  # type: ignore[call-overload]
        assert len(urls) == len(results)
        for url, name in zip(urls, names, strict=False):
            assert url.startswith("file:///")
            assert not re.search('[ #?"<>&\\\\]', url)
            found = Path(unquote(url.removeprefix("file://")))
            assert found.resolve() == folder / "photos" / name
            assert found.is_file()
        assert urls[-2:] == [
            "file://server/share/Flight%20%233/a%20b.jpg",
            "file:///C:/photos/100%25.jpg",
        ]
        if folder == there:
            there.rename(moved)


@pytest.mark.usefixtures("_qgis")
def test_qgis_finds_a_style_for_every_layer(tmp_path: Path) -> None:
    rivals = "[[13.1,52.1,0.6,20.0],[13.2,52.2,0.3,25.0]]"
    rows = [
        PhotoResult(
            f"/photos/{n}.jpg",
            "located",
            longitude=13.1 + n / 1000,
            latitude=52.1,
            candidates=rivals,
            track="first",
            track_position=n,
        )
        for n in range(2)
    ]
    write_results(rows, tmp_path / "out.gpkg")
    styled = _look(str(tmp_path / "out.gpkg"), tmp_path, _STYLED)
    assert styled["candidates"] == [True, True, 25000.0, True, ["Open photo"]]
    assert styled["tracks"][:2] == [True, True]  # type: ignore[index]
    assert styled["footprints"][3:] == [True, ["Open photo"]]  # type: ignore[index]
    assert all(is_styled for is_styled, *_ in styled.values())  # type: ignore[misc]
