"""Every job that writes a folder: while another run writes there, it is refused, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from geoloc.errors import OutputBusyError
from geoloc.index.job import build_index
from geoloc.learning.adapt import adapt_model
from geoloc.learning.pairing.job import make_pairs
from geoloc.learning.training.job import train_model
from geoloc.models.conversion.job import ImportOptions, import_model
from geoloc.models.onnx_export import export_onnx
from geoloc.options import TileOptions
from geoloc.storage.lock import locked_file, locked_folder
from geoloc.synthetic.crossview.job import fabricate_crossview
from geoloc.synthetic.demo.job import run_demo
from geoloc.synthetic.options import DemoOptions
from geoloc.tiles.job import cut_tiles
from tests.fixtures.indexes import write_map, write_tiles
from tests.fixtures.locks import held_elsewhere

NOWHERE = Path("nowhere")


def _tile(folder: Path, out: Path) -> object:
    raster = write_map(folder / "a.tif", columns=1, rows=1)
    return cut_tiles([str(raster)], out, TileOptions(ground_sizes_m=(64.0,), size_px=64))


def _index(folder: Path, out: Path) -> object:
    return build_index(write_tiles(folder / "t", write_map(folder / "a.tif")), out)


JOBS: dict[str, Callable[[Path, Path], object]] = {
    "tile": _tile,
    "index": _index,
    "train": lambda _, out: train_model("local-aerial", NOWHERE, out),
    "adapt": lambda _, out: adapt_model(NOWHERE, out),
    "pairs": lambda _, out: make_pairs([NOWHERE], ["nowhere.tif"], out),
    "fabricate": lambda _, out: fabricate_crossview(out),
    "demo": lambda _, out: run_demo(DemoOptions(out)),
    "import": lambda _, out: import_model(
        NOWHERE, out, ImportOptions(project="sample4geo", name="x", data_set="cvusa")
    ),
    "onnx": lambda _, out: export_onnx("nowhere", out),
}


@pytest.mark.parametrize("job", JOBS)
def test_a_second_run_in_a_folder_is_refused(tmp_path: Path, job: str) -> None:
    out = tmp_path / "out"
    lock = locked_file if job == "pairs" else locked_folder
    with held_elsewhere(lock, out) as holder:
        with pytest.raises(
            OutputBusyError, match=r"another geoloc writes to .*out; wait"
        ) as caught:
            JOBS[job](tmp_path, out)
        assert caught.value.exit_code == 2
        assert not [path for path in out.rglob("*") if path.name != ".geoloc.lock"]
        holder.kill()
        holder.communicate()
