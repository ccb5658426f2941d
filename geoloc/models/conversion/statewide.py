"""Checkpoints of the statewide network: names and axes of Flax, and the settings beside them.

Flax flattens its tree with ``//``, counts a weight's outputs on the last axis, and lays images out
with their channels last. So values are turned as well as renamed, before anything looks at shapes:
a square matrix that nobody turned would fit, and be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from geoloc.errors import ModelError, one_line
from geoloc.image_size import ImageSize
from geoloc.models.nets.statewide import StatewideOptions

CONFIG_NAME = "config.yaml"
_PHOTO_PX = ImageSize(480, 640)
# Official crops are cut with south up; which way is up in a photo's surroundings, nobody knows.
_BEARING_DEG = 180.0
_WHITE = 255


def from_flax(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors with the axes of torch, by the names that the published file has.

    Some versions of their libraries write ``Norm_0`` for ``_Norm_0``, and ``Linear_0`` likewise.
    """
    named = {re.sub(r"//(Norm|Linear)_", r"//_\1_", name): value for name, value in tensors.items()}
    return {name: _turned(name, value).contiguous() for name, value in named.items()}


def _turned(name: str, value: Tensor) -> Tensor:
    if name.endswith("//kernel") and value.ndim == 4:
        return value.permute(3, 2, 0, 1)
    return value.T if _is_linear(name) and value.ndim == 2 else value


def _is_linear(name: str) -> bool:
    return re.search(r"//_Linear_\d+//weight$", name) is not None


def to_flax(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The opposite of `from_flax`; a linear layer that is a 1x1 convolution becomes one again."""
    turned = {
        name: value.permute(2, 3, 1, 0)
        if name.endswith("//kernel")
        else value.flatten(1).T
        if _is_linear(name)
        else value
        for name, value in tensors.items()
    }
    return {name: value.contiguous() for name, value in turned.items()}


@dataclass(frozen=True)
class StatewideSetup:
    """What a network of the project was trained with; the defaults are those that are published.

    Attributes:
        heads: Heads of its pools; None where nothing says so but the tensors.
        dimension: Length of its embeddings, likewise.
        scale: Length that its embeddings are brought to.
        photo_px: Size of a photo.
        crop_px: Side of a crop, pixels.
        gsds_m: (L,) metres a pixel of the crops, ascending.
        cell_m: Side of a cell on the ground.
        path: The file that says so, for errors.
    """

    heads: int | None = None
    dimension: int | None = None
    scale: float = StatewideOptions.scale
    photo_px: ImageSize = _PHOTO_PX
    crop_px: int = 384
    gsds_m: tuple[float, ...] = (0.2, 0.4, 0.8, 1.6)
    cell_m: float = 30.0
    path: Path = Path(CONFIG_NAME)

    def options(self, shapes: Mapping[str, torch.Size]) -> dict[str, Any]:
        """Options of the network that tensors of these shapes (by our names) belong to.

        Raises:
            ModelError: if the settings say otherwise.
        """
        heads, dimension = (
            shapes[name][0] if name in shapes else published
            for name, published in (
                ("pool.attend.weight", StatewideOptions.heads),
                ("pool.value.weight", StatewideOptions.dimension),
            )
        )
        for name, stated, found in (
            ("heads", self.heads, heads),
            ("embedding-channels", self.dimension, dimension),
        ):
            if stated not in (None, found):
                raise _unfit(self.path, f"model.{name} is {stated}, the weights have {found}")
        return {"heads": heads, "dimension": dimension, "scale": self.scale}

    def fill_card(self, document: dict[str, Any], *, cell_m: float | None) -> None:
        """Say in a card what the network sees of a cell, and how a photo becomes its input."""
        side_m = cell_m or self.cell_m
        document["tile"] = {
            "ground_size_m": side_m,
            "size_px": round(side_m / self.gsds_m[0]),
            "crops": {
                "ground_sizes_m": [round(gsd_m * self.crop_px, 6) for gsd_m in self.gsds_m],
                "size_px": self.crop_px,
                "bearing_deg": _BEARING_DEG,
                "fill": _WHITE,
            },
        }
        document["input"] |= {
            "ground_fit": "letterbox",
            "size": {"satellite": [self.crop_px, self.crop_px], "ground": list(self.photo_px)},
        }


def read_setup(path: Path) -> StatewideSetup:
    """The settings that lie beside a checkpoint, or the published ones where none do.

    Raises:
        ModelError: if they are not readable, or those of a network that is built otherwise.
    """
    if not path.is_file():
        return StatewideSetup()
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unfit(path, one_line(error, limit=200)) from error
    try:
        return _setup(document, path)
    except KeyError as error:
        raise _unfit(path, f"{error.args[0]} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise _unfit(path, str(error)) from error


def _setup(document: Any, path: Path) -> StatewideSetup:
    """Raises KeyError, TypeError, ValueError or AttributeError for anything amiss."""
    model, data = document["model"], document["data"]
    for view in ("pv", "aerial"):
        for part, kind in (("encoder", "ConvNeXt"), ("decoder", "SpatialSoftmax")):
            stated = str(model[f"{view}-{part}"])
            if kind not in stated.split("."):
                raise _unfit(path, f"model.{view}-{part} is {stated}")
    if model.get("pv-aerial-shared-encoder", False):
        raise _unfit(path, "model.pv-aerial-shared-encoder is true")
    height_px, width_px = (int(side) for side in data["aerial-shape"])
    if height_px != width_px:
        raise ValueError(f"data.aerial-shape is {height_px} x {width_px}, which is no square")
    gsds_m = tuple(sorted(float(gsd_m) for gsd_m in data["meters-per-pixel"]))
    if not gsds_m or gsds_m[0] <= 0:
        raise ValueError(f"data.meters-per-pixel is {list(gsds_m)}")
    return StatewideSetup(
        int(model["heads"]),
        int(model["embedding-channels"]),
        float(model["scale"]["init"]),
        ImageSize(*(int(side) for side in data["pv-shape"])),
        height_px,
        gsds_m,
        float(data["cell-size-meters"]),
        path,
    )


def _unfit(path: Path, fault: str) -> ModelError:
    return ModelError(
        f"{path} does not fit: {fault}; expected the {CONFIG_NAME} of a statewide network of two "
        "ConvNeXt encoders with SpatialSoftmax decoders; import the weights that belong to it, "
        "or from a folder without that file",
        path=path,
    )
