"""Weights in safetensors files: checksum, strict loading by name and shape, writing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from geoloc.errors import ModelError
from geoloc.models.card import CARD_NAME, WEIGHTS_NAME
from geoloc.storage.atomic import replacing

_MAX_NAMED = 5


def sha256_of(path: Path) -> str:
    """The checksum of a file, as 64 hexadecimal digits.

    Raises:
        ModelError: if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"no weights at {path} ({error.strerror}); expected the safetensors file that the "
            "model's card names; copy the whole model folder again",
            path=path,
        ) from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a safetensors file, on the CPU.

    Raises:
        ModelError: if the file is missing or is not a whole safetensors file.
    """
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path} cannot be read as safetensors ({error}); expected a whole file of weights; "
            "copy the model folder again",
            path=path,
        ) from error


def load_strictly(network: nn.Module, tensors: Mapping[str, Tensor], *, path: Path) -> None:
    """Put `tensors` into `network`; half precision becomes what the network computes in.

    Args:
        network: Network that the card describes.
        tensors: Tensors of the file at `path`.
        path: Named by errors.

    Raises:
        ModelError: if a tensor is missing, left over, or of another shape; they are named.
    """
    check_fit(
        network,
        tensors,
        path=path,
        owner="the network of its card",
        advice="check [options] in model.toml",
    )
    network.load_state_dict(tensors, strict=True)


def check_fit(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    *,
    path: Path,
    owner: str,
    advice: str,
    names: Mapping[str, str] | None = None,
) -> None:
    """Refuse tensors of which one is missing, left over, or of another shape.

    Args:
        network: Network that they shall fit.
        tensors: The tensors by the network's names.
        path: The file that they come from.
        owner: Name of the network in the message.
        advice: Last part of the message: what to do.
        names: The file's name of each tensor, where it is not the network's.

    Raises:
        ModelError: if there is such a tensor; the first few are named.
    """
    wanted = network.state_dict()
    names = names or {}
    # Shapes first: of another network, they say more than the hundreds of names that differ.
    faults = [
        *(
            f"{names.get(key, key)} is {tuple(tensors[key].shape)}, not {tuple(value.shape)}"
            for key, value in wanted.items()
            if key in tensors and tensors[key].shape != value.shape
        ),
        *(f"missing {key}" for key in wanted if key not in tensors),
        *(f"left over {names.get(key, key)}" for key in tensors if key not in wanted),
    ]
    if faults:
        raise ModelError(
            f"{path} does not fit {owner}: {first_few(faults)}; expected exactly its "
            f"{len(wanted)} tensors; {advice}",
            path=path,
        )


def first_few(faults: Sequence[str]) -> str:
    """The first few of many faults, and how many more there are."""
    more = len(faults) - _MAX_NAMED
    return "; ".join(faults[:_MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")


def write_tensors(network: nn.Module, path: Path) -> str:
    """Write a network's weights, whole or not at all, and return their checksum.

    The same weights always make the same file: safetensors writes metadata in any order, so the
    file carries none but what readers of other tools expect.
    """
    with replacing(path) as draft:
        draft.write_bytes(_serialised(network))
    return sha256_of(path)


def write_model(network: nn.Module, folder: Path, card_of: Callable[[str], str]) -> None:
    """Write weights and card, in the place of those that may be there, one right after the other.

    Both are whole before the first takes its name; weights of another card are never loaded.

    Args:
        network: Its weights are written.
        folder: The model folder; it exists.
        card_of: Text of the card, from the checksum of the weights.
    """
    with replacing(folder / CARD_NAME) as card, replacing(folder / WEIGHTS_NAME) as weights:
        weights.write_bytes(_serialised(network))
        card.write_text(card_of(sha256_of(weights)), encoding="utf-8")


def _serialised(network: nn.Module) -> bytes:
    tensors = {
        key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()
    }
    # Not save_file: it makes a file that only its owner may read.
    return safetensors.torch.save(tensors, metadata={"format": "pt"})
