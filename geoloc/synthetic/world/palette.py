"""What the ground is made of, and its colours through the year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

RGB = tuple[int, int, int]
Season = Literal["spring", "summer", "autumn", "winter"]
SEASONS: tuple[Season, ...] = get_args(Season)


@dataclass(frozen=True)
class Material:
    """One kind of surface.

    Attributes:
        colours: Per season two colours; every shape lies somewhere between them.
        fine: Relative strength of the texture at half a metre.
        mid: Relative strength at three metres.
        broad: Relative strength at twenty metres.
        patchy: Amount by which texture moves it between its two colours, in [0, 1].
        is_alive: Whether its fine texture is another one at every date.
        opacity: Per season the share of the ground that a crown hides; 1 for all but trees.
    """

    colours: Mapping[Season, tuple[RGB, RGB]]
    fine: float = 0.05
    mid: float = 0.04
    broad: float = 0.03
    patchy: float = 0.0
    is_alive: bool = False
    opacity: Mapping[Season, float] | None = None

    def opacity_in(self, season: Season) -> float:
        """Share of the ground that it hides in a season."""
        return 1.0 if self.opacity is None else self.opacity[season]


def _dead(a: RGB, b: RGB, fine: float, mid: float, broad: float = 0.03) -> Material:
    """A material that looks the same all year."""
    return Material(dict.fromkeys(SEASONS, (a, b)), fine, mid, broad)


def _green(
    colours: tuple[tuple[RGB, RGB], ...], texture: tuple[float, float, float, float]
) -> Material:
    """A plant cover: colours from spring to winter; fine, mid, broad texture and patchiness."""
    fine, mid, broad, patchy = texture
    seasons = dict(zip(SEASONS, colours, strict=True))
    return Material(seasons, fine, mid, broad, patchy, is_alive=True)


def _crown(
    colours: tuple[tuple[RGB, RGB], ...], opacity: tuple[float, float, float, float]
) -> Material:
    """A tree or hedge: colours and opacity from spring to winter."""
    return Material(
        dict(zip(SEASONS, colours, strict=True)),
        fine=0.16,
        mid=0.14,
        broad=0.03,
        patchy=0.25,
        is_alive=True,
        opacity=dict(zip(SEASONS, opacity, strict=True)),
    )


_SOIL = ((124, 100, 76), (148, 124, 96))

MATERIALS: dict[str, Material] = {
    "meadow": _green(
        (
            ((104, 122, 66), (128, 138, 78)),
            ((98, 112, 62), (140, 136, 84)),
            ((122, 116, 70), (146, 130, 86)),
            ((112, 108, 78), (132, 124, 96)),
        ),
        (0.12, 0.11, 0.08, 0.9),
    ),
    "lawn": _green(
        (
            ((84, 122, 58), (106, 138, 70)),
            ((80, 112, 56), (118, 132, 74)),
            ((96, 112, 60), (122, 122, 74)),
            ((96, 104, 70), (118, 116, 86)),
        ),
        (0.08, 0.07, 0.05, 0.7),
    ),
    "turf": _green(
        (
            ((74, 124, 56), (84, 132, 62)),
            ((70, 118, 54), (86, 128, 62)),
            ((84, 116, 58), (94, 122, 66)),
            ((90, 108, 66), (104, 116, 76)),
        ),
        (0.05, 0.05, 0.03, 0.5),
    ),
    "cereal": _green(
        (
            ((92, 130, 62), (116, 144, 72)),
            ((186, 164, 100), (206, 184, 124)),
            ((152, 128, 92), (174, 148, 110)),
            ((104, 110, 70), (122, 112, 86)),
        ),
        (0.06, 0.06, 0.06, 0.5),
    ),
    "beet": _green(
        (
            ((130, 108, 80), (120, 116, 74)),
            ((66, 104, 48), (84, 120, 58)),
            ((84, 106, 56), (104, 112, 66)),
            ((118, 98, 76), (136, 114, 90)),
        ),
        (0.10, 0.06, 0.05, 0.5),
    ),
    "rape": _green(
        (
            ((196, 186, 60), (208, 196, 76)),
            ((132, 134, 80), (150, 144, 90)),
            ((92, 120, 66), (110, 124, 72)),
            ((90, 108, 68), (104, 112, 78)),
        ),
        (0.07, 0.06, 0.06, 0.5),
    ),
    "ploughed": _dead(*_SOIL, 0.09, 0.08, 0.08),
    "sand": _dead((206, 190, 152), (190, 172, 136), 0.07, 0.05),
    "gravel": _dead((166, 158, 142), (148, 140, 126), 0.10, 0.06),
    "dirt": _dead((146, 126, 100), (124, 106, 84), 0.09, 0.09),
    "asphalt": _dead((96, 96, 98), (122, 120, 118), 0.06, 0.06, 0.06),
    "patch": _dead((70, 70, 74), (136, 134, 130), 0.05, 0.03),
    "concrete": _dead((172, 168, 160), (148, 144, 138), 0.05, 0.05),
    "paving": _dead((176, 160, 144), (156, 148, 142), 0.06, 0.05),
    "brick": _dead((152, 104, 86), (166, 124, 104), 0.06, 0.05),
    "mark": _dead((226, 226, 220), (196, 194, 188), 0.08, 0.10),
    "ballast": _dead((128, 118, 110), (112, 102, 94), 0.14, 0.06),
    "steel": _dead((150, 146, 144), (112, 108, 106), 0.06, 0.03),
    "water": _dead((52, 70, 70), (66, 84, 76), 0.03, 0.05, 0.10),
    "pool": _dead((84, 168, 186), (110, 190, 200), 0.05, 0.04),
    "clay": _dead((176, 92, 66), (186, 106, 78), 0.05, 0.04),
    "court_blue": _dead((66, 104, 156), (80, 120, 164), 0.03, 0.03),
    "court_green": _dead((62, 116, 88), (76, 130, 96), 0.03, 0.03),
    "tile_red": _dead((158, 84, 62), (184, 108, 80), 0.08, 0.07),
    "tile_brown": _dead((112, 80, 66), (138, 102, 84), 0.08, 0.07),
    "tile_dark": _dead((72, 72, 78), (98, 96, 98), 0.07, 0.06),
    "sheet": _dead((178, 184, 188), (206, 208, 206), 0.03, 0.06, 0.06),
    "sheet_blue": _dead((86, 124, 166), (112, 146, 178), 0.03, 0.06, 0.06),
    "sheet_green": _dead((104, 148, 118), (138, 172, 146), 0.03, 0.06, 0.06),
    "sheet_rust": _dead((168, 100, 78), (190, 128, 104), 0.05, 0.10, 0.06),
    "bitumen": _dead((94, 94, 96), (126, 124, 122), 0.05, 0.10, 0.08),
    "pebbles": _dead((164, 158, 150), (192, 188, 180), 0.07, 0.10, 0.06),
    "membrane": _dead((214, 214, 210), (232, 230, 224), 0.02, 0.07, 0.05),
    "parapet": _dead((196, 192, 186), (168, 164, 160), 0.04, 0.03),
    "device": _dead((188, 192, 196), (140, 144, 148), 0.05, 0.02),
    "glass": _dead((64, 78, 92), (104, 122, 138), 0.03, 0.03),
    "solar": _dead((34, 44, 72), (44, 54, 84), 0.03, 0.02),
    "facade": _dead((170, 158, 144), (204, 196, 184), 0.03, 0.03),
    "car_pale": _dead((222, 222, 222), (184, 188, 192), 0.02, 0.03),
    "car_dark": _dead((38, 40, 46), (84, 86, 92), 0.02, 0.03),
    "car_red": _dead((154, 40, 38), (176, 64, 52), 0.02, 0.03),
    "car_blue": _dead((46, 72, 128), (72, 100, 150), 0.02, 0.03),
    "crate": _dead((176, 88, 60), (70, 110, 146), 0.03, 0.03),
    "broadleaf": _crown(
        (
            ((104, 128, 62), (128, 146, 82)),
            ((54, 84, 42), (88, 112, 58)),
            ((112, 104, 48), (176, 116, 52)),
            ((98, 88, 78), (116, 104, 92)),
        ),
        (0.9, 1.0, 0.92, 0.42),
    ),
    "conifer": _crown(
        (
            ((44, 70, 48), (58, 84, 56)),
            ((40, 66, 44), (54, 80, 52)),
            ((44, 68, 46), (58, 80, 52)),
            ((42, 62, 48), (54, 74, 56)),
        ),
        (1.0, 1.0, 1.0, 1.0),
    ),
    "orchard": _crown(
        (
            ((196, 176, 172), (150, 162, 108)),
            ((78, 108, 56), (100, 122, 66)),
            ((140, 122, 62), (164, 122, 66)),
            ((100, 90, 80), (112, 102, 92)),
        ),
        (0.85, 1.0, 0.9, 0.45),
    ),
    "hedge": _crown(
        (
            ((78, 106, 54), (92, 118, 62)),
            ((56, 88, 44), (74, 100, 54)),
            ((84, 92, 50), (104, 98, 56)),
            ((84, 82, 64), (70, 84, 58)),
        ),
        (1.0, 1.0, 1.0, 0.8),
    ),
}
NUMBERS = {name: number for number, name in enumerate(MATERIALS)}

CROPS = ("cereal", "cereal", "beet", "rape", "ploughed", "meadow")
PITCHED_ROOFS = ("tile_red", "tile_red", "tile_brown", "tile_dark", "sheet_rust")
FLAT_ROOFS = ("bitumen", "bitumen", "pebbles", "membrane", "sheet", "sheet_green", "concrete")
HALL_ROOFS = ("sheet", "sheet", "sheet_blue", "sheet_green", "membrane", "sheet_rust", "bitumen")
CARS = ("car_pale", "car_pale", "car_pale", "car_dark", "car_dark", "car_red", "car_blue")
