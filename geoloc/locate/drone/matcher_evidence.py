"""Evidence of learned matchers on the scale of the posterior: a log-likelihood ratio.

How many squares of the photo agree with one camera at a place, and how many on the mirrored map,
become the logarithm of how much likelier that is where the photo was taken than elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from geoloc.options import LearnedMatcher


class Hints(NamedTuple):
    """Squares of the photo that agree with a fit.

    Attributes:
        agreeing: On the map.
        by_chance: On the mirrored map; 0 where the map itself has too few to ask.
    """

    agreeing: int
    by_chance: int


@dataclass(frozen=True)
class EvidenceCurve:
    """A log-likelihood ratio, linear in the logarithm of hints beyond chance.

    Attributes:
        silent: Its value where no hint agrees.
        slope: Its rise where one more than the hints, over one more than those by chance, grows
            e-fold.
        most: Its largest value: the logarithm of the wrong places that were tried. If none of them
            had hints, no more can be promised.
    """

    silent: float
    slope: float
    most: float

    def llr(self, hints: Hints) -> float:
        """The log-likelihood ratio of right against wrong that the hints give."""
        excess = excess_of(hints)
        return min(self.most, self.silent + self.slope * excess)


def excess_of(hints: Hints) -> float:
    """Logarithm of the hints against those by chance, at least 0; what the curves are fitted to."""
    return max(0.0, math.log1p(hints.agreeing) - math.log1p(hints.by_chance))


# No right and wrong places were compared with these: they say half of what xfeat does.
_UNFITTED = EvidenceCurve(silent=-0.9, slope=0.8, most=1.2)
CURVES: dict[LearnedMatcher, EvidenceCurve] = {
    # tests/benchmarks/matcher_evidence.py DATA, the first of ariel --every 8 --first 4 and of
    # fengyuan --every 5 --first 2: 16 right places (hints by tenths 0 8 12 17 19 21 44 47 53 56 84)
    # and 14 wrong ones (no hint at any).
    "xfeat": EvidenceCurve(silent=-2.1, slope=1.8, most=2.6),
    "lightglue-disk": _UNFITTED,
    "loftr": _UNFITTED,
}


def matcher_llr(name: LearnedMatcher, hints: Hints) -> float:
    """The log-likelihood ratio of right against wrong that a matcher's hints at a place give."""
    return CURVES[name].llr(hints)
