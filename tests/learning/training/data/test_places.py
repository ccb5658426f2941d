from __future__ import annotations

from pathlib import Path

import pytest

from geoloc.errors import InputError
from geoloc.learning.training.data.places import Place, read_places
from geoloc.learning.training.recipe import DataChoice
from tests.fixtures.csv_tables import SPREADSHEET_ENCODINGS, save_as_spreadsheet

CHOICE = DataChoice(tables=("aerial/images.csv",), held_out_places=("Kept",))


def by_town(data: Path, choice: DataChoice = CHOICE) -> dict[str, Place]:
    return {place.town: place for place in read_places(data, choice)}


def test_images_of_one_group_are_dates_of_one_place(data: Path) -> None:
    places = by_town(data)
    assert {town: len(place.dates) for town, place in places.items()} == {
        "Alder": 2,
        "Birch": 2,
        "Cedar": 1,
        "Kept": 1,
    }


def test_places_are_held_out_by_town_and_by_file(data: Path) -> None:
    assert [town for town, place in by_town(data).items() if place.is_held_out] == ["Kept"]
    choice = DataChoice(tables=CHOICE.tables, held_out_files=("Ceda0.png",))
    assert [p.town for p in read_places(data, choice) if p.is_held_out] == ["Cedar"]


def test_single_images_of_little_ground_are_left_out(data: Path) -> None:
    assert "Speck" not in by_town(data)


def test_finer_images_are_shrunk_and_coarser_ones_kept(data: Path) -> None:
    shrunk = by_town(data, DataChoice(tables=CHOICE.tables, gsd_m=1.25))["Cedar"]
    assert (shrunk.gsd_m, shrunk.dates[0].shape) == (1.25, (256, 256, 3))
    kept = by_town(data)["Cedar"]
    assert (kept.gsd_m, kept.dates[0].shape) == (1.0, (320, 320, 3))


def test_a_place_knows_how_many_tiles_it_holds(data: Path) -> None:
    place = by_town(data)["Cedar"]
    assert place.tiles_along(100.0) == (3, 3)
    assert place.tile_px(1000.0) == pytest.approx(0.98 * 320)


def test_a_missing_table_is_refused(data: Path) -> None:
    with pytest.raises(InputError, match="--data"):
        read_places(data / "absent", CHOICE)


def test_a_missing_image_is_refused(data: Path) -> None:
    (data / "aerial" / "images" / "Ceda0.png").unlink()
    with pytest.raises(InputError, match="Ceda0"):
        read_places(data, CHOICE)


@pytest.mark.parametrize("encoding", SPREADSHEET_ENCODINGS)
def test_a_table_saved_by_a_german_spreadsheet_is_read_right(data: Path, encoding: str) -> None:
    table = data / "aerial" / "images.csv"
    table.write_text(table.read_text().replace("1.0", "1.25"))
    save_as_spreadsheet(table, encoding=encoding)
    assert by_town(data, DataChoice(tables=CHOICE.tables, gsd_m=0.5))["Cedar"].gsd_m == 1.25
