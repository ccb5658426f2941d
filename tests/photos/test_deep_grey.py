"""Photos of more than 8 bits: photographs keep their scale, radiometric ones get contrast."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from geoloc.arrays import AnyArray, ByteArray
from geoloc.photos.photo import read_photo


def scene(low: float, high: float, dtype: str) -> AnyArray:
    """Values (48, 64) that span a scene evenly, in no order."""
    ramp = np.linspace(low, high, 48 * 64)
    return np.random.default_rng(5).permutation(ramp).reshape(48, 64).astype(dtype)


def greys(folder: Path, values: AnyArray, *, name: str = "t.tif", nodata: str = "") -> ByteArray:
    """The greys of a photo of these values."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if nodata:
        tags[42113] = nodata
    Image.fromarray(values).save(folder / name, **({"tiffinfo": tags} if nodata else {}))
    return read_photo(folder / name).pixels[..., 0]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (scene(12.0, 34.0, "float32"), "degrees.tif"),
        (scene(-21.5, -3.0, "float32"), "below zero.tif"),
        (scene(285.0, 307.0, "float32"), "kelvins.tif"),
        (scene(0.2, 0.3, "float32"), "reflectance.tif"),
        (scene(7000, 7600, "uint16"), "counts.tif"),
        (scene(29315, 29915, "uint16"), "centikelvins.png"),
        (scene(3000, 4200, "int32"), "32 bits.tif"),
        (scene(-400, 350, "int32"), "signed.tif"),
        (scene(10, 200, "uint16") + np.uint16(300), "9 bits.png"),
    ],
)
def test_a_radiometric_photo_has_the_contrast_of_a_map(tmp_path, values, name):
    found = greys(tmp_path, values, name=name)
    assert len(np.unique(found)) > 180
    assert (found.min(), found.max()) == (0, 255)
    assert np.corrcoef(found.ravel(), values.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("top", [255, 1023, 4095, 65535])
def test_a_photograph_keeps_the_upper_bits_of_those_in_use(tmp_path, top):
    values = scene(0, top, "uint16")
    expected = (values.astype(np.float32) * (255 / top)).astype(np.uint8)
    np.testing.assert_array_equal(greys(tmp_path, values), expected)


def test_one_hot_pixel_does_not_take_the_scene_s_contrast(tmp_path):
    values = scene(7000, 7600, "uint16")
    values[3, 4] = 16383
    assert len(np.unique(greys(tmp_path, values))) > 180


@pytest.mark.parametrize("fill", [np.nan, np.inf, -np.inf, -9999.0, -32768.0, 0.0, 1e20, -3.4e38])
def test_pixels_without_a_value_are_black_and_take_no_contrast(tmp_path, fill):
    values = scene(12.0, 34.0, "float32")
    plain = greys(tmp_path, values[10:])
    values[:10] = fill
    found = greys(tmp_path, values)
    assert (found[:10] == 0).all()
    assert np.abs(found[10:].astype(int) - plain).max() <= 1


@pytest.mark.parametrize("fill", [0, 65535])
def test_fill_values_of_whole_numbers_are_noticed(tmp_path, fill):
    values = scene(7000, 7600, "uint16")
    values[:10] = fill
    found = greys(tmp_path, values)
    assert (found[:10] == 0).all()
    assert len(np.unique(found[10:])) > 180


def test_the_value_that_the_file_calls_nodata_is_black(tmp_path):
    values = scene(20.0, 30.0, "float32")
    values[0] = 19.0  # near enough to be no spike
    assert (greys(tmp_path, values, nodata="19")[0] == 0).all()
    values[0] = -3.4028235e38
    assert (greys(tmp_path, values, nodata="-3.4028234663852886e+38")[0] == 0).all()
    deep = scene(0, 4095, "uint16")
    deep[0] = 65535
    found = greys(tmp_path, deep, nodata="65535")
    assert (found[0] == 0).all()
    assert found.max() >= 254


@pytest.mark.parametrize("nodata", ["nan", "none", "1e300", "-1e999"])
def test_odd_words_for_nodata_do_no_harm(tmp_path, nodata):
    assert greys(tmp_path, scene(20.0, 30.0, "float32"), nodata=nodata).max() == 255


def test_two_tones_are_a_picture_and_no_fill_value(tmp_path):
    values = np.zeros((48, 64), np.uint16)
    values[:, 32:] = 4095
    np.testing.assert_array_equal(np.unique(greys(tmp_path, values)), [0, 255])


@pytest.mark.parametrize("values", [np.full((8, 8), np.nan, "f4"), np.zeros((8, 8), "u2")])
def test_a_photo_of_nothing_is_black(tmp_path, values):
    assert greys(tmp_path, values).max() == 0


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("low", "high", "least"), [(12.0, 34.0, 180), (1e300, 1e308, 1)])
def test_values_of_64_bits_are_read(tmp_path, low, high, least, order):
    values = scene(low, high, f"{order}f8")
    numbers = {256: 64, 257: 48, 258: 64, 259: 1, 262: 1, 273: 8, 277: 1, 278: 48}
    numbers |= {279: values.nbytes, 339: 3}
    entries = [struct.pack(f"{order}HHII", tag, 4, 1, number) for tag, number in numbers.items()]
    (tmp_path / "t.tif").write_bytes(
        {"<": b"II", ">": b"MM"}[order]
        + struct.pack(f"{order}HI", 42, 8 + values.nbytes)
        + values.tobytes()
        + struct.pack(f"{order}H", len(entries))
        + b"".join(entries)
        + bytes(4)
    )
    assert len(np.unique(read_photo(tmp_path / "t.tif").pixels)) >= least
