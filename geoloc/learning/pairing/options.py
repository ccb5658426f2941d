"""The choices of `geoloc pairs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geoloc.errors import OptionError

PairingView = Literal["auto", "drone", "ground"]


@dataclass(frozen=True)
class PairingOptions:
    """How photos and a map become pairs.

    Attributes:
        ground_size_m: Side of a tile on the ground; None means what the default model's card asks
            for (drone), or 80 m (ground).
        size_px: Side of tiles and of drone photos, half the width of rings; None means what the
            default model's card asks for.
        test_share: Share of the photos that is held out, by area; 0 holds out none.
        offset: Greatest distance of a photo from its tile's middle along each axis, in sides of
            the tile, drawn at random. 0 cuts each tile around its photo.
        view: What kind of photos these are; ``auto`` takes the kind that is most frequent.
        height_m: Above the ground, of drone photos that do not say theirs.
        span_deg: Elevations of the lower and upper edge of the rings that ground photos become.
        metadata: A CSV or a flight log that adds to what the photos say of themselves.
        min_valid: Photos whose tile has a smaller share of valid pixels lie outside the map.
        seed: Of the offsets.
        overwrite: Replace pairs that are there.
    """

    ground_size_m: float | None = None
    size_px: int | None = None
    test_share: float = 0.2
    offset: float = 0.0
    view: PairingView = "auto"
    height_m: float | None = None
    span_deg: tuple[float, float] = (-60.0, 30.0)
    metadata: str | None = None
    min_valid: float = 0.5
    seed: int = 1
    overwrite: bool = False


def check_options(options: PairingOptions) -> None:
    """Refuse what lies out of range.

    Raises:
        OptionError: Something does.
    """
    bottom, top = options.span_deg
    checks = (
        (options.ground_size_m is None or 0.1 <= options.ground_size_m <= 1e6, "--ground-size",
         options.ground_size_m, "0.1 to 1e6 metres"),
        (options.size_px is None or 16 <= options.size_px <= 8192, "--size", options.size_px,
         "16 to 8192 pixels"),
        (0 <= options.test_share <= 1, "--test-share", options.test_share, "0 to 1"),
        (0 <= options.offset <= 0.5, "--offset", options.offset, "0 to 0.5"),
        (options.height_m is None or options.height_m > 0, "--height", options.height_m,
         "more than 0 metres"),
        (-90 <= bottom < top <= 90, "--span", options.span_deg, "BOTTOM,TOP from -90 to 90"),
    )  # fmt: skip
    for fine, name, value, expected in checks:
        if not fine:
            raise OptionError(f"{name} {value} is out of range; expected {expected}")
