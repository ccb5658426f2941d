"""How fast a branch embeds in eager torch, compiled, and in ONNX Runtime, side by side.

    python tests/benchmarks/runtime.py clnet-aerial --view drone --batch 1 --batch 8

The ways take turns, round after round, so that whatever else the computer does meets all of them;
the ratio of two columns is worth more than the milliseconds. Prints figures, asserts none.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from geoloc.models.device import resolve_device
from geoloc.models.onnx_export import export_onnx, open_session
from geoloc.models.registry import load_model
from geoloc.options import OnnxOptions

_Way = Callable[[Tensor], Tensor]


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="clnet-aerial")
    parser.add_argument("--view", default="satellite")
    parser.add_argument("--batch", type=int, action="append", help="images a step; repeatable")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    device = resolve_device(chosen.device)
    ways = _ways(chosen.model, chosen.view, device, compiled=not chosen.no_compile)
    height_px, width_px = load_model(chosen.model).card.input_size(chosen.view)
    print(
        f"{chosen.model} {chosen.view} {height_px}x{width_px}, {device}, {chosen.threads} threads"
    )
    for count in chosen.batch or [1, 8]:
        images = torch.randn(count, 3, height_px, width_px, device=device)
        _report(count, ways, images, chosen.rounds)


def _ways(name: str, view: str, device: torch.device, *, compiled: bool) -> dict[str, _Way]:
    """Each way to embed, by its name."""
    network = load_model(name, device=device)
    ways: dict[str, _Way] = {"eager": lambda images: network(images, view)}
    if compiled:
        module = torch.compile(network, fullgraph=True)  # type: ignore[call-overload]
        ways["compiled"] = lambda images: module(images, view)
    if device.type == "cpu":
        folder = Path(tempfile.mkdtemp())
        export_onnx(name, folder, OnnxOptions(views=(view,)))
        session = open_session(folder / f"{view}.onnx")
        ways["onnxruntime"] = lambda images: torch.from_numpy(
            session.run(None, {"images": images.numpy()})[0]
        )
    return ways


def _report(count: int, ways: dict[str, _Way], images: Tensor, rounds: int) -> None:
    """One line a way: the median time, its ratio to eager's, and how far its vectors are off."""
    with torch.inference_mode():
        first = {}
        for name, embed in ways.items():
            began = time.perf_counter()
            vectors = embed(images)
            first[name] = time.perf_counter() - began
            difference = (vectors - ways["eager"](images)).abs().max().item()
            print(f"  batch {count}: {name:<12} first {first[name]:7.2f} s, off {difference:.1e}")
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, embed in ways.items():
                began = time.perf_counter()
                embed(images)
                if images.device.type == "cuda":
                    torch.cuda.synchronize()
                times[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in times.items()}
    best = {name: min(values) for name, values in times.items()}
    for name in ways:
        ratio = medians["eager"] / medians[name]
        print(
            f"  batch {count}: {name:<12} median {1000 * medians[name]:8.2f} ms, "
            f"best {1000 * best[name]:8.2f} ms, {ratio:5.2f} times eager's speed "
            f"(by the best {best['eager'] / best[name]:.2f})"
        )


if __name__ == "__main__":
    main()
