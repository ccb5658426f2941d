"""What is known of a photo is the same for all who ask: locate, explain and pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import MetadataError
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.image_size import ImageSize
from geoloc.index.job import build_index
from geoloc.learning.options import PairingOptions
from geoloc.learning.pairing.photos import PlacedPhoto, place_photos
from geoloc.locate.explain.explanation import Explanation
from geoloc.locate.explain.job import explain_photo
from geoloc.locate.job import locate_photos
from geoloc.options import ExplainOptions, LocateOptions
from geoloc.photos.lens_tags import hfov_of_equivalent
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.metadata_sources import MetadataSources
from geoloc.results.schema import PhotoResult
from tests.fixtures.flight_logs import mavic_3, write_log
from tests.fixtures.indexes import options_for, write_map, write_tiles
from tests.fixtures.photos import write_photo
from tests.fixtures.tiny_models import TINY, write_tiny_model

FROM_PHOTO = PhotoMetadata(make="DJI", rel_alt_m=7.0, yaw_deg=90.0, yaw_source="EXIF")


def log_beside(frame: Path, *, height_m: float = 100.0) -> Path:
    """The flight log of a frame ``DJI_0001_...``: at 120.720208, 24.262132, to 352.5, 45 down."""
    path = frame.with_name("DJI_0001.SRT")
    return write_log(path, [mavic_3(n, height_m=height_m) for n in range(1, 40)])


def table(folder: Path, content: str) -> Path:
    path = folder / "drone.csv"
    path.write_text(content)
    return path


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 255, (12, 16, 3), np.uint8).repeat(20, 0).repeat(20, 1)
    return write_photo(tmp_path / "DJI_0001_000020.jpg", pixels=pixels)


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Indexes of one map for drone (``clnet-grid``) and for street photos (``clnet-ring``)."""
    folder = tmp_path_factory.mktemp("indexes")
    tiles = write_tiles(folder / "tiles", write_map(folder / "region.tif", columns=3, rows=3))
    for name in ("clnet-grid", "clnet-ring"):
        model = write_tiny_model(folder / f"model-{name}", TINY[name])
        build_index(tiles, folder / name, options_for(model))
    return folder


def test_a_photo_alone_keeps_what_it_states(frame: Path) -> None:
    assert MetadataSources().complete(frame, FROM_PHOTO) == FROM_PHOTO


def test_a_log_overrides_the_photo_and_a_table_overrides_both(frame: Path) -> None:
    log_beside(frame)
    found = MetadataSources().complete(frame, FROM_PHOTO)
    assert (found.make, found.rel_alt_m, found.yaw_deg) == ("DJI", 100.0, 352.5)
    assert (found.lon, found.lat, found.pitch_deg) == (120.720208, 24.262132, -45.0)
    given = table(frame.parent, f"photo,rel_alt_m\n{frame.name},60\n")
    found = MetadataSources(given).complete(frame, FROM_PHOTO)
    assert (found.make, found.rel_alt_m, found.yaw_deg) == ("DJI", 60.0, 352.5)


def test_a_log_that_is_given_is_read_at_the_rate_that_is_given(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.SRT", [mavic_3(n, height_m=100 + n) for n in range(1, 40)])
    frame = tmp_path / "elsewhere" / "IMG_0003.jpg"
    assert MetadataSources(log).complete(frame, FROM_PHOTO).rel_alt_m == 103
    # The third of ten a second stands for 0.2 to 0.3 s: its middle is the eighth of thirty.
    assert MetadataSources(log, frame_rate_hz=10).complete(frame, FROM_PHOTO).rel_alt_m == 108


def test_notes_name_logs_and_tables_and_rows_that_match_nothing(frame: Path) -> None:
    frame.with_name("DJI_0001.SRT").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello.\n")
    rows = "".join(f"other{n}.jpg,60,\n" for n in range(5))
    given = table(frame.parent, f"photo,rel_alt_m,wind\n{rows}")
    log_note, column_note, row_note = MetadataSources(given).settle([frame])
    assert "tells of a flight" in log_note
    assert column_note.endswith("columns not used: wind")
    assert row_note == (
        "5 rows of the metadata table match no photo: other0.jpg, other1.jpg, other2.jpg, ..."
    )


def test_what_is_given_and_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for name in ("gone.csv", "gone.SRT"):
        with pytest.raises(MetadataError, match=r"gone\.(csv|SRT): No such file"):
            MetadataSources(tmp_path / name)


def _locate(frame: Path, index: Path, given: str | None = None) -> PhotoResult:
    (result,) = locate_photos([frame], index, LocateOptions(metadata=given, device="cpu"))
    return result


def _explain(frame: Path, index: Path, given: str | None = None) -> Explanation:
    return explain_photo(frame, index, ExplainOptions(metadata=given, device="cpu"))


def _place(frame: Path, given: str | None = None) -> PlacedPhoto:
    (placed,) = place_photos([frame], PairingOptions(metadata=given))
    assert isinstance(placed, PlacedPhoto)
    return placed


def test_locate_explain_and_pairs_agree_on_a_low_frame(frame: Path, indexes: Path) -> None:
    """Only the log states that it was taken 2 m above the ground, and where to it looks."""
    log_beside(frame, height_m=2.0)
    located = _locate(frame, indexes / "clnet-ring")
    assert (located.view, located.exif_lon, located.altitude) == ("street", 120.720208, 283.9)
    explained = _explain(frame, indexes / "clnet-ring")
    assert explained.kind == "street"
    assert explained.supposed.startswith("looking to ")
    assert [mark.meaning for mark in explained.marks] == ["own GPS"]
    placed = _place(frame)
    assert placed.kind == "street"
    assert placed.position == (120.720208, 24.262132)
    assert placed.metadata.yaw_deg == 352.5


def test_locate_explain_and_pairs_agree_on_a_high_frame(frame: Path, indexes: Path) -> None:
    log_beside(frame)
    assert _locate(frame, indexes / "clnet-ring").view == "drone"
    explained = _explain(frame, indexes / "clnet-grid")
    assert explained.kind == "drone"
    assert explained.supposed == "from 100 m, heading 352°, 64 m wide"
    placed = _place(frame)
    assert (placed.kind, placed.height_m) == ("drone", 100.0)
    # 45 degrees down from 100 m: the middle lies 100 m ahead.
    camera = LonLat(120.720208, 24.262132)
    assert distance_m(camera, placed.position) == pytest.approx(100, abs=0.1)


def test_a_log_explains_as_a_table_of_the_same_values_does(frame: Path, indexes: Path) -> None:
    hfov_deg = hfov_of_equivalent(24.0, ImageSize(240, 320))
    given = table(
        frame.parent,
        "photo,lon,lat,rel_alt_m,yaw_deg,pitch_deg,roll_deg,hfov_deg\n"
        f"{frame.name},120.720208,24.262132,100,-7.5,-45,0,{hfov_deg!r}\n",
    )
    by_table = _explain(frame, indexes / "clnet-grid", str(given))
    log = log_beside(frame)
    by_log = _explain(frame, indexes / "clnet-grid")
    named = log.rename(log.with_name("flight.SRT"))
    by_named_log = _explain(frame, indexes / "clnet-grid", str(named))
    assert by_log.supposed == by_table.supposed == by_named_log.supposed
    assert by_log.tile_id == by_table.tile_id == by_named_log.tile_id
    assert by_log.cosine == by_table.cosine == by_named_log.cosine


def test_a_row_of_one_name_for_two_folders_ends_a_run_before_it_begins(
    tmp_path: Path, indexes: Path
) -> None:
    photos = [tmp_path / folder / "DJI_0001.JPG" for folder in ("100MEDIA", "101MEDIA")]
    for photo in photos:
        photo.parent.mkdir()
        write_photo(photo)
    given = table(tmp_path, "photo,lon,lat,rel_alt_m\nDJI_0001.JPG,5,50,80\n")
    options = LocateOptions(metadata=str(given), device="cpu")
    with pytest.raises(MetadataError, match=r"100MEDIA.* and .*101MEDIA"):
        list(locate_photos(photos, indexes / "clnet-ring", options))
    with pytest.raises(MetadataError, match=r"100MEDIA.* and .*101MEDIA"):
        list(place_photos(photos, PairingOptions(metadata=str(given))))
    given = table(tmp_path, "photo,lon,lat,rel_alt_m\n101MEDIA/DJI_0001.JPG,5,50,80\n")
    first, second = place_photos(photos, PairingOptions(metadata=str(given)))
    assert not isinstance(first, PlacedPhoto)
    assert isinstance(second, PlacedPhoto)
    assert second.position == (5, 50)
