"""Open third-party image files with Pillow: which formats, which limits, which errors."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from geoloc.clutter import apple_double_fault
from geoloc.errors import PhotoError, one_line
from geoloc.image_size import ImageSize

# Everything that Pillow 11 to 13 was seen to raise on the fuzzed files of public test suites,
# and what its C and struct code can raise besides. `Exception` would hide our own mistakes too.
DECODER_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    SyntaxError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)

_REASON_LENGTH = 100

_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")  # MPO, as drones write it, opens as JPEG
# No camera writes these, and libtiff prints a line for every damaged row of them.
_FAX = {"tiff_ccitt", "group3", "group4"}
# What scripts write of temperatures; Pillow unpacks such pixels but does not know their TIFF.
_FLOAT64: dict[
    tuple[bytes, int, tuple[int], int, tuple[int, ...], tuple[int, ...]], tuple[str, str]
] = {
    (b"II", 1, (3,), 1, (64,), ()): ("F", "F;64F"),
    (b"MM", 1, (3,), 1, (64,), ()): ("F", "F;64BF"),
}
# What only `geoloc.photos.deep_colour` decodes: several bands of floats or 16 bits, half floats.
# Pillow is told of them for the sake of their metadata, and never asked for their pixels.
_HEADERS_ONLY = {
    (order, photometric, sample_format * repeats, 1, (bits,) * bands, extra): ("RGB", "RGB")
    for order in (b"II", b"MM")
    for sample_format, bits in (((1,), 16), ((3,), 16), ((3,), 32), ((3,), 64))
    for photometric, bands, extra in (
        (1, 1, ()), (1, 2, (0,)), (1, 2, (1,)), (1, 2, (2,)), (1, 3, (0, 0)), (2, 3, ()),
        (1, 4, (0, 0, 0)), (2, 4, (0,)), (2, 4, (1,)), (2, 4, (2,)),
    )
    for repeats in {1, bands}
}  # fmt: skip
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """An image file, its header read and its pixels not yet.

    Files of more than twice ``PIL.Image.MAX_IMAGE_PIXELS`` (179 megapixels, unless the process
    set another limit) are refused: they are decompression bombs or mosaics, not photos.

    Raises:
        PhotoError: The file is missing, of another format, damaged in its header, or too large;
            or it is a HEIC file and pillow-heif is not installed (an error of the photo, so that
            one such file among others becomes a row and does not stop a run).
    """
    # Between one and two times the limit Pillow only warns. Asked for again at every call, since
    # a caller may reset the filters; `catch_warnings` would not be safe in threads.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    TiffImagePlugin.OPEN_INFO.update(_FLOAT64)
    for header, mode in _HEADERS_ONLY.items():
        TiffImagePlugin.OPEN_INFO.setdefault(header, mode)  # type: ignore[arg-type]  # its hint allows one sample format, its table has several
    if path.is_dir():
        raise PhotoError(f"{path} is a folder, not a photo", path=path)
    formats = [*_FORMATS, "HEIF"] if _is_heif(path) else _FORMATS
    try:
        image = Image.open(path, formats=formats)
    except Image.DecompressionBombError as error:
        raise PhotoError(_too_large(path), path=path) from error
    except FileNotFoundError as error:
        raise PhotoError(f"{path} does not exist", path=path) from error
    except PermissionError as error:
        raise PhotoError(f"{path} may not be read: check its permissions", path=path) from error
    except DECODER_ERRORS as error:
        raise PhotoError(
            apple_double_fault(path)
            or f"{path} is not a readable JPEG, PNG, TIFF, WebP or HEIC photo ({reason_of(error)})",
            path=path,
        ) from error
    with image:
        if image.info.get("compression") in _FAX:
            raise PhotoError(f"{path} is a facsimile (CCITT compression), not a photo", path=path)
        yield image


def upright_size(image: Image.Image, orientation: int | None) -> ImageSize:
    """Size of an image that was just opened, once it is upright.

    Pillow's reader of TIFF and pillow-heif turn by themselves, and state the upright size at once.
    """
    width, height = image.size  # Pillow's order
    turned_already = image.format in ("TIFF", "HEIF")
    swaps = orientation is not None and orientation >= 5
    return ImageSize(width, height) if swaps and not turned_already else ImageSize(height, width)


def reason_of(error: BaseException) -> str:
    """Why a decoder failed, short enough for the end of a sentence."""
    if isinstance(error, UnidentifiedImageError):
        return "format not recognised"
    return one_line(error, limit=_REASON_LENGTH)


def _too_large(path: Path) -> str:
    limit_mp = 2 * cast(int, Image.MAX_IMAGE_PIXELS) // 10**6
    return (
        f"{path} has more than {limit_mp} megapixels and is refused as a decompression bomb; "
        "make it smaller first"
    )


def _is_heif(path: Path) -> bool:
    """Whether a file is HEIC; then pillow-heif has been registered with Pillow."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    if head[4:8] != b"ftyp" or head[8:12] not in _HEIF_BRANDS:
        return False
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise PhotoError(
            f'{path} is a HEIC photo; to read those: pip install "geoloc-cli[heic]"', path=path
        ) from error
    register_heif_opener()
    return True
