"""From the options of `geoloc tile` to what decides its tiles: sizes, overlap, area."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from geoloc.errors import OptionError
from geoloc.options import DEFAULT_MODEL, TileOptions
from geoloc.tiles.area import Area, bounds_area, intersection
from geoloc.tiles.gtiff_options import check_creation
from geoloc.tiles.manifest import TileScheme

if TYPE_CHECKING:
    from geoloc.models.card import ModelCard

# Of a side, covered by the next tile too, where the network sees the tile and nothing around it.
_OVERLAP = 0.5


def resolve_scheme(options: TileOptions) -> tuple[TileScheme, Area]:
    """The scheme of these options, with the model's wishes filled in, and their area.

    Raises:
        ModelError: There is no such model; the default one is not asked where both sizes are given.
        OptionError: Options contradict each other or lie out of range.
        InputError: The area of interest cannot be read.
    """
    sizes, size_px, crops = options.ground_sizes_m, options.size_px, None
    if not sizes or size_px is None or options.model != DEFAULT_MODEL:
        card = _card_of(options.model)
        sizes, size_px = sizes or (card.tile_ground_size_m,), size_px or card.tile_size_px
        crops = card.crops
    _check_options(options, sizes, size_px)
    overlap = 0.0 if crops is not None else _OVERLAP
    is_virtual = options.virtual or crops is not None  # no tile holds what lies around it
    within = Area() if options.bounds is None else bounds_area(options.bounds)
    of_file = Area() if options.aoi is None else _area_of_file(options.aoi, options.aoi_layer)
    scheme = TileScheme(
        ground_sizes_m=tuple(sorted(set(map(float, sizes)))),
        overlap=overlap if options.overlap is None else float(options.overlap),
        size_px=size_px,
        min_valid=float(options.min_valid),
        virtual=is_virtual,
        bounds=options.bounds,
        aoi=None if options.aoi is None else Path(options.aoi).name,
        aoi_digest=of_file.digest() or None,
        creation_options=() if is_virtual else tuple(options.creation_options),
        crops=crops,
    )
    return scheme, intersection(within, of_file)


def _area_of_file(path: str | Path, layer: str | None) -> Area:
    from geoloc.tiles.area_file import file_area  # only here: geopandas takes half a second to load

    return file_area(path, layer)


def _card_of(model: str) -> ModelCard:
    from geoloc.models.registry import (
        read_card,  # only here: explicit sizes need no bundled models
    )

    return read_card(model)


def _check_options(options: TileOptions, sizes: Sequence[float], size_px: int) -> None:
    """Refuse what lies out of range."""
    checks = (
        (all(0.1 <= size <= 1e6 for size in sizes), "--ground-size", sizes, "0.1 to 1e6 metres"),
        (16 <= size_px <= 8192, "--size", size_px, "16 to 8192 pixels"),
        (0 <= (options.overlap or 0) <= 0.9, "--overlap", options.overlap, "0 to 0.9"),
        (0 <= options.min_valid <= 1, "--min-valid", options.min_valid, "0 to 1"),
        (options.workers >= 1, "--workers", options.workers, "1 or more"),
    )
    for fine, name, value, expected in checks:
        if not fine:
            raise OptionError(f"{name} {value} is out of range; expected {expected}")
    if options.resume and options.overwrite:
        raise OptionError("--resume keeps what --overwrite removes; leave one of them out")
    if options.aoi_layer is not None and options.aoi is None:
        raise OptionError("--aoi-layer names a layer of --aoi; give that too, or leave it out")
    check_creation(options.creation_options)
