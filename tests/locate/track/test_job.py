"""Tracks in a run: their rows, the single rows that an interrupt keeps, and their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas
import pytest
import shapely

from geoloc.errors import OptionError
from geoloc.locate import file_job, job
from geoloc.locate.file_job import LocateSummary, locate_to_file
from geoloc.locate.run_facts import options_text
from geoloc.locate.track.job import TrackRows
from geoloc.locate.track.named import track_names
from geoloc.options import LocateOptions
from geoloc.photos.metadata import PhotoMetadata
from geoloc.progress import Silent
from geoloc.results.files import read_results
from geoloc.results.journal import journal_path, read_journal
from geoloc.results.schema import PhotoResult
from geoloc.tiles.tile_table import TileTable
from tests.fixtures.indexes import stand_in_index
from tests.fixtures.tile_tables import table_of

OPTIONS = LocateOptions(matcher="none", track="auto", workers=1)


@dataclass
class Camp:
    """Photos of a byte each, and a stand-in for the index: which photo is found where."""

    photos: list[Path]
    confidence: dict[str, float] = field(default_factory=dict)
    east_deg: dict[str, float] = field(default_factory=dict)
    breaks_at: str | None = None
    located: list[str] = field(default_factory=list)
    locator: Any = None
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def locate(self, photo: Path, options: LocateOptions) -> PhotoResult:
        if photo.stem == self.breaks_at:
            self.breaks_at = None
            raise KeyboardInterrupt
        self.located.append(photo.stem)
        sure = self.confidence.get(photo.stem, 0.99)
        return PhotoResult(
            str(photo),
            "located" if sure >= 0.8 else "ambiguous",
            longitude=self.east_deg.get(photo.stem, float(photo.stem[1:]) * 1e-4),
            latitude=1.0,
            confidence=sure,
            index_id="first",
            options=options_text(options),
            view="drone",
        )

    def run(self, output: Path) -> LocateSummary:
        self.located.clear()
        return locate_to_file(self.photos, "index", output, OPTIONS)


class Clock:
    """A stand-in for the sources of metadata: a photo a second, as their numbers say."""

    def complete(self, photo: Path, metadata: PhotoMetadata) -> PhotoMetadata:
        return replace(metadata, timestamp=f"2024-05-01T10:00:{int(photo.stem[1:]):02d}")

    def settle(self, photos: Sequence[Path]) -> tuple[str, ...]:
        return ()


def square_kilometre() -> TileTable:
    """A map of one tile."""
    outline = shapely.box(-0.0045, 0.9955, 0.0045, 1.0045)
    facts = {"ground_size_m": [1000.0], "lat": [1.0]}
    return table_of(geopandas.GeoDataFrame(facts, geometry=[outline], crs="EPSG:4326"))


@pytest.fixture
def camp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Camp:
    photos = [tmp_path / f"p{n}.jpg" for n in (1, 3, 2, 4, 5)]
    for photo in photos:
        photo.write_bytes(b"1")
    world = Camp(photos)

    class StandIn(SimpleNamespace):
        def __init__(self, opened: Any, options: LocateOptions, **_: Any) -> None:
            super().__init__(notes=(), sources=Clock(), drone=None, cancel=world.cancel)
            self.tiles = square_kilometre()
            self.provenance = SimpleNamespace(min_confidence=0.8, needs_calibration=False)
            self.locate = lambda photo: world.locate(photo, options)

    opened = stand_in_index("first", tmp_path)
    monkeypatch.setattr(file_job, "open_index", lambda *_: opened)
    monkeypatch.setattr(job, "Locator", StandIn)
    world.locator = StandIn(opened, OPTIONS)
    return world


def test_a_photo_in_doubt_is_decided_by_its_track_and_keeps_its_answer_alone(
    camp: Camp, tmp_path: Path
) -> None:
    camp.confidence["p3"] = 0.5
    summary = camp.run(tmp_path / "out.geojson")
    rows = {Path(row.photo).stem: row for row in read_results(tmp_path / "out.geojson")}
    assert list(rows) == ["p1", "p3", "p2", "p4", "p5"], "the order of the photos"
    assert summary.statuses == {"located": 5, "ambiguous": 0}
    assert (rows["p3"].status, rows["p3"].single_status) == ("located", "ambiguous")
    assert rows["p3"].single_longitude == rows["p3"].longitude
    assert {name: row.from_track for name, row in rows.items()} == dict.fromkeys(rows, 0) | {
        "p3": 1
    }
    assert [rows[f"p{n}"].track_position for n in range(1, 6)] == [1, 2, 3, 4, 5]
    assert {row.track for row in rows.values()} == {"p1"}


def test_photos_that_have_nothing_to_do_with_each_other_are_no_track(
    camp: Camp, tmp_path: Path
) -> None:
    places = [5, 1, 9, 3, 8, 0, 6, 2, 7, 4, 9, 1]
    camp.photos = [tmp_path / f"p{n}.jpg" for n in range(len(places))]
    for photo, place in zip(camp.photos, places, strict=True):
        photo.write_bytes(b"1")
        camp.east_deg[photo.stem] = (place - 4.5) * 1e-3
    camp.confidence["p3"] = 0.5
    camp.run(tmp_path / "out.geojson")
    rows = read_results(tmp_path / "out.geojson")
    assert {(row.track, row.track_position, row.from_track) for row in rows} == {(None, None, 0)}
    assert [row.status for row in rows].count("ambiguous") == 1


def test_only_who_leaves_early_ends_searches(camp: Camp, tmp_path: Path) -> None:
    camp.run(tmp_path / "out.geojson")
    assert not camp.is_cancelled, "or no track could search again when all photos are located"
    camp.breaks_at = "p4"
    with pytest.raises(KeyboardInterrupt):
        camp.run(tmp_path / "other.geojson")
    assert camp.is_cancelled


def test_an_interrupt_costs_no_row_and_ends_in_the_same_file(camp: Camp, tmp_path: Path) -> None:
    camp.confidence["p3"] = 0.5
    camp.run(tmp_path / "whole.geojson")
    whole = (tmp_path / "whole.geojson").read_text()
    camp.breaks_at = "p4"
    with pytest.raises(KeyboardInterrupt):
        camp.run(tmp_path / "out.geojson")
    kept = read_journal(tmp_path / "out.geojson").rows.values()
    assert {row.from_track for row in kept} == {None}, "their track is not done"
    before = len(kept)
    assert before >= 1
    camp.run(tmp_path / "out.geojson")
    assert len(camp.located) == 5 - before
    assert (tmp_path / "out.geojson").read_text() == whole
    assert not journal_path(tmp_path / "out.geojson").exists()
    assert camp.run(tmp_path / "out.geojson").is_idle


def test_a_column_of_the_table_names_the_tracks(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("photo,rel_alt_m,Flight\np1.jpg,10,north\np2.jpg,10,south\np3.jpg,10,\n")
    photos = [tmp_path / f"p{n}.jpg" for n in (1, 2, 3)]
    options = LocateOptions(track="Flight", metadata=str(table))
    assert track_names(options, photos) == {photos[0]: "north", photos[1]: "south"}
    with pytest.raises(OptionError, match="has no column walk, which --track names"):
        track_names(LocateOptions(track="walk", metadata=str(table)), photos)
    with pytest.raises(OptionError, match="give the table with --metadata"):
        track_names(LocateOptions(track="walk"), photos)


def test_rows_come_as_soon_as_their_track_is_done_and_those_of_no_track_at_once(
    camp: Camp, tmp_path: Path
) -> None:
    flights = [[tmp_path / f"{flight}/p{n}.jpg" for n in range(3)] for flight in ("one", "two")]
    alone = tmp_path / "alone/p9.jpg"
    photos = [alone, *flights[0], *flights[1]]
    for photo in photos:
        photo.parent.mkdir(exist_ok=True)
        photo.write_bytes(b"1")
    taken: list[Path] = []

    def located() -> Iterator[PhotoResult]:
        for photo in photos:
            taken.append(photo)
            yield camp.locate(photo, OPTIONS)

    rows = TrackRows(camp.locator, photos, OPTIONS, progress=Silent()).in_order(photos, located())
    assert next(rows).photo == str(alone)
    assert taken == [alone], "nothing else is awaited"
    rest = [(Path(row.photo), row.track_position) for row in rows]
    assert rest == [(photo, n) for flight in flights for n, photo in enumerate(flight, 1)]


def test_photos_of_which_no_row_is_wanted_take_part_in_their_track(
    camp: Camp, tmp_path: Path
) -> None:
    rows = {str(photo): camp.locate(photo, OPTIONS) for photo in camp.photos}
    tracks = TrackRows(camp.locator, camp.photos, OPTIONS, progress=Silent())
    (last,) = tracks.in_order(camp.photos[-1:], rows.values())
    assert (Path(last.photo).stem, last.track, last.track_position) == ("p5", "p1", 5)
