"""QGIS styles (QML) of the results: files that QGIS itself has saved, as package data.

A point of ``photos.qml`` has the colour and the shape of its status and fades with doubt; an arrow
shows the heading, a circle where the truth lies 95 % of the time, an outline the ground that the
photo shows (these two from 1:20 000 and closer: outlines of a whole flight hide the map from afar),
its name from 1:10 000. The photo is in the map tip, by its absolute path or, where that leads
nowhere, from the folder of the layer's file (`photo_rel`); the action *Open photo* finds it in the
same way, the form by its absolute path. ``footprints.qml`` draws outlines coloured by status,
``candidates.qml`` a diamond for each place that competes, the fuller the likelier, from 1:25 000,
its radius from 1:20 000, its rank and share from 1:10 000; ``tracks.qml`` a line with arrows in the
direction of the flight, and a ring where it begins.

The colours are Okabe and Ito's, which the colour-blind can tell apart. Fully sure is opaque; no
confidence at all still shows. The circle is an ellipse in degrees (a degree of latitude is 110.57
to 111.69 km), since geometry generators work in the layer's CRS, which is WGS84.

To change a style, open a result in QGIS, change it there, and save it over the file here (*Save
Style*, as QML). The files hold only what differs from QGIS's defaults, and no font: what comes with
one machine is not on the next. They are read by QGIS 3.16 and later.
"""

from __future__ import annotations

from importlib.resources import files


def photo_style() -> str:
    """The QML of a layer of photos, drawn by the columns of `geoloc.results.schema`."""
    return _read("photos.qml")


def footprint_style() -> str:
    """The QML of a layer of footprints: outlines coloured by status."""
    return _read("footprints.qml")


def candidate_style() -> str:
    """The QML of a layer of competing places: diamonds filled by probability."""
    return _read("candidates.qml")


def track_style() -> str:
    """The QML of a layer of tracks: lines with arrows in the direction of the flight."""
    return _read("tracks.qml")


def _read(name: str) -> str:
    return files("geoloc.results").joinpath(name).read_text(encoding="utf-8")
