"""What decides an answer: the options of a run, its index, and the state of the photo's file.

Each row of the output keeps these, so that a later run knows which photos need not be located
again, and whether its answers may stand beside those that are there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from geoloc.locate.calibration import Calibration
from geoloc.options import LocateOptions
from geoloc.photos.video_frame import FrameLogs, is_flight_log
from geoloc.results.schema import PhotoResult, plain_text
from geoloc.terrain.content import content_of

# They change how fast an answer comes, not which.
_IDLE = ("device", "workers")
# Their content decides.
_FILES = ("metadata", "matcher_weights", "aoi")
# So does that of these, with the files that mosaics are made of.
_RASTERS = ("dem", "dsm")
# Beside them the calibration of the index, which no option names.
_CALIBRATION = "calibration"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PhotoState(NamedTuple):
    """A photo's file, and what is read beside it, as its row keeps them; None where there is none.

    Attributes:
        size_bytes: Size of its file.
        modified: When it was last modified, ISO 8601.
        flight_log: Name and digest of the log beside it.
    """

    size_bytes: int | None
    modified: str | None
    flight_log: str | None


class PhotoStates:
    """States of photos, each flight log read once; safe to use from several threads.

    Args:
        options: Those of the run; where they name a flight log, none beside a photo is used.
    """

    def __init__(self, options: LocateOptions) -> None:
        given = options.metadata is not None and is_flight_log(options.metadata)
        self._logs = None if given else FrameLogs()
        self._names: dict[Path, str] = {}

    def state_of(self, photo: Path) -> PhotoState:
        """The state of a photo now."""
        try:
            stat = photo.stat()
        except OSError:
            return PhotoState(None, None, None)
        modified = _EPOCH + timedelta(milliseconds=stat.st_mtime_ns // 1_000_000)
        return PhotoState(stat.st_size, modified.isoformat(), self._log_of(photo))

    def is_unchanged(self, row: PhotoResult, photo: Path) -> bool:
        """Whether a photo is as it was when its row was made."""
        now, was = self.state_of(photo), _parse_time(row.photo_time)
        return was is not None and (row.photo_size, was, row.flight_log) == (
            now.size_bytes,
            _parse_time(now.modified),
            now.flight_log,
        )

    def _log_of(self, photo: Path) -> str | None:
        path = None if self._logs is None else self._logs.path_beside(photo)
        if path is None:
            return None
        if path not in self._names:
            self._names[path] = plain_text(f"{path.name} ({_digest(path)})")
        return self._names[path]


def _parse_time(text: str | None) -> datetime | None:
    """A time to the millisecond; other programs that save a file write it in their way."""
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if time is None:
        return None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def options_text(options: LocateOptions, *calibrations: Calibration | None) -> str | None:
    """The options that decide answers and differ from the defaults, as JSON; None for none.

    Files are named with a digest of their content: what they state decides, not where they lie.

    Args:
        options: What the user chose.
        calibrations: Those that lie in the index and serve, which decide like options.
    """
    defaults = _defaults()
    chosen = {
        name: _content(value, name) if name in _FILES + _RASTERS else value
        for name, value in asdict(options).items()
        if value != defaults[name] and name not in _IDLE
    }
    if options.prior == "none":
        chosen.pop("prior_radius_m", None)
        chosen.pop("prior_kind", None)
    elif Path(options.prior).is_file():
        chosen["prior"] = _content(options.prior, "prior")
    if options.matcher == "auto":  # not decided yet (`matcher_choice`), so that it decides nothing
        chosen.pop("matcher")
    if served := [f"{one.source} ({one.digest})" for one in calibrations if one is not None]:
        chosen[_CALIBRATION] = ", ".join(served)
    return json.dumps(chosen, sort_keys=True, ensure_ascii=False) if chosen else None


def _defaults() -> dict[str, Any]:
    """What decides where nothing was chosen: no matcher, as a run without the extra has it."""
    return asdict(LocateOptions(matcher="none"))


def _content(files: str | tuple[str, ...] | None, option: str) -> str:
    """The names of an option's files with digests of what they hold."""
    given = (files,) if isinstance(files, str) else files or ()
    if option in _RASTERS:
        return ", ".join(content_of(file) for file in given)
    return ", ".join(f"{Path(file).name} ({_digest(Path(file))})" for file in given)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()[:12]
    except OSError:
        return "missing"  # who opens it says so


def difference(rows: Iterable[PhotoResult], *, index_id: str, options: str | None) -> str | None:
    """Why rows are no answers of a run on an index with these options; None if they are."""
    for row in rows:
        if row.index_id != index_id:
            return f"the index was {row.index_id}, now {index_id}"
        if row.options != options:
            return _options_difference(_chosen(row.options), _chosen(options))
    return None


def _chosen(text: str | None) -> dict[str, Any]:
    try:
        chosen = json.loads(text) if text else {}
    except ValueError:
        return {"options": text}
    return chosen if isinstance(chosen, dict) else {"options": text}


def _options_difference(was: dict[str, Any], now: dict[str, Any]) -> str | None:
    defaults = _defaults()
    for name in sorted({*was, *now}):
        old, new = (chosen.get(name, defaults.get(name)) for chosen in (was, now))
        if old != new:
            if name == _CALIBRATION:
                return f"the index's calibration was {_as_text(old)}, now {_as_text(new)}"
            flag = name.removesuffix("_hz").removesuffix("_m").replace("_", "-")
            return f"--{flag} was {_as_text(old)}, now {_as_text(new)}"
    return None


def _as_text(value: object) -> str:
    return "none" if value in (None, "", [], ()) else str(value)
