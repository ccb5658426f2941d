"""Whether photos are located in tracks, and those that the user names in the table of metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from geoloc.csv_table import TableError, is_blank, read_table
from geoloc.errors import OptionError
from geoloc.options import LocateOptions
from geoloc.photo_name import match_names
from geoloc.photos.video_frame import is_flight_log

AUTO, NONE = "auto", "none"


def are_in_tracks(options: LocateOptions) -> bool:
    """Whether photos of one flight or walk are located together.

    What a track adds no calibration has seen, so that nobody who asks for a promise gets tracks
    without having asked for them, too.
    """
    is_promised = options.max_wrong is not None
    return options.track != NONE and not (options.track == AUTO and is_promised)


def track_names(options: LocateOptions, photos: Sequence[Path]) -> Mapping[Path, str] | None:
    """The track of each photo that the table names one for; None where tracks are found out.

    Raises:
        OptionError: There is no such column.
    """
    if options.track in (AUTO, NONE):
        return None
    column, file = options.track.strip().lower(), options.metadata
    if not file or is_flight_log(file):
        raise OptionError(
            f"--track {options.track} names a column of a table of metadata, and there is none; "
            f"expected {AUTO} or {NONE}, or give the table with --metadata FILE.csv"
        )
    try:
        table = read_table(Path(file))
    except TableError as error:
        raise OptionError(f"{file}: {error}; a CSV of metadata was expected") from error
    if column not in table.columns or "photo" not in table.columns:
        raise OptionError(
            f"{file} has no column {options.track}, which --track names; expected one of "
            f"{', '.join(table.columns)}, {AUTO} or {NONE}"
        )
    cells = [row for _, row in table.rows if not is_blank(row["photo"]) and row[column]]
    matches = match_names([row["photo"] for row in cells], [[str(p.absolute())] for p in photos])
    return {photos[photo]: cells[entry][column] for photo, entry in matches.entry_of.items()}
