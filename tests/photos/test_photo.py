from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from geoloc.errors import PhotoError
from geoloc.photos.photo import read_photo
from geoloc.photos.photo_files import find_photos
from tests.fixtures.photos import HEIGHT_PX, WIDTH_PX, coordinates, exif, write_photo

# What a camera stores so that, with this orientation, the photo shows `coordinates()` upright.
STORED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    8: lambda p: np.rot90(p, -1),
}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_upright(tmp_path, orientation, suffix):
    stored = np.ascontiguousarray(STORED[orientation](coordinates()))
    tags = exif({ExifTags.Base.Orientation: orientation})
    how = {"lossless": True} if suffix == ".webp" else {}
    path = write_photo(tmp_path / f"photo{suffix}", pixels=stored, exif=tags, **how)
    photo = read_photo(path)
    assert photo.metadata.orientation == orientation
    assert (photo.full_width_px, photo.full_height_px) == (WIDTH_PX, HEIGHT_PX)
    assert photo.pixels.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert np.abs(photo.pixels.astype(int) - coordinates()).max() <= 12


@pytest.mark.parametrize("orientation", [1, 6])
def test_heic_comes_upright(tmp_path, orientation):
    pillow_heif = pytest.importorskip("pillow_heif")
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](coordinates())))
    path = tmp_path / "photo.heic"
    tags = exif({ExifTags.Base.Orientation: orientation})
    pillow_heif.from_pillow(stored).save(path, quality=95, exif=tags.tobytes())
    photo = read_photo(path)
    assert photo.pixels.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert photo.full_width_px == WIDTH_PX
    assert np.abs(photo.pixels.astype(int) - coordinates()).mean() < 12


def test_heic_without_its_extra_names_the_pip_line(tmp_path, monkeypatch):
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match=r'pip install "geoloc-cli\[heic\]"'):
        read_photo(path)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("g.jpg", "L"), ("c.jpg", "CMYK"), ("p.png", "P"), ("a.png", "RGBA"), ("y.tif", "YCbCr")],
)
def test_modes_become_rgb(tmp_path, name, mode):
    photo = read_photo(write_photo(tmp_path / name, mode=mode))
    assert photo.pixels.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert photo.pixels.dtype == np.uint8
    grey = np.asarray(Image.fromarray(coordinates()).convert("L"), int)
    assert np.abs(photo.pixels.mean(axis=2) - coordinates().mean(axis=2)).mean() < 40
    assert np.corrcoef(photo.pixels.sum(axis=2).ravel(), grey.ravel())[0, 1] > 0.9


def test_bilevel_is_black_and_white(tmp_path):
    image = Image.fromarray(coordinates()).convert("1")
    image.save(tmp_path / "one.png")
    assert set(np.unique(read_photo(tmp_path / "one.png").pixels)) == {0, 255}


@pytest.mark.parametrize(("top", "expected"), [(65535, 255), (4095, 255), (255, 255)])
def test_deep_greys_keep_the_bits_in_use(tmp_path, top, expected):
    ramp = np.linspace(0, top, 48 * 64).reshape(48, 64).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    pixels = read_photo(tmp_path / "deep.png").pixels
    assert pixels.max() == expected
    assert int(pixels[24, 32, 0]) == pytest.approx(128, abs=3)


def test_transparent_pixels_become_black(tmp_path):
    rgba = np.dstack([coordinates(), np.full((HEIGHT_PX, WIDTH_PX), 255, np.uint8)])
    rgba[:10, :, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "cut.png")
    pixels = read_photo(tmp_path / "cut.png").pixels
    assert (pixels[:10] == 0).all()
    np.testing.assert_array_equal(pixels[10:], coordinates()[10:])


def test_first_frame_of_several_is_read(tmp_path):
    first = Image.fromarray(coordinates())
    first.save(tmp_path / "two.tif", save_all=True, append_images=[Image.new("RGB", (5, 5))])
    np.testing.assert_array_equal(read_photo(tmp_path / "two.tif").pixels, coordinates())


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_large_photos_are_reduced_and_remember_their_size(tmp_path, suffix):
    big = coordinates(1600, 1200)
    photo = read_photo(write_photo(tmp_path / f"big{suffix}", pixels=big), max_side_px=200)
    assert photo.pixels.shape == (150, 200, 3)
    assert (photo.full_width_px, photo.full_height_px) == (1600, 1200)
    assert np.abs(photo.pixels.astype(int) - coordinates(200, 150)).max() <= 6


def test_small_photos_are_not_enlarged(tmp_path):
    assert read_photo(write_photo(tmp_path / "s.jpg"), max_side_px=4000).pixels.shape[1] == WIDTH_PX


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_truncated_files_are_refused_in_one_line(tmp_path, suffix):
    noise = np.random.default_rng(1).integers(0, 255, (200, 200, 3), np.uint8)
    path = write_photo(tmp_path / f"cut{suffix}", pixels=noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(PhotoError) as refused:
        read_photo(path)
    assert "\n" not in str(refused.value)
    assert refused.value.path == path


@pytest.mark.parametrize("content", [b"", b"not a photo", b"\xff\xd8\xff\xe0garbage", bytes(100)])
def test_garbage_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=r"not a readable|damaged"):
        read_photo(path)


def test_decompression_bombs_are_refused_by_their_header(tmp_path, monkeypatch):
    path = write_photo(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(PhotoError, match="decompression bomb"):
        read_photo(path)


def test_facsimiles_are_refused(tmp_path):
    Image.new("1", (64, 64)).save(tmp_path / "fax.tif", compression="group4")
    with pytest.raises(PhotoError, match="facsimile"):
        read_photo(tmp_path / "fax.tif")


def test_missing_photo_is_named():
    with pytest.raises(PhotoError, match="does not exist"):
        read_photo("nowhere.jpg")


@pytest.mark.shared
def test_every_odd_photo_is_read_or_refused_in_one_line(shared_data: Path):
    paths = find_photos([shared_data / "robustness" / "photos"], recursive=False)
    assert len(paths) >= 60
    refused = {}
    for path in paths:
        try:
            pixels = read_photo(path, max_side_px=1024).pixels
        except PhotoError as error:
            refused[path.name] = str(error)
        else:
            assert pixels.ndim == 3
            assert max(pixels.shape[:2]) <= 1024
    assert 0 < len(refused) < 30
    assert all(name in message and "\n" not in message for name, message in refused.items())
