"""The state of a training run in its checkpoint, from which a killed run resumes bit for bit."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from geoloc.errors import ModelError, one_line
from geoloc.learning.training.recall import Recall
from geoloc.storage.atomic import replacing

CHECKPOINT_NAME = "checkpoint.pt"
_UNREADABLE = (
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    pickle.UnpicklingError,
)


@dataclass
class TrainingState:
    """How far a run has come, besides its weights.

    What chance decides inside the network is drawn anew from the seed at every step, and batches
    are functions of the step, so there is no state of random numbers to keep.

    Attributes:
        step: Batches that were learnt from.
        seconds: Time that they took, over all parts of the run.
        untrained: Measured before the first.
        best: Measured with the best weights.
        best_step: After how many batches these were; -1 before the first validation.
        losses: Losses of the batches since the last line of the log.
        finished: Whether the schedule is over.
        backbone: Origin of the backbone's initial weights; empty if they were random.
    """

    untrained: Recall
    best: Recall
    step: int = 0
    seconds: float = 0.0
    best_step: int = -1
    losses: tuple[float, ...] = ()
    finished: bool = False
    backbone: str = ""


@dataclass(frozen=True)
class RunState:
    """All that a run goes on from.

    Attributes:
        origin: What the run is: its recipe, its data, where its weights began.
        training: Steps, seconds and measurements so far.
        tensors: States of modules and optimisers by name, as their ``state_dict`` gives them.
        source: The state of the source of batches.
    """

    origin: Mapping[str, str]
    training: TrainingState
    tensors: Mapping[str, Mapping[str, Any]]
    source: Mapping[str, Tensor]


def write_run_state(state: RunState, folder: Path) -> None:
    """Write it whole or not at all: a kill leaves the one before."""
    document = {
        "origin": dict(state.origin),
        "standing": {**asdict(state.training), "losses": list(state.training.losses)},
        "tensors": {name: dict(each) for name, each in state.tensors.items()},
        "source": dict(state.source),
    }
    # To a stream: torch notes the name of a file in its bytes, and that of a draft is random.
    with (
        replacing(folder / CHECKPOINT_NAME, check=_check_whole) as draft,
        draft.open("wb") as stream,
    ):
        torch.save(document, stream)


def _check_whole(path: Path) -> None:
    """Find all tensors in a file, without reading them."""
    torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def read_run_state(folder: Path, origin: Mapping[str, str]) -> RunState:
    """The checkpoint of a folder, on the CPU.

    Args:
        folder: The model folder of the run.
        origin: Recipe, data and initial weights that the run must have.

    Raises:
        ModelError: if there is none, it cannot be read, or it is of another run.
    """
    path = folder / CHECKPOINT_NAME
    document = _read(path)
    found = document["origin"]
    if changed := [name for name in origin if found.get(name) != origin[name]]:
        raise ModelError(
            f"{path} is of another run: {', '.join(changed)} changed since; expected what it was "
            "written with; go on with that, or train into another -o",
            path=path,
        )
    standing = dict(document["standing"])
    for name in ("untrained", "best"):
        standing[name] = Recall(**standing[name])
    standing["losses"] = tuple(standing["losses"])
    return RunState(
        origin=found,
        training=TrainingState(**standing),
        tensors=document["tensors"],
        source=document["source"],
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        document = torch.load(path, map_location="cpu", weights_only=True)
        if set(document) >= {"origin", "standing", "tensors", "source"}:
            return dict(document)
        fault = "it holds something else"
    except FileNotFoundError as error:
        raise ModelError(
            f"there is no {path}; expected the checkpoint of an interrupted run; start it without "
            "--resume",
            path=path,
        ) from error
    except _UNREADABLE as error:
        fault = one_line(error, limit=100) if str(error) else "it is empty"
    raise ModelError(
        f"{path} cannot be read ({fault}); expected the checkpoint of an interrupted run; train "
        "anew into another -o",
        path=path,
    )
