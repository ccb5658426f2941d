"""Fabricated data that broke off: the same call goes on and ends with the same files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import OutputExistsError
from geoloc.storage.kept_files import NOTES_NAME
from geoloc.synthetic.crossview import photos
from geoloc.synthetic.crossview.job import fabricate_crossview
from geoloc.synthetic.options import CrossViewOptions
from geoloc.synthetic.world.palette import Season
from geoloc.synthetic.world.survey import Survey
from geoloc.synthetic.world.world import World
from tests.fixtures.progress import RecordedProgress

OPTIONS = CrossViewOptions(
    kind="drone", places=2, test_places=1, towns=1, photos=1, gsd_m=1.0, width_px=32, tile_m=30.0
)
PANORAMA = replace(OPTIONS, kind="panorama", street=1, any_heading=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def count_photos(patch: pytest.MonkeyPatch) -> list[str]:
    """Names of the photos that are written from now on."""
    written: list[str] = []
    for name in ("write_photo", "write_panorama", "write_street_photo"):
        write = getattr(photos, name)

        def counted(*args: object, write=write, **options: object) -> None:  # type: ignore[no-untyped-def]
            written.append(next(each.name for each in args if isinstance(each, Path)))
            write(*args, **options)

        patch.setattr(photos, name, counted)
    return written


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents(fabricate_crossview(tmp_path_factory.mktemp("whole") / "o", OPTIONS).folder)


@pytest.mark.slow
@pytest.mark.parametrize(("step", "left"), [(1, 2), (3, 0)])
def test_an_interrupted_run_goes_on_and_ends_with_the_same(
    whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, left: int
) -> None:
    out = tmp_path / "out"
    listener = RecordedProgress(stop_after=step)
    with pytest.raises(KeyboardInterrupt):
        fabricate_crossview(out, OPTIONS, progress=listener)
    assert listener.warnings == [f"{out} holds what was done; the same command goes on"]
    assert not (out / "pairs.csv").exists()
    written = count_photos(monkeypatch)
    fabricate_crossview(out, OPTIONS)
    assert len(written) == left
    assert contents(out) == whole


@pytest.mark.slow
def test_a_photo_that_was_cut_off_or_spoilt_is_taken_again(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        fabricate_crossview(out, OPTIONS, progress=RecordedProgress(stop_after=2))
    photo = next((out / "photos/train").iterdir())
    photo.write_bytes(bytes(photo.stat().st_size))
    fabricate_crossview(out, OPTIONS)
    assert contents(out) == whole


@pytest.mark.slow
@pytest.mark.parametrize("options", [PANORAMA, replace(OPTIONS, kind="street")])
def test_panoramas_and_street_photos_that_are_there_keep_their_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: CrossViewOptions
) -> None:
    survey, grey = World.survey, np.full((1024, 2048, 3), 99, np.uint8)

    def rendered(world: World, when: Season, **given: float) -> Survey | None:
        return survey(world, when, **given) if given else None  # whole, it takes seconds

    monkeypatch.setattr(World, "survey", rendered)
    monkeypatch.setattr(World, "take_panorama", lambda *_, **__: grey)
    whole = contents(fabricate_crossview(tmp_path / "whole", options).folder)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        fabricate_crossview(
            out, options, progress=RecordedProgress(stop_after=3 + (options.street > 0))
        )
    written = count_photos(monkeypatch)
    fabricate_crossview(out, options)
    assert not written
    assert contents(out) == whole


@pytest.mark.slow
def test_an_unfinished_run_with_other_options_is_refused_or_replaced(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    other = replace(OPTIONS, width_px=48)
    with pytest.raises(KeyboardInterrupt):
        fabricate_crossview(out, other, progress=RecordedProgress(stop_after=2))
    with pytest.raises(OutputExistsError, match=r"unfinished run with other options.*--overwrite"):
        fabricate_crossview(out, OPTIONS)
    fabricate_crossview(out, replace(OPTIONS, overwrite=True))
    assert contents(out) == whole


def test_a_run_that_was_killed_at_its_first_file_goes_on_and_a_strange_folder_is_refused(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / f".{Path(NOTES_NAME).stem}.77.0123abcd.tmp.jsonl").write_text("")
    with pytest.raises(KeyboardInterrupt):
        fabricate_crossview(out, OPTIONS, progress=_AtOnce())
    (out / NOTES_NAME).unlink()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="holds something"):
        fabricate_crossview(out, OPTIONS)


class _AtOnce(RecordedProgress):
    """Ctrl-C as soon as the work begins."""

    def start(self, label: str, total: int, unit: str) -> None:
        """Interrupt."""
        raise KeyboardInterrupt
