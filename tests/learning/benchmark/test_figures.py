"""Published figures: each has a source, fits a test, and could come from its queries."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from geoloc.learning.benchmark.figures import (
    OFFICIAL_SIZES,
    PROTOCOLS,
    PUBLISHED,
    TITLES,
    PublishedFigure,
    published_beside,
)
from geoloc.learning.benchmark.protocols import Rules, SplitVectors, measure_test, protocols_of
from geoloc.learning.datasets.registry import DATASETS, open_dataset
from geoloc.learning.options import BenchmarkProtocol
from tests.fixtures import dataset_layouts

_WRITERS = {
    "cvusa": dataset_layouts.write_cvusa,
    "cvact": dataset_layouts.write_cvact,
    "vigor-same": dataset_layouts.write_vigor,
    "vigor-cross": dataset_layouts.write_vigor,
    "university1652": dataset_layouts.write_university1652,
    "sues200": dataset_layouts.write_sues200,
}


def _of(method: str, dataset: str, test: str, metric: str) -> list[PublishedFigure]:
    return [
        figure
        for figure in PUBLISHED
        if (figure.method, figure.setting, figure.metric) == (method, (dataset, test), metric)
    ]


def test_every_data_set_that_can_be_opened_has_a_title() -> None:
    assert tuple(TITLES) == DATASETS


@pytest.mark.parametrize("dataset", _WRITERS)
def test_figures_are_of_tests_protocols_and_metrics_that_exist(
    dataset: str, tmp_path: Path
) -> None:
    """A miniature of the data set yields the very names that the figures are filed under."""
    import numpy as np

    read = open_dataset(dataset, _WRITERS[dataset](tmp_path / dataset))
    measured = set()
    for split in read.tests:
        vectors = SplitVectors(
            np.eye(len(split.queries), 4, dtype=np.float32),
            np.eye(len(split.references), 4, dtype=np.float32),
        )
        rules = Rules(dataset, protocols_of(dataset, split))
        for figure in measure_test(split, vectors, rules):
            measured.add((split.name, figure.protocol, figure.metric))
        # A miniature has too few references for this one.
        measured.add((split.name, "one-right", "R@1% (Sample4Geo)"))
    filed = {
        (figure.setting[1], figure.protocol, figure.metric)
        for figure in PUBLISHED
        if figure.setting[0] == dataset and not figure.setting[1].startswith("trained on")
    }
    assert filed
    assert filed <= measured
    sizes = {test for name, test in OFFICIAL_SIZES if name == dataset}
    assert sizes <= {split.name for split in read.tests}


def test_every_figure_says_where_it_comes_from() -> None:
    assert all("arXiv" in figure.source and ": " in figure.source for figure in PUBLISHED)
    assert get_args(BenchmarkProtocol) == PROTOCOLS


def _is_possible(percent: float, queries: int) -> bool:
    """Whether a published share, with two decimals, can come from so many queries.

    A recall is a multiple of 1 / Q; authors round or cut it, so it may be off by less than 0.01.
    """
    nearest = round(percent / 100 * queries) / queries * 100
    return abs(nearest - percent) < 0.01


def test_a_share_must_be_a_multiple_of_one_query() -> None:
    assert _is_possible(98.29, 701)  # rounded
    assert _is_possible(98.28, 701)  # cut
    assert not _is_possible(98.31, 701)


def test_every_recall_could_come_from_its_queries_unless_it_says_why_not() -> None:
    checked = [f for f in PUBLISHED if f.setting in OFFICIAL_SIZES and f.metric.startswith("R@1")]
    assert len(checked) > 15
    for figure in checked:
        queries = OFFICIAL_SIZES[figure.setting].queries
        assert _is_possible(figure.value, queries) == (not figure.doubt), figure


def test_the_impossible_figure_of_clnet_is_flagged() -> None:
    (figure,) = _of("CLNet", "university1652", "satellite -> drone", "R@1")
    assert figure.text == "98.31 (!)"
    assert "impossible with the 701 queries" in figure.origin


def test_the_mislabelled_figure_of_clnet_is_never_shown_as_its_first_recall() -> None:
    assert [figure.value for figure in _of("CLNet", "cvact", "val", "R@1")] == [91.22]
    (other,) = _of("CLNet", "cvact", "val", "R@5")
    assert (other.value, bool(other.doubt)) == (96.84, True)


def test_a_figure_stands_beside_its_own_protocol_only() -> None:
    asked = {"dataset": "university1652", "test": "drone -> satellite"}
    beside = published_beside(**asked, protocol="sample4geo", metric="R@1")
    assert {figure.method: figure.value for figure in beside} == {
        "Sample4Geo": 92.65,
        "MEAN": 93.55,
        "CLNet": 93.02,
    }
    assert published_beside(**asked, protocol="official", metric="R@1") == ()
