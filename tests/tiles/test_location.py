"""Locations: relative to a folder, or addresses that stay as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from geoloc.tiles.location import is_address, public_name, relative_location, resolve_location

ADDRESSES = ["/vsizip/maps.zip/a.tif", "/vsicurl/https://example.org/a.tif", "s3://bucket/a.tif"]


@pytest.mark.parametrize("location", ADDRESSES)
def test_an_address_stays_as_it_is(tmp_path: Path, location: str) -> None:
    assert is_address(location)
    assert relative_location(location, tmp_path) == location
    assert resolve_location(tmp_path, location) == location


def test_a_file_is_named_as_seen_from_the_folder_and_found_again(tmp_path: Path) -> None:
    raster, folder = tmp_path / "maps" / "a.tif", tmp_path / "tiles"
    assert not is_address(str(raster))
    assert relative_location(str(raster), folder) == "../maps/a.tif"
    assert resolve_location(folder, "../maps/a.tif") == str(raster)


def test_a_location_of_one_folder_becomes_that_of_another(tmp_path: Path) -> None:
    tiles, index = tmp_path / "a" / "tiles", tmp_path / "index"
    assert relative_location("../map.tif", index, start=tiles) == "../a/map.tif"
    assert relative_location("pixels/1.tif", index, start=tiles) == "../a/tiles/pixels/1.tif"


def test_a_file_on_another_drive_is_named_absolutely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> str:
        raise ValueError("path is on mount 'D:'")

    monkeypatch.setattr(os.path, "relpath", refuse)
    assert relative_location("a.tif", tmp_path) == Path("a.tif").absolute().as_posix()
    assert relative_location("a.tif", Path("index"), start=tmp_path) == f"{tmp_path}/a.tif"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://me:word@example.org/a.tif", "https://example.org/a.tif"),
        ("https://example.org/{z}/{x}/{y}.png?key=k1", "https://example.org/{z}/{x}/{y}.png?key=***"),
        ("https://e.org/w?map=a&access_token=t&x=1", "https://e.org/w?map=a&access_token=***&x=1"),
        ("https://e.org/a.tif?X-Amz-Date=9&X-Amz-Signature=s", "https://e.org/a.tif?X-Amz-Date=***"
         "&X-Amz-Signature=***"),
        ("https://example.org/wms?layers=ortho", "https://example.org/wms?layers=ortho"),
        ("maps/a?key=1.tif", "maps/a?key=1.tif"),
    ],
)  # fmt: skip
def test_a_name_holds_no_secrets(address: str, name: str) -> None:
    assert public_name(address) == name
