"""What is known of a photo from several sources."""

from __future__ import annotations

from geoloc.photos.metadata import PhotoMetadata, merge


def test_table_wins_over_the_photo():
    photo = PhotoMetadata(yaw_deg=1.0, yaw_ref="magnetic", yaw_source="x", lon=5.0, notes=("a",))
    merged = merge(photo, PhotoMetadata(yaw_deg=9.0, hfov_deg=60.0, notes=("b",)))
    assert (merged.yaw_deg, merged.yaw_ref, merged.yaw_source) == (9.0, None, None)
    assert (merged.lon, merged.hfov_deg, merged.notes) == (5.0, 60.0, ("a", "b"))
