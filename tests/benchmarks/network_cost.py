"""What CLNet costs at each step of its ablation, beside others: prints Markdown, asserts nothing.

Parameters, and multiply-adds of the convolutions and matrix products for one pair of images, which
is what papers of this field print as FLOPs. Nothing is computed: the networks have shapes only.
Elementwise work is not counted, as is the custom, except that of GFR, which is what is asked here:
one multiplication for each feature.

    python tests/benchmarks/network_cost.py
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from geoloc.image_size import ImageSize
from geoloc.models.clnet_presets import AblationStep, CLNetSize, ablation_options, clnet_options
from geoloc.models.conversion.catalogue import DATA_SETS
from geoloc.models.nets.clnet import CLNet, CLNetOptions
from geoloc.models.nets.mean import MEAN
from geoloc.models.nets.siamese import Siamese, SiameseOptions
from geoloc.models.view import View
from geoloc.options import DataSet

PAPER_SAVING = 0.68
TASKS: tuple[DataSet, ...] = ("cvusa", "vigor", "university1652")
SIZES: tuple[CLNetSize, ...] = ("tiny", "base")
OTHER_SIZES = ("nano", "tiny", "small", "base", "large")
_SATELLITE: View = "satellite"


class Cost(NamedTuple):
    """Parameters, and multiply-adds of a pair of images."""

    parameters: int
    macs: int


@dataclass(frozen=True)
class Row:
    """One line of the report."""

    name: str
    task: DataSet
    cost: Cost


def main() -> None:
    """Count and print."""
    print("| network | data set | parameters (M) | multiply-adds of a pair (G) | less than Base |")
    print("|---|---|---:|---:|---:|")
    for task in TASKS:
        base = siamese_cost("convnext_base", task)
        for row in rows(task):
            saved = 1 - row.cost.macs / base.macs
            print(
                f"| {row.name} | {DATA_SETS[task].title} | {row.cost.parameters / 1e6:.2f} "
                f"| {row.cost.macs / 1e9:.2f} | {saved:.1%} |"
            )
    print("\nDAC states 96.50 M and 90.24 G, the latter being a bare ConvNeXt-Base's.\n")
    _print_readings()


def rows(task: DataSet) -> list[Row]:
    """All networks for the images of one data set."""
    found = [
        Row("Sample4Geo (ConvNeXt-Base)", task, siamese_cost("convnext_base", task)),
        Row("Siamese ConvNeXt-Tiny", task, siamese_cost("convnext_tiny", task)),
    ]
    if DATA_SETS[task].view == "drone":
        found.append(Row("MEAN, in training", task, mean_training_cost(task)))
        found.append(Row("MEAN, at test time", task, siamese_cost("convnext_tiny", task)))
    for size in SIZES:
        found += [
            Row(f"CLNet-{size}: {name}", task, cost) for name, cost in ablation_costs(size, task)
        ]
    return found


@cache
def ablation_costs(size: CLNetSize, task: DataSet) -> list[tuple[str, Cost]]:
    """The steps of the ablation, and the last of them as it is searched with."""
    options = clnet_options(size, task)
    names: dict[AblationStep, str] = {
        "backbone": "backbone",
        "maps": "+ maps and GFR",
        "nec": "+ NEC",
    }
    found = [
        (name, clnet_cost(ablation_options(options, step), task)) for step, name in names.items()
    ]
    folded = clnet_cost(options, task, fold=True)
    kept = folded.parameters - _size(_on_meta(options).converters) + _satellite_cells(options)
    return [*found, ("+ NEC, folded", Cost(kept, folded.macs))]


@cache
def siamese_cost(backbone: str, task: DataSet) -> Cost:
    """Cost of Sample4Geo's network, or of any other that is nothing but its backbone."""
    with torch.device("meta"):
        network = Siamese(SiameseOptions(backbone)).requires_grad_(False)
    return Cost(_size(network), pair_macs(network, task))


def mean_training_cost(task: DataSet) -> Cost:
    """Cost of MEAN with its branches."""
    with torch.device("meta"):
        network = MEAN().eval()  # batch statistics of one image there are none
    images = DATA_SETS[task]
    macs = _count(lambda: network.forward_training(_images(images.size_px)))
    macs += _count(lambda: network.forward_training(_images(images.satellite_size_px)))
    return Cost(_size(network), macs)


def clnet_cost(options: CLNetOptions, task: DataSet, *, fold: bool = False) -> Cost:
    """Cost of a CLNet; the features' multiplications in GFR are added."""
    network = _on_meta(options)
    if fold:
        network.fold()
    return Cost(_size(network), pair_macs(network, task) + gfr_multiplications(network, task))


def gfr_multiplications(network: CLNet, task: DataSet) -> int:
    """One for each feature of each level that has a map, of both images."""
    images = DATA_SETS[task]
    return sum(
        network.channels[level] * (height_px // 2 ** (level + 2)) * (width_px // 2 ** (level + 2))
        for height_px, width_px in (images.size_px, images.satellite_size_px)
        for level in network.options.levels
    )


def pair_macs(network: Any, task: DataSet) -> int:
    """Multiply-adds for one image of each view."""
    images = DATA_SETS[task]
    return _count(lambda: network(_images(images.size_px), images.view)) + _count(
        lambda: network(_images(images.satellite_size_px), _SATELLITE)
    )


def _count(run: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() // 2


def _images(size_px: ImageSize) -> torch.Tensor:
    return torch.empty(1, 3, *size_px, device="meta")


def _on_meta(options: CLNetOptions) -> CLNet:
    with torch.device("meta"):
        return CLNet(options).eval().requires_grad_(False)


def _size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _satellite_cells(options: CLNetOptions) -> int:
    """Numbers of the folded maps, which take the place of the converters."""
    channels = _on_meta(options).channels
    return sum(channels[level] * options.satellite_grid.cells for level in options.levels)


def _print_readings() -> None:
    """What could be about 68 % less than what."""
    print(f"The paper claims about {PAPER_SAVING:.0%} fewer FLOPs than a baseline, which one the")
    print("sources do not say. What the counts above say:\n")
    for task in TASKS:
        whole, base = (
            dict(ablation_costs("tiny", task))["+ NEC"],
            siamese_cost("convnext_base", task),
        )
        room = (1 - PAPER_SAVING) * base.macs - siamese_cost("convnext_tiny", task).macs
        print(
            f"- {DATA_SETS[task].title}: CLNet-tiny needs {1 - whole.macs / base.macs:.1%} fewer "
            f"multiply-adds than Sample4Geo, and {1 - whole.parameters / base.parameters:.1%} "
            f"fewer parameters. A saving of {PAPER_SAVING:.0%} would leave {room / 1e9:.2f} G for "
            "what is more than the backbone."
        )
    sizes = {name: siamese_cost(f"convnext_{name}", "university1652") for name in OTHER_SIZES}
    pairs = [
        f"{small} against {large} {1 - sizes[small].macs / sizes[large].macs:.0%}"
        for small, large in combinations(OTHER_SIZES, 2)
    ]
    print(f"- Multiply-adds of any two ConvNeXts at 384x384: {', '.join(pairs)}.")


if __name__ == "__main__":
    main()
