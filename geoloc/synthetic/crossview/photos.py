"""The photos of one place: panoramas, drone photos, street photos, and their truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from geoloc.arrays import ByteArray
from geoloc.geometry.camera import Camera, Pose
from geoloc.geometry.crs import LonLat
from geoloc.geometry.panorama import Panorama, panorama_to_perspective
from geoloc.synthetic.crossview.towns import Town
from geoloc.synthetic.options import CrossViewOptions
from geoloc.synthetic.world.files import (
    street_focal_px,
    truth_row,
    write_panorama,
    write_photo,
    write_street_photo,
)
from geoloc.synthetic.world.flight import Shot, aim, drone_camera
from geoloc.synthetic.world.moment import typical_moment
from geoloc.synthetic.world.palette import Season
from geoloc.synthetic.world.panorama import RingFrame
from geoloc.synthetic.world.sensor import random_sensor
from geoloc.synthetic.world.survey import Survey
from geoloc.synthetic.world.world import EYE_M, WorldPoint

_STREET_SIZE_PX = (640, 480)
_STREET_FOCAL_35MM = (15, 31)  # 98 to 60 degrees across
_STREET_RING = RingFrame(1024, 2048)
# Of data sets of street photos: what phones and dashboards have.
_SET_FOCAL_35MM = (18, 25)  # 88 to 72 degrees across
_SET_SPAN_DEG = 60  # of the ring that their photos are cut from, up and down
_DRONE_HEIGHT_M = (45.0, 100.0)
_TILTED_DEG = (-70.0, -45.0)


@dataclass(frozen=True)
class _Lens:
    """The camera of a street photo and how it is held."""

    camera: Camera
    pose: Pose
    focal_35mm: int

    @classmethod
    def draw(
        cls, rng: np.random.Generator, size_px: tuple[int, int], focal_35mm: tuple[int, int]
    ) -> _Lens:
        """A lens of those focal lengths, held about level, at any heading."""
        focal = int(rng.integers(*focal_35mm))
        camera = Camera(*size_px, street_focal_px(focal, *size_px))
        heading_deg, pitch_deg, roll_deg = rng.uniform(0, 360), rng.normal(0, 2), rng.normal(0, 1)
        return cls(camera, Pose(float(heading_deg), float(pitch_deg), float(roll_deg), 0), focal)

    def cut(self, pixels: ByteArray, ring: RingFrame, position: LonLat, path: Path) -> None:
        """Write the part of a ring, north in its middle, that the photo sees."""
        full_px = round(ring.height_px * 180 / (ring.top_deg - ring.bottom_deg))
        top_px = round((90 - ring.top_deg) / 180 * full_px)
        frame = Panorama(ring.width_px, full_px, top_px=top_px)
        photo = panorama_to_perspective(pixels, frame, camera=self.camera, pose=self.pose)
        write_street_photo(photo, self.focal_35mm, position, path)


@dataclass(frozen=True)
class Photographer:
    """Takes the photos of one town at one place after the other.

    Attributes:
        options: Kind of photos, number, size.
        town: Town that is photographed.
        survey: Gives the rendering of the town in a season; drone photos need none.
    """

    options: CrossViewOptions
    town: Town
    survey: Callable[[Season], Survey]
    # The surroundings of the last place: street photos of one place are cut from one rendering.
    _seen: dict[int, ByteArray] = field(default_factory=dict, init=False)

    def season(self, place: int, photo: int) -> Season:
        """When a photo is taken: the seasons take turns."""
        return self.town.photo_seasons[(place + photo) % len(self.town.photo_seasons)]

    def take_photo(self, place: int, photo: int, path: Path, *, is_there: bool) -> list[str]:
        """Take a photo of a place and write it, unless it is there; its row of the truth."""
        kind, take = {
            "panorama": (30, self._panorama),
            "drone": (31, self._drone),
            "street": (34, self._street),
        }[self.options.kind]
        rng = np.random.default_rng([self.town.world.seed, kind, place, photo])
        return take(place, photo, path, rng, is_there=is_there)

    def _panorama(
        self, place: int, photo: int, path: Path, rng: np.random.Generator, *, is_there: bool
    ) -> list[str]:
        world, at = self.town.world, self.town.places[place]
        heading_deg = float(rng.uniform(0, 360)) if self.options.any_heading else 0.0
        if is_there:
            return self._ground_truth(path.name, at, heading_deg, 0.0)
        ring = _ring_frame(self.options, heading_deg)
        pixels = world.take_panorama(
            at,
            ring=ring,
            when=self.survey(self.season(place, photo)),
            sensor=random_sensor(rng),
            noise_seed=place * 100 + photo,
        )
        write_panorama(pixels, ring, world.lonlat(at), path)
        return self._ground_truth(path.name, at, heading_deg, 0.0)

    def _drone(
        self, place: int, photo: int, path: Path, rng: np.random.Generator, *, is_there: bool
    ) -> list[str]:
        is_tilted = photo % 2 == 1
        pose = Pose(
            yaw_deg=float(rng.uniform(0, 360)),
            pitch_deg=float(rng.uniform(*_TILTED_DEG) if is_tilted else -90 + rng.normal(0, 1.5)),
            roll_deg=float(rng.normal(0, 0.7)),
            height_m=float(rng.uniform(*_DRONE_HEIGHT_M)),
        )
        shot = replace(self._aim(place, photo, pose, rng), name=path.name)
        if not is_there:
            write_photo(self.town.world, shot, path, noise_seed=place)
        return truth_row(self.town.world, shot)

    def _aim(self, place: int, photo: int, pose: Pose, rng: np.random.Generator) -> Shot:
        moment = typical_moment(self.season(place, photo))
        number = place * self.options.photos_per_place + photo
        camera = drone_camera(self.options.photo_width_px)
        scene = self.town.places[place]
        world = self.town.world
        return aim(world, scene, pose, camera=camera, number=number, moment=moment, rng=rng)

    def take_street_photo(self, place: int, path: Path, *, is_there: bool) -> list[str]:
        """Take a photo that sees a part of the horizon and does not record its heading.

        It is written unless it is there; its row of the truth is returned.
        """
        world, at = self.town.world, self.town.places[place]
        rng = np.random.default_rng([world.seed, 32, place])
        lens = _Lens.draw(rng, _STREET_SIZE_PX, _STREET_FOCAL_35MM)
        if not is_there:
            sphere = world.take_panorama(
                at,
                ring=_STREET_RING,
                when=self.survey(self.season(place, 0)),
                sensor=random_sensor(rng),
                noise_seed=place,
            )
            lens.cut(sphere, _STREET_RING, world.lonlat(at), path)
        return self._ground_truth(path.name, at, lens.pose.yaw_deg, lens.pose.pitch_deg)

    def _street(
        self, place: int, photo: int, path: Path, rng: np.random.Generator, *, is_there: bool
    ) -> list[str]:
        """One of the street photos of a place; all are of one moment."""
        at, width_px = self.town.places[place], self.options.photo_width_px
        lens = _Lens.draw(rng, (width_px, width_px * 3 // 4), _SET_FOCAL_35MM)
        if not is_there:
            ring = RingFrame(2 * width_px, 6 * width_px, -_SET_SPAN_DEG, _SET_SPAN_DEG)
            lens.cut(self._surroundings(place, ring), ring, self.town.world.lonlat(at), path)
        return self._ground_truth(path.name, at, lens.pose.yaw_deg, lens.pose.pitch_deg)

    def _surroundings(self, place: int, ring: RingFrame) -> ByteArray:
        if place not in self._seen:
            self._seen.clear()
            self._seen[place] = self.town.world.take_panorama(
                self.town.places[place],
                ring=ring,
                when=self.survey(self.season(place, 0)),
                sensor=random_sensor(np.random.default_rng([self.town.world.seed, 35, place])),
                noise_seed=place,
            )
        return self._seen[place]

    def _ground_truth(
        self, name: str, at: WorldPoint, yaw_deg: float, pitch_deg: float
    ) -> list[str]:
        place = self.town.world.lonlat(at)
        angles = (f"{EYE_M:.2f}", f"{yaw_deg:.2f}", f"{pitch_deg:.2f}")
        return [name, f"{place.lon:.8f}", f"{place.lat:.8f}", *angles, "", ""]


def _ring_frame(options: CrossViewOptions, heading_deg: float) -> RingFrame:
    """The grid of a panorama, with as many pixels a degree up as around."""
    bottom_deg, top_deg = options.span_deg
    height_px = max(round((top_deg - bottom_deg) / 360 * options.photo_width_px), 1)
    return RingFrame(height_px, options.photo_width_px, bottom_deg, top_deg, heading_deg)
