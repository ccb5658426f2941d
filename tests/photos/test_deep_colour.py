"""Photos with several bands of more than 8 bits keep their contrast, colours and orientation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from geoloc.photos.photo import read_photo
from geoloc.photos.photo_metadata import read_metadata

H, W = 24, 32
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def ramp(low: float, high: float, bands: int = 3) -> np.ndarray:
    """Bands (B, H, W) that rise along rows, each a little less than the one before."""
    rise = np.linspace(low, high, H * W).reshape(H, W)
    return np.stack([rise - (high - low) * 0.1 * band for band in range(bands)])


def write(path: Path, bands: np.ndarray, **profile: object) -> Path:
    """Write bands (B, H, W) with GDAL."""
    facts = {"driver": "GTiff", "dtype": bands.dtype.name, "count": len(bands)}
    with rasterio.open(path, "w", width=W, height=H, **facts | profile) as dataset:
        dataset.write(bands)
    return path


RGB = {"photometric": "RGB"}
PIXEL, BAND = {**RGB, "interleave": "pixel"}, {**RGB, "interleave": "band"}
SQUEEZED = {
    "16-bit TIFF": ("uint16", PIXEL),
    "deflated": ("uint16", {**PIXEL, "compress": "deflate", "predictor": 2}),
    "planar": ("uint16", BAND),
    "planar, packed": ("uint16", {**BAND, "compress": "lzw"}),
    "not called RGB": ("uint16", {"photometric": "MINISBLACK"}),
    "floats": ("float32", PIXEL),
    "planar floats": ("float32", BAND),
    "doubles": ("float64", PIXEL),
    "PNG": ("uint16", {"driver": "PNG"}),
    "big-endian": ("uint16", {**PIXEL, "endianness": "big"}),
}


@pytest.mark.parametrize("kind", SQUEEZED)
def test_a_squeezed_photo_has_contrast_and_its_colours(tmp_path: Path, kind: str) -> None:
    dtype, profile = SQUEEZED[kind]
    pixels = read_photo(write(tmp_path / "a.img", ramp(3000, 3600).astype(dtype), **profile)).pixels
    assert pixels.shape == (H, W, 3)
    assert len(np.unique(pixels[..., 0])) > 150
    assert (int(pixels.min()), int(pixels.max())) == (0, 255)
    steps = pixels[H // 2].astype(int)
    assert (np.diff(steps, axis=0) >= 0).all()
    # A tenth of the span apart, and the whole span is 255 levels and a bit of all three.
    assert np.median(steps[:, 0] - steps[:, 1]) == pytest.approx(22, abs=3)


@pytest.mark.parametrize(
    ("dtype", "profile"), [("uint16", {}), ("uint16", {"alpha": "yes"}), ("float32", {})]
)
def test_of_two_bands_the_first_is_the_photo(
    tmp_path: Path, dtype: str, profile: dict[str, str]
) -> None:
    bands = np.stack([ramp(3000, 3600, 1)[0], np.full((H, W), 65535.0)]).astype(dtype)
    pixels = read_photo(write(tmp_path / "a.tif", bands, **profile)).pixels
    assert (pixels[..., 0] == pixels[..., 2]).all()
    assert len(np.unique(pixels)) > 150


def test_half_floats_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", ramp(20, 40, 1).astype("float32"), nbits=16)
    assert len(np.unique(read_photo(path).pixels)) > 150


@pytest.mark.parametrize("profile", [PIXEL, {"driver": "PNG"}])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_a_photo_that_fills_its_16_bits_keeps_the_bytes_that_it_had(
    tmp_path: Path, profile: dict[str, str], has_alpha: bool
) -> None:
    rng = np.random.default_rng(1)
    bands = rng.integers(0, 65536, (3 + has_alpha, H, W)).astype("uint16")
    given = {**profile, "alpha": "yes"} if has_alpha and "driver" not in profile else profile
    path = write(tmp_path / "a.img", bands, **given)
    with Image.open(path) as image:
        before = Image.new("RGB", image.size)
        before.paste(image, mask=image.getchannel("A") if has_alpha else None)
    assert np.array_equal(read_photo(path).pixels, np.asarray(before))


def test_transparent_pixels_are_black_and_spoil_no_contrast(tmp_path: Path) -> None:
    bands = np.concatenate([ramp(3000, 3600), np.full((1, H, W), 65535.0)]).astype("uint16")
    bands[:3, :, :8] = 60000
    bands[3, :, :8] = 0
    pixels = read_photo(write(tmp_path / "a.tif", bands, **PIXEL, alpha="yes")).pixels
    assert (pixels[:, :8] == 0).all()
    assert len(np.unique(pixels[:, 8:])) > 150


def test_twelve_bits_in_sixteen_are_scaled_by_the_bits_in_use(tmp_path: Path) -> None:
    bands = ramp(0, 4095, 1).repeat(3, axis=0).astype("uint16")
    pixels = read_photo(write(tmp_path / "a.tif", bands, **PIXEL)).pixels
    assert pixels[-1, -1, 0] == 255
    assert pixels[H // 2, 0, 0] == pytest.approx(128, abs=1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_undone(tmp_path: Path, orientation: int) -> None:
    bands = np.zeros((3, H, W), np.uint16)
    for corner, value in enumerate((3000, 3150, 3450, 3600)):
        row, col = corner // 2 * H // 2, corner % 2 * W // 2
        bands[:, row : row + H // 2, col : col + W // 2] = value
    path = write(tmp_path / "deep.tif", bands, **PIXEL)
    _set_orientation(path, orientation)
    plain = Image.fromarray(np.moveaxis(bands // 16, 0, -1).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain.save(tmp_path / "plain.png", exif=exif)
    deep, eight = read_photo(path), read_photo(tmp_path / "plain.png")
    assert deep.pixels.shape == eight.pixels.shape
    assert (deep.full_width_px, deep.full_height_px) == (eight.full_width_px, eight.full_height_px)
    assert np.corrcoef(deep.pixels.ravel(), eight.pixels.ravel())[0, 1] > 0.95
    assert read_photo(path, max_side_px=16).pixels.shape[0] in (12, 16)


def test_metadata_of_a_photo_of_floats_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", ramp(0.1, 0.9).astype("float32"), **PIXEL)
    _set_orientation(path, 6)
    assert read_metadata(path).orientation == 6
    assert read_photo(path).pixels.shape == (W, H, 3)


def _set_orientation(path: Path, orientation: int) -> None:
    """Add the tag to a little-endian TIFF: its directory moves to the end of the file."""
    data = bytearray(path.read_bytes())
    at = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[at : at + 2], "little")
    entries = [bytes(data[at + 2 + 12 * n : at + 14 + 12 * n]) for n in range(count)]
    tag = (274).to_bytes(2, "little") + (3).to_bytes(2, "little") + (1).to_bytes(4, "little")
    entries.append(tag + orientation.to_bytes(4, "little"))
    entries.sort(key=lambda entry: int.from_bytes(entry[:2], "little"))
    data += bytes(len(data) % 2)
    data[4:8] = len(data).to_bytes(4, "little")
    data += (count + 1).to_bytes(2, "little") + b"".join(entries) + bytes(4)
    path.write_bytes(data)
