"""What `scale.py` measures, one thing a process; prints JSON.

python tests/benchmarks/scale_run.py locate INDEX DATA WORK SET TOLD EVERY
python tests/benchmarks/scale_run.py retrieve INDEX DATA WORK SET TOLD EVERY
python tests/benchmarks/scale_run.py index TILES FOLDER [--append]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

RETRIEVED = 50


def locate(index: Path, data: Path, work: Path, photos: str, told: str, every: int) -> Any:
    """Seconds, by the clock and of all cores, to open and of each photo; how many are right."""
    from real_sets import RIGHT_M, Case, Ground

    from geoloc.locate.job import locate_photos
    from geoloc.options import LocateOptions
    from geoloc.results.evaluation import evaluate_results

    ground, case = Ground(data, work, every), Case(photos, "", told)
    truth, paths = ground.truth(case), ground.paths(case)
    options = LocateOptions(metadata=ground.table(case), workers=1, track="none")
    clocks, results = [_clocks()], []
    coming = locate_photos(paths, index, options)
    clocks.append(_clocks())
    for result in coming:
        clocks.append(_clocks())
        results.append(result)
    seconds = [[b - a for a, b in zip(*pair, strict=True)] for pair in pairwise(clocks)]
    errors = evaluate_results(results, truth, point=case.point).errors_m
    located = [result.status == "located" for result in results]
    right = [
        is_located and (errors[row.photo] or 0.0) <= RIGHT_M[photos]
        for row, is_located in zip(truth, located, strict=True)
    ]
    return {
        "open": seconds[0],
        "photos": seconds[1:],
        "located": sum(located),
        "right": sum(right),
        "n": len(truth),
    }


def retrieve(index: Path, data: Path, work: Path, photos: str, told: str, every: int) -> Any:
    """Rank of the first right tile of each photo, among those that are retrieved; 0 is none."""
    from real_retrieval import first_right, right_tiles, signatures_of, views_of
    from real_sets import Case, Ground, photos_of, true_point

    from geoloc.index.map_index import MapIndex
    from geoloc.locate.drone.hypotheses import hypothesis_stages
    from geoloc.locate.drone.retrieval import Retriever
    from geoloc.models.embedder import Embedder
    from geoloc.photos.kind import camera_of

    ground, case, opened = Ground(data, work, every), Case(photos, "", told), MapIndex.open(index)
    signatures, extractor = signatures_of(opened)
    retriever = Retriever(opened, Embedder(opened.card.folder), signatures=signatures)
    ranks = []
    for row, photo, known in photos_of(ground, case):
        height, width = photo.pixels.shape[:2]
        hypotheses = next(hypothesis_stages(known, "low", gsd_m=0.3))
        camera = camera_of(known, width, height)
        views = views_of(photo, camera, hypotheses, extractor)
        found = retriever.retrieve(photo.pixels, camera, hypotheses, views=views, count=RETRIEVED)
        point = true_point(row, case)
        right = right_tiles(opened, point.lon, point.lat)
        rank = first_right([tile.row for tile in found], right)
        ranks.append(int(rank) if rank <= RETRIEVED else 0)
    return {"ranks": ranks}


def index(tiles: Path, folder: Path, *more: str) -> Any:
    """Number of tiles added."""
    from geoloc.index.job import build_index
    from geoloc.options import IndexOptions

    return {"added": build_index(tiles, folder, IndexOptions(append="--append" in more)).added}


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _arguments(texts: list[str]) -> Iterator[Any]:
    for text in texts:
        yield Path(text) if "/" in text else int(text) if text.isdecimal() else text


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*_arguments(sys.argv[2:]))))
