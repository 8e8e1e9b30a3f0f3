"""The content of an HDF5 file, for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from slidesieve.store import hdf5

_BLOCK_ROWS = 65536


def describe(path: Path) -> Iterator[str]:
    """Yield the lines of a description: attributes, shapes, statistics, NaNs.

    Raises:
        ContractError: The file cannot be opened as HDF5.
    """
    with hdf5.open_read(path) as file:
        yield f"{path}  ({path.stat().st_size / 1e6:.2f} MB)"
        yield from _attribute_lines(file)
        names: list[str] = []
        file.visit(names.append)
        for name in names:
            node = file[name]
            if isinstance(node, h5py.Dataset):
                yield from _dataset_lines(name, node)
            else:
                yield f"  {name}/"
                yield from _attribute_lines(node)


def _dataset_lines(name: str, dataset: h5py.Dataset) -> Iterator[str]:
    layout = f"chunks {dataset.chunks}" if dataset.chunks else "contiguous"
    if dataset.compression:
        layout += f", {dataset.compression}"
    yield f"  {name}: {dataset.dtype} {dataset.shape}, {layout}"
    if dataset.size and np.issubdtype(dataset.dtype, np.number):
        yield f"    {_statistics(dataset)}"
    yield from _attribute_lines(dataset, indent="    ")


def _statistics(dataset: h5py.Dataset) -> str:
    low, high, total, count, n_nan, n_inf = np.inf, -np.inf, 0.0, 0, 0, 0
    for block in _blocks(dataset):
        finite = np.isfinite(block)
        n_nan += int(np.isnan(block).sum())
        n_inf += int(np.isinf(block).sum())
        values = block[finite]
        if values.size:
            low, high = min(low, values.min()), max(high, values.max())
            total += float(values.sum(dtype=np.float64))
            count += values.size
    mean = total / count if count else float("nan")
    return f"min {low:.6g}  mean {mean:.6g}  max {high:.6g}  NaN {n_nan}  Inf {n_inf}"


def _blocks(dataset: h5py.Dataset) -> Iterator[np.ndarray]:
    if dataset.ndim == 0:
        yield np.asarray(dataset[()])[None]
        return
    for start in range(0, len(dataset), _BLOCK_ROWS):
        yield dataset[start : start + _BLOCK_ROWS]


def _attribute_lines(node: h5py.Group | h5py.Dataset, indent: str = "  ") -> Iterator[str]:
    for key, value in sorted(hdf5.plain_attributes(node).items()):
        yield f"{indent}@{key} = {value!r}"
