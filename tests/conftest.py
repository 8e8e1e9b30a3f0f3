"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Tests run side by side, one a core: threads of torch and BLAS would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repo() -> Path:
    """Root of the checkout."""
    return REPO


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real slides, bags and splits; tests that need it skip elsewhere."""
    folder = Path(os.environ.get("SLIDESIEVE_SHARED_DATA", REPO.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            f"real data folder {folder} is absent; set SLIDESIEVE_SHARED_DATA to a copy of it"
        )
    return folder
