"""Plan of local features: tiles to read, connected regions, and which tile owns which ground."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geoloc.arrays import AnyArray, Float64Array, Int64Array, Mask
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.geometry.longitude import in_range, near, side_by_side
from geoloc.index.features.features_manifest import Region
from geoloc.tiles.tile_set import TileSet
from geoloc.tiles.tile_table import TileTable

# A margin of pixels around the ground that a tile owns: SIFT sees no keypoint near an edge.
_MARGIN_PX = 40


@dataclass(frozen=True)
class Plan:
    """Which tiles are read, the region of each, and who owns which ground.

    Attributes:
        tiles: (M,) rows of the tiles to read, ascending.
        gsd_m: Metres a pixel of the finest tile, read or known.
        regions: Connected pieces of the map.
        outlines: Outline of each region, degrees.
        region_of: Number of its region, by tile.
        centres_m: Centre in its region's frame, by tile of a raster of which any is read.
        trees: Centres of the tiles of each such raster, and their rows, by its number.
        known_ground: By number of the raster and region, the ground of tiles whose features are
            known, in the region's frame.
    """

    tiles: Int64Array
    gsd_m: float
    regions: tuple[Region, ...]
    outlines: tuple[shapely.Geometry, ...]
    region_of: NDArray[np.int16]
    centres_m: Float64Array
    trees: dict[int, tuple[cKDTree, Int64Array]]
    known_ground: dict[tuple[int, int], shapely.Geometry]

    @classmethod
    def of(cls, tiles: TileSet, *, known: int = 0) -> Plan:
        """The plan of a map.

        Args:
            tiles: Tiles of the map; only the finest of each raster are read.
            known: Number of tiles, the first ones, whose features are known.
        """
        table = tiles.rows
        # Known tiles stay, even if finer ones of their raster have come.
        chosen = np.union1d(table.finest_rows(), table.finest_rows(known))
        regions, outlines, region_of = _regions(table, chosen)
        old, new = chosen[chosen < known], chosen[chosen >= known]
        beside = chosen[np.isin(table.raster[chosen], np.unique(table.raster[new]))]
        centres = np.zeros((len(table), 2))
        for number, region in enumerate(regions):
            mine = beside[region_of[beside] == number]
            centres[mine] = region.frame.from_lonlat(table.lon[mine], table.lat[mine])
        trees = {}
        for raster in np.unique(table.raster[beside]).tolist():
            mine = beside[table.raster[beside] == raster]
            trees[raster] = (cKDTree(centres[mine]), mine)
        ground = _known_ground(table, old, new, regions, region_of)
        gsd_m = float(table.gsd_m[chosen].min())
        return cls(new, gsd_m, regions, outlines, region_of, centres, trees, ground)

    def owned(self, tiles: TileSet, tile: int, xy_m: Float64Array) -> Mask:
        """Which points (N, 2) of its region's frame are on the ground that a tile owns, (N,).

        That is what is nearer to its centre than to that of any other tile of its raster, without
        the ground of tiles whose features are known.
        """
        raster = int(tiles.rows.raster[tile])
        tree, owners = self.trees[raster]
        mine = owners[tree.query(xy_m)[1]] == tile if len(xy_m) else np.zeros(0, bool)
        known = self.known_ground.get((raster, int(self.region_of[tile])))
        if known is not None:
            mine &= ~shapely.contains_xy(known, xy_m[:, 0], xy_m[:, 1])
        return np.asarray(mine, bool)

    def region_at(self, position: LonLat) -> int:
        """Number of the region at a position on the map."""
        point = shapely.points(position.lon, position.lat)
        return int(np.argmin([shapely.distance(outline, point) for outline in self.outlines]))


def _known_ground(
    table: TileTable,
    old: Int64Array,
    new: Int64Array,
    regions: tuple[Region, ...],
    region_of: NDArray[np.int16],
) -> dict[tuple[int, int], shapely.Geometry]:
    """The ground of known tiles, where there are new ones of the same raster and region."""
    ground = {}
    pairs = np.unique(np.stack([table.raster[new], region_of[new]], axis=1), axis=0)
    for raster, number in pairs.tolist():
        mine = old[(table.raster[old] == raster) & (region_of[old] == number)]
        if len(mine):
            footprints = (some for _, some in table.outlines(mine))
            ground[raster, number] = _in_frame(_union(footprints), regions[number].frame)
            shapely.prepare(ground[raster, number])
    return ground


def _union(shapes: Iterable[AnyArray]) -> shapely.Geometry:
    """The union of shapes that come a part at a time, of which only the outlines are kept."""
    return shapely.union_all([shapely.union_all(some) for some in shapes])


def _in_frame(shape: shapely.Geometry, frame: LocalFrame) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: frame.from_lonlat(xy[:, 0], xy[:, 1]))


def _regions(
    table: TileTable, chosen: Int64Array
) -> tuple[tuple[Region, ...], tuple[shapely.Geometry, ...], NDArray[np.int16]]:
    """Connected groups of footprints, their outlines, and the number of the group of each tile."""
    reach = table.reach(chosen)

    def footprints() -> Iterator[tuple[Int64Array, AnyArray]]:
        for rows, some in table.outlines(chosen):
            # All are counted on from the west end of the map, which only all together tell.
            yield rows, side_by_side(np.concatenate([reach, some]))[len(reach) :]

    # A hair of a degree (about 10 m) joins sheets that share an edge but for rounding.
    ground = _union(shapely.buffer(some, 1e-4, cap_style="square") for _, some in footprints())
    pieces = [ground] if ground.geom_type == "Polygon" else list(ground.geoms)
    pieces.sort(key=lambda piece: (piece.bounds[0], piece.bounds[1]))
    tree, shapes = shapely.STRtree(pieces), np.array(pieces, object)
    shapely.prepare(shapes)  # else each place is compared with all of an outline
    piece_of = np.zeros(len(table), np.int16)
    for rows, some in footprints() if len(pieces) > 1 else ():
        middle = shapely.points(near(table.lon[rows], shapely.bounds(some)[:, 0]), table.lat[rows])
        where, piece = tree.query(middle)
        inside = shapely.intersects(shapes[piece], middle[where])
        piece_of[rows[where[inside]]] = piece[inside]
    regions = []
    for number, shape in enumerate(pieces):
        mine = chosen[piece_of[chosen] == number]
        names = tuple(sorted(table.rasters[raster] for raster in np.unique(table.raster[mine])))
        centre = shape.envelope.centroid
        origin = LonLat(float(in_range(round(centre.x, 6))), round(centre.y, 6))
        outline = _in_frame(shape, LocalFrame(origin))
        reach = np.hypot(*shapely.get_coordinates(outline).T).max()
        regions.append(Region(origin, names, round(outline.area, 1), round(float(reach), 1)))
    return tuple(regions), tuple(pieces), piece_of


def owned_window(tiles: TileSet, plan: Plan, tile: int) -> tuple[slice, slice]:
    """The part of the tile worth reading: towards each neighbour only half-way and a margin."""
    tree, owners = plan.trees[int(tiles.rows.raster[tile])]
    pixels = tiles.size_px
    half_m = float(tiles.rows.ground_size_m[tile]) / 2
    neighbours = owners[tree.query_ball_point(plan.centres_m[tile], 2.2 * half_m)]
    steps = plan.centres_m[neighbours] - plan.centres_m[tile]
    reach = {}
    for name, along, sign in (("e", 0, 1), ("w", 0, -1), ("n", 1, 1), ("s", 1, -1)):
        ahead = sign * steps[:, along]
        beside = np.abs(steps[:, 1 - along])
        straight = ahead[(ahead > 0.02 * half_m) & (beside < 0.2 * half_m)]
        reach[name] = min(half_m, straight.min() / 2 if len(straight) else half_m)
    px = pixels / (2 * half_m)
    middle = pixels / 2

    def limit(low: float, high: float) -> slice:
        return slice(
            max(0, int(middle - low * px) - _MARGIN_PX),
            min(pixels, int(np.ceil(middle + high * px)) + _MARGIN_PX),
        )

    return limit(reach["n"], reach["s"]), limit(reach["w"], reach["e"])
