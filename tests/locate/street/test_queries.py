"""Headings that are tried for a street photo, in which order, by what it states."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from geoloc.locate.street.queries import QueryParameters, heading_stages
from geoloc.options import Effort
from geoloc.photos.metadata import PhotoMetadata


@pytest.mark.parametrize("effort", get_args(Effort))
def test_unknown_headings_are_covered_in_even_steps(effort: Effort) -> None:
    (everywhere,) = heading_stages(PhotoMetadata(), effort)
    gaps = {b - a for a, b in itertools.pairwise((*everywhere, 360.0))}
    assert len(gaps) == 1
    assert max(gaps) <= 30


def test_a_known_heading_comes_first_and_a_wrong_one_is_forgiven() -> None:
    near, everywhere = heading_stages(PhotoMetadata(yaw_deg=5.0), "normal")
    assert near == (355.0, 5.0, 15.0)
    assert len(everywhere) >= 16
    assert len(list(heading_stages(PhotoMetadata(yaw_deg=5.0), "low"))) == 1


def test_a_magnetic_heading_is_trusted_less() -> None:
    near, _ = heading_stages(PhotoMetadata(yaw_deg=100.0, yaw_ref="magnetic"), "normal")
    assert (min(near), max(near)) == (80.0, 120.0)


def test_an_experiment_sets_its_own_headings() -> None:
    parameters = QueryParameters(near_headings_deg=(0.0,), step_normal_deg=90.0)
    near, everywhere = heading_stages(PhotoMetadata(yaw_deg=5.0), "normal", parameters=parameters)
    assert near == (5.0,)
    assert everywhere == (0.0, 90.0, 180.0, 270.0)
