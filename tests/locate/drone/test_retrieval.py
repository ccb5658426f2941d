"""Retrieval of tiles: the photo north up in front of the network, the best tiles in order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from geoloc.geometry.camera import Camera, Pose
from geoloc.geometry.rectification import rectify
from geoloc.index.exact_search import SearchResult
from geoloc.locate.drone.hypotheses import ViewHypothesis
from geoloc.locate.drone.retrieval import RETRIEVAL, RetrievalParameters, Retriever, north_up
from tests.fixtures.search import speckled
from tests.fixtures.tile_tables import table_of_sizes

CAMERA = Camera(320, 240, 250.0)
PHOTO = speckled(320)[:240]
SIZE_PX = 64


class Network:
    """Stands for an embedder: the mean colour of a picture is its vector."""

    def __init__(self) -> None:
        size = SimpleNamespace(height_px=SIZE_PX, width_px=SIZE_PX)
        self.card = SimpleNamespace(input_size=lambda view: size)
        self.images: np.ndarray = np.zeros(0)
        self.view = ""

    def embed(self, images: np.ndarray, view: str) -> np.ndarray:
        self.images, self.view = images, view
        return images.mean(axis=(1, 2)).astype(np.float32)


class Index:
    """Stands for an index: every query is answered alike."""

    def __init__(self, rows: Any, scores: Any, sizes: tuple[float, ...] = (160.0,)) -> None:
        self.tiles = table_of_sizes(sizes)
        self.answer = np.array(rows, np.int64), np.array(scores, np.float32)
        self.asked: tuple[int, int, Any] | None = None

    def search(self, vectors: np.ndarray, k: int, rows: Any = None) -> SearchResult:
        self.asked = (len(vectors), k, rows)
        ids, scores = (np.resize(a, (len(vectors), a.shape[-1])) for a in self.answer)
        return SearchResult(scores=scores, rows=ids)


class Signatures:
    """Stands for the tiles' signatures: each row's likeness is given, times that of the photo."""

    def __init__(self, likeness: Any) -> None:
        self.given = np.array(likeness, np.float32)
        self.asked: list[np.ndarray] = []

    def likeness(self, descriptors: np.ndarray, rows: np.ndarray) -> np.ndarray:
        self.asked.append(rows)
        return np.asarray(self.given[rows] * descriptors[0, 0], np.float32)


class View:
    """Stands for a photo from above: one descriptor of one number."""

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength
        self.radius_m = 0.0

    def near_middle(self, radius_m: float) -> np.ndarray:
        self.radius_m = radius_m
        return np.full((1, 1), self.strength, np.float32)


def hypothesis(*yaws_deg: float, pitch_deg: float = -90.0) -> ViewHypothesis:
    return ViewHypothesis(Pose(0.0, pitch_deg, 0.0, 100.0), 0.5, yaws_deg, (1.0,))


def propose(
    index: Index,
    *hypotheses: ViewHypothesis,
    network: Network | None = None,
    signatures: Signatures | None = None,
    parameters: RetrievalParameters = RETRIEVAL,
    **how: Any,
) -> list[Any]:
    retriever = Retriever(
        index,  # type: ignore[arg-type]
        network or Network(),  # type: ignore[arg-type]
        signatures=signatures,  # type: ignore[arg-type]
        parameters=parameters,
    )
    return retriever.retrieve(PHOTO, CAMERA, hypotheses, **{"count": 3, **how})


def test_tiles_come_best_first_each_once() -> None:
    index = Index([[4, 2, 9], [2, 7, 4]], [[0.9, 0.8, 0.1], [0.95, 0.5, 0.2]])
    found = propose(index, hypothesis(0.0), hypothesis(90.0))
    assert [p.row for p in found] == [2, 4, 7]
    assert [p.score for p in found] == pytest.approx([0.95, 0.9, 0.5])


def test_rows_that_are_none_are_left_out() -> None:
    assert [p.row for p in propose(Index([[3, -1, -1]], [[0.4, 0, 0]]), hypothesis(0.0))] == [3]


def test_the_choice_of_rows_reaches_the_index() -> None:
    index, rows = Index([[3]], [[0.4]]), np.array([3, 5], np.int64)
    propose(index, hypothesis(0.0), count=7, rows=rows)
    assert index.asked is not None
    assert index.asked[1] == 7
    assert index.asked[2] is rows


def test_a_known_yaw_is_one_picture_and_all_yaws_are_a_round() -> None:
    known, everywhere = Network(), Network()
    propose(Index([[1]], [[0.5]]), hypothesis(348.0, 354.0, 0.0, 6.0, 12.0), network=known)
    yaws = [float(yaw) for yaw in range(0, 360, 8)]
    propose(Index([[1]], [[0.5]]), hypothesis(*yaws), network=everywhere)
    assert known.images.shape == (1, SIZE_PX, SIZE_PX, 3)
    assert known.view == "drone"
    assert 8 <= len(everywhere.images) <= 24


@pytest.mark.parametrize("step_deg", [5, 10, 24, 45])
def test_all_yaws_are_a_round_whatever_their_step(step_deg: int) -> None:
    network = Network()
    yaws = [float(yaw) for yaw in range(0, 360, step_deg)]
    propose(Index([[1]], [[0.5]]), hypothesis(*yaws), network=network)
    assert len(network.images) == 12


def test_every_ground_size_of_the_tiles_is_tried() -> None:
    network = Network()
    propose(Index([[1]], [[0.5]], sizes=(80.0, 160.0, 80.0)), hypothesis(0.0), network=network)
    assert len(network.images) == 2


def test_hypotheses_of_the_sky_retrieve_nothing() -> None:
    assert propose(Index([[1]], [[0.5]]), hypothesis(0.0, pitch_deg=60.0)) == []


def rows_of(found: list[Any]) -> list[int]:
    return [tile.row for tile in found]


@pytest.mark.parametrize("has", ["signatures", "features", "neither"])
def test_without_signatures_or_features_the_network_decides_alone(has: str) -> None:
    index = Index([[4, 2, 9]], [[0.9, 0.8, 0.1]], sizes=(160.0,) * 10)
    signatures = Signatures(np.arange(10)) if has == "signatures" else None
    views = [View()] if has == "features" else []
    found = propose(index, hypothesis(0.0), signatures=signatures, views=views)
    assert rows_of(found) == [4, 2, 9]
    assert [p.score for p in found] == pytest.approx([0.9, 0.8, 0.1])
    assert index.asked is not None
    assert index.asked[1] == 3  # so many as are wanted


SCORES = [[0.60, 0.58, 0.30, 0.31, 0.32, 0.30]]
LIKENESS = [2.0, 90.0, 100.0, 1.0, 3.0, 2.0]


def test_the_second_of_both_beats_the_first_of_one() -> None:
    index = Index([range(6)], SCORES, sizes=(160.0,) * 6)
    assert rows_of(propose(index, hypothesis(0.0)))[0] == 0
    found = propose(index, hypothesis(0.0), signatures=Signatures(LIKENESS), views=[View()])
    assert rows_of(found)[0] == 1


@pytest.mark.parametrize(("stretch", "shift"), [(1e-4, 0.0), (1e4, 7.0)])
def test_the_units_of_the_likeness_do_not_matter(stretch: float, shift: float) -> None:
    index = Index([range(6)], SCORES, sizes=(160.0,) * 6)
    plain, other = (
        propose(index, hypothesis(0.0), signatures=Signatures(likeness), views=[View()], count=6)
        for likeness in (LIKENESS, np.array(LIKENESS) * stretch + shift)
    )
    assert rows_of(other) == rows_of(plain)
    assert [p.score for p in other] == pytest.approx([p.score for p in plain], abs=1e-3)


def test_signatures_that_like_all_tiles_alike_leave_the_network_s_order() -> None:
    index = Index([range(6)], SCORES, sizes=(160.0,) * 6)
    found = propose(
        index, hypothesis(0.0), signatures=Signatures([0.0] * 6), views=[View()], count=6
    )
    assert rows_of(found) == rows_of(propose(index, hypothesis(0.0), count=6))
    assert np.isfinite([p.score for p in found]).all()


def test_a_network_that_likes_all_tiles_alike_leaves_the_signatures_order() -> None:
    index = Index([range(6)], [[0.4] * 6], sizes=(160.0,) * 6)
    found = propose(
        index, hypothesis(0.0), signatures=Signatures(LIKENESS), views=[View()], count=6
    )
    # Rows 0 and 5 are alike to both: the first comes first.
    assert rows_of(found) == [2, 1, 4, 0, 5, 3]


def test_tiles_of_one_score_come_by_row() -> None:
    index = Index([[7, 3, 5, 1]], [[0.5, 0.5, 0.5, 0.9]], sizes=(160.0,) * 8)
    assert rows_of(propose(index, hypothesis(0.0), count=4)) == [1, 3, 5, 7]
    found = propose(
        index, hypothesis(0.0), count=4, signatures=Signatures([3.0] * 8), views=[View()]
    )
    assert rows_of(found) == [1, 3, 5, 7]


def test_the_view_that_is_most_like_a_tile_counts() -> None:
    index = Index([range(6)], [[0.4] * 6], sizes=(160.0,) * 6)
    one, several = (
        propose(
            index, hypothesis(0.0), signatures=Signatures(LIKENESS), views=[*map(View, strengths)]
        )
        for strengths in ((1.0,), (0.1, 1.0, 0.5))
    )
    assert several == one


def test_signatures_are_asked_about_the_ground_of_a_tile() -> None:
    view = View()
    index = Index([range(3)], [[0.4] * 3], sizes=(80.0, 160.0, 160.0))
    propose(index, hypothesis(0.0), signatures=Signatures([1.0] * 3), views=[view])
    assert view.radius_m == 80.0


@pytest.mark.parametrize(
    ("tiles", "count", "depth"),
    [(300, 3, 300), (3000, 3, 2000), (3000, 2500, 2500), (50_000, 3, 2500)],
)
def test_signatures_are_asked_about_the_network_s_first_tiles(
    tiles: int, count: int, depth: int
) -> None:
    class Ordered(Index):
        def search(self, vectors: np.ndarray, k: int, rows: Any = None) -> SearchResult:
            self.answer = tuple(values[:, :k] for values in self.answer)  # type: ignore[assignment]
            return super().search(vectors, k, rows)

    order = np.arange(tiles)[None, ::-1]
    index = Ordered(order, np.linspace(0.9, 0.1, tiles)[None], sizes=(160.0,) * tiles)
    signatures = Signatures(np.zeros(tiles))
    propose(index, hypothesis(0.0), signatures=signatures, views=[View()], count=count)
    assert index.asked is not None
    assert index.asked[1] == depth
    assert [rows.tolist() for rows in signatures.asked] == [order[0, :depth].tolist()]


def test_many_turns_ask_about_no_more_tiles() -> None:
    index = Index([[0, 1, 2], [3, 4, 5]], [[0.9, 0.5, 0.1], [0.8, 0.6, 0.2]], sizes=(160.0,) * 6)
    signatures = Signatures([0.0, 0.0, 9.0, 0.0, 0.0, 9.0])
    found = propose(
        index,
        hypothesis(0.0),
        hypothesis(90.0),
        signatures=signatures,
        parameters=RetrievalParameters(depth_tiles=3),
        views=[View()],
        count=3,
    )
    assert [sorted(rows.tolist()) for rows in signatures.asked] == [[0, 3, 4]]
    assert rows_of(found) == [0, 3, 4]


def test_no_tile_to_choose_from_is_none_retrieved() -> None:
    index = Index([[-1, -1]], [[-np.inf, -np.inf]])
    none = np.zeros(0, np.int64)
    assert (
        propose(index, hypothesis(0.0), signatures=Signatures([1.0]), views=[View()], rows=none)
        == []
    )


@pytest.mark.parametrize(
    ("yaw_deg", "spot"), [(0.0, "top"), (90.0, "right"), (180.0, "bottom"), (270.0, "left")]
)
def test_pictures_are_turned_north_up(yaw_deg: float, spot: str) -> None:
    photo = np.full((240, 320, 3), 60, np.uint8)
    photo[70:90, 150:170] = 255  # ahead of the middle
    view = rectify(photo, CAMERA, Pose(0.0, -90.0, 0.0, 100.0), gsd_m=0.4)
    assert view is not None
    turned = north_up(view, yaw_deg, 128)
    rows, columns = np.nonzero(turned[..., 0] > 200)
    away = np.array([columns.mean() + 0.5 - 64, rows.mean() + 0.5 - 64])
    # 40 pixels ahead at 0.4 m each, in pixels of 0.4 m.
    directions = {"top": (0, -40), "right": (40, 0), "bottom": (0, 40), "left": (-40, 0)}
    assert away == pytest.approx(directions[spot], abs=0.6)


def test_what_the_photo_does_not_show_is_black() -> None:
    view = rectify(PHOTO, CAMERA, Pose(0.0, -90.0, 0.0, 50.0), gsd_m=0.5)
    assert view is not None
    picture = north_up(view, 45.0, 256)
    assert picture[0, 0].tolist() == [0, 0, 0]
    assert picture[128, 128].any()
