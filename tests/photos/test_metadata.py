"""What is known of a photo from several sources."""

from __future__ import annotations

from geoloc.photos.metadata import PhotoMetadata, assumed_height_m, merge


def test_table_wins_over_the_photo():
    photo = PhotoMetadata(yaw_deg=1.0, yaw_ref="magnetic", yaw_source="x", lon=5.0, notes=("a",))
    merged = merge(photo, PhotoMetadata(yaw_deg=9.0, hfov_deg=60.0, notes=("b",)))
    assert (merged.yaw_deg, merged.yaw_ref, merged.yaw_source) == (9.0, None, None)
    assert (merged.lon, merged.hfov_deg, merged.notes) == (5.0, 60.0, ("a", "b"))


def test_the_height_above_take_off_is_taken_for_that_above_the_ground() -> None:
    assert assumed_height_m(PhotoMetadata(rel_alt_m=80.0, altitude_m=330.0)) == 80.0
    assert assumed_height_m(PhotoMetadata(altitude_m=330.0)) is None
    assert assumed_height_m(PhotoMetadata(rel_alt_m=3.0)) is None  # it took off on a roof
