"""Video frames: which moment of its drone's flight log (.SRT) each of them shows.

A frame's name ends with its number. What the number counts, in this order:

1. A rate, which the caller states, or the name: ``DJI_0001_2fps_0012.jpg``. Frame n then shows the
   second (n - 1/2) / rate, since ``ffmpeg -vf fps=2`` numbers from 1 and each of its pictures
   stands for the interval around it.
2. Else the video's own frames, as ``ffmpeg -frame_pts 1`` numbers them. This needs a log with a
   subtitle a frame, as drones since about 2018 write it.

A log belongs to a frame if the caller gives it. Else it is looked for beside the frame and in the
folder above: ``DJI_0001.SRT`` for all that is called ``DJI_0001_...``, or lies in a folder
``DJI_0001``; and the only log of a folder for its ``frame_0012.jpg``, ``out12.png``, ``0012.jpg``.
A photo ``DJI_0042.JPG`` beside the log of a video has none.

Where frames of two folders, or of two series in one, have the same numbers, the log is that of the
series that is called after its video, else of one that is called as frames are, else of the one
beside it. What stays ambiguous is refused.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from geoloc.clutter import is_clutter
from geoloc.errors import MetadataError, PhotoError
from geoloc.image_size import ImageSize
from geoloc.photos.image_file import open_image
from geoloc.photos.lens_tags import hfov_of_equivalent
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.srt import SUFFIX, FlightLog, read_flight_log

# What frames are called that are not called after their video.
_PLAIN = re.compile(
    r"(?:frames?|out(?:put)?|thumb|video)?[^0-9a-z]*(?:[\d.]+fps[^0-9a-z]+)?\d+", re.I
)
_NUMBER = re.compile(r"(\d+)$")
_RATE = re.compile(r"(?<![0-9.])(\d+(?:\.\d+)?)fps(?![a-z])", re.I)
# Shape of nearly every drone's video, for a frame that cannot be opened.
_WIDE = ImageSize(9, 16)


@dataclass(frozen=True)
class FrameName:
    """Number and rate in the name of a frame.

    Attributes:
        number: Number at its end.
        rate_hz: Frames a second, where it is stated.
    """

    number: int
    rate_hz: float | None = None


def is_flight_log(path: str | Path) -> bool:
    """Whether a file of metadata is a flight log, by its name."""
    return Path(path).suffix.lower() == SUFFIX


class FrameLogs:
    """The flight logs of frames; each is read once, and it is safe to use from several threads.

    Args:
        log: The log of all frames; None looks beside each.
        rate_hz: Frames a second at which they were taken from their video; None: see above.

    Raises:
        MetadataError: ``log`` cannot be read.
    """

    def __init__(self, log: str | Path | None = None, *, rate_hz: float | None = None) -> None:
        self._rate_hz = rate_hz
        self._logs: dict[Path, FlightLog | MetadataError] = {}
        self._folders: dict[Path, tuple[Path, ...]] = {}
        self._lock = threading.Lock()
        self._denied: frozenset[Path] = frozenset()
        self._log = None if log is None else read_flight_log(log)

    def path_beside(self, photo: Path) -> Path | None:
        """The log that lies where that of a frame would, unread; None without one."""
        with self._lock:
            return _beside(photo, self._srt_files)

    def match(self, photo: str | Path) -> PhotoMetadata | None:
        """Metadata of a frame from its flight log; None without a log, or in its gaps."""
        photo = Path(photo)
        log = None if photo in self._denied else self._log_of(photo)
        if not isinstance(log, FlightLog):
            return None
        stated = self._metadata_of(log, _name_of(photo, log.path))
        return None if stated is None else _with_field_of_view(stated, photo)

    def settle(self, photos: Iterable[str | Path]) -> list[str]:
        """Decide which of these photos are a log's frames, where several have one number.

        Returns:
            What to tell of their logs, one sentence each: what failed, or may be meant otherwise.

        Raises:
            MetadataError: Several series of frames fit the log that was given.
        """
        frames: dict[Path, list[Path]] = {}
        notes: list[str] = []
        for photo in map(Path, photos):
            log = self._log_of(photo)
            if isinstance(log, FlightLog):
                frames.setdefault(log.path, []).append(photo)
            elif log is not None and (note := f"not used: {log}") not in notes:
                notes.append(note)
        if self._rate_hz is not None and not frames:
            notes.append("no flight log (.SRT) belongs to these photos: --frame-rate is not used")
        for path, members in frames.items():
            log = self._log or self._logs[path]
            assert isinstance(log, FlightLog)
            denied, told = self._deny(log, members)
            self._denied |= denied
            kept = [photo for photo in members if photo not in denied]
            notes += [*log.notes, *told, *self._doubts(log, kept)]
        return notes

    def _deny(self, log: FlightLog, photos: Sequence[Path]) -> tuple[set[Path], list[str]]:
        """The photos whose numbers a log's own frames have too, and a note on them."""
        every = [_series_of(photo, log.path) for photo in photos]
        series: dict[_Series, dict[FrameName, Path]] = {}
        for photo, each in zip(photos, every, strict=True):
            if (name := _name_of(photo, log.path)) is not None:
                series.setdefault(each, {})[name] = photo
        lost: dict[_Series, _Series] = {}
        for one, other in itertools.permutations(series, 2):
            shared = series[one].keys() & series[other].keys()
            if not shared or one.rank > other.rank:
                continue
            if one.rank == other.rank and self._log is not None:
                first = min(shared, key=lambda name: name.number)
                named = " and ".join(str(series[each][first]) for each in (one, other))
                raise MetadataError(
                    f"{log.path}: frame {first.number} fits {named}; locate the frames of "
                    "each video on their own, with its log",
                    path=log.path,
                )
            lost[one] = other
        denied = {photo for photo, each in zip(photos, every, strict=True) if each in lost}
        if not denied:
            return denied, []
        folders = sorted({str(each.folder) for each in lost})
        return denied, [
            f"{log.path.name} is not used for {len(denied)} frames whose numbers others have too: "
            f"those in {', '.join(folders)}"
        ]

    def _log_of(self, photo: Path) -> FlightLog | MetadataError | None:
        if self._log is not None:
            return self._log
        with self._lock:
            path = _beside(photo, self._srt_files)
            if path is not None and path not in self._logs:
                try:
                    self._logs[path] = read_flight_log(path)
                except MetadataError as error:
                    self._logs[path] = error
            return None if path is None else self._logs[path]

    def _srt_files(self, folder: Path) -> tuple[Path, ...]:
        if folder not in self._folders:
            try:
                inside = sorted(
                    path
                    for path in folder.iterdir()
                    if path.suffix.lower() == SUFFIX and not is_clutter(path.name)
                )
            except OSError:
                inside = []
            self._folders[folder] = tuple(inside)
        return self._folders[folder]

    def _metadata_of(self, log: FlightLog, name: FrameName | None) -> PhotoMetadata | None:
        if name is None:
            return None
        rate_hz = self._rate_hz or name.rate_hz
        if rate_hz is None:
            return log.of_frame(name.number)
        return log.at(max(0.0, name.number - 0.5) / rate_hz)

    def _doubts(self, log: FlightLog, photos: Sequence[Path]) -> list[str]:
        """What is odd about the numbers of a log's frames."""
        names = [name for photo in photos if (name := _name_of(photo, log.path)) is not None]
        notes = []
        if (
            unknown := sum(self._metadata_of(log, name) is None for name in names)
            + len(photos)
            - len(names)
        ):
            notes.append(f"{log.path.name} says nothing of {unknown} of {len(photos)} frames")
        if self._rate_hz is not None or any(name.rate_hz for name in names):
            return notes
        if not log.has_every_frame:
            notes.append(
                f"{log.path.name} has a subtitle a second, so that the numbers of frames do not "
                "tell their time: say how many were taken a second (--frame-rate)"
            )
        elif _looks_sampled([name.number for name in names], log.n_frames):
            notes.append(
                f"the {len(names)} frames of {log.path.name} are numbered without gaps and taken "
                f"for the first of its {log.n_frames}; if they were taken at a rate, say so "
                "(--frame-rate)"
            )
        return notes


def parse_frame_name(stem: str, *, video: str = "") -> FrameName | None:
    """Number and rate in the name of a frame; None when it does not end with a number.

    Args:
        stem: The name without folder and extension.
        video: That of the video, whose own digits are no number of a frame.
    """
    after = stem[len(video) :]
    is_named = stem.lower().startswith(video.lower()) and not after[:1].isalnum()
    rest = after if is_named else stem
    number, rate = _NUMBER.search(rest), _RATE.search(rest)
    if number is None:
        return None
    rate_hz = float(rate.group(1)) if rate else 0.0
    return FrameName(int(number.group(1)), rate_hz or None)


def _name_of(photo: Path, log: Path) -> FrameName | None:
    return parse_frame_name(photo.stem, video=log.stem)


class _Series(NamedTuple):
    """Photos of one folder that are called after a log's video, or alike but for their number.

    Attributes:
        rank: How well they fit a log: called after its video, called as frames are, beside it.
        folder: Where they are.
        prefix: What their names begin with, if it is not the video's name.
    """

    rank: tuple[bool, bool, bool]
    folder: Path
    prefix: str


def _series_of(photo: Path, log: Path) -> _Series:
    folder, here = photo.absolute().parent, log.absolute().parent
    names = (photo.stem.lower(), folder.name.lower())
    rest = names[0][len(log.stem) :]
    is_named = names[0].startswith(log.stem.lower()) and not rest[:1].isalnum()
    is_named = is_named or names[1] == log.stem.lower()
    rank = (
        is_named,
        _PLAIN.fullmatch(photo.stem) is not None,
        here in (folder, folder.parent),
    )
    return _Series(rank, folder, "" if is_named else _NUMBER.sub("", names[0]))


def _beside(photo: Path, srt_files: Callable[[Path], Sequence[Path]]) -> Path | None:
    """The log of the video that a frame was taken from, beside it or in the folder above."""
    folder = photo.absolute().parent
    here, above = srt_files(folder), srt_files(folder.parent)
    for log in sorted((*here, *above), key=lambda log: -len(log.stem)):  # DJI_1_2 before DJI_1
        rest = photo.stem[len(log.stem) :]
        is_named = photo.stem.lower().startswith(log.stem.lower()) and not rest[:1].isalnum()
        if is_named and _NUMBER.search(rest):
            return log
    if not _PLAIN.fullmatch(photo.stem):
        return None
    if named := [log for log in (*here, *above) if log.stem.lower() == folder.name.lower()]:
        return named[0]
    return here[0] if len(here) == 1 else None


def _looks_sampled(numbers: Sequence[int], n_frames: int) -> bool:
    """Whether they run from 0 or 1 without gaps, and end long before the video does."""
    found = sorted(set(numbers))
    is_run = len(found) >= 3 and found[0] in (0, 1) and found[-1] - found[0] == len(found) - 1
    return is_run and found[-1] < 0.9 * n_frames


def _with_field_of_view(stated: PhotoMetadata, photo: Path) -> PhotoMetadata:
    if stated.focal_35mm is None:
        return stated
    try:
        with open_image(photo) as image:
            size = ImageSize(image.height, image.width)
    except PhotoError:
        size = _WIDE
    return replace(stated, hfov_deg=hfov_of_equivalent(stated.focal_35mm, size))
