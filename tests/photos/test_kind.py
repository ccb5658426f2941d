"""The kind of a photo, and the view of a network that it is embedded with."""

from __future__ import annotations

from typing import get_args

import pytest

from geoloc.models.view import View
from geoloc.options import ViewChoice
from geoloc.photos.kind import PhotoKind, network_view


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
