"""The steps of the demo, each of them what a person would type.

The folder afterwards holds what a person's own folder would hold: ``region.tif`` and ``photos/``,
then ``tiles/``, ``index/``, ``out.geojson`` and ``out.qml``; beside them ``truth.csv``, which
real photos do not have, and ``demo.png``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from geoloc import __version__
from geoloc.atomic import remove_drafts, replacing, write_text
from geoloc.errors import OptionError, OutputExistsError
from geoloc.index.job import build_index
from geoloc.locate.file_job import locate_to_file
from geoloc.lock import is_vacant, locked_folder
from geoloc.options import DemoOptions
from geoloc.photos.photo_files import find_photos
from geoloc.progress import Progress, Silent
from geoloc.results.evaluation import Evaluation, evaluate_results, read_truth
from geoloc.results.files import read_results
from geoloc.results.journal import journal_path
from geoloc.synthetic.demo.sheet import draw_sheet
from geoloc.synthetic.world.files import write_map, write_photos, write_truth
from geoloc.synthetic.world.flight import Shot, plan_flight
from geoloc.synthetic.world.world import MapPicture, World
from geoloc.tiles.job import cut_tiles

_MARKER = "demo.json"
_FOLDERS = ("photos", "tiles", "index")
_RESULTS = "out.geojson"
_FILES = ("region.tif", "truth.csv", _RESULTS, "out.qml", "demo.png", journal_path(_RESULTS).name)


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
        return DemoSummary(self._evaluation, self._results, self.folder / "demo.png")

    @property
    def _results(self) -> Path:
        return self.folder / _RESULTS

    def _build(self, progress: Progress) -> None:
        options = self.options
        progress.start("rendering the map", 1, "map")
        self._map = write_map(
            self._world, self.folder / "region.tif", when="summer", gsd_m=options.gsd_m
        )
        progress.advance(1)
        self._shots = plan_flight(self._world, options.photos, seed=options.seed)
        write_photos(self._world, self._shots, self.folder / "photos", progress=progress)
        write_truth(self._world, self._shots, self.folder / "truth.csv")

    def _tile(self, progress: Progress) -> None:
        cut_tiles([str(self.folder / "region.tif")], self.folder / "tiles", progress=progress)

    def _index(self, progress: Progress) -> None:
        build_index(self.folder / "tiles", self.folder / "index", progress=progress)

    def _locate(self, progress: Progress) -> None:
        photos = find_photos([self.folder / "photos"], recursive=False)
        locate_to_file(photos, self.folder / "index", self._results, progress=progress)

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
        with replacing(self.folder / "demo.png") as draft:
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
    """An empty folder that is marked as a demo; only a marked one is ever cleared."""
    marker = folder / _MARKER
    if not is_vacant(folder):
        if not marker.is_file():
            message = f"{folder} exists and holds no demo; choose another folder with -o"
            raise OutputExistsError(message, path=folder)
        if not options.overwrite:
            message = f"{folder} holds an earlier demo; say --overwrite, or choose another with -o"
            raise OutputExistsError(message, path=folder)
        for name in _FOLDERS:
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in _FILES:
            (folder / name).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    remove_drafts(folder)
    made_with = {
        "geoloc": __version__,
        "gsd_m": options.gsd_m,
        "photos": options.photos,
        "seed": options.seed,
        "size_m": options.size_m,
        "version": 1,
    }
    write_text(marker, json.dumps(made_with, indent=2, sort_keys=True) + "\n")
