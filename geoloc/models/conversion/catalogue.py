"""Catalogue of published weights for cross-view search: place, licence and data sets of each.

Facts as read in each project's repository. geoloc ships and downloads none of these weights: the
licence of a project's code says nothing certain about its weights, and still less about the
imagery that they were trained on. Whoever uses them decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from geoloc.image_size import ImageSize
from geoloc.models.view import View
from geoloc.options import DataSet, Project

_SQUARE = ImageSize(384, 384)
_NOT_STATED = "estimated, the data set does not state it; pass --ground-size if you know better"


@dataclass(frozen=True)
class TrainingImages:
    """What the images of a data set look like to a network.

    Attributes:
        title: The data set's name.
        view: The view beside the satellite's: ``ground`` (panoramas) or ``drone``.
        size_px: Size that Sample4Geo and its successors resize that view to.
        ground_size_m: Side of a satellite image on the ground.
        size_source: Source of that side.
        satellite_size_px: Size that satellite images are resized to.
    """

    title: str
    view: View
    size_px: ImageSize
    ground_size_m: float
    size_source: str = _NOT_STATED
    satellite_size_px: ImageSize = _SQUARE


DATA_SETS: dict[DataSet, TrainingImages] = {
    "vigor": TrainingImages("VIGOR", "ground", ImageSize(384, 768), 73.0, "640 pixels of 0.114 m"),
    "cvusa": TrainingImages("CVUSA", "ground", ImageSize(140, 768), 60.0),
    "cvact": TrainingImages("CVACT", "ground", ImageSize(140, 768), 144.0),
    "university1652": TrainingImages("University-1652", "drone", _SQUARE, 120.0),
    "sues200": TrainingImages("SUES-200", "drone", _SQUARE, 150.0),
    "gta_uav": TrainingImages("GTA-UAV", "drone", _SQUARE, 200.0),
    "uav_visloc": TrainingImages("UAV-VisLoc", "drone", _SQUARE, 200.0),
    "mapillary": TrainingImages(
        "Mapillary photos (CC BY-SA 4.0) and open orthophotos",
        "ground",
        ImageSize(480, 640),
        30.0,
        "side of a cell of its published configuration",
    ),
}


@dataclass(frozen=True)
class Source:
    """A project that publishes weights.

    Attributes:
        title: Its name.
        paper: Authors, venue, arXiv number.
        repository: Owner and name on GitHub; empty if there is no code.
        licence: Licence of its code; the weights have no licence of their own unless it says so
            here.
        weights: Place where they are published, by the host's own identifiers.
        backbone: timm's name of the backbone that is published.
        data_sets: What there are weights for; the first is taken when nothing is said, if all
            of them are of one view.
        is_colour_scale_of_backbone: Normalised as the backbone was pretrained; ImageNet's
            numbers otherwise.
    """

    title: str
    paper: str
    repository: str
    licence: str
    weights: str
    backbone: str
    data_sets: tuple[DataSet, ...]
    is_colour_scale_of_backbone: bool = False


_DRONE: tuple[DataSet, ...] = ("university1652", "sues200")

SOURCES: dict[Project, Source] = {
    "mean": Source(
        title="MEAN",
        paper="Chen, Yang, Rong, IEEE TGRS 2025, arXiv 2412.14819",
        repository="ISChenawei/MEAN",
        licence="Apache-2.0 (code)",
        weights="Google Drive folder 13aFkUDNzqOHAvDfaloh14RMvOuPZqi3G; "
        "Baidu 1QoYcr2XXy5z0oFh2Tzi40A, code 6666",
        backbone="convnext_tiny",
        data_sets=_DRONE,
    ),
    "sample4geo": Source(
        title="Sample4Geo",
        paper="Deuser, Habel, Oswald, ICCV 2023, arXiv 2303.11851",
        repository="Skyy93/Sample4Geo",
        licence="none stated: all rights reserved",
        weights="Google Drive folder 1PMuUqvDnCb216D8_ZDDJzDD3FxeH5BoA",
        backbone="convnext_base",
        data_sets=("cvusa", "cvact", "vigor", "university1652"),
        is_colour_scale_of_backbone=True,
    ),
    "dac": Source(
        title="DAC",
        paper="Xia et al., IEEE TCSVT 2024",
        repository="SummerpanKing/DAC",
        licence="Apache-2.0 (code)",
        weights="Google Drive file 140xgtckQkRwqgszD1wWiDH6lV7xufa8r",
        backbone="convnext_base",
        data_sets=_DRONE,
    ),
    "camp": Source(
        title="CAMP",
        paper="Wu et al., IEEE TGRS 2024",
        repository="Mabel0403/CAMP",
        licence="MIT (code)",
        weights="Google Drive, linked from its README: University-1652, SUES-200 at four heights",
        backbone="convnext_base",
        data_sets=_DRONE,
    ),
    "game4loc": Source(
        title="Game4Loc",
        paper="Ji et al., AAAI 2025, arXiv 2409.16925",
        repository="Yux1angJi/GTA-UAV",
        licence="Apache-2.0 (code)",
        weights="Hugging Face Yux1ang/gta_uav_pretrained_models; Baidu",
        backbone="vit_base_patch16_rope_reg1_gap_256",
        data_sets=("gta_uav", "uav_visloc", *_DRONE),
        is_colour_scale_of_backbone=True,
    ),
    "clnet": Source(
        title="CLNet",
        paper="Cao et al., arXiv 2512.14560",
        repository="",
        licence="no code or weights are published",
        weights="none found; this imports weights that geoloc itself has trained",
        backbone="",
        data_sets=("vigor", "cvusa", "cvact", "university1652", "sues200"),
    ),
    "statewide": Source(
        title="Statewide",
        paper="Fervers et al., ECCV 2024, arXiv 2409.16763",
        repository="fferflo/statewide-visual-geolocalization",
        licence="MIT (code); none stated for the weights",
        weights="Hugging Face fferflo/statewide-geoloc-nomassgis: weights/last.safetensors, "
        "and config.yaml, which belongs beside it",
        backbone="convnext_base",
        data_sets=("mapillary",),
    ),
}
