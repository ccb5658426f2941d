"""Maps of places that no measurement uses, each with the pixels that its photos are made of.

`model_calibration.py` learns on them what evidence is worth. Towns that were pictured twice are
laid out as a patchwork of their pictures, map and photos alike, from different years; so are places
that were pictured once. Fabricated towns have a map of another season.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import rasterio
from affine import Affine

from geoloc.arrays import RgbImage
from geoloc.index.job import build_index
from geoloc.index.map_index import MapIndex
from geoloc.options import TileOptions
from geoloc.synthetic.world.files import write_map
from geoloc.synthetic.world.palette import Season
from geoloc.synthetic.world.world import World
from geoloc.tiles.job import cut_tiles
from geoloc.tiles.tile_set import TileSet

# Towns of NAIP, by the years of the map and of the photos.
TWICE = {
    "claremont": ("2020", "2016"),
    "riverside": ("2020", "2018"),
    "palm_springs": ("2018", "2016"),
    "santa_monica": ("2016", "2020"),
}
# Places by their pixels in metres.
ONCE = {"estonia": 0.2, "banepa": 0.198}
# Seeds of fabricated towns, and the seasons of the map and of the photos.
FABRICATED: dict[str, tuple[int, Season, Season]] = {
    "town-21": (21, "summer", "spring"),
    "town-22": (22, "autumn", "summer"),
}
NAMES = (*TWICE, *ONCE, *FABRICATED)
NAIP_GSD_M, TOWN_M, TOWN_GSD_M = 0.6, 600.0, 0.5
# Only the ground of these places matters, not where it lies.
CRS, CORNER = "EPSG:32631", (500_000.0, 4_000_000.0)
# Banepa's files of 4 x 4 tiles of the web's pyramid, and the first of these tiles.
BANEPA_PX, BANEPA_FIRST = 1365, np.array([386_683, 220_234])


class RevisitedIndex(MapIndex):
    """An index whose pixels are those of another date.

    Attributes:
        later: Tiles of that date, cut like those of the index.
    """

    later: Path

    def open_tiles(self, rows: Sequence[int] | None = None) -> TileSet:
        """The pixels of all tiles on the other date."""
        assert rows is None, "photos are made of any ground"
        return TileSet.open(self.later)


@dataclass(frozen=True)
class Lands:
    """Maps of the training data of the bundled models, and of fabricated towns.

    Attributes:
        data: The training data.
        work: Maps and indexes are kept here.
    """

    data: Path
    work: Path

    def index(self, name: str) -> MapIndex:
        """The index of a map; what is there already stays."""
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, date in enumerate(("map", "later")):
            raster = folder / f"{date}.tif"
            if not raster.exists():
                self._write(name, number, raster)
            cut_tiles([str(raster)], folder / f"tiles-{date}", TileOptions(overlap=0.0))
        build_index(folder / "tiles-map", folder / "index")
        index = RevisitedIndex.open(folder / "index")
        assert isinstance(index, RevisitedIndex)
        index.later = folder / "tiles-later"
        return index

    def _write(self, name: str, date: int, raster: Path) -> None:
        if name in FABRICATED:
            seed, *seasons = FABRICATED[name]
            write_map(World(size_m=TOWN_M, seed=seed), raster, when=seasons[date], gsd_m=TOWN_GSD_M)
        elif name in TWICE:
            files = self._files("multidate", f"naip_{name}_*__{TWICE[name][date]}.webp")
            write_raster(patchwork([picture(file) for file in files]), NAIP_GSD_M, raster)
        elif name == "banepa":
            files = self._files("single", "oam_banepa_*_4.webp")
            write_raster(mosaic(files), ONCE[name], raster)
        else:
            files = self._files("single", f"{name}_*.webp")
            write_raster(patchwork([picture(file) for file in files]), ONCE[name], raster)

    def _files(self, kind: str, pattern: str) -> list[Path]:
        return sorted((self.data / kind / "images").glob(pattern))


def picture(file: Path) -> RgbImage:
    """The pixels (H, W, 3) of a file."""
    pixels = cv2.imread(str(file))
    assert pixels is not None, f"cannot read {file}"
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def patchwork(pictures: Sequence[RgbImage]) -> RgbImage:
    """Pictures of one size side by side, row by row; nothing where the last row ends early."""
    columns = math.ceil(math.sqrt(len(pictures)))
    empty = [np.zeros_like(pictures[0])] * (-len(pictures) % columns)
    cells = [*pictures, *empty]
    rows = [np.hstack(cells[at : at + columns]) for at in range(0, len(cells), columns)]
    return np.vstack(rows)


def mosaic(files: Sequence[Path]) -> RgbImage:
    """Files of Banepa where their names say that they lie."""
    tiles = np.array([file.stem.split("_")[2:4] for file in files], int) - BANEPA_FIRST
    corners = np.round(tiles * BANEPA_PX / 4).astype(int)
    width, height = (corners.max(axis=0) + BANEPA_PX).tolist()
    whole = np.zeros((height, width, 3), np.uint8)
    for file, (column, row) in zip(files, corners.tolist(), strict=True):
        whole[row : row + BANEPA_PX, column : column + BANEPA_PX] = picture(file)
    return whole


def write_raster(pixels: RgbImage, gsd_m: float, path: Path) -> None:
    """Write pixels as a GeoTIFF; black ones are none."""
    height, width = pixels.shape[:2]
    profile = {"width": width, "height": height, "count": 3, "dtype": "uint8", "nodata": 0}
    transform = Affine(gsd_m, 0, CORNER[0], 0, -gsd_m, CORNER[1])
    draft = path.with_suffix(".draft.tif")
    with rasterio.open(draft, "w", "GTiff", crs=CRS, transform=transform, **profile) as dataset:
        dataset.write(pixels.transpose(2, 0, 1))
    draft.rename(path)
