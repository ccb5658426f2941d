"""KMZ for Google Earth: photos as placemarks, on the ground, and with the circles they lie in.

A photo is laid on the ground by its four corners (``gx:LatLonQuad``), as if that were level; one
that looks to the horizon has no such corners, and is a placemark only.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from geoloc.arrays import Float64Array, RgbImage
from geoloc.errors import PhotoError
from geoloc.export.report import ExportReport
from geoloc.export.xml_text import xml_text
from geoloc.geometry.camera import ground_homography, project
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.photos.photo import read_photo
from geoloc.progress import Progress
from geoloc.results.schema import PhotoResult
from geoloc.results.solved_camera import SolvedCamera, solved_camera
from geoloc.storage.atomic import replacing

_OVERLAY_PX, _THUMBNAIL_PX = 1024, 320
_REACH = 12  # heights away from the camera; beyond, a pixel is wider than the map is wrong
_CIRCLE_STEPS = 72
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in the archive, so that the same bytes come out

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">\n'
    "<Document><name>geoloc</name>\n"
    '<Style id="photo"><IconStyle><color>ff00b4ff</color><Icon><href>'
    "http://maps.google.com/mapfiles/kml/shapes/camera.png</href></Icon></IconStyle></Style>\n"
    '<Style id="circle"><LineStyle><color>ffb27200</color><width>1.5</width></LineStyle>'
    "<PolyStyle><color>20b27200</color></PolyStyle></Style>\n"
)


def write_kmz(results: Sequence[PhotoResult], path: Path, *, progress: Progress) -> ExportReport:
    """Write photos with pictures of themselves, on the ground and in circles of 90 %.

    Raises:
        OSError: The file cannot be written.
    """
    report = ExportReport(written=[path])
    placed = [result for result in results if result.has_position]
    for result in results:
        if not result.has_position:
            report.leave_out(result, "it has no position")
    with replacing(path) as draft, zipfile.ZipFile(draft, "w") as archive:
        progress.start("reading photos", len(placed), "photos")
        photos = []
        for i, result in enumerate(placed):
            photos.append(_Picture(archive, i, result, report))
            progress.advance()
        _put(archive, "doc.kml", "".join(_document(photos)).encode(), zipfile.ZIP_DEFLATED)
    report.photos = len(placed)
    return report


class _Picture:
    """A photo whose pictures are in the archive, if its file could be read.

    Attributes:
        result: Its row.
        corners: Corners (4, 2) on the ground, degrees, counter-clockwise from the photo's lower
            left; None where it has none.
        overlay: The larger picture's name in the archive, and `thumbnail` the smaller one's.
    """

    def __init__(
        self, archive: zipfile.ZipFile, number: int, result: PhotoResult, report: ExportReport
    ) -> None:
        self.result = result
        solved = solved_camera(result)
        self.corners = None if solved is None else ground_corners(solved)
        self.overlay = self.thumbnail = None
        try:
            pixels = read_photo(result.photo, max_side_px=_OVERLAY_PX).pixels
        except PhotoError:
            report.note("photos whose files cannot be read have no pictures")
            return
        if self.corners is not None:
            self.overlay = f"overlays/{number}.jpg"
            _put(archive, self.overlay, _jpeg(pixels, _OVERLAY_PX))
        self.thumbnail = f"thumbnails/{number}.jpg"
        _put(archive, self.thumbnail, _jpeg(pixels, _THUMBNAIL_PX))

    @property
    def name(self) -> str:
        """The photo's file name, for XML."""
        return xml_text(Path(self.result.photo).name)


def ground_corners(solved: SolvedCamera) -> Float64Array | None:
    """Where a photo's corners lie on level ground, degrees (4, 2), lower left first and counter-
    clockwise in the photo; None when one is above the horizon or out of reach."""
    ground = project(ground_homography(solved.camera, solved.pose), solved.camera.corners())
    reach_m = _REACH * solved.pose.height_m
    if not np.isfinite(ground).all() or (np.hypot(*ground.T) > reach_m).any():
        return None
    upper_left, upper_right, lower_right, lower_left = solved.frame.to_lonlat(ground)
    return np.array([lower_left, lower_right, upper_right, upper_left])


def _document(photos: Sequence[_Picture]) -> Iterator[str]:
    """The KML."""
    yield _HEAD
    for title, part in (("photos", _placemark), ("on the ground", _overlay), ("90 %", _circle)):
        yield f"<Folder><name>{title}</name>\n"
        for photo in photos:
            yield part(photo)
        yield "</Folder>\n"
    yield "</Document></kml>\n"


def _placemark(photo: _Picture) -> str:
    """A photo as a point with its picture and what is known of it."""
    result = photo.result
    facts = {
        "status": result.status,
        "confidence": result.confidence,
        "ce90_m": result.ce90_m,
        "acc95_m": result.acc95_m,
        "heading": result.heading,
        "pitch_deg": result.pitch_deg,
        "height_m": result.height_m,
        "altitude_m": result.altitude_m,
        "photo": result.photo,
    }
    rows = "".join(
        f'<Data name="{name}"><value>{xml_text(str(value))}</value></Data>'
        for name, value in facts.items()
        if value is not None
    )
    image = "" if photo.thumbnail is None else f'<img src="{photo.thumbnail}"/>'
    time = "" if result.timestamp is None else xml_text(result.timestamp)
    time = f"<TimeStamp><when>{time}</when></TimeStamp>" if time else ""
    return (
        f"<Placemark><name>{photo.name}</name><description>{xml_text(image)}</description>{time}"
        f"<styleUrl>#photo</styleUrl><ExtendedData>{rows}</ExtendedData>{_point(result)}"
        "</Placemark>\n"
    )


def _point(result: PhotoResult) -> str:
    """The position, in the air where its height is known."""
    place = f"{result.longitude!r},{result.latitude!r}"
    mode, height = ("absolute", result.altitude_m)
    if height is None:
        mode, height = ("relativeToGround", result.height_m)
    if height is None:
        return f"<Point><coordinates>{place}</coordinates></Point>"
    mode = f"<extrude>1</extrude><altitudeMode>{mode}</altitudeMode>"
    return f"<Point>{mode}<coordinates>{place},{height!r}</coordinates></Point>"


def _overlay(photo: _Picture) -> str:
    """A photo on the ground; nothing for one without corners there."""
    if photo.overlay is None or photo.corners is None:
        return ""
    return (
        f"<GroundOverlay><name>{photo.name}</name><Icon><href>{photo.overlay}</href></Icon>"
        f"<gx:LatLonQuad><coordinates>{_places(photo.corners)}</coordinates></gx:LatLonQuad>"
        "</GroundOverlay>\n"
    )


def _circle(photo: _Picture) -> str:
    """The circle that holds the true position 90 % of the time."""
    result = photo.result
    if result.ce90_m is None or result.longitude is None or result.latitude is None:
        return ""
    angles = np.linspace(0, 2 * np.pi, _CIRCLE_STEPS + 1)
    ring = result.ce90_m * np.column_stack([np.cos(angles), np.sin(angles)])
    places = LocalFrame(LonLat(result.longitude, result.latitude)).to_lonlat(ring)
    return (
        f"<Placemark><name>{photo.name}</name><styleUrl>#circle</styleUrl>"
        f"<Polygon><tessellate>1</tessellate><outerBoundaryIs><LinearRing><coordinates>"
        f"{_places(places)}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>\n"
    )


def _places(lonlat: Float64Array) -> str:
    return " ".join(f"{float(lon)!r},{float(lat)!r}" for lon, lat in lonlat)


def _jpeg(pixels: RgbImage, side_px: int) -> bytes:
    """A picture of at most this length of its long side."""
    image = Image.fromarray(pixels)
    image.thumbnail((side_px, side_px))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def _put(
    archive: zipfile.ZipFile, name: str, data: bytes, compression: int = zipfile.ZIP_STORED
) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, compression)
