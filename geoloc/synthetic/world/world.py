"""The synthetic world: a town of a seed, at a place on the Earth, at any date and season."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from affine import Affine
from pyproj import CRS

from geoloc.arrays import ByteArray, Float32Array, Float64Array
from geoloc.geometry.camera import Camera, Pose, rotation, scene_point
from geoloc.geometry.crs import LocalFrame, LonLat, as_crs, to_lonlat, transformer
from geoloc.geometry.ground import FLAT_GROUND, Ground
from geoloc.geometry.terrain import TerrainGround
from geoloc.synthetic.world.moment import Moment, as_moment
from geoloc.synthetic.world.noise import Window
from geoloc.synthetic.world.palette import Season
from geoloc.synthetic.world.panorama import MAX_DISTANCE_M, Eye, RingFrame, look_around
from geoloc.synthetic.world.photo import Station, render_photo
from geoloc.synthetic.world.relief import BASE_ALTITUDE_M, Relief
from geoloc.synthetic.world.render import render_window
from geoloc.synthetic.world.sensor import MAP_SENSOR, Sensor, expose
from geoloc.synthetic.world.shape import ShapeTable
from geoloc.synthetic.world.survey import Survey, survey_window
from geoloc.synthetic.world.town import MARGIN_M, build_town


class WorldPoint(NamedTuple):
    """A place in metres of the world's CRS, from the map's south-west corner."""

    x_m: float
    y_m: float


class Corner(NamedTuple):
    """The map's south-west corner in the world's CRS."""

    x: float
    y: float


SURVEY_GSD_M = 0.25
_REACH_M = 3000.0  # how far the middle of a photo is followed over hills
EYE_M = 2.3  # a camera on the roof of a car, as most panoramas are taken

# Off the zone's middle, so that grid north and true north differ as they do in life.
DEFAULT_CORNER = Corner(562_000.0, 5_561_000.0)


@dataclass(frozen=True)
class MapPicture:
    """A picture from straight above with its place.

    Attributes:
        pixels: (height, width, 3) uint8, north-up.
        transform: Pixel corners to `crs`.
        crs: The world's CRS.
    """

    pixels: ByteArray
    transform: Affine
    crs: CRS


class World:
    """A town, square, with a little more of it around, on flat ground or hills; same for a seed.

    Truth is exact to a few centimetres: maps lie on the grid of `crs`, photos see true metres and
    true north, and the turn and scale between the two are taken into account.
    """

    def __init__(
        self,
        *,
        size_m: float = 1000.0,
        seed: int = 0,
        corner: Corner = DEFAULT_CORNER,
        crs: object = "EPSG:32633",
        slope: float = 0.0,
    ) -> None:
        """Make the world.

        Args:
            size_m: Side of the mapped square.
            seed: Decides everything that is there.
            corner: Its south-west corner in `crs`.
            crs: A CRS in metres.
            slope: Root mean square of the ground's slope, 0.25 for 25 %; 0 is flat ground. Maps
                are orthophotos and stay as they are, photos from the air see the relief, those
                from the ground do not.
        """
        self.size_m = float(size_m)
        self.seed = int(seed)
        self.corner = corner
        self.crs = as_crs(crs)
        self.relief = Relief(slope, self.size_m, self.seed) if slope > 0 else None
        self._table = lru_cache(maxsize=4)(self._build_table)

    def _build_table(self, date: int) -> ShapeTable:
        return build_town(self.size_m, self.seed, date)

    def prepare(self, when: Moment | Season) -> None:
        """Build the town of a moment's date, which its pictures then share."""
        self._table(as_moment(when).date)

    def render_map(
        self,
        when: Moment | Season = "summer",
        *,
        gsd_m: float = 0.3,
        window: Window | None = None,
        sensor: Sensor = MAP_SENSOR,
    ) -> MapPicture:
        """The map of a moment.

        Args:
            when: A moment, or a season for its usual day.
            gsd_m: Side of a pixel; ignored when a window is given.
            window: The part to render, in metres from the south-west corner; None for all.
            sensor: What took it.
        """
        moment = as_moment(when)
        if window is None:
            side_px = round(self.size_m / gsd_m)
            window = Window(0.0, self.size_m, self.size_m / side_px, side_px, side_px)
        table = self._table(moment.date)
        picture, _, _ = render_window(table, window, moment, seed=self.seed)
        rng = np.random.default_rng([self.seed, 10, moment.date])
        step = window.gsd_m
        left, top = self.corner.x + window.left_m, self.corner.y + window.top_m
        transform = Affine(step, 0, left, 0, -step, top)
        return MapPicture(expose(picture, sensor, rng), transform, self.crs)

    def take_photo(
        self,
        camera: Camera,
        pose: Pose,
        *,
        at: WorldPoint,
        when: Moment | Season = "autumn",
        sensor: Sensor | None = None,
        noise_seed: int = 0,
    ) -> ByteArray:
        """A photo (height, width, 3) as `camera` takes it.

        Args:
            camera: The pinhole.
            pose: Its angles (yaw from true north) and height above the ground below it.
            at: The ground below it.
            when: A moment, or a season for its usual day.
            sensor: How it spoils the picture; None for a good one.
            noise_seed: Another one gives other noise.
        """
        moment = as_moment(when)
        station = Station(camera, pose, np.array(at, np.float64), self._to_world(at))
        table = self._table(moment.date)
        picture = render_photo(table, station, moment, seed=self.seed, relief=self.relief)
        rng = np.random.default_rng([self.seed, 11, noise_seed])
        return expose(picture, sensor or Sensor(), rng)

    def survey(
        self, when: Moment | Season, *, window: Window | None = None, gsd_m: float = SURVEY_GSD_M
    ) -> Survey:
        """The town, or a window of it, rendered once for many photos from near the ground.

        Args:
            when: A moment, or a season for its usual day.
            window: The part to render, in metres from the south-west corner; None for all.
            gsd_m: Side of a pixel; ignored when a window is given.
        """
        moment = as_moment(when)
        if window is None:
            side_px = math.ceil((self.size_m + 2 * MARGIN_M) / gsd_m)
            window = Window(-MARGIN_M, self.size_m + MARGIN_M, gsd_m, side_px, side_px)
        return survey_window(self._table(moment.date), window, moment, seed=self.seed)

    def take_panorama(
        self,
        at: WorldPoint,
        *,
        ring: RingFrame | None = None,
        height_m: float = EYE_M,
        when: Survey | Moment | Season = "autumn",
        sensor: Sensor | None = None,
        noise_seed: int = 0,
    ) -> ByteArray:
        """A panorama (height, width, 3) from the ground, its middle at the ring's heading.

        Args:
            at: Where the camera stands.
            ring: Size, span and heading; None for the whole sphere of 1024 by 512, north in the
                middle.
            height_m: Of the camera above the ground.
            when: A moment, a season for its usual day, or a survey, which serves many panoramas.
            sensor: How it spoils the picture; None for a good one.
            noise_seed: Another one gives other noise.
        """
        survey = when if isinstance(when, Survey) else self._survey_around(at, as_moment(when))
        eye = Eye(np.array(at, np.float64), height_m, self._to_world(at))
        picture = look_around(survey, eye, ring or RingFrame())
        rng = np.random.default_rng([self.seed, 12, noise_seed])
        # Panoramas are stitched from many photos: no corners are dark.
        return expose(picture, replace(sensor or Sensor(), vignette=0.0), rng)

    def _survey_around(self, at: WorldPoint, moment: Moment) -> Survey:
        """All that a camera on the ground can see."""
        side_px = math.ceil(2 * MAX_DISTANCE_M / SURVEY_GSD_M)
        window = Window(
            at.x_m - MAX_DISTANCE_M, at.y_m + MAX_DISTANCE_M, SURVEY_GSD_M, side_px, side_px
        )
        return self.survey(moment, window=window)

    def scene_of(self, camera: Camera, pose: Pose, at: WorldPoint) -> WorldPoint | None:
        """The ground point in the middle of a photo; None when that is sky."""
        middle = self._scene_on_land(pose, at) if self.relief else scene_point(camera, pose)
        if middle is None:
            return None
        x_m, y_m = np.array(at) + self._to_world(at) @ np.array(middle)
        return WorldPoint(float(x_m), float(y_m))

    def _scene_on_land(self, pose: Pose, at: WorldPoint) -> Float64Array | None:
        """Metres (2,) east and north of the camera to where its axis meets the ground."""
        assert self.relief is not None
        axis = rotation(pose)[:, 2]
        origin = np.array([*at, self.relief.height_m(*at) + pose.height_m])
        way = np.append(self._to_world(at) @ axis[:2], axis[2])
        steps = self.relief.meet(origin, way, _REACH_M)
        return None if steps is None else steps * axis[:2]

    def altitude_m(self, at: WorldPoint) -> float:
        """Altitude above the sea of the ground at a place."""
        return BASE_ALTITUDE_M + (self.relief.height_m(*at) if self.relief else 0.0)

    def ground_altitudes_m(self, window: Window) -> Float32Array:
        """Altitudes (height, width) above the sea of the bare ground in a window."""
        if self.relief is None:
            return np.full((window.height_px, window.width_px), BASE_ALTITUDE_M, np.float32)
        x, y = window.xs_m().astype(np.float64), window.ys_m().astype(np.float64)
        heights = self.relief.heights_m(x[None], y[:, None])
        return np.asarray(BASE_ALTITUDE_M + heights, np.float32)

    def ground_around(
        self, at: WorldPoint, half_side_m: float = 600.0, *, cell_m: float = 2.0
    ) -> Ground:
        """The true ground over a frame of true metres whose origin is the ground at a place.

        Its z = 0 is the ground there, as for the camera of a photo that is taken above it.
        """
        if self.relief is None:
            return FLAT_GROUND
        count = math.ceil(half_side_m / cell_m)
        nodes_m = cell_m * np.arange(-count, count + 1, dtype=np.float64)
        east, north = np.meshgrid(nodes_m, nodes_m[::-1])
        turn = self._to_world(at)
        x = at.x_m + turn[0, 0] * east + turn[0, 1] * north
        y = at.y_m + turn[1, 0] * east + turn[1, 1] * north
        heights = self.relief.heights_m(x, y) - self.relief.height_m(*at)
        return TerrainGround(heights, nodes_m[0], nodes_m[-1], cell_m, self.altitude_m(at))

    def lonlat(self, point: WorldPoint) -> LonLat:
        """Degrees, WGS84, of a place in the world."""
        x, y = self.corner.x + point.x_m, self.corner.y + point.y_m
        lon, lat = to_lonlat(self.crs, [x], [y])[0]
        return LonLat(float(lon), float(lat))

    def point_at(self, position: LonLat) -> WorldPoint:
        """The place in the world of a position in degrees, WGS84."""
        x, y = transformer("EPSG:4326", self.crs).transform(position.lon, position.lat)
        return WorldPoint(float(x) - self.corner.x, float(y) - self.corner.y)

    def _to_world(self, at: WorldPoint) -> Float64Array:
        """True metres east and north to world metres (2, 2): grid scale and convergence."""
        reach_m = 100.0
        frame = LocalFrame(self.lonlat(at))
        way = transformer(frame.crs, self.crs)
        xs, ys = way.transform([-reach_m, reach_m, 0.0, 0.0], [0.0, 0.0, -reach_m, reach_m])
        x, y = np.array(xs), np.array(ys)
        return np.array([[x[1] - x[0], x[3] - x[2]], [y[1] - y[0], y[3] - y[2]]]) / (2 * reach_m)
