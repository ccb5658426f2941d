"""Evidence of learned matchers on the scale of the posterior: a log-likelihood ratio.

How many squares of the photo agree with one camera at a place, and how many on the mirrored map,
become the logarithm of how much likelier that is where the photo was taken than elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from geoloc.options import LearnedMatcher

# So many hints more than by chance were never seen at a wrong place.
_BEYOND_DOUBT = 25


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
    """A log-likelihood ratio, linear in the hints beyond those by chance.

    Attributes:
        silent: Its value where no hint agrees.
        slope: Its rise with each.
        most: Its largest value: the logarithm of the wrong places that were tried. If none of them
            had hints, no more can be promised.
    """

    silent: float
    slope: float
    most: float

    def llr(self, hints: Hints) -> float:
        """The log-likelihood ratio of right against wrong that the hints give."""
        return min(self.most, self.silent + self.slope * excess_of(hints))


def excess_of(hints: Hints) -> int:
    """Hints beyond those by chance, from none to as many as leave no doubt: what is fitted to."""
    return min(_BEYOND_DOUBT, max(0, hints.agreeing - hints.by_chance))


# No right and wrong places were compared with this one: it says half of what xfeat does.
_UNFITTED = EvidenceCurve(silent=-1.6, slope=0.36, most=2.5)
CURVES: dict[LearnedMatcher, EvidenceCurve] = {
    # tests/benchmarks/matcher_evidence.py DATA with --photos ariel --every 8 --first 4, with
    # --photos fengyuan --every 5 --first 2, and both again with --right 0 --wrong 4: 32 right
    # places (hints by tenths 0 10 15 16 18 24 32 46 49 54 84) and 160 wrong ones (0 at 153 of them,
    # 8 at most). Of 79 places that votes proposed on the wrong map, 75 have 0 and none more than 8.
    "xfeat": EvidenceCurve(silent=-3.3, slope=0.73, most=5.1),
    # The same places: hints at right ones by tenths 0 6 14 34 47 57 67 84 99 111 122; at wrong ones
    # 7 once, and 0.
    "lightglue-disk": EvidenceCurve(silent=-2.3, slope=0.68, most=5.1),
    "loftr": _UNFITTED,
}


def matcher_llr(name: LearnedMatcher, hints: Hints) -> float:
    """The log-likelihood ratio of right against wrong that a matcher's hints at a place give."""
    return CURVES[name].llr(hints)
