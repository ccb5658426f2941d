"""Locate one drone photo: hypotheses, retrieval, voting, verification, posterior, estimate."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geoloc.arrays import Int64Array, RgbImage
from geoloc.geometry.camera import Camera
from geoloc.geometry.crs import LocalFrame, LonLat
from geoloc.geometry.ground import FLAT_GROUND, Ground
from geoloc.geometry.lens import lens_of
from geoloc.geometry.rectification import MAX_REACH
from geoloc.geometry.undistortion import undistort
from geoloc.image_size import ImageSize
from geoloc.index.map_index import MapIndex
from geoloc.locate.calibration import Calibration
from geoloc.locate.drone.final_camera import (
    FinalCamera,
    final_camera,
)
from geoloc.locate.drone.georeferencing import georeference
from geoloc.locate.drone.hypotheses import (
    HypothesisStage,
    ViewHypothesis,
    found_tilt,
    hypothesis_stages,
    other_tilts,
)
from geoloc.locate.drone.judging import judge
from geoloc.locate.drone.learned_verification import (
    LearnedVerification,
)
from geoloc.locate.drone.parameters import DRONE_PARAMETERS, DroneParameters
from geoloc.locate.drone.posterior import Posterior, posterior
from geoloc.locate.drone.retrieval import Retriever
from geoloc.locate.drone.search import DroneSearch
from geoloc.locate.drone.verification import (
    CandidatePose,
    VerifiedPose,
)
from geoloc.locate.drone.view import PhotoView
from geoloc.locate.estimate import Estimate
from geoloc.locate.radii import ASSUMED_RADII, Radii
from geoloc.options import LocateOptions
from geoloc.photos.kind import camera_of
from geoloc.photos.metadata import PhotoMetadata
from geoloc.photos.photo import Photo
from geoloc.terrain.terrain import Terrain


@dataclass(frozen=True, kw_only=True)
class _Query:
    """One photo to locate.

    Attributes:
        pixels: (H, W, 3) uint8, upright.
        camera: Camera of the photo.
        rows: Tiles to search; None is all.
        check: Called between the hypotheses of a stage; may raise to end the work.
    """

    pixels: RgbImage
    camera: Camera
    rows: Int64Array | None
    check: Callable[[], None]


class DroneLocator:
    """Locates drone photos on one map; safe to use from several threads.

    Args:
        index: An opened index that keeps local features.
        search: Search of these features.
        options: What the user chose.
        open_retriever: Gives the retriever; called when the first photo needs it.
        learned_verification: Verification by a learned matcher; None is none.
        terrain: Heights of the ground; None is level ground.
        calibration: What the evidence is worth; None is the posterior's own curve.
        parameters: How to locate.
    """

    def __init__(
        self,
        index: MapIndex,
        search: DroneSearch,
        options: LocateOptions,
        *,
        open_retriever: Callable[[], Retriever],
        learned_verification: LearnedVerification | None = None,
        terrain: Terrain | None = None,
        calibration: Calibration | None = None,
        parameters: DroneParameters = DRONE_PARAMETERS,
    ) -> None:
        self.features = search.features
        self.calibration = calibration
        self._index = index
        self._search = search
        self._options = options
        self._open_retriever = open_retriever
        self._learned_verification = learned_verification
        self._terrain = terrain
        self._parameters = parameters
        self._opened_retriever: Retriever | None = None
        self._lock = threading.Lock()

    @property
    def needs_network(self) -> bool:
        """Whether the map is too large for all of it to vote."""
        features = self.features
        return features.is_lazy or len(features) > self._parameters.whole_map_features

    @property
    def _radii(self) -> Radii:
        """What radii are made of: as the user states, or was measured, or else is assumed."""
        measured = None if self.calibration is None else self.calibration.radii
        return (measured or ASSUMED_RADII).with_map_sd(self._options.map_sd_m)

    def hasty(self) -> DroneLocator:
        """The same that tries the first hypotheses only, for photos of which much is known.

        It asks no learned matcher: of a track, one photo is looked for often.
        """
        twin = copy.copy(self)
        twin._learned_verification = None
        twin._options = replace(self._options, effort="low")
        return twin

    def estimate(
        self,
        photo: Photo,
        metadata: PhotoMetadata,
        *,
        rows: Int64Array | None,
        check: Callable[[], None],
    ) -> Estimate | None:
        """The estimate of the best place; None when nothing on the map is like the photo.

        Args:
            photo: The photo, upright.
            metadata: What is known of it.
            rows: Tiles to search; None is all.
            check: Called between the hypotheses of a stage; may raise to end the work.
        """
        height_px, width_px = photo.pixels.shape[:2]
        camera, lens = camera_of(metadata, width_px, height_px), lens_of(metadata.distortion)
        photo = replace(photo, pixels=undistort(photo.pixels, camera, lens))
        found = self.posterior(photo, metadata, camera, rows=rows, check=check)
        if found is None:
            return None
        frame = self.features.regions[found.best.region].frame
        final = replace(self._final_camera(found.best, camera, metadata), stated=camera, lens=lens)
        size = ImageSize(photo.full_height_px, photo.full_width_px)
        return judge(
            georeference(found, final, frame, photo_size=size, radii=self._radii),
            found,
            metadata,
            self.features,
            size_px=(width_px, height_px),
            calibration=self.calibration,
        )

    def shows_enough(
        self, photo: Photo, metadata: PhotoMetadata, *, check: Callable[[], None]
    ) -> bool:
        """Whether the photo has enough keypoints to compare, under any hypothesis."""
        height_px, width_px = photo.pixels.shape[:2]
        camera = camera_of(metadata, width_px, height_px)
        query = _Query(pixels=photo.pixels, camera=camera, rows=None, check=check)
        stages = hypothesis_stages(
            metadata,
            self._options.effort,
            gsd_m=self.features.gsd_m,
            parameters=self._parameters.hypotheses,
        )
        return any(True for stage in stages for _ in self._views(query, stage))

    def posterior(
        self,
        photo: Photo,
        metadata: PhotoMetadata,
        camera: Camera,
        *,
        rows: Int64Array | None,
        check: Callable[[], None],
    ) -> Posterior | None:
        """The posterior after as many stages of hypotheses as it takes for one to be sure."""
        query = _Query(pixels=photo.pixels, camera=camera, rows=rows, check=check)
        verified, candidates = self._try_stages(query, metadata)
        if metadata.pitch_deg is None:
            verified += self._under_other_tilts(query, verified)
            verified += self._under_solved_tilts(query, metadata, verified)
        if self._learned_verification is not None and self._is_in_doubt(verified):
            verified = self._learned_verification.weigh(
                photo.pixels, camera, verified=verified, candidates=candidates, check=check
            )
        return self._posterior(verified)

    def _is_in_doubt(self, verified: Sequence[VerifiedPose]) -> bool:
        """Whether no place is sure."""
        found = self._posterior(verified)
        return found is None or found.probability < self._parameters.doubt_below

    def _posterior(self, verified: Sequence[VerifiedPose]) -> Posterior | None:
        return posterior(verified, self._parameters.posterior)

    def _try_stages(
        self, query: _Query, metadata: PhotoMetadata
    ) -> tuple[list[VerifiedPose], list[CandidatePose]]:
        """The places with evidence, and those that votes propose, of as many stages as it takes.

        Without even a hint of a place it takes no closer look, and gives up after a stage of all
        headings.
        """
        verified: list[VerifiedPose] = []
        candidates: list[CandidatePose] = []
        for stage in hypothesis_stages(
            metadata,
            self._options.effort,
            gsd_m=self.features.gsd_m,
            parameters=self._parameters.hypotheses,
        ):
            if self._is_closer_look(stage) and not self._has_hint(verified, candidates):
                continue
            for view, among in self._views_and_features(query, stage):
                query.check()
                proposals = self._search.propose(view, among=among)
                candidates += proposals.poses()
                verified += self._search.verify(proposals)
                found = self._posterior(verified)
                if found is not None and found.probability >= self._parameters.sure:
                    return verified, candidates
            is_everywhere = all(hypothesis.is_full_circle for hypothesis in stage)
            if is_everywhere and not self._has_hint(verified, candidates):
                break
        return verified, candidates

    def _has_hint(
        self, verified: Sequence[VerifiedPose], candidates: Sequence[CandidatePose]
    ) -> bool:
        """Whether a stage may find more of what those before it found a hint of.

        Where the network proposes tiles, each stage looks elsewhere, and says nothing of the next.
        """
        p = self._parameters
        if self._options.effort == "high" or self.needs_network:
            return True
        strength = max((one.peak.strength for one in candidates), default=0.0)
        score = max((one.score for one in verified), default=0.0)
        return strength >= p.hint_strength or score >= p.hint_score

    def _is_closer_look(self, stage: HypothesisStage) -> bool:
        """Whether a stage only lets more keypoints vote for what was tried already."""
        return all(
            not hypothesis.is_full_circle
            and hypothesis.keypoints > self._parameters.hypotheses.keypoints
            for hypothesis in stage
        )

    def _views_and_features(
        self, query: _Query, stage: HypothesisStage
    ) -> Iterator[tuple[PhotoView, Int64Array | None]]:
        """Views of a stage, each with the ids of the features to vote with; None is all."""
        if self.needs_network:
            # The hypotheses of a stage share the retrieved tiles, so all views come first.
            views = list(self._views(query, stage))
            retrieved = self._retrieved_features(query, stage, views)
            for view in views:
                yield view, retrieved
        else:
            # The next view is made only if the last one was not sure.
            allowed = None if query.rows is None else self._features_of(query.rows)
            for view in self._views(query, stage):
                yield view, allowed

    def _views(self, query: _Query, hypotheses: Iterable[ViewHypothesis]) -> Iterator[PhotoView]:
        """The photo under each hypothesis in turn, without those that show too little."""
        for hypothesis in hypotheses:
            query.check()
            view = self._search.view(query.pixels, query.camera, hypothesis)
            if view is not None:
                yield view

    def _under_other_tilts(
        self, query: _Query, verified: Sequence[VerifiedPose]
    ) -> list[VerifiedPose]:
        """The evidence for the best place under other pitches, unless it is beyond doubt."""
        p, places = self._parameters, self._posterior(verified)
        if places is None or places.best.agreeing_share >= p.right_pitch_share:
            return []
        found = places.best.resection.camera.pose
        tilted = other_tilts(found, gsd_m=self.features.gsd_m, parameters=p.hypotheses)
        return self._evidence_around(query, places.best, tilted)

    def _under_solved_tilts(
        self, query: _Query, metadata: PhotoMetadata, verified: Sequence[VerifiedPose]
    ) -> list[VerifiedPose]:
        """The evidence for the best place under the pitch that its own points speak for.

        A pitch between the ones that are tried distorts the view, and hides the points that would
        tell it; so it is solved, looked from, and solved again.
        """
        p = self._parameters
        evidence: list[VerifiedPose] = []
        for _ in range(p.solved_tilts):
            places = self._posterior([*verified, *evidence])
            if places is None or places.probability < p.worth_solving:
                break
            solved = self._final_camera(places.best, query.camera, metadata).solution
            away_deg = abs(solved.attitude.pitch_deg - places.best.supposed_pitch_deg)
            if away_deg < p.same_pitch_deg:
                break
            hypothesis = found_tilt(
                solved.placed.pose, gsd_m=self.features.gsd_m, parameters=p.hypotheses
            )
            tilted = replace(query, camera=solved.camera)
            evidence += self._evidence_around(tilted, places.best, (hypothesis,))
        return evidence

    def _evidence_around(
        self, query: _Query, place: VerifiedPose, stage: HypothesisStage
    ) -> list[VerifiedPose]:
        """The evidence of some views for places near one that was found."""
        height_m = place.resection.camera.pose.height_m
        middle = np.array([place.peak.x_m, place.peak.y_m])
        reach_m = MAX_REACH * height_m + self._parameters.tilt_margin_m
        around = self.features.in_box(place.region, middle - reach_m, middle + reach_m)
        evidence: list[VerifiedPose] = []
        for view in self._views(query, stage):
            evidence += self._search.verify(self._search.propose(view, among=around))
        return evidence

    def _final_camera(
        self, place: VerifiedPose, lens: Camera, metadata: PhotoMetadata
    ) -> FinalCamera:
        """The camera of a place, solved with all that is known."""
        return final_camera(
            place,
            lens,
            metadata,
            features=self.features,
            ground=self._ground_around(place),
            parameters=self._parameters.final_camera,
        )

    def _ground_around(self, place: VerifiedPose) -> Ground:
        """The ground that a place's photo may show, in its region's frame; z = 0 at the scene."""
        if self._terrain is None:
            return FLAT_GROUND
        x_m, y_m = place.peak.x_m, place.peak.y_m
        frame = self.features.regions[place.region].frame
        lon, lat = frame.to_lonlat([[x_m, y_m]])[0].tolist()
        reach_m = self._parameters.terrain_heights * place.resection.camera.pose.height_m
        ground = self._terrain.ground(LocalFrame(LonLat(lon, lat)), reach_m)
        if ground is None:
            return FLAT_GROUND
        return replace(ground, west_m=ground.west_m + x_m, north_m=ground.north_m + y_m)

    def _retrieved_features(
        self, query: _Query, stage: HypothesisStage, views: Sequence[PhotoView]
    ) -> Int64Array:
        """Ids of the features on the tiles that are retrieved for a stage."""
        tiles = self._retriever().retrieve(
            query.pixels,
            query.camera,
            stage,
            views=views,
            count=self._options.top_k,
            rows=query.rows,
        )
        return self._features_of(np.array([tile.row for tile in tiles], np.int64))

    def _features_of(self, rows: Int64Array) -> Int64Array:
        """Ids of the features on the ground of some tiles."""
        tiles = self._index.tiles
        half_m = tiles.ground_size_m[rows] / 2
        return self.features.in_squares(tiles.lon[rows], tiles.lat[rows], half_m)

    def _retriever(self) -> Retriever:
        with self._lock:
            if self._opened_retriever is None:
                self._opened_retriever = self._open_retriever()
            return self._opened_retriever
