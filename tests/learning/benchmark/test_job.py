"""Whole benchmarks on miniatures in the official layouts, with a tiny random network."""

from __future__ import annotations

from pathlib import Path

import pytest

import geoloc
from geoloc.errors import InputError, ModelError, OptionError
from geoloc.learning.benchmark import job
from geoloc.learning.benchmark.job import benchmark_model, measure_dataset
from geoloc.learning.datasets.crossview import CrossViewDataset
from geoloc.learning.options import BenchmarkOptions
from tests.fixtures.dataset_layouts import (
    write_cvusa,
    write_image,
    write_sues200,
    write_university1652,
)
from tests.fixtures.indexes import write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny")


class Listener:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.done = 0
        self.warnings: list[str] = []

    def start(self, label: str, total: int, unit: str) -> None:
        self.stages.append((label, total))

    def advance(self, count: int = 1) -> None:
        self.done += count

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def _options(model: Path, **changes: object) -> BenchmarkOptions:
    values: dict[str, object] = {"model": str(model), "device": "cpu", "workers": 1}
    return BenchmarkOptions(**(values | changes))  # type: ignore[arg-type]


def test_university_is_measured_in_both_directions_by_both_protocols(
    model: Path, tmp_path: Path
) -> None:
    root = write_university1652(tmp_path / "u", test=3, distractors=2, photos=4)
    report = benchmark_model("university1652", root, _options(model))
    assert [test.name for test in report.tests] == ["drone -> satellite", "satellite -> drone"]
    sizes = [(test.queries, test.references) for test in report.tests]
    assert sizes == [(12, 5), (3, 20)]
    for test, ranked in zip(report.tests, (3, 12), strict=True):
        named = [(figure.protocol, figure.metric, figure.references) for figure in test.figures]
        metrics = ("R@1", "R@5", "R@10", "R@top1%", "AP")
        assert named == [
            *(("official", metric, test.references) for metric in metrics),
            *(("sample4geo", metric, ranked) for metric in metrics),
        ]
        assert all(0 <= figure.value <= 100 for figure in test.figures)
    assert report.model == "tiny"
    assert report.device == "cpu"


def test_a_miniature_is_said_not_to_compare_with_the_published_figures(
    model: Path, tmp_path: Path
) -> None:
    listener = Listener()
    root = write_university1652(tmp_path / "u")
    report = benchmark_model("university1652", root, _options(model), progress=listener)
    assert "among 951: not comparable" in report.tests[0].notes[0]
    assert [label for label, _ in listener.stages[:3]] == [
        "embedding drone images",
        "embedding satellite images",
        "comparing vectors",
    ]
    assert listener.done == sum(total for _, total in listener.stages)


def test_sues_has_eight_tests(model: Path, tmp_path: Path) -> None:
    root = write_sues200(tmp_path / "s", photos=1)
    report = benchmark_model("sues200", root, _options(model))
    assert len(report.tests) == 8
    assert report.tests[0].name == "drone -> satellite, 150 m"


def test_a_model_without_the_view_is_refused_before_any_image(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "Embedder", None)
    root = write_cvusa(tmp_path / "c")
    with pytest.raises(ModelError, match="tiny knows no ground view, which cvusa needs; its views"):
        benchmark_model("cvusa", root, _options(model))


def test_a_protocol_that_the_data_set_does_not_have_is_refused(model: Path, tmp_path: Path) -> None:
    root = write_university1652(tmp_path / "u")
    with pytest.raises(OptionError, match=r"denseuav here; expected one of official, sample4geo"):
        benchmark_model("university1652", root, _options(model, protocols=("denseuav",)))


def test_one_protocol_can_be_asked_for(model: Path, tmp_path: Path) -> None:
    root = write_university1652(tmp_path / "u")
    report = benchmark_model("university1652", root, _options(model, protocols=("official",)))
    assert {figure.protocol for test in report.tests for figure in test.figures} == {"official"}


def test_a_data_set_without_a_test_is_refused(model: Path) -> None:
    with pytest.raises(InputError, match="no test here"):
        measure_dataset(CrossViewDataset("pairs", None, ()), _options(model))


def test_kept_vectors_give_the_same_report(model: Path, tmp_path: Path) -> None:
    root = write_university1652(tmp_path / "u")
    options = _options(model, vectors=tmp_path / "kept")
    first, second = (benchmark_model("university1652", root, options) for _ in range(2))
    assert [test.figures for test in first.tests] == [test.figures for test in second.tests]


def test_a_network_that_cannot_tell_images_apart_is_found_out(model: Path, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_image(tmp_path / f"{name}.png", 1)
    rows = "".join(f"{n}.png,{n}.png,{n},test\n" for n in ("a", "b", "c"))
    (tmp_path / "pairs.csv").write_text("query,reference,place,split\n" + rows)
    (test,) = benchmark_model("pairs", tmp_path, _options(model)).tests
    values = {(f.protocol, f.metric): f.value for f in test.figures}
    assert values["one-right", "R@1"] == 100
    assert values["one-right", "tied"] == 3
    assert values["game4loc", "R@1"] == 0
    assert any("exactly as similar" in note for note in test.notes)


def test_tiles_that_lie_where_their_photos_do_are_told(model: Path, tmp_path: Path) -> None:
    for n in range(2):
        write_image(tmp_path / f"q{n}.png", n)
        write_image(tmp_path / f"r{n}.png", n)
    rows = "".join(f"q{n}.png,r{n}.png,test,{10 + n},50\n" for n in range(2))
    (tmp_path / "pairs.csv").write_text("query,reference,split,lon,lat\n" + rows)
    (test,) = benchmark_model("pairs", tmp_path, _options(model)).tests
    assert any("only right and wrong" in note for note in test.notes)
    assert any("2 photos say little: one of them is 50 points" in note for note in test.notes)


def test_a_network_of_rings_is_told_from_one_of_whole_images(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "ring")
    card = folder / "model.toml"
    text = card.read_text().replace('"drone"]', '"ground"]').replace("drone = ", "ground = ")
    card.write_text(text.replace("[input.size]", "ground_span_deg = [-60, 30]\n[input.size]"))
    report = benchmark_model("cvusa", write_cvusa(tmp_path / "c"), _options(folder))
    assert any("span -60 to 30 degrees" in note for note in report.tests[0].notes)
    metrics = [figure.metric for figure in report.tests[0].figures]
    assert metrics[:4] == ["R@1", "R@5", "R@10", "R@1% (SAFA)"]
    assert "L@5m" in metrics


def test_the_library_offers_it() -> None:
    assert geoloc.benchmark_model is benchmark_model
    assert geoloc.BenchmarkOptions is BenchmarkOptions
