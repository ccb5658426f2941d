"""Metadata sources: EXIF and XMP of a photo, its video's flight log, a CSV table; merged here.

What a photo file states is overridden by the flight log (.SRT) of the video that it is a frame of,
and both by the table. Whoever needs what is known of a photo asks here, so that locating a photo,
explaining it and making pairs of it start from the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from geoloc.photos.metadata import PhotoMetadata, merge
from geoloc.photos.metadata_csv import MetadataTable, open_table
from geoloc.photos.video_frame import FrameLogs, is_flight_log


class MetadataSources:
    """What is known of photos beside their files; safe to use from several threads.

    Args:
        given: A CSV table, or the flight log (.SRT) of all frames; None: only the logs that lie
            beside frames.
        frame_rate_hz: Frames a second at which frames were taken from their video; None: as their
            names state (`geoloc.photos.video_frame`).

    Raises:
        MetadataError: ``given`` cannot be read.
    """

    def __init__(
        self, given: str | Path | None = None, *, frame_rate_hz: float | None = None
    ) -> None:
        is_log = given is not None and is_flight_log(given)
        self._logs = FrameLogs(given if is_log else None, rate_hz=frame_rate_hz)
        self._table: MetadataTable | None = (
            open_table(given) if given is not None and not is_log else None
        )
        self._entries: dict[str | Path, str | None] = {}

    def complete(self, photo: Path, from_photo: PhotoMetadata) -> PhotoMetadata:
        """All that is known of a photo.

        Args:
            photo: The photo's path.
            from_photo: What its file states.
        """
        metadata = from_photo
        for stated in (self._logs.match(photo), self._row_of(photo)):
            metadata = metadata if stated is None else merge(metadata, stated)
        return metadata

    def settle(self, photos: Sequence[Path]) -> list[str]:
        """Decide for all photos of a run which row and which moment of a log is whose.

        One photo at a time, a row that fits two of them would be taken by both.

        Returns:
            What failed or may be meant otherwise, one sentence each.

        Raises:
            MetadataError: A row, or a moment of the log that was given, fits several photos.
        """
        notes = self._logs.settle(photos)
        if self._table is None:
            return notes
        found = self._table.entries_of(photos)
        self._entries = {photo: found.get(photo) for photo in photos}
        return notes + self._table.notes_on(photos)

    def _row_of(self, photo: Path) -> PhotoMetadata | None:
        if self._table is None:
            return None
        if photo not in self._entries:
            return self._table.match(photo)
        entry = self._entries[photo]
        return None if entry is None else self._table.rows[entry]
