"""The photos of one place: panoramas, drone photos, street photos, and their truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from geoloc.geometry.camera import Camera, Pose
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
_DRONE_HEIGHT_M = (45.0, 100.0)
_TILTED_DEG = (-70.0, -45.0)


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

    def season(self, place: int, photo: int) -> Season:
        """When a photo is taken: the seasons take turns."""
        return self.town.photo_seasons[(place + photo) % len(self.town.photo_seasons)]

    def take_photo(self, place: int, photo: int, path: Path, *, is_there: bool) -> list[str]:
        """Take a photo of a place and write it, unless it is there; its row of the truth."""
        kind = 30 if self.options.kind == "panorama" else 31
        rng = np.random.default_rng([self.town.world.seed, kind, place, photo])
        take = self._panorama if self.options.kind == "panorama" else self._drone
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
        focal_35mm = int(rng.integers(*_STREET_FOCAL_35MM))
        width_px, height_px = _STREET_SIZE_PX
        camera = Camera(width_px, height_px, street_focal_px(focal_35mm, width_px, height_px))
        pose = Pose(float(rng.uniform(0, 360)), float(rng.normal(0, 2)), float(rng.normal(0, 1)), 0)
        if is_there:
            return self._ground_truth(path.name, at, pose.yaw_deg, pose.pitch_deg)
        sphere = world.take_panorama(
            at,
            ring=_STREET_RING,
            when=self.survey(self.season(place, 0)),
            sensor=random_sensor(rng),
            noise_seed=place,
        )
        frame = Panorama.whole(_STREET_RING.width_px, _STREET_RING.height_px)
        pixels = panorama_to_perspective(sphere, frame, camera=camera, pose=pose)
        write_street_photo(pixels, focal_35mm, world.lonlat(at), path)
        return self._ground_truth(path.name, at, pose.yaw_deg, pose.pitch_deg)

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
