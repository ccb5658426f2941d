"""One process or several that train one network together.

Alone, nothing is started. Under ``torchrun`` or ``accelerate launch``, huggingface's accelerate
sets up the group, the device of each process and the averaging of gradients.
"""

from __future__ import annotations

import os
from typing import Any, Protocol, TypeVar, cast

import torch
from torch import Tensor, nn

from geoloc.learning.training.batch import WHOLE, Share
from geoloc.models.device import resolve_device

Value = TypeVar("Value")


class Processes(Protocol):
    """The processes of a run, seen from one of them.

    Attributes:
        share: Index of this process and number of all.
        device: Device that this process computes on.
    """

    share: Share
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this is the one that writes."""

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module, its gradients averaged over all processes in every backward pass."""

    def gather(self, rows: Tensor) -> Tensor:
        """The rows (B, ...) of all processes, in their order; gradients flow back to each."""

    def collect(self, value: Value) -> list[Value]:
        """Every process's value, in their order."""

    def any(self, flag: bool) -> bool:
        """Whether it is true in any of them."""


class OneProcess:
    """A run of its own."""

    share = WHOLE
    is_main = True

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module itself."""
        return module

    def gather(self, rows: Tensor) -> Tensor:
        """The rows themselves."""
        return rows

    def collect(self, value: Value) -> list[Value]:
        """The value alone."""
        return [value]

    def any(self, flag: bool) -> bool:
        """The flag itself."""
        return flag


class SeveralProcesses:
    """One of several that accelerate has brought together."""

    def __init__(self, device: str) -> None:
        from accelerate import Accelerator

        on_cpu = resolve_device(device).type == "cpu"
        # Precision is the trainer's business, the same with one process and with several.
        self._accelerator = Accelerator(cpu=on_cpu, mixed_precision="no")
        self.device: torch.device = self._accelerator.device
        self.share = Share(self._accelerator.process_index, self._accelerator.num_processes)

    @property
    def is_main(self) -> bool:
        """Whether this is the first process."""
        return self.share.index == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module in torch's DistributedDataParallel."""
        return cast(nn.Module, self._accelerator.prepare_model(module))

    def gather(self, rows: Tensor) -> Tensor:
        """The rows of all processes; each gets its own gradients back."""
        return cast(Tensor, _Gather.apply(rows, self._accelerator, self.share))

    def collect(self, value: Value) -> list[Value]:
        """Every process's value, pickled on its way."""
        values: list[Value | None] = [None] * self.share.count
        torch.distributed.all_gather_object(values, value)
        return cast("list[Value]", values)

    def any(self, flag: bool) -> bool:
        """Whether it is true in any of them."""
        flags = torch.tensor([float(flag)], device=self.device)
        return bool(cast(Tensor, self._accelerator.reduce(flags, reduction="sum")) > 0)


class _Gather(torch.autograd.Function):
    """All processes' rows; backwards, this process's rows of the gradient.

    Every process computes the same loss of all rows, and afterwards gradients of parameters are
    averaged. The share that each row adds to the one loss is whole only if its gradient is
    multiplied by the number of processes first.

    ``torch.distributed.nn.functional.all_gather`` gives the same gradients, but sends all of them
    through the group once more, and newer versions of torch deprecate it.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, accelerator: Any, share: Share) -> Tensor:
        ctx.share = share
        return cast(Tensor, accelerator.gather(rows.contiguous()))

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None, None]:
        (whole,) = gradients
        own = whole[ctx.share.rows(len(whole))]
        return own * ctx.share.count, None, None


def open_processes(device: str) -> Processes:
    """The processes that this one was started with.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; ``cuda`` of several processes is
            one GPU each.

    Raises:
        DependencyError: There is no such device here.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return SeveralProcesses(device)
    return OneProcess(resolve_device(device))


def is_main_process() -> bool:
    """Whether this is the main process, known before anything is started."""
    return int(os.environ.get("RANK", "0")) == 0
