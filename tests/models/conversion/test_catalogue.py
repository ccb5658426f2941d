"""What is known of published weights agrees with the layouts and with itself."""

from __future__ import annotations

from typing import get_args

import pytest
import timm

from geoloc.models.conversion.catalogue import DATA_SETS, SOURCES
from geoloc.models.conversion.tensor_names import LAYOUTS
from geoloc.options import DataSet, Project


def test_every_project_has_a_layout_and_a_source() -> None:
    assert set(SOURCES) == set(LAYOUTS) == set(get_args(Project))


def test_every_data_set_is_known_and_used() -> None:
    used = {data_set for source in SOURCES.values() for data_set in source.data_sets}
    assert used == set(DATA_SETS) == set(get_args(DataSet))


@pytest.mark.parametrize("project", [name for name in SOURCES if SOURCES[name].backbone])
def test_the_published_backbones_are_timms(project: Project) -> None:
    assert timm.is_model(SOURCES[project].backbone)


def test_panoramas_keep_their_shape_as_sample4geo_resizes_them() -> None:
    assert (
        DATA_SETS["cvusa"].size_px == DATA_SETS["cvact"].size_px == (round(224 / 1232 * 768), 768)
    )
    assert DATA_SETS["vigor"].size_px == (1024 * 768 // 2048, 768)


def test_nothing_is_offered_without_a_word_on_its_licence() -> None:
    assert all(source.licence and source.weights for source in SOURCES.values())
