"""Layout of one side of an explanation: where picture, evidence and neural maps are drawn."""

from __future__ import annotations

from dataclasses import dataclass

from geoloc.locate.explain.explanation import Side

UNIT_PX = 200  # side of a neural map's panel on a square image
GAP_PX = 10
LINE_PX = 26
WIDE = 2.0  # from this shape on, pictures lie under one another


@dataclass(frozen=True)
class Layout:
    """Positions and sizes in a band, pixels.

    Attributes:
        picture: Width and height of the picture, and of the evidence.
        corners: Upper left corners of the two.
        panel: Width and height of a neural map's panel.
        maps_left: Left edge of the panels.
        is_wide: Whether levels lie under one another, not side by side.
        size: Width and height of the band.
    """

    picture: tuple[int, int]
    corners: tuple[tuple[int, int], tuple[int, int]]
    panel: tuple[int, int]
    maps_left: int
    is_wide: bool
    size: tuple[int, int]

    @classmethod
    def of(cls, side: Side) -> Layout:
        """The layout for the shape of a side's picture and the number of its maps."""
        height, width = side.pixels.shape[:2]
        is_wide, levels, top = width / height >= WIDE, len(side.levels), 2 * GAP_PX + LINE_PX
        if is_wide:
            panel = (2 * UNIT_PX, round(2 * UNIT_PX * height / width))
            picture = (4 * UNIT_PX, round(4 * UNIT_PX * height / width))
            second = (GAP_PX, top + picture[1] + LINE_PX + GAP_PX)
            maps = (2, levels)
        else:
            panel = (round(UNIT_PX * width / height), UNIT_PX)
            tall = 2 * (UNIT_PX + LINE_PX)
            picture = (round(tall * width / height), tall)
            second = (2 * GAP_PX + picture[0], top)
            maps = (levels, 2)
        left = second[0] + picture[0] + 2 * GAP_PX
        across = left + maps[0] * (panel[0] + GAP_PX) if levels else left - GAP_PX
        bottom = second[1] + picture[1]
        deepest = top + maps[1] * (panel[1] + LINE_PX) if levels else 0
        size = (across, max(bottom, deepest) + LINE_PX + 2 * GAP_PX)
        return cls(picture, ((GAP_PX, top), second), panel, left, is_wide, size)

    def panel_corner(self, level: int, kind: int) -> tuple[int, int]:
        """Upper left corner of the map (kind 0) or of the emphasis (1) of the `level`-th map."""
        column, row = (kind, level) if self.is_wide else (level, kind)
        return (
            self.maps_left + column * (self.panel[0] + GAP_PX),
            self.corners[0][1] + row * (self.panel[1] + LINE_PX),
        )
