"""Creation options: over the defaults, and only those that GDAL knows."""

from __future__ import annotations

import logging

import pytest

from geoloc.errors import OptionError
from geoloc.tiles import gtiff_options
from geoloc.tiles.gtiff_options import check_creation, creation_options

ZSTD = {"COMPRESS": "ZSTD", "PREDICTOR": "2", "ZSTD_LEVEL": "2"}
DEFLATE = {"COMPRESS": "DEFLATE", "PREDICTOR": "2", "ZLEVEL": "1"}


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ([], ZSTD),
        (["ZSTD_LEVEL=9"], ZSTD | {"ZSTD_LEVEL": "9"}),
        (["zlevel=9"], DEFLATE | {"ZLEVEL": "9"}),
        (["compress=deflate", "predictor=1"], DEFLATE | {"COMPRESS": "deflate", "PREDICTOR": "1"}),
        (["compress=jpeg"], {"COMPRESS": "jpeg"}),
    ],
)
def test_options_are_put_over_the_defaults_that_go_with_them(
    given: list[str], chosen: dict[str, str]
) -> None:
    assert creation_options(given) == chosen


def test_a_gdal_without_zstandard_takes_deflate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gtiff_options._DEFAULTS, "ZSTD", {"COMPRESS": "UNKNOWN"})
    gtiff_options._quickest.cache_clear()
    try:
        assert creation_options([]) == DEFLATE
    finally:
        gtiff_options._quickest.cache_clear()


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
