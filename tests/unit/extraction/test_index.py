"""A ready-made features file that cannot be used is a failed slide, and stops no other."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest

from slidesieve.errors import ContractError
from slidesieve.extraction.index import header_of_ready, index_features
from slidesieve.store.features import FeatureSet, write_features


def write(path, values):
    with h5py.File(path, "w") as file:
        file["features"] = values


@pytest.mark.parametrize(
    ("folder", "words"),
    [("one_nan", "tokens hold NaN or Inf"), ("one_truncated", "cannot be opened as HDF5")],
)
def test_one_damaged_file_of_a_folder_is_quarantined(shared_data, folder, words):
    files = {p.stem: p for p in (shared_data / f"field_cases/features/{folder}").glob("*.h5")}
    index = index_features(sorted(files), files, header_of_ready)
    failed = index[index["status"] != "ok"]
    assert len(failed) == 1
    (reason,) = failed["reason"]
    assert words in reason
    assert f"{failed['slide_id'].item()}.h5" in reason
    assert (index["status"] == "ok").sum() == 7


def test_numbers_too_large_for_single_precision_are_not_finite(tmp_path):
    write(tmp_path / "a.h5", np.full((3, 2), 1e300))
    header = header_of_ready(tmp_path / "a.h5")
    assert (header.status, "3 of 3 tokens hold NaN or Inf" in header.reason) == ("failed", True)


def test_a_file_of_ours_that_changed_is_quarantined(tmp_path):
    features = FeatureSet("a", np.ones((3, 2), np.float16), np.zeros((3, 2), np.int64))
    write_features(tmp_path / "a.h5", features)
    assert header_of_ready(tmp_path / "a.h5").status == "ok"
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["features"][0, 0] = 2
    assert "does not hold what was written" in header_of_ready(tmp_path / "a.h5").reason


def test_the_same_values_are_the_same_content_in_any_form(tmp_path):
    values = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float16)
    write(tmp_path / "a.h5", values)
    write(tmp_path / "b.h5", values.astype(np.float64)[None])
    a, b = (header_of_ready(tmp_path / name).features_sha256 for name in ("a.h5", "b.h5"))
    assert a == b


def test_widths_that_differ_name_a_file_of_each_and_how_many(tmp_path):
    for name, width in (("a", 2), ("b", 3), ("c", 3)):
        write(tmp_path / f"{name}.h5", np.ones((3, width)))
    paths = {name: tmp_path / f"{name}.h5" for name in "abc"}
    with pytest.raises(ContractError, match=r"a\.h5 and .*b\.h5 differ in width \(2 and 3; 1, 2"):
        index_features(list(paths), paths, header_of_ready)


def test_a_pipe_is_not_waited_for_and_a_broken_link_is_named(tmp_path):
    os.mkfifo(tmp_path / "a.h5")
    (tmp_path / "b.h5").symlink_to("nowhere.h5")
    assert "it is a named pipe" in header_of_ready(tmp_path / "a.h5").reason
    assert "cannot be opened" in header_of_ready(tmp_path / "b.h5").reason
