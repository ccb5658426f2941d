"""Reading weights strictly: the checksum first, then every tensor by its name and shape."""

from __future__ import annotations

import hashlib
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from geoloc.errors import ModelError

_NAMED_AT_MOST = 5


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


def load_strictly(network: nn.Module, tensors: dict[str, Tensor], *, path: Path) -> None:
    """Put `tensors` into `network`; half precision becomes what the network computes in.

    Args:
        network: What the card describes.
        tensors: What the file at `path` holds.
        path: Named by errors.

    Raises:
        ModelError: if a tensor is missing, left over, or of another shape; all are named.
    """
    wanted = network.state_dict()
    faults = [
        *(f"missing {key}" for key in wanted if key not in tensors),
        *(f"left over {key}" for key in tensors if key not in wanted),
        *(
            f"{key} is {tuple(tensors[key].shape)}, not {tuple(wanted[key].shape)}"
            for key in wanted
            if key in tensors and tensors[key].shape != wanted[key].shape
        ),
    ]
    if faults:
        more = len(faults) - _NAMED_AT_MOST
        shown = "; ".join(faults[:_NAMED_AT_MOST]) + (f"; and {more} more" if more > 0 else "")
        raise ModelError(
            f"{path} does not fit the network of its card: {shown}; expected exactly the "
            f"{len(wanted)} tensors of that network; check [options] in model.toml",
            path=path,
        )
    network.load_state_dict(tensors, strict=True)


def write_tensors(network: nn.Module, path: Path) -> str:
    """Write a network's weights under a temporary name, rename, and return the checksum.

    The same weights always make the same file: safetensors writes metadata in any order, so the
    file carries none but what readers of other tools expect.
    """
    tensors = {
        key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()
    }
    temporary = path.with_name(path.name + ".tmp")
    # Not save_file: it makes a file that only its owner may read.
    temporary.write_bytes(safetensors.torch.save(tensors, metadata={"format": "pt"}))
    temporary.replace(path)
    return sha256_of(path)
