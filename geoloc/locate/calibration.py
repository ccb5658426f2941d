"""Calibration: the evidence for an answer becomes the probability that it is right.

A logistic curve of a few features, fitted elsewhere (`geoloc.learning.calibration`) on photos whose
place is known, and kept as a small JSON; what applies it is numpy alone. Beside the curve it keeps
the outcomes of the photos that it was fitted on, each judged by a curve that had not seen it: they
are what a promise about wrong answers rests on.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from scipy.stats import binom

from geoloc.arrays import Float64Array
from geoloc.errors import IndexFolderError, OptionError
from geoloc.locate.radii import Radii
from geoloc.storage.atomic import write_text

CALIBRATION_FILE = "calibration.json"
FORMAT = 1
# What a curve was fitted on: photos of the index's own ground, the map itself, many maps.
CalibrationSource = Literal["photos", "map", "model"]
# A promise about wrong answers holds with this probability over the choice of the photos.
PROMISE_DOUBT = 0.1


class Outcome(NamedTuple):
    """A photo whose place is known: its evidence, and whether the answer was right.

    Attributes:
        evidence: Values of the features.
        is_right: Whether the answer lay within the radius.
        confidence: What a curve that had not seen the photo said.
    """

    evidence: tuple[float, ...]
    is_right: bool
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A logistic curve of the evidence.

    Attributes:
        source: What it was fitted on.
        descriptor: Checksum of the descriptor whose evidence it judges.
        radius_m: An answer is right when it lies within so many metres of the truth.
        features: Names of the features.
        mean: Their means over the photos of the fit.
        scale: Their standard deviations.
        low: The least values that were seen; evidence beyond counts as these.
        high: The largest.
        weights: Of the features in standard deviations from their mean.
        intercept: Log-odds where all features are as in the mean.
        outcomes: The photos of the fit.
        made_of: The photos of the fit in words.
        tiles: Checksums of the tiles of the index whose ground it was fitted on
            (`geoloc.index.manifest.Recipe`); none for any ground.
        radii: What radii are made of on its ground; None where that was not measured.
    """

    source: CalibrationSource
    descriptor: str
    radius_m: float
    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    outcomes: tuple[Outcome, ...] = field(default=(), repr=False)
    made_of: str = ""
    tiles: tuple[str, ...] = ()
    radii: Radii | None = None

    @property
    def kind(self) -> str:
        """What `conf_kind` says of it."""
        return f"calibrated:{self.source}"

    @property
    def digest(self) -> str:
        """A short name that no other calibration has."""
        return hashlib.sha256(calibration_text(self).encode()).hexdigest()[:12]

    def probability(self, evidence: Sequence[float]) -> float:
        """Probability that an answer with this evidence is right."""
        seen = np.clip(np.asarray(evidence, np.float64), self.low, self.high)
        odds = float(self.intercept + (seen - self.mean) / self.scale @ np.array(self.weights))
        return 1 / (1 + math.exp(-odds))

    def least_confidence(self, max_wrong: float) -> float:
        """Confidence from which on no more than a share of the answers is wrong.

        Learn-then-test (Angelopoulos et al. 2021): thresholds are tested from a strict one down, as
        long as the outcomes refute that more is wrong. It holds with 90 % probability for photos
        that are drawn like those of the calibration.

        Raises:
            OptionError: Too few photos were seen for that promise, or too many of them are wrong.
        """
        needed = math.ceil(math.log(PROMISE_DOUBT) / math.log(1 - max_wrong))
        confidence = np.array([one.confidence for one in self.outcomes])
        wrong = np.array([not one.is_right for one in self.outcomes], bool)
        order = np.argsort(-confidence, kind="stable")
        kept, found = len(order), None
        for level in np.unique(confidence[order][needed - 1 :])[::-1]:
            accepted = confidence >= level
            kept = int(accepted.sum())
            if binom.cdf(int(wrong[accepted].sum()), kept, max_wrong) > PROMISE_DOUBT:
                break
            found = float(level)
        if found is None:
            raise OptionError(_no_promise(max_wrong, needed, len(order)))
        return found


def _no_promise(max_wrong: float, needed: int, count: int) -> str:
    why = f"too many of the surest of the {count} photos that were calibrated with were wrong"
    if count < needed:
        why = f"it takes {needed} photos of known place or more, and {count} were calibrated with"
    return (
        f"--max-wrong {max_wrong:g} cannot be promised: {why}; run `geoloc calibrate` with more "
        "photos, or promise less"
    )


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration, whole or not at all."""
    write_text(path, calibration_text(calibration))


def calibration_text(calibration: Calibration) -> str:
    """A calibration as JSON, a photo a line."""
    document: dict[str, Any] = {"format": FORMAT}
    names = ("source", "descriptor", "radius_m", "made_of", "tiles", "features", "mean", "scale")
    for name in (*names, "low", "high", "weights", "intercept"):
        value = getattr(calibration, name)
        document[name] = list(value) if isinstance(value, tuple) else value
    document["radii"] = None if calibration.radii is None else asdict(calibration.radii)
    head = json.dumps(document, ensure_ascii=False, indent=2)[:-2]
    rows = ",\n".join(
        "    " + json.dumps([*map(_short, one.evidence), int(one.is_right), _short(one.confidence)])
        for one in calibration.outcomes
    )
    return f'{head},\n  "outcomes": [\n{rows}\n  ]\n}}\n'


@dataclass(frozen=True)
class KeptCalibration:
    """The calibration that may lie in an index, and what it has to speak of to serve.

    Attributes:
        path: Its file, which need not be there.
        descriptor: Checksum of what describes the map today.
        described_by: What that is, in a word.
        features: Names of the evidence that is gathered today.
        tiles: Digests of the tiles that the index holds.
    """

    path: Path
    descriptor: str
    described_by: str
    features: tuple[str, ...]
    tiles: tuple[str, ...]

    def serving(self) -> Calibration | None:
        """The calibration, if it speaks of what the index holds today.

        Raises:
            IndexFolderError: It cannot be read.
        """
        found = self._read()
        return found if found is not None and self._misfit(found) is None else None

    def notes(self) -> list[str]:
        """What a user should know of one that does not serve.

        Raises:
            IndexFolderError: It cannot be read.
        """
        found = self._read()
        misfit = None if found is None else self._misfit(found)
        if misfit is None:
            return []
        return [
            f"{self.path} does not serve: it was made {misfit}; run `geoloc calibrate` again, or "
            "remove it"
        ]

    def _read(self) -> Calibration | None:
        return read_calibration(self.path) if self.path.is_file() else None

    def _misfit(self, calibration: Calibration) -> str | None:
        """Why a calibration says nothing of the index; None if it does.

        An index that was added to still holds the ground of before.
        """
        if calibration.descriptor != self.descriptor:
            return f"with another {self.described_by}"
        if calibration.features != self.features:
            return "by another version of geoloc, from other evidence"
        if calibration.tiles != self.tiles[: len(calibration.tiles)]:
            return "on other tiles than those that the index holds now"
        return None


def read_calibration(path: Path) -> Calibration:
    """The calibration of a file.

    Raises:
        IndexFolderError: It cannot be read, or is of a newer version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT or document["source"] not in get_args(CalibrationSource):
            raise ValueError(f"of the form {document['format']}, expected {FORMAT}")
        return _calibration(document)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexFolderError(
            f"cannot read the calibration {path} ({error}); run `geoloc calibrate` again or remove "
            "the file",
            path=path,
        ) from error


def _calibration(document: dict[str, Any]) -> Calibration:
    count = len(document["features"])
    columns = {}
    for name in ("mean", "scale", "low", "high", "weights"):
        columns[name] = tuple(float(value) for value in document[name])
        if len(columns[name]) != count or not np.isfinite(columns[name]).all():
            raise ValueError(f"{name} has {len(columns[name])} numbers, expected {count}")
    outcomes = tuple(
        Outcome(tuple(map(float, row[:-2])), bool(row[-2]), float(row[-1]))
        for row in document["outcomes"]
    )
    return Calibration(
        source=document["source"],
        descriptor=str(document["descriptor"]),
        radius_m=float(document["radius_m"]),
        features=tuple(document["features"]),
        intercept=float(document["intercept"]),
        outcomes=outcomes,
        made_of=str(document["made_of"]),
        tiles=tuple(map(str, document.get("tiles", ()))),
        radii=_radii(document.get("radii")),
        **columns,
    )


def _radii(found: dict[str, Any] | None) -> Radii | None:
    if found is None:
        return None
    radii = Radii(float(found["camera"]), float(found["map_sd_m"]), int(found["n"]))
    if not (0 <= radii.camera < math.inf and 0 <= radii.map_sd_m < math.inf):
        raise ValueError(f"radii are {found}, expected finite numbers of 0 or more")
    return radii


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def evidence_matrix(outcomes: Sequence[Outcome]) -> Float64Array:
    """The evidence (N, F) of outcomes."""
    return np.array([one.evidence for one in outcomes], np.float64)
