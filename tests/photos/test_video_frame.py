from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import MetadataError
from geoloc.photos.video_frame import FrameLogs, FrameName, is_flight_log, parse_frame_name
from tests.fixtures.flight_logs import MAVIC_PRO, MINI_3, climbing, write_log
from tests.fixtures.photos import write_photo


def height_m(logs: FrameLogs, photo: Path) -> float | None:
    """Height in the log, which counts frames from 100 on."""
    found = logs.match(photo)
    return None if found is None else found.rel_alt_m


@pytest.mark.parametrize(
    ("stem", "number", "rate_hz"),
    [
        ("DJI_0001_000123", 123, None),
        ("DJI_0001-frame123", 123, None),
        ("DJI_0001_2fps_0012", 12, 2.0),
        ("dji_0001_29.97fps_12", 12, 29.97),
        ("frame_0012", 12, None),
        ("0012", 12, None),
    ],
)
def test_a_name_says_its_number_and_its_rate(stem, number, rate_hz):
    assert parse_frame_name(stem, video="DJI_0001") == FrameName(number, rate_hz)


def test_the_videos_own_number_is_no_number_of_a_frame():
    assert parse_frame_name("DJI_0001", video="DJI_0001") is None
    assert parse_frame_name("DJI_0001_cover", video="DJI_0001") is None


def test_a_number_counts_the_videos_frames(tmp_path):
    climbing(tmp_path / "DJI_0001.SRT")
    assert height_m(FrameLogs(), tmp_path / "DJI_0001_000120.jpg") == 220


def test_at_a_stated_rate_a_number_counts_the_frames_taken(tmp_path):
    climbing(tmp_path / "DJI_0001.SRT")
    # The fourth of two a second stands for 1.5 to 2 s: its middle is the 53rd frame of thirty.
    assert height_m(FrameLogs(), tmp_path / "DJI_0001_2fps_0004.jpg") == 153
    assert height_m(FrameLogs(rate_hz=2), tmp_path / "DJI_0001_0004.jpg") == 153


def test_at_the_videos_own_rate_both_ways_of_counting_agree(tmp_path):
    climbing(tmp_path / "DJI_0001.SRT")
    frame = tmp_path / "DJI_0001_000120.jpg"
    assert height_m(FrameLogs(rate_hz=30), frame) == height_m(FrameLogs(), frame)


@pytest.mark.parametrize(
    ("log", "frame", "is_its"),
    [
        ("DJI_0001.SRT", "DJI_0001_12.jpg", True),
        ("DJI_0001.srt", "dji_0001_12.JPG", True),
        ("DJI_0001.SRT", "frame_12.jpg", True),
        ("DJI_0001.SRT", "frames/DJI_0001_12.jpg", True),
        ("DJI_0001.SRT", "DJI_0001/frame_12.jpg", True),
        ("DJI_0001.SRT", "frames/frame_12.jpg", False),
        ("DJI_0001.SRT", "DJI_0042.JPG", False),
        ("DJI_0001.SRT", "DJI_0001.JPG", False),
        ("DJI_0001.SRT", "DJI_00012.JPG", False),
        ("DJI_0001.SRT", "IMG_0012.jpg", False),
    ],
)
def test_a_log_belongs_to_the_frames_of_its_video_only(tmp_path, log, frame, is_its):
    climbing(tmp_path / log)
    (tmp_path / frame).parent.mkdir(exist_ok=True)
    assert (height_m(FrameLogs(), tmp_path / frame) == 112) is is_its


def test_the_longest_name_wins_and_two_logs_leave_plain_frames_alone(tmp_path):
    climbing(tmp_path / "DJI_1.SRT", 50)
    climbing(tmp_path / "DJI_1_2.SRT", 300)
    assert height_m(FrameLogs(), tmp_path / "DJI_1_2_200.jpg") == 300
    assert FrameLogs().match(tmp_path / "frame_12.jpg") is None


def test_a_log_that_is_given_tells_of_every_frame_wherever_it_lies(tmp_path):
    log = climbing(tmp_path / "flight.SRT")
    assert height_m(FrameLogs(log), tmp_path / "else" / "IMG_0012.jpg") == 112


def test_the_field_of_view_follows_the_shape_of_the_frame(tmp_path):
    write_log(tmp_path / "a.SRT", [MINI_3] * 30)
    for name, shape in (("a_1.jpg", (90, 160, 3)), ("a_2.jpg", (160, 90, 3))):
        write_photo(tmp_path / name, pixels=np.zeros(shape, np.uint8))
    wide, upright = (FrameLogs().match(tmp_path / f"a_{n}.jpg").hfov_deg for n in (1, 2))
    # 48 mm: a video is as wide as the 4:3 photo of the same lens, 34.6 mm of 36 x 24.
    assert wide == pytest.approx(2 * math.degrees(math.atan(34.61 / 2 / 48)), abs=0.01)
    assert math.tan(math.radians(upright / 2)) == pytest.approx(
        9 / 16 * math.tan(math.radians(wide / 2))
    )
    assert FrameLogs().match(tmp_path / "a_3.jpg").hfov_deg == wide  # not there: taken as wide


def test_frames_without_gaps_at_the_beginning_of_a_log_raise_a_doubt(tmp_path):
    climbing(tmp_path / "DJI_0001.SRT")
    frames = [tmp_path / f"DJI_0001_{n:04d}.jpg" for n in range(1, 11)]
    notes = FrameLogs().settle(frames)
    assert len(notes) == 1
    assert "taken for the first of its 300" in notes[0]
    assert "--frame-rate" in notes[0]
    assert FrameLogs(rate_hz=1).settle(frames) == []
    assert FrameLogs().settle(frames[::3]) == []


def test_a_log_of_seconds_asks_for_the_rate(tmp_path):
    write_log(tmp_path / "DJI_0001.SRT", [MAVIC_PRO] * 20, rate_hz=1)
    frames = [tmp_path / f"DJI_0001_{n:04d}.jpg" for n in range(1, 4)]
    assert FrameLogs().match(frames[0]) is None
    assert any("--frame-rate" in note for note in FrameLogs().settle(frames))
    assert FrameLogs(rate_hz=1).match(frames[2]).rel_alt_m == 91.2


def test_frames_that_the_log_does_not_cover_are_counted(tmp_path):
    climbing(tmp_path / "DJI_0001.SRT")
    frames = [tmp_path / f"DJI_0001_{n}.jpg" for n in (10, 9000, 9001)]
    assert FrameLogs().settle(frames) == ["DJI_0001.SRT says nothing of 2 of 3 frames"]


def test_a_broken_log_beside_frames_is_a_note_and_a_broken_one_given_an_error(tmp_path):
    broken = tmp_path / "DJI_0001.SRT"
    broken.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello.\n")
    frame = tmp_path / "DJI_0001_12.jpg"
    assert FrameLogs().match(frame) is None
    notes = FrameLogs().settle([frame, frame])
    assert len(notes) == 1
    assert notes[0].startswith("not used: ")
    with pytest.raises(MetadataError, match="none of its 1 subtitles tells of a flight"):
        FrameLogs(broken)


def test_a_rate_without_a_log_is_said_to_be_of_no_use(tmp_path):
    assert "not used" in FrameLogs(rate_hz=2).settle([tmp_path / "DJI_0001_12.jpg"])[0]


def test_flight_logs_are_known_by_their_extension():
    assert is_flight_log("DJI_0001.SRT")
    assert not is_flight_log("drone.csv")


def two_series(folder: Path, log: str, *names: str) -> list[Path]:
    """Frames 12 of several series, and the log of one video."""
    climbing(write_parents(folder / log))
    return [write_parents(folder / name) for name in names]


def write_parents(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize(
    ("log", "winner", "loser"),
    [
        ("v/DJI_1.SRT", "v/DJI_1_12.jpg", "w/DJI_1_12.jpg"),  # beside its log
        ("DJI_1.SRT", "x/DJI_1/frame_12.jpg", "x/DJI_2/frame_12.jpg"),  # a folder of its name
        ("DJI_1.SRT", "x/DJI_1_12.jpg", "x/DJI_12.JPG"),  # called after the video
        ("log.SRT", "x/frame_12.jpg", "x/DJI_12.JPG"),  # called as frames are
    ],
)
def test_of_two_frames_of_one_number_the_log_is_that_of_the_video_s(tmp_path, log, winner, loser):
    frames = two_series(tmp_path, log, winner, loser)
    logs = FrameLogs(tmp_path / log)
    (note,) = logs.settle(frames)
    assert "not used for 1 frames whose numbers others have too" in note
    assert [height_m(logs, frame) for frame in frames] == [112, None]


def test_a_given_log_that_fits_two_series_alike_is_refused(tmp_path):
    frames = two_series(tmp_path, "DJI_1.SRT", "v/DJI_1_12.jpg", "w/DJI_1_12.jpg")
    with pytest.raises(MetadataError, match=r"frame 12 fits .*v.DJI_1_12.* and .*w.DJI_1_12"):
        FrameLogs(tmp_path / "DJI_1.SRT").settle(frames)


def test_a_log_that_lies_there_and_fits_two_series_alike_is_not_used(tmp_path):
    frames = two_series(tmp_path, "DJI_1.SRT", "v/DJI_1_12.jpg", "w/DJI_1_12.jpg")
    logs = FrameLogs()
    (note,) = logs.settle(frames)
    assert "not used for 2 frames" in note
    assert [height_m(logs, frame) for frame in frames] == [None, None]


def test_series_of_other_numbers_and_copies_beside_each_other_share_a_log(tmp_path):
    names = ("v/DJI_1_12.jpg", "v/DJI_1_12.png", "v/DJI_1_small_12.jpg", "w/DJI_1_13.jpg")
    frames = two_series(tmp_path, "DJI_1.SRT", *names)
    logs = FrameLogs(tmp_path / "DJI_1.SRT")
    assert logs.settle(frames) == []
    assert [height_m(logs, frame) for frame in frames] == [112, 112, 112, 113]
