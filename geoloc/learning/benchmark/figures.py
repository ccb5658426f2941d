"""Published figures of CLNet, MEAN and Sample4Geo, each with its source.

Few could be read in the papers' own tables: the source of each says how far to trust it. A figure
that cannot be right says why in its `doubt`, and is no target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from geoloc.learning.options import BenchmarkProtocol

PROTOCOLS: tuple[BenchmarkProtocol, ...] = get_args(BenchmarkProtocol)

# What each test is called here: the data set, then what is looked for in what.
D2S, S2D = "drone -> satellite", "satellite -> drone"
TestSetting = tuple[str, str]

TITLES: Mapping[str, str] = {
    "cvusa": "CVUSA",
    "cvact": "CVACT",
    "vigor-same": "VIGOR, same area",
    "vigor-cross": "VIGOR, cross area",
    "university1652": "University-1652",
    "sues200": "SUES-200",
    "pairs": "your own pairs.csv",
}


@dataclass(frozen=True)
class OfficialSize:
    """How many queries a test has as published, and among how many references."""

    queries: int
    references: int


OFFICIAL_SIZES: Mapping[TestSetting, OfficialSize] = {
    ("cvusa", "val"): OfficialSize(8_884, 8_884),
    ("cvact", "val"): OfficialSize(8_884, 8_884),
    ("university1652", D2S): OfficialSize(37_855, 951),
    ("university1652", S2D): OfficialSize(701, 51_355),
    **{("sues200", f"{D2S}, {m} m"): OfficialSize(4_000, 200) for m in (150, 200, 250, 300)},
    **{("sues200", f"{S2D}, {m} m"): OfficialSize(80, 10_000) for m in (150, 200, 250, 300)},
}


@dataclass(frozen=True)
class PublishedFigure:
    """One figure of others.

    Attributes:
        method: Name of the network.
        setting: Data set and test.
        protocol: The one that it compares with.
        metric: Name of the metric in that protocol.
        value: Value in percent.
        source: Paper or page that it comes from.
        doubt: Why it cannot be right; empty if nothing speaks against it.
    """

    method: str
    setting: TestSetting
    protocol: BenchmarkProtocol
    metric: str
    value: float
    source: str
    doubt: str = ""

    @property
    def text(self) -> str:
        """The value, with a mark where it is doubtful."""
        return f"{self.value:.2f}{' (!)' if self.doubt else ''}"

    @property
    def origin(self) -> str:
        """The source, and the doubt if there is one."""
        return f"{self.source}; {self.doubt}" if self.doubt else self.source


CLNET, MEAN, S4G = "CLNet", "MEAN", "Sample4Geo"
_PAPERS = {
    CLNET: "arXiv 2512.14560",
    MEAN: "TGRS 2025, arXiv 2412.14819",
    S4G: "ICCV 2023, arXiv 2303.11851",
}
_STATED = "the paper's abstract or a summary of it"
_BOARD = "leaderboard that cites the paper"
_MEMORY = "from memory of the paper, unverified"
_DEDUCED = "worked back from the difference that CLNet states to it"
_BY_OTHERS = "leaderboard, as measured by others"


@dataclass(frozen=True)
class _Row:
    """Figures of one method and test that have one source."""

    method: str
    dataset: str
    test: str
    source: str
    values: Mapping[str, float]
    remark: str = ""
    doubt: str = ""


def _sues(
    method: str, source: str, altitude_m: int, values: tuple[float, ...]
) -> tuple[_Row, _Row]:
    """R@1 and AP of both directions at one altitude."""
    there, back = f"{D2S}, {altitude_m} m", f"{S2D}, {altitude_m} m"
    return (
        _Row(method, "sues200", there, source, {"R@1": values[0], "AP": values[1]}),
        _Row(method, "sues200", back, source, {"R@1": values[2], "AP": values[3]}),
    )


_S4G_ONE_PERCENT = "R@1% (Sample4Geo)"
_NO_PROTOCOL = "its protocol is not stated"

_ROWS: tuple[_Row, ...] = (
    _Row(S4G, "cvusa", "val", _BOARD,
         {"R@1": 98.68, "R@5": 99.68, "R@10": 99.78, _S4G_ONE_PERCENT: 99.87}),
    _Row(CLNET, "cvusa", "val", _STATED, {"R@1": 98.57}),
    _Row(S4G, "cvact", "val", _BOARD,
         {"R@1": 90.81, "R@5": 96.74, "R@10": 97.48, _S4G_ONE_PERCENT: 98.77}),
    _Row(CLNET, "cvact", "val", _BOARD, {"R@1": 91.22}),
    _Row(CLNET, "cvact", "val", _STATED, {"R@5": 96.84},
         doubt="its source calls it R@1, which no method reaches; it is probably R@5"),
    _Row(S4G, "cvact", "test", _MEMORY,
         {"R@1": 71.51, "R@5": 92.42, "R@10": 94.45, _S4G_ONE_PERCENT: 98.70}),
    _Row(CLNET, "cvact", "test", _BOARD, {"R@1": 71.89}),
    _Row(S4G, "vigor-same", "test", _BOARD, {"R@1": 77.86, "hit rate": 89.82}),
    _Row(S4G, "vigor-same", "test", _MEMORY,
         {"R@5": 95.66, "R@10": 97.21, _S4G_ONE_PERCENT: 99.61}),
    _Row(CLNET, "vigor-same", "test", _STATED, {"R@1": 77.96}),
    _Row(S4G, "vigor-cross", "test", _MEMORY, {"R@1": 61.70},
         remark="the name of the published weights says 61.09"),
    _Row(S4G, "vigor-cross", "test", _MEMORY,
         {"R@5": 83.50, "R@10": 88.00, _S4G_ONE_PERCENT: 98.17, "hit rate": 69.87}),
    _Row(CLNET, "vigor-cross", "test", _STATED, {"R@1": 61.20}),
    _Row(S4G, "university1652", D2S, _BOARD, {"R@1": 92.65, "AP": 93.81}),
    _Row(S4G, "university1652", S2D, _BOARD, {"R@1": 95.14, "AP": 91.39}),
    _Row(MEAN, "university1652", D2S, _BOARD, {"R@1": 93.55, "AP": 94.53}),
    _Row(MEAN, "university1652", S2D, _BOARD, {"R@1": 96.01, "AP": 92.08}),
    _Row(CLNET, "university1652", D2S, _BOARD, {"R@1": 93.02, "AP": 94.18}, remark=_NO_PROTOCOL),
    _Row(CLNET, "university1652", S2D, _BOARD, {"R@1": 98.31},
         doubt="impossible with the 701 queries of this test: 689 right are 98.29, 690 are 98.43"),
    _Row(CLNET, "university1652", S2D, _BOARD, {"AP": 91.63}, remark=_NO_PROTOCOL),
    *_sues(S4G, _BY_OTHERS, 150, (92.60, 94.00, 97.50, 93.63)),
    *_sues(MEAN, _BOARD, 150, (95.50, 96.46, 97.50, 94.75)),
    *_sues(MEAN, _BOARD, 200, (98.38, 98.72, 100.00, 97.09)),
    *_sues(MEAN, _BOARD, 250, (98.95, 99.17, 100.00, 98.28)),
    *_sues(MEAN, _BOARD, 300, (99.52, 99.63, 100.00, 99.21)),
    _Row(S4G, "cvact", "trained on CVUSA", _DEDUCED, {"R@1": 56.62}),
    _Row(CLNET, "cvact", "trained on CVUSA", _STATED, {"R@1": 59.17}),
    _Row(S4G, "cvusa", "trained on CVACT", _DEDUCED, {"R@1": 44.95},
         remark="the summary ascribes it to GeoDTR*, probably by mistake"),
    _Row(CLNET, "cvusa", "trained on CVACT", _STATED, {"R@1": 43.05}),
)  # fmt: skip


def _figures() -> Iterator[PublishedFigure]:
    for row in _ROWS:
        is_drone = row.dataset in ("university1652", "sues200")
        remark = f"; {row.remark}" if row.remark else ""
        for metric, value in row.values.items():
            yield PublishedFigure(
                method=row.method,
                setting=(row.dataset, row.test),
                protocol="sample4geo" if is_drone else "one-right",
                metric=metric,
                value=value,
                source=f"{_PAPERS[row.method]}: {row.source}{remark}",
                doubt=row.doubt,
            )


PUBLISHED: tuple[PublishedFigure, ...] = tuple(_figures())


def published_beside(
    dataset: str, test: str, *, protocol: str, metric: str
) -> tuple[PublishedFigure, ...]:
    """What others published for the same test, protocol and metric."""
    return tuple(
        figure
        for figure in PUBLISHED
        if (figure.setting, figure.protocol, figure.metric) == ((dataset, test), protocol, metric)
    )
