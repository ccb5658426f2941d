"""Claims about copies of photos: new metadata, the same pixels, and nothing else touched."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from geoloc.errors import OptionError
from geoloc.export.attitude import body_angles
from geoloc.export.job import export_results
from geoloc.export.report import ExportReport
from geoloc.geometry.camera import Pose, rotation
from geoloc.options import ExportOptions
from geoloc.photos.photo_metadata import read_metadata
from geoloc.photos.xmp import parse_xmp
from tests.fixtures.located import POSITION, located
from tests.fixtures.photos import DJI, exif, gps, write_photo, xmp

GPS = ExifTags.GPS
NOTE = b"Maker\0\0\0" + bytes(range(64))


def _copy(photo: Path, **columns: Any) -> tuple[Path, ExportReport]:
    """The copy of one photo, and the report of it."""
    out = photo.parent / "out"
    report = export_results([located(str(photo), **columns)], "exif", out)
    return out / photo.name, report


def _gps(path: Path) -> dict[int, Any]:
    with Image.open(path) as image:
        return dict(image.getexif().get_ifd(ExifTags.IFD.GPSInfo))


def _scan(jpeg: Path) -> bytes:
    """All of a JPEG from its first scan on."""
    data = jpeg.read_bytes()
    at = 2
    while data[at + 1] != 0xDA:
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return data[at:]


def _chunks(data: bytes, *, big: bool) -> dict[bytes, bytes]:
    """The chunks of a PNG (lengths first) or a WebP (names first)."""
    found, at = {}, 8 if big else 12
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at) if big else (0, b"")
        if not big:
            name, length = struct.unpack_from("<4sI", data, at)
        found[name] = data[at + 8 : at + 8 + length]
        at += 12 + length if big else 8 + length + length % 2
    return found


def _block(order: str) -> bytes:
    """An EXIF block with a maker note that holds an offset from the block's start to itself."""
    o = "<" if order == "II" else ">"
    head = order.encode() + struct.pack(o + "HI", 42, 8)
    main = struct.pack(
        o + "HHHI4sHHIII", 2, 274, 3, 1, struct.pack(o + "HH", 6, 0), 0x8769, 4, 1, 38, 0
    )
    note_at = 38 + 2 + 12 + 4
    note = NOTE + struct.pack(o + "I", note_at)
    photo = struct.pack(o + "HHHIII", 1, 0x927C, 7, len(note), note_at, 0)
    return head + main + photo + note


@pytest.mark.parametrize("order", ["II", "MM"])
def test_a_jpeg_keeps_its_scans_and_its_maker_note_where_it_lay(tmp_path: Path, order: str) -> None:
    block = _block(order)
    photo = write_photo(tmp_path / "a.jpg", exif=b"Exif\0\0" + block)
    copy, report = _copy(photo)
    assert (report.written, report.left_out) == ([copy], {})
    assert _scan(copy) == _scan(photo)
    data = copy.read_bytes()
    start = data.index(b"Exif\0\0") + 6
    at = block.index(NOTE)
    assert data[start + at : start + at + len(NOTE) + 4] == block[at:]
    with Image.open(copy) as image:
        assert image.getexif()[ExifTags.Base.Orientation] == 6
        assert image.getexif().get_ifd(ExifTags.IFD.Exif)[0x927C] == block[at:]


def test_the_gps_directory_states_all_of_it_in_full(tmp_path: Path) -> None:
    copy, _ = _copy(write_photo(tmp_path / "a.jpg"), heading=359.9999, altitude_m=-3.25)
    tags = _gps(copy)
    lon, lat = (
        sum(float(part) / 60**i for i, part in enumerate(tags[tag]))
        for tag in (GPS.GPSLongitude, GPS.GPSLatitude)
    )
    assert (lon, lat) == pytest.approx(tuple(POSITION), abs=2e-11)
    assert (tags[GPS.GPSLatitudeRef], tags[GPS.GPSLongitudeRef]) == ("N", "E")
    assert (tags[GPS.GPSAltitude], tags[GPS.GPSAltitudeRef]) == (3.25, b"\1")
    assert (tags[GPS.GPSImgDirection], tags[GPS.GPSImgDirectionRef]) == (0, "T")
    assert tags[GPS.GPSHPositioningError] == pytest.approx(4.895)
    assert tags[GPS.GPSMapDatum] == "WGS-84"


@pytest.mark.parametrize(
    ("lon", "lat"), [(-179.9999999999, -0.0000000001), (-0.5, -89.99999999999)]
)
def test_seconds_never_reach_sixty(tmp_path: Path, lon: float, lat: float) -> None:
    copy, _ = _copy(write_photo(tmp_path / "a.jpg"), longitude=lon, latitude=lat)
    tags = _gps(copy)
    assert all(part < 60 for tag in (GPS.GPSLatitude, GPS.GPSLongitude) for part in tags[tag][1:])
    assert (tags[GPS.GPSLatitudeRef], tags[GPS.GPSLongitudeRef]) == ("S", "W")


def test_what_only_the_receiver_knew_goes_and_its_time_stays(tmp_path: Path) -> None:
    old = gps((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), lat_ref="S", lon_ref="W")
    old |= {GPS.GPSDOP: 1.5, GPS.GPSDateStamp: "2024:01:02", GPS.GPSAltitude: 77.0}
    photo = write_photo(tmp_path / "a.jpg", exif=exif({271: "Maker"}, gps=old))
    tags = _gps(_copy(photo, altitude_m=None)[0])
    assert GPS.GPSDOP not in tags
    assert tags[GPS.GPSDateStamp] == "2024:01:02"
    assert tags[GPS.GPSAltitude] == 77.0  # no terrain was given, so that nothing better is known
    assert tags[GPS.GPSLatitudeRef] == "N"


@pytest.mark.parametrize("elements", [False, True])
def test_a_photo_of_dji_gets_djis_angles_in_place_of_its_own(
    tmp_path: Path, elements: bool
) -> None:
    old = {
        "GimbalYawDegree": "+1.00",
        "GpsLongtitude": "+9.0",
        "AbsoluteAltitude": "+1",
        "Kept": "7",
    }
    packet = xmp(old, namespace=DJI, elements=elements)
    photo = write_photo(tmp_path / "a.jpg", exif=exif({271: "DJI"}), xmp=packet)
    copy, _ = _copy(photo)
    with Image.open(copy) as image:
        values = parse_xmp(image.info["xmp"])
    found = {name: value for (namespace, name), value in values.items() if "dji" in namespace}
    assert found["Kept"] == "7"
    assert [float(found[f"Gimbal{axis}Degree"]) for axis in ("Yaw", "Pitch", "Roll")] == [
        40,
        -70,
        3,
    ]
    assert float(found["GpsLongtitude"]) == pytest.approx(POSITION.lon, abs=1e-9)
    assert float(found["AbsoluteAltitude"]) == 340
    assert "GpsLatitude" not in found  # it had none
    metadata = read_metadata(copy)
    assert (metadata.yaw_deg, metadata.pitch_deg, metadata.roll_deg) == (40, -70, 3)


def test_a_photo_of_another_maker_gets_pix4ds_angles(tmp_path: Path) -> None:
    copy, _ = _copy(write_photo(tmp_path / "a.jpg", exif=exif({271: "SONY"})))
    with Image.open(copy) as image:
        values = parse_xmp(image.info["xmp"])
    found = {name: float(v) for (space, name), v in values.items() if "pix4d" in space}
    yaw, pitch, roll = body_angles(rotation(Pose(40, -70, 3, 100)))
    assert found == pytest.approx(
        {"Yaw": yaw, "Pitch": pitch, "Roll": roll, "GPSXYAccuracy": 2.0, "GPSZAccuracy": 3.0},
        abs=1e-3,
    )


def test_a_photo_without_a_solved_camera_gets_its_position(tmp_path: Path) -> None:
    copy, _ = _copy(write_photo(tmp_path / "a.jpg"), hfov_deg=None, height_sd_m=None, ce90_m=None)
    metadata = read_metadata(copy)
    assert (metadata.lon, metadata.lat) == pytest.approx(tuple(POSITION), abs=1e-9)
    assert metadata.pitch_deg is None


def test_png_tiff_and_webp_keep_their_pixels_too(tmp_path: Path) -> None:
    png = _chunks(_copy(write_photo(tmp_path / "a.png"))[0].read_bytes(), big=True)
    assert png[b"IDAT"] == _chunks((tmp_path / "a.png").read_bytes(), big=True)[b"IDAT"]
    for name, how in (("a", {"quality": 80}), ("b", {"lossless": True})):
        photo = write_photo(tmp_path / f"{name}.webp", **how)
        old, new = (_chunks(p.read_bytes(), big=False) for p in (photo, _copy2(photo)))
        assert all(new[chunk] == data for chunk, data in old.items() if chunk != b"VP8X")
    tiff = write_photo(tmp_path / "a.tif", compression="tiff_lzw")
    old_bytes, new_bytes = tiff.read_bytes(), _copy2(tiff).read_bytes()
    assert sum(a != b for a, b in zip(old_bytes, new_bytes, strict=False)) <= 4  # one pointer
    for name in ("a.png", "a.webp", "b.webp", "a.tif"):
        with Image.open(tmp_path / name) as before, Image.open(tmp_path / "out" / name) as after:
            assert np.array_equal(np.asarray(before), np.asarray(after))
        metadata = read_metadata(tmp_path / "out" / name)
        assert (metadata.lon, metadata.lat) == pytest.approx(tuple(POSITION), abs=1e-9)
        assert metadata.pitch_deg == pytest.approx(-70, abs=0.1)


def _copy2(photo: Path) -> Path:
    """The copy of one more photo."""
    out = photo.parent / "out"
    export_results([located(str(photo))], "exif", out, ExportOptions(overwrite=True))
    return out / photo.name


def test_transparent_webp_stays_transparent(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4] = 255
    Image.fromarray(pixels).save(tmp_path / "a.webp", lossless=True)
    copy, _ = _copy(tmp_path / "a.webp")
    with Image.open(copy) as image:
        assert np.array_equal(np.asarray(image), pixels)


def test_a_copy_of_a_copy_states_the_second_position(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "a.tif", "a.webp"):
        once, _ = _copy2(write_photo(tmp_path / name)), None
        again = export_results([located(str(once), latitude=-5.5)], "exif", tmp_path / f"{name}.2")
        assert read_metadata(again.written[0]).lat == pytest.approx(-5.5, abs=1e-9)


def test_further_pictures_of_a_file_are_found_where_they_are_now(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (64, 48), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    copy, _ = _copy(tmp_path / "a.jpg")
    assert copy.stat().st_size > (tmp_path / "a.jpg").stat().st_size
    with Image.open(copy) as image:
        assert image.format == "MPO"
        image.seek(1)
        assert image.getpixel((5, 5)) == pytest.approx((0, 0, 254), abs=2)
    with Image.open(copy) as image:
        first_size = image.mpinfo[0xB002][0]["Size"]
    assert copy.read_bytes()[first_size - 2 : first_size] == b"\xff\xd9"


def test_times_of_files_and_folders_of_photos_are_kept(tmp_path: Path) -> None:
    for name in ("100MEDIA/a.jpg", "101MEDIA/a.jpg"):
        (tmp_path / name).parent.mkdir()
        os.utime(write_photo(tmp_path / name), ns=(10**18, 10**18))
    rows = [located(str(tmp_path / name)) for name in ("100MEDIA/a.jpg", "101MEDIA/a.jpg")]
    report = export_results(rows, "exif", tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").parent.name for path in report.written] == [
        "100MEDIA",
        "101MEDIA",
    ]
    assert {path.stat().st_mtime_ns for path in report.written} == {10**18}


def test_photos_are_never_changed_in_place(tmp_path: Path) -> None:
    before = write_photo(tmp_path / "a.jpg").read_bytes()
    with pytest.raises(OptionError, match="never changed; expected another folder"):
        export_results(
            [located(str(tmp_path / "a.jpg"))], "exif", tmp_path, ExportOptions(overwrite=True)
        )
    assert (tmp_path / "a.jpg").read_bytes() == before


def test_what_cannot_be_done_safely_is_left_out_and_the_others_go_on(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    write_photo(tmp_path / "good.jpg")
    write_photo(tmp_path / "a.heic")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "good.jpg").read_bytes()[:30])
    (tmp_path / "no.jpg").write_text("no photo")
    write_photo(tmp_path / "full.jpg", exif=exif({270: "x" * 64000}), xmp=b"<broken")
    write_photo(tmp_path / "xmp.jpg", xmp=b"<x:xmpmeta><broken></x:xmpmeta>")
    text = b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 4\n00")
    png = write_photo(tmp_path / "old.png").read_bytes()
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + text))
    (tmp_path / "old.png").write_bytes(png[:33] + chunk + png[33:])
    names = (
        "a.heic",
        "cut.jpg",
        "no.jpg",
        "gone.jpg",
        "full.jpg",
        "xmp.jpg",
        "old.png",
        "good.jpg",
    )
    rows = [located(str(tmp_path / name)) for name in names]
    scene = located(str(tmp_path / "good2.jpg"), position_kind="scene")
    report = export_results([*rows, scene], "exif", tmp_path / "out")
    assert [path.name for path in report.written] == ["good.jpg"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.jpg"]
    reasons = {Path(photo).name: reason for photo, reason in report.left_out.items()}
    assert "HEIC without EXIF" in reasons["a.heic"]
    assert "XMP cannot be edited safely" in reasons["xmp.jpg"]
    assert reasons["gone.jpg"] == "does not exist"
    assert "ImageMagick" in reasons["old.png"]
    assert "where its camera was" in reasons["good2.jpg"]
    assert reasons.keys() == {*names, "good2.jpg"} - {"good.jpg"}


def test_a_heic_keeps_all_but_its_metadata(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    packet = xmp({"GimbalYawDegree": "+1.00"}, namespace=DJI)
    photo = write_photo(tmp_path / "a.heic", exif=exif({271: "DJI", 306: "kept"}), xmp=packet)
    copy, report = _copy(photo)
    assert report.left_out == {}
    old, new = photo.read_bytes(), copy.read_bytes()
    changed = [i for i, byte in enumerate(old) if new[i] != byte]
    assert len(changed) <= 16  # two places, in the first box after the name of the format
    assert max(changed) < old.index(b"mdat")
    with Image.open(photo) as before, Image.open(copy) as after:
        assert np.array_equal(np.asarray(before), np.asarray(after))
        assert after.getexif()[306] == "kept"
    metadata = read_metadata(copy)
    assert (metadata.lon, metadata.lat) == pytest.approx(tuple(POSITION), abs=1e-9)
    assert (metadata.yaw_deg, metadata.pitch_deg, metadata.roll_deg) == (40, -70, 3)
    again = export_results([located(str(copy), latitude=-5.5)], "exif", tmp_path / "again")
    assert read_metadata(again.written[0]).lat == pytest.approx(-5.5, abs=1e-9)


def test_metadata_over_64_kb_is_refused_in_a_jpeg(tmp_path: Path) -> None:
    _, report = _copy(write_photo(tmp_path / "a.jpg", exif=exif({270: "x" * 65400})))
    assert "64 kB" in report.left_out[str(tmp_path / "a.jpg")]


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs ExifTool")
@pytest.mark.slow
def test_exiftool_reads_all_of_it_without_a_warning(tmp_path: Path) -> None:
    dji = xmp({"GimbalYawDegree": "+1.00"}, namespace=DJI)
    photos = [
        write_photo(tmp_path / "a.jpg", exif=exif({271: "SONY"})),
        write_photo(tmp_path / "d.jpg", exif=exif({271: "DJI"}), xmp=dji),
        *(write_photo(tmp_path / name) for name in ("a.png", "a.tif", "a.webp")),
    ]
    export_results([located(str(photo)) for photo in photos], "exif", tmp_path / "out")
    run = subprocess.run(
        ["exiftool", "-j", "-n", "-a", *sorted(map(str, (tmp_path / "out").iterdir()))],
        capture_output=True,
        text=True,
        check=True,
    )
    for document in json.loads(run.stdout):
        assert "Warning" not in document
        assert document["GPSLongitude"] == pytest.approx(POSITION.lon, abs=1e-9)
        assert document["GPSLatitude"] == pytest.approx(POSITION.lat, abs=1e-9)
        assert document["GPSAltitude"] == 340
        assert document["GPSHPositioningError"] == pytest.approx(4.895)
        assert document.get("GimbalPitchDegree", -70) == -70
        assert document.get("Pitch", 20) == pytest.approx(20, abs=0.1)


def test_photos_that_were_moved_with_their_result_are_found(tmp_path: Path) -> None:
    write_photo(tmp_path / "moved.jpg")
    row = located("/nowhere/moved.jpg", photo_rel="../moved.jpg")
    options = ExportOptions(source=str(tmp_path / "results" / "out.gpkg"))
    report = export_results([row], "exif", tmp_path / "out", options)
    assert report.written == [tmp_path / "out" / "moved.jpg"]
