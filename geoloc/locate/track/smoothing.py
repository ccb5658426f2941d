"""Forward-backward over the candidate places of the photos of a track, with a state *none*.

A track is a chain with gaps: each photo is at one of its candidates or at none of them, and the
next photo that is somewhere is linked with the last one that was, whatever lies between. So a
wrong frame costs its own place, not those of its neighbours. Weights are ratios: the evidence of a
candidate against *none*, and a link against two places that know nothing of each other, which is
a link of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from geoloc.arrays import Float64Array

# Photos further apart in a track than this are not linked: between them lie enough that may be.
REACH = 12

# Log ratio (A, B) of each pair of candidates of two photos, the earlier photo first.
Link = Callable[[int, int], Float64Array]


def smooth(
    evidence: Sequence[Float64Array], link: Link, *, reach: int = REACH
) -> list[Float64Array]:
    """Probability of each candidate of each photo, given all photos of the track.

    Args:
        evidence: Log-odds (K,) of the candidates of each photo against *none*, in order of time.
        link: Log ratio (A, B) by which the candidates of two photos go together.
        reach: Photos that lie further apart in the list are not linked.

    Returns:
        (K,) a photo; what is missing to one is the probability of *none*.
    """
    links = _links(evidence, link, reach)
    forward = _sums(evidence, links, reach)
    count = len(evidence)
    turned = {(count - 1 - b, count - 1 - a): each.T for (a, b), each in links.items()}
    backward = _sums(evidence[::-1], turned, reach)[::-1]
    total = _total(forward)
    return [
        np.exp(np.minimum(0.0, ahead + behind - own - total))
        for ahead, behind, own in zip(forward, backward, evidence, strict=True)
    ]


def log_evidence(evidence: Sequence[Float64Array], link: Link, *, reach: int = REACH) -> float:
    """Log weight of all chains against all photos being nowhere: how well links suit the places.

    Arguments are those of `smooth`.
    """
    return _total(_sums(evidence, _links(evidence, link, reach), reach))


def _links(
    evidence: Sequence[Float64Array], link: Link, reach: int
) -> dict[tuple[int, int], Float64Array]:
    """The links of all pairs of photos within reach that may be somewhere."""
    return {
        (before, after): link(before, after)
        for after in range(len(evidence))
        for before in range(max(0, after - reach), after)
        if len(evidence[before]) and len(evidence[after])
    }


def _total(sums: Sequence[Float64Array]) -> float:
    return _log_sum([0.0, *(value for each in sums for value in each)])


def _sums(
    evidence: Sequence[Float64Array], links: dict[tuple[int, int], Float64Array], reach: int
) -> list[Float64Array]:
    """Log weight (K,) of all chains that end in each candidate of each photo."""
    sums: list[Float64Array] = []
    unlinked = 0.0  # log weight of the chains that end before all that is within reach, or nowhere
    for after, own in enumerate(evidence):
        first = max(0, after - reach)
        if first > 0:
            unlinked = _log_sum([unlinked, *sums[first - 1]])
        parts = [np.full((1, len(own)), unlinked)]
        parts += [
            sums[before][:, None] + links[before, after]
            for before in range(first, after)
            if (before, after) in links
        ]
        sums.append(own + np.logaddexp.reduce(np.vstack(parts), axis=0))
    return sums


def _log_sum(values: Sequence[float]) -> float:
    return float(np.logaddexp.reduce(np.asarray(values, np.float64)))
