"""GDAL creation options of tiles: what is given over the defaults, and whether GDAL knows it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import rasterio
from affine import Affine
from rasterio.io import MemoryFile

from geoloc.errors import OptionError

# Measured on a tile of 512 px of a city: written in 6 ms, decoded in 3 ms, 0.7 of its raw size.
# Plain deflate level 6 takes twice as long to write for 1 % less; lossless WebP 70 times.
DEFAULT_CREATION = {"COMPRESS": "DEFLATE", "PREDICTOR": "2", "ZLEVEL": "1"}
# What all tiles have, and WebP and JPEG need.
PIXEL_RGB = {"INTERLEAVE": "PIXEL", "PHOTOMETRIC": "RGB"}
_TRIAL_PX = 64


def creation_options(given: Sequence[str]) -> dict[str, str]:
    """GDAL creation options of the tiles, from ``KEY=VALUE`` over the defaults.

    Raises:
        OptionError: One is not of that form.
    """
    chosen = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            message = f"creation option {text!r} is not KEY=VALUE"
            raise OptionError(f"{message}; say for example --co COMPRESS=JPEG")
        chosen[key.upper()] = value
    if chosen.get("COMPRESS", "DEFLATE").upper() != "DEFLATE":
        return chosen  # predictor and level belong to the compression they were chosen for
    return DEFAULT_CREATION | chosen


def check_creation(given: Sequence[str]) -> None:
    """Refuse what GDAL would leave out: it logs an option that it does not know, and goes on.

    A small tile is written in memory, for that alone tells what this build of GDAL knows.

    Raises:
        OptionError: An option, or its value, is not known.
    """
    chosen = creation_options(given)
    if not given:
        return
    with _collected_warnings() as warnings:
        try:
            _write_trial(chosen)
        except rasterio.errors.RasterioError as error:
            warnings.append(str(error))
    if warnings:
        raise OptionError(
            f"--co {' '.join(given)}: {warnings[0]}; expected creation options of GDAL's GeoTIFF "
            "driver: gdalinfo --format GTiff lists them"
        )


def _write_trial(chosen: dict[str, str]) -> None:
    profile = {
        "driver": "GTiff",
        "width": _TRIAL_PX,
        "height": _TRIAL_PX,
        "count": 3,
        "dtype": "uint8",
        "crs": "EPSG:3857",
        "transform": Affine(1, 0, 1, 0, -1, 1),
        **PIXEL_RGB,
    }
    with MemoryFile() as memory, memory.open(**{**profile, **chosen}) as dataset:
        dataset.write(np.zeros((3, _TRIAL_PX, _TRIAL_PX), np.uint8))


@contextmanager
def _collected_warnings() -> Iterator[list[str]]:
    """What GDAL warns of in this thread, which rasterio hands to its log, and nowhere else."""
    collected: list[str] = []
    thread, log = threading.get_ident(), logging.getLogger("rasterio._env")

    def collect(record: logging.LogRecord) -> bool:
        if record.thread != thread or record.levelno < logging.WARNING:
            return True
        collected.append(record.getMessage().rpartition(" in ")[2] or record.getMessage())
        return False

    log.addFilter(collect)
    try:
        yield collected
    finally:
        log.removeFilter(collect)
