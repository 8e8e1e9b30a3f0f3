"""Features that stay in their file until they are used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from slidesieve.store.features import read_features


@dataclass(frozen=True)
class StoredFeatures:
    """Stands in for an array of features; every use reads the file anew.

    Attributes:
        path: The features file.
        shape: (N, D).
        dtype: float16 or float32.
    """

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray:
        """Read the file, as numpy asks for it."""
        return read_features(self.path).features.astype(dtype or self.dtype, copy=False)
