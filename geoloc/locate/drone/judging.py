"""Judge the answer of a drone photo: its probability by a calibration, its radii by all places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from geoloc.geometry.crs import LonLat
from geoloc.index.features.feature_map import FeatureMap
from geoloc.locate.calibration import Calibration
from geoloc.locate.drone.evidence import despite_pose, evidence_of
from geoloc.locate.drone.posterior import Posterior
from geoloc.locate.estimate import RAYLEIGH_90, Estimate, count_modes
from geoloc.locate.ground_posterior import GroundPlace, GroundPosterior, with_best
from geoloc.photos.metadata import PhotoMetadata

# Places that the result keeps beside the best one, and the least probability of one.
_KEPT_PLACES = 5
_LEAST_PROBABILITY = 0.001


def judge(
    estimate: Estimate,
    posterior: Posterior,
    metadata: PhotoMetadata,
    features: FeatureMap,
    *,
    size_px: tuple[int, int],
    calibration: Calibration | None,
) -> Estimate:
    """The estimate with what all places together say: probability, radii, spread, candidates.

    Args:
        estimate: The estimate of the best place.
        posterior: The places that compete.
        metadata: What is known of the photo.
        features: Features of the map, whose regions the places are of.
        size_px: Width and height of the photo that was searched, pixels.
        calibration: What the evidence is worth; None leaves the probability as it is.
    """
    ground = _on_the_ground(estimate, posterior, features)
    evidence = evidence_of(posterior, metadata, size_px=size_px)
    probability, kind = posterior.probability, "uncalibrated"
    if calibration is not None:
        probability, kind = calibration.probability(evidence), calibration.kind
        probability = _with_matcher(probability, posterior.best.matcher_llr)
    probability = despite_pose(probability, evidence)
    if probability != posterior.probability:
        ground = with_best(ground, probability)
    probabilities = [place.probability for place in ground.places]
    return replace(
        estimate,
        probability=probabilities[0],
        conf_kind=kind,
        ce90_m=max(estimate.ce90_m, ground.radius_m(0.90)),
        acc95_m=max(estimate.acc95_m, ground.radius_m(0.95)),
        n_modes=count_modes(probabilities),
        spread_m=ground.spread_m(),
        candidates=_worth_keeping(ground.places),
        evidence=evidence,
    )


def _with_matcher(probability: float, matcher_llr: float | None) -> float:
    """A calibrated probability after what a learned matcher says, which no calibration has seen."""
    against = (1 - probability) * math.exp(-(matcher_llr or 0.0))
    return probability / (probability + against)


def _on_the_ground(
    estimate: Estimate, posterior: Posterior, features: FeatureMap
) -> GroundPosterior:
    """The places in lon, lat; all are known about as well as the best would be."""
    sd_m = estimate.ce90_m / RAYLEIGH_90
    places = [GroundPlace(estimate.position, sd_m, posterior.probability)]
    others = zip(posterior.places[1:], posterior.probabilities[1:], strict=True)
    for place, probability in others:
        frame = features.regions[place.region].frame
        lon, lat = frame.to_lonlat(np.array([place.resection.camera.position]))[0]
        places.append(GroundPlace(LonLat(float(lon), float(lat)), sd_m, probability))
    return GroundPosterior(tuple(places))


def _worth_keeping(places: Sequence[GroundPlace]) -> tuple[GroundPlace, ...]:
    """The best place, and those after it that have any probability."""
    likely = [one for one in places[1 : _KEPT_PLACES + 1] if one.probability >= _LEAST_PROBABILITY]
    return (places[0], *likely)
