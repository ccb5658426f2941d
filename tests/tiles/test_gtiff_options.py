"""Creation options: over the defaults, and only those that GDAL knows."""

from __future__ import annotations

import logging

import pytest

from geoloc.errors import OptionError
from geoloc.tiles.gtiff_options import DEFAULT_CREATION, check_creation, creation_options


def test_options_are_put_over_the_defaults_that_go_with_them() -> None:
    assert creation_options([]) == DEFAULT_CREATION
    assert creation_options(["zlevel=9"]) == {**DEFAULT_CREATION, "ZLEVEL": "9"}
    assert creation_options(["compress=jpeg"]) == {"COMPRESS": "jpeg"}


@pytest.mark.parametrize("given", ["COMPRESS", "=JPEG", ""])
def test_what_is_no_pair_is_refused(given: str) -> None:
    with pytest.raises(OptionError, match="KEY=VALUE"):
        creation_options([given])


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("COMPRESS=JPEG", "JPEG_QUALITY=80"),
        ("compress=lzw",),
        ("COMPRESS=JPEG", "PHOTOMETRIC=YCBCR"),
        ("TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"),
        ("BIGTIFF=IF_SAFER", "NUM_THREADS=2"),
    ],
)
def test_what_gdal_knows_is_taken(given: tuple[str, ...]) -> None:
    check_creation(given)


@pytest.mark.parametrize("given", ["COMPRES=JPEG", "COMPRESS=JPG", "ZLEVEL=99", "DRIVER=PNG"])
def test_what_gdal_would_leave_out_is_refused_with_its_name(given: str) -> None:
    with pytest.raises(OptionError, match=rf"{given}.*gdalinfo --format GTiff"):
        check_creation(["PREDICTOR=2", given])


def test_a_refusal_is_not_logged_as_well(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(OptionError):
        check_creation(["COMPRES=JPEG"])
    assert not caplog.records
