"""Draw an explanation: photo and tile, the evidence for their match, and the neural maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from geoloc.arrays import Float32Array, RgbImage
from geoloc.locate.explain.evidence import Evidence, LevelMap
from geoloc.locate.explain.explanation import Explanation, Mark, Side
from geoloc.locate.explain.layout import GAP_PX, LINE_PX, Layout

_BACKGROUND, _CARD, _INK, _FAINT = "#14171c", "#20252d", "#f2f4f7", "#a9b2bf"
# Orange and blue differ for every kind of colour vision, and from the green of most ground.
_FOR, _AGAINST = (255, 140, 0), (40, 120, 255)
_STRONGEST = 0.8  # opacity of the strongest evidence
_NUMBERED_ROWS = 6  # up to so many rows of evidence, each cell shows its number
# Maps of less contrast than this are nearly flat and shall look so; of more, they are clipped.
_LEAST_FACTOR, _MOST_FACTOR = 1.05, 4.0
_MARKS = ("#ffffff", "#3ddc84")


def draw_explanation(explanation: Explanation) -> Image.Image:
    """The picture of an explanation, both sides under the numbers."""
    bands = [
        _draw_band(explanation.photo, _photo_title(explanation), ()),
        _draw_band(explanation.tile, _tile_title(explanation), explanation.marks),
    ]
    width = max(band.width for band in bands) + 2 * GAP_PX
    lines = _wrapped(_facts(explanation), width - 4 * GAP_PX)
    head_px = 62 + LINE_PX * len(lines)
    height = head_px + sum(band.height + GAP_PX for band in bands)
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    title = f"{explanation.photo_name} and {explanation.tile_id}"
    draw.text((2 * GAP_PX, 14), title, fill=_INK, font=_font(30))
    for number, line in enumerate(lines):
        draw.text((2 * GAP_PX, 54 + number * LINE_PX), line, fill=_FAINT, font=_font(18))
    top = head_px
    for band in bands:
        draw.rectangle((GAP_PX, top, width - GAP_PX - 1, top + band.height - 1), fill=_CARD)
        sheet.paste(band, (GAP_PX, top))
        top += band.height + GAP_PX
    return sheet


@cache  # Pillow decodes its own font anew each time
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def _photo_title(explanation: Explanation) -> str:
    seen = f"The {explanation.kind} photo as {explanation.model} sees it"
    if explanation.is_whole:
        return f"{seen}: {explanation.supposed}"
    how = "turned north up" if explanation.kind == "drone" else "as a ring, north in the middle"
    return f"{seen}: {how}, supposed {explanation.supposed}"


def _tile_title(explanation: Explanation) -> str:
    return f"The tile as {explanation.model} sees it: {explanation.tile_shown}"


def _facts(explanation: Explanation) -> list[str]:
    """What a person should know in words and numbers."""
    other = "next" if explanation.rank == 1 else "best"
    beside = explanation.next_cosine
    facts = [
        f"Cosine {explanation.cosine:.3f}, rank {explanation.rank} of {explanation.tiles} tiles"
        + (f" ({other} tile: {beside:.3f})." if beside is not None else "."),
    ]
    for mark in explanation.marks:
        where = "on this tile" if mark.is_inside else "not on this tile"
        facts[0] += f" {_capital(mark.meaning)}: {where}, {mark.away_m:.0f} m from its middle."
    if explanation.own_rank not in (None, explanation.rank):
        rank = explanation.own_rank
        facts.append(f"The tile nearest to its own GPS has rank {rank}; --rank {rank} shows it.")
    facts.append(_ablation_text(explanation))
    photo = explanation.photo.evidence
    if photo.is_exact:
        facts.append(
            "Evidence is exact: the numbers of all cells and a constant of "
            f"{photo.rest:+.3f} add up to the cosine."
        )
    else:
        facts.append(
            "Evidence is measured: what the cosine loses when a cell is covered. This network "
            "mixes its positions, so the cells do not add up to the cosine."
        )
    return facts


def _ablation_text(explanation: Explanation) -> str:
    ablation = explanation.ablation
    if ablation is None:
        return "This network has no neural maps; only the evidence is shown."
    return (
        f"With all neural maps set to zero: cosine {ablation.cosine:.3f}, rank {ablation.rank} "
        f"instead of {ablation.rank_with_maps} among the {ablation.rivals} tiles that are best "
        "with them."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _wrapped(facts: Sequence[str], width_px: int) -> list[str]:
    """Facts as lines that are not wider than the picture."""
    lines: list[str] = []
    for fact in facts:
        line = ""
        for word in fact.split(" "):
            longer = f"{line} {word}".strip()
            if line and _font(18).getlength(longer) > width_px:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


@dataclass(frozen=True)
class _Scale:
    """Factors from `1 / most` to `most` as colours, even in their logarithm; 1 is the middle."""

    most: float

    @classmethod
    def of(cls, levels: Sequence[LevelMap]) -> _Scale:
        """One for all panels of a side."""
        values = np.concatenate(
            [np.abs(np.log(each.ravel())) for m in levels for each in (m.weights, m.emphasis)]
        )
        most = float(np.exp(np.percentile(values, 98)))
        return cls(min(max(most, _LEAST_FACTOR), _MOST_FACTOR))

    def colours(self, factors: Float32Array) -> RgbImage:
        """(H, W, 3) RGB of factors (H, W)."""
        share = 0.5 + 0.5 * np.log(np.maximum(factors, 1e-6)) / np.log(self.most)
        grey = (np.clip(share, 0, 1) * 255).round().astype(np.uint8)
        return np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)[..., ::-1], np.uint8)


def _draw_band(side: Side, title: str, marks: Sequence[Mark]) -> Image.Image:
    """A side: its picture, its evidence, and what its maps do."""
    layout = Layout.of(side)
    band = Image.new("RGB", layout.size, _CARD)
    draw = ImageDraw.Draw(band)
    draw.text((GAP_PX, GAP_PX - 2), title, fill=_INK, font=_font(20))
    picture = _enlarged(side.pixels, layout.picture)
    for mark, colour in zip(marks, _MARKS, strict=False):
        _draw_mark(picture, mark, colour)
    first, second = layout.corners
    band.paste(picture, first)
    band.paste(_draw_evidence(side, layout.picture), second)
    _draw_evidence_legend(band, side.evidence, layout)
    _write_marks(draw, marks, (first[0], first[1] + layout.picture[1] + 4))
    if side.levels:
        scale = _Scale.of(side.levels)
        for number, level in enumerate(side.levels):
            _draw_level(band, side, level, scale=scale, layout=layout, number=number)
        _draw_scale(band, scale, layout)
    return band


def _enlarged(pixels: RgbImage, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def _draw_mark(picture: Image.Image, mark: Mark, colour: str) -> None:
    """A ring where something lies, if that is on the tile."""
    if not mark.is_inside:
        return
    x, y = mark.x * picture.width, mark.y * picture.height
    draw = ImageDraw.Draw(picture)
    draw.ellipse((x - 11, y - 11, x + 11, y + 11), outline="#000000", width=7)
    draw.ellipse((x - 10, y - 10, x + 10, y + 10), outline=colour, width=4)


def _write_marks(draw: ImageDraw.ImageDraw, marks: Sequence[Mark], corner: tuple[int, int]) -> None:
    """What the rings mean."""
    left = corner[0]
    for mark, colour in zip(marks, _MARKS, strict=False):
        if mark.is_inside:
            text = f"ring: {mark.meaning}"
            draw.text((left, corner[1]), text, fill=colour, font=_font(16))
            left += round(_font(16).getlength(text)) + 2 * GAP_PX


def _draw_evidence(side: Side, size: tuple[int, int]) -> Image.Image:
    """The picture in grey, under orange for the match and blue against it."""
    parts, most = side.evidence.parts, float(np.abs(side.evidence.parts).max()) or 1.0
    is_numbered = len(parts) <= _NUMBERED_ROWS
    how = cv2.INTER_NEAREST if is_numbered else cv2.INTER_CUBIC
    spread = np.asarray(cv2.resize(parts, size, interpolation=how), np.float32)
    shares = np.clip(np.abs(spread) / most, 0, 1)[..., None] * _STRONGEST
    colours = np.where(spread[..., None] >= 0, np.array(_FOR), np.array(_AGAINST))
    grey = np.asarray(_enlarged(side.pixels, size).convert("L"), np.float32)[..., None] * 0.8
    blended = Image.fromarray((grey * (1 - shares) + colours * shares).astype(np.uint8))
    if is_numbered:
        _write_parts(blended, parts)
    return blended


def _write_parts(picture: Image.Image, parts: Float32Array) -> None:
    """Its number in the middle of each cell, in hundredths."""
    draw = ImageDraw.Draw(picture)
    rows, columns = parts.shape
    for row, column in np.ndindex(rows, columns):
        middle = ((column + 0.5) * picture.width / columns, (row + 0.5) * picture.height / rows)
        draw.text(
            middle,
            f"{100 * parts[row, column]:+.1f}",
            fill=_INK,
            font=_font(17),
            anchor="mm",
            stroke_width=2,
            stroke_fill="#000000",
        )


def _draw_evidence_legend(band: Image.Image, evidence: Evidence, layout: Layout) -> None:
    """A bar from the strongest evidence against to the strongest for the match."""
    left, top = layout.corners[1]
    top += layout.picture[1] + 6
    most = float(np.abs(evidence.parts).max()) or 1.0
    ramp = np.linspace(-1, 1, 120, dtype=np.float32)[None, :, None]
    colours = np.where(ramp >= 0, np.array(_FOR), np.array(_AGAINST))
    shares = np.abs(ramp) * _STRONGEST
    bar = (110 * (1 - shares) + colours * shares).astype(np.uint8).repeat(14, axis=0)
    draw = ImageDraw.Draw(band)
    text = f"{-100 * most:+.1f}"
    draw.text((left, top - 3), text, fill=_FAINT, font=_font(16))
    left += round(_font(16).getlength(text)) + 6
    band.paste(Image.fromarray(bar), (left, top))
    text = f"{100 * most:+.1f}   hundredths of cosine"
    draw.text((left + 126, top - 3), text, fill=_FAINT, font=_font(16))


def _draw_level(
    band: Image.Image,
    side: Side,
    level: LevelMap,
    *,
    scale: _Scale,
    layout: Layout,
    number: int,
) -> None:
    """The two panels of a level, with their range in words."""
    draw = ImageDraw.Draw(band)
    name = f"L{level.level + 1}"
    texts = (
        f"{name} map {_range(level.weights)}, ±{100 * level.spread:.0f} %",
        f"{name} emphasis {_range(level.emphasis)}",
    )
    for kind, (factors, text) in enumerate(
        zip((level.weights, level.emphasis), texts, strict=True)
    ):
        left, top = layout.panel_corner(number, kind)
        band.paste(_draw_factors(side.pixels, factors, scale, layout.panel), (left, top))
        below = (left, top + layout.panel[1] + 3)
        draw.text(below, text, fill=_FAINT, font=_font(13))


def _range(factors: Float32Array) -> str:
    return f"{factors.min():.2f} to {factors.max():.2f}"


def _draw_factors(
    pixels: RgbImage, factors: Float32Array, scale: _Scale, size: tuple[int, int]
) -> Image.Image:
    """Factors in colours over the picture in grey."""
    spread = cv2.resize(factors, size, interpolation=cv2.INTER_LINEAR)
    colours = scale.colours(np.asarray(spread, np.float32)).astype(np.float32)
    grey = np.asarray(_enlarged(pixels, size).convert("L"), np.float32)[..., None]
    return Image.fromarray((0.65 * colours + 0.35 * grey).astype(np.uint8))


def _draw_scale(band: Image.Image, scale: _Scale, layout: Layout) -> None:
    """The colours of the maps and what they mean, at the lower edge."""
    draw = ImageDraw.Draw(band)
    left, top = layout.maps_left, layout.size[1] - LINE_PX
    text = f"{1 / scale.most:.2f}"
    draw.text((left, top - 3), text, fill=_FAINT, font=_font(16))
    left += round(_font(16).getlength(text)) + 6
    ramp = np.exp(np.linspace(-1, 1, 120, dtype=np.float32) * np.log(scale.most))[None]
    band.paste(Image.fromarray(scale.colours(ramp).repeat(14, axis=0)), (left, top))
    meaning = "1 is neutral   ±: between channels   emphasis: the map times what is in this image"
    text = f"{scale.most:.2f}   {meaning}"
    draw.text((left + 126, top - 3), text, fill=_FAINT, font=_font(16))
