"""Tracks are lines through the located photos, in a layer of their own."""

from __future__ import annotations

from pathlib import Path

import geopandas
import pyogrio
import pytest
import shapely

from geoloc.errors import OutputExistsError
from geoloc.results.files import read_results, write_results
from geoloc.results.formats import foreign_parts
from geoloc.results.schema import PhotoResult, Status, result_record
from geoloc.results.track_lines import track_frame


def row(
    name: str, at: float | None, position: int | None, status: Status = "located"
) -> PhotoResult:
    return PhotoResult(
        f"/photos/{name}.jpg",
        status,
        longitude=at,
        latitude=None if at is None else 10.0,
        timestamp=f"2026-04-27T12:00:0{position}",
        track=None if position is None else "first",
        track_position=position,
        from_track=1 if position == 2 else 0,
    )


ROWS = [row("c", 179.9, 3), row("a", 179.7, 1), row("b", -179.9, 2), row("x", 5.0, 4, "ambiguous")]


def test_a_line_goes_through_the_located_photos_in_order() -> None:
    (line,) = track_frame(map(result_record, ROWS)).itertuples()
    assert shapely.get_coordinates(line.geometry)[:, 0].tolist() == pytest.approx(
        [179.7, 180.1, 179.9]
    )
    assert (line.photos, line.from_track) == (3, 1)
    assert (line.begin, line.end) == ("2026-04-27T12:00:01", "2026-04-27T12:00:03")


def test_a_geopackage_has_a_layer_of_tracks_that_is_ours(tmp_path: Path) -> None:
    write_results(ROWS, tmp_path / "out.gpkg")
    layers = dict(pyogrio.list_layers(tmp_path / "out.gpkg"))
    assert layers["tracks"] == "LineString"
    assert foreign_parts(tmp_path / "out.gpkg", "gpkg") == []
    assert [one.track_position for one in read_results(tmp_path / "out.gpkg")] == [3, 1, 2, 4]


@pytest.mark.parametrize("suffix", ["geojson", "geojsonl", "fgb", "parquet"])
def test_a_format_of_one_layer_has_a_file_of_tracks_beside_it(tmp_path: Path, suffix: str) -> None:
    written = write_results(ROWS, tmp_path / f"out.{suffix}")
    path = tmp_path / f"out-tracks.{suffix}"
    assert {path, path.with_suffix(".qml")} < set(written)
    read = geopandas.read_parquet if suffix == "parquet" else geopandas.read_file
    (line,) = read(path).itertuples()
    assert (line.track, line.photos, line.from_track) == ("first", 3, 1)
    assert line.geometry.geom_type.endswith("LineString")
    assert read(path).crs.to_epsg() == 4326
    again = write_results(ROWS, tmp_path / f"out.{suffix}", overwrite=True)
    assert path in again, "a file of tracks of ours is replaced"


def test_a_geojson_line_is_cut_at_the_antimeridian(tmp_path: Path) -> None:
    write_results(ROWS, tmp_path / "out.geojson")
    west, _, east, _ = geopandas.read_file(tmp_path / "out-tracks.geojson").total_bounds
    assert (west, east) == (-180.0, 180.0)


def test_what_is_no_file_of_tracks_is_not_replaced(tmp_path: Path) -> None:
    other = tmp_path / "out-tracks.geojson"
    other.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(OutputExistsError, match="would hold the tracks, and is no such file"):
        write_results(ROWS, tmp_path / "out.geojson")
    assert "track" not in other.read_text()


def test_a_table_has_no_lines(tmp_path: Path) -> None:
    assert write_results(ROWS, tmp_path / "out.csv") == [tmp_path / "out.csv"]


@pytest.mark.parametrize(
    "rows",
    [
        [row("a", 5.0, None)],
        [row("a", 5.0, 1), row("b", None, 2, "rejected"), row("c", 5.0, 3, "ambiguous")],
    ],
)
def test_without_a_line_there_is_no_layer_and_no_file_of_tracks(
    rows: list[PhotoResult], tmp_path: Path
) -> None:
    write_results(rows, tmp_path / "out.gpkg")
    assert "tracks" not in dict(pyogrio.list_layers(tmp_path / "out.gpkg"))
    write_results(rows, tmp_path / "out.geojson")
    assert not (tmp_path / "out-tracks.geojson").exists()


def test_lines_of_earlier_rows_do_not_lie_beside_new_ones_without(tmp_path: Path) -> None:
    write_results(ROWS, tmp_path / "out.geojson")
    assert (tmp_path / "out-tracks.geojson").exists()
    write_results([row("a", 5.0, None)], tmp_path / "out.geojson", overwrite=True)
    assert not (tmp_path / "out-tracks.geojson").exists()
    other = tmp_path / "other-tracks.geojson"
    other.write_text('{"type": "FeatureCollection", "features": []}')
    write_results([row("a", 5.0, None)], tmp_path / "other.geojson")
    assert other.exists(), "that is not ours"
