"""The shapes that a town is made of, and the table that keeps them ready for drawing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from geoloc.arrays import Float32Array, Float64Array, Int32Array, Mask
from geoloc.synthetic.world.palette import NUMBERS


class Layer(IntEnum):
    """What is painted over what."""

    GROUND = 0
    PATCH = 1
    WATER = 2
    PAVEMENT = 3
    ROAD = 4
    MAIN_ROAD = 5
    MARK = 6
    THING = 7
    BUILDING = 8
    ROOF = 9
    CROWN = 10


@dataclass(frozen=True)
class Finish:
    """How the surface of a shape looks.

    Attributes:
        material: A name of the palette.
        blend: Share of the way between the material's two colours, in [0, 1].
        tone: Brightness against the material's, near 1.
        stripe_rad: Direction along which stripes run, counter-clockwise from east.
        stripe_m: Period of the stripes; 0 for none.
        stripe_depth: Relative strength of the stripes.
    """

    material: str
    blend: float = 0.5
    tone: float = 1.0
    stripe_rad: float = 0.0
    stripe_m: float = 0.0
    stripe_depth: float = 0.0


@dataclass(frozen=True)
class Surface:
    """The height of a shape over the flat ground: a plane, or a dome with a radius.

    Attributes:
        height_m: Height at the reference point; of a dome, its top.
        at: Reference point x, y in metres; of a dome, its middle.
        slope: Rise per metre towards x and y.
        dome_m: Radius of a dome; 0 for a plane.
    """

    height_m: float = 0.0
    at: tuple[float, float] = (0.0, 0.0)
    slope: tuple[float, float] = (0.0, 0.0)
    dome_m: float = 0.0


FLAT = Surface()


@dataclass
class Sketch:
    """A list of shapes that grows."""

    outlines: list[Float64Array] = field(default_factory=list)
    layers: list[int] = field(default_factory=list)
    finishes: list[Finish] = field(default_factory=list)
    surfaces: list[Surface] = field(default_factory=list)

    def add(
        self, outline: Float64Array, layer: Layer, finish: Finish, surface: Surface = FLAT
    ) -> None:
        """Add a shape; outlines of fewer than three points are nothing."""
        if len(outline) < 3:
            return
        self.outlines.append(np.asarray(outline, np.float64))
        self.layers.append(int(layer))
        self.finishes.append(finish)
        self.surfaces.append(surface)


@dataclass(frozen=True)
class ShapeTable:
    """Shapes in the order in which they are painted, a column each.

    Row 0 is the bare ground that lies under everything; its outline is never drawn.
    """

    outlines: list[Float64Array]
    bounds: Float64Array  # (N, 4): least x, least y, greatest x, greatest y
    is_crown: Mask
    material: Int32Array
    looks: Float64Array  # (N, 5): blend, tone, stripe_rad, stripe_m, stripe_depth
    relief: Float32Array  # (N, 6): height, x, y, slope x, slope y, dome radius

    @classmethod
    def from_sketch(cls, sketch: Sketch, ground: Finish) -> ShapeTable:
        """Sort the shapes of a sketch by layer; crowns by height, so that tall ones are on top."""
        heights = [s.height_m for s in sketch.surfaces]
        layers = np.array(sketch.layers)
        crown_heights = np.where(layers == Layer.CROWN, heights, 0)
        order = np.lexsort((crown_heights, layers))
        finishes = [ground] + [sketch.finishes[i] for i in order]
        surfaces = [FLAT] + [sketch.surfaces[i] for i in order]
        outlines = [np.zeros((1, 2))] + [sketch.outlines[i] for i in order]
        return cls(
            outlines=outlines,
            bounds=np.array([[*o.min(0), *o.max(0)] for o in outlines]),
            is_crown=np.array([False] + [sketch.layers[i] == Layer.CROWN for i in order]),
            material=np.array([NUMBERS[f.material] for f in finishes], np.int32),
            looks=np.array([_looks(f) for f in finishes]),
            relief=np.array([_relief(s) for s in surfaces], np.float32),
        )

    def __len__(self) -> int:
        return len(self.outlines)


def _looks(finish: Finish) -> tuple[float, ...]:
    return (finish.blend, finish.tone, finish.stripe_rad, finish.stripe_m, finish.stripe_depth)


def _relief(surface: Surface) -> tuple[float, ...]:
    return (surface.height_m, *surface.at, *surface.slope, surface.dome_m)
