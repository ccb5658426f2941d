"""The terrain of a map: elevation models in the order in which they are asked, as ground.

    terrain = open_terrain(["lidar.tif", "country.vrt"])
    ground = terrain.ground(LocalFrame(LonLat(13.4, 52.5)), half_side_m=400)
    ground.meet(origin_m, directions)      # None instead of a ground where nothing is known
    terrain.altitudes_m(np.array([[13.4, 52.5]]))

Of several files the first that knows a place wins. All heights are altitudes in metres above what
`Terrain.reference` says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from geoloc.arrays import Float64Array, Mask
from geoloc.errors import CrsError
from geoloc.geometry.crs import LocalFrame, distances_m
from geoloc.geometry.geoid import geoid_heights_m
from geoloc.geometry.terrain import TerrainGround
from geoloc.terrain.elevation_raster import ElevationRaster, open_elevation
from geoloc.terrain.gaps import fill_small_gaps
from geoloc.terrain.height_datum import HeightReference

# Finer than this no relief moves anything by what a map can tell.
_FINEST_M = 0.5
# Cells from the middle of a ground to its side: a sixtieth of the flying height or so where the
# side is seven heights away, which footprints reach at 80 degrees from the nadir.
_CELLS_A_HALF_SIDE = 400
# Nodes a cell of the elevation model, where that is coarse: turned against it, they still follow.
_NODES_A_PIXEL = 3
# Gaps are filled whose middle is no farther from known ground, metres.
_FILLED_M = 25.0
_FILLED_CELLS = 3.0
# Places are transformed exactly so many times a side, and interpolated between: to a millimetre.
_LATTICE = 33


@dataclass(frozen=True, eq=False)
class Terrain:
    """Elevation models, the first before the next; safe to use from several threads.

    Attributes:
        rasters: The models.
        reference: What their heights are above.
        vertical: What the first file calls that; empty where it states nothing.
        is_surface: Whether roofs and trees are in it.
        notes: What a user should know of the files, one line each.
        is_lowered: Whether altitudes are above the geoid also where heights of a file are above
            the ellipsoid.
    """

    rasters: tuple[ElevationRaster, ...]
    reference: HeightReference
    vertical: str
    is_surface: bool
    notes: tuple[str, ...]
    is_lowered: bool = False

    def above_sea(self) -> Terrain:
        """The same with altitudes above the sea: what is above the ellipsoid is lowered by EGM96.

        Raises:
            DependencyError: It is, and the grid of EGM96 is not installed.
        """
        if self.reference != "ellipsoid":
            return self
        geoid_heights_m(0.0, 0.0)
        return replace(self, reference="egm96", vertical="EGM96 height", is_lowered=True)

    def reaches(self, lonlat: Float64Array) -> Mask:
        """Whether degrees (N, 2) lie on any file, whose heights may be unknown there."""
        on_one = np.zeros(len(lonlat), np.bool_)
        for raster in self.rasters:
            on_one |= raster.reaches(lonlat)
        return on_one

    def before(self, other: Terrain) -> Terrain:
        """This terrain, and the other where this one knows nothing.

        Raises:
            CrsError: The heights of one are above the ellipsoid, those of the other above the sea.
        """
        _check_reference(self.rasters[0], other.rasters[0], self.reference, other.reference)
        return Terrain(
            self.rasters + other.rasters,
            self.reference,
            self.vertical,
            self.is_surface or other.is_surface,
            self.notes + other.notes,
            self.is_lowered or other.is_lowered,
        )

    def altitudes_m(self, lonlat: Float64Array, *, cell_m: float = _FINEST_M) -> Float64Array:
        """Altitudes (N,) at degrees (N, 2), metres; NaN where no file knows one.

        Args:
            lonlat: Places, near each other: what lies between them is read too.
            cell_m: Details finer than this are averaged over.

        Raises:
            RasterError: A file is damaged there, or cannot be reached.
        """
        lonlat = np.asarray(lonlat, np.float64).reshape(-1, 2)
        altitudes = np.full(len(lonlat), np.nan)
        for raster in self._near(lonlat):
            unknown = np.isnan(altitudes)
            if unknown.any():
                xy = raster.coordinates(lonlat[unknown])
                altitudes[unknown] = raster.sample(xy, cell_m)
                if self._lowers(raster):
                    altitudes[unknown] -= geoid_heights_m(*lonlat[unknown].T)
        return altitudes

    def _near(self, lonlat: Float64Array) -> list[ElevationRaster]:
        """The rasters that may show any of degrees (N, 2) near each other: of thousands, a few."""
        known = lonlat[np.isfinite(lonlat).all(1)]
        if not len(known):
            return []
        middle = known[len(known) // 2]
        reach_m = float(distances_m(middle[0], middle[1], *known.T).max())
        lon, lat, radius_m = self._discs
        away_m = distances_m(middle[0], middle[1], lon, lat)
        return [self.rasters[i] for i in np.flatnonzero(away_m <= radius_m + 1.01 * reach_m)]

    @cached_property
    def _discs(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Longitudes, latitudes and radii in metres (N,) of where the rasters lie."""
        discs = [raster.disc for raster in self.rasters]
        return (
            np.array([disc.middle.lon for disc in discs]),
            np.array([disc.middle.lat for disc in discs]),
            np.array([disc.radius_m for disc in discs]),
        )

    def _lowers(self, raster: ElevationRaster) -> bool:
        return self.is_lowered and raster.datum.reference == "ellipsoid"

    def ground(
        self,
        frame: LocalFrame,
        half_side_m: float,
        base_m: float | None = None,
        *,
        cell_m: float | None = None,
    ) -> TerrainGround | None:
        """The ground of a square around a frame's origin; None where nothing of it is known.

        Small gaps are filled; in large ones, and off the square, its heights are NaN.

        Args:
            frame: The frame of the ground.
            half_side_m: Half of the square's side: how far rays may go.
            base_m: Altitude of z = 0; None takes that of the ground at the origin, or the median
                of the square where that is a gap.
            cell_m: Distance of its nodes; None: as fine as the files are and the square allows,
                a 400th of `half_side_m` or 0.5 m at the least.

        Raises:
            RasterError: A file is damaged there, or cannot be reached.
        """
        cell = cell_m or self._cell_m(frame, half_side_m)
        count = max(1, math.ceil(half_side_m / cell))
        nodes_m = cell * np.arange(-count, count + 1, dtype=np.float64)
        grid = self.on_grid(nodes_m, nodes_m[::-1], frame.to_lonlat, cell_m=cell)
        known = grid[np.isfinite(grid)]
        if not len(known):
            return None
        grid = fill_small_gaps(grid, max(_FILLED_M / cell, _FILLED_CELLS))
        if base_m is None:
            middle = float(grid[count, count])
            base_m = middle if math.isfinite(middle) else float(np.median(known))
        return TerrainGround(grid - base_m, -count * cell, count * cell, cell, base_m)

    def _cell_m(self, frame: LocalFrame, half_side_m: float) -> float:
        """Nodes as near as the files are fine, and no more than needed."""
        square = frame.to_lonlat(half_side_m * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]))
        pixels_m = [raster.pixel_m(frame.origin) for raster in self._near(square)]
        finest = min((each for each in pixels_m if math.isfinite(each)), default=_FINEST_M)
        finest = finest if finest <= _FINEST_M else max(_FINEST_M, finest / _NODES_A_PIXEL)
        return min(max(_FINEST_M, finest, half_side_m / _CELLS_A_HALF_SIDE), half_side_m)

    def on_grid(
        self,
        xs: Float64Array,
        ys: Float64Array,
        to_lonlat: Callable[[Float64Array], Float64Array],
        *,
        cell_m: float,
    ) -> Float64Array:
        """Altitudes (R, C) of a grid of any coordinates; NaN where no file knows one.

        Args:
            xs: (C,) evenly spaced, ascending.
            ys: (R,) evenly spaced, in either order.
            to_lonlat: Makes degrees (N, 2) of such coordinates (N, 2).
            cell_m: Details finer than this are averaged over.

        Raises:
            RasterError: A file is damaged there, or cannot be reached.
        """
        sparse_x, sparse_y = _thinned(xs), _thinned(ys)
        places = np.stack(np.meshgrid(sparse_x, sparse_y), -1).reshape(-1, 2)
        lonlat, shape = to_lonlat(places), (len(sparse_y), len(sparse_x), -1)
        altitudes = np.full(len(xs) * len(ys), np.nan)
        for raster in self._near(lonlat):
            unknown = np.flatnonzero(np.isnan(altitudes))
            if len(unknown):
                dense = _spread(raster.coordinates(lonlat).reshape(shape), len(ys), len(xs))
                altitudes[unknown] = raster.sample(dense.reshape(-1, 2)[unknown], cell_m)
                if self._lowers(raster):
                    sea = geoid_heights_m(*lonlat.T).reshape(shape)
                    altitudes[unknown] -= _spread(sea, len(ys), len(xs)).ravel()[unknown]
        return altitudes.reshape(len(ys), len(xs))


def open_terrain(
    paths: str | Path | Sequence[str | Path],
    *,
    surface: bool = False,
    above: tuple[HeightReference, str] | None = None,
) -> Terrain:
    """Open elevation models: any raster that GDAL reads, of any CRS, in metres or feet.

    Args:
        paths: Files or addresses; the first that knows a place wins.
        surface: Whether roofs and trees are in them.
        above: What their heights are above, and its name; None is as they say.

    Raises:
        RasterError: One cannot be opened, shows a picture, or has no place on the ground.
        CrsError: One has no CRS, or an unknown unit; or their heights are above different things.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    rasters = tuple(_above(open_elevation(str(path)), above) for path in given)
    if not rasters:
        raise ValueError("expected one file at least")
    first = rasters[0]
    for other in rasters[1:]:
        _check_reference(first, other, first.datum.reference, other.datum.reference)
    datum = first.datum
    return Terrain(rasters, datum.reference, datum.name, surface, tuple(_notes(rasters)))


def _above(raster: ElevationRaster, above: tuple[HeightReference, str] | None) -> ElevationRaster:
    if above is None:
        return raster
    return replace(raster, datum=raster.datum._replace(reference=above[0], name=above[1]))


def _check_reference(one: ElevationRaster, other: ElevationRaster, *above: HeightReference) -> None:
    """Refuse to mix; what is above some geoid goes with what is above another.

    Raises:
        CrsError: Some heights are above the ellipsoid, others above the sea.
    """
    names = ["ellipsoid" if each == "ellipsoid" else "sea" for each in above]
    if names[0] == names[1]:
        return
    raise CrsError(
        f"heights of {one.name} are above the {names[0]}, those of {other.name} above the "
        f"{names[1]}; expected all above the same: give one of them, or convert the other with "
        "gdalwarp and -s_srs, -t_srs that state both",
        path=other.name,
    )


def _notes(rasters: Sequence[ElevationRaster]) -> list[str]:
    """Lines on units that had to be assumed, where that may be wrong."""
    return [
        f"{raster.name} is in feet on the ground and does not say in which unit its heights are; "
        "they are taken for metres (gdal_edit.py -units ft states feet)"
        for raster in rasters
        if not raster.datum.is_unit_stated
        and not raster.datum.horizontal.is_geographic
        and not math.isclose(raster.datum.horizontal.axis_info[0].unit_conversion_factor, 1.0)
    ]


def _thinned(values: Float64Array) -> Float64Array:
    """Some of evenly spaced values, the first and the last among them."""
    return np.linspace(values[0], values[-1], min(_LATTICE, len(values)))


def _spread(sparse: Float64Array, rows: int, cols: int) -> Float64Array:
    """Values (M, N, K) of a sparse lattice on one of more nodes (rows, cols, K), linearly."""
    return _spread_rows(_spread_rows(sparse, rows).transpose(1, 0, 2), cols).transpose(1, 0, 2)


def _spread_rows(values: Float64Array, count: int) -> Float64Array:
    """Values (M, N, K) on `count` rows (count, N, K), linearly."""
    if len(values) == count:
        return values
    at = np.linspace(0, len(values) - 1, count)
    upper = np.minimum(at.astype(np.int64), len(values) - 2)
    share = (at - upper)[:, None, None]
    return np.asarray(values[upper] * (1 - share) + values[upper + 1] * share, np.float64)
