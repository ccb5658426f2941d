"""The readers against miniatures in the official layouts: counts, answers, positions, errors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from geoloc.errors import InputError
from geoloc.geometry.crs import LonLat, distance_m
from geoloc.learning.datasets.crossview import CrossViewDataset, Split
from geoloc.learning.datasets.registry import DATASETS, open_dataset
from geoloc.learning.datasets.sues200 import TRAIN_PLACES
from tests.fixtures.csv_tables import SPREADSHEET_ENCODINGS, save_as_spreadsheet
from tests.fixtures.dataset_layouts import (
    CITIES,
    write_cvact,
    write_cvusa,
    write_sues200,
    write_university1652,
    write_vigor,
)

Writer = Callable[[Path], Path]
WRITERS: dict[str, Writer] = {
    "cvusa": write_cvusa,
    "cvact": write_cvact,
    "vigor-same": write_vigor,
    "vigor-cross": write_vigor,
    "university1652": write_university1652,
    "sues200": write_sues200,
}


def splits(dataset: CrossViewDataset) -> list[Split]:
    return [split for split in (dataset.train, *dataset.tests) if split]


def sizes(split: Split | None) -> tuple[int, int, int]:
    assert split is not None
    return len(split.queries), len(split.references), len(split.pairs)


@pytest.mark.parametrize("name", WRITERS)
def test_every_split_keeps_its_promises(name: str, tmp_path: Path) -> None:
    dataset = open_dataset(name, WRITERS[name](tmp_path))
    assert dataset.name == name
    assert dataset.train is not None
    for split in splits(dataset):
        assert {pair.query for pair in split.pairs} == set(range(len(split.queries)))
        assert list(split.pairs) == sorted(split.pairs, key=lambda pair: pair.query)
        for picture in (*split.queries, *split.references):
            assert picture.path.is_file()
        for query, reference, _ in split.pairs:
            assert split.queries[query].place == split.references[reference].place
        right = {pair[:2] for pair in split.pairs}
        assert right.isdisjoint(pair[:2] for pair in split.near_misses)


@pytest.mark.parametrize("name", WRITERS)
def test_tests_share_no_photo_with_training(name: str, tmp_path: Path) -> None:
    dataset = open_dataset(name, WRITERS[name](tmp_path))
    assert dataset.train is not None
    learnt = {query.path for query in dataset.train.queries}
    for test in dataset.tests:
        assert learnt.isdisjoint(query.path for query in test.queries)


@pytest.mark.parametrize("name", WRITERS)
def test_the_folder_that_an_archive_makes_is_found(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / "as-unpacked")
    assert splits(open_dataset(name, tmp_path))


@pytest.mark.parametrize("name", WRITERS)
def test_an_empty_folder_is_refused_with_what_is_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing.*examples/datasets\.md"):
        open_dataset(name, tmp_path)
    with pytest.raises(InputError, match="no folder"):
        open_dataset(name, tmp_path / "nowhere")


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cvusa, cvact, .*pairs"):
        open_dataset("cvus", tmp_path)
    assert set(DATASETS) == {*WRITERS, "pairs"}


def test_cvusa_is_one_to_one_with_positions(tmp_path: Path) -> None:
    dataset = open_dataset("cvusa", write_cvusa(tmp_path))
    assert sizes(dataset.train) == (4, 4, 4)
    (test,) = dataset.tests
    assert sizes(test) == (2, 2, 2)
    assert test.query_view == "ground"
    first = dataset.train
    assert first is not None
    assert first.queries[1].path == tmp_path / "streetview/panos/0000008.jpg"
    assert first.references[1].path == tmp_path / "bingmap/19/0000008.jpg"
    assert first.references[1].position == LonLat(-90.08, 40.08)
    assert first.queries[1].position == LonLat(-90.08, 40.081)


def test_cvusa_needs_no_positions(tmp_path: Path) -> None:
    dataset = open_dataset("cvusa", write_cvusa(tmp_path, locations=False))
    assert all(query.position is None for query in dataset.tests[0].queries)


def test_missing_images_are_counted_and_named(tmp_path: Path) -> None:
    write_cvusa(tmp_path)
    shutil.rmtree(tmp_path / "bingmap")
    with pytest.raises(InputError, match=r"4 files of CVUSA .*bingmap/19/0000001\.jpg") as raised:
        open_dataset("cvusa", tmp_path)
    assert raised.value.path == tmp_path / "bingmap/19/0000001.jpg"


def test_cvusa_without_its_training_table_has_tests(tmp_path: Path) -> None:
    write_cvusa(tmp_path)
    (tmp_path / "splits/train-19zl.csv").unlink()
    dataset = open_dataset("cvusa", tmp_path)
    assert dataset.train is None
    assert len(dataset.tests) == 1


def test_a_broken_table_of_positions_is_refused(tmp_path: Path) -> None:
    write_cvusa(tmp_path)
    (tmp_path / "split_locations/all.csv").write_text("40.0,x,1,1\n")
    with pytest.raises(InputError, match="latitude, longitude"):
        open_dataset("cvusa", tmp_path)


def test_cvact_sets_are_those_of_its_table(tmp_path: Path) -> None:
    dataset = open_dataset("cvact", write_cvact(tmp_path))
    assert [test.name for test in dataset.tests] == ["val", "test"]
    assert [sizes(split) for split in splits(dataset)] == [(4, 4, 4), (3, 3, 3), (2, 2, 2)]
    assert dataset.train is not None
    assert [query.place for query in dataset.train.queries][:2] == ["pano_08-X", "pano_07-X"]
    assert [query.place for query in dataset.tests[1].queries] == ["pano_00-X", "pano_01-X"]


def test_cvact_lies_in_canberra(tmp_path: Path) -> None:
    dataset = open_dataset("cvact", write_cvact(tmp_path))
    for split in splits(dataset):
        for query in split.queries:
            assert query.position is not None
            assert distance_m(query.position, LonLat(149.13, -35.28)) < 30_000


def test_cvact_without_its_test_archive_has_val(tmp_path: Path) -> None:
    write_cvact(tmp_path)
    shutil.rmtree(tmp_path / "ANU_data_test")
    assert [test.name for test in open_dataset("cvact", tmp_path).tests] == ["val"]
    shutil.rmtree(tmp_path / "ANU_data_small")
    with pytest.raises(InputError, match="neither ANU_data_small nor ANU_data_test"):
        open_dataset("cvact", tmp_path)


def test_the_few_panoramas_that_cvact_lacks_are_left_out(tmp_path: Path) -> None:
    write_cvact(tmp_path, train=60)
    small = tmp_path / "ANU_data_small/streetview"
    (small / "pano_20-X_grdView.jpg").unlink()
    assert sizes(open_dataset("cvact", tmp_path).train) == (59, 59, 59)
    for path in sorted(small.iterdir())[:10]:
        path.unlink()
    with pytest.raises(InputError, match="files of CVACT"):
        open_dataset("cvact", tmp_path)


def test_a_broken_table_of_cvact_is_refused(tmp_path: Path) -> None:
    write_cvact(tmp_path)
    (tmp_path / "ACT_data.mat").write_bytes(b"no matlab")
    with pytest.raises(InputError, match=r"ACT_data\.mat cannot be read"):
        open_dataset("cvact", tmp_path)


@pytest.mark.parametrize("sample4geo", [False, True])
@pytest.mark.parametrize("corrected", [False, True])
def test_vigor_is_found_in_all_its_layouts(
    tmp_path: Path, sample4geo: bool, corrected: bool
) -> None:
    write_vigor(tmp_path, sample4geo=sample4geo, corrected=corrected)
    assert sizes(open_dataset("vigor-same", tmp_path).tests[0]) == (16, 36, 16)


def test_vigor_tests_search_all_tiles_and_training_only_its_own(tmp_path: Path) -> None:
    same = open_dataset("vigor-same", write_vigor(tmp_path))
    assert sizes(same.train) == (16, 16, 16)
    assert sizes(same.tests[0]) == (16, 36, 16)
    cross = open_dataset("vigor-cross", tmp_path)
    assert sizes(cross.train) == (16, 8, 16)
    assert sizes(cross.tests[0]) == (16, 18, 16)


def test_vigor_cross_shares_no_city(tmp_path: Path) -> None:
    cross = open_dataset("vigor-cross", write_vigor(tmp_path))
    assert cross.train is not None

    def cities(split: Split) -> set[str]:
        return {c for c in CITIES for picture in split.references if c in picture.path.parts}

    assert cities(cross.train) == {"NewYork", "Seattle"}
    assert cities(cross.tests[0]) == {"Chicago", "SanFrancisco"}


def test_vigor_panoramas_have_one_answer_and_three_near_misses(tmp_path: Path) -> None:
    test = open_dataset("vigor-same", write_vigor(tmp_path)).tests[0]
    near = [pair.reference for pair in test.near_misses if pair.query == 0]
    assert len(near) == 3
    query, own = test.queries[0], test.references[test.pairs[0].reference]
    assert query.place == own.path.name
    assert query.position is not None
    assert own.position is not None
    assert distance_m(query.position, own.position) < 15
    for number in near:
        position = test.references[number].position
        assert position is not None
        assert 15 < distance_m(query.position, position) < 80


def test_vigor_cross_can_be_tested_without_its_training_cities(tmp_path: Path) -> None:
    write_vigor(tmp_path)
    for city in ("NewYork", "Seattle"):
        shutil.rmtree(tmp_path / city)
    cross = open_dataset("vigor-cross", tmp_path)
    assert cross.train is None
    assert sizes(cross.tests[0]) == (16, 18, 16)


def test_a_missing_city_is_named(tmp_path: Path) -> None:
    write_vigor(tmp_path)
    shutil.rmtree(tmp_path / "splits/Seattle")
    with pytest.raises(InputError, match=r"Seattle/same_area_balanced_train\.txt is missing"):
        open_dataset("vigor-same", tmp_path)


def test_university_keeps_its_distractors(tmp_path: Path) -> None:
    dataset = open_dataset("university1652", write_university1652(tmp_path))
    assert sizes(dataset.train) == (9, 3, 9)
    there, back = dataset.tests
    assert (there.query_view, there.reference_view) == ("drone", "satellite")
    assert sizes(there) == (6, 4, 6)
    assert (back.query_view, back.reference_view) == ("satellite", "drone")
    assert sizes(back) == (2, 12, 6)
    assert len({reference.place for reference in back.references}) == 4


def test_university_learns_from_places_with_both_views(tmp_path: Path) -> None:
    write_university1652(tmp_path)
    shutil.rmtree(tmp_path / "train/satellite/0003")
    assert sizes(open_dataset("university1652", tmp_path).train) == (6, 2, 6)


def test_a_missing_gallery_is_named(tmp_path: Path) -> None:
    write_university1652(tmp_path)
    shutil.rmtree(tmp_path / "test/gallery_drone")
    with pytest.raises(InputError, match="gallery_drone is missing"):
        open_dataset("university1652", tmp_path)


def test_sues_has_a_test_for_each_altitude_and_direction(tmp_path: Path) -> None:
    dataset = open_dataset("sues200", write_sues200(tmp_path))
    assert sizes(dataset.train) == (2 * 4 * 3, 2, 24)
    assert len(dataset.tests) == 8
    there, back = dataset.tests[2:4]
    assert there.name == "drone -> satellite, 200 m"
    assert sizes(there) == (6, 4, 6)
    assert {query.altitude_m for query in there.queries} == {200.0}
    assert back.name == "satellite -> drone, 200 m"
    assert sizes(back) == (2, 12, 6)
    assert {reference.path.parent.name for reference in back.references} == {"200"}


def test_sues_learns_from_120_of_200_places() -> None:
    assert len(TRAIN_PLACES) == 120
    assert {"0007", "0200"} <= TRAIN_PLACES
    assert "0008" not in TRAIN_PLACES


def test_photos_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    write_sues200(tmp_path, photos=11)
    queries = open_dataset("sues200", tmp_path).tests[0].queries
    assert [query.path.stem for query in queries[:11]] == [str(k) for k in range(11)]


def test_a_place_without_an_altitude_is_named(tmp_path: Path) -> None:
    write_sues200(tmp_path)
    shutil.rmtree(tmp_path / "drone_view_512/0008/250")
    with pytest.raises(InputError, match="0008/250 is missing"):
        open_dataset("sues200", tmp_path)


def test_a_place_without_a_satellite_image_is_named(tmp_path: Path) -> None:
    write_sues200(tmp_path)
    shutil.rmtree(tmp_path / "satellite-view/0012")
    with pytest.raises(InputError, match="no reference of its place"):
        open_dataset("sues200", tmp_path)


@pytest.mark.parametrize("encoding", SPREADSHEET_ENCODINGS)
def test_tables_saved_by_a_german_spreadsheet_are_read_right(tmp_path: Path, encoding: str) -> None:
    published = open_dataset("cvusa", write_cvusa(tmp_path))
    for table in tmp_path.rglob("*.csv"):
        save_as_spreadsheet(table, encoding=encoding)
    saved = open_dataset("cvusa", tmp_path)
    assert saved == published
    assert saved.tests[0].references[0].position is not None
