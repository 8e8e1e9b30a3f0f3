"""Endings of files that features are read from."""

from __future__ import annotations

HDF5_ENDINGS = (".h5", ".hdf5")
TENSOR_ENDINGS = (".pt", ".pth")
CSV_ENDINGS = (".csv",)
PLAIN_ENDINGS = (*TENSOR_ENDINGS, *CSV_ENDINGS)
"""Files of numbers alone, which say nothing of encoder, tiles or slide."""

FEATURE_ENDINGS = (*HDF5_ENDINGS, *PLAIN_ENDINGS)
