"""The steps of the demo, each of them what a person would type.

The folder afterwards holds what a person's own folder would hold: ``region.tif`` and ``photos/``,
then ``tiles/``, ``index/``, ``out.geojson``, ``out.qml`` and ``warps/``; beside them ``truth.csv``,
which real photos do not have, and ``demo.png``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from geoloc import __version__
from geoloc.errors import OptionError, OutputExistsError
from geoloc.index.job import build_index
from geoloc.locate.file_job import locate_to_file
from geoloc.options import WarpOptions
from geoloc.ortho.job import warp_photos
from geoloc.photos.photo_files import find_photos
from geoloc.progress import Progress, Silent
from geoloc.results.evaluation import Evaluation, evaluate_results, read_truth
from geoloc.results.files import read_results
from geoloc.results.journal import journal_path
from geoloc.results.solved_camera import solved_camera
from geoloc.storage.atomic import remove_drafts, remove_drafts_of, replacing, write_text
from geoloc.storage.lock import is_vacant, locked_folder
from geoloc.synthetic.demo.sheet import draw_sheet
from geoloc.synthetic.options import DemoOptions
from geoloc.synthetic.world.files import write_map, write_photos, write_truth
from geoloc.synthetic.world.flight import Shot, plan_flight
from geoloc.synthetic.world.world import MapPicture, World
from geoloc.tiles.job import cut_tiles

_MARKER = "demo.json"
_FOLDERS = ("photos", "tiles", "index", "warps")
_RESULTS = "out.geojson"
_SHEET = "demo.png"  # the last file, so that a demo without it is unfinished
_FILES = ("region.tif", "truth.csv", _RESULTS, "out.qml", _SHEET, journal_path(_RESULTS).name)


@dataclass(frozen=True)
class DemoSummary:
    """What came out.

    Attributes:
        evaluation: The results against the truth.
        results: The points, as GeoJSON.
        sheet: The picture of photos, map windows and errors.
    """

    evaluation: Evaluation
    results: Path
    sheet: Path


@dataclass(frozen=True)
class Step:
    """One step of the demo.

    Attributes:
        typed: What a person types for it inside the folder; None for what only a demo does.
        label: Label of the step, in a few words.
        run: Does it.
    """

    typed: str | None
    label: str
    run: Callable[[Progress], None]


class Demo:
    """One run of the demo; `steps` in order, then `summary`; its folder is locked by the caller.

    Raises:
        OptionError: The options make no sense.
        OutputExistsError: The folder holds something; an earlier demo may be overwritten.
    """

    def __init__(self, options: DemoOptions) -> None:
        if options.photos < 1:
            raise OptionError(f"{options.photos} photos: expected at least 1")
        self.options = options
        self.folder = Path(options.folder)
        _make_room(self.folder, options)
        self._world = World(size_m=options.size_m, seed=options.seed)
        self._shots: list[Shot] = []
        self._map: MapPicture | None = None
        self._evaluation: Evaluation | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, to be run once and in order."""
        return (
            Step(None, "building a town and flying over it", self._build),
            Step("geoloc tile region.tif", "cutting the map into tiles", self._tile),
            Step("geoloc index tiles/", "indexing the tiles", self._index),
            Step("geoloc locate photos/ -o out.geojson", "locating the photos", self._locate),
            Step("geoloc warp out.geojson -o warps/", "warping the photos to maps", self._warp),
            Step(
                "geoloc evaluate out.geojson --truth truth.csv",
                "comparing with the truth",
                self._evaluate,
            ),
            Step(None, "drawing the picture", self._draw),
        )

    @property
    def summary(self) -> DemoSummary:
        """What came out, once all steps have run."""
        assert self._evaluation is not None, "the steps have not run"
        return DemoSummary(self._evaluation, self._results, self.folder / _SHEET)

    @property
    def _results(self) -> Path:
        return self.folder / _RESULTS

    def _build(self, progress: Progress) -> None:
        options = self.options
        progress.start("rendering the map", 1, "map")
        self._map = write_map(
            self._world,
            self.folder / "region.tif",
            when="summer",
            gsd_m=options.gsd_m,
            overwrite=True,
        )
        progress.advance(1)
        self._shots = plan_flight(self._world, options.photos, seed=options.seed)
        photos = self.folder / "photos"
        write_photos(self._world, self._shots, photos, keep=True, progress=progress)
        write_truth(self._world, self._shots, self.folder / "truth.csv", overwrite=True)

    def _tile(self, progress: Progress) -> None:
        cut_tiles([str(self.folder / "region.tif")], self.folder / "tiles", progress=progress)

    def _index(self, progress: Progress) -> None:
        build_index(self.folder / "tiles", self.folder / "index", progress=progress)

    def _locate(self, progress: Progress) -> None:
        photos = find_photos([self.folder / "photos"], recursive=False)
        locate_to_file(photos, self.folder / "index", self._results, progress=progress)

    def _warp(self, progress: Progress) -> None:
        located = [row for row in read_results(self._results) if row.status == "located"]
        if any(solved_camera(row) for row in located):
            warp_photos(located, self.folder / "warps", WarpOptions(resume=True), progress=progress)

    def _evaluate(self, progress: Progress) -> None:
        truth = read_truth(self.folder / "truth.csv")
        self._evaluation = evaluate_results(read_results(self._results), truth)

    def _draw(self, progress: Progress) -> None:
        assert self._map is not None, "the world was not built"
        assert self._evaluation is not None, "nothing was evaluated"
        sheet = draw_sheet(
            self._world,
            self._map,
            self._shots,
            photos=self.folder / "photos",
            results=read_results(self._results),
            errors_m=self._evaluation.errors_m,
        )
        with replacing(self.folder / _SHEET) as draft:
            sheet.save(draft, "PNG")


def run_demo(
    options: DemoOptions | None = None, *, progress: Progress | None = None
) -> DemoSummary:
    """Run the whole demo.

    Raises:
        OptionError: The options make no sense.
        OutputExistsError: The folder holds something; an earlier demo may be overwritten.
        OutputBusyError: Another run writes there.
        GeolocError: What the three commands raise.
    """
    options = options or DemoOptions()
    with locked_folder(options.folder):
        demo = Demo(options)
        for step in demo.steps:
            step.run(progress or Silent())
        return demo.summary


def _make_room(folder: Path, options: DemoOptions) -> None:
    """A folder that is marked as a demo; only a marked one is ever cleared.

    One that an unfinished demo with the same options has left stays, for its steps to go on with.
    """
    made_with = {
        "geoloc": __version__,
        "gsd_m": options.gsd_m,
        "photos": options.photos,
        "seed": options.seed,
        "size_m": options.size_m,
        "version": 1,
    }
    marked = json.dumps(made_with, indent=2, sort_keys=True) + "\n"
    marker = folder / _MARKER
    remove_drafts_of(marker)
    if not is_vacant(folder) and not _is_unfinished(folder, marked):
        _clear(folder, options)
    folder.mkdir(parents=True, exist_ok=True)
    remove_drafts(folder)
    write_text(marker, marked)


def _is_unfinished(folder: Path, marked: str) -> bool:
    """Whether a demo with this marker has begun and not ended."""
    marker = folder / _MARKER
    is_same = marker.is_file() and marker.read_text(encoding="utf-8") == marked
    return is_same and not (folder / _SHEET).exists()


def _clear(folder: Path, options: DemoOptions) -> None:
    """Remove an earlier demo, if that is allowed."""
    if not (folder / _MARKER).is_file():
        message = f"{folder} exists and holds no demo; choose another folder with -o"
        raise OutputExistsError(message, path=folder)
    if not options.overwrite:
        message = f"{folder} holds an earlier demo; say --overwrite, or choose another with -o"
        raise OutputExistsError(message, path=folder)
    for name in _FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
