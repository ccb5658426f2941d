"""A batch of photos: in order, complete, whatever is among them and however many at a time."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geoloc.errors import DependencyError, IndexFolderError, MetadataError
from geoloc.locate.job import locate_photos
from geoloc.options import LocateOptions
from geoloc.results.schema import PhotoResult
from tests.fixtures.photos import write_photo
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.search import SearchWorld


@pytest.fixture(scope="module")
def mixed(search_world: SearchWorld, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Good photos between a broken, a missing and an empty one."""
    folder = tmp_path_factory.mktemp("mixed")
    broken = folder / "a_broken.jpg"
    broken.write_bytes(b"\xff\xd8 no jpeg")
    blank = write_photo(folder / "z_small.png")
    first, second, third = search_world.photos
    return [third, broken, first, folder / "missing.jpg", blank, second]


def run(world: SearchWorld, photos: list[Path], **options: Any) -> list[PhotoResult]:
    return list(locate_photos(photos, world.index, LocateOptions(**options)))


@pytest.fixture(scope="module")
def one_at_a_time(search_world: SearchWorld, mixed: list[Path]) -> list[PhotoResult]:
    return run(search_world, mixed, workers=1)


def test_results_come_in_the_order_of_the_photos(
    one_at_a_time: list[PhotoResult], mixed: list[Path]
) -> None:
    assert [result.photo for result in one_at_a_time] == [str(path) for path in mixed]


def test_a_bad_photo_becomes_a_row_and_never_ends_the_batch(
    one_at_a_time: list[PhotoResult],
) -> None:
    statuses = [result.status for result in one_at_a_time]
    assert statuses[1] == statuses[3] == "unreadable"
    assert statuses[4] == "rejected"
    assert [statuses[i] for i in (0, 2, 5)] == ["located"] * 3
    assert all(one_at_a_time[i].error for i in (1, 3, 4))


@pytest.mark.slow
def test_several_at_a_time_give_the_same(
    search_world: SearchWorld, mixed: list[Path], one_at_a_time: list[PhotoResult]
) -> None:
    several = run(search_world, mixed, workers=3)
    assert [replace(r, run_id=None) for r in several] == [
        replace(r, run_id=None) for r in one_at_a_time
    ]


def test_a_run_has_one_name_and_two_runs_have_two(
    search_world: SearchWorld, one_at_a_time: list[PhotoResult]
) -> None:
    names = {result.run_id for result in one_at_a_time}
    assert len(names) == 1
    again = run(search_world, [search_world.index / "missing.jpg"])
    assert again[0].run_id not in names
    assert again[0].index_id == one_at_a_time[0].index_id


@pytest.mark.parametrize("kind", ["street", "panorama"])
def test_photos_of_an_untrained_kind_are_rejected_with_one_warning(
    search_world: SearchWorld, kind: str
) -> None:
    progress = RecordedProgress()
    options = LocateOptions(view=kind)  # type: ignore[arg-type]
    results = list(
        locate_photos(search_world.photos, search_world.index, options, progress=progress)
    )
    assert [(r.status, r.view) for r in results] == [("rejected", kind)] * 3
    assert len(progress.warnings) == 1
    assert kind in progress.warnings[0]
    assert progress.done == 3


def test_the_progress_counts_every_photo(search_world: SearchWorld, tmp_path: Path) -> None:
    progress = RecordedProgress()
    missing = [tmp_path / f"{i}.jpg" for i in range(7)]
    assert len(list(locate_photos(missing, search_world.index, progress=progress))) == 7
    assert progress.done == 7


def test_the_first_unreadable_photos_are_named_and_the_rest_counted(
    search_world: SearchWorld, tmp_path: Path
) -> None:
    progress = RecordedProgress()
    missing = [tmp_path / f"{i}.jpg" for i in range(7)]
    list(locate_photos(missing, search_world.index, progress=progress))
    assert [f"{i}.jpg" in warning for i, warning in enumerate(progress.warnings[:5])] == [True] * 5
    assert len(progress.warnings) == 6
    assert "2 more" in progress.warnings[5]


def test_no_photos_are_no_results(search_world: SearchWorld) -> None:
    assert run(search_world, []) == []


def test_results_come_one_by_one_and_may_be_left(search_world: SearchWorld, tmp_path: Path) -> None:
    progress = RecordedProgress()
    missing = [tmp_path / f"{i}.jpg" for i in range(40)]
    results = locate_photos(missing, search_world.index, progress=progress)
    assert next(results).photo.endswith("0.jpg")
    assert progress.done == 1
    results.close()  # type: ignore[attr-defined]


def test_rows_of_the_table_without_a_photo_are_told(
    search_world: SearchWorld, tmp_path: Path
) -> None:
    table = tmp_path / "said.csv"
    table.write_text("photo,rel_alt_m,pitch_deg\nnobody.jpg,100,\nDJI_0001.jpg,2,-5\n")
    progress = RecordedProgress()
    options = LocateOptions(metadata=str(table))
    photos = search_world.photos[:1]
    results = list(locate_photos(photos, search_world.index, options, progress=progress))
    assert results[0].view == "street"
    assert any("nobody.jpg" in warning for warning in progress.warnings)


def test_a_missing_index_is_an_error_before_the_first_photo(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError):
        locate_photos([], tmp_path / "nowhere")


def test_a_device_that_is_not_there_is_an_error_before_the_first_photo(
    search_world: SearchWorld,
) -> None:
    with pytest.raises(DependencyError, match="no device cuda:99"):
        locate_photos([], search_world.index, LocateOptions(device="cuda:99"))


def test_a_missing_table_is_an_error_before_the_first_photo(
    search_world: SearchWorld, tmp_path: Path
) -> None:
    options = LocateOptions(metadata=str(tmp_path / "none.csv"))
    with pytest.raises(MetadataError):
        locate_photos([], search_world.index, options)


def test_an_index_of_other_weights_is_refused_before_the_first_photo(
    search_world: SearchWorld, tmp_path: Path
) -> None:
    shutil.copytree(search_world.index, tmp_path / "index")
    card = shutil.copytree(search_world.folder / "model", tmp_path / "model") / "model.toml"
    text = card.read_text()
    card.write_text(text.replace("mean = [0.5, 0.5, 0.5]", "mean = [0.4, 0.5, 0.5]"))
    assert card.read_text() != text
    with pytest.raises(IndexFolderError, match="another"):
        locate_photos([], tmp_path / "index")
