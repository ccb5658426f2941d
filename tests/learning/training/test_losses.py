"""The losses: known values, symmetry, and the two readings of MEAN."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from geoloc.learning.training.losses import (
    MeanLoss,
    MeanWeights,
    SymmetricInfoNCE,
    WeightedInfoNCE,
    alignment_loss,
    classification_loss,
    info_nce,
)
from geoloc.models.nets.mean import MeanOutputs

BATCH = 4
ZERO = torch.tensor(0.0)


def _normals(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _units(seed: int, dimension: int = 8) -> Tensor:
    return functional.normalize(_normals(seed, BATCH, dimension), dim=1)


def _outputs(seed: int) -> MeanOutputs:
    one, two, three = (_normals(seed + i, BATCH, 10) for i in range(3))
    a, b, c = (_normals(seed + 10 + i, BATCH, 512) for i in range(3))
    aligned = _normals(seed + 20, BATCH, 512, 4).relu()
    pooled, features = _normals(seed + 21, BATCH, 16), _normals(seed + 22, BATCH, 16, 2, 2)
    return MeanOutputs(aligned, (one, two, three), (a, b, c), pooled, features)


def test_without_a_difference_all_of_the_batch_are_as_likely() -> None:
    same = torch.ones(BATCH, 1)
    assert float(info_nce(same, same, torch.tensor(2.0))) == pytest.approx(math.log(BATCH))


def test_partners_that_agree_cost_less_than_ones_that_do_not() -> None:
    one = _units(1)
    assert info_nce(one, one, torch.tensor(3.0)) < info_nce(one, one.flip(0), torch.tensor(3.0))


def test_the_order_of_the_views_does_not_matter() -> None:
    one, other = _units(1), _units(2)
    assert torch.allclose(info_nce(one, other, ZERO), info_nce(other, one, ZERO))


def test_label_smoothing_shares_a_tenth_among_the_batch() -> None:
    one, other = _units(1), _units(2)
    scores = one @ other.T
    sharp = info_nce(one, other, ZERO, label_smoothing=0.0)
    spread = (scores.logsumexp(0) - scores.mean(0) + scores.logsumexp(1) - scores.mean(1)) / 2
    expected = 0.9 * sharp + 0.1 * spread.mean()
    assert torch.allclose(info_nce(one, other, ZERO), expected)


def test_decoupled_a_candidate_is_compared_with_all_others() -> None:
    one, other = _units(1), _units(2)
    scores = 3.0 * one @ other.T
    losses = []
    for rows in (scores, scores.T):
        logs = torch.zeros(BATCH, BATCH)
        for i in range(BATCH):
            for j in range(BATCH):
                rest = [rows[i, k] for k in range(BATCH) if k != j]
                logs[i, j] = rows[i, j] - torch.stack(rest).logsumexp(0)
        losses.append(-(0.9 * logs.diagonal() + 0.1 * logs.mean(dim=1)).mean())
    found = SymmetricInfoNCE(temperature=1 / 3, decoupled=True)(one, other).detach()
    assert float(found) == pytest.approx(float(sum(losses)) / 2, abs=1e-5)


def test_decoupled_pairs_of_one_place_are_no_rivals() -> None:
    one, other = _units(1), _units(2)
    places = torch.tensor([4, 4, 7, 9])
    rivals = [[2, 3], [2, 3], [0, 1, 3], [0, 1, 2]]
    losses = []
    for rows in (one @ other.T, other @ one.T):
        logs = [rows[i, i] - rows[i, rivals[i]].logsumexp(0) for i in range(BATCH)]
        losses.append(-torch.stack(logs).mean())
    loss = SymmetricInfoNCE(0.0, temperature=1.0, decoupled=True)
    found = loss(one, other, places=places).detach()
    assert float(found) == pytest.approx(float(sum(losses)) / 2, abs=1e-5)


def test_decoupled_a_batch_that_is_sure_stays_finite() -> None:
    loss = SymmetricInfoNCE(temperature=1e-3, decoupled=True)
    vectors = torch.eye(BATCH, requires_grad=True)
    value = loss(vectors, torch.eye(BATCH))
    value.backward()
    assert bool(value.isfinite())
    assert vectors.grad is not None
    assert bool(vectors.grad.isfinite().all())


def test_without_wrong_queries_it_is_plain() -> None:
    one, other = _units(1), _units(2)
    none = torch.zeros(0, 8)
    assert torch.equal(info_nce(one, other, ZERO, wrong_queries=none), info_nce(one, other, ZERO))


@pytest.mark.parametrize("decoupled", [False, True])
def test_wrong_queries_join_what_a_reference_is_compared_with(decoupled: bool) -> None:
    one, other = _units(1), _units(2)
    wrong = torch.cat([_units(3), _units(4)])
    losses = []
    for rows, more in ((one @ other.T, torch.zeros(BATCH, 0)), (other @ one.T, other @ wrong.T)):
        logs = []
        for i in range(BATCH):
            rest = [rows[i, k] for k in range(BATCH) if k != i or not decoupled]
            logs.append(rows[i, i] - torch.stack([*rest, *more[i]]).logsumexp(0))
        losses.append(-torch.stack(logs).mean())
    found = info_nce(
        one, other, ZERO, label_smoothing=0.0, decoupled=decoupled, wrong_queries=wrong
    )
    assert float(found) == pytest.approx(float(sum(losses)) / 2, abs=1e-5)


def test_wrong_queries_of_the_same_place_are_its_own_pairs_alone() -> None:
    one, other, wrong = _units(1), _units(2), _units(3)
    places = torch.tensor([4, 4, 7, 9])
    rivals = [[0, 2, 3], [1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]]
    plain = info_nce(one, other, ZERO, label_smoothing=0.0, places=places)
    found = info_nce(one, other, ZERO, label_smoothing=0.0, places=places, wrong_queries=wrong)
    back, more = other @ one.T, other @ wrong.T
    added = [
        torch.cat([back[i, rivals[i]], more[i, rivals[i]]]).logsumexp(0)
        - back[i, rivals[i]].logsumexp(0)
        for i in range(BATCH)
    ]
    assert float(found - plain) == pytest.approx(float(sum(added)) / BATCH / 2, abs=1e-5)


def test_the_gradient_parts_a_tile_from_its_ring_at_a_wrong_heading() -> None:
    right, tiles = _units(1).requires_grad_(), torch.eye(BATCH, 8)
    wrong = _units(1).requires_grad_()  # as yet the network sees no difference
    info_nce(right, tiles, torch.tensor(2.0), wrong_queries=wrong).backward()
    assert right.grad is not None
    assert wrong.grad is not None
    assert bool(((-right.grad * tiles).sum(dim=1) > 0).all())
    assert bool(((-wrong.grad * tiles).sum(dim=1) < 0).all())


def test_the_temperature_of_the_module_is_learnt_and_starts_at_seven_hundredths() -> None:
    loss = SymmetricInfoNCE()
    loss(_units(1), _units(2)).backward()
    assert float(loss.log_scale.detach()) == pytest.approx(math.log(1 / 0.07))
    assert loss.log_scale.grad is not None
    assert torch.allclose(
        loss(_units(1), _units(2)), info_nce(_units(1), _units(2), loss.log_scale)
    )


def test_alignment_is_twice_the_cosine_distance_in_the_code() -> None:
    one, other = _normals(3, 1, 2, 2), torch.zeros(1, 2, 2)
    assert float(alignment_loss(one, one)) == pytest.approx(0.0, abs=1e-6)
    assert float(alignment_loss(one, -one)) == pytest.approx(4.0)
    other[0, 0, 0], one[0, 0, 0] = 1.0, 0.0
    assert float(alignment_loss(one, other)) == pytest.approx(2.0)


def test_the_error_that_the_paper_adds_is_next_to_nothing() -> None:
    one, other = _normals(4, BATCH, 512, 16), _normals(5, BATCH, 512, 16)
    cosine_distance = alignment_loss(one, other) / 2
    paper = alignment_loss(one, other, reading="paper")
    expected = cosine_distance * (1 + 2 / (512 * 16))
    assert float(paper) == pytest.approx(float(expected), rel=1e-6)


def test_classification_is_the_mean_over_the_heads() -> None:
    outputs, places = _outputs(30), torch.arange(BATCH)
    each = [functional.cross_entropy(logits, places) for logits in outputs.logits]
    assert torch.allclose(classification_loss(outputs, places), sum(each) / 3)


@pytest.mark.parametrize("reading", ["code", "paper"])
def test_the_total_is_the_weighted_sum_of_its_terms(reading: str) -> None:
    weights = MeanWeights(contrast=2.0, places=3.0, alignment=5.0)
    loss = MeanLoss(weights, reading=reading)  # type: ignore[arg-type]
    terms = loss(_outputs(30), _outputs(60), torch.arange(BATCH), ZERO)
    expected = 2 * terms.contrast + 3 * terms.places + 5 * terms.alignment
    assert torch.allclose(terms.total, expected)


def test_the_readings_contrast_different_features() -> None:
    queries, references = _outputs(30), _outputs(60)
    code = MeanLoss()(queries, references, torch.arange(BATCH), ZERO)
    paper = MeanLoss(reading="paper")(queries, references, torch.arange(BATCH), ZERO)
    pooled = [functional.normalize(each.pooled, dim=1) for each in (queries, references)]
    assert torch.allclose(code.contrast, info_nce(pooled[0], pooled[1], ZERO))
    parts = [
        info_nce(functional.normalize(one, dim=1), functional.normalize(other, dim=1), ZERO)
        for one, other in zip(queries.embeddings[:2], references.embeddings[:2], strict=True)
    ]
    assert torch.allclose(paper.contrast, (parts[0] + parts[1]) / 2)


def test_half_precision_is_summed_in_single() -> None:
    one, other = _units(1).bfloat16(), _units(2).bfloat16()
    assert info_nce(one, other, ZERO).dtype == torch.float32
    assert alignment_loss(one[:, :, None], other[:, :, None]).dtype == torch.float32


def _literal(scores: Tensor, smoothing: list[float], places: list[int]) -> float:
    """The weighted loss of one direction, sum by sum (Game4Loc)."""
    losses = []
    for i, row in enumerate(scores.tolist()):
        rivals = [s for j, s in enumerate(row) if j == i or places[j] != places[i]]
        largest = math.log(sum(math.exp(s) for s in rivals))
        mean = sum(rivals) / len(rivals)
        losses.append((1 - smoothing[i]) * (largest - row[i]) + smoothing[i] * (largest - mean))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("places", [None, [3, 8, 3, 3], [5, 5, 5, 5]])
def test_the_weighted_loss_is_that_of_its_definition(places: list[int] | None) -> None:
    loss, one, other = WeightedInfoNCE(), _units(1), _units(2)
    overlaps = [0.0, 0.3, 0.8, 1.0]
    smoothing = [1 - 1 / (1 + math.exp(-5 * w)) for w in overlaps]
    scores = one @ other.T / 0.07
    numbers = places or list(range(BATCH))
    expected = _literal(scores, smoothing, numbers) + _literal(scores.T, smoothing, numbers)
    given = None if places is None else torch.tensor(places)
    found = loss(one, other, torch.tensor(overlaps), places=given)
    assert float(found.detach()) == pytest.approx(expected / 2, rel=1e-5, abs=1e-6)


def test_the_weighted_loss_is_symmetric_and_learns_its_temperature() -> None:
    loss, one, other = WeightedInfoNCE(), _units(1), _units(2)
    overlaps = torch.tensor([0.1, 0.4, 0.6, 0.9])
    assert torch.allclose(loss(one, other, overlaps), loss(other, one, overlaps))
    loss(one, other, overlaps).backward()
    assert loss.log_scale.grad is not None


def test_a_pair_that_shares_no_ground_pulls_less_than_a_whole_one() -> None:
    pulls = []
    for overlap in (0.0, 1.0):
        one = _units(1).requires_grad_()
        overlaps = torch.tensor([overlap, 0.5, 0.5, 0.5])
        WeightedInfoNCE(temperature=1.0)(one, _units(2), overlaps).backward()
        assert one.grad is not None
        pulls.append(float(-(one.grad[0] * _units(2)[0]).sum()))
    assert pulls[0] < pulls[1]


def test_the_loss_is_torchs_cross_entropy_where_all_pairs_are_rivals() -> None:
    one, other = _units(1), _units(2)
    scores, partners = 5 * one @ other.T, torch.arange(BATCH)
    expected = [
        functional.cross_entropy(each, partners, label_smoothing=0.1) for each in (scores, scores.T)
    ]
    found = info_nce(one, other, torch.tensor(math.log(5.0)), places=partners)
    assert torch.allclose(found, (expected[0] + expected[1]) / 2)


def test_pairs_of_one_place_do_not_push_each_other_away() -> None:
    one, other = _units(1).requires_grad_(), _units(2)
    loss = SymmetricInfoNCE()
    loss(one, other, places=torch.tensor([0, 0, 1, 2])).backward()
    masked = one.grad
    moved = other.clone()
    moved[1] = -moved[1]
    one.grad = None
    loss(one, moved, places=torch.tensor([0, 0, 1, 2])).backward()
    assert masked is not None
    assert one.grad is not None
    assert torch.allclose(masked[0], one.grad[0], atol=1e-6)
    assert not torch.allclose(masked[2], one.grad[2], atol=1e-3)


def test_a_batch_of_one_place_costs_nothing() -> None:
    loss = SymmetricInfoNCE()(_units(1), _units(2), places=torch.zeros(BATCH, dtype=torch.int64))
    assert float(loss.detach()) == pytest.approx(0.0, abs=1e-6)
