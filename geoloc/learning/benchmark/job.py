"""Benchmark a model: open a data set, embed it, and measure every test of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geoloc.errors import InputError, ModelError, OptionError
from geoloc.learning.benchmark.figures import OFFICIAL_SIZES
from geoloc.learning.benchmark.protocols import (
    Figure,
    Rules,
    SplitVectors,
    has_positions,
    measure_test,
    protocols_of,
)
from geoloc.learning.benchmark.vectors import PictureVectors
from geoloc.learning.datasets.crossview import CrossViewDataset, Split
from geoloc.learning.datasets.registry import open_dataset
from geoloc.learning.options import BenchmarkOptions, BenchmarkProtocol
from geoloc.models.card import ModelCard
from geoloc.models.embedder import Embedder
from geoloc.models.registry import read_card
from geoloc.progress import Progress, Silent

_FEW = 100  # with as many, the standard error of a recall is still up to 5 points


@dataclass(frozen=True)
class SplitReport:
    """What was measured on one test.

    Attributes:
        name: Name of the test in its data set.
        queries: Number of queries.
        references: Number of references, distractors included.
        figures: Measured figures, grouped by protocol.
        notes: Remarks that a reader needs to compare them.
        seconds: Time of embedding and comparing.
    """

    name: str
    queries: int
    references: int
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class BenchmarkReport:
    """What was measured on one data set.

    Attributes:
        dataset: Its name.
        model: The model's name.
        architecture: Its network, and the backbone inside it.
        weights_sha256: Checksum of its weights.
        device: Device that it ran on.
        precision: The type of its arithmetic.
        tests: One for each test of the data set.
    """

    dataset: str
    model: str
    architecture: str
    weights_sha256: str
    device: str
    precision: str
    tests: tuple[SplitReport, ...]


def benchmark_model(
    dataset: str,
    folder: str | Path,
    options: BenchmarkOptions | None = None,
    *,
    progress: Progress | None = None,
) -> BenchmarkReport:
    """Measure a model on a data set, by the rules of those who made it.

    Args:
        dataset: ``cvusa``, ``cvact``, ``vigor-same``, ``vigor-cross``, ``university1652``,
            ``sues200`` or ``pairs``.
        folder: Folder where it was unpacked.
        options: The model and how it runs.
        progress: Listener for each image.

    Raises:
        InputError: The data set is not there, has no tests, or some of its images cannot be read.
        ModelError: The model is missing, broken, or lacks a view of the data set.
        OptionError: A protocol that the data set does not have.
        DependencyError: The device is not there.
    """
    choice = options or BenchmarkOptions()
    card = read_card(choice.model)
    return measure_dataset(
        open_dataset(dataset, Path(folder)), choice, card=card, progress=progress
    )


def measure_dataset(
    dataset: CrossViewDataset,
    options: BenchmarkOptions,
    *,
    card: ModelCard | None = None,
    progress: Progress | None = None,
) -> BenchmarkReport:
    """As `benchmark_model`, of a data set that is open already."""
    listener = progress or Silent()
    _check_views(dataset, card or read_card(options.model))
    rules = [_rules(dataset, split, options) for split in dataset.tests]
    if not any(each.protocols for each in rules):
        raise _no_protocol(dataset, options)
    embedder = Embedder(options.model, device=options.device, batch_size=options.batch_size)
    pictures = PictureVectors(
        embedder, workers=options.workers, folder=options.vectors, progress=listener
    )
    tests = tuple(
        _measure(split, each, pictures, card=embedder.card, progress=listener)
        for split, each in zip(dataset.tests, rules, strict=True)
    )
    return _report(dataset.name, embedder, tests)


def _report(dataset: str, embedder: Embedder, tests: tuple[SplitReport, ...]) -> BenchmarkReport:
    card, precision = embedder.card, embedder.precision
    return BenchmarkReport(
        dataset=dataset,
        model=card.name,
        architecture=", ".join(part for part in (card.architecture, card.backbone) if part),
        weights_sha256=card.weights_sha256,
        device=str(embedder.device),
        precision="float32" if precision is None else str(precision).removeprefix("torch."),
        tests=tests,
    )


# --- before the work -------------------------------------------------------------------------


def _check_views(dataset: CrossViewDataset, card: ModelCard) -> None:
    """Refuse, before the first image, what the model cannot embed."""
    if not dataset.tests:
        raise InputError(
            f"the data set {dataset.name} has no test here; expected at least one, say the archive "
            "of its test images, or rows with the split test in a pairs.csv"
        )
    wanted = {
        view: None for test in dataset.tests for view in (test.query_view, test.reference_view)
    }
    lacking = [view for view in wanted if view not in card.views]
    if lacking:
        raise ModelError(
            f"model {card.name} knows no {' or '.join(lacking)} view, which {dataset.name} needs; "
            f"its views are {', '.join(card.views)}; choose another --model "
            "(see: geoloc models list)",
            path=card.folder,
        )


def _rules(dataset: CrossViewDataset, split: Split, options: BenchmarkOptions) -> Rules:
    if not split.queries or not split.references:
        raise InputError(f"the test {split.name} of {dataset.name} is empty; expected images")
    known = protocols_of(dataset.name, split, tile_width_m=options.tile_width_m)
    wanted = tuple(each for each in known if not options.protocols or each in options.protocols)
    return Rules(dataset.name, wanted, options.tile_width_m)


def _no_protocol(dataset: CrossViewDataset, options: BenchmarkOptions) -> OptionError:
    known: dict[BenchmarkProtocol, None] = {
        protocol: None
        for split in dataset.tests
        for protocol in protocols_of(dataset.name, split, tile_width_m=options.tile_width_m)
    }
    return OptionError(
        f"{dataset.name} cannot be measured by the protocol {', '.join(options.protocols)} here; "
        f"expected one of {', '.join(known)}; say --protocol, or leave it out for all of them"
    )


# --- one test --------------------------------------------------------------------------------


def _measure(
    split: Split,
    rules: Rules,
    pictures: PictureVectors,
    *,
    card: ModelCard,
    progress: Progress,
) -> SplitReport:
    start = time.perf_counter()
    vectors = SplitVectors(
        pictures.embed(split.queries, split.query_view),
        pictures.embed(split.references, split.reference_view),
    )
    figures = tuple(measure_test(split, vectors, rules, progress=progress))
    return SplitReport(
        name=split.name,
        queries=len(split.queries),
        references=len(split.references),
        figures=figures,
        notes=(*_notes(split, rules, figures), *_span_notes(split, card)),
        seconds=time.perf_counter() - start,
    )


def _notes(split: Split, rules: Rules, figures: Sequence[Figure]) -> list[str]:
    """What keeps the figures from meaning what they seem to."""
    notes = []
    official = OFFICIAL_SIZES.get((rules.dataset, split.name))
    here = (len(split.queries), len(split.references))
    if official and here != (official.queries, official.references):
        notes.append(
            f"{here[0]} queries among {here[1]} references, published figures are of "
            f"{official.queries} among {official.references}: not comparable"
        )
    tied = sum(int(figure.value) for figure in figures if figure.metric == "tied")
    if tied:
        notes.append(
            f"for {tied} of {here[0]} queries another reference is exactly as similar as the right "
            "one; by the protocol one-right that counts in favour"
        )
    if has_positions(split) and _share_positions(split):
        notes.append(
            "references lie exactly where their queries do: metres know only right and wrong"
        )
    if rules.dataset == "pairs" and here[0] < _FEW:
        notes.append(
            f"{here[0]} photos say little: one of them is {100 / here[0]:.3g} points; compare "
            "models on more, or in several held-out areas"
        )
    return notes


def _span_notes(split: Split, card: ModelCard) -> list[str]:
    """Networks of rings take an image's rows for elevations; an image does not record its own."""
    if card.ground_span_deg is None or "ground" not in (split.query_view, split.reference_view):
        return []
    bottom_deg, top_deg = card.ground_span_deg
    return [
        f"{card.name} takes ground images to span {bottom_deg:g} to {top_deg:g} degrees of "
        "elevation; whole images were squashed to its input, whatever they span"
    ]


def _share_positions(split: Split) -> bool:
    return all(
        split.queries[pair.query].position == split.references[pair.reference].position
        for pair in split.pairs
    )
