"""A north-up view of any placed raster: rotated, sheared, south-up and GCP-only ones are warped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT

from geoloc.errors import CrsError, RasterError, cause_text
from geoloc.tiles.location import is_address


def north_up(dataset: Any, location: str) -> Any:
    """The dataset itself, or a warped view of it whose rows run from north to south.

    Args:
        dataset: Dataset of rasterio.
        location: What it is called in messages.

    Raises:
        RasterError: It has no place on the ground.
        CrsError: It has no CRS.
    """
    gcps, gcp_crs = dataset.gcps
    transform = dataset.transform
    placed = not transform.is_identity
    if not placed and gcps:
        return _warp(dataset, location, gcp_crs, Resampling.bilinear)
    if not placed:
        _refuse_unplaced(dataset, location)
    if dataset.crs is None:
        raise CrsError(
            f"{location} has no CRS, so its place on the Earth is not known; "
            f"{_crs_advice(location)}",
            path=location,
        )
    if transform.b == transform.d == 0 and transform.a > 0 > transform.e:
        return dataset
    flipped = transform.b == transform.d == 0
    return _warp(
        dataset, location, dataset.crs, Resampling.nearest if flipped else Resampling.bilinear
    )


def _crs_advice(location: str) -> str:
    """How to give a raster a CRS; a ``.prj`` beside it is not read by GDAL for most formats."""
    path = Path(location)
    for beside in (path.with_suffix(".prj"), path.with_name(f"{path.name}.prj")):
        if not is_address(location) and beside.is_file():
            return (
                f"{beside.name} lies beside it, but GDAL does not read that for this format; "
                f"take it over with: gdal_edit.py -a_srs {beside} {location}"
            )
    return "set it first, say with: gdal_edit.py -a_srs EPSG:32633 FILE"


def _refuse_unplaced(dataset: Any, location: str) -> None:
    """Say what is missing of a raster without geotransform and ground control points."""
    if dataset.rpcs is not None:
        raise RasterError(
            f"{location} has only RPCs, whose error on uneven ground is tens of metres; "
            "orthorectify it first, say with: gdalwarp -rpc -to RPC_DEM=dem.tif -t_srs EPSG:32633",
            path=location,
        )
    raise RasterError(
        f"{location} has no geotransform, so its place on the Earth is not known; "
        "georeference it first, or put a world file beside it and set its CRS",
        path=location,
    )


def _warp(dataset: Any, location: str, crs: Any, resampling: Resampling) -> WarpedVRT:
    """A north-up view of a dataset in `crs`, with an alpha where it has no mask of its own."""
    if crs is None:
        message = f"{location} has ground control points without a CRS"
        raise CrsError(f"{message}; set it first with gdal_translate -a_srs", path=location)
    has_mask = ColorInterp.alpha in dataset.colorinterp or dataset.nodata is not None
    is_palette = dataset.colorinterp[0] == ColorInterp.palette
    try:
        return WarpedVRT(
            dataset,
            src_crs=crs,
            crs=crs,
            add_alpha=not has_mask,
            resampling=Resampling.nearest if is_palette else resampling,
        )
    except (RasterioError, ValueError) as error:
        message = f"cannot warp {location} to a north-up grid: {cause_text(error)}"
        raise RasterError(f"{message}; warp it first with gdalwarp", path=location) from error
