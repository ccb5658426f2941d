"""What a run of `geoloc tile` says of rasters that failed or are odd."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from geoloc.errors import CrsError, InputError, RasterError, one_line
from geoloc.fill_values import FillValues
from geoloc.tiles.manifest import RasterEntry, TileScheme


def refuse_if_all_failed(entries: Sequence[RasterEntry], errors: Sequence[InputError]) -> None:
    """Raise the one error there is, or a summary of many, if no raster could be cut."""
    if len(errors) < len(entries):
        return
    first, text = errors[0], str(entries[0].error)
    if len(errors) > 1:
        message = f"none of the {len(errors)} rasters could be cut; the first: {text}"
        raise RasterError(message) from first
    if isinstance(first, CrsError):
        raise CrsError(text, crs=first.crs, path=entries[0].location) from first
    raise RasterError(text, path=entries[0].location) from first


def no_tiles(entries: Sequence[RasterEntry], damage: str | None, scheme: TileScheme) -> RasterError:
    """The error of a run without a tile, with its own reason: unreadable, invalid or elsewhere."""
    lost, skipped = (sum(getattr(e, n) for e in entries) for n in ("unreadable", "skipped"))
    if lost:
        and_more = f" and {skipped} have too few valid pixels" if skipped else ""
        return RasterError(f"no tiles: {lost} could not be read{and_more}: {damage}")
    if skipped and any("{" in entry.location for entry in entries):
        return RasterError(
            f"no tiles: the server has none for {skipped} places, or not enough of them; check the "
            "area, {y} against {-y} in the address, and the zoom levels that it has"
        )
    if skipped:
        return RasterError(
            f"no tiles: of {skipped} that lie in the rasters, not one has enough valid pixels "
            f"(a share of {scheme.min_valid:g}); lower --min-valid, or check the nodata value, "
            "the mask and the alpha of the rasters with gdalinfo"
        )
    return RasterError(
        "no tiles: the rasters lie outside the area; check --bounds (west, south, east, north in "
        "degrees) and --aoi, or see where the rasters lie with geoloc info"
    )


def fill_warning(location: str, fill: FillValues) -> str:
    """What a person should know of values that were taken for a fill."""
    name, first = Path(location).name, fill.text.split(",")[0]
    return (
        f"{name} holds {fill.text} in many pixels, far off its other values and not declared as "
        f"nodata: taken for a fill and left out; declare it with: gdal_edit.py -a_nodata {first} "
        f"{name} (or another value that is nowhere, if these are data)"
    )


def about_raster(location: str, error: InputError) -> str:
    """The message of an error, with the raster it is about."""
    text = one_line(error)
    return text if Path(location).name in text else f"{Path(location).name}: {text}"
