from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoloc.errors import MetadataError
from geoloc.photos.metadata_csv import MetadataTable, open_table
from tests.fixtures.csv_tables import SPREADSHEET_ENCODINGS, save_as_spreadsheet


def table(folder: Path, content: str | bytes) -> MetadataTable:
    path = folder / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_table(path)


def test_all_columns_are_read(tmp_path):
    found = table(
        tmp_path,
        "photo,lon,lat,rel_alt_m,yaw_deg,pitch_deg,roll_deg,hfov_deg,timestamp\n"
        "a.jpg,35.2,32.1,48,-87.5,-45,0,70,2024-10-30T10:05:15Z\n",
    ).rows["a.jpg"]
    assert (found.lon, found.lat, found.rel_alt_m, found.hfov_deg) == (35.2, 32.1, 48.0, 70.0)
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == (272.5, -45.0, 0.0)
    assert (found.yaw_ref, found.yaw_source) == ("true", "metadata table")
    assert found.timestamp == "2024-10-30T10:05:15+00:00"


def test_blank_cells_say_nothing(tmp_path):
    found = table(tmp_path, "photo,yaw_deg,rel_alt_m\na.jpg,,NaN\n\n,,\nb.jpg,5\n")
    assert found.rows["a.jpg"].yaw_deg is None
    assert found.rows["a.jpg"].rel_alt_m is None
    assert found.rows["b.jpg"].yaw_deg == 5


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffphoto;yaw_deg\r\na.jpg;12,5\r\n".encode(),
        b"photo\tyaw_deg\na.jpg\t12.5\n",
        'Photo , YAW_DEG\n"a.jpg",12.5\n'.encode("utf-16"),
        "photo;yaw_deg;Höhe\na.jpg;12,5;x\n".encode("latin-1"),
    ],
)
def test_spreadsheet_dialects_are_understood(tmp_path, content):
    assert table(tmp_path, content).rows["a.jpg"].yaw_deg == 12.5


def test_unknown_columns_are_noted_and_never_taken_for_a_position(tmp_path):
    found = table(tmp_path, "photo,camera_lon,camera_lat,yaw_deg\na.jpg,35,32,1\n")
    assert found.rows["a.jpg"].lon is None
    assert "camera_lon, camera_lat" in found.notes[0]


@pytest.mark.parametrize(
    "key",
    [
        "/set/one/DJI_1.JPG",
        "one/DJI_1.JPG",
        "./one/dji_1.jpg",
        "DJI_1.JPG",
        "DJI_1",
        "x\\DJI_1.JPG",
    ],
)
def test_photos_are_matched_by_path_name_or_stem(tmp_path, key):
    found = table(tmp_path, f"photo,yaw_deg\n{key},12\n")
    assert found.match("/set/one/DJI_1.JPG") is not None
    assert found.match("/set/one/DJI_11.JPG") is None


def test_the_longest_common_path_decides_between_equal_names(tmp_path):
    found = table(tmp_path, "photo,yaw_deg\na/1.jpg,1\nb/1.jpg,2\n")
    assert found.match("/set/b/1.jpg").yaw_deg == 2
    assert found.match("/set/c/1.jpg") is None


def test_rows_without_a_photo_are_listed(tmp_path):
    found = table(tmp_path, "photo,yaw_deg\na.jpg,1\nb.jpg,2\n")
    (note,) = found.notes_on(["/set/a.jpg"])
    assert note == "1 rows of the metadata table match no photo: b.jpg"


@pytest.mark.parametrize(
    ("written", "lon"), [("200.25", -159.75), ("-200.5", 159.5), ("180", -180), ("-180", -180)]
)
def test_longitudes_counted_from_0_to_360_are_turned(tmp_path, written, lon):
    found = table(tmp_path, f"photo,lon,lat\na.jpg,{written},-17.5\n").rows["a.jpg"]
    assert (found.lon, found.lat) == (lon, -17.5)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("photo,yaw_deg\na.jpg,1\nA.jpg,2\n", "line 3 says the same photo as line 2"),
        ("photo,yaw_deg\n,1\n", "line 2 names no photo"),
        ("photo,yaw_deg\na.jpg,north\n", "line 2: yaw_deg is 'north'"),
        ("photo,pitch_deg\na.jpg,1\nb.jpg,-200\n", "line 3: pitch_deg is '-200'"),
        ("photo,rel_alt_m\na.jpg,50000\n", "rel_alt_m is '50000'"),
        ("photo,lon,lat\na.jpg,24.2,120.7\n", "lat is '120.7', a number from -90 to 90 was"),
        ("photo,lon,lat\na.jpg,24.2,120.7\n", "are lon and lat swapped?"),
        ("photo,lon,lat\na.jpg,-17.5,200.25\n", "are lon and lat swapped?"),
        ("photo,lon,lat\na.jpg,360.5,5\n", "lon is '360.5', a number from -360 to 360 was"),
        ("photo,Yaw_deg,yaw_deg \na.jpg,1,2\n", "two columns yaw_deg"),
        ("photo,timestamp\na.jpg,yesterday\n", "timestamp is 'yesterday'"),
        ("photo,yaw_deg\na.jpg,12,5\n", "3 cells for 2 columns"),
        ("photo,lon\na.jpg,5\n", "only one of the columns lon and lat"),
        ("photo,lon,lat\na.jpg,5,\n", "only one of lon and lat"),
        ("photo,yaw_deg,yaw_deg\n", "two columns yaw_deg"),
        ("name,yaw_deg\na.jpg,1\n", "must name the column photo"),
        ("photo,camera_lon\n", "must name the column photo and any of"),
        ("", "it names nothing"),
    ],
)
def test_nonsense_is_refused_in_one_line_with_its_place(tmp_path, content, complaint):
    with pytest.raises(MetadataError) as refused:
        table(tmp_path, content)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.path == tmp_path / "table.csv"


def test_missing_table_is_refused(tmp_path):
    with pytest.raises(MetadataError, match="No such file"):
        open_table(tmp_path / "nowhere.csv")


@given(content=st.binary(max_size=200))
def test_garbage_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "garbage.csv"
    path.write_bytes(b"photo,yaw_deg\n" + content)
    try:
        open_table(path)
    except MetadataError as error:
        refused = str(error)
        assert refused


def test_exif_dates_are_taken_as_iso(tmp_path):
    found = table(tmp_path, "photo,timestamp\na.jpg,2024:10:30 10:05:15\n")
    assert found.rows["a.jpg"].timestamp == "2024-10-30T10:05:15"


@pytest.mark.shared
def test_truth_of_a_real_video_gives_altitude_and_yaw_but_no_position(shared_data):
    found = open_table(shared_data / "ariel" / "truth.csv")
    row = found.match(shared_data / "ariel" / "photos" / "frame_000240.jpg")
    assert row is not None
    assert (row.lon, row.lat) == (None, None)
    assert row.rel_alt_m == 48.0
    assert row.yaw_deg == pytest.approx(272.816, abs=1e-3)


@pytest.mark.parametrize("encoding", SPREADSHEET_ENCODINGS)
def test_a_table_saved_by_a_german_spreadsheet_is_read_right(tmp_path, encoding):
    path = tmp_path / "drone.csv"
    path.write_text("photo,lon,lat,rel_alt_m,yaw_deg\na.jpg,13.405,52.52,80.5,-90.25\n")
    found = open_table(save_as_spreadsheet(path, encoding=encoding)).rows["a.jpg"]
    assert (found.lon, found.lat, found.rel_alt_m, found.yaw_deg) == (13.405, 52.52, 80.5, 269.75)


@pytest.mark.parametrize("height", ["0", "-3.5", "0.0", "-9999", "0,05"])
def test_a_height_that_is_none_above_ground_is_ignored_and_told(tmp_path, height):
    found = table(tmp_path, f"photo;rel_alt_m;yaw_deg\na.jpg;{height};5\nb.jpg;80;6\n")
    assert (found.rows["a.jpg"].rel_alt_m, found.rows["a.jpg"].yaw_deg) == (None, 5)
    assert found.rows["b.jpg"].rel_alt_m == 80
    assert found.notes[0].endswith("no height above ground: ignored, in 1 rows: a.jpg")


def test_a_position_without_a_fix_is_ignored_and_told(tmp_path):
    found = table(tmp_path, "photo,lon,lat,yaw_deg\na.jpg,0,0.0,5\nb.jpg,0,51.5,6\n")
    assert (found.rows["a.jpg"].lon, found.rows["a.jpg"].lat) == (None, None)
    assert (found.rows["b.jpg"].lon, found.rows["b.jpg"].lat) == (0, 51.5)
    assert "without a fix" in found.notes[0]


@pytest.mark.parametrize("cell", ["NaN", "inf", "-inf", "#N/A", "null", ""])
def test_words_for_nothing_state_nothing(tmp_path, cell):
    found = table(tmp_path, f"photo,rel_alt_m,timestamp,lon,lat\na.jpg,{cell},{cell},5,6\n")
    assert (found.rows["a.jpg"].rel_alt_m, found.rows["a.jpg"].timestamp) == (None, None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-10-30T10:05:15", "2024-10-30T10:05:15"),
        ("2024:10:30T10:05:15", "2024-10-30T10:05:15"),
        ("2024:10:30T10:05:15Z", "2024-10-30T10:05:15+00:00"),
        ("2024-10-30 10:05:15 +08:00", "2024-10-30T10:05:15+08:00"),
        ("2024/10/30 10:05:15.250", "2024-10-30T10:05:15.250000"),
        ("0000:00:00 00:00:00", None),
        ("0000-00-00T00:00:00Z", None),
    ],
)
def test_times_are_read_with_a_blank_or_a_t_and_with_a_zone(tmp_path, written, expected):
    assert table(tmp_path, f"photo,timestamp\na,{written}\n").rows["a"].timestamp == expected


def test_a_row_that_fits_two_photos_is_refused_with_all_names(tmp_path):
    found = table(tmp_path, "photo,rel_alt_m\nDJI_0001.JPG,80\nDJI_0002.JPG,90\n")
    photos = [f"/s/{folder}/DJI_000{n}.JPG" for folder in ("100MEDIA", "101MEDIA") for n in (1, 2)]
    with pytest.raises(MetadataError) as refused:
        found.entries_of(photos)
    assert str(refused.value) == (
        f"{tmp_path / 'table.csv'}: DJI_0001.JPG fits /s/100MEDIA/DJI_0001.JPG and "
        "/s/101MEDIA/DJI_0001.JPG, and 1 more rows fit several photos; give more of the path in "
        "the column photo"
    )
    assert found.entries_of(photos[:2]) == {photos[0]: "DJI_0001.JPG", photos[1]: "DJI_0002.JPG"}


def test_a_row_of_another_folder_and_rows_that_fit_alike_are_told(tmp_path):
    found = table(tmp_path, "photo,rel_alt_m\nx/1.jpg,80\na/2.jpg,90\nb/2.jpg,70\n")
    notes = found.notes_on(["/s/c/1.jpg", "/s/c/2.jpg"])
    assert any(note.endswith("which takes them: x/1.jpg for /s/c/1.jpg") for note in notes)
    assert any(note.endswith("/s/c/2.jpg (a/2.jpg and b/2.jpg)") for note in notes)


def test_a_row_that_is_there_twice_is_read_once(tmp_path):
    found = table(tmp_path, "photo,yaw_deg\na.jpg,1\nb.jpg,2\nA.jpg,1.0\n")
    assert list(found.rows) == ["a.jpg", "b.jpg"]


def test_a_row_means_a_link_by_its_own_name_and_by_what_it_leads_to(tmp_path):
    (tmp_path / "7f.jpg").touch()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "7f.jpg")
    for name in ("link.jpg", "7f.jpg"):
        assert table(tmp_path, f"photo,yaw_deg\n{name},12\n").match(tmp_path / "link.jpg")
