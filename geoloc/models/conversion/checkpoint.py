"""Checkpoint files of other projects: read safely, renamed, fitted to our networks, written."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from geoloc.errors import ModelError
from geoloc.models.conversion.tensor_names import Layout, Renaming, rename
from geoloc.models.weights import check_fit, first_few, read_tensors
from geoloc.storage.atomic import replacing

_WRAPPERS = ("state_dict", "model_state_dict", "model", "extractor")  # the last is DISK's
_PARALLEL = "module."

# ConvNeXts of timm by the channels of their stem and the blocks of their stages.
_CONVNEXTS: dict[tuple[int, tuple[int, ...]], str] = {
    (32, (2, 2, 4, 2)): "convnext_zepto_rms",
    (40, (2, 2, 6, 2)): "convnext_atto",
    (48, (2, 2, 6, 2)): "convnext_femto",
    (64, (2, 2, 6, 2)): "convnext_pico",
    (80, (2, 2, 8, 2)): "convnext_nano",
    (96, (3, 3, 9, 3)): "convnext_tiny",
    (96, (3, 3, 27, 3)): "convnext_small",
    (128, (3, 3, 27, 3)): "convnext_base",
    (192, (3, 3, 27, 3)): "convnext_large",
    (256, (3, 3, 27, 3)): "convnext_xlarge",
}


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Every tensor of a downloaded checkpoint, on the CPU, in float32.

    Wrappers that training loops put around it (``state_dict``, ``module.``) are taken off.

    Raises:
        ModelError: if it cannot be read, or holds more than tensors. A pickle can run any code
            when it is read; one that asks for more than tensors is not read at all.
    """
    document = read_tensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    tensors = _unwrapped(document, path)
    if tensors and all(name.startswith(_PARALLEL) for name in tensors):
        tensors = {name.removeprefix(_PARALLEL): value for name, value in tensors.items()}
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
    }


def _read_pickle(path: Path) -> object:
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickle protocols that it may not know
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} holds more than tensors and is not read, because reading it could run any "
            "code; expected a checkpoint of tensors; ask its authors for a safetensors file",
            path=path,
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(
            f"{path} cannot be read as a checkpoint ({str(error) or 'it is empty'}); "
            "expected a whole .pth or .safetensors file; download it again",
            path=path,
        ) from error


def _unwrapped(document: object, path: Path) -> dict[str, Tensor]:
    """The tensors by name, of a checkpoint or of what is wrapped in it."""
    if isinstance(document, Mapping):
        for wrapper in _WRAPPERS:
            if isinstance(document.get(wrapper), Mapping):
                return _unwrapped(document[wrapper], path)
    if not isinstance(document, Mapping) or not document:
        raise _not_tensors(path, f"a {type(document).__name__}")
    others = [str(name) for name, value in document.items() if not isinstance(value, Tensor)]
    if others:
        raise _not_tensors(path, first_few(others))
    return {str(name): value for name, value in document.items()}


def _not_tensors(path: Path, found: str) -> ModelError:
    return ModelError(
        f"{path} holds {found} where tensors should be; expected tensors by their names; pass "
        "the file of weights alone, not a state of training",
        path=path,
    )


def renamed(tensors: Mapping[str, Tensor], layout: Layout, *, path: Path) -> Renaming:
    """What becomes of the names of a checkpoint, none of them being left over.

    Raises:
        ModelError: if there are names that the layout does not know, or none that it needs.
    """
    renaming = rename(tensors, layout)
    if renaming.left_over or not renaming.kept:
        fault = first_few(
            [f"left over {name}" for name in renaming.left_over] or ["nothing it needs"]
        )
        raise ModelError(
            f"{path} is not of this layout: {fault}; expected names like "
            f"{layout.renames[0].theirs}; choose another --as (see: geoloc models sources)",
            path=path,
        )
    return renaming


def fitted(
    network: nn.Module, tensors: Mapping[str, Tensor], names: Mapping[str, str], *, path: Path
) -> dict[str, Tensor]:
    """The tensors that a network needs, by its own names and in its own shapes.

    A linear layer is written as a 1x1 convolution where the network has one, and the other way.

    Args:
        network: Network that the tensors shall fit.
        tensors: Tensors by the names of the checkpoint.
        names: The checkpoint's name by the network's.
        path: Named by errors.

    Raises:
        ModelError: if tensors are missing, left over, or of other shapes; they are named.
    """
    wanted = network.state_dict()
    found = {
        ours: _as_linear_or_convolution(tensors[theirs], wanted.get(ours))
        for ours, theirs in names.items()
    }
    check_fit(
        network,
        found,
        path=path,
        owner="the network",
        advice="pass the --backbone that it was trained with",
        names=names,
    )
    return found


def _as_linear_or_convolution(value: Tensor, like: Tensor | None) -> Tensor:
    if like is None:
        return value
    longer, shorter = sorted((value.shape, like.shape), key=len, reverse=True)
    is_pointwise = len(longer) == 4 and longer[:2] == shorter and longer[2:] == (1, 1)
    return value.reshape(like.shape) if is_pointwise else value


def recognise_convnext(shapes: Mapping[str, torch.Size]) -> str | None:
    """timm's name of the ConvNeXt whose tensors (by our names) these are; None if unknown."""
    stem = shapes.get("backbone.stem.0.weight")
    if stem is None:
        return None
    blocks = {
        tuple(name.split(".")[2:5:2])
        for name in shapes
        if name.startswith("backbone.stages.") and ".blocks." in name
    }
    depths = tuple(sum(stage == str(i) for stage, _ in blocks) for i in range(4))
    return _CONVNEXTS.get((stem[0], depths))


def write_checkpoint(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors as ``.pth`` or safetensors, whole or not at all."""
    with replacing(path) as draft:
        if path.suffix == ".pth":
            # To a stream: torch notes the name of a file in its bytes, and a draft's is random.
            with draft.open("wb") as stream:
                torch.save(dict(tensors), stream)
        else:
            save_file(dict(tensors), draft, metadata={"format": "pt"})
