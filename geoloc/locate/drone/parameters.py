"""What tunes the locating of drone photos: the parameters of every step, and when a search ends."""

from __future__ import annotations

from dataclasses import dataclass

from geoloc.locate.drone.final_camera import FINAL_CAMERA, FinalCameraParameters
from geoloc.locate.drone.hypotheses import HYPOTHESES, HypothesisParameters
from geoloc.locate.drone.learned_verification import (
    LEARNED_VERIFICATION,
    LearnedVerificationParameters,
)
from geoloc.locate.drone.posterior import POSTERIOR, PosteriorParameters
from geoloc.locate.drone.retrieval import RETRIEVAL, RetrievalParameters
from geoloc.locate.drone.search import SEARCH, SearchParameters
from geoloc.locate.drone.verification import VERIFICATION, VerificationParameters
from geoloc.locate.drone.voting import VOTING, VotingParameters
from geoloc.locate.estimate import SURE


@dataclass(frozen=True, kw_only=True)
class DroneParameters:
    """All that tunes the locating of drone photos, step by step."""

    hypotheses: HypothesisParameters = HYPOTHESES
    retrieval: RetrievalParameters = RETRIEVAL
    search: SearchParameters = SEARCH
    voting: VotingParameters = VOTING
    verification: VerificationParameters = VERIFICATION
    learned_verification: LearnedVerificationParameters = LEARNED_VERIFICATION
    posterior: PosteriorParameters = POSTERIOR
    final_camera: FinalCameraParameters = FINAL_CAMERA
    # Up to this many features the whole map votes; beyond, the tiles that are retrieved.
    whole_map_features: int = 3_000_000
    # A posterior this sure ends the search: later hypotheses are not tried.
    sure: float = SURE
    # A learned matcher is asked where the best place is less probable than this.
    doubt_below: float = SURE
    # Photos that were found in the end had peaks of 134 and more and scores of 41 and more after
    # the first stage of all headings, under whatever pitch (fengyuan and ariel, n=26); on the wrong
    # map it left peaks of 69 and less and scores of 17 and less (n=17). Those that a closer look at
    # the stated heading brought further had 90 and 22 and more before it (n=11), photos on the
    # wrong map 69 and 12 and less (n=25).
    hint_strength: float = 80.0
    hint_score: float = 20.0
    # Of oblique photos that were found as if taken straight down, at most 8 % of the spots agreed
    # (fabricated, tilts from 45 degrees); of most nadir photos more agree than this share.
    right_pitch_share: float = 0.09
    # Other pitches are searched so far beyond what the found camera may see.
    tilt_margin_m: float = 100.0
    # The terrain is read so many flying heights around the scene: footprints end sooner.
    terrain_heights: float = 7.0
    # A place at least so probable is looked at again under the pitch that it is solved with, so
    # often, as long as that pitch differs by so much from the one that it was found under.
    worth_solving: float = 0.1
    solved_tilts: int = 3
    same_pitch_deg: float = 6.0


DRONE_PARAMETERS = DroneParameters()
