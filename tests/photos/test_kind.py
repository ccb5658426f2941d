"""The kind of a photo, its camera, and the view of a network that it is embedded with."""

from __future__ import annotations

from typing import get_args

import pytest

from geoloc.geometry.panorama import Panorama
from geoloc.models.view import View
from geoloc.options import ViewChoice
from geoloc.photos.kind import (
    DEFAULT_HFOV_DEG,
    STREET_HFOV_DEG,
    PhotoKind,
    camera_of,
    kind_of,
    network_view,
    panorama_of,
    street_camera_of,
)
from geoloc.photos.metadata import PhotoMetadata


@pytest.mark.parametrize(
    ("kind", "view"), [("drone", "drone"), ("street", "ground"), ("panorama", "ground")]
)
def test_drone_photos_pass_the_drone_branch_and_all_others_the_grounds(
    kind: PhotoKind, view: View
) -> None:
    assert network_view(kind) == view


def test_every_kind_can_be_asked_for() -> None:
    assert set(get_args(ViewChoice)) == {"auto", *get_args(PhotoKind)}


def test_photos_pass_a_branch_that_networks_have() -> None:
    views = {network_view(kind) for kind in get_args(PhotoKind)}
    assert views == set(get_args(View)) - {"satellite"}


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        (PhotoMetadata(), "drone"),
        (PhotoMetadata(rel_alt_m=100.0), "drone"),
        (PhotoMetadata(pitch_deg=-90.0, rel_alt_m=60.0), "drone"),
        (PhotoMetadata(pitch_deg=-45.0), "drone"),
        (PhotoMetadata(rel_alt_m=2.0), "street"),
        # From a roof, or down a slope: only what looks straight down is no street photo.
        (PhotoMetadata(rel_alt_m=3.0, pitch_deg=-90.0), "drone"),
        (PhotoMetadata(rel_alt_m=0.5, pitch_deg=-75.0), "drone"),
        (PhotoMetadata(rel_alt_m=3.0, pitch_deg=-20.0), "street"),
        (PhotoMetadata(rel_alt_m=3.0, pitch_deg=0.0), "street"),
        (PhotoMetadata(pitch_deg=0.0, rel_alt_m=80.0), "street"),
        (PhotoMetadata(projection="equirectangular"), "panorama"),
        (PhotoMetadata(projection="equirectangular", rel_alt_m=2.0), "panorama"),
    ],
)
def test_kinds_of_photos_differ_in_their_metadata(metadata: PhotoMetadata, kind: str) -> None:
    assert kind_of("auto", metadata) == kind


@pytest.mark.parametrize("view", ["drone", "street", "panorama"])
def test_what_the_caller_says_wins(view: str) -> None:
    stated = PhotoMetadata(projection="equirectangular", rel_alt_m=2.0, pitch_deg=0.0)
    assert kind_of(view, stated) == view  # type: ignore[arg-type]


def test_a_camera_without_field_of_view_gets_a_common_one() -> None:
    assert camera_of(PhotoMetadata(), 400, 300).hfov_deg == pytest.approx(DEFAULT_HFOV_DEG)
    assert camera_of(PhotoMetadata(hfov_deg=50.0), 400, 300).hfov_deg == pytest.approx(50.0)


@pytest.mark.parametrize("hfov_deg", [179.9, 180.0, 200.0, 360.0])
def test_a_field_of_view_that_no_pinhole_has_is_no_camera_s(hfov_deg: float) -> None:
    camera = camera_of(PhotoMetadata(hfov_deg=hfov_deg), 400, 300)
    assert 0 < camera.hfov_deg < 180
    assert camera.focal_px > 0


def test_only_a_photo_that_says_nothing_is_taken_for_what_the_map_can_tell() -> None:
    assert kind_of("auto", PhotoMetadata(), default="street") == "street"
    assert kind_of("auto", PhotoMetadata(rel_alt_m=60.0), default="street") == "drone"
    assert kind_of("auto", PhotoMetadata(pitch_deg=-70.0), default="street") == "drone"


@pytest.mark.parametrize(
    ("make", "model", "kind"),
    [
        ("Apple", "iPhone 13 mini", "street"),
        ("samsung", "SM-G991B", "street"),
        ("LG Electronics", "LM-G710", "street"),
        ("HMD Global", "Nokia 7.2", "street"),
        ("DJI", "FC3170", "drone"),
        ("Autel Robotics", "XT705", "drone"),
        ("DJI", "OsmoAction3", None),  # in a hand or on a drone: nobody knows
        ("Canon", "EOS 80D", None),
        (None, None, None),
        ("", "", None),
    ],
)
@pytest.mark.parametrize("default", ["drone", "street"])
def test_the_maker_tells_phones_from_drones_where_nothing_else_does(
    make: str | None, model: str | None, kind: PhotoKind | None, default: PhotoKind
) -> None:
    stated = PhotoMetadata(make=make, model=model)
    assert kind_of("auto", stated, default=default) == (kind or default)


def test_what_a_photo_states_counts_more_than_its_maker() -> None:
    assert kind_of("auto", PhotoMetadata(make="Apple", pitch_deg=-80.0)) == "drone"
    assert kind_of("auto", PhotoMetadata(make="DJI", model="FC3170", rel_alt_m=1.5)) == "street"


def test_a_street_photo_of_an_unknown_lens_is_a_phone_s_upright_or_not() -> None:
    across = street_camera_of(PhotoMetadata(), 400, 300)
    upright = street_camera_of(PhotoMetadata(), 300, 400)
    assert across.hfov_deg == pytest.approx(STREET_HFOV_DEG)
    assert upright.vfov_deg == pytest.approx(STREET_HFOV_DEG)
    assert street_camera_of(PhotoMetadata(hfov_deg=90.0), 300, 400).hfov_deg == pytest.approx(90)
    assert street_camera_of(PhotoMetadata(hfov_deg=360.0), 400, 300).hfov_deg < 180


def test_a_stated_frame_follows_the_pixels_and_leaves_the_heading_open() -> None:
    stated = Panorama(4000, 2000, left_px=1000, top_px=500, heading_deg=77.0, pitch_deg=3.0)
    frame = panorama_of(PhotoMetadata(panorama=stated), 500, 250, full_width_px=2000)
    assert frame == Panorama(1000, 500, left_px=250, top_px=125, heading_deg=0.0, pitch_deg=3.0)


@pytest.mark.parametrize(
    ("size", "hfov_deg", "frame"),
    [
        ((400, 200), None, Panorama(400, 200)),
        ((400, 200), 70.0, Panorama(400, 200)),  # a lens that no panorama has
        ((400, 80), None, Panorama(400, 200, top_px=60)),  # a strip, as CVUSA has them
        ((400, 400), None, Panorama(400, 400)),  # squeezed
        ((200, 200), 180.0, Panorama(400, 200, left_px=100)),
    ],
)
def test_a_panorama_without_a_frame_is_taken_as_a_whole_turn(size, hfov_deg, frame) -> None:
    stated = PhotoMetadata(hfov_deg=hfov_deg)
    assert panorama_of(stated, *size, full_width_px=size[0]) == frame
