from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.errors import MetadataError
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.srt import FlightLog, read_flight_log
from tests.fixtures.flight_logs import (
    AIR_2S,
    MATRICE_300,
    MAVIC_MINI,
    MAVIC_PRO,
    MINI_3,
    PHANTOM_4_RTK,
    climbing,
    log,
    mavic_3,
    write_log,
)


def read(folder: Path, content: str | bytes) -> FlightLog:
    path = folder / "DJI_0001.SRT"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_flight_log(path)


def parsed(folder: Path, text: str) -> PhotoMetadata:
    return read(folder, log([text])).subtitles[0].metadata


def test_brackets_with_a_gimbal_are_read(tmp_path):
    found = parsed(tmp_path, mavic_3(1))
    assert (found.lon, found.lat) == (120.720208, 24.262132)
    assert (found.rel_alt_m, found.altitude_m) == (55.2, 283.9)
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == (352.5, -45.0, 0.0)
    assert (found.focal_35mm, found.hfov_deg) == (24.0, None)
    assert found.timestamp == "2024-08-31T16:22:01.033"
    assert found.yaw_source == "flight log, gimbal"


def test_tenths_of_millimetres_and_digital_zoom_make_the_focal_length(tmp_path):
    found = parsed(tmp_path, MINI_3)
    assert found.focal_35mm == 48.0  # 24.0 mm, twice enlarged
    assert (found.lon, found.lat) == (-1.775009, 53.578046)
    assert (found.rel_alt_m, found.altitude_m) == (34.6, 137.305)
    assert found.yaw_deg is None


def test_a_plain_altitude_is_no_height_above_ground(tmp_path):
    found = parsed(tmp_path, AIR_2S)
    assert (found.altitude_m, found.rel_alt_m) == (117.0, None)
    assert (found.lon, found.lat) == (2.234156, 41.424724)
    assert found.timestamp == "2022-08-07T13:40:40.774"


def test_the_barometer_of_old_drones_is_the_height_above_take_off(tmp_path):
    found = parsed(tmp_path, MAVIC_PRO)
    assert (found.lon, found.lat) == (149.0251, -20.2533)
    assert (found.rel_alt_m, found.altitude_m) == (91.2, None)  # 16 is a count of satellites
    assert found.timestamp == "2017-08-05T14:11:51"


def test_a_unit_after_the_third_number_says_that_the_latitude_comes_first(tmp_path):
    flight = read(tmp_path, log([MATRICE_300], rate_hz=1))
    found = flight.subtitles[0].metadata
    assert (found.lon, found.lat, found.rel_alt_m) == (-6.112, 36.6146, 79.8)
    assert "latitude first" in flight.notes[0]


def test_a_number_beyond_90_is_the_longitude_wherever_it_stands(tmp_path):
    text = "GPS(39.906217,116.391305,69.800) BAROMETER(91.2) HOME(39.9,116.4) D=5.2m H=31.5m"
    found = parsed(tmp_path, text)
    assert (found.lon, found.lat) == (116.391305, 39.906217)
    assert found.rel_alt_m == 31.5  # the barometer's may be above the sea


def test_one_line_logs_give_the_height_but_not_the_speed(tmp_path):
    found = parsed(tmp_path, MAVIC_MINI)
    assert (found.lon, found.lat, found.rel_alt_m) == (-82.6669, 27.7716, 41.5)


def test_the_gimbals_angles_come_before_the_airframes(tmp_path):
    found = parsed(tmp_path, PHANTOM_4_RTK)
    assert (found.pitch_deg, found.roll_deg, found.yaw_deg) == (-40.0, 0.5, 18.2)
    assert (found.lon, found.lat, found.rel_alt_m) == (120.083799, 30.213635, 76.19)


def test_the_airframe_gives_its_yaw_only_and_is_named(tmp_path):
    found = parsed(tmp_path, PHANTOM_4_RTK.replace("G.PRY (-40.0°, 0.5°, 18.2°)", "G.PRY (0,0,0)"))
    assert (found.pitch_deg, found.roll_deg, found.yaw_deg) == (None, None, 28.3)
    assert found.yaw_source == "flight log, airframe"


def test_what_cannot_be_true_says_nothing(tmp_path):
    text = "[latitude: 0.0] [longitude: 0.0] [rel_alt: -0.3 abs_alt: 12.0] [gb_yaw: 900]"
    found = parsed(tmp_path, text)
    assert found == PhotoMetadata(altitude_m=12.0)


def test_times_choose_the_subtitle_that_covers_them(tmp_path):
    flight = read_flight_log(climbing(tmp_path / "a.SRT"))
    assert flight.has_every_frame
    assert flight.at(0.0).rel_alt_m == 101
    assert flight.at(2.01).rel_alt_m == 161
    assert flight.at(10.5).rel_alt_m == 400  # the last one, a moment ago
    assert flight.at(60.0) is None


def test_a_log_of_seconds_tells_times_but_no_frames(tmp_path):
    texts = [MAVIC_PRO.replace("91.2", str(10 + n)) for n in range(20)]
    flight = read_flight_log(write_log(tmp_path / "a.SRT", texts, rate_hz=1))
    assert not flight.has_every_frame
    assert flight.of_frame(3) is None
    assert flight.at(12.7).rel_alt_m == 22


def test_a_log_that_begins_a_second_late_covers_the_first_second(tmp_path):
    content = f"1\n00:00:01,000 --> 00:00:02,000\n{MAVIC_PRO}\n"
    assert read(tmp_path, content).at(0.5).rel_alt_m == 91.2


def test_frames_are_found_by_their_count_where_subtitles_are_missing(tmp_path):
    path = climbing(tmp_path / "a.SRT", 300)
    blocks = path.read_text().split("\n\n")
    path.write_text("\n\n".join(blocks[:100] + blocks[110:]))
    flight = read_flight_log(path)
    assert flight.of_frame(200).rel_alt_m == 300
    assert flight.of_frame(104).rel_alt_m == 200  # the nearest that is left
    assert flight.of_frame(0).rel_alt_m == 101
    assert flight.of_frame(400) is None


@pytest.mark.parametrize(
    ("damage", "with_what"),
    [
        ("00:00:00,100 --> 00:00:00,133", "00:00:00,1"),
        ("00:00:00,100 --> 00:00:00,133", "00:00:09,100 --> 00:00:00,133"),
        ("height 104", "nothing at all"),
    ],
)
def test_a_bad_subtitle_is_skipped_and_counted_with_its_line(tmp_path, damage, with_what):
    texts = [f"[rel_alt: {100 + n}]" for n in range(1, 11)]
    texts[3] = "height 104" if damage.startswith("height") else texts[3]
    flight = read(tmp_path, log(texts).replace(damage, with_what))
    heights = [each.metadata.rel_alt_m for each in flight.subtitles]
    assert heights == [101, 102, 103, 105, 106, 107, 108, 109, 110]
    assert flight.notes == (
        "DJI_0001.SRT: 1 of 10 subtitles cannot be read and are skipped (the first on line 13)",
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n\n", "\n"),  # no empty lines
        lambda text: text.replace("</font>", "\n\n</font>"),  # one too many
        lambda text: text.encode("utf-16"),
    ],
    ids=["windows", "byte-order mark", "no empty lines", "inner empty lines", "utf-16"],
)
def test_line_ends_and_encodings_make_no_difference(tmp_path, change):
    plain = log([mavic_3(n) for n in range(1, 6)])
    expected = read(tmp_path, plain)
    assert read(tmp_path, change(plain)) == expected
    assert len(expected.subtitles) == 5


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "no subtitle tells of a flight"),
        (log(["Hello.", "[laughs] It's 12:30"]), "none of its 2 subtitles tells of a flight"),
        (log(["[latitude: 0.0] [longitude: 0.0]"]), "none of its 1 subtitles tells"),
        (b"\x00\x01\x02garbage" * 50, "no subtitle tells of a flight"),
    ],
)
def test_what_is_no_flight_log_is_refused_in_one_line(tmp_path, content, complaint):
    with pytest.raises(MetadataError) as refused:
        read(tmp_path, content)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.path == tmp_path / "DJI_0001.SRT"


def test_a_missing_log_is_refused(tmp_path):
    with pytest.raises(MetadataError, match=r"No such file.*flight log \(\.SRT\) was expected"):
        read_flight_log(tmp_path / "nowhere.SRT")


@given(content=st.text(alphabet="1\n0:,->GPS(.)[]latiude rFnCHm-", max_size=300))
def test_garbage_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "garbage.srt"
    path.write_text(log([mavic_3(1)]) + content)
    assert read_flight_log(path).subtitles[0].metadata.lat == 24.262132
