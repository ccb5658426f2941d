"""A coloured plain whose panoramas a hand-made network knows, cut and indexed once for all tests.

    from tests.street_fixtures import StreetWorld, street_world  # a fixture

The network reads the colours on rings around the camera: from above out of a tile's middle, from
the ground along the lines of sight that meet the ground there. Its vectors change with the heading.
The folders are shared: read them, never change them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch
from affine import Affine
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from geoloc import zoo
from geoloc.camera import Camera, Panorama, Pose, panorama_to_perspective
from geoloc.checkpoints import sha256_of
from geoloc.crs import LonLat, to_lonlat
from geoloc.index import build_index
from geoloc.streetview import ring_directions
from tests.indexes import TILE_M, options_for, write_tiles
from tests.photos import GPANO, exif, write_photo, xmp
from tests.rasters import write_raster

SIDE_M = 448
WEST_M, NORTH_M = 500_000, 5_800_000
EYE_M = 6.0
RADII_M = (6.0, 9.0, 13.0, 18.0)
SECTORS = 24
SPAN = (-60.0, 30.0)
CRS = "EPSG:32633"
SKY = (150, 170, 200)

_CARD = """\
name = "rings"
architecture = "rings"
views = ["satellite", "ground"]
dimension = 288

[tile]
ground_size_m = 64.0
size_px = 64

[input]
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
ground_span_deg = [-60.0, 30.0]

[input.size]
satellite = [64, 64]
ground = [60, 240]

[weights]
sha256 = "{sha256}"
"""


class Rings(nn.Module):
    """Colours on circles around the middle of a tile, or around the camera."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, images: torch.Tensor, view: str) -> torch.Tensor:
        turn = torch.arange(SECTORS) / SECTORS * 2 * math.pi
        if view == "satellite":
            radius = torch.tensor(RADII_M)[:, None] / (TILE_M / 2)
            grid = torch.stack([radius * turn.sin(), -radius * turn.cos()], dim=-1)
        else:
            fall = torch.tensor([math.degrees(math.atan2(EYE_M, r)) for r in RADII_M])
            rows = (SPAN[1] + fall) / (SPAN[1] - SPAN[0]) * 2 - 1
            columns = (turn + math.pi) % (2 * math.pi) / math.pi - 1
            grid = torch.stack(
                [columns.expand(len(rows), -1), rows[:, None].expand(-1, SECTORS)], dim=-1
            )
        grid = grid.to(images).expand(len(images), -1, -1, -1).float()
        colours = functional.grid_sample(images.float(), grid, align_corners=False)
        # Black, which was not seen, is -2 in every channel and shall say nothing.
        is_seen = (images.float() > -1.99).any(dim=1, keepdim=True).float()
        is_seen = (functional.grid_sample(is_seen, grid, align_corners=False) > 0.99).float()
        mean = (colours * is_seen).sum((2, 3), True) / is_seen.sum((2, 3), True).clamp(min=1)
        colours = (colours - mean) * is_seen
        return functional.normalize(colours.flatten(1) * self.gain, dim=1)


def plain(seed: int) -> NDArray[np.uint8]:
    """A coloured plain (SIDE_M, SIDE_M, 3) of one metre a pixel, smooth over ten metres."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(20, 235, (SIDE_M // 8, SIDE_M // 8, 3))
    fine = cv2.resize(coarse, (SIDE_M, SIDE_M), interpolation=cv2.INTER_CUBIC)
    return np.clip(fine, 1, 255).astype(np.uint8)


def panorama(
    ground: NDArray[np.uint8], east_m: float, north_m: float, *, heading_deg: float = 0.0
) -> NDArray[np.uint8]:
    """What a levelled camera sees (180, 360, 3) at a place of a plain, from its north-west corner.

    `north_m` grows to the north and is negative on the plain.
    """
    x, y, up = np.moveaxis(ring_directions((180, 360), (-90.0, 90.0)), -1, 0)
    reach = EYE_M / np.maximum(-up, 1e-3)
    columns = (east_m + reach * x - 0.5).astype(np.float32)
    rows = (-north_m - reach * y - 0.5).astype(np.float32)
    seen = cv2.remap(ground, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    view = np.where((up < 0)[..., None], seen, SKY).astype(np.uint8)
    return np.roll(view, -round(heading_deg), axis=1)


@dataclass(frozen=True)
class StreetWorld:
    """The plain's index of 169 tiles of 64 m, half overlapping, without local features."""

    folder: Path
    ground: NDArray[np.uint8]

    @property
    def index(self) -> Path:
        return self.folder / "index"

    def lonlat(self, east_m: float, north_m: float) -> LonLat:
        lon, lat = to_lonlat(CRS, [WEST_M + east_m], [NORTH_M + north_m])[0]
        return LonLat(float(lon), float(lat))

    def panorama(self, east_m: float, north_m: float, heading_deg: float) -> NDArray[np.uint8]:
        return panorama(self.ground, east_m, north_m, heading_deg=heading_deg)

    def photo(
        self,
        east_m: float,
        north_m: float,
        heading_deg: float,
        *,
        hfov_deg: float,
        pitch_deg: float,
    ) -> NDArray[np.uint8]:
        """A perspective photo (240, 320, 3)."""
        return panorama_to_perspective(
            self.panorama(east_m, north_m, 0.0),
            Panorama.whole(360, 180),
            camera=Camera.from_hfov(320, 240, hfov_deg),
            pose=Pose(heading_deg, pitch_deg, 0.0, EYE_M),
        )


def write_panorama(
    path: Path, pixels: NDArray[np.uint8], *, heading_deg: float | None = None
) -> Path:
    """A panorama as cameras write it; without a heading it says none."""
    height, width = pixels.shape[:2]
    said = {
        "ProjectionType": "equirectangular",
        "FullPanoWidthPixels": str(width),
        "FullPanoHeightPixels": str(height),
        "CroppedAreaImageWidthPixels": str(width),
    }
    if heading_deg is not None:
        said["PoseHeadingDegrees"] = f"{heading_deg:.2f}"
    return write_photo(path, pixels=pixels, xmp=xmp(said, namespace=GPANO), exif=exif())


def _write_model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    safetensors.torch.save_file(Rings().state_dict(), folder / "model.safetensors")
    sha256 = sha256_of(folder / "model.safetensors")
    (folder / "model.toml").write_text(_CARD.format(sha256=sha256))
    return folder


@lru_cache(maxsize=1)
def _build(folder: Path) -> StreetWorld:
    folder.mkdir()
    ground = plain(seed=5)
    transform = Affine(1, 0, WEST_M, 0, -1, NORTH_M)
    region = write_raster(
        folder / "region.tif", np.moveaxis(ground, -1, 0), crs=CRS, transform=transform
    )
    tiles = write_tiles(folder / "tiles", region)
    build_index(tiles, folder / "index", options_for(_write_model(folder / "model")))
    return StreetWorld(folder, ground)


@pytest.fixture(scope="session")
def street_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreetWorld]:
    """The index, and its network known to the shelf while a test asks for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(zoo._BUILDERS, "rings", lambda options: Rings())
        yield _build(tmp_path_factory.getbasetemp() / "street_world")
