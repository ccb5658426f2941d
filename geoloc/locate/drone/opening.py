"""Open what locates drone photos on an index: features, descriptor, retrieval, matcher."""

from __future__ import annotations

from collections.abc import Callable

from geoloc.errors import IndexFolderError
from geoloc.index.features.feature_map import FeatureMap
from geoloc.index.features.keypoints import DescriptorExtractor
from geoloc.index.features.signatures import Signatures
from geoloc.index.map_index import MapIndex
from geoloc.locate.drone.calibration_choice import find_calibration
from geoloc.locate.drone.learned_verification import open_learned_verification
from geoloc.locate.drone.locator import DroneLocator
from geoloc.locate.drone.parameters import DRONE_PARAMETERS, DroneParameters
from geoloc.locate.drone.retrieval import Retriever
from geoloc.locate.drone.search import DroneSearch
from geoloc.models.embedder import Embedder
from geoloc.options import LocateOptions
from geoloc.terrain.terrain import Terrain


def open_drone_locator(
    index: MapIndex,
    features: FeatureMap,
    options: LocateOptions,
    *,
    open_embedder: Callable[[], Embedder],
    terrain: Terrain | None = None,
    parameters: DroneParameters = DRONE_PARAMETERS,
) -> DroneLocator:
    """The locator of an index's drone photos.

    Args:
        index: An opened index that keeps local features.
        features: These features.
        options: What the user chose.
        open_embedder: Gives the network of the index; called when the first photo needs it.
        terrain: Heights of the ground; None is level ground.
        parameters: How to locate.

    Raises:
        DependencyError: The matcher's package or weights are not there.
        IndexFolderError: The index's descriptor is not the one that described the map, or its
            calibration cannot be read.
        ModelError: The matcher's file of weights is of another network.
        OptionError: The matcher's files are too few or too many.
        TilesError: The map's pixels, which a matcher needs, are not there any more.
    """

    # Now, before the first photo asks: another index may take the place of this one meanwhile.
    signatures = Signatures.open(features.folder)

    def open_retriever() -> Retriever:
        return Retriever(
            index, open_embedder(), signatures=signatures, parameters=parameters.retrieval
        )

    extractor = open_extractor(features, options.device)
    features.describe_with(extractor)
    search = DroneSearch(
        features,
        extractor=extractor,
        parameters=parameters.search,
        voting=parameters.voting,
        verification=parameters.verification,
    )
    return DroneLocator(
        index,
        search,
        options,
        open_retriever=open_retriever,
        learned_verification=open_learned_verification(
            index, features, options, parameters=parameters.learned_verification
        ),
        terrain=terrain,
        calibration=find_calibration(index, features),
        parameters=parameters,
    )


def open_extractor(features: FeatureMap, device: str) -> DescriptorExtractor | None:
    """What describes photos as the map's features are described; None is RootSIFT.

    Raises:
        IndexFolderError: The index's descriptor is not the one that described the map.
    """
    if features.descriptor_folder is None:
        return None
    from geoloc.index.features.descriptor import PatchNetExtractor  # brings torch

    extractor = PatchNetExtractor(features.descriptor_folder, device=device)
    if extractor.kind.checksum != features.kind.checksum:
        raise IndexFolderError(
            f"{features.descriptor_folder} is not the model that described the map; expected the "
            f"weights {features.kind.checksum[:12]}...; build the index again with --overwrite",
            path=features.descriptor_folder,
        )
    return extractor
