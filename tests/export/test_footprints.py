"""Claims about footprints as a layer of their own."""

from __future__ import annotations

from pathlib import Path

import geopandas
import pytest

from geoloc.errors import InputError, OptionError
from geoloc.export.footprints import write_footprints
from tests.fixtures.located import located

_AREA = "POLYGON ((13 -53, 13.001 -53, 13.001 -52.999, 13 -53))"


@pytest.mark.parametrize("suffix", ["geojson", "geojsonl", "fgb", "gpkg", "parquet"])
def test_footprints_are_polygons_with_their_photo(tmp_path: Path, suffix: str) -> None:
    rows = [located("a.jpg", footprint=_AREA), located("b.jpg")]
    path = tmp_path / f"out-footprints.{suffix}"
    report = write_footprints(rows, path)
    assert report.left_out == {"/photos/b.jpg": "it has no footprint"}
    assert report.written == [path, path.with_suffix(".qml")]
    read = geopandas.read_parquet if suffix == "parquet" else geopandas.read_file
    frame = read(path)
    assert list(frame.photo) == ["/photos/a.jpg"]
    assert frame.geometry[0].wkt.startswith("POLYGON ((13")
    assert frame.crs.to_epsg() == 4326


def test_no_footprints_and_no_shapes_are_errors_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no photo has a footprint"):
        write_footprints([located()], tmp_path / "a.geojson")
    with pytest.raises(OptionError, match="cannot hold shapes"):
        write_footprints([located(footprint=_AREA)], tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())
