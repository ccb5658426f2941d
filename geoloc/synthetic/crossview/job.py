"""Cross-view data on disk: maps, tiles, photos, pairs.csv and the truth."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from geoloc import __version__
from geoloc.arrays import ByteArray
from geoloc.errors import OutputExistsError
from geoloc.photos.kind import network_view
from geoloc.progress import Progress, Silent
from geoloc.storage.atomic import remove_drafts, remove_drafts_of, replacing
from geoloc.storage.kept_files import NOTES_NAME, KeptFiles, key_of
from geoloc.storage.lock import is_vacant, locked_folder
from geoloc.synthetic.crossview.photos import Photographer
from geoloc.synthetic.crossview.towns import (
    MAX_SHIFT,
    Town,
    plan_test_town,
    plan_training_town,
)
from geoloc.synthetic.options import CrossViewOptions
from geoloc.synthetic.world.elevation_file import write_dem
from geoloc.synthetic.world.files import TRUTH_COLUMNS, write_map, write_tile
from geoloc.synthetic.world.palette import Season
from geoloc.synthetic.world.world import MapPicture, WorldPoint

PAIRS_NAME = "pairs.csv"
TRUTH_NAME = "truth.csv"
STREET_TRUTH_NAME = "truth_street.csv"
PAIRS_COLUMNS = (
    "query",
    "reference",
    "place",
    "lon",
    "lat",
    "split",
    "view",
    "altitude_m",
    "reference_lon",
    "reference_lat",
    "ground_size_m",
    "overlap",
)

_Rows = list[list[str]]


@dataclass(frozen=True)
class CrossViewSummary:
    """What was written.

    Attributes:
        folder: Folder that was written.
        maps: The maps, the test town's last.
        training_photos: Number of training photos.
        test_photos: Number of test photos.
        street_photos: Number of street photos.
    """

    folder: Path
    maps: tuple[Path, ...]
    training_photos: int
    test_photos: int
    street_photos: int


def fabricate_crossview(
    folder: str | Path, options: CrossViewOptions | None = None, *, progress: Progress | None = None
) -> CrossViewSummary:
    """Build towns and write their maps, photos, tiles and pairs; the table of pairs comes last.

    When a call breaks off, the same call passes over the photos and tiles that were written.

    Args:
        folder: Folder to write; it is made.
        options: Kind and number of photos, places and towns; None for the defaults.
        progress: Listener for every place.

    Raises:
        OutputExistsError: The folder is not empty and `options.overwrite` was not asked for.
        OutputBusyError: Another run writes there.
    """
    target, options = Path(folder), options or CrossViewOptions()
    progress = progress or Silent()
    key = key_of(__version__, replace(options, overwrite=False))
    with locked_folder(target):
        kept = _prepare(target, options, key)
        try:
            return _Job(target, options, progress, kept, key).run()
        except BaseException:
            if len(kept):
                progress.warn(f"{target} holds what was done; the same command goes on")
            raise


@dataclass(frozen=True)
class _Tile:
    """A tile on disk and where its middle lies."""

    path: Path
    middle: WorldPoint


@dataclass(frozen=True)
class _Built:
    """What one town has become."""

    pairs: _Rows
    truth: _Rows
    maps: list[Path]


@dataclass(frozen=True)
class _Job:
    """One run: folder, options, listener, what an earlier run has left and by which key."""

    folder: Path
    options: CrossViewOptions
    progress: Progress
    kept: KeptFiles
    key: str

    def run(self) -> CrossViewSummary:
        """All towns, then the tables."""
        target, options = self.folder, self.options
        pairs: _Rows = []
        maps: list[Path] = []
        for number in range(1, options.towns + 1):
            found = self.build(plan_training_town(options, number))
            pairs += found.pairs
            maps += found.maps
        town = plan_test_town(options)
        test = self.build(town)
        street = self.build_street(town)
        _write_table(target / TRUTH_NAME, TRUTH_COLUMNS, test.truth)
        if street:
            _write_table(target / STREET_TRUTH_NAME, TRUTH_COLUMNS, street)
        _write_table(target / PAIRS_NAME, PAIRS_COLUMNS, pairs + test.pairs)
        self.kept.remove()
        trained = options.places * options.photos_per_place
        return CrossViewSummary(target, (*maps, *test.maps), trained, len(test.truth), len(street))

    def build(self, town: Town) -> _Built:
        """Write a town's maps, tiles and photos."""
        shots = self.options.photos_per_place
        self.progress.start(f"rendering {town.name}", len(town.places), "places")
        maps = self._write_maps(town)
        photographer = self._photographer(town)
        pairs: _Rows = []
        truth: _Rows = []
        for place in range(len(town.places)):
            tiles = self._write_tiles(town, place, maps)
            for photo in range(shots):
                suffix = f"_{photo + 1}" if shots > 1 else ""
                path = self._in(f"photos/{town.split}", f"{_name(town, place)}{suffix}.jpg")
                is_there = self._is_there(path)
                row = photographer.take_photo(place, photo, path, is_there=is_there)
                self._note(path, is_there=is_there)
                truth.append(row)
                pairs += [self._pair(town, place, path, tile, row[3]) for tile in tiles]
            self.progress.advance()
        return _Built(pairs, truth, [path for path, _, _ in maps])

    def build_street(self, town: Town) -> _Rows:
        """Write a town's street photos; their truth."""
        count = min(self.options.street, len(town.places))
        if not count:
            return []
        self.progress.start(f"taking street photos of {town.name}", count, "photos")
        photographer = self._photographer(town)
        truth: _Rows = []
        for place in range(count):
            path = self._in("photos/street", f"street_{place + 1:04d}.jpg")
            is_there = self._is_there(path)
            truth.append(photographer.take_street_photo(place, path, is_there=is_there))
            self._note(path, is_there=is_there)
            self.progress.advance()
        return truth

    def _photographer(self, town: Town) -> Photographer:
        return Photographer(self.options, town, cache(town.world.survey))

    def _write_maps(self, town: Town) -> list[tuple[Path, Season, MapPicture]]:
        written = []
        for season in town.map_seasons:
            single = len(town.map_seasons) == 1
            path = self.folder / f"map_{town.name}{'' if single else '_' + season}.tif"
            picture = write_map(
                town.world, path, when=season, gsd_m=self.options.gsd_m, overwrite=True
            )
            written.append((path, season, picture))
        if town.world.relief is not None:
            write_dem(town.world, self.folder / f"dem_{town.name}.tif", overwrite=True)
        return written

    def _write_tiles(
        self, town: Town, place: int, maps: Sequence[tuple[Path, Season, MapPicture]]
    ) -> list[_Tile]:
        """North-up tiles of each map around a place, or a little off."""
        written = []
        for _, season, picture in maps:
            infix = "" if len(maps) == 1 else f"_{season}"
            for number, middle in enumerate(self._middles(town, place)):
                suffix = f"_{number + 1}" if number else ""
                name = f"{_name(town, place)}{infix}{suffix}.png"
                path = self._in(f"tiles/{town.split}", name)
                is_there = self._is_there(path)
                if not is_there:
                    side_m = self.options.tile_side_m
                    write_tile(_cut(picture, town.world.size_m, middle, side_m), path)
                self._note(path, is_there=is_there)
                written.append(_Tile(path, middle))
        return written

    def _middles(self, town: Town, place: int) -> list[WorldPoint]:
        """Middles of the tiles of a place; those of all seasons are the same."""
        at = town.places[place]
        count = self.options.tiles - 1 if town.split == "train" else 0
        rng = np.random.default_rng([town.world.seed, 33, place])
        reach_m = self.options.tile_side_m * MAX_SHIFT
        shifts_m = rng.uniform(-reach_m, reach_m, (count, 2)).tolist()
        return [at, *(WorldPoint(at.x_m + x_m, at.y_m + y_m) for x_m, y_m in shifts_m)]

    def _pair(self, town: Town, place: int, photo: Path, tile: _Tile, altitude_m: str) -> list[str]:
        at = town.places[place]
        side_m = self.options.tile_side_m
        shared = (side_m - abs(at.x_m - tile.middle.x_m)) * (side_m - abs(at.y_m - tile.middle.y_m))
        overlap = shared / (2 * side_m**2 - shared)
        paths = (each.relative_to(self.folder).as_posix() for each in (photo, tile.path))
        view = network_view(self.options.kind)
        facts = (_name(town, place), *_degrees(town, at), town.split, view, altitude_m)
        return [*paths, *facts, *_degrees(town, tile.middle), f"{side_m:g}", f"{overlap:.3f}"]

    def _is_there(self, path: Path) -> bool:
        """Whether an earlier run has written a file."""
        return self.kept.holds(path.relative_to(self.folder), self.key)

    def _note(self, path: Path, *, is_there: bool) -> None:
        if not is_there:
            self.kept.note(path.relative_to(self.folder), self.key)

    def _in(self, folder: str, name: str) -> Path:
        path = self.folder / folder
        path.mkdir(parents=True, exist_ok=True)
        return path / name


def _cut(picture: MapPicture, size_m: float, middle: WorldPoint, side_m: float) -> ByteArray:
    """The tile of a map around a place, to whole pixels."""
    step_m = picture.transform.a
    side_px = round(side_m / step_m)
    left = round(middle.x_m / step_m - side_px / 2)
    top = round((size_m - middle.y_m) / step_m - side_px / 2)
    return picture.pixels[top : top + side_px, left : left + side_px]


def _degrees(town: Town, at: WorldPoint) -> tuple[str, str]:
    position = town.world.lonlat(at)
    return f"{position.lon:.8f}", f"{position.lat:.8f}"


def _name(town: Town, place: int) -> str:
    return f"{town.name}_{place + 1:04d}"


def _prepare(folder: Path, options: CrossViewOptions, key: str) -> KeptFiles:
    """Make the folder; a table of pairs is only there when all of it is."""
    remove_drafts_of(folder / NOTES_NAME)
    kept = KeptFiles(folder)
    goes_on = kept.is_unfinished and kept.keys <= {key}
    if not (is_vacant(folder) or goes_on or options.overwrite):
        held = "an unfinished run with other options" if kept.is_unfinished else "something"
        message = f"{folder} holds {held}; choose another folder or pass --overwrite"
        raise OutputExistsError(message, path=folder)
    remove_drafts(folder)
    (folder / PAIRS_NAME).unlink(missing_ok=True)
    kept.forget_others(key)
    kept.begin()
    return kept


def _write_table(path: Path, columns: Sequence[str], rows: _Rows) -> None:
    with replacing(path) as draft, draft.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)
