"""From local metres to the columns of the output: true north, valid rings, honest statuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from pyproj import Geod

from geoloc.geometry.camera import Camera, Pose
from geoloc.geometry.crs import LocalFrame, LonLat, distance_m
from geoloc.locate.drone.posterior import posterior
from geoloc.locate.drone.verification import VerifiedPose
from geoloc.locate.estimate import Estimate, Heading
from geoloc.locate.result_row import Provenance, TileLookup, empty_row, moved_row, result_row
from geoloc.photos.metadata import PhotoMetadata
from geoloc.results.schema import PhotoResult, result_record
from tests.fixtures.search import georeferenced, place
from tests.fixtures.tile_tables import table_of

FRAME = LocalFrame(LonLat(13.4, 60.0))
CAMERA = Camera(640, 480, 500.0)
PHOTO = Path("photo.jpg")


def tile_lookup() -> TileLookup:
    """Two overlapping tiles about the frame's origin, 0.02 degrees wide."""
    boxes = [(13.39, 59.99, 13.41, 60.01), (13.40, 59.99, 13.42, 60.01)]
    table = geopandas.GeoDataFrame(
        {
            "tile_id": ["west", "east"],
            "location": ["west.tif", "east.tif"],
            "crs": ["EPSG:32633", "EPSG:3857"],
            "lon": [13.40, 13.41],
            "lat": [60.0, 60.0],
            "ground_size_m": [2200.0, 2200.0],
        },
        geometry=[shapely.box(*box) for box in boxes],
        crs="EPSG:4326",
    )
    return TileLookup(table_of(table))


def provenance(min_confidence: float = 0.8) -> Provenance:
    return Provenance("tiny", "abc123", "run1", tile_lookup(), min_confidence)


def row_of(
    *places: VerifiedPose, metadata: PhotoMetadata | None = None, min_confidence: float = 0.8
) -> PhotoResult:
    found = posterior(places)
    assert found is not None
    return result_row(
        PHOTO,
        metadata or PhotoMetadata(),
        kind="drone",
        estimate=georeferenced(found, CAMERA, FRAME),
        provenance=provenance(min_confidence),
    )


def sure(x_m: float = 0.0, y_m: float = 0.0, **changes: Any) -> VerifiedPose:
    return place(x_m, y_m, score=5000.0, camera=CAMERA, **changes)


@pytest.mark.parametrize("x_m", [-60_000.0, 0.0, 60_000.0])
def test_headings_are_from_true_north_at_the_place(x_m: float) -> None:
    row = row_of(sure(x_m, 20_000.0, pose=Pose(40.0, -90.0, 0.0, 100.0)))
    lon, lat = FRAME.to_lonlat([[x_m, 20_000.0]])[0]
    ahead_lon, ahead_lat = FRAME.to_lonlat([[x_m, 20_100.0]])[0]
    frame_north = Geod(ellps="WGS84").inv(lon, lat, ahead_lon, ahead_lat)[0]
    assert row.heading == pytest.approx((40 + frame_north) % 360, abs=0.02)
    assert row.direction == row.heading
    assert x_m == 0 or abs(frame_north) > 0.5, "the meridians converge here"


def test_headings_stay_below_360() -> None:
    row = row_of(sure(-60_000.0, 0.0, pose=Pose(359.9, -90.0, 0.0, 100.0)))
    other = row_of(sure(60_000.0, 0.0, pose=Pose(0.1, -90.0, 0.0, 100.0)))
    for one in (row, other):
        assert one.heading is not None
        assert 0 <= one.heading < 360


def test_the_position_is_the_camera_s_and_the_scene_lies_ahead() -> None:
    row = row_of(sure(300.0, -200.0, pose=Pose(90.0, -45.0, 0.0, 100.0)))
    lon, lat = FRAME.to_lonlat([[300.0, -200.0]])[0]
    assert row.position_kind == "camera"
    assert (row.longitude, row.latitude) == pytest.approx((lon, lat), abs=1e-9)
    assert row.scene_longitude is not None
    assert row.scene_latitude is not None
    scene = FRAME.from_lonlat(row.scene_longitude, row.scene_latitude)[0]
    assert scene == pytest.approx([400.0, -200.0], abs=0.01)


@pytest.mark.parametrize("pitch_deg", [-90.0, -60.0, -30.0])
@pytest.mark.parametrize("yaw_deg", [0.0, 135.0])
def test_the_footprint_is_a_valid_ring_around_the_scene(pitch_deg: float, yaw_deg: float) -> None:
    row = row_of(sure(10.0, 10.0, pose=Pose(yaw_deg, pitch_deg, 0.0, 80.0)))
    assert row.footprint is not None
    ring = shapely.from_wkt(row.footprint)
    assert ring.geom_type == "Polygon"
    assert ring.is_valid
    assert ring.exterior.is_ccw  # RFC 7946 section 3.1.6
    assert ring.contains(shapely.Point(row.scene_longitude, row.scene_latitude))


def test_a_footprint_across_the_antimeridian_has_a_part_on_each_side() -> None:
    found = posterior([sure(pose=Pose(30.0, -90.0, 0.0, 100.0))])
    assert found is not None
    estimate = georeferenced(found, CAMERA, LocalFrame(LonLat(-180.0, -16.8)))
    assert estimate.footprint is not None
    outline = shapely.from_wkt(estimate.footprint)
    assert outline.geom_type == "MultiPolygon"
    assert outline.is_valid
    west, east = sorted((part.bounds for part in outline.geoms), reverse=True)
    assert west[0] > 179.999
    assert (west[2], east[0]) == (180, -180)
    assert east[2] < -179.999


def test_true_north_is_found_on_the_antimeridian() -> None:
    found = posterior([sure(pose=Pose(30.0, -90.0, 0.0, 100.0))])
    assert found is not None
    for lon in (179.9999999, -180.0, -179.9999999):
        estimate = georeferenced(found, CAMERA, LocalFrame(LonLat(lon, -16.8)))
        assert estimate.heading is not None
        assert estimate.heading.deg == pytest.approx(30, abs=0.01)


@pytest.mark.parametrize(
    ("lon", "tile"), [(179.985, "west"), (-179.998, "across"), (-179.98, "east")]
)
def test_a_tile_is_found_on_both_sides_of_the_antimeridian(lon: float, tile: str) -> None:
    boxes = [(179.98, 179.999), (179.997, 180.01), (-179.991, -179.97)]
    table = geopandas.GeoDataFrame(
        {
            "tile_id": ["west", "across", "east"],
            "location": ["a.tif"] * 3,
            "crs": ["EPSG:32760"] * 3,
            "lon": [179.9895, -179.9965, -179.9805],
            "lat": [-16.8] * 3,
            "ground_size_m": [110_000.0] * 3,
        },
        geometry=[shapely.box(west, -17, east, -16) for west, east in boxes],
        crs="EPSG:4326",
    )
    assert TileLookup(table_of(table)).columns_at(lon, -16.8)["tile_id"] == tile


def test_a_nadir_footprint_has_the_photo_s_size_on_the_ground() -> None:
    row = row_of(sure(pose=Pose(0.0, -90.0, 0.0, 100.0)))
    west, south, east, north = shapely.from_wkt(row.footprint).bounds
    assert distance_m(LonLat(west, 60.0), LonLat(east, 60.0)) == pytest.approx(128, abs=0.5)
    assert distance_m(LonLat(13.4, south), LonLat(13.4, north)) == pytest.approx(96, abs=0.5)


def test_a_sure_answer_is_located() -> None:
    row = row_of(sure())
    assert (row.status, row.error) == ("located", None)
    assert row.confidence is not None
    assert row.confidence > 0.9
    assert row.conf_kind == "uncalibrated"
    assert (row.model, row.index_id, row.run_id) == ("tiny", "abc123", "run1")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("calibrated:photos", "located"),
        ("calibrated:map", "ambiguous"),
        ("calibrated:model", "ambiguous"),
        ("uncalibrated", "ambiguous"),
    ],
)
def test_what_a_promise_covers_is_calibrated_on_photos(kind: str, status: str) -> None:
    found = posterior([sure()])
    assert found is not None
    row = result_row(
        PHOTO,
        PhotoMetadata(),
        kind="drone",
        estimate=replace(georeferenced(found, CAMERA, FRAME), conf_kind=kind),
        provenance=replace(provenance(0.8), needs_calibration=True),
    )
    assert (row.status, row.conf_kind) == (status, kind)


def test_rivals_make_an_answer_ambiguous_and_the_error_says_why() -> None:
    row = row_of(sure(), sure(5000.0))
    assert row.status == "ambiguous"
    assert row.has_position
    assert row.error is not None
    assert "2 places" in row.error
    assert row.n_modes == 2


def test_the_caller_decides_what_is_sure_enough() -> None:
    rivals = (sure(), sure(5000.0))
    assert row_of(*rivals, min_confidence=0.3).status == "located"
    assert row_of(sure(), min_confidence=1.0).status == "ambiguous"


def test_an_answer_that_is_none_has_no_point_but_its_evidence() -> None:
    row = row_of(place(0, 0, score=3.0, camera=CAMERA))
    assert row.status == "rejected"
    assert not row.has_position
    assert row.footprint is None
    assert row.tile_id is None
    assert row.error
    assert row.score == pytest.approx(3.0)
    assert row.confidence is not None


def test_the_tile_is_the_one_whose_centre_is_nearest() -> None:
    assert (row_of(sure(100.0)).tile_id, row_of(sure(500.0)).tile_id) == ("west", "east")
    row = row_of(sure(500.0))
    assert (row.tile_path, row.tile_crs) == ("east.tif", "EPSG:3857")


def test_a_camera_beside_the_map_is_in_no_tile() -> None:
    row = row_of(sure(50_000.0))
    assert row.has_position
    assert row.tile_id is None


def test_what_the_photo_says_of_its_place_is_kept_apart() -> None:
    lon, lat = FRAME.to_lonlat([[30.0, 40.0]])[0]
    said = PhotoMetadata(
        lon=float(lon), lat=float(lat), altitude_m=220.0, yaw_deg=11.0, rotation_deg=90
    )
    row = row_of(sure(), metadata=said)
    assert row.exif_dist_m == pytest.approx(50.0, abs=0.05)
    assert (row.exif_lon, row.exif_lat) == (lon, lat)
    assert (row.longitude, row.latitude) == pytest.approx((13.4, 60.0), abs=1e-9)
    assert (row.altitude, row.rotation) == (220.0, 90)
    assert row.direction == row.heading != 11.0


def test_a_photo_that_says_nothing_has_no_exif_columns() -> None:
    row = row_of(sure())
    assert (row.exif_lon, row.exif_lat, row.exif_dist_m) == (None, None, None)


def test_a_row_without_an_answer_keeps_what_the_photo_says() -> None:
    stated = PhotoMetadata(yaw_deg=33.0, lon=1.0, lat=2.0)
    row = empty_row(PHOTO, stated, status="rejected", error="why", provenance=provenance())
    assert (row.direction, row.exif_lon, row.exif_lat) == (33.0, 1.0, 2.0)
    assert (row.status, row.error, row.has_position) == ("rejected", "why", False)
    assert Path(row.photo).is_absolute()
    unread = empty_row(PHOTO, status="unreadable", error="why", provenance=provenance())
    assert unread.direction is None


def test_every_answer_can_be_written() -> None:
    record = result_record(row_of(sure(), sure(5000.0)))
    assert isinstance(record["confidence"], float)
    assert isinstance(record["n_inliers"], int)


def street_row(probability: float, *, n_modes: int = 1, heading: Heading | None) -> PhotoResult:
    estimate = Estimate(
        position=LonLat(13.4, 60.0),
        heading=heading,
        probability=probability,
        score=6.0,
        margin=2.0,
        n_modes=n_modes,
        spread_m=12.0,
        radius_m=42.0,
        ce90_m=36.0,
        acc95_m=41.0,
    )
    stated = PhotoMetadata(yaw_deg=11.0, lon=13.4, lat=60.001)
    return result_row(PHOTO, stated, kind="panorama", estimate=estimate, provenance=provenance())


def test_a_street_answer_is_where_the_camera_stood_and_has_no_outline() -> None:
    row = street_row(0.9, heading=Heading(200.0, 5.0))
    assert (row.status, row.error, row.view) == ("located", None, "panorama")
    assert (row.longitude, row.latitude, row.position_kind) == (13.4, 60.0, "camera")
    assert (row.heading, row.heading_sd, row.direction) == (200.0, 5.0, 200.0)
    assert row.footprint is row.scene_longitude is row.n_inliers is None
    assert (row.conf_radius_m, row.ce90_m, row.acc95_m) == (42.0, 36.0, 41.0)
    assert row.tile_id == "west"
    assert row.exif_dist_m == pytest.approx(111.4, abs=0.5)
    assert result_record(row)["confidence"] == 0.9


def test_a_street_answer_without_a_heading_keeps_what_the_photo_says() -> None:
    row = street_row(0.9, heading=None)
    assert (row.heading, row.heading_sd, row.direction) == (None, None, 11.0)


def test_a_doubtful_street_answer_says_why() -> None:
    alone, among = (street_row(0.4, n_modes=n, heading=None) for n in (1, 3))
    assert alone.status == among.status == "ambiguous"
    assert "by chance" in str(alone.error)
    assert "3 places" in str(among.error)


def test_a_street_photo_found_nowhere_has_its_evidence_but_no_point() -> None:
    row = street_row(0.05, heading=Heading(200.0, 5.0))
    assert row.status == "rejected"
    assert not row.has_position
    assert (row.heading, row.direction, row.score) == (None, 11.0, 6.0)
    assert row.error


def test_a_row_that_moves_says_nothing_of_its_camera_but_where_it_was() -> None:
    row = row_of(sure())
    there = LonLat(row.longitude + 1e-4, row.latitude)
    moved = moved_row(row, there, 21.46, provenance=provenance())
    assert (moved.longitude, moved.latitude) == there
    assert (moved.ce90_m, moved.acc95_m) == (21.46, pytest.approx(24.48))
    assert {moved.heading, moved.direction, moved.footprint, moved.height_m} == {None}
    assert moved.control_points is None
    assert (moved.confidence, moved.candidates, moved.photo) == (
        row.confidence, row.candidates, row.photo,
    )  # fmt: skip
