"""A synthetic world: a seeded town, its maps and photos, with truth to the decimetre.

The demo, tests, training and benchmarks are fed from here:

    world = World(size_m=400, seed=1)
    world.render_map("summer", gsd_m=0.3).pixels
    pose = Pose(yaw_deg=30, pitch_deg=-90, roll_deg=0, height_m=100)
    world.take_photo(drone_camera(), pose, at=WorldPoint(200, 200), when="winter")
    world.take_panorama(WorldPoint(200, 200), when="winter")

    write_map(world, "region.tif")
    shots = plan_flight(world, 20)
    write_photos(world, shots, "photos")
    write_truth(world, shots, "truth.csv")

With ``World(..., slope=0.25)`` the ground has hills, a valley and terraces of that mean slope,
which photos see in true parallax; ``write_dem(world, "dem.tif")`` writes their altitudes, and
``truth_of(world, shot)`` states camera, scene and footprint over them. A camera of another lens is
``drone_camera(focal_35mm=35)``; ``replace(shot.metadata, focal_35mm=None)`` keeps that to itself.
"""

from geoloc.synthetic.world.elevation_file import write_dem, write_dsm
from geoloc.synthetic.world.files import write_map, write_photo, write_photos, write_truth
from geoloc.synthetic.world.flight import DroneMetadata, Shot, drone_camera, plan_flight
from geoloc.synthetic.world.moment import Moment, typical_moment
from geoloc.synthetic.world.noise import Window
from geoloc.synthetic.world.palette import SEASONS, Season
from geoloc.synthetic.world.panorama import RingFrame
from geoloc.synthetic.world.sensor import MAP_SENSOR, Sensor, random_sensor
from geoloc.synthetic.world.survey import Survey
from geoloc.synthetic.world.truth import PhotoTruth, truth_of
from geoloc.synthetic.world.walk import plan_walk
from geoloc.synthetic.world.world import Corner, MapPicture, World, WorldPoint

__all__ = [
    "MAP_SENSOR",
    "SEASONS",
    "Corner",
    "DroneMetadata",
    "MapPicture",
    "Moment",
    "PhotoTruth",
    "RingFrame",
    "Season",
    "Sensor",
    "Shot",
    "Survey",
    "Window",
    "World",
    "WorldPoint",
    "drone_camera",
    "plan_flight",
    "plan_walk",
    "random_sensor",
    "truth_of",
    "typical_moment",
    "write_dem",
    "write_dsm",
    "write_map",
    "write_photo",
    "write_photos",
    "write_truth",
]
