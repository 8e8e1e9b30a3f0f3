"""Studies whose plan is looked at; nothing of them exists but their sheets."""

from __future__ import annotations

import pytest

from helpers.small_study import SLIDES, small_dataset, small_sheet, small_study
from slidesieve.config.study import Study


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    """Run where the paths of a study, which are relative, find nothing."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sheet(tmp_path) -> str:
    """A sheet of six slides, s0 to s5."""
    return small_sheet(tmp_path / "slides.csv")


@pytest.fixture
def study(sheet) -> Study:
    """One dataset, `toy`, of six slides."""
    return small_study({"toy": small_dataset(sheet)})


@pytest.fixture
def ready(sheet, tmp_path) -> Study:
    """One dataset, `ready`, of features that lie in a folder of their own."""
    (tmp_path / "uni").mkdir()
    for slide in SLIDES:
        (tmp_path / "uni" / f"{slide}.pt").touch()
    settings = {
        "features": str(tmp_path / "uni"),
        "labels": sheet,
        "encoder": "uni",
        "classes": ["benign", "tumour"],
        "folds": {"k": 2},
    }
    return small_study({"ready": settings})
