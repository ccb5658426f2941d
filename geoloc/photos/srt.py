"""The flight log that DJI drones write beside a video, as subtitles: an ``.SRT`` file.

Every subtitle covers one frame or one second. What it states depends on the drone's age:

* ``[latitude: 24.26] [longitude: 120.72] [rel_alt: 55.2 abs_alt: 283.9] [gb_yaw: -0.2 gb_pitch:
  -90.0 gb_roll: 0.0] [focal_len: 24.00] [dzoom_ratio: 1.00]`` after ``FrameCnt: 12`` (or
  ``SrtCnt``), with or without blanks before the colons, ``longtitude`` in some, and in some
  neither heights nor the gimbal's angles.
* ``GPS(120.7215,24.2597,14) BAROMETER:55.2``, longitude first and a count of satellites last;
  Matrice drones put the latitude first and a unit last: ``GPS(24.26,120.72,0.0M)``. Others name
  the order in words (`geoloc.photos.srt_position`).
* ``GPS (120.72, 24.26, 28), H 76.19m, F.PRY (-5.3°, 2.1°, 28.3°), G.PRY (-40.0°, 0.0°, 28.2°)``:
  pitch, roll and yaw of the airframe and of the gimbal; with RTK receivers ``RTK (...)``.

How they are read: ``focal_len`` is the 35 mm equivalent, in millimetres or, as a whole number of
three digits, in tenths of them; a digital zoom multiplies it. A plain ``altitude`` is above the
sea. Heights of zero and below are not heights above ground, positions of (0, 0) are receivers
without a fix, and a gimbal whose angles are all zero was not measured (see
`geoloc.photos.pose_tags`).
"""

from __future__ import annotations

import bisect
import itertools
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from geoloc.csv_table import TableError, read_text
from geoloc.errors import MetadataError
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.srt_position import NUMBER, coordinate_order, read_position

SUFFIX = ".srt"

_TIMES = re.compile(
    r"(\d+):(\d\d):(\d\d)[,.](\d{1,3})\s*-->\s*(\d+):(\d\d):(\d\d)[,.](\d{1,3})"  # 60 s occur
)
_TAG = re.compile(r"<[^>]*>")
_COUNT = re.compile(r"\b(?:FrameCnt|SrtCnt)\s*:\s*(\d+)", re.I)
_VALUE = re.compile(rf"\b([a-z_]+)\s*:\s*{NUMBER}", re.I)
_BAROMETER = re.compile(rf"\bBAROMETER\s*[:(]\s*{NUMBER}", re.I)
_HEIGHT = re.compile(rf"\bH\s*[ =:]\s*{NUMBER}\s*m\b")
_ANGLES = re.compile(rf"\b([FG])\.PRY\s*\(\s*{NUMBER}°?\s*,\s*{NUMBER}°?\s*,\s*{NUMBER}°?\s*\)")
_MOMENT = re.compile(r"(\d{4})[-.](\d\d?)[-.](\d\d?)[ T](\d\d?):(\d\d):(\d\d)(?:[.,](\d{3}))?")
# Subtitles no longer than this, in seconds, are one a frame.
_LONGEST_FRAME_S = 0.15
# The log ends with the subtitle that the drone was writing: frames this far behind it belong to it.
_SLACK_S = 1.5
_NOTHING = PhotoMetadata()
_LIMITS = {
    "rel_alt_m": (0.1, 20_000.0),
    "altitude_m": (-1000.0, 20_000.0),
    "yaw_deg": (-360.0, 360.0),
    "pitch_deg": (-180.0, 180.0),
    "roll_deg": (-180.0, 180.0),
    "focal_35mm": (1.0, 5000.0),
}


@dataclass(frozen=True)
class Subtitle:
    """Metadata of one frame or one second of the video.

    Attributes:
        start_s: Beginning, in seconds since that of the video.
        end_s: End, in seconds since the beginning of the video.
        frame: Number of the video's frame, where it is counted.
        metadata: What is known, without a field of view: it depends on the picture's shape.
    """

    start_s: float
    end_s: float
    frame: int | None
    metadata: PhotoMetadata


@dataclass(frozen=True)
class FlightLog:
    """Flight log of one video.

    Attributes:
        path: File that it was read from.
        subtitles: Subtitles in the order of time; at least one.
        notes: What was skipped or assumed, one sentence each.
    """

    path: Path
    subtitles: tuple[Subtitle, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def has_every_frame(self) -> bool:
        """Whether there is a subtitle a frame, not one a second."""
        typical_s = statistics.median(each.end_s - each.start_s for each in self.subtitles)
        return typical_s <= _LONGEST_FRAME_S

    @property
    def n_frames(self) -> int:
        """Number of the last frame, in a log of every frame."""
        return self._frames[-1]

    def at(self, time_s: float) -> PhotoMetadata | None:
        """Metadata at a time since the video's beginning; None where nothing is stated."""
        place = bisect.bisect_right(self._starts_s, time_s) - 1
        if place < 0:  # some logs begin a second late
            return self.subtitles[0].metadata if time_s >= self._starts_s[0] - _SLACK_S else None
        found = self.subtitles[place]
        return found.metadata if time_s < found.end_s + _SLACK_S else None

    def of_frame(self, number: int) -> PhotoMetadata | None:
        """Metadata of a frame in a log of every frame; None in gaps, and in a log of seconds.

        Whether frames count from 0 or from 1 differs, and makes no difference here: a drone is
        where it was a thirtieth of a second ago.
        """
        if not self.has_every_frame:
            return None
        place = bisect.bisect_left(self._frames, number)
        near = [i for i in (place - 1, place) if 0 <= i < len(self._frames)]
        best = min(near, key=lambda i: abs(self._frames[i] - number))
        # A skipped subtitle or two may lie between; their neighbours tell the same.
        return self.subtitles[best].metadata if abs(self._frames[best] - number) <= 30 else None

    @cached_property
    def _starts_s(self) -> list[float]:
        return [each.start_s for each in self.subtitles]

    @cached_property
    def _frames(self) -> list[int]:
        counted = [each.frame for each in self.subtitles if each.frame is not None]
        is_rising = all(a < b for a, b in itertools.pairwise(counted))
        if len(counted) == len(self.subtitles) and is_rising:
            return counted
        return list(range(1, len(self.subtitles) + 1))


def read_flight_log(path: str | Path) -> FlightLog:
    """The flight log in an ``.SRT`` file.

    Subtitles that cannot be read are skipped, and a note counts them.

    Raises:
        MetadataError: The file is missing, or none of its subtitles tells of a flight.
    """
    path = Path(path)
    try:
        content = read_text(path)
    except TableError as error:
        raise MetadataError(
            f"{path}: {error}; a DJI flight log (.SRT) was expected; check its name", path=path
        ) from error
    chunks = _chunks(content)
    latitude_first, notes = coordinate_order(content, [chunk for _, chunk in chunks])
    read = [(line, _subtitle(chunk, latitude_first=latitude_first)) for line, chunk in chunks]
    subtitles = sorted((s for _, s in read if s is not None), key=lambda s: (s.start_s, s.end_s))
    if all(subtitle.metadata == _NOTHING for subtitle in subtitles):
        seen = f"none of its {len(chunks)} subtitles tells" if chunks else "no subtitle tells"
        raise MetadataError(
            f"{path}: {seen} of a flight; expected what DJI drones write, such as "
            "[latitude: ...] [rel_alt: ...] or GPS(...) BAROMETER: ...; give the .SRT of the "
            "video, or a CSV",
            path=path,
        )
    if bad := [line for line, subtitle in read if subtitle is None]:
        notes += (
            f"{len(bad)} of {len(chunks)} subtitles cannot be read and are skipped "
            f"(the first on line {bad[0]})",
        )
    return FlightLog(path, tuple(subtitles), tuple(f"{path.name}: {n}" for n in notes))


def _chunks(content: str) -> list[tuple[int, str]]:
    """The subtitles, each with the number of its first line and without markup."""
    lines = [line.strip() for line in _TAG.sub(" ", content).splitlines()]
    starts = [i for i, line in enumerate(lines) if line and _is_start(lines, i)]
    spans = itertools.pairwise([*starts, len(lines)])
    return [(start + 1, "\n".join(lines[start:end])) for start, end in spans]


def _is_start(lines: Sequence[str], i: int) -> bool:
    """Whether a subtitle begins here: with its number, else with its times.

    Its number stands after an empty line or before the times; either may be damaged.
    """
    before = lines[i - 1] if i else ""
    after = lines[i + 1] if i + 1 < len(lines) else ""
    if lines[i].isdigit():
        return not before or "-->" in after
    return "-->" in lines[i] and not before.isdigit()


def _subtitle(chunk: str, *, latitude_first: bool) -> Subtitle | None:
    """One subtitle; None when it cannot be read or is not of a flight."""
    times = _TIMES.search(chunk)
    if times is None:
        return None
    groups = times.groups()
    start_s, end_s = _seconds(*groups[:4]), _seconds(*groups[4:])
    text = chunk[times.end() :]
    values = {name.lower(): float(number) for name, number in _VALUE.findall(text)}
    stated = read_position(text, latitude_first=latitude_first) | _heights(text, values)
    stated |= _angles(text, values) | _focal(text, values)
    if end_s < start_s or not stated:
        return None
    stated = {name: value for name, value in stated.items() if _makes_sense(name, value)}
    count = _COUNT.search(text)
    frame = int(count.group(1)) if count else None
    return Subtitle(start_s, end_s, frame, _metadata(stated, text))


def _metadata(stated: dict[str, float], text: str) -> PhotoMetadata:
    """The values as what is known of a photo."""
    if abs(stated.get("lat", 1.0)) < 1e-6 and abs(stated.get("lon", 1.0)) < 1e-6:
        stated = {name: value for name, value in stated.items() if name not in ("lon", "lat")}
    metadata = PhotoMetadata(timestamp=_moment(text), **stated)  # type: ignore[arg-type]  # all floats
    if metadata.yaw_deg is None:
        return metadata
    is_airframe = "F.PRY" in text and metadata.pitch_deg is None
    source = "flight log, airframe" if is_airframe else "flight log, gimbal"
    return replace(metadata, yaw_deg=metadata.yaw_deg % 360, yaw_source=source)


def _seconds(hours: str, minutes: str, seconds: str, fraction: str) -> float:
    return 3600 * int(hours) + 60 * int(minutes) + float(f"{seconds}.{fraction}")


def _heights(text: str, values: dict[str, float]) -> dict[str, float]:
    """Heights above take-off and above the sea."""
    heights = {"altitude_m": values.get("abs_alt", values.get("altitude"))}
    barometer, height = _BAROMETER.search(text), _HEIGHT.search(text)
    # Where both are, the barometer's is sometimes above the sea.
    heights["rel_alt_m"] = values.get("rel_alt") or next(
        (float(found.group(1)) for found in (height, barometer) if found), None
    )
    return {name: value for name, value in heights.items() if value is not None}


def _angles(text: str, values: dict[str, float]) -> dict[str, float]:
    """The gimbal's yaw, pitch and roll, or the airframe's yaw alone."""
    groups = {kind: tuple(float(v) for v in angles) for kind, *angles in _ANGLES.findall(text)}
    names = ("pitch", "roll", "yaw")
    gimbal = dict(zip(names, groups["G"], strict=True)) if "G" in groups else {}
    gimbal |= {name: values[f"gb_{name}"] for name in names if f"gb_{name}" in values}
    if not any(gimbal.values()):  # nothing, or all exactly zero
        return {"yaw_deg": groups["F"][2]} if "F" in groups else {}
    return {f"{name}_deg": value for name, value in gimbal.items()}


def _focal(text: str, values: dict[str, float]) -> dict[str, float]:
    """The 35 mm equivalent of the focal length, a digital zoom included."""
    focal_mm = values.get("focal_len")
    if focal_mm is None:
        return {}
    if focal_mm >= 100 and re.search(r"focal_len\s*:\s*\d+(?![\d.])", text, re.I):
        focal_mm /= 10
    zoom = values.get("dzoom_ratio", 1.0)
    zoom = zoom / 10_000 if zoom >= 1000 else zoom
    return {"focal_35mm": focal_mm * max(1.0, zoom)}


def _makes_sense(name: str, value: float) -> bool:
    low, high = _LIMITS.get(name, (-180.0, 180.0))
    return low <= value <= high


def _moment(text: str) -> str | None:
    """The wall clock, ISO 8601; the log does not state the time zone."""
    found = _MOMENT.search(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, thousandths = found.groups()
    fraction = f".{thousandths}" if thousandths else ""
    return f"{year}-{int(month):02d}-{int(day):02d}T{int(hour):02d}:{minute}:{second}{fraction}"
