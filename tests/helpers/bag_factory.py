"""Made-up bags for tests of models and training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slidesieve.bags import Bag


def random_bags(
    lengths: Sequence[int], dim: int = 8, n_classes: int = 2, seed: int = 0
) -> list[Bag]:
    """Bags of given lengths with labels in turn and tiles of 256 px in raster order."""
    rng = np.random.default_rng(seed)
    bags = []
    for i, length in enumerate(lengths):
        row, column = np.divmod(np.arange(length), 5)
        coords = np.stack([column, row], axis=1) * 256 + i
        features = rng.standard_normal((length, dim)).astype(np.float32)
        bags.append(Bag(f"s{i}", f"p{i}", i % n_classes, features, coords))
    return bags


def planted_bags(n_slides: int, seed: int) -> list[Bag]:
    """Slides of 40 tokens; one token of every slide of class 1 lies far out along two axes.

    Each slide as a whole is shifted at random along one of these axes, so that the mean token says
    little about the class.
    """
    rng = np.random.default_rng(seed)
    bags = []
    for i in range(n_slides):
        features = rng.standard_normal((40, 8)).astype(np.float32)
        features[:, 0] += 3 * rng.standard_normal()
        features[:, 1] += 3 * rng.standard_normal()
        if i % 2:
            features[rng.integers(40), 1:3] += 6
        coords = np.zeros((40, 2), dtype=np.int64)
        bags.append(Bag(f"seed{seed}_{i}", f"seed{seed}_{i}", i % 2, features, coords))
    return bags


def placed_bag(
    cells: Sequence[tuple[int, int]], seed: int = 0, dim: int = 8, dtype: type = np.float32
) -> Bag:
    """A bag of random features whose tiles of 256 px lie at (column, row) of a grid."""
    features = np.random.default_rng(seed).standard_normal((len(cells), dim)).astype(dtype)
    coords = np.array(cells, dtype=np.int64) * 256
    return Bag(f"s{seed}", f"p{seed}", seed % 3, features, coords, stated_pitch=256)
