"""Pairs that broke off: what was done is kept, the same call goes on, and it ends with the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geoloc.errors import InputError, OutputExistsError
from geoloc.learning.options import PairingOptions
from geoloc.learning.pairing import job
from geoloc.learning.pairing.job import PairingSummary, make_pairs
from geoloc.learning.pairing.tiles import TileCutter
from geoloc.photos.photo import read_photo
from geoloc.photos.photo_files import find_photos
from geoloc.progress import Progress
from tests.fixtures.killing import run_killed_at
from tests.fixtures.progress import RecordedProgress
from tests.fixtures.surveys import write_survey

OPTIONS = PairingOptions(ground_size_m=80.0, size_px=40, test_share=0.0, offset=0.2)
SPOTS = [(60 + 30 * k, 120) for k in range(4)]


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    write_survey(tmp_path, SPOTS)
    return tmp_path


def pair_up(
    folder: Path,
    options: PairingOptions = OPTIONS,
    *,
    out: str = "pairs",
    progress: Progress | None = None,
) -> PairingSummary:
    photos = find_photos([folder / "photos"], recursive=False)
    told = replace(options, metadata=str(folder / "metadata.csv"))
    maps = [str(folder / "region.tif")]
    return make_pairs(photos, maps, folder / out, told, progress=progress)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class Work:
    """Counts tiles that are cut and photos that are drawn."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.tiles = self.photos = 0
        cut, draw = TileCutter.cut, job.draw_drone_photo

        def counted_cut(*args: object) -> bool:
            self.tiles += 1
            return cut(*args)  # type: ignore[arg-type]

        def counted_draw(*args: object) -> np.ndarray:
            self.photos += 1
            return draw(*args)  # type: ignore[arg-type]

        patch.setattr(TileCutter, "cut", counted_cut)
        patch.setattr(job, "draw_drone_photo", counted_draw)


@pytest.mark.parametrize(
    ("step", "tiles_left", "photos_left"), [(1, 3, 4), (4, 0, 4), (5, 0, 3), (8, 0, 0)]
)
def test_an_interrupted_run_goes_on_and_ends_with_the_same(
    survey: Path, monkeypatch: pytest.MonkeyPatch, step: int, tiles_left: int, photos_left: int
) -> None:
    pair_up(survey, out="whole")
    listener = RecordedProgress(stop_after=step)
    with pytest.raises(KeyboardInterrupt):
        pair_up(survey, progress=listener)
    assert not (survey / "pairs").exists()
    manifest = json.loads((survey / "pairs.partial/pairs.json").read_text())
    assert manifest["unfinished"] is True
    assert listener.warnings == [
        f"{survey / 'pairs.partial'} holds what was done; the same command goes on"
    ]
    work = Work(monkeypatch)
    summary = pair_up(survey)
    assert (work.tiles, work.photos) == (tiles_left, photos_left)
    assert summary.passed_over == 8 - tiles_left - photos_left
    assert contents(survey / "pairs") == contents(survey / "whole")
    assert not (survey / "pairs.partial").exists()


def test_a_run_that_is_killed_anywhere_goes_on(
    survey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair_up(survey, out="whole")
    for step in range(0, 40, 3):
        is_done = run_killed_at(step, lambda: pair_up(survey), monkeypatch)
        if is_done or (survey / "pairs").exists():
            break
    if not is_done:
        pair_up(survey, replace(OPTIONS, overwrite=True))
    made, whole = contents(survey / "pairs"), contents(survey / "whole")
    del made["pairs.json"], whole["pairs.json"]  # which says whether --overwrite was given
    assert {name: made[name] for name in whole} == whole


def test_a_full_disk_costs_nothing_that_was_done(
    survey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        save = Image.Image.save

        def full(image: Image.Image, path: Path, **options: object) -> None:
            if "shot02" in path.name:
                raise OSError(28, "No space left on device")
            save(image, path, **options)

        patch.setattr(Image.Image, "save", full)
        with pytest.raises(OSError, match="No space left"):
            pair_up(survey)
    work = Work(monkeypatch)
    assert pair_up(survey).train == 4
    assert (work.tiles, work.photos) == (0, 2)


def test_what_has_changed_meanwhile_is_done_again(
    survey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        pair_up(survey, progress=RecordedProgress(stop_after=8))
    shot = survey / "photos/shot01.jpg"
    with Image.open(shot) as image:
        exif = image.getexif()
    Image.new("RGB", (80, 80), (9, 9, 9)).save(shot, exif=exif)
    rows = (survey / "metadata.csv").read_text().replace("shot02.jpg,40.0", "shot02.jpg,30")
    (survey / "metadata.csv").write_text(rows)
    work = Work(monkeypatch)
    pair_up(survey)
    assert (work.tiles, work.photos) == (0, 2)
    assert np.median(read_photo(survey / "pairs/photos/shot01.png").pixels) == 9


def test_files_of_an_earlier_run_with_other_photos_are_not_among_the_pairs(survey: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        pair_up(survey, progress=RecordedProgress(stop_after=8))
    (survey / "photos/shot03.jpg").unlink()
    assert pair_up(survey).train == 3
    assert not [name for name in contents(survey / "pairs") if "shot03" in name]


def test_pairs_that_are_replaced_serve_until_the_others_are_whole(survey: Path) -> None:
    pair_up(survey)
    before = contents(survey / "pairs")
    other = replace(OPTIONS, size_px=32, overwrite=True)
    with pytest.raises(KeyboardInterrupt):
        pair_up(survey, other, progress=RecordedProgress(stop_after=6))
    assert contents(survey / "pairs") == before
    assert pair_up(survey, other).passed_over == 6
    assert json.loads((survey / "pairs/pairs.json").read_text())["size_px"] == 32


def test_tiles_are_kept_for_the_advice_that_an_error_gives(survey: Path) -> None:
    with pytest.raises(InputError, match="--test-share 0"):
        pair_up(survey, replace(OPTIONS, test_share=0.5, ground_size_m=300.0, min_valid=0.1))
    assert pair_up(survey, replace(OPTIONS, ground_size_m=300.0, min_valid=0.1)).passed_over == 4


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_strange_folder_of_that_name_is_left_alone(survey: Path, is_folder: bool) -> None:
    strange = survey / "pairs.partial"
    if is_folder:
        strange.mkdir()
        (strange / "diary.txt").write_text("mine")
    else:
        strange.write_text("mine")
    with pytest.raises(OutputExistsError, match=r"pairs\.partial exists and is not of an"):
        pair_up(survey)
    assert (strange / "diary.txt" if is_folder else strange).read_text() == "mine"
