"""How well real drone photos are located: geoloc beside simpler ways, and its network alone.

    python tests/benchmarks/real.py DATA [--only PART ...] [--photos SET] [--every N]
                                         [--model NAME] [--descriptor NAME]
                                         [--effort low|normal|high] [--work DIR]
                                         [--first N] [--matcher none|xfeat|...]

DATA holds ``fengyuan/``, ``ariel/`` and ``distractors/*.tif``; these are not part of the project
(see `real_sets`). The parts:

    geoloc      each set on its own map, among foreign maps, with its metadata hidden, and on the
                other set's map, where nothing may be ``located``
    top50       the same, when only what the network proposes may vote (`real_locating`)
    ransac      SIFT, ratio test and RANSAC against the whole map (`real_baselines`)
    voting      SIFT voting over the whole map, and nothing after it
    retrieval   recall of the network alone, trained and untrained (`real_retrieval`)

With ``--model`` the indexes are those of another network, say of one adapted to the map.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import real_baselines
import real_locating
import real_retrieval
import real_scores
from real_sets import AWAY, HOME, SETS, Case, Ground

from geoloc.options import DEFAULT_DESCRIPTOR, DEFAULT_MODEL, Effort, MatcherName

Rows = Callable[[Case, Ground, Effort], Iterator[str]]

PARTS: dict[str, tuple[str, Rows, tuple[Case, ...]]] = {
    "geoloc": (real_scores.HEADER, real_locating.rows, HOME + AWAY),
    "top50": (real_scores.HEADER, real_locating.retrieved_rows, HOME),
    "ransac": (real_scores.HEADER, real_baselines.ransac_rows, HOME + AWAY),
    "voting": (real_scores.HEADER, real_baselines.voting_rows, HOME + AWAY),
    "retrieval": (real_retrieval.HEADER, real_retrieval.rows, HOME),
}


def main() -> None:
    """Build the indexes, run the parts, print a table; what is going on goes to stderr."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), default=tuple(PARTS))
    parser.add_argument("--photos", choices=SETS, help="only the photos of this set")
    parser.add_argument("--map", help="only this map: a set's, or with-distractors")
    parser.add_argument("--every", type=int, default=1, help="take each n-th photo only")
    parser.add_argument("--first", type=int, default=0, help="from this one on, counted from 0")
    parser.add_argument("--matcher", choices=get_args(MatcherName), default="none")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="of the indexes")
    parser.add_argument("--descriptor", default=DEFAULT_DESCRIPTOR, help="of geoloc's indexes")
    parser.add_argument("--effort", choices=("low", "normal", "high"), default="normal")
    parser.add_argument("--work", type=Path, help="keep tiles and indexes here, and reuse them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        ground = Ground(
            given.data,
            given.work or Path(scratch),
            given.every,
            given.model,
            given.descriptor,
            given.first,
            given.matcher,
        )
        header = None
        for part in given.only:
            its_header, rows, cases = PARTS[part]
            if header != its_header:
                print(header := its_header, flush=True)
            for case in cases:
                if given.photos in (None, case.photos) and given.map in (None, case.index):
                    run(part, rows, case, ground, given.effort)


def run(part: str, rows: Rows, case: Case, ground: Ground, effort: Effort) -> None:
    """Print the lines of one part and case."""
    began = time.perf_counter()
    print(f"... {part}: {case.photos} on {case.index}, told {case.told}", file=sys.stderr)
    for row in rows(case, ground, effort):
        print(row, flush=True)
    print(f"    {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
