"""What systems leave is no raster, photo, flight log or image, wherever files are listed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from geoloc.clutter import is_clutter
from geoloc.errors import PhotoError, RasterError
from geoloc.glob_pattern import glob_matches
from geoloc.learning.datasets.files import folders_in, images_in
from geoloc.photos.photo import read_photo
from geoloc.storage.lock import is_vacant
from geoloc.tiles.raster import open_map_raster
from geoloc.tiles.sources.files import expand_rasters

APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("._map.tif", True),
        ("__MACOSX/maps/._map.tif", True),
        ("__MACOSX/map.tif", True),
        (".DS_Store", True),
        ("photos/Thumbs.db", True),
        (".hidden/map.tif", True),
        ("maps/map.tif", False),
        ("map_.tif", False),
    ],
)
def test_clutter_is_known_by_its_name(path: str, expected: bool) -> None:
    assert is_clutter(path) == expected


def test_rasters_of_folders_globs_and_archives_are_without_clutter(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    (maps / "__MACOSX").mkdir(parents=True)
    for name in ("map.tif", "._map.tif", ".hidden.tif", "__MACOSX/map.tif", ".DS_Store"):
        (maps / name).write_bytes(APPLE_DOUBLE)
    with zipfile.ZipFile(tmp_path / "maps.zip", "w") as archive:
        for name in ("in/map.tif", "in/._map.tif", "__MACOSX/in/._map.tif", "__MACOSX/map.tif"):
            archive.writestr(name, APPLE_DOUBLE)
    assert expand_rasters([str(maps)]) == [str(maps / "map.tif")]
    assert expand_rasters([f"{tmp_path}/**/*.tif"]) == [str(maps / "map.tif")]
    assert expand_rasters([f"{tmp_path}/maps.zip"]) == [f"/vsizip/{tmp_path}/maps.zip/in/map.tif"]
    (maps / "map.tif").unlink()
    with pytest.raises(RasterError, match="no rasters in"):
        expand_rasters([str(maps)])


def test_a_folder_that_a_pattern_names_is_searched(tmp_path: Path) -> None:
    inside = tmp_path / "__MACOSX" / "map.tif"
    inside.parent.mkdir()
    inside.touch()
    assert glob_matches(f"{inside.parent}/*.tif") == [str(inside)]
    assert glob_matches(f"{tmp_path}/*/*.tif") == []


def test_images_and_folders_of_data_sets_are_without_clutter(tmp_path: Path) -> None:
    for name in ("1.jpg", "._1.jpg", ".2.jpg"):
        (tmp_path / name).write_bytes(APPLE_DOUBLE)
    for name in ("place", "__MACOSX", ".ipynb_checkpoints"):
        (tmp_path / name).mkdir()
    assert images_in(tmp_path) == (tmp_path / "1.jpg",)
    assert folders_in(tmp_path) == (tmp_path / "place",)


def test_a_folder_with_clutter_alone_is_vacant(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").touch()
    (tmp_path / "Thumbs.db").touch()
    assert is_vacant(tmp_path)
    (tmp_path / ".git").mkdir()
    assert not is_vacant(tmp_path)


def test_an_apple_double_file_that_was_named_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    for name in ("._map.tif", "photo.jpg"):
        (tmp_path / name).write_bytes(APPLE_DOUBLE + bytes(4096))
    with pytest.raises(RasterError, match=r"^\S+map\.tif is an AppleDouble .*; name map\.tif$"):
        open_map_raster(tmp_path / "._map.tif")
    with pytest.raises(PhotoError, match=r"photo\.jpg is an AppleDouble .*the file itself$"):
        read_photo(tmp_path / "photo.jpg")
    with pytest.raises(PhotoError, match=r"is an AppleDouble .*; name map\.tif$"):
        read_photo(tmp_path / "._map.tif")
    (tmp_path / "._bad.tif").write_bytes(b"no raster")
    with pytest.raises(RasterError, match="expected a GeoTIFF"):
        open_map_raster(tmp_path / "._bad.tif")
