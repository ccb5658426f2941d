"""ONNX export of a model's branches, for computers without torch.

Each view becomes one file, ``<view>.onnx``: normalised images in, vectors of unit length out, the
satellite's maps folded in. What has to be done to pixels beforehand stands in the file's own
metadata, in ``onnx.json`` and, for a person, in ``README.md``. No file is kept whose vectors ONNX
Runtime computes otherwise than torch does.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from geoloc.errors import DependencyError, ModelError, OptionError, OutputExistsError, one_line
from geoloc.models.card import ModelCard, check_embeds_images
from geoloc.models.registry import LoadedModel, load_model
from geoloc.models.weights import sha256_of
from geoloc.options import OLDEST_OPSET, OnnxOptions
from geoloc.progress import Progress, Silent
from geoloc.storage.atomic import remove_drafts, replacing, write_text
from geoloc.storage.lock import locked_folder

INPUT_NAME, OUTPUT_NAME = "images", "vectors"
CARD_FILE, README_FILE = "onnx.json", "README.md"
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
# What a vector of unit length may differ by, at most, in any of its numbers.
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Branch:
    """One exported file.

    Attributes:
        view: View whose images it embeds.
        file: Its name in the folder.
        sha256: Its checksum.
        size_bytes: Its length.
        height_px: Rows of its input.
        width_px: Columns of its input.
        difference: The largest difference between ONNX Runtime's numbers and torch's.
        batches: The numbers of images that it was compared with.
    """

    view: str
    file: str
    sha256: str
    size_bytes: int
    height_px: int
    width_px: int
    difference: float
    batches: tuple[int, ...]


@dataclass(frozen=True)
class OnnxSummary:
    """What an export has written."""

    folder: Path
    branches: tuple[Branch, ...]


def export_onnx(
    name_or_path: str | Path,
    folder: Path,
    options: OnnxOptions | None = None,
    *,
    progress: Progress | None = None,
) -> OnnxSummary:
    """Write a model's branches as ONNX files and compare each with torch.

    Args:
        name_or_path: The name of a bundled model or a model folder.
        folder: Folder to write.
        options: Views, opset and batch.
        progress: Listener for each branch.

    Raises:
        DependencyError: A package that this needs is not installed.
        ModelError: The model cannot be loaded, has no such view or sees several crops of a tile,
            torch cannot write it with these operators, or what was written computes something
            else.
        OptionError: The operators are older than torch writes.
        OutputExistsError: A file exists already.
        OutputBusyError: Another run writes there.
    """
    options, progress = options or OnnxOptions(), progress or Silent()
    _require_packages()
    if options.opset < OLDEST_OPSET:
        raise OptionError(
            f"--opset {options.opset} is too old; expected {OLDEST_OPSET} or newer, which is "
            "what torch's exporter writes"
        )
    with locked_folder(folder):
        return _export(load_model(name_or_path), folder, options, progress)


def _export(
    model: LoadedModel, folder: Path, options: OnnxOptions, progress: Progress
) -> OnnxSummary:
    """Write all branches, then what describes them."""
    check_embeds_images(model.card)
    _check_plain_images(model.card)
    views = options.views or model.card.views
    for view in views:
        model.card.input_size(view)  # an unknown view fails before anything takes time
    _make_room(folder, views, overwrite=options.overwrite)
    progress.start("exporting the model", len(views), "branches")
    branches = []
    for view in views:
        branches.append(_export_branch(model, view, folder=folder, options=options))
        progress.advance()
    _write_cards(folder, model.card, branches, options)
    return OnnxSummary(folder, tuple(branches))


def _check_plain_images(card: ModelCard) -> None:
    """Refuse a network whose inputs are more than images that were resized."""
    if card.crops is not None or card.ground_fit == "letterbox":
        raise ModelError(
            f"model {card.name} sees a tile in several crops and a photo on black, which the "
            "exported files cannot say; expected a model that takes one resized image; run this "
            "one with torch",
            path=card.folder,
        )


def _require_packages() -> None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"{' and '.join(missing)} not installed; expected {', '.join(_PACKAGES)}; "
            'run: pip install "geoloc-cli[onnx]"'
        )


def _make_room(folder: Path, views: tuple[str, ...], *, overwrite: bool) -> None:
    names = [*(f"{view}.onnx" for view in views), CARD_FILE]
    taken = next((folder / name for name in names if (folder / name).exists()), None)
    if taken is not None and not overwrite:
        raise OutputExistsError(
            f"{taken} exists; expected a new folder; pass --overwrite or another -o", path=taken
        )
    remove_drafts(folder)


class _OneView(nn.Module):
    """A network of which one view is left: images in, vectors out, as ONNX has it."""

    def __init__(self, network: nn.Module, view: str) -> None:
        super().__init__()
        self.network, self.view = network, view

    def forward(self, images: Tensor) -> Tensor:
        """Unit vectors (B, dimension) of normalised images (B, 3, H, W)."""
        return cast(Tensor, self.network(images, self.view))


def _export_branch(model: LoadedModel, view: str, *, folder: Path, options: OnnxOptions) -> Branch:
    """Write, compare, and only then give the file its name."""
    height_px, width_px = model.card.input_size(view)
    batches = (1, 3) if options.dynamic_batch else (1,)
    images = torch.randn(
        max(batches), 3, height_px, width_px, generator=torch.Generator().manual_seed(1)
    )
    branch = _OneView(model.eval(), view).eval()
    program = _translate(branch, images, options=options, card=model.card)
    program.model.metadata_props.update(_metadata(model.card, view))
    path = folder / f"{view}.onnx"
    with replacing(path) as draft:
        program.save(str(draft), external_data=False)
        difference = _difference(branch, draft, images, batches)
        if not difference <= _TOLERANCE:
            raise ModelError(
                f"the {view} branch of {model.card.name} differs by {difference:.2g} in ONNX "
                f"Runtime; expected at most {_TOLERANCE:g}; try another --opset",
                path=model.card.folder,
            )
    length = path.stat().st_size
    return Branch(
        view, path.name, sha256_of(path), length, height_px, width_px, difference, batches
    )


def _translate(branch: nn.Module, images: Tensor, *, options: OnnxOptions, card: ModelCard) -> Any:
    """The program in ONNX; its type belongs to torch and changes with it."""
    example = images if options.dynamic_batch else images[:1]
    batch = {0: torch.export.Dim("batch")} if options.dynamic_batch else None
    try:
        return torch.onnx.export(
            branch,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=options.opset,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_shapes=(batch,),
        )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"torch cannot write {card.name} ({card.architecture}, {card.backbone}) in ONNX with "
            f"operators {options.opset}: {one_line(error, limit=200)}; expected a network "
            "that torch.export takes; try another --opset",
            path=card.folder,
        ) from error


def _difference(branch: nn.Module, path: Path, images: Tensor, batches: tuple[int, ...]) -> float:
    """The largest between ONNX Runtime and torch, over all batches; nan if a number is none."""
    session = open_session(path)
    differences = []
    for count in batches:
        with torch.inference_mode():
            expected = branch(images[:count])
        (found,) = session.run(None, {INPUT_NAME: images[:count].numpy()})
        differences.append((torch.from_numpy(found) - expected).abs().max())
    return float(torch.stack(differences).max())


def open_session(path: Path) -> Any:
    """An ONNX file, ready to run on the processor (``onnxruntime.InferenceSession``)."""
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # it warns of every constant that nothing uses
    # As many threads as torch takes, so that both can be compared.
    options.intra_op_num_threads = torch.get_num_threads()
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _metadata(card: ModelCard, view: str) -> dict[str, str]:
    """What a program on a drone must know, as the texts that ONNX keeps."""
    height_px, width_px = card.input_size(view)
    facts: dict[str, object] = {
        "model": card.name,
        "view": view,
        "weights_sha256": card.weights_sha256,
        "dimension": card.dimension,
        "height_px": height_px,
        "width_px": width_px,
        "mean": card.mean,
        "std": card.std,
        "tile_ground_size_m": card.tile_ground_size_m,
    }
    return {
        f"geoloc.{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in facts.items()
    }


def _write_cards(
    folder: Path, card: ModelCard, branches: list[Branch], options: OnnxOptions
) -> None:
    document: dict[str, object] = {
        "model": card.name,
        "architecture": card.architecture,
        "backbone": card.backbone,
        "weights_sha256": card.weights_sha256,
        "dimension": card.dimension,
        "tile_ground_size_m": card.tile_ground_size_m,
        "mean": card.mean,
        "std": card.std,
        "opset": options.opset,
        "dynamic_batch": options.dynamic_batch,
        "branches": [asdict(branch) for branch in branches],
    }
    readme = _readme(card, branches, dynamic_batch=options.dynamic_batch)
    write_text(folder / README_FILE, readme)
    write_text(folder / CARD_FILE, json.dumps(document, indent=2) + "\n")


def _readme(card: ModelCard, branches: list[Branch], *, dynamic_batch: bool) -> str:
    rows = [
        f"| `{each.file}` | {each.view} | N x 3 x {each.height_px} x {each.width_px} "
        f"| {each.size_bytes / 1e6:.1f} MB | {each.difference:.1e} |"
        for each in branches
    ]
    count = "any number" if dynamic_batch else "1"
    return _README.format(card=card, first=branches[0], rows="\n".join(rows), count=count)


_README = """\
# {card.name} in ONNX

Weights `{card.weights_sha256}`.

| file | view | input `images` (N: {count}) | size | largest difference from torch |
|---|---|---|---|---|
{rows}

Input: RGB, resized by areas to the size of the table, divided by 255, less the mean, over the
standard deviation; float32, channels first. Output `vectors`: N x {card.dimension}, float32,
of unit length. The cosine of two pictures is the dot product of their vectors.

```python
import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession("{first.file}", providers=["CPUExecutionProvider"])
picture = Image.open("picture.png").convert("RGB")
picture = picture.resize(({first.width_px}, {first.height_px}), Image.Resampling.BOX)
mean, std = np.array({card.mean}), np.array({card.std})
pixels = (np.asarray(picture) / 255 - mean) / std
images = np.moveaxis(pixels, -1, 0)[None].astype(np.float32)
(vectors,) = session.run(None, {{"images": images}})
```
"""
