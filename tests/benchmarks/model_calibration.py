"""Fit the calibration that comes with the descriptor's model, and judge it on maps held out.

    python tests/benchmarks/model_calibration.py TRAINING_DATA -o FILE [--photos N] [--work DIR]

TRAINING_DATA is the folder that the bundled models learn from. Of each map of `calibration_maps` N
photos are simulated, and N mirrored ones, which lie nowhere; what was found for them is the
calibration's evidence, and its file belongs beside the weights of the descriptor. An interrupted
run goes on where it stopped, and one with more photos takes those that there are. Each line of the
table judges a map by a fit to all the others.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from calibration_maps import NAMES, Lands

from geoloc.learning.calibration.degradation import DegradationParameters
from geoloc.learning.calibration.fitting import fit_calibration
from geoloc.learning.calibration.job import EvidenceRow
from geoloc.learning.calibration.map_job import Findings
from geoloc.learning.calibration.simulation import SimulationParameters
from geoloc.locate.calibration import Calibration, write_calibration
from geoloc.locate.drone.evidence import FEATURES, despite_pose
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.posterior import CONFIDENCE_RADIUS_M
from geoloc.locate.locator import Locator
from geoloc.options import LocateOptions
from geoloc.progress import Silent
from geoloc.results.reliability import auroc, calibration_error, reliability_bins

OPTIONS = LocateOptions(view="drone", matcher="none")
# Pictures of another date have seasons and changes of their own.
SIMULATION = SimulationParameters(degradation=DegradationParameters(least_detail=0.2))


def main() -> None:
    """Simulate and locate, a few photos of each map in turn; fit, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=20, help="of each map")
    parser.add_argument("--work", type=Path, help="keep maps and what was found here")
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        lands = Lands(given.data, given.work or Path(scratch))
        drones = {name: opened(lands, name) for name in NAMES}
        for photos in range(1, given.photos + 1):
            for name, (findings, drone) in drones.items():
                findings.complete(photos, drone, Silent())
                print(f"\r{photos} of {name} located   ", end="", file=sys.stderr, flush=True)
        found = {name: rows(findings, given.photos) for name, (findings, _) in drones.items()}
        checksum = next(iter(drones.values()))[1].features.kind.checksum
    print("| held out | answers, right ones | calibration error | AUROC |\n|---|---|---|---|")
    for name in found:
        print(row(name, found, checksum))
    write_calibration(fit(list(found), found, checksum), given.output)


def opened(lands: Lands, name: str) -> tuple[Findings, DroneLocator]:
    """What was found on a map, and what goes on finding."""
    index = lands.index(name)
    drone = Locator(index, OPTIONS, run_id="calibration").drone
    assert drone is not None
    drone.calibration = None
    return Findings(index, OPTIONS, SIMULATION), drone


def rows(findings: Findings, photos: int) -> list[EvidenceRow]:
    """The evidence for the answers on a map."""
    return [row for which in (False, True) for row in findings.rows(photos, mirrored=which)]


def fit(
    names: Sequence[str], found: Mapping[str, Sequence[EvidenceRow]], checksum: str
) -> Calibration:
    """The calibration of some maps."""
    chosen = [row for name in names for row in found[name]]
    return fit_calibration(
        chosen,
        features=FEATURES,
        source="model",
        descriptor=checksum,
        radius_m=CONFIDENCE_RADIUS_M,
        made_of=f"{len(chosen)} answers for simulated photos of {len(names)} maps, or mirrored",
    )


def row(held: str, found: Mapping[str, Sequence[EvidenceRow]], checksum: str) -> str:
    """A line of the table: a map, judged by what the others teach."""
    curve = fit([name for name in found if name != held], found, checksum)
    said = np.array([despite_pose(curve.probability(seen), seen) for seen, _ in found[held]])
    right = np.array([is_right for _, is_right in found[held]], bool)
    error = calibration_error(reliability_bins(said, right))
    figures = (error, auroc(said, right))
    shown = " | ".join("-" if value is None else f"{value:.3f}" for value in figures)
    return f"| {held} | {len(right)}, {right.sum()} | {shown} |"


if __name__ == "__main__":
    main()
