"""GPX: a waypoint a photo that has a time, and a track through them in the order of their times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from geoloc.errors import InputError
from geoloc.export.report import ExportReport
from geoloc.export.xml_text import xml_text
from geoloc.results.schema import PhotoResult
from geoloc.storage.atomic import write_text

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<gpx version="1.1" creator="geoloc" xmlns="http://www.topografix.com/GPX/1/1">\n'
)


def write_gpx(results: Sequence[PhotoResult], path: Path) -> ExportReport:
    """Write the photos that have a position and a time.

    Raises:
        InputError: None has both.
        OSError: The file cannot be written.
    """
    report = ExportReport(written=[path])
    timed = []
    for result in results:
        time = _time(result.timestamp)
        if time is None or not result.has_position:
            report.leave_out(result, "it has no time" if time is None else "it has no position")
        else:
            timed.append((time, result))
    if not timed:
        message = "no photo has a time; expected the column timestamp to be filled"
        raise InputError(f"{message}: GPX is a track in time, choose another format", path=path)
    if any(time.tzinfo is None for time, _ in timed):
        report.note("times without a zone are written as they are; GPX takes them for UTC")
    points = [(_text(time), result) for time, result in timed]
    points.sort(key=lambda point: point[0])
    waypoints = "".join(_point("wpt", result, time) for time, result in points)
    track = "".join(_point("trkpt", result, time) for time, result in points)
    body = f"{waypoints}<trk><name>geoloc</name><trkseg>\n{track}</trkseg></trk>\n</gpx>\n"
    write_text(path, _HEAD + body)
    report.photos = len(points)
    return report


def _time(text: str | None) -> datetime | None:
    """The time that a photo states; None where there is none."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _text(time: datetime) -> str:
    """A time as GPX has it, in UTC."""
    utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _point(kind: str, result: PhotoResult, time: str) -> str:
    """A point with height and time, its name, and in words how right it is."""
    height = "" if result.altitude_m is None else f"<ele>{result.altitude_m!r}</ele>"
    facts = [
        f"{name} {value:.1f} {unit}"
        for name, value, unit in (
            ("heading", result.heading, "degrees"),
            ("within", result.acc95_m, "m (95 %)"),
        )
        if value is not None
    ]
    description = f"<desc>{xml_text(', '.join(facts))}</desc>" if facts else ""
    name = xml_text(Path(result.photo).name)
    return (
        f'<{kind} lat="{result.latitude!r}" lon="{result.longitude!r}">{height}<time>{time}</time>'
        f"<name>{name}</name>{description}</{kind}>\n"
    )
