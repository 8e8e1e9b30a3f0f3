"""A copy of a slide under another patient stops the run before anything is encoded."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest

from helpers.runner import Study
from helpers.toy_cohort import make_toy, write_sheet

pytestmark = pytest.mark.slow


def test_a_copied_slide_is_refused_by_name_before_encoding(tmp_path):
    study = Study(tmp_path)
    make_toy(study)
    shutil.copy(tmp_path / "slides/s1.svs", tmp_path / "slides/s3.svs")
    failed = study.snakemake("results/toy/features/colour_texture.csv", check=False)
    assert failed.code != 0
    assert "s1 (patient P1, tumour), s3 (patient P3, tumour) hold the same" in failed.text
    assert not failed.rules["features"]


def test_copied_features_are_refused_whatever_their_form(tmp_path):
    study = Study(tmp_path)
    (tmp_path / "h5").mkdir()
    rows = []
    for number in range(4):
        values = np.random.default_rng(number % 3).normal(size=(9, 4)).astype(np.float16)
        with h5py.File(tmp_path / f"h5/s{number}.h5", "w") as file:
            file["features"] = values if number < 3 else values[None].astype(np.float32)
        label = "ab"[number % 2]
        rows.append({"slide_id": f"s{number}", "patient_id": f"P{number}", "label": label})
    write_sheet(tmp_path / "labels.csv", rows)
    mine = {"features": "h5", "labels": "labels.csv", "classes": ["a", "b"], "folds": {"k": 2}}
    study.write_config({"datasets": {"mine": mine}, "models": {"mean": {"aggregator": "mean"}}})
    failed = study.snakemake("results/mine/features/provided.csv", check=False)
    assert failed.code != 0
    assert "the features files of s0 (patient P0, a), s3 (patient P3, b) hold" in failed.text
