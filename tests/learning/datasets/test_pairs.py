"""The table of pairs that anyone can write: what it may say, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoloc.errors import InputError
from geoloc.geometry.crs import LonLat
from geoloc.learning.datasets.registry import open_dataset
from tests.fixtures.csv_tables import SPREADSHEET_ENCODINGS, save_as_spreadsheet
from tests.fixtures.dataset_layouts import write_image

HEADER = "query,reference,place,lon,lat,split"


def write_table(folder: Path, *rows: str, header: str = HEADER) -> Path:
    """The table, and an image for each file that it names."""
    columns = header.split(",")
    for number, row in enumerate(rows):
        cells = dict(zip(columns, row.split(","), strict=False))
        for name in ("query", "reference"):
            if cells.get(name):
                write_image(folder / cells[name], number)
    (folder / "pairs.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


def test_rows_become_pictures_and_pairs(tmp_path: Path) -> None:
    write_table(
        tmp_path,
        "photos/a.jpg,tiles/1.tif,p1,13.1,52.1,train",
        "photos/b.jpg,tiles/1.tif,p1,13.1,52.1,train",
        "photos/c.jpg,tiles/2.tif,p2,13.2,52.2,test",
    )
    dataset = open_dataset("pairs", tmp_path)
    train = dataset.train
    assert train is not None
    assert [query.path.name for query in train.queries] == ["a.jpg", "b.jpg"]
    assert [reference.path for reference in train.references] == [tmp_path / "tiles/1.tif"]
    assert [pair[:2] for pair in train.pairs] == [(0, 0), (1, 0)]
    assert train.references[0].position == LonLat(13.1, 52.1)
    assert (train.query_view, train.reference_view) == ("drone", "satellite")
    (test,) = dataset.tests
    assert test.queries[0].place == "p2"


def test_the_table_itself_may_be_named(tmp_path: Path) -> None:
    write_table(tmp_path, "a.jpg,1.jpg,,,,test")
    assert open_dataset("pairs", tmp_path / "pairs.csv") == open_dataset("pairs", tmp_path)


def test_three_columns_are_enough(tmp_path: Path) -> None:
    write_table(tmp_path, "a.jpg,1.jpg,test", header="query,reference,split")
    (test,) = open_dataset("pairs", tmp_path).tests
    assert test.queries[0].place == test.references[0].place == "1.jpg"
    assert test.queries[0].position is None
    assert test.pairs[0].overlap == 1.0


def test_the_best_of_several_answers_comes_first(tmp_path: Path) -> None:
    write_table(
        tmp_path,
        "a.jpg,1.jpg,train,0.4,120",
        "b.jpg,1.jpg,train,0.9,120",
        "a.jpg,2.jpg,train,0.7,120",
        header="query,reference,split,overlap,altitude_m",
    )
    train = open_dataset("pairs", tmp_path).train
    assert train is not None
    assert train.pairs == ((0, 1, 0.7), (0, 0, 0.4), (1, 0, 0.9))
    assert train.queries[0].place == "2.jpg"
    assert train.queries[0].altitude_m == 120.0


def test_tiles_without_a_photo_are_distractors(tmp_path: Path) -> None:
    write_table(tmp_path, "a.jpg,1.jpg,,,,test", ",2.jpg,,13.0,52.0,test")
    (test,) = open_dataset("pairs", tmp_path).tests
    assert (len(test.queries), len(test.references), len(test.pairs)) == (1, 2, 1)


def test_ground_photos_say_so(tmp_path: Path) -> None:
    header = "query,reference,split,view"
    write_table(tmp_path, "a.jpg,1.jpg,train,ground", header=header)
    train = open_dataset("pairs", tmp_path).train
    assert train is not None
    assert train.query_view == "ground"
    write_table(tmp_path, "a.jpg,1.jpg,train,ground", "b.jpg,1.jpg,train,drone", header=header)
    with pytest.raises(InputError, match="mixes the views drone and ground"):
        open_dataset("pairs", tmp_path)


def test_tiles_of_the_same_place_are_near_misses(tmp_path: Path) -> None:
    write_table(
        tmp_path,
        "a.jpg,1.jpg,p,,,train",
        "b.jpg,2.jpg,p,,,train",
        "c.jpg,3.jpg,q,,,train",
    )
    train = open_dataset("pairs", tmp_path).train
    assert train is not None
    assert {pair[:2] for pair in train.near_misses} == {(0, 1), (1, 0)}


def test_tiles_close_to_a_photo_are_near_misses_where_their_size_is_known(tmp_path: Path) -> None:
    # 0.001 degrees of latitude are 111 m.
    write_table(
        tmp_path,
        "a.jpg,1.jpg,13,52.000,train,240",
        "b.jpg,2.jpg,13,52.001,train,240",
        "c.jpg,3.jpg,13,52.003,train,240",
        header="query,reference,lon,lat,split,ground_size_m",
    )
    train = open_dataset("pairs", tmp_path).train
    assert train is not None
    assert {pair[:2] for pair in train.near_misses} == {(0, 1), (1, 0)}


def test_a_tile_lies_where_its_own_columns_say(tmp_path: Path) -> None:
    header = "query,reference,lon,lat,reference_lon,reference_lat,split"
    write_table(tmp_path, "a.jpg,1.jpg,13,52,13.001,52.002,train", header=header)
    train = open_dataset("pairs", tmp_path).train
    assert train is not None
    assert train.queries[0].position == LonLat(13, 52)
    assert train.references[0].position == LonLat(13.001, 52.002)


def test_longitudes_counted_from_0_to_360_are_turned_and_neighbours_across_180_found(
    tmp_path: Path,
) -> None:
    header = "query,reference,lon,lat,reference_lon,reference_lat,ground_size_m,split"
    rows = ("179.9999", "180.0001", "-179.9999", "179.9998")
    write_table(
        tmp_path,
        *(f"{n}.jpg,{n}.tif,{lon},5,{lon},5,160,train" for n, lon in enumerate(rows)),
        header=header,
    )
    train = open_dataset("pairs", tmp_path).train
    assert train is not None
    lons = [query.position.lon for query in train.queries if query.position]
    assert lons == pytest.approx([179.9999, -179.9999, -179.9999, 179.9998], abs=1e-12)
    assert len(train.near_misses) == 12


def test_a_tile_of_photos_in_several_spots_has_no_known_position(tmp_path: Path) -> None:
    write_table(tmp_path, "a.jpg,1.jpg,,13,52,train", "b.jpg,1.jpg,,13.001,52,train")
    train = open_dataset("pairs", tmp_path).train
    assert train is not None
    assert train.references[0].position is None


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a.jpg,,p,13,52,train", "line 2 names no reference"),
        ("a.jpg,1.jpg,p,13,52,val", "neither train nor test"),
        ("a.jpg,1.jpg,p,east,52,train", "lon 'east'"),
        ("a.jpg,1.jpg,p,13,152,train", "lat '152'"),
        ("a.jpg,1.jpg,p,13,,train", "only one of lon and lat"),
        (",1.jpg,p,13,52,train", "no rows with a photo"),
    ],
)
def test_rows_that_make_no_sense_are_refused(tmp_path: Path, row: str, fault: str) -> None:
    write_table(tmp_path, row)
    with pytest.raises(InputError, match=fault):
        open_dataset("pairs", tmp_path)


def test_a_tile_in_two_places_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path, "a.jpg,1.jpg,p,,,train", "b.jpg,1.jpg,q,,,train")
    with pytest.raises(InputError, match=r"line 3 says that 1\.jpg shows q"):
        open_dataset("pairs", tmp_path)


def test_missing_columns_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no table of pairs"):
        open_dataset("pairs", tmp_path)
    (tmp_path / "pairs.csv").write_text("photo,tile\na,b\n")
    with pytest.raises(InputError, match="lacks query, reference, split"):
        open_dataset("pairs", tmp_path)
    (tmp_path / "pairs.csv").write_text("query,reference,split\na.jpg,b.jpg,train\n")
    with pytest.raises(InputError, match=r"2 files of pairs\.csv are missing .*a\.jpg"):
        open_dataset("pairs", tmp_path)


@pytest.mark.parametrize("encoding", SPREADSHEET_ENCODINGS)
def test_a_table_saved_by_a_german_spreadsheet_is_read_right(tmp_path: Path, encoding: str) -> None:
    header = "query,reference,lon,lat,split,overlap,altitude_m"
    write_table(tmp_path, "a.jpg,1.jpg,13.405,52.52,train,0.75,80.5", header=header)
    save_as_spreadsheet(tmp_path / "pairs.csv", encoding=encoding)
    train = open_dataset("pairs", tmp_path).train
    assert train is not None
    (query,) = train.queries
    assert (query.position, query.altitude_m) == (LonLat(13.405, 52.52), 80.5)
    assert train.pairs == ((0, 0, 0.75),)
