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

# So many entries of a table that match no photo are named; the others are counted.
_NAMED_ENTRIES = 3


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

    def complete(self, photo: Path, from_photo: PhotoMetadata) -> PhotoMetadata:
        """All that is known of a photo.

        Args:
            photo: The photo's path.
            from_photo: What its file states.
        """
        metadata = from_photo
        row = None if self._table is None else self._table.match(photo)
        for stated in (self._logs.match(photo), row):
            metadata = metadata if stated is None else merge(metadata, stated)
        return metadata

    def notes_on(self, photos: Sequence[Path]) -> list[str]:
        """What failed or may be meant otherwise, for these photos, one sentence each."""
        notes = self._logs.notes_on(photos)
        if self._table is None:
            return notes
        notes += self._table.notes
        if unmatched := self._table.unmatched(photos):
            more = ", ..." if len(unmatched) > _NAMED_ENTRIES else ""
            named = ", ".join(unmatched[:_NAMED_ENTRIES]) + more
            notes.append(f"{len(unmatched)} rows of the metadata table match no photo: {named}")
        return notes
