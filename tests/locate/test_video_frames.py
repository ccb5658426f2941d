"""Frames of a video reach the search with what their flight log says."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from geoloc.errors import MetadataError
from geoloc.locate.job import locate_photos
from geoloc.options import LocateOptions
from tests.fixtures.flight_logs import mavic_3, write_log
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.search import SearchWorld

# A frame taken 2 m above the ground is a street photo: the search is over before it begins.
LOW = [mavic_3(n, height_m=100.0 if n < 10 else 2.0) for n in range(1, 40)]


@pytest.fixture
def frame(search_world: SearchWorld, tmp_path: Path) -> Path:
    """Frame 20 of a video. It shows nothing: where it was taken is not asked here."""
    photo = search_world.photos[0]
    path = tmp_path / f"DJI_0001_000020{photo.suffix}"
    with Image.open(photo) as picture:
        blank = Image.new(picture.mode, picture.size, "grey")
        blank.save(path, exif=picture.info["exif"], xmp=picture.info["xmp"])
    return path


def test_a_log_beside_a_frame_is_found_and_used(search_world: SearchWorld, frame: Path) -> None:
    log = write_log(frame.with_name("DJI_0001.SRT"), LOW)
    result = next(locate_photos([frame], search_world.index))
    assert result.view == "street"
    assert (result.exif_lon, result.altitude) == (120.720208, 283.9)
    assert result.timestamp == "2024-08-31T16:22:01.033"
    log.unlink()
    assert next(locate_photos([frame], search_world.index)).view == "drone"


@pytest.mark.slow
def test_a_log_that_is_named_is_used_at_the_rate_that_is_stated(
    search_world: SearchWorld, frame: Path, tmp_path: Path
) -> None:
    named = write_log(tmp_path / "flight.SRT", LOW)
    options = LocateOptions(metadata=str(named), frame_rate_hz=30)
    assert next(locate_photos([frame], search_world.index, options)).view == "street"
    # Twentieth of a hundred a second: 0.2 s, when the drone was still high.
    options = LocateOptions(metadata=str(named), frame_rate_hz=100)
    assert next(locate_photos([frame], search_world.index, options)).view == "drone"


@pytest.mark.slow
def test_a_table_has_the_last_word(search_world: SearchWorld, frame: Path, tmp_path: Path) -> None:
    write_log(frame.with_name("DJI_0001.SRT"), LOW)
    table = tmp_path / "said.csv"
    table.write_text(f"photo,rel_alt_m\n{frame.name},100\n")
    result = next(locate_photos([frame], search_world.index, LocateOptions(metadata=str(table))))
    assert result.view == "drone"
    assert result.altitude == 283.9


def test_what_is_odd_about_a_log_is_told_before_the_first_frame(
    search_world: SearchWorld, frame: Path
) -> None:
    frame.with_name("DJI_0001.SRT").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello.\n")
    progress = RecordedProgress()
    locate_photos([frame], search_world.index, progress=progress)
    assert any("tells of a flight" in warning for warning in progress.warnings)


def test_a_named_log_that_tells_nothing_is_an_error(
    search_world: SearchWorld, tmp_path: Path
) -> None:
    broken = tmp_path / "flight.SRT"
    broken.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello.\n")
    with pytest.raises(MetadataError, match="tells of a flight"):
        locate_photos([], search_world.index, LocateOptions(metadata=str(broken)))
