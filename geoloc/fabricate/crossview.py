"""Cross-view data on disk: maps, tiles, photos, pairs.csv and the truth."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geoloc.errors import OutputExistsError
from geoloc.fabricate.order import CrossViewOrder
from geoloc.fabricate.shoot import Photographer
from geoloc.fabricate.town import Town, plan_test_town, plan_training_town
from geoloc.progress import Progress, Silent
from geoloc.world import MapPicture, Season, write_map
from geoloc.world.files import TRUTH_COLUMNS
from geoloc.world.ground_files import write_tile

PAIRS_NAME = "pairs.csv"
TRUTH_NAME = "truth.csv"
STREET_TRUTH_NAME = "truth_street.csv"
PAIRS_COLUMNS = ("query", "reference", "place", "lon", "lat", "split", "view", "altitude_m")

_Rows = list[list[str]]


@dataclass(frozen=True)
class Fabricated:
    """What was written.

    Attributes:
        folder: Where.
        maps: The maps, the test town's last.
        training_photos: How many.
        test_photos: How many.
        street_photos: How many.
    """

    folder: Path
    maps: tuple[Path, ...]
    training_photos: int
    test_photos: int
    street_photos: int


def fabricate_crossview(
    folder: str | Path, order: CrossViewOrder | None = None, *, progress: Progress | None = None
) -> Fabricated:
    """Build towns and write their maps, photos, tiles and pairs; the table of pairs comes last.

    Args:
        folder: Where; it is made.
        order: What; None for the usual.
        progress: Who listens.

    Raises:
        OutputExistsError: The folder is not empty and `order.overwrite` was not asked for.
    """
    target, wanted = Path(folder), order or CrossViewOrder()
    _prepare(target, wanted)
    job = _Job(target, wanted, progress or Silent())
    pairs: _Rows = []
    maps: list[Path] = []
    for number in range(1, wanted.towns + 1):
        found = job.build(plan_training_town(wanted, number))
        pairs += found.pairs
        maps += found.maps
    town = plan_test_town(wanted)
    test = job.build(town)
    street = job.build_street(town)
    _write_table(target / TRUTH_NAME, TRUTH_COLUMNS, test.truth)
    if street:
        _write_table(target / STREET_TRUTH_NAME, TRUTH_COLUMNS, street)
    _write_table(target / PAIRS_NAME, PAIRS_COLUMNS, pairs + test.pairs)
    trained = wanted.places * wanted.photos_a_place
    return Fabricated(target, (*maps, *test.maps), trained, len(test.truth), len(street))


@dataclass(frozen=True)
class _Built:
    """What one town has become."""

    pairs: _Rows
    truth: _Rows
    maps: list[Path]


@dataclass(frozen=True)
class _Job:
    """Where the towns go, and who listens."""

    folder: Path
    order: CrossViewOrder
    progress: Progress

    def build(self, town: Town) -> _Built:
        """Write a town's maps, tiles and photos."""
        shots = self.order.photos_a_place
        self.progress.start(f"{town.name}: tiles and photos", len(town.places), "places")
        maps = self._write_maps(town)
        photographer = self._photographer(town)
        pairs: _Rows = []
        truth: _Rows = []
        for place in range(len(town.places)):
            tiles = self._write_tiles(town, place, maps)
            for photo in range(shots):
                suffix = f"_{photo + 1}" if shots > 1 else ""
                path = self._in(f"photos/{town.split}", f"{_name(town, place)}{suffix}.jpg")
                row = photographer.shoot(place, photo, path)
                truth.append(row)
                pairs += [self._pair(town, place, path, tile, row[3]) for tile in tiles]
            self.progress.advance()
        return _Built(pairs, truth, [path for path, _, _ in maps])

    def build_street(self, town: Town) -> _Rows:
        """Write a town's street photos; their truth."""
        count = min(self.order.street, len(town.places))
        if not count:
            return []
        self.progress.start(f"{town.name}: street photos", count, "photos")
        photographer = self._photographer(town)
        truth: _Rows = []
        for place in range(count):
            name = f"street_{place + 1:04d}.jpg"
            truth.append(photographer.shoot_street(place, self._in("photos/street", name)))
            self.progress.advance()
        return truth

    def _photographer(self, town: Town) -> Photographer:
        surveys = {}
        if self.order.kind == "panorama":
            surveys = {season: town.world.survey(season) for season in town.photo_seasons}
        return Photographer(self.order, town, surveys)

    def _write_maps(self, town: Town) -> list[tuple[Path, Season, MapPicture]]:
        written = []
        for season in town.map_seasons:
            single = len(town.map_seasons) == 1
            path = self.folder / f"map_{town.name}{'' if single else '_' + season}.tif"
            picture = write_map(
                town.world, path, when=season, gsd_m=self.order.gsd_m, overwrite=True
            )
            written.append((path, season, picture))
        return written

    def _write_tiles(
        self, town: Town, place: int, maps: Sequence[tuple[Path, Season, MapPicture]]
    ) -> list[Path]:
        """A north-up tile around a place from each map."""
        written = []
        for _, season, picture in maps:
            suffix = "" if len(maps) == 1 else f"_{season}"
            path = self._in(f"tiles/{town.split}", f"{_name(town, place)}{suffix}.png")
            step_m = picture.transform.a
            side_px = round(self.order.tile_side_m / step_m)
            at = town.places[place]
            left = round(at.x_m / step_m - side_px / 2)
            top = round((town.world.size_m - at.y_m) / step_m - side_px / 2)
            write_tile(picture.pixels[top : top + side_px, left : left + side_px], path)
            written.append(path)
        return written

    def _pair(self, town: Town, place: int, photo: Path, tile: Path, altitude_m: str) -> list[str]:
        position = town.world.lonlat(town.places[place])
        degrees = (f"{position.lon:.8f}", f"{position.lat:.8f}")
        paths = (each.relative_to(self.folder).as_posix() for each in (photo, tile))
        view = "ground" if self.order.kind == "panorama" else "drone"
        return [*paths, _name(town, place), *degrees, town.split, view, altitude_m]

    def _in(self, folder: str, name: str) -> Path:
        path = self.folder / folder
        path.mkdir(parents=True, exist_ok=True)
        return path / name


def _name(town: Town, place: int) -> str:
    return f"{town.name}_{place + 1:04d}"


def _prepare(folder: Path, order: CrossViewOrder) -> None:
    """Make the folder; a table of pairs is only there when all of it is."""
    if folder.is_dir() and any(folder.iterdir()) and not order.overwrite:
        message = f"{folder} is not empty; choose another folder or pass --overwrite"
        raise OutputExistsError(message, path=folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAIRS_NAME).unlink(missing_ok=True)


def _write_table(path: Path, columns: Sequence[str], rows: _Rows) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)
    part.replace(path)
