"""The commands beside the pipeline say what they find and end with the right code."""

from __future__ import annotations

import h5py
import numpy as np

from slidesieve.cli.main import main


def test_doctor_looks_at_packages_openslide_and_disk(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["doctor", "--results", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    for words in ("torch ", "OpenSlide library", "GB free", "HF_HUB_OFFLINE=1"):
        assert words in said
    assert "hf_secret" not in said


def test_inspect_shows_a_file_and_fails_on_another(tmp_path, capsys):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["features"] = np.ones((3, 2), np.float16)
    (tmp_path / "b.h5").write_text("no HDF5")
    assert main(["inspect", str(tmp_path / "a.h5"), str(tmp_path / "b.h5")]) == 1
    said = capsys.readouterr()
    assert "features: float16 (3, 2)" in said.out
    assert "b.h5" in said.err
