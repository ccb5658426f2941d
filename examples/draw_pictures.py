"""Draw the two pictures of README.md from the demo: photos on the map, and the result in QGIS.

    python examples/draw_pictures.py [DEMO_FOLDER] [--output DIR]

DEMO_FOLDER is what ``geoloc demo`` wrote; without one, the demo runs first (some minutes). Writes
``demo-photos.jpg`` and ``demo-qgis.jpg`` into ``examples/images``. The second is QGIS's own window:
``draw_in_qgis.py`` opens the files in it. It needs ``qgis`` on the path, and ``xvfb-run`` where
there is no screen.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import rasterio.warp
import shapely
from PIL import Image, ImageDraw, ImageFont

from geoloc.geometry.crs import LonLat, distance_m
from geoloc.results.files import read_results
from geoloc.results.schema import PhotoResult
from geoloc.synthetic.options import DemoOptions

IMAGES = Path(__file__).parent / "images"
LARGEST_BYTES = 195_000  # of a picture: both stay under 400 kB
_PATIENCE_S = 180

_WIDTH_PX, _HEIGHT_PX = 1200, 700
_MAP_PX = 640
_PHOTO_PX = (252, 189)  # 4:3, as the demo's photos
_EDGE_PX = 14
_ROW_PX = (_MAP_PX + 6) // 3
_FINER = 2  # everything is drawn finer and reduced, which smooths the lines
_BACKGROUND, _INK, _FAINT = "#14171c", "#f2f4f7", "#a9b2bf"
# Okabe and Ito's colours, which the colour-blind can tell apart; light enough for dark ground.
_COLOURS = ("#56b4e9", "#f0e442", "#e69f00", "#ff8fd0", "#7ff0c0", "#ff7a4d")


@dataclass(frozen=True, eq=False)
class Located:
    """One photo of the demo with its answer, in pixels of the drawn map.

    Attributes:
        result: Row of the output.
        outline: Corners (N, 2) of the answered footprint.
        camera: Point (2,) of the answered camera position.
        error_m: Distance from the true camera position, in metres.
    """

    result: PhotoResult
    outline: np.ndarray
    camera: np.ndarray
    error_m: float

    @property
    def middle(self) -> np.ndarray:
        """Centre (2,) of the footprint."""
        return self.outline.mean(axis=0)

    @property
    def caption(self) -> str:
        """Name, month and error, as one line."""
        season = "autumn" if (self.result.timestamp or "")[5:7] == "10" else "spring"
        return f"{self.result.filename}, {season}: {self.error_m:.1f} m off"


def main() -> int:
    """Draw both pictures; 1 when QGIS is missing and only the first could be drawn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("demo", nargs="?", type=Path, help="folder that geoloc demo wrote")
    parser.add_argument("--output", type=Path, default=IMAGES, help="folder of the pictures")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        demo = given.demo or Path(scratch) / "demo"
        if given.demo is None:
            from geoloc.synthetic.demo.job import run_demo

            print("running the demo ...", file=sys.stderr)
            run_demo(DemoOptions(demo))
        save(draw_photos_on_map(demo), given.output / "demo-photos.jpg")
        raw = Path(scratch) / "qgis.png"
        missing = photograph_qgis(demo.resolve(), raw)
        if missing:
            print(f"demo-qgis.jpg was not drawn: {missing}", file=sys.stderr)
            return 1
        save(Image.open(raw).convert("RGB"), given.output / "demo-qgis.jpg")
    return 0


def save(picture: Image.Image, path: Path) -> None:
    """Write a JPEG as good as `LARGEST_BYTES` allows."""
    for quality in range(90, 30, -3):
        picture.save(path, quality=quality, optimize=True, progressive=True)
        if path.stat().st_size <= LARGEST_BYTES:
            break
    print(f"wrote {path} ({path.stat().st_size // 1000} kB)")


def photograph_qgis(demo: Path, output: Path) -> str | None:
    """Let QGIS open the results and photograph its window; None, or why that was not possible."""
    qgis, screen = shutil.which("qgis"), shutil.which("xvfb-run")
    if qgis is None:
        return "there is no command qgis; install QGIS 3.16 or later (Debian: apt install qgis)"
    has_screen = sys.platform != "linux" or bool(os.environ.get("DISPLAY"))
    if not has_screen and screen is None:
        return "there is no screen; install xvfb-run (Debian: apt install xvfb xauth)"
    virtual = [] if has_screen else [str(screen), "-a", "-s", "-screen 0 1400x900x24"]
    script = Path(__file__).with_name("draw_in_qgis.py").resolve()
    scratch = output.parent / "qgis"
    (scratch / "tmp").mkdir(parents=True)
    # Layers below the folder of temporary files would be marked as such.
    environment = _of_the_system() | {
        "GEOLOC_DEMO": str(demo),
        "GEOLOC_PICTURE": str(output),
        "TMPDIR": str(scratch / "tmp"),
    }
    options = ["--nologo", "--noversioncheck", "--noplugins", "--profiles-path", str(scratch)]
    command = [*virtual, qgis, *options, "--code", str(script)]
    try:
        subprocess.run(
            command, env=environment, capture_output=True, check=False, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return f"QGIS did not finish within {_PATIENCE_S} s"
    return None if output.exists() else f"QGIS wrote no picture; try it: {' '.join(command)}"


def _of_the_system() -> dict[str, str]:
    """The environment without this Python, so that QGIS finds its own."""
    own = Path(sys.executable).parent
    paths = [path for path in os.environ["PATH"].split(os.pathsep) if Path(path) != own]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {"PATH": os.pathsep.join(paths)}


def draw_photos_on_map(demo: Path) -> Image.Image:
    """The map with all footprints in the middle, six of the photos beside it, joined by lines."""
    ground, answers = read_demo(demo)
    size = (_WIDTH_PX * _FINER, _HEIGHT_PX * _FINER)
    sheet = Image.new("RGB", size, _BACKGROUND)
    left, top = (_WIDTH_PX - _MAP_PX) // 2 * _FINER, _EDGE_PX * _FINER
    chosen = choose(answers)
    on_map = ImageDraw.Draw(ground)
    for each in answers:
        _polygon(on_map, each.outline, "#ffffff", 1.5)
    for each, colour in zip(chosen, _COLOURS, strict=False):
        _polygon(on_map, each.outline, colour, 3)
        _dot(on_map, each.camera, colour)
    sheet.paste(ground, (left, top))
    draw = ImageDraw.Draw(sheet)
    for number, (each, colour) in enumerate(zip(chosen, _COLOURS, strict=False)):
        _place_photo(sheet, draw, each, colour, number, outline=each.outline + [left, top])
    text = (
        f"{len(answers)} photos of a fabricated town, taken in autumn and spring, and the ground "
        "that geoloc says they show on its summer map"
    )
    place = (_WIDTH_PX * _FINER / 2, (_EDGE_PX + _MAP_PX + 24) * _FINER)
    draw.text(place, text, fill=_INK, font=_font(17), anchor="mm")
    return sheet.resize((_WIDTH_PX, _HEIGHT_PX), Image.Resampling.LANCZOS)


def read_demo(demo: Path) -> tuple[Image.Image, list[Located]]:
    """The map as it is drawn, and every located photo in its pixels."""
    side_px = _MAP_PX * _FINER
    with rasterio.open(demo / "region.tif") as dataset:
        pixels = dataset.read(
            (1, 2, 3), out_shape=(3, side_px, side_px), resampling=rasterio.enums.Resampling.average
        )
        to_pixel = ~(dataset.transform @ dataset.transform.scale(dataset.width / side_px))
        crs = dataset.crs
    with (demo / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {row["photo"]: row for row in csv.DictReader(file)}

    def drawn(lonlat: np.ndarray) -> np.ndarray:
        xs, ys = rasterio.warp.transform("EPSG:4326", crs, lonlat[:, 0], lonlat[:, 1])
        return np.column_stack(to_pixel @ (np.array(xs), np.array(ys)))

    answers = []
    for result in read_results(demo / "out.geojson"):
        if result.footprint is None or result.longitude is None or result.latitude is None:
            continue
        row = truth[Path(result.photo).name]
        at = LonLat(result.longitude, result.latitude)
        error_m = distance_m(at, LonLat(float(row["camera_lon"]), float(row["camera_lat"])))
        outline = shapely.get_coordinates(shapely.from_wkt(result.footprint))[:-1]
        answers.append(Located(result, drawn(outline), drawn(np.array([at]))[0], error_m))
    return Image.fromarray(np.moveaxis(pixels, 0, -1)), answers


def choose(answers: list[Located]) -> list[Located]:
    """Six photos, three a side of the map and from top to bottom, so that no lines cross."""
    side_px = _MAP_PX * _FINER
    chosen: list[Located] = []
    for x in (0.25, 0.75):
        half = [
            each
            for each in answers
            if (each.middle[0] < side_px / 2) == (x < 0.5)
            and (each.outline.min() >= 0 and each.outline.max() <= side_px)
        ]
        column: list[Located] = []
        for y in (0.17, 0.5, 0.83):
            goal = np.array([x, y]) * side_px
            free = [each for each in half if each not in column]
            if not free:
                break
            column.append(min(free, key=lambda each: float(np.hypot(*(each.middle - goal)))))
        chosen += sorted(column, key=lambda each: float(each.middle[1]))
    return chosen


def _place_photo(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    each: Located,
    colour: str,
    number: int,
    *,
    outline: np.ndarray,
) -> None:
    """A photo with its caption in one of the two columns, and the line to its footprint."""
    side, row = divmod(number, 3)
    width, height = _PHOTO_PX
    x = _EDGE_PX if side == 0 else _WIDTH_PX - _EDGE_PX - width
    y = _EDGE_PX + row * _ROW_PX
    box = [value * _FINER for value in (x, y, x + width, y + height)]
    with Image.open(each.result.photo) as photo:
        small = photo.resize((width * _FINER, height * _FINER), Image.Resampling.LANCZOS)
    inner = (box[2] if side == 0 else box[0], (box[1] + box[3]) / 2)
    nearest, _ = shapely.get_coordinates(
        shapely.shortest_line(shapely.Polygon(outline), shapely.Point(inner))
    )
    _line(draw, [inner, tuple(nearest.tolist())], colour, 2)
    sheet.paste(small, (box[0], box[1]))
    draw.rectangle(box, outline=colour, width=3 * _FINER)
    place = ((box[0] + box[2]) / 2, box[3] + 12 * _FINER)
    draw.text(place, each.caption, fill=_FAINT, font=_font(14), anchor="mm")


def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px * _FINER)


def _polygon(draw: ImageDraw.ImageDraw, corners: np.ndarray, colour: str, width_px: float) -> None:
    points = [tuple(point) for point in corners.tolist()]
    _line(draw, [*points, points[0]], colour, width_px)


def _line(
    draw: ImageDraw.ImageDraw, points: list[tuple[float, ...]], colour: str, width_px: float
) -> None:
    """A line over a dark seam, so that it shows on any ground."""
    draw.line(points, fill="#000000", width=round((width_px + 1) * _FINER), joint="curve")
    draw.line(points, fill=colour, width=round(width_px * _FINER), joint="curve")


def _dot(draw: ImageDraw.ImageDraw, at: np.ndarray, colour: str) -> None:
    x, y = at.tolist()
    reach = 5 * _FINER
    draw.ellipse(
        (x - reach, y - reach, x + reach, y + reach), fill=colour, outline="#000000", width=2
    )


if __name__ == "__main__":
    sys.exit(main())
