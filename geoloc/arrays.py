"""Array types: what an annotation says of dtype; docstrings say the shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
Float32Array = NDArray[np.float32]
Float16Array = NDArray[np.float16]
# Of any precision.
FloatArray = NDArray[np.floating]
Int64Array = NDArray[np.int64]
Int32Array = NDArray[np.int32]
# Booleans: which pixels are valid, which rows are meant.
Mask = NDArray[np.bool_]
# (H, W, 3) uint8, red first.
RgbImage = NDArray[np.uint8]
# (N, H, W, 3) uint8.
RgbBatch = NDArray[np.uint8]
# (H, W) uint8.
GreyImage = NDArray[np.uint8]
# Any other uint8: descriptors, patches, rows of colours.
ByteArray = NDArray[np.uint8]
AnyArray = NDArray[Any]
