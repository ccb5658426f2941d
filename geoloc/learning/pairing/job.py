"""The job `geoloc pairs`: photos and a map in, a folder with pairs.csv out.

The folder appears whole or not at all: it is written as ``NAME.partial`` beside its place and then
renamed. After an interrupt that one stays, and the same job passes over what lies there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from geoloc import __version__
from geoloc.arrays import Float64Array, RgbImage
from geoloc.errors import InputError, OutputExistsError, PhotoError, RasterError
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.geometry.longitude import near
from geoloc.learning.options import PairingOptions
from geoloc.learning.pairing.areas import group_places, split_by_area
from geoloc.learning.pairing.photos import (
    Failure,
    PlacedPhoto,
    choose_view,
    draw_drone_photo,
    draw_ring,
    place_photos,
)
from geoloc.learning.pairing.table import (
    MANIFEST_NAME,
    CutPair,
    file_names,
    write_manifest,
    write_table,
    write_unfinished,
)
from geoloc.learning.pairing.tiles import TileCutter, TileShape
from geoloc.models.view import View
from geoloc.progress import Progress, Silent
from geoloc.storage.atomic import place_folder, remove_drafts, remove_drafts_of, replacing
from geoloc.storage.kept_files import NOTES_NAME, KeptFiles, key_of
from geoloc.storage.lock import is_vacant, locked_file
from geoloc.tiles.fingerprint import fingerprint, marks_of
from geoloc.tiles.sources.files import expand_rasters

GROUND_TILE_M = 80.0


@dataclass(frozen=True)
class PairingSummary:
    """What was made.

    Attributes:
        folder: Folder of pairs.csv.
        view: The branch of the network that the photos are for.
        ground_size_m: Side of the tiles.
        train: Pairs to learn from.
        test: Pairs held out.
        gap: Photos dropped because they lie between the two areas.
        places: Places among the pairs.
        unscaled: Drone photos of unknown height, taken as they are.
        unturned: Photos of unknown heading.
        failures: Photos that became no pair, and why.
        passed_over: Tiles and photos that an interrupted run had written already.
    """

    folder: Path
    view: View
    ground_size_m: float
    train: int
    test: int
    gap: int
    places: int
    unscaled: int
    unturned: int
    failures: tuple[Failure, ...]
    passed_over: int = 0


def make_pairs(
    photos: Sequence[Path],
    maps: Sequence[str],
    folder: str | Path,
    options: PairingOptions | None = None,
    *,
    progress: Progress | None = None,
) -> PairingSummary:
    """Cut a tile around each photo's place, hold out an area, and write both with their table.

    A photo that cannot be read or placed, or that lies outside the map, is named in the summary.
    When a call breaks off, the same call passes over the tiles and photos that were written.

    Args:
        photos: Files, as `geoloc.photos.photo_files.find_photos` gives them.
        maps: Rasters, folders of them or globs; of several that show a place the first is used.
        folder: Folder to write.
        options: Tiles, offsets, held-out share.
        progress: Listener for every tile and photo.

    Raises:
        OptionError: Options lie out of range.
        OutputExistsError: The folder exists.
        OutputBusyError: Another run writes it.
        InputError: A map or the metadata cannot be read, no photo lies on a map, or the photos lie
            too close together to hold out any.
    """
    options, folder, progress = options or PairingOptions(), Path(folder), progress or Silent()
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside it: the folder itself is replaced.
    with locked_file(folder):
        _refuse_existing(folder, options)
        remove_drafts_of(folder)
        with _partial_folder(folder, progress) as (partial, kept):
            run = _Run(partial, kept, options, progress)
            summary = run.make(photos, expand_rasters(maps))
    return replace(summary, folder=folder)


@contextmanager
def _partial_folder(folder: Path, progress: Progress) -> Iterator[tuple[Path, KeptFiles]]:
    """The folder that becomes `folder` at the end, and which of its files an earlier run wrote.

    Raises:
        OutputExistsError: A folder of that name is there and is not of this job.
    """
    target = Path(os.path.realpath(folder))
    partial = target.with_name(f"{target.name}.partial")
    if partial.is_dir():
        remove_drafts(partial)  # before anything else: a run that was killed soon left no more
    _refuse_strange(partial)
    kept = KeptFiles(partial)
    try:
        write_unfinished(partial)
        yield partial, kept
        place_folder(partial, target)
    except BaseException:
        if len(kept):
            progress.warn(f"{partial} holds what was done; the same command goes on")
        else:
            shutil.rmtree(partial, ignore_errors=True)
        raise
    (target / NOTES_NAME).unlink(missing_ok=True)


class _Run:
    """One run into an empty folder, or one that an earlier run has left."""

    def __init__(
        self, folder: Path, kept: KeptFiles, options: PairingOptions, progress: Progress
    ) -> None:
        self._folder, self._kept, self._options, self._progress = folder, kept, options, progress
        self._failures: list[Failure] = []
        for name in ("tiles", "photos"):
            (folder / name).mkdir(exist_ok=True)

    def make(self, photos: Sequence[Path], maps: Sequence[str]) -> PairingSummary:
        """Place, cut, split, draw, write."""
        placed, view = self._place(photos)
        shape = _tile_shape(self._options, view)
        pairs = self._split(self._cut(placed, maps, shape), shape)
        drawn = self._draw([pair for pair in pairs if pair.side != "gap"], shape)
        if not drawn:
            raise self._nothing(len(photos))
        self._remove_others(drawn)
        write_table(self._folder, drawn)
        write_manifest(self._folder, self._options, view, shape)
        return PairingSummary(
            folder=self._folder,
            view=view,
            ground_size_m=shape.ground_size_m,
            train=sum(pair.side == "train" for pair in drawn),
            test=sum(pair.side == "test" for pair in drawn),
            gap=sum(pair.side == "gap" for pair in pairs),
            places=len({pair.place for pair in drawn}),
            unscaled=sum(view == "drone" and pair.placed.height_m is None for pair in drawn),
            unturned=sum(pair.placed.metadata.yaw_deg is None for pair in drawn),
            failures=tuple(self._failures),
            passed_over=self._kept.passed_over,
        )

    def _place(self, photos: Sequence[Path]) -> tuple[list[PlacedPhoto], View]:
        """The photos of one view that say where they are."""
        placed: list[PlacedPhoto] = []
        for each in place_photos(photos, self._options, progress=self._progress):
            if isinstance(each, Failure):
                self._failures.append(each)
            else:
                placed.append(each)
        view = choose_view(placed, self._options.view)
        for photo in placed:
            if photo.view != view:
                self._fail(
                    photo.path,
                    f"{photo.path.name} is a {photo.view} photo among {view} photos; make pairs "
                    f"of it on its own with --view {photo.view}",
                )
        return [photo for photo in placed if photo.view == view], view

    def _cut(
        self, placed: Sequence[PlacedPhoto], maps: Sequence[str], shape: TileShape
    ) -> list[CutPair]:
        """A tile of each photo that lies on a map."""
        self._progress.start("cutting tiles", len(placed), "tiles")
        rng = np.random.default_rng(self._options.seed)
        names = file_names([photo.path for photo in placed])
        marks = [(each, fingerprint(marks_of(each, self._folder))) for each in maps]
        pairs = []
        with TileCutter(maps, shape) as cutter:
            for photo, name in zip(placed, names, strict=True):
                shift = rng.uniform(-self._options.offset, self._options.offset, 2)
                centre = _shifted(photo.position, shift * shape.ground_size_m)
                pair = CutPair(photo, name, centre, shape.ground_size_m, _overlap(shift))
                key = key_of(__version__, marks, centre, shape)
                try:
                    if self._kept.holds(pair.tile, key):
                        pairs.append(pair)
                    elif cutter.cut(centre, self._folder / pair.tile):
                        self._kept.note(pair.tile, key)
                        pairs.append(pair)
                    else:
                        self._fail(photo.path, f"{photo.path.name} lies outside the map")
                except RasterError as error:
                    self._fail(photo.path, str(error))
                self._progress.advance()
        return pairs

    def _split(self, pairs: Sequence[CutPair], shape: TileShape) -> list[CutPair]:
        """The pairs with their side and place."""
        if not pairs:
            return []
        lonlat = np.array([pair.placed.position for pair in pairs])
        lonlat[:, 0] = near(lonlat[:, 0], lonlat[0, 0])  # a median across the antimeridian
        frame = LocalFrame(LonLat(*np.median(lonlat, axis=0)))
        xy_m = frame.from_lonlat(lonlat[:, 0], lonlat[:, 1])
        # Tiles of both sides may touch, wherever they were shifted to; they never overlap.
        apart_m = shape.ground_size_m * (1 + 2 * self._options.offset)
        sides = split_by_area(xy_m, apart_m, self._options.test_share)
        if sides is None:
            raise InputError(
                f"{len(pairs)} photos within {np.ptp(xy_m, axis=0).max():.0f} m lie too close "
                f"together to hold out any: with tiles of {shape.ground_size_m:g} m both areas "
                f"must lie {apart_m:g} m apart; give a smaller --ground-size, or --test-share 0, "
                "with which geoloc train holds out single places instead"
            )
        places = group_places(xy_m, shape.ground_size_m / 2)
        return [
            replace(pair, side=side, place=f"place-{place:05}")
            for pair, side, place in zip(pairs, sides, places, strict=True)
        ]

    def _draw(self, pairs: Sequence[CutPair], shape: TileShape) -> list[CutPair]:
        """Write what the network is shown of each photo."""
        self._progress.start("writing photos", len(pairs), "photos")
        drawn = []
        for pair in pairs:
            try:
                self._draw_one(pair, shape)
                drawn.append(pair)
            except PhotoError as error:
                self._fail(pair.placed.path, str(error))
            self._progress.advance()
        return drawn

    def _draw_one(self, pair: CutPair, shape: TileShape) -> None:
        mark = _file_mark(pair.placed.path)
        key = key_of(__version__, pair.placed, mark, shape, self._options.span_deg)
        if not self._kept.holds(pair.query, key):
            pixels = self._pixels(pair.placed, shape)
            # Lossless: JPEG would smear the unseen black parts into the seen ones.
            with replacing(self._folder / pair.query, durable=False) as draft:
                Image.fromarray(pixels).save(draft, compress_level=3)
            self._kept.note(pair.query, key)

    def _remove_others(self, pairs: Sequence[CutPair]) -> None:
        """Remove tiles and photos that are of no pair; of an earlier run with others, perhaps."""
        own = {self._folder / file for pair in pairs for file in (pair.tile, pair.query)}
        for name in ("tiles", "photos"):
            for path in (self._folder / name).iterdir():
                if path not in own:
                    path.unlink()

    def _pixels(self, placed: PlacedPhoto, shape: TileShape) -> RgbImage:
        if placed.view == "drone":
            return draw_drone_photo(placed, shape.ground_size_m, shape.size_px)
        return draw_ring(placed, 2 * shape.size_px, self._options.span_deg)

    def _nothing(self, given: int) -> InputError:
        reasons = "; ".join(failure.reason for failure in self._failures[:3])
        return InputError(
            f"none of {given} photos became a pair ({reasons}); expected geotagged photos on the "
            "map; check --map, or give positions in a CSV with --metadata"
        )

    def _fail(self, photo: Path, reason: str) -> None:
        self._failures.append(Failure(photo, reason))


def _tile_shape(options: PairingOptions, view: View) -> TileShape:
    """The tiles that are asked for, or those of the default model."""
    from geoloc.models.registry import read_card
    from geoloc.options import DEFAULT_MODEL

    card = read_card(DEFAULT_MODEL)
    usual_m = float(card.tile_ground_size_m) if view == "drone" else GROUND_TILE_M
    return TileShape(
        options.ground_size_m or usual_m, options.size_px or card.tile_size_px, options.min_valid
    )


def _file_mark(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; None if it is gone, which is found out when it is read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _refuse_existing(folder: Path, options: PairingOptions) -> None:
    """Only a folder of pairs may be replaced, and only when that is asked for."""
    if not folder.exists():
        return
    if not (options.overwrite and (folder / MANIFEST_NAME).is_file()):
        advice = "choose another -o" if options.overwrite else "choose another -o or --overwrite"
        raise OutputExistsError(
            f"{folder} exists; expected a folder to make, or one of pairs to replace; {advice}",
            path=folder,
        )


def _refuse_strange(partial: Path) -> None:
    """Only what an interrupted run has left is gone on with."""
    is_own = (partial / MANIFEST_NAME).is_file() or (partial / NOTES_NAME).is_file()
    if partial.exists() and not is_own and not (partial.is_dir() and is_vacant(partial)):
        raise OutputExistsError(
            f"{partial} exists and is not of an interrupted run, which would lie there; "
            "move it away, or choose another -o",
            path=partial,
        )


def _shifted(position: LonLat, east_north_m: Float64Array) -> LonLat:
    if not east_north_m.any():
        return position
    lon, lat = LocalFrame(position).to_lonlat([east_north_m])[0]
    return LonLat(float(lon), float(lat))


def _overlap(shift: Float64Array) -> float:
    """Intersection over union of two equal squares that are so many sides apart."""
    shared = float(np.prod(1 - np.abs(shift)))
    return shared / (2 - shared)
